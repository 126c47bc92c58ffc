//! Behaviour of the suite, by the rooms of `src/`.

mod chrome;
mod controls;
mod profile;
mod selftest;
mod transport;
mod user_agent;
