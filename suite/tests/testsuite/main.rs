//! Behaviour of the suite, by the rooms of `src/`.

mod profile;
mod transport;
mod user_agent;
