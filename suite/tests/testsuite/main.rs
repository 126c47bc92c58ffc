//! Behaviour of the suite, by the rooms of `src/`.

mod chrome;
mod profile;
mod transport;
mod user_agent;
