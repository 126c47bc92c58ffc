//! Whether the server did what was asked, and how often.

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::Finding;
use super::refusal::{GIVEN, Reaction};
use crate::step::Context;

/// `accepted`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// What follows says something only if this step was accepted: if not, the verdict is `blocked`.
    #[serde(default)]
    pub basis: bool,
}

/// `at_most_one`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtMostOneArgs {
    /// Labels of the steps.
    pub of: Vec<String>,
}

/// `accepted`.
pub fn accepted(context: &Context<'_>, args: &AcceptedArgs) -> Finding {
    let Some(deed) = context.find(args.of.as_deref()) else {
        // The step was not reached, because the server refused an earlier one.
        let last = context.deeds.last().filter(|deed| deed.label.as_deref() != Some(GIVEN));
        return match last.map(|deed| (deed.verb, Reaction::of(deed))) {
            Some((verb, Reaction::Refused(words))) => Finding::broken(format!("{verb}: done as asked"), words),
            _ => Finding::Unreached(format!(
                "no step {} was reached",
                args.of.as_deref().unwrap_or("at all")
            )),
        };
    };
    let expected = format!("{}: done as asked", deed.verb);
    match Reaction::of(deed) {
        Reaction::Accepted(_) => Finding::holds(),
        Reaction::Refused(words) | Reaction::Astray(words) if args.basis => Finding::Unreached(format!(
            "the {} that the rest stands on was not accepted: {words}",
            deed.verb
        )),
        Reaction::Refused(words) | Reaction::Astray(words) => Finding::broken(expected, words),
        Reaction::Failed(words) => Finding::ServerError(words),
        Reaction::Unclear(words) => Finding::Undecided(words),
    }
}

/// `at_most_one`.
pub fn at_most_one(context: &Context<'_>, args: &AtMostOneArgs) -> Finding {
    let mut accepted = 0;
    let mut words = Vec::new();
    for label in &args.of {
        let Some(deed) = context.find(Some(label)) else {
            return Finding::Unreached(format!("step `{label}` was not reached"));
        };
        let reaction = Reaction::of(deed);
        words.push(format!("{label}: {}", reaction.words()));
        match reaction {
            Reaction::Accepted(_) => accepted += 1,
            Reaction::Failed(_) | Reaction::Refused(_) | Reaction::Astray(_) => {}
            Reaction::Unclear(why) => return Finding::Undecided(format!("{label}: {why}")),
        }
    }
    let expected = format!("at most one of these {} requests accepted", args.of.len());
    Finding::when(accepted <= 1, expected, words.join("; "))
}
