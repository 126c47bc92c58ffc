//! The user's page of the apps that have access: what each may do, since when and until when, and a button that ends it.
//!
//! SMART App Launch 2.2, `management_endpoint`: <https://hl7.org/fhir/smart-app-launch/conformance.html#metadata>

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::authorize::{flow, respond, sign_in};
use crate::config::Client;
use crate::defect::Defect;
use crate::fhir::people;
use crate::form::{Parameters, encode};
use crate::identity_provider;
use crate::page;
use crate::scope::plain_words::meaning;
use crate::state::AppState;
use crate::store::granted::Granted;
use crate::store::session::{Session, SignedIn};

/// Where the page stands.
pub(crate) const PATH: &str = "/auth/apps";

/// Where its sign-in form goes.
pub(crate) const SIGN_IN: &str = "/auth/apps/sign-in";

#[derive(Template)]
#[template(path = "granted_apps.html")]
struct Page<'a> {
    username: &'a str,
    csrf: &'a str,
    apps: Vec<App>,
    ended: Option<&'a str>,
}

struct App {
    client_id: String,
    name: String,
    allows: Vec<Allowed>,
    patients: Vec<String>,
    since: String,
    until: String,
}

#[derive(PartialEq, Eq)]
struct Allowed {
    meaning: String,
    scope: String,
}

/// `GET /auth/apps`
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let defects = state.defects();
    if defects.has(Defect::ManagementEndpoint404) {
        return respond::error_page(&state, StatusCode::NOT_FOUND, "not_found", None);
    }
    if defects.has(Defect::ManagementEndpointJson) {
        return ([(CONTENT_TYPE, "application/json")], "{\"applications\":[]}").into_response();
    }
    let (cookie, session, is_new) = flow::session_or_new(&state, &headers);
    let mut response = match &session.signed_in {
        Some(signed_in) => {
            let ended = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
            let ended = ended.filled("ended").and_then(|id| state.client(id));
            list(&state, &cookie, signed_in, ended.as_deref())
        }
        None => match &state.config().identity_provider {
            Some(provider) => identity_provider::begin_for_granted_apps(&state, provider, &session).await,
            None => ask(&state, &cookie, None),
        },
    };
    if is_new {
        flow::set_cookie(&state, &mut response, &cookie);
    }
    response
}

/// `POST /auth/apps/sign-in`
pub(crate) async fn submit_sign_in(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let (cookie, _, form) = match arrive(&state, &headers, &body) {
        Ok(arrived) => arrived,
        Err(why) => return flow::stray(&state, why),
    };
    if state.config().identity_provider.is_some() {
        return flow::go(&state, PATH);
    }
    let text = |name| form.get(name).unwrap_or_default();
    let Some(user) = sign_in::user_of(&state, text("username"), text("password")) else {
        return ask(&state, &cookie, Some("User name or password is wrong."));
    };
    let signed_in = SignedIn {
        username: user.username.clone(),
        at: state.now(),
        at_provider: None,
    };
    let renewed = state.chance().token::<32>();
    if state
        .store()
        .sign_in(&cookie, renewed.clone(), signed_in, state.now())
        .is_none()
    {
        return flow::stray(&state, "This session ended while its form was on the way. Try again.");
    }
    let mut response = flow::go(&state, PATH);
    flow::set_cookie(&state, &mut response, &renewed);
    response
}

/// `POST /auth/apps`: ends the access of one app.
pub(crate) async fn end_access(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let (cookie, session, form) = match arrive(&state, &headers, &body) {
        Ok(arrived) => arrived,
        Err(why) => return flow::stray(&state, why),
    };
    let Some(signed_in) = session.signed_in else {
        if state.config().identity_provider.is_some() {
            return flow::go(&state, PATH);
        }
        return ask(&state, &cookie, None);
    };
    let Some(client_id) = form.filled("client") else {
        return flow::stray(&state, "The form names no app.");
    };
    state.store().end_access(&signed_in.username, client_id, state.now());
    flow::go(&state, &format!("{PATH}?ended={}", encode(client_id)))
}

/// The browser that sends a form of ours, and the form.
fn arrive(state: &AppState, headers: &HeaderMap, body: &[u8]) -> Result<(String, Session, Parameters), &'static str> {
    let form = Parameters::parse(body).map_err(|_| "What the browser sent is not UTF-8.")?;
    let (cookie, session) = flow::session_of(state, headers, state.now())
        .ok_or("This page was open for too long, or it was opened in another browser. Open it again.")?;
    if !flow::is_own_form(state, &cookie, &form) {
        return Err(flow::FOREIGN_FORM);
    }
    Ok((cookie, session, form))
}

fn ask(state: &AppState, cookie: &str, problem: Option<&str>) -> Response {
    let why = "Sign in to see which apps have access to your data.";
    sign_in::page_of_its_own(state, why, SIGN_IN, &flow::form_token(cookie), problem)
}

fn list(state: &AppState, cookie: &str, signed_in: &SignedIn, ended: Option<&Client>) -> Response {
    let granted = state.store().granted_by(&signed_in.username, state.now());
    // Whoever made the link: what still has access is not said to have none.
    let ended = ended.filter(|client| !granted.iter().any(|granted| granted.client_id == client.client_id));
    let mut apps: Vec<App> = granted.into_iter().map(|granted| app(state, granted)).collect();
    apps.sort_by(|one, other| (&one.name, &one.client_id).cmp(&(&other.name, &other.client_id)));
    let page = Page {
        username: &signed_in.username,
        csrf: &flow::form_token(cookie),
        apps,
        ended: ended.map(|client| client.name.as_str()),
    };
    page::html(state, StatusCode::OK, page::render(&page))
}

fn app(state: &AppState, granted: Granted) -> App {
    let mut allows: Vec<Allowed> = Vec::new();
    let mut patients: Vec<String> = Vec::new();
    for grant in &granted.grants {
        for scope in &grant.scopes {
            let allowed = Allowed {
                meaning: meaning(scope),
                scope: scope.text().to_owned(),
            };
            if !allows.contains(&allowed) {
                allows.push(allowed);
            }
        }
        let patient = grant.patient.as_deref().map(|id| people::name_of(state.data(), id));
        patients.extend(patient.filter(|name| !patients.contains(name)));
    }
    let since = granted.grants.iter().map(|grant| grant.since).min();
    App {
        name: state
            .client(&granted.client_id)
            .map_or_else(|| granted.client_id.clone(), |client| client.name.clone()),
        client_id: granted.client_id,
        allows,
        patients,
        since: since.map(said).unwrap_or_default(),
        until: said(granted.until),
    }
}

fn said(moment: Timestamp) -> String {
    moment.strftime("%-d %B %Y, %H:%M UTC").to_string()
}
