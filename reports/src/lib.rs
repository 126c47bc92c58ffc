//! The report model of a run and its renderers.
//!
//! [`model`] is plain data with a published schema (`run.json` is exactly that); everything in [`render`] is a pure
//! function of a finished [`model::Report`]. This crate knows nothing of HTTP clients or of OAuth.

pub mod model;
