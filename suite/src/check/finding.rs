//! What a check found, and the deed that it judges.

use super::refusal::describe_answer;
use crate::step::context::{Answer, Outcome};
use crate::step::{Context, Deed};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It holds; what is worth a note.
    Holds(Option<String>),
    /// It does not.
    Broken {
        /// What had to be seen.
        expected: String,
        /// What was seen.
        observed: String,
    },
    /// The server answered 5xx: broken if it does so again.
    ServerError(String),
    /// The judged exchange says neither.
    Undecided(String),
    /// There is nothing to judge.
    Unreached(String),
    /// Too little was seen to judge, and that is nobody's fault.
    TooLittle(String),
}

impl Finding {
    /// Expected this, saw that.
    pub fn broken(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self::Broken {
            expected: expected.into(),
            observed: observed.into(),
        }
    }

    /// It holds, nothing to add.
    pub fn holds() -> Self {
        Self::Holds(None)
    }

    /// Holds if `condition`.
    pub fn when(condition: bool, expected: impl Into<String>, observed: impl Into<String>) -> Self {
        if condition {
            Self::holds()
        } else {
            Self::broken(expected, observed)
        }
    }
}

/// The same, where it says anything: silence, a cut connection, 408 and 429 do not, and a 5xx is a matter of its own.
pub fn decided_answer<'c>(context: &'c Context<'_>, of: Option<&str>) -> Result<&'c Answer, Finding> {
    let answer = answer(context, of)?;
    match answer.outcome().map(|response| response.status) {
        Err(failure) => Err(Finding::Undecided(failure.to_string())),
        Ok(408 | 429) => Err(Finding::Undecided(describe_answer(answer))),
        Ok(500..=599) => Err(Finding::ServerError(describe_answer(answer))),
        Ok(_) => Ok(answer),
    }
}

/// The answer that `of` names, or the last one; what is missing otherwise.
pub fn answer<'c>(context: &'c Context<'_>, of: Option<&str>) -> Result<&'c Answer, Finding> {
    let deed = match of {
        Some(_) => context.find(of),
        None => context
            .deeds
            .iter()
            .rev()
            .find(|deed| matches!(deed.outcome, Outcome::Answered(_))),
    };
    let deed =
        deed.ok_or_else(|| Finding::Unreached(format!("no step `{}` was reached", of.unwrap_or("with an answer"))))?;
    match &deed.outcome {
        Outcome::Answered(answer) => Ok(answer),
        _ => Err(Finding::Unreached(format!(
            "step `{}` has no answer to judge",
            deed.verb
        ))),
    }
}

/// The deed that `of` names.
pub fn deed<'c>(context: &'c Context<'_>, of: Option<&str>) -> Result<&'c Deed, Finding> {
    context
        .find(of)
        .map(AsRef::as_ref)
        .ok_or_else(|| Finding::Unreached(format!("no step `{}` was reached", of.unwrap_or("at all"))))
}
