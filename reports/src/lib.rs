//! The report model of a run and its renderers.
//!
//! [`model`] is plain data with a published schema (`run.json` is exactly that); everything in [`render`] is a pure
//! function of a finished [`model::Report`]. This crate knows nothing of HTTP clients or of OAuth.

mod answer;
pub mod baseline;
pub mod bundle;
pub mod diff;
pub mod exit;
pub mod merge;
pub mod model;
pub mod plain;
pub mod render;
#[cfg(test)]
mod sample;
mod schema;
pub mod tally;
mod uri;
mod wording;

pub use answer::{Answer, Conclusion, Why, answer};
pub use schema::schema;
