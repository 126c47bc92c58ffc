//! What a team already knows to be wrong: a TOML file of expected verdicts, each with a reason.
//!
//! A deviation that is listed is not red; one that is listed and no longer there, or names nothing, or has expired,
//! makes the baseline itself out of date.

mod apply;
mod load;
mod update;

pub use apply::{BaselineOutcome, Stale, apply};
pub use load::{BaselineError, Scope};
pub use update::{Updated, update, write};

use crate::model::Status;

/// A loaded baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The entries in the order of the file.
    pub entries: Vec<Entry>,
}

/// One `[[expect]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which verdicts it speaks of.
    pub scope: Scope,
    /// The status that they are expected to have; never `pass`.
    pub verdict: Status,
    /// Why that is accepted.
    pub reason: String,
    /// The day from which it no longer holds, `2027-03-01`.
    pub expires: Option<String>,
    /// A race: what is accepted may also not show itself.
    pub sometimes: bool,
    /// The line of the file on which it starts, from 1.
    pub line: usize,
}

impl Baseline {
    /// Parses a baseline; every entry must give its reason.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        load::parse(text, false)
    }

    /// Parses a baseline that `baseline update` wrote and that nobody filled in yet: a reason may be empty.
    pub fn parse_draft(text: &str) -> Result<Self, BaselineError> {
        load::parse(text, true)
    }
}
