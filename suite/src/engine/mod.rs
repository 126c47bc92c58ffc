//! Runs a plan: brings each item to its starting state, does its steps, judges, and holds refusals until their controls
//! were accepted before and after.

mod blame;
pub mod controls;
pub mod events;
pub mod given;
pub mod judge;
mod outcome;
mod pending;
pub mod plan;
pub mod run;
pub mod steps;
mod verdict;
pub mod version;

pub use events::{Event, Judged, Listener};
pub use outcome::DISCOVERY;
pub use run::{Options, Outcome, run};
