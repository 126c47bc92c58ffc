//! Marks the verdicts that a baseline expects, and finds the entries that are out of date.

use std::fmt::Write as _;

use super::{Baseline, Entry};
use crate::model::{Report, Status, Verdict};

/// What is out of date in a baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaselineOutcome {
    /// Entries whose deviation is no longer there.
    pub unexpected_passes: Vec<Stale>,
    /// Entries that match no verdict of a complete run.
    pub names_nothing: Vec<Stale>,
    /// Entries whose day has come.
    pub expired: Vec<Stale>,
}

/// One entry that is out of date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Its scope.
    pub id: String,
    /// Its line in the file.
    pub line: usize,
    /// What is wrong with it and what to do.
    pub message: String,
}

impl BaselineOutcome {
    /// Whether nothing is out of date.
    pub fn is_current(&self) -> bool {
        self.stale().next().is_none()
    }

    /// Every entry that is out of date.
    pub fn stale(&self) -> impl Iterator<Item = &Stale> {
        self.unexpected_passes
            .iter()
            .chain(&self.names_nothing)
            .chain(&self.expired)
    }

    /// The first few, on one line.
    pub fn summary(&self) -> String {
        const SHOWN: usize = 3;
        let all: Vec<String> = self
            .stale()
            .map(|stale| format!("{} (line {}) {}", stale.id, stale.line, stale.message))
            .collect();
        let mut text = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
        if all.len() > SHOWN {
            let _ = write!(text, "; and {} more", all.len() - SHOWN);
        }
        text
    }
}

/// Marks what the baseline expects; `today` is the day in RFC 3339 form (a longer timestamp is cut to it).
///
/// Marks of an earlier baseline are removed first, so that applying twice is the same as applying once.
pub fn apply(report: &mut Report, baseline: &Baseline, today: &str) -> BaselineOutcome {
    let today = today.get(..10).unwrap_or(today);
    for verdict in &mut report.verdicts {
        verdict.expected_by_baseline = None;
    }
    // What was not selected, or not reached before Ctrl-C, says nothing about an entry.
    let whole = report.run.complete && report.run.selection.is_empty();
    let mut outcome = BaselineOutcome::default();
    for entry in &baseline.entries {
        if let Some(day) = entry.expires.as_deref().filter(|day| *day <= today) {
            outcome
                .expired
                .push(stale(entry, format!("expired on {day}: decide again")));
            continue;
        }
        let mut matched: Vec<&mut Verdict> = report
            .verdicts
            .iter_mut()
            .filter(|verdict| entry.scope.matches(verdict))
            .collect();
        if matched.is_empty() {
            if whole {
                outcome.names_nothing.push(stale(
                    entry,
                    "names no verdict of this run: remove or correct it".to_owned(),
                ));
            }
            continue;
        }
        let found = mark(entry, &mut matched);
        if let Some(now) = found.filter(|now| !(entry.sometimes && *now == Status::Pass)) {
            let message = format!(
                "is {} now, no longer {}: remove it",
                now.as_str(),
                entry.verdict.as_str()
            );
            outcome.unexpected_passes.push(stale(entry, message));
        }
    }
    outcome
}

/// Marks the verdicts that are as expected. Where none is, gives what was found instead, unless it was not judged.
fn mark(entry: &Entry, matched: &mut [&mut Verdict]) -> Option<Status> {
    let mut hit = false;
    for verdict in matched.iter_mut().filter(|verdict| verdict.status == entry.verdict) {
        hit = true;
        verdict.expected_by_baseline.get_or_insert_with(|| entry.reason.clone());
    }
    if hit {
        return None;
    }
    // The worst of them, so that the message does not praise a server that got worse.
    let judged = matched
        .iter()
        .map(|verdict| verdict.status)
        .filter(|status| status.is_judged());
    judged.max_by_key(|status| match status {
        Status::Fail => 3,
        Status::Warn => 2,
        Status::Info => 1,
        _ => 0,
    })
}

fn stale(entry: &Entry, message: String) -> Stale {
    Stale {
        id: entry.scope.to_string(),
        line: entry.line,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{report_of, verdict};

    fn baseline(scenario: &str, status: &str, rest: &str) -> Baseline {
        let text = format!("[[expect]]\nscenario = \"{scenario}\"\nverdict = \"{status}\"\nreason = \"EHR-1\"\n{rest}");
        Baseline::parse(&text).unwrap()
    }

    fn cases(status: [Status; 2]) -> Report {
        let mut verdicts = Vec::new();
        for (status, client) in status.into_iter().zip(["public", "symmetric"]) {
            let mut verdict = verdict("a/b", status);
            verdict.case = Some("one".to_owned());
            verdict.client = Some(client.to_owned());
            verdicts.push(verdict);
        }
        report_of(verdicts)
    }

    fn marks(report: &Report) -> Vec<bool> {
        report
            .verdicts
            .iter()
            .map(|v| v.expected_by_baseline.is_some())
            .collect()
    }

    #[test]
    fn what_shows_itself_only_sometimes_may_pass() {
        for (status, current) in [(Status::Pass, true), (Status::Fail, true), (Status::Warn, false)] {
            let mut report = cases([status, status]);
            let outcome = apply(
                &mut report,
                &baseline("a/b", "fail", "sometimes = true\n"),
                "2026-08-28",
            );
            assert_eq!(outcome.is_current(), current, "{status:?}");
        }
        let mut report = cases([Status::Pass, Status::Pass]);
        assert!(!apply(&mut report, &baseline("a/b", "fail", ""), "2026-08-28").is_current());
    }

    #[test]
    fn an_entry_without_client_speaks_of_all() {
        for (scope, expected) in [
            ("a/b", [true, true]),
            ("a/b#one", [true, true]),
            ("a/b@public", [true, false]),
            ("a/b#one@symmetric", [false, true]),
        ] {
            let mut report = cases([Status::Fail, Status::Fail]);
            let outcome = apply(&mut report, &baseline(scope, "fail", ""), "2026-05-04");
            assert!(outcome.is_current(), "{scope}");
            assert_eq!(marks(&report), expected, "{scope}");
        }
    }

    #[test]
    fn one_that_passes_is_out_of_date_and_one_that_was_not_judged_is_not() {
        use Status::{Blocked, Error, Fail, Pass, Warn};
        for (found, current) in [
            ([Pass, Pass], false),
            ([Warn, Pass], false),
            ([Fail, Pass], true),
            ([Blocked, Error], true),
            ([Blocked, Pass], false),
        ] {
            let mut report = cases(found);
            let outcome = apply(&mut report, &baseline("a/b", "fail", ""), "2026-05-04");
            assert_eq!(outcome.is_current(), current, "{found:?}");
            assert_eq!(outcome.unexpected_passes.is_empty(), current, "{found:?}");
        }
    }

    #[test]
    fn a_worse_verdict_is_not_excused() {
        let mut report = cases([Status::Fail, Status::Pass]);
        let outcome = apply(&mut report, &baseline("a/b", "warn", ""), "2026-05-04");
        assert_eq!(marks(&report), [false, false]);
        assert_eq!(outcome.summary(), "a/b (line 1) is fail now, no longer warn: remove it");
    }

    #[test]
    fn it_expires_on_its_day() {
        for (today, expired) in [
            ("2027-02-28", false),
            ("2027-03-01", true),
            ("2027-03-01T08:00:00Z", true),
        ] {
            let mut report = cases([Status::Fail, Status::Fail]);
            let outcome = apply(&mut report, &baseline("a/b", "fail", "expires = 2027-03-01"), today);
            assert_eq!(!outcome.expired.is_empty(), expired, "{today}");
            assert_eq!(marks(&report), [!expired, !expired], "{today}");
        }
    }

    #[test]
    fn one_that_names_nothing_is_told_of_in_whole_runs_only() {
        let entry = baseline("a/c", "fail", "");
        let mut report = cases([Status::Fail, Status::Fail]);
        assert_eq!(apply(&mut report, &entry, "2026-05-04").names_nothing.len(), 1);
        report.run.selection = vec!["a/b".to_owned()];
        assert!(apply(&mut report, &entry, "2026-05-04").is_current());
        report.run.selection.clear();
        report.run.complete = false;
        assert!(apply(&mut report, &entry, "2026-05-04").is_current());
    }

    #[test]
    fn applying_another_baseline_removes_the_marks_of_the_first() {
        let mut report = cases([Status::Fail, Status::Fail]);
        apply(&mut report, &baseline("a/b", "fail", ""), "2026-05-04");
        apply(&mut report, &Baseline::default(), "2026-05-04");
        assert_eq!(marks(&report), [false, false]);
    }
}
