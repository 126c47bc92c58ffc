//! The inspector at `/inspect`: what the journal holds, for people: launches as timelines, each request explained.
//!
//! It stands outside the journal and outside the defects: whoever looks for a fault must be able to trust this page.

mod events;
mod explain;
mod filter;
mod gate;
mod rules;
mod steps;
mod timeline;

use std::sync::LazyLock;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::filter::Filter;
use self::timeline::Timeline;
use crate::journal::har;
use crate::page;
use crate::state::AppState;

/// The inspector's routes.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/inspect", get(show))
        .route("/inspect/clear", post(clear))
        .route("/inspect/journal.json", get(as_json))
        .route("/inspect/journal.har", get(as_har))
        .route("/inspect/events", get(events::stream))
        .layer(from_fn_with_state(state.clone(), gate::only_ours))
        .layer(from_fn(gate::guarded))
}

const STYLE: &str = include_str!("../../templates/inspect.css");
const SCRIPT: &str = include_str!("../../templates/inspect.js");

#[derive(Template)]
#[template(path = "inspect.html")]
struct Page<'a> {
    style: &'static str,
    script: &'static str,
    is_on: bool,
    fhir_base: &'a str,
    filter: &'a Filter,
    query: String,
    clients: Vec<String>,
    timelines: Vec<Timeline>,
    left_out: usize,
    shown: usize,
    kept: usize,
    armed: Vec<(&'static str, &'static str)>,
}

/// `GET /inspect`
async fn show(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let filter = Filter::read(query.as_deref().unwrap_or_default());
    let entries = state.journal().shared();
    let mut clients: Vec<String> = entries.iter().filter_map(|entry| entry.client.clone()).collect();
    clients.sort_unstable();
    clients.dedup();
    let kept = entries.len();
    let chosen = filter.choose(entries);
    let (timelines, left_out) = timeline::of(&chosen, filter.launch.is_some());
    let page = Page {
        style: STYLE,
        script: SCRIPT,
        is_on: state.journal().is_on(),
        fhir_base: state.ordinary_fhir_base(),
        query: filter.query(),
        filter: &filter,
        clients,
        timelines,
        left_out,
        shown: chosen.len(),
        kept,
        armed: state
            .defects()
            .armed()
            .into_iter()
            .map(|defect| (defect.name(), defect.doc()))
            .collect(),
    };
    let mut response = Html(page::render(&page)).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// Only this page's own script and style run, by their hashes; what the page shows comes from apps that may be hostile.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE),
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

/// `POST /inspect/clear`
async fn clear(State(state): State<AppState>) -> Response {
    state.journal().clear();
    (StatusCode::SEE_OTHER, [(LOCATION, "/inspect")]).into_response()
}

/// `GET /inspect/journal.json`
async fn as_json(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let filter = Filter::read(query.as_deref().unwrap_or_default());
    let chosen = filter.choose(state.journal().shared());
    let all = chosen.iter().map(|entry| json!(**entry)).collect();
    download(Value::Array(all), "attachment; filename=\"mock-ehr-journal.json\"")
}

/// `GET /inspect/journal.har`
async fn as_har(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let filter = Filter::read(query.as_deref().unwrap_or_default());
    let chosen = filter.choose(state.journal().shared());
    download(
        har::log(state.public_url(), &chosen),
        "attachment; filename=\"mock-ehr.har\"",
    )
}

fn download(body: Value, disposition: &'static str) -> Response {
    ([(CONTENT_DISPOSITION, disposition)], Json(body)).into_response()
}
