//! Behaviour of the suite, by the rooms of `src/`.

mod bad_input;
mod chrome;
mod controls;
mod exit_codes;
mod profile;
mod program;
mod selftest;
mod transport;
mod user_agent;
