//! launchproof: a conformance suite for SMART App Launch.
//!
//! The rooms, from the top; every arrow runs down: `cli` → `selftest` → `captured`, `demo`, `record` → `engine` → `scenario` →
//! `step`, `check` → `user_agent`, `key_server` → `target` → `http`, `oauth` → `value`, `clock`, `say`.

#[macro_use]
mod say;

pub mod captured;
pub mod check;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod engine;
pub mod http;
pub mod key_server;
pub mod oauth;
pub mod record;
pub mod scenario;
pub mod selftest;
pub mod step;
pub mod target;
pub mod user_agent;
pub mod value;
