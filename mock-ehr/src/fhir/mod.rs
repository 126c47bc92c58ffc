//! The FHIR R4 server: embedded people, read and search, with access enforced.
//!
//! FHIR R4, RESTful API: <https://hl7.org/fhir/R4/http.html>

pub mod access;
mod bearer;
mod bundle;
pub mod compartment;
mod criterion;
mod element;
mod format;
mod include;
mod metadata;
mod outcome;
mod parameters;
pub mod people;
mod query;
mod read;
mod search;
mod span;
pub mod store;
#[cfg(test)]
mod tests;
mod unsupported;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

pub(crate) use parameters::types;

/// Every route below the FHIR base.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/metadata", get(metadata::get))
        .route("/{type}", get(search::get))
        .route("/{type}/_search", post(search::post))
        .route("/{type}/{id}", get(read::read))
        .route("/{type}/{id}/_history/{vid}", get(read::vread))
        .fallback(unsupported::route)
        .method_not_allowed_fallback(unsupported::method)
}
