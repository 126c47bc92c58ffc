//! Writes a baseline from a finished run: what was already accepted keeps its reason, what is new waits for one.

use std::fmt::Write as _;

use super::{Baseline, Entry, Scope};
use crate::model::{Report, Status, Verdict};
use crate::plain;

const HEAD: &str = "\
# Deviations of this target that are known and accepted. One that is listed here is reported as known and is not red;
# when it is gone, or its `expires` has come, the run ends with code 6. A `reason` must say why: an issue, a decision.
";

/// A first baseline of this run: every fail and warn, with empty reasons, which [`Baseline::parse`] refuses until
/// they are filled in. Verdicts that a baseline already expects keep its reason.
pub fn write(report: &Report) -> String {
    update(report, &Baseline::default())
}

/// The baseline `old`, brought up to date with this run.
///
/// Kept as they are: entries that still hold, and entries of which this run says nothing (not selected, not judged).
/// Left out: entries whose deviation is gone. Added: every other fail and warn, one entry a verdict.
pub fn update(report: &Report, old: &Baseline) -> String {
    let whole = report.run.complete && report.run.selection.is_empty();
    let kept: Vec<&Entry> = old
        .entries
        .iter()
        .filter(|entry| is_kept(entry, &report.verdicts, whole))
        .collect();
    let mut text = HEAD.to_owned();
    for entry in &kept {
        append(
            &mut text,
            &entry.scope,
            entry.verdict,
            &entry.reason,
            entry.expires.as_deref(),
            None,
        );
        if entry.sometimes {
            text.push_str("sometimes = true\n");
        }
    }
    let deviations = report
        .verdicts
        .iter()
        .filter(|v| matches!(v.status, Status::Fail | Status::Warn));
    for verdict in deviations {
        if kept
            .iter()
            .any(|entry| entry.verdict == verdict.status && entry.scope.matches(verdict))
        {
            continue;
        }
        let scope = Scope {
            scenario: verdict.scenario.clone(),
            case: verdict.case.clone(),
            client: verdict.client.clone(),
        };
        let reason = verdict.expected_by_baseline.as_deref().unwrap_or_default();
        append(
            &mut text,
            &scope,
            verdict.status,
            reason,
            None,
            verdict.observed.as_deref(),
        );
    }
    text
}

fn is_kept(entry: &Entry, verdicts: &[Verdict], whole: bool) -> bool {
    let mut matched = verdicts
        .iter()
        .filter(|verdict| entry.scope.matches(verdict))
        .peekable();
    if matched.peek().is_none() {
        return !whole;
    }
    let (mut judged, mut hit) = (false, false);
    for verdict in matched {
        judged |= verdict.status.is_judged();
        hit |= verdict.status == entry.verdict;
    }
    hit || !judged || entry.sometimes
}

fn append(text: &mut String, scope: &Scope, verdict: Status, reason: &str, expires: Option<&str>, seen: Option<&str>) {
    text.push_str("\n[[expect]]\n");
    if let Some(seen) = seen {
        let _ = writeln!(text, "# observed: {}", plain::cut(seen, 160));
    }
    let _ = writeln!(text, "scenario = {}", quoted(&scope.to_string()));
    let _ = writeln!(text, "verdict = {}", quoted(verdict.as_str()));
    let _ = writeln!(text, "reason = {}", quoted(reason));
    if let Some(day) = expires {
        let _ = writeln!(text, "expires = {day}");
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::apply;
    use crate::sample::{report_of, verdict};

    #[test]
    fn new_deviations_wait_for_a_reason() {
        let mut failed = verdict("a/b", Status::Fail);
        failed.case = Some("odd \"case\"".to_owned());
        failed.observed = Some("200\u{1b}[31m".to_owned());
        let report = report_of(vec![verdict("a/a", Status::Pass), failed, verdict("a/c", Status::Warn)]);
        let text = write(&report);
        assert!(text.contains("# observed: 200\\u{1b}[31m\n"), "{text}");
        let draft = Baseline::parse_draft(&text).unwrap();
        assert_eq!(draft.entries.len(), 2);
        let error = Baseline::parse(&text).unwrap_err();
        assert!(
            error.message.starts_with("`reason` of `a/b#odd \"case\"` is empty"),
            "{error}"
        );
    }

    #[test]
    fn what_holds_keeps_its_reason_and_what_is_gone_leaves() {
        let old = "
            [[expect]]
            scenario = 'a/still'
            verdict = 'fail'
            reason = 'EHR-1'
            expires = 2030-01-01
            [[expect]]
            scenario = 'a/gone'
            verdict = 'fail'
            reason = 'EHR-2'
            [[expect]]
            scenario = 'a/blocked'
            verdict = 'fail'
            reason = 'EHR-3'
            [[expect]]
            scenario = 'a/nothing'
            verdict = 'fail'
            reason = 'EHR-4'
        ";
        let old = Baseline::parse(old).unwrap();
        let mut report = report_of(vec![
            verdict("a/blocked", Status::Blocked),
            verdict("a/gone", Status::Pass),
            verdict("a/still", Status::Fail),
        ]);
        let reasons = |text: &str| -> Vec<String> {
            Baseline::parse(text)
                .unwrap()
                .entries
                .into_iter()
                .map(|entry| entry.reason)
                .collect()
        };
        assert_eq!(reasons(&update(&report, &old)), ["EHR-1", "EHR-3"]);
        report.run.selection = vec!["a/still".to_owned()];
        assert_eq!(reasons(&update(&report, &old)), ["EHR-1", "EHR-3", "EHR-4"]);
    }

    #[test]
    fn an_updated_baseline_is_current() {
        let mut report = report_of(vec![verdict("a/b", Status::Fail), verdict("a/c", Status::Warn)]);
        let text = write(&report).replace("reason = \"\"", "reason = \"known\"");
        let outcome = apply(&mut report, &Baseline::parse(&text).unwrap(), "2026-05-04");
        assert!(outcome.is_current());
        assert!(report.verdicts.iter().all(|v| v.expected_by_baseline.is_some()));
        // Written again from the marked report alone, the reasons stay.
        assert!(Baseline::parse(&write(&report)).is_ok());
    }
}
