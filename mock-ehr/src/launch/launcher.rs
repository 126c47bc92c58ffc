//! The launcher page: choose an app, a user and a patient, and the browser goes to the app with `iss` and `launch`.

use std::borrow::Cow;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::choices::{Choices, Wrong};
use super::fault::Carrier;
use super::links::Links;
use super::{LaunchType, remembered};
use crate::config::{Client, ClientKind, User};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::page;
use crate::state::AppState;
use crate::store::registered::Known;

mod patients;

use patients::{People, Row, Visits};

#[derive(Template)]
#[template(path = "launcher.html")]
struct Launcher<'a> {
    fhir_base: Cow<'a, str>,
    key: &'a str,
    choices: &'a Choices,
    clients: &'a [Known<'a>],
    /// The app that is chosen, or the first that is easy to try.
    client: &'a str,
    users: &'a [User],
    find: &'a str,
    patients: Vec<Row>,
    /// How many more fit; nothing where all are shown.
    hidden: Option<String>,
    /// Why nobody can be offered.
    down: Option<String>,
    visits: Vec<Visits>,
    faults: Vec<Defect>,
    broken: [(&'static str, &'static str); 9],
    links: Links,
    notice: Notice,
    own_style: String,
    /// The FHIR base of a standalone launch with these choices; empty for any other.
    own_base: String,
    tenant: &'a str,
}

/// What stands above the form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Notice {
    Nothing,
    /// The choices are those of the last launch.
    Last,
    /// A choice cannot be followed.
    Wrong(Wrong),
    /// The choices came by a link, and the user has to agree.
    Agree(String),
}

impl Launcher<'_> {
    fn is_client(&self, client: &Client) -> bool {
        client.client_id == self.client
    }

    fn is_type(&self, launch_type: &str) -> bool {
        let chosen = self.choices.launch_type.as_str();
        launch_type == if chosen.is_empty() { "ehr" } else { chosen }
    }

    /// Marks the field that is to blame, for eyes and for screen readers.
    fn mark(&self, field: &str) -> &'static str {
        match &self.notice {
            Notice::Wrong(wrong) if wrong.field == field => "aria-invalid=\"true\" aria-describedby=\"problem\"",
            _ => "",
        }
    }

    /// Is one of these filled in, or to blame? Then they are not folded away.
    fn shows(&self, values: &[&String], fields: &[&str]) -> bool {
        values.iter().any(|value| !value.is_empty()) || fields.iter().any(|field| !self.mark(field).is_empty())
    }

    fn shows_more(&self) -> bool {
        let choices = self.choices;
        self.shows(
            &[
                &choices.intent,
                &choices.tenant,
                &choices.style,
                &choices.context,
                &choices.extra,
            ],
            &["intent", "tenant", "style", "context", "extra", "banner"],
        ) || choices.banner == "no"
    }

    fn shows_fault(&self) -> bool {
        self.shows(&[&self.choices.fault], &["fault"])
    }

    /// What the chosen faults do.
    fn explained(&self) -> Vec<Defect> {
        self.choices.faults().filter_map(|name| name.parse().ok()).collect()
    }
}

/// `GET /`: with the choices in the address, or the last ones.
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Ok(parameters) = Parameters::parse(query.unwrap_or_default().as_bytes()) else {
        return unreadable(&state, &headers).await;
    };
    let choices = Choices::of(&parameters);
    let find = parameters.get("find").unwrap_or_default();
    if !parameters.is_empty() {
        return launcher(&state, &headers, StatusCode::OK, &choices, find, Notice::Nothing).await;
    }
    match remembered::last(&headers) {
        Some(last) => launcher(&state, &headers, StatusCode::OK, &last, "", Notice::Last).await,
        None => launcher(&state, &headers, StatusCode::OK, &choices, "", Notice::Nothing).await,
    }
}

/// `GET /launch`: all choices are in the address, so that a launch can be shared as a link.
pub(crate) async fn launch(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Ok(parameters) = Parameters::parse(query.unwrap_or_default().as_bytes()) else {
        return unreadable(&state, &headers).await;
    };
    let choices = Choices::of(&parameters);
    // A link of somebody else must not send a browser to an address that nobody registered.
    if leads_elsewhere(&state, &choices) {
        let why = "This link leads to an address that the app has not registered. Launch only if you know it.";
        let notice = Notice::Agree(why.to_owned());
        return launcher(&state, &headers, StatusCode::OK, &choices, "", notice).await;
    }
    go(&state, &headers, &choices).await
}

/// `POST /launch`: the page's own form.
pub(crate) async fn submit(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(form) = Parameters::parse(&body) else {
        return unreadable(&state, &headers).await;
    };
    let choices = Choices::of(&form);
    let is_own = remembered::is_own_form(&headers, &form);
    if !is_own && leads_elsewhere(&state, &choices) {
        let why = "This form did not come from this page, or the browser keeps no cookies. Launch only if you know the launch URL.";
        let notice = Notice::Agree(why.to_owned());
        return launcher(&state, &headers, StatusCode::FORBIDDEN, &choices, "", notice).await;
    }
    let mut response = go(&state, &headers, &choices).await;
    if is_own && response.status().is_redirection() {
        remembered::keep(&mut response, &choices);
    }
    response
}

/// `GET /launcher.js`
pub(crate) async fn script() -> Response {
    let kind = (CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind], include_str!("../../templates/launcher.js")).into_response()
}

/// Is the typed launch URL another than the registered one?
fn leads_elsewhere(state: &AppState, choices: &Choices) -> bool {
    let client = state.client(&choices.client);
    let registered = client.as_ref().and_then(|client| client.launch_url.as_deref());
    !choices.launch_url.is_empty() && registered != Some(choices.launch_url.as_str())
}

async fn go(state: &AppState, headers: &HeaderMap, choices: &Choices) -> Response {
    let begun = match choices.request() {
        Ok(request) => state.begin_launch(request).await.map_err(|error| Wrong {
            field: error.field(),
            why: error.to_string(),
        }),
        Err(wrong) => Err(wrong),
    };
    let address = begun.and_then(|launch| {
        HeaderValue::from_str(&launch.uri).map_err(|_| Wrong {
            field: "launch_url",
            why: "the launch URL is not valid".to_owned(),
        })
    });
    match address {
        Ok(address) => {
            let mut response = page::html(state, StatusCode::SEE_OTHER, String::new());
            response.headers_mut().insert(LOCATION, address);
            response
        }
        Err(wrong) => {
            let notice = Notice::Wrong(wrong);
            launcher(state, headers, StatusCode::UNPROCESSABLE_ENTITY, choices, "", notice).await
        }
    }
}

async fn unreadable(state: &AppState, headers: &HeaderMap) -> Response {
    let wrong = Wrong {
        field: "",
        why: "What the browser sent is not UTF-8.".to_owned(),
    };
    let notice = Notice::Wrong(wrong);
    launcher(state, headers, StatusCode::BAD_REQUEST, &Choices::default(), "", notice).await
}

async fn launcher(
    state: &AppState,
    headers: &HeaderMap,
    status: StatusCode,
    choices: &Choices,
    find: &str,
    notice: Notice,
) -> Response {
    let key = remembered::key(state, headers);
    let People {
        rows,
        visits,
        hidden,
        down,
    } = People::found(state, find, choices).await;
    let clients = state.apps();
    let easy = clients.iter().find(|client| client.kind == ClientKind::Public);
    let client = match choices.client.as_str() {
        "" => easy.map_or("", |client| client.client_id.as_str()),
        chosen => chosen,
    };
    let page = Launcher {
        fhir_base: state.fhir_base(),
        key: &key,
        choices,
        clients: &clients,
        client,
        users: &state.config().users,
        find,
        visits,
        patients: rows,
        hidden,
        down,
        faults: Defect::ALL
            .iter()
            .copied()
            .filter(|defect| Carrier::Launch.can_carry(*defect) || Carrier::Base.can_carry(*defect))
            .collect(),
        broken: crate::faults::EXAMPLES,
        links: Links::of(state.public_url(), choices),
        notice,
        own_base: own_base(state, choices),
        own_style: format!("{}/smart-style.json", state.public_url()),
        tenant: state.config().tenant.as_deref().unwrap_or("none"),
    };
    let mut response = page::html(state, status, page::render(&page));
    allow(&mut response, "script-src 'self'; connect-src 'self'");
    remembered::give_key(&mut response, &key);
    response
}

fn own_base(state: &AppState, choices: &Choices) -> String {
    let request = choices.request().ok();
    let standalone = request.filter(|request| request.launch_type == LaunchType::Standalone);
    let begun = standalone.and_then(|request| state.create_launch(request).ok());
    begun.map(|launch| launch.iss).unwrap_or_default()
}

/// Adds to the policy of a page what this page needs and no other has.
pub(super) fn allow(response: &mut Response, more: &str) {
    let name: HeaderName = CONTENT_SECURITY_POLICY;
    let policy = response.headers().get(&name).and_then(|policy| policy.to_str().ok());
    if let Some(policy) = policy
        && let Ok(policy) = HeaderValue::from_str(&format!("{policy}; {more}"))
    {
        response.headers_mut().insert(name, policy);
    }
}
