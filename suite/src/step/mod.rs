//! What a scenario does: one verb, one file. Each sends an otherwise correct request with the overrides of the scenario.

pub mod arguments;
pub mod authorize;
pub mod backend;
pub mod client_auth;
pub mod context;
pub mod discover;
pub mod fhir;
pub mod flow;
pub mod forged_token;
pub mod landing;
pub mod manage;
mod overrides;
pub mod plain_http;
pub mod preflight;
pub mod publish;
pub mod push;
pub mod pushed_only;
pub mod register;
pub mod registrations;
pub mod tamper;
pub mod tls;
pub mod token;
pub mod userinfo;
pub mod wait;
pub mod world;

pub use context::{Context, Deed, Halt, Outcome};
pub use world::World;
