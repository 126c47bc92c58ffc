//! The FHIR R4 server: embedded people, read and search, with access enforced.
//!
//! FHIR R4, RESTful API: <https://hl7.org/fhir/R4/http.html>

pub mod access;
mod address;
mod advice;
mod app_state;
mod batch;
mod bearer;
mod binary;
mod body;
mod bundle;
mod chain;
pub mod compartment;
mod conditional;
mod criterion;
pub mod data;
mod element;
mod everything;
mod fhirpath_patch;
mod format;
mod history;
mod include;
mod index;
mod metadata;
mod outcome;
mod parameters;
mod patch;
pub mod people;
pub mod population;
mod query;
mod read;
pub(crate) mod records;
mod search;
mod span;
pub mod store;
mod subset;
#[cfg(test)]
mod tests;
mod unsupported;
pub mod upstream;
mod write;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use crate::state::AppState;

pub(crate) use parameters::types;

/// The answer at an address that looks like a FHIR base and is none.
pub(crate) fn nowhere(why: &str) -> Response {
    let told = outcome::outcome("error", "not-found", &format!("there is no FHIR base here: {why}"));
    outcome::resource(StatusCode::NOT_FOUND, &told)
}

/// Every route below the FHIR base.
pub fn routes(state: &AppState) -> Router<AppState> {
    entries(state)
        .route("/", post(batch::post).fallback(unsupported::method))
        .layer(from_fn_with_state(state.clone(), unsupported::beyond_reads))
        .layer(from_fn_with_state(state.clone(), bearer::other_ways))
}

/// What may stand in an entry of a batch as well.
fn entries(state: &AppState) -> Router<AppState> {
    if state.upstream().is_some() {
        upstream::entries()
    } else {
        own_entries()
    }
}

/// The same over the mock's own records.
fn own_entries() -> Router<AppState> {
    Router::new()
        .route("/metadata", get(metadata::get))
        .route("/_history", get(history::system))
        .route(
            "/{type}",
            get(search::get)
                .post(write::create)
                .put(conditional::update)
                .patch(conditional::patch)
                .delete(conditional::delete),
        )
        .route("/{type}/_search", post(search::post))
        .route("/{type}/_history", get(history::of_type))
        .route("/Patient/$everything", get(everything::of_type))
        .route("/Patient/{id}/$everything", get(everything::instance))
        .route(
            "/{type}/{id}",
            get(read::read)
                .put(write::update)
                .patch(patch::patch)
                .delete(write::delete),
        )
        .route("/{type}/{id}/_history", get(history::instance))
        .route("/{type}/{id}/_history/{vid}", get(read::vread))
        .fallback(unsupported::route)
        .method_not_allowed_fallback(unsupported::method)
}
