//! Renderers: each a pure function of a finished [`crate::model::Report`].

pub mod html;
pub mod json;
pub mod junit;
pub mod terminal;
