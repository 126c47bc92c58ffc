//! Judges granted scopes: within what was asked, enough for something, in which grammar.
//!
//! RFC 6749 §3.3; SMART 2.2 scopes-and-launch-context:
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Finding, answer};
use super::refusal::describe_answer;
use crate::oauth::scope::{Scope, ScopeSet};
use crate::step::Context;
use crate::value::Template;

/// `scope`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeArgs {
    /// Label or verb of the token response; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Granted scopes lie within these, equivalent spellings aside.
    #[serde(default)]
    pub within: Option<Template>,
    /// Granted scopes allow all of these, equivalent spellings aside.
    #[serde(default)]
    pub covers: Option<Template>,
    /// Granted scopes allow a part of these at least: the same data, the same interaction.
    #[serde(default)]
    pub reaches: Option<Template>,
    /// Granted scopes allow a part of each of these.
    #[serde(default)]
    pub reaches_each: Option<Template>,
    /// Granted scopes allow no part of these.
    #[serde(default)]
    pub misses: Option<Template>,
    /// Granted scopes over data are written in the grammar of this version.
    #[serde(default)]
    pub written_in: Option<ScopeGrammar>,
}

/// A grammar of scopes over data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeGrammar {
    /// `.read`, `.write`, `.*`
    V1,
    /// Letters of `cruds`.
    V2,
}

/// `scope`: all that the arguments say; the first that does not hold is told.
pub fn scope(context: &Context<'_>, args: &ScopeArgs) -> Finding {
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let Some(text) = answer.text("scope") else {
        return Finding::Unreached(format!("the answer has no scope to judge: {}", describe_answer(answer)));
    };
    let granted = ScopeSet::parse(text);
    let rules: [(&Option<Template>, Rule); 5] = [
        (&args.within, |granted, other| {
            (granted.is_subset_of(other), "granted scopes within")
        }),
        (&args.covers, |granted, other| {
            (other.is_subset_of(granted), "granted scopes that allow all of")
        }),
        (&args.reaches, |granted, other| {
            (granted.overlaps(other), "granted scopes that allow something of")
        }),
        (&args.reaches_each, |granted, other| {
            (
                granted.overlaps_each(other),
                "granted scopes that allow something of each of",
            )
        }),
        (&args.misses, |granted, other| {
            (!granted.overlaps(other), "granted scopes that allow nothing of")
        }),
    ];
    let mut judged = 0;
    for (template, rule) in rules {
        let Some(template) = template else { continue };
        let other = match context.fill(template, &|_: &str| None) {
            Ok(other) => other,
            Err(halt) => return Finding::Unreached(format!("{template}: {halt:?}")),
        };
        let (holds, expected) = rule(&granted, &ScopeSet::parse(&other));
        if !holds {
            return Finding::broken(format!("{expected} `{other}`"), format!("granted: `{text}`"));
        }
        judged += 1;
    }
    match args.written_in {
        Some(grammar) => written_in(&granted, grammar),
        None if judged == 0 => Finding::Unreached("`scope` says nothing that could be judged".to_owned()),
        None => Finding::holds(),
    }
}

type Rule = fn(&ScopeSet, &ScopeSet) -> (bool, &'static str);

fn written_in(granted: &ScopeSet, grammar: ScopeGrammar) -> Finding {
    let first = grammar == ScopeGrammar::V1;
    let over_data = || granted.iter().filter(|scope| scope.clinical().is_some());
    let other = over_data().find(|scope| scope.clinical().is_some_and(|clinical| clinical.version_1 != first));
    let expected = if first {
        "scopes over data in the grammar that was asked in: .read, .write, .*"
    } else {
        "scopes over data in the grammar that was asked in: letters of cruds"
    };
    match (other, over_data().count()) {
        (Some(other), _) => Finding::broken(expected, format!("granted: `{}`", Scope::text(other))),
        (None, 0) => Finding::Unreached(format!("no scope over data was granted: `{granted}`")),
        (None, _) => Finding::holds(),
    }
}
