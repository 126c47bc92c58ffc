//! What goes wrong in a database while a request is answered: told once on stderr, and answered with 503, whatever the
//! request's handler made of the record that it did not get.
//!
//! RFC 6749 §4.1.2.1 calls it `temporarily_unavailable`: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1>

use std::cell::Cell;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::header::{ACCEPT, CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::authorize::respond;
use crate::state::AppState;

tokio::task_local! {
    static MET: Cell<bool>;
}

/// A database that did not do what it was asked to. It names no values, since they may be secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Trouble(pub(crate) String);

impl Trouble {
    /// Remembers that this request met it.
    fn note(&self) {
        let was_met = MET.try_with(|met| met.replace(true)).unwrap_or_default();
        if !was_met {
            eprintln!("database: {self}; the request is answered with 503");
        }
    }
}

/// What came of a step; nothing where the database failed, of which the request's answer will speak.
pub(crate) fn told<T>(done: Result<T, Trouble>) -> Option<T> {
    done.inspect_err(Trouble::note).ok()
}

/// A request that met trouble already need not wait for more of it.
pub(super) fn once() -> Result<(), Trouble> {
    if is_met() {
        return Err(Trouble("it failed before in this request".to_owned()));
    }
    Ok(())
}

fn is_met() -> bool {
    MET.try_with(Cell::get).unwrap_or_default()
}

/// Watches over every request of a mock that has a database.
pub(crate) fn watching(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    if state.store().is_shared() {
        routes.layer(from_fn_with_state(state.clone(), watched))
    } else {
        routes
    }
}

async fn watched(state: State<AppState>, request: Request, next: Next) -> Response {
    MET.scope(Cell::new(false), answered(state, request, next)).await
}

/// Answers a request that met trouble; below what adds headers and notes to every answer.
pub(crate) async fn answered(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_data = request.uri().path().starts_with("/fhir");
    let is_page = is_page(request.headers());
    let response = next.run(request).await;
    if !is_met() || response.status() == StatusCode::SERVICE_UNAVAILABLE {
        return response;
    }
    let what = "The database of this server does not answer. Try again in a moment.";
    let mut response = if is_data {
        let issue = json!({ "severity": "error", "code": "transient", "diagnostics": what });
        let body = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
        ([("content-type", "application/fhir+json")], body.to_string()).into_response()
    } else if is_page {
        respond::error_page(
            &state,
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            Some(what),
        )
    } else {
        Json(json!({ "error": "temporarily_unavailable", "error_description": what })).into_response()
    };
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

/// Does a browser ask for a page?
fn is_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
