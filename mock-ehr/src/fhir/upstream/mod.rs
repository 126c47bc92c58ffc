//! `--fhir-upstream`: the data come from a FHIR server behind the mock, and the mock judges every request and every answer.
//!
//! The app's token, its cookies and every other field of its request end here: what goes upstream is made anew. Reads and
//! writes are judged by the mock's own handlers, on records that were brought for this one request ([`carry`]); searches are
//! narrowed before they go upstream, and whatever comes back is judged entry by entry ([`search`], [`judge`]).
//!
//! FHIR R4, RESTful API: <https://hl7.org/fhir/R4/http.html>

mod bring;
mod carry;
mod commit;
mod gather;
mod judge;
mod links;
mod metadata;
mod narrow;
mod page;
pub(crate) mod people;
mod search;
mod settings;
mod source;
mod split;
mod trouble;

use axum::Router;
use axum::routing::{get, post};

use super::records::Shelf;
use super::unsupported;
use crate::state::AppState;
use crate::token::access::{Access, TokenProblem};

pub(crate) use bring::greeting;
pub(crate) use carry::is_id;
pub(crate) use settings::Options;
pub use settings::Settings;
pub(crate) use source::Upstream;
pub(crate) use trouble::Trouble;

/// What one request works with, where the records are upstream's.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// What was brought for it, and what it writes.
    pub(crate) shelf: Shelf,
    /// There is more upstream than was brought.
    pub(crate) is_cut: bool,
    /// What its token allows: asked once, since some faulty servers count how often they are asked.
    pub(crate) access: Result<Access, TokenProblem>,
}

/// The routes that ask upstream. Operations that are not judged here do not exist, nor does the history of a type or of all,
/// which cannot be narrowed.
pub(super) fn entries() -> Router<AppState> {
    Router::new()
        .route("/metadata", get(metadata::get))
        .route("/_history", get(unsupported::route))
        .route(
            "/{type}",
            get(search::get)
                .post(carry::carry)
                .put(carry::carry)
                .patch(carry::carry)
                .delete(carry::carry),
        )
        .route("/{type}/_search", post(search::post))
        .route("/{type}/_history", get(unsupported::route))
        .route("/Patient/$everything", get(carry::carry))
        .route("/Patient/{id}/$everything", get(carry::carry))
        .route(
            "/{type}/{id}",
            get(carry::carry)
                .put(carry::carry)
                .patch(carry::carry)
                .delete(carry::carry),
        )
        .route("/{type}/{id}/_history", get(carry::carry))
        .route("/{type}/{id}/_history/{vid}", get(carry::carry))
        .fallback(unsupported::route)
        .method_not_allowed_fallback(unsupported::method)
}
