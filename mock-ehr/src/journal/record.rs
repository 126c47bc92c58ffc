//! The middleware that fills the journal.

use std::time::Instant;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, AUTHORIZATION, CONTENT_TYPE, LOCATION, ORIGIN};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use super::leads::Found;
use super::notes::Taken;
use super::summary::Summary;
use super::thread::Thread;
use super::{Exchange, notes, redact};
use crate::launch::standalone::At;
use crate::state::AppState;

/// Bodies beyond this are passed on unread: the endpoints refuse them on their own.
pub(crate) const READ_AT_MOST: usize = 256 * 1024;

/// Records one exchange.
pub(crate) async fn exchange(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !state.journal().is_on() {
        return next.run(request).await;
    }
    let began = Instant::now();
    let mut asked = Found::default();
    let (request, noted) = match read_request(request, &mut asked).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    let (response, taken) = notes::taken_during(next.run(request)).await;
    let mut answered = Found::default();
    let (response, given) = read_response(response, &noted.path, &mut answered).await;
    add(&state, began, (noted, asked), (given, answered), taken);
    response
}

async fn read_request(request: Request, found: &mut Found) -> Result<(Request, super::Request), Response> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default().as_bytes();
    found.in_parameters(query);
    let mut asked = super::Request {
        method: head.method.to_string(),
        at: head.extensions.get::<At>().map(|at| redact::clip(&at.prefix)),
        path: redact::clip(head.uri.path()),
        query: redact::parameters(query),
        authorization: text(&head.headers, &AUTHORIZATION).map(|value| redact::scheme(&value)),
        origin: text(&head.headers, &ORIGIN).map(|value| redact::clip(&value)),
        headers: chosen(&head.headers, &ASKED),
        body_bytes: body.size_hint().exact().filter(|size| *size > 0),
        ..super::Request::default()
    };
    if let Some(value) = text(&head.headers, &AUTHORIZATION) {
        asked.bearer = found.in_authorization(&value).map(|_| "unknown");
    }
    let kind = text(&head.headers, &CONTENT_TYPE).unwrap_or_default();
    let path = head.uri.path();
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    let is_search = path.starts_with("/fhir/") && path.ends_with("/_search");
    let body = if is_form && path.starts_with("/auth/") {
        match to_bytes(body, READ_AT_MOST).await {
            Ok(bytes) => {
                asked.form = redact::parameters(&bytes);
                found.in_parameters(&bytes);
                Body::from(bytes)
            }
            Err(_) => return Err(crate::page::too_large()),
        }
    } else if is_short(&body) && ((is_form && is_search) || (kind.starts_with("application/json") && is_told(path))) {
        match to_bytes(body, READ_AT_MOST).await {
            Ok(bytes) if is_form => {
                asked.form = redact::parameters(&bytes);
                Body::from(bytes)
            }
            Ok(bytes) => {
                asked.json = read_json(&bytes, found);
                Body::from(bytes)
            }
            // The body broke off on the way.
            Err(_) => return Err(crate::page::too_large()),
        }
    } else {
        body
    };
    Ok((Request::from_parts(head, body), asked))
}

/// Where a JSON body registers a client or creates a launch.
fn is_told(path: &str) -> bool {
    path.starts_with("/auth/register") || path == "/launches" || path == "/rpc"
}

fn is_short(body: &Body) -> bool {
    let size = body.size_hint().exact();
    size.is_some_and(|size| size > 0 && size <= READ_AT_MOST as u64)
}

fn read_json(bytes: &[u8], found: &mut Found) -> Option<Value> {
    let mut json = serde_json::from_slice(bytes).ok()?;
    found.in_json(&json);
    redact::json(&mut json);
    Some(json)
}

async fn read_response(response: Response, path: &str, found: &mut Found) -> (Response, super::Response) {
    let (head, body) = response.into_parts();
    let location = text(&head.headers, &LOCATION);
    let mut answered = super::Response {
        status: head.status.as_u16(),
        content_type: text(&head.headers, &CONTENT_TYPE),
        location: location.as_deref().map(redact::location),
        redirect: location.as_deref().map(redact::encoded_location),
        headers: chosen(&head.headers, &ANSWERED),
        body_bytes: body.size_hint().exact(),
        ..super::Response::default()
    };
    if let Some(address) = location {
        found.in_address(&address);
    }
    let kind = answered.content_type.as_deref().unwrap_or_default();
    let is_json = kind.starts_with("application/json");
    let of_authorization_server = path.starts_with("/auth/");
    let body = if is_json && is_short(&body) && (of_authorization_server || is_told(path)) {
        let bytes = to_bytes(body, READ_AT_MOST).await.unwrap_or_default();
        answered.json = read_json(&bytes, found);
        Body::from(bytes)
    } else if kind.starts_with("application/fhir+json") && is_short(&body) {
        let bytes = to_bytes(body, READ_AT_MOST).await.unwrap_or_default();
        answered.fhir = Summary::of(&bytes);
        Body::from(bytes)
    } else {
        body
    };
    (Response::from_parts(head, body), answered)
}

fn add(
    state: &AppState,
    began: Instant,
    (mut request, mut asked): (super::Request, Found),
    (mut response, mut answered): (super::Response, Found),
    mut taken: Taken,
) {
    if let Some(posted) = taken.posted.take() {
        answered.in_parameters(posted.as_bytes());
    }
    let thread = thread(state, &mut request, &asked, &answered);
    for objection in &mut taken.objections {
        asked.scrub(&mut objection.message);
        objection.message = redact::value("", &objection.message);
    }
    for (_, value) in &mut response.headers {
        asked.scrub(value);
    }
    asked.jwts.extend(answered.jwts);
    state.journal().add(Exchange {
        at: state.now(),
        took_ms: (began.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        thread,
        request,
        response,
        jwts: asked.jwts,
        taken,
    });
}

/// The launch and the app that this exchange belongs to.
fn thread(state: &AppState, request: &mut super::Request, asked: &Found, answered: &Found) -> Thread {
    let threads = &state.journal().threads;
    let found = threads.find(&asked.leads);
    let is_bearer = asked.leads.first().is_some_and(|lead| lead.kind == "bearer");
    if let (true, Some((_, kind))) = (is_bearer, &found) {
        request.bearer = Some(kind);
    }
    let begins = ["/auth/authorize", "/auth/par"].contains(&request.path.as_str())
        || answered.leads.iter().any(|lead| lead.kind == "launch");
    let mut thread = match found {
        Some((thread, _)) => thread,
        None if begins => Thread {
            launch: Some(threads.begin()),
            client: None,
        },
        None => Thread::default(),
    };
    let said = asked.client.as_ref().or(answered.client.as_ref());
    // What is not part of a launch stands under an app that exists, not under any name that somebody sends.
    let named = said.filter(|id| thread.launch.is_some() || state.client(id).is_some());
    if let (None, Some(client)) = (&thread.client, named) {
        thread.client = Some(client.clone());
    }
    threads.remember(&answered.leads, &thread);
    if begins {
        let brought: Vec<_> = asked
            .leads
            .iter()
            .filter(|lead| lead.kind == "launch")
            .cloned()
            .collect();
        threads.remember(&brought, &thread);
    }
    thread
}

static ASKED: [HeaderName; 9] = [
    header::ACCEPT,
    header::ACCESS_CONTROL_REQUEST_HEADERS,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::REFERER,
    header::USER_AGENT,
    HeaderName::from_static("prefer"),
];

static ANSWERED: [HeaderName; 9] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ALLOW,
    header::CACHE_CONTROL,
    header::ETAG,
    header::LAST_MODIFIED,
    header::PRAGMA,
    header::RETRY_AFTER,
    header::VARY,
    header::WWW_AUTHENTICATE,
];

/// Headers that hold no secret, or whose secrets are taken out.
fn chosen(headers: &HeaderMap, names: &'static [HeaderName]) -> Vec<(&'static str, String)> {
    let present = names.iter().filter_map(|name| Some((name, text(headers, name)?)));
    present
        .map(|(name, value)| (name.as_str(), redact::value(name.as_str(), &value)))
        .collect()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
