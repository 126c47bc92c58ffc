//! Carries out what an address of the FHIR API asks for, once its parts are read.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;

use super::outcome::Problem;
use crate::state::AppState;

/// The answer of `act` to the parts of an address, or the refusal that came of it.
pub(super) fn at<T>(
    state: &AppState,
    path: Result<Path<T>, PathRejection>,
    act: impl FnOnce(T) -> Result<Response, Problem>,
) -> Response {
    path.map_err(|_| Problem::Address)
        .and_then(|Path(parts)| act(parts))
        .unwrap_or_else(|problem| problem.answer(state))
}
