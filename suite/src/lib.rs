//! launchproof: the suite.

pub mod clock;
pub mod http;
pub mod oauth;
pub mod target;
pub mod user_agent;
