//! Judgements: pure functions from what was recorded to whether it holds. One family, one file; no I/O.

pub mod acceptance;
mod asked;
pub mod batch;
pub mod brands;
pub mod burst;
pub mod callback;
mod contradiction;
pub mod cors;
pub mod discovery;
pub mod entropy;
pub mod fhir_data;
pub mod finding;
pub mod form_post;
pub mod hygiene;
pub mod id_token;
mod id_token_claims;
pub mod introspection;
pub mod json;
pub mod key_set;
pub mod keys;
pub mod launch_context;
pub mod message;
pub mod pages;
pub mod refusal;
pub mod scope;
pub mod texts;
pub mod tls;
mod traces;

pub use finding::Finding;
