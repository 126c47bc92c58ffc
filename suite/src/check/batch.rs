//! What became of one entry of a batch or transaction.
//!
//! FHIR R4 "Batch/Transaction Response": <https://hl7.org/fhir/R4/http.html#transaction-response>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::finding::{Finding, decided_answer, deed};
use super::refusal::{Reaction, describe_answer};
use crate::step::Context;

/// `entry`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Which entry of the Bundle that was sent: the first is 1.
    pub number: usize,
    /// What must have become of it.
    pub is: Fate,
}

/// What can become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was carried out.
    Done,
    /// It was refused, or the whole Bundle was.
    Refused,
}

/// `entry`.
pub fn entry(context: &Context<'_>, args: &EntryArgs) -> Finding {
    let (deed, answer) = match (
        deed(context, args.of.as_deref()),
        decided_answer(context, args.of.as_deref()),
    ) {
        (Ok(deed), Ok(answer)) => (deed, answer),
        (Err(finding), _) | (_, Err(finding)) => return finding,
    };
    let expected = match args.is {
        Fate::Done => format!("entry {} of the Bundle carried out", args.number),
        Fate::Refused => format!("entry {} of the Bundle refused, or the whole Bundle", args.number),
    };
    let status = answer.outcome().map_or(0, |response| response.status);
    if status >= 400 {
        return match (Reaction::of(deed), args.is) {
            (Reaction::Refused(words), Fate::Refused) => {
                Finding::Holds(Some(format!("the whole Bundle was refused: {words}")))
            }
            (Reaction::Refused(words), Fate::Done) => Finding::broken(expected, words),
            (other, _) => Finding::Undecided(other.words().to_owned()),
        };
    }
    let Some(bundle) = &answer.json else {
        return Finding::Undecided(describe_answer(answer));
    };
    judged(bundle, args, expected)
}

fn judged(bundle: &Value, args: &EntryArgs, expected: String) -> Finding {
    let at = args.number.saturating_sub(1);
    let answer = &bundle["entry"][at]["response"];
    let told = answer["status"].as_str().unwrap_or_default();
    let words = format!("entry {} was answered with status `{told}`", args.number);
    let code: u16 = told.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
    match (code, args.is) {
        (408 | 429, _) => Finding::Undecided(words),
        // Some servers explain a refusal in an outcome under a status of success: what they did cannot be told.
        (200..=299, _) if is_error(&answer["outcome"]) => {
            Finding::Undecided(format!("{words}, and an error beside it"))
        }
        (200..=299, Fate::Done) => Finding::holds(),
        (400..=499, Fate::Refused) => Finding::Holds(Some(words)),
        (200..=299 | 400..=499, _) => Finding::broken(expected, words),
        (500..=599, _) => Finding::ServerError(words),
        _ => Finding::Undecided(format!("the answer tells no status of entry {}", args.number)),
    }
}

fn is_error(outcome: &Value) -> bool {
    let issues = outcome["issue"].as_array().map(Vec::as_slice).unwrap_or_default();
    issues
        .iter()
        .any(|issue| matches!(issue["severity"].as_str(), Some("error" | "fatal")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_status_of_the_entry_decides() {
        let fate = |status: &str, is: Fate, outcome: Value| {
            let bundle = json!({"entry": [{}, {"response": {"status": status, "outcome": outcome}}]});
            let args = EntryArgs {
                of: None,
                number: 2,
                is,
            };
            judged(&bundle, &args, String::new())
        };
        assert!(matches!(
            fate("201 Created", Fate::Done, json!(null)),
            Finding::Holds(_)
        ));
        assert!(matches!(fate("403", Fate::Refused, json!(null)), Finding::Holds(_)));
        assert!(matches!(
            fate("200", Fate::Refused, json!(null)),
            Finding::Broken { .. }
        ));
        assert!(matches!(fate("404", Fate::Done, json!(null)), Finding::Broken { .. }));
        assert!(matches!(
            fate("500", Fate::Refused, json!(null)),
            Finding::ServerError(_)
        ));
        assert!(matches!(fate("", Fate::Refused, json!(null)), Finding::Undecided(_)));
        let error = json!({"issue": [{"severity": "error"}]});
        assert!(matches!(fate("200 OK", Fate::Refused, error), Finding::Undecided(_)));
    }
}
