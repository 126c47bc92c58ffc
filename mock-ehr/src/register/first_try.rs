//! The app of `--app`: registered by its address alone. What it did not say is asked once, of the person who tries it.
//!
//! A real EHR refuses a redirect_uri or client_id that nobody registered; so does the mock, unless they come from the
//! origin of that one app and the person agrees.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::SCOPES;
use crate::authorize::flow;
use crate::authorize::parameters::Incoming;
use crate::authorize::reason::Reason;
use crate::authorize::{Refusal, respond};
use crate::config::{Client, ClientKind, IdTokenAlg, SecretMethod};
use crate::form::{Parameters, encode};
use crate::keys::server_key;
use crate::launch::check_typed;
use crate::launch::token::verified;
use crate::page;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::registered::Added;

/// The app's id, where none is given.
pub(crate) const CLIENT_ID: &str = "my-app";

const TYPE: &str = "first-try+jwt";

/// Seconds for which the question can be answered.
const LIFETIME: i64 = 30 * 60;

/// A public client that is launched at this address. Its codes go there too, until it asks for another place.
pub(crate) fn client(client_id: &str, launch_url: &str) -> Result<Client, String> {
    check_typed(launch_url).map_err(|expected| format!("`{launch_url}`: {expected}"))?;
    let origin = Url::parse(launch_url)
        .map_err(|error| format!("`{launch_url}`: {error}"))?
        .origin();
    let mut client = Client {
        client_id: client_id.to_owned(),
        name: "Your app".to_owned(),
        kind: ClientKind::Public,
        client_secret: None,
        auth_methods: vec![SecretMethod::Basic],
        jwks: None,
        key_fixtures: Vec::new(),
        jwks_uri: None,
        redirect_uris: vec![launch_url.to_owned()],
        launch_url: Some(launch_url.to_owned()),
        scopes: Scope::parse_list(&format!("{SCOPES} profile patient/*.cruds user/*.cruds")),
        origins: vec![origin.ascii_serialization()],
        pushed_only: false,
        keys: Vec::new(),
    };
    client.prepare()?;
    Ok(client)
}

/// What is asked, signed, so that it comes back as it was.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    client_id: String,
    redirect_uri: String,
    /// The authorization request that waits: under a name that the journal keeps secret, since `launch` and `state` are in it.
    #[serde(rename = "request")]
    query: String,
    exp: i64,
}

#[derive(Template)]
#[template(path = "first_try.html")]
struct Page<'a> {
    is_new: bool,
    client_id: &'a str,
    redirect_uri: &'a str,
    request: &'a str,
    csrf: &'a str,
}

/// Asks whether what was refused belongs to the app of `--app`; nothing where that cannot be.
pub(crate) fn ask(app: &AppState, incoming: &Incoming<'_>, refusal: &Refusal) -> Option<Response> {
    let first = app.first_try()?;
    let query = if incoming.body.is_empty() {
        incoming.query
    } else {
        std::str::from_utf8(incoming.body).ok()?
    };
    let parameters = Parameters::parse(query.as_bytes()).ok()?;
    let client_id = parameters.filled("client_id")?;
    let redirect_uri = parameters.filled("redirect_uri")?;
    let is_new = match refusal {
        Refusal::Page(Reason::UnknownClient { .. }) => true,
        Refusal::Page(Reason::RedirectUri { .. })
            if app.client(client_id).is_some_and(|client| is_like(&client, first)) =>
        {
            false
        }
        _ => return None,
    };
    if parameters.repeated().is_some() {
        return None;
    }
    if !is_at_home(redirect_uri, first) {
        return None;
    }
    let question = Question {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        query: query.to_owned(),
        exp: app.now().as_second() + LIFETIME,
    };
    let request = server_key(IdTokenAlg::ES256).sign(TYPE, &json!(question));
    let (cookie, _, is_new_browser) = flow::session_or_new(app, incoming.headers);
    let page = Page {
        is_new,
        client_id,
        redirect_uri,
        request: &request,
        csrf: &flow::form_token(&cookie),
    };
    let mut response = page::html(app, StatusCode::OK, page::render(&page));
    if is_new_browser {
        flow::set_cookie(app, &mut response, &cookie);
    }
    Some(response)
}

/// Is this the app of `--app`, under whichever id?
fn is_like(client: &Client, first: &Client) -> bool {
    client.launch_url == first.launch_url && client.kind == ClientKind::Public && client.origins == first.origins
}

/// Is this an address of the app's own origin?
fn is_at_home(address: &str, first: &Client) -> bool {
    let origin = Url::parse(address).map(|url| url.origin().ascii_serialization());
    check_typed(address).is_ok() && origin.is_ok_and(|origin| first.origins.contains(&origin))
}

/// `POST /auth/first-try`: the person agrees.
pub(crate) async fn submit(State(app): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Parameters::parse(&body).unwrap_or_default();
    let browser = flow::session_of(&app, &headers, app.now());
    if browser.is_none_or(|(cookie, _)| !flow::is_own_form(&app, &cookie, &form)) {
        return flow::stray(&app, flow::FOREIGN_FORM);
    }
    let asked: Option<Question> = form.get("request").and_then(|text| verified(TYPE, text));
    let (Some(asked), Some(first)) = (asked.filter(|asked| asked.exp > app.now().as_second()), app.first_try()) else {
        return flow::stray(
            &app,
            "This question was not asked by this server, or long ago. Start again from the app.",
        );
    };
    // The server's keys are public, so a signature alone proves little: every condition is looked at again.
    let known = app.store().registration(&asked.client_id);
    let is_free = match &known {
        Some(known) => is_like(&known.client, first),
        None => app.client(&asked.client_id).is_none(),
    };
    if !is_free || !is_at_home(&asked.redirect_uri, first) {
        return flow::stray(
            &app,
            "This is not an address or an id of the app that the mock was started with.",
        );
    }
    let mut client = known
        .as_ref()
        .map_or_else(|| first.clone(), |known| known.client.clone());
    client.client_id.clone_from(&asked.client_id);
    if !client.redirect_uris.contains(&asked.redirect_uri) {
        client.redirect_uris.push(asked.redirect_uri.clone());
    }
    if let Err(why) = client.prepare() {
        return respond::error_page(&app, StatusCode::BAD_REQUEST, "invalid_request", Some(&why));
    }
    let is_kept = if known.is_some() {
        app.store().reregister(&client)
    } else {
        app.store().register(client, app.chance().token::<32>(), app.now()) == Added::Yes
    };
    if !is_kept {
        return flow::stray(&app, "There are too many registrations; restart the mock.");
    }
    if known.is_some() {
        return flow::go(&app, &format!("/auth/authorize?{}", asked.query));
    }
    // A launch is bound to the client_id for which it was made.
    let is_launched = Parameters::parse(asked.query.as_bytes()).is_ok_and(|query| query.filled("launch").is_some());
    if is_launched {
        flow::go(&app, &format!("/?client={}", encode(&asked.client_id)))
    } else {
        flow::go(&app, &format!("/auth/authorize?{}", asked.query))
    }
}
