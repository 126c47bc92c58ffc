//! Renderers: each a pure function of a finished [`crate::model::Report`].

pub mod badge;
mod file;
pub mod github;
pub mod har;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod terminal;
pub mod testreport;

pub use file::File;
