//! What the server does not do, said in FHIR's own words.

use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use super::bearer::Bearer;
use super::outcome::Problem;
use crate::state::AppState;
use crate::variant::Variant;

/// An address that means nothing here.
pub(crate) async fn route(
    State(state): State<AppState>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    answer(&state, &headers, &method, uri.path(), StatusCode::NOT_FOUND)
}

/// A known address with a method that it does not have.
pub(crate) async fn method(
    State(state): State<AppState>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    answer(&state, &headers, &method, uri.path(), StatusCode::METHOD_NOT_ALLOWED)
}

// A stranger learns nothing, not even what is supported beyond the CapabilityStatement.
fn answer(state: &AppState, headers: &HeaderMap, method: &Method, path: &str, status: StatusCode) -> Response {
    let base = state.fhir_base().into_owned();
    let problem = match Bearer::of(state, headers) {
        Ok(_) => Problem::NotSupported {
            what: format!("{method} {path}"),
            base,
            status,
        },
        Err(problem) => problem,
    };
    problem.answer(state)
}

/// What a server of reads and searches does not have: nothing, but for a variant.
pub(crate) async fn beyond_reads(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let reads = request.method() == Method::GET || path.ends_with("/_search") || request.method() == Method::OPTIONS;
    let known = reads && !path.contains("/_history") && !path.contains("/$everything");
    if known || !state.variants().has(Variant::FhirReadsOnly) {
        return next.run(request).await;
    }
    let path = path.to_owned();
    answer(
        &state,
        request.headers(),
        request.method(),
        &path,
        StatusCode::NOT_FOUND,
    )
}
