//! Annotations for GitHub Actions: workflow commands on standard output, which GitHub shows beside the run.

use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::answer;
use crate::model::{Report, Status, Verdict};
use crate::plain::{cut, line};
use crate::wording::message;

/// GitHub shows ten of each kind for a step, and drops the others.
const SHOWN: usize = 10;

/// One line an annotation: an error for each duty that is broken unexpectedly, a warning for each recommendation that
/// is not followed, and a notice with the answer.
pub fn annotations(report: &Report) -> String {
    let mut text = String::new();
    for (command, status) in [("error", Status::Fail), ("warning", Status::Warn)] {
        let mut scenarios: IndexMap<&str, Vec<&Verdict>> = IndexMap::new();
        for verdict in &report.verdicts {
            if verdict.status == status && verdict.expected_by_baseline.is_none() {
                scenarios.entry(&verdict.scenario).or_default().push(verdict);
            }
        }
        for verdicts in scenarios.values().take(SHOWN) {
            let first = verdicts[0];
            let mut said = format!("{}: {}", first.id(), message(first));
            if verdicts.len() > 1 {
                let _ = write!(said, " (and {} more verdicts)", verdicts.len() - 1);
            }
            let _ = writeln!(text, "::{command} title={}::{}", property(&first.title), data(&said));
        }
    }
    let answer = answer(report);
    let said = format!("{}: {}. {}", report.target.name, answer.sentence, answer.tally);
    let _ = writeln!(text, "::notice title=launchproof::{}", data(&said));
    text
}

/// What follows the second pair of colons.
fn data(value: &str) -> String {
    let shown = cut(value, 1_000);
    shown.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What follows an equals sign: a colon and a comma would end it.
fn property(value: &str) -> String {
    data(&line(value)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{report_of, verdict};

    #[test]
    fn a_line_is_one_command_whatever_stands_in_it() {
        let mut hostile = verdict("a/b", Status::Fail);
        hostile.title = "One, two: three::warning::".to_owned();
        hostile.observed = Some("x\n::error::y 100%\r".to_owned());
        let text = annotations(&report_of(vec![hostile]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "::error title=One%2C two%3A three%3A%3Awarning%3A%3A::a/b: x\\n::error::y 100%25\\r",
                "::notice title=launchproof::sample: does not conform (1 SHALL broken). SHALL 0 of 1 hold, 0 not run",
            ]
        );
    }

    #[test]
    fn what_is_expected_is_no_annotation_and_ten_are_enough() {
        let mut known = verdict("a/b", Status::Fail);
        known.expected_by_baseline = Some("EHR-1".to_owned());
        assert!(!annotations(&report_of(vec![known])).contains("::error"));
        let many = (0..30).map(|n| verdict(&format!("a/{n}"), Status::Warn)).collect();
        assert_eq!(annotations(&report_of(many)).matches("::warning").count(), 10);
    }
}
