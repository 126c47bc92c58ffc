//! The middleware that fills the journal.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, ORIGIN};
use http::{HeaderMap, HeaderName};

use super::redact;
use crate::state::AppState;

/// Bodies beyond this are passed on unread: the endpoints refuse them on their own.
pub(crate) const READ_AT_MOST: usize = 256 * 1024;

/// Records one exchange.
pub(crate) async fn exchange(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !state.journal().is_on() {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let mut asked = super::Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: redact::parameters(head.uri.query().unwrap_or_default().as_bytes()),
        form: Vec::new(),
        authorization: text(&head.headers, &AUTHORIZATION).map(|value| redact::scheme(&value)),
        origin: text(&head.headers, &ORIGIN),
    };
    let is_form =
        text(&head.headers, &CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let of_authorization_server = head.uri.path().starts_with("/auth/");
    let body = if is_form && of_authorization_server {
        match to_bytes(body, READ_AT_MOST).await {
            Ok(bytes) => {
                asked.form = redact::parameters(&bytes);
                Body::from(bytes)
            }
            Err(_) => return crate::page::too_large(),
        }
    } else {
        body
    };
    let response = next.run(Request::from_parts(head, body)).await;
    let (head, body) = response.into_parts();
    let mut answered = super::Response {
        status: head.status.as_u16(),
        content_type: text(&head.headers, &CONTENT_TYPE),
        location: text(&head.headers, &LOCATION).map(|address| redact::location(&address)),
        json: None,
    };
    let is_json = answered
        .content_type
        .as_deref()
        .is_some_and(|kind| kind.starts_with("application/json"));
    let body = if is_json && of_authorization_server {
        let bytes = to_bytes(body, READ_AT_MOST).await.unwrap_or_default();
        answered.json = serde_json::from_slice(&bytes).ok().map(|mut json| {
            redact::json(&mut json);
            json
        });
        Body::from(bytes)
    } else {
        body
    };
    state.journal().add(state.now(), asked, answered);
    Response::from_parts(head, body)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
