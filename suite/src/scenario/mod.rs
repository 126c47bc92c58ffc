//! Scenarios: one obligation a file, as data; typed, strictly loaded, checked before anything is sent.

mod conditional;
pub mod fault;
pub mod lint;
pub mod load;
pub mod model;
pub mod needs;
pub mod one_key;
mod place;
pub mod precautions;
pub mod raise;
pub mod requirement;
pub mod select;
pub mod versions;

pub use model::{Case, Check, Scenario, Step};
