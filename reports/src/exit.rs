//! The exit codes, which are public: their names, their meaning, and which one a report gives.

use std::fmt::Write as _;

use crate::baseline::BaselineOutcome;
pub use crate::model::{AcceptedGap, Controls};
use crate::model::{Report, Status, Verdict};
use crate::plain;

/// Nothing unexpected.
pub const NOTHING_UNEXPECTED: u8 = 0;
/// A requirement is broken that the baseline does not expect.
pub const BROKEN: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// A profile, a scenario or a baseline is wrong.
pub const BAD_INPUT: u8 = 3;
/// Nothing was selected.
pub const NOTHING_SELECTED: u8 = 4;
/// Something that was selected could not be judged, and nothing is broken.
pub const INCOMPLETE: u8 = 5;
/// The baseline is out of date.
pub const BASELINE_OUT_OF_DATE: u8 = 6;
/// The target cannot be reached or signed in to: no control passed at all.
pub const UNREACHABLE: u8 = 8;
/// A bug of ours.
pub const INTERNAL: u8 = 70;
/// Ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// What a code means, in one line; `None` for one that the program never gives.
pub fn meaning(code: u8) -> Option<&'static str> {
    Some(match code {
        NOTHING_UNEXPECTED => "nothing unexpected",
        BROKEN => "a requirement is broken that the baseline does not expect",
        USAGE => "the command line is wrong",
        BAD_INPUT => "a profile, a scenario or a baseline is wrong",
        NOTHING_SELECTED => "nothing was selected",
        INCOMPLETE => "incomplete: something could not be judged, and nothing is broken",
        BASELINE_OUT_OF_DATE => "the baseline is out of date",
        UNREACHABLE => "the target cannot be reached or signed in to",
        INTERNAL => "a bug of launchproof",
        INTERRUPTED => "interrupted",
        _ => return None,
    })
}

impl AcceptedGap {
    /// Whether this verdict may be missing.
    pub fn covers(&self, verdict: &Verdict) -> bool {
        self.covers_item(&verdict.scenario, verdict.case.as_deref(), verdict.client.as_deref())
    }

    /// Whether the verdict of this scenario, row and client may be missing.
    pub fn covers_item(&self, scenario: &str, case: Option<&str>, client: Option<&str>) -> bool {
        if let Some(wanted) = self.scope.strip_prefix('@') {
            return client == Some(wanted);
        }
        let (path, wanted) = match self.scope.split_once('@') {
            Some((path, wanted)) => (path, Some(wanted)),
            None => (self.scope.as_str(), None),
        };
        if wanted.is_some() && wanted != client {
            return false;
        }
        if let Some((of, row)) = path.split_once('#') {
            return scenario == of && case == Some(row);
        }
        let folder = path.strip_suffix('/').unwrap_or(path);
        scenario == path || scenario.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// From which strength on a deviation makes the exit code red.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    /// A broken duty.
    #[default]
    Fail,
    /// A recommendation that is not followed, too (`--strict`).
    Warn,
    /// None: the report says what is broken, and the code only whether there is a report to read.
    Never,
}

impl FailOn {
    /// Whether this status is a deviation that counts.
    pub fn counts(self, status: Status) -> bool {
        match self {
            Self::Fail => status == Status::Fail,
            Self::Warn => matches!(status, Status::Fail | Status::Warn),
            Self::Never => false,
        }
    }
}

/// The exit code that a report gives, and why, in one sentence.
///
/// Precedence: 130, 4, 8, 1, 6, 5, 0; codes 70, 2 and 3 end the program before there is a report to judge.
/// With [`FailOn::Warn`] recommendations are duties; with [`FailOn::Never`] 1, 6 and 5 are 0 where the run
/// came to its end, and 5 where not. What the baseline expects is
/// never unexpected.
pub fn exit_code(report: &Report, fail_on: FailOn, baseline: &BaselineOutcome) -> (u8, String) {
    let (code, why) = strict_code(report, fail_on, baseline);
    let stopped = report.run.stopped.as_deref().filter(|_| !report.run.complete);
    if let (FailOn::Never, BROKEN | BASELINE_OUT_OF_DATE | INCOMPLETE, Some(early)) = (fail_on, code, stopped) {
        return (INCOMPLETE, format!("it ended early: {early}"));
    }
    if fail_on == FailOn::Never && matches!(code, BROKEN | BASELINE_OUT_OF_DATE | INCOMPLETE) {
        return (
            NOTHING_UNEXPECTED,
            format!("--fail-on never; it would be code {code}: {why}"),
        );
    }
    (code, why)
}

fn strict_code(report: &Report, fail_on: FailOn, baseline: &BaselineOutcome) -> (u8, String) {
    let verdicts = &report.verdicts;
    let run = &report.run;
    if !run.complete && run.stopped.is_none() {
        let judged = verdicts.iter().filter(|v| v.status.is_judged()).count();
        return (INTERRUPTED, format!("interrupted after {}", count(judged, "verdict")));
    }
    if verdicts.is_empty()
        && let Some(partition) = run.partition.filter(|partition| partition.planned > 0)
    {
        return (
            NOTHING_UNEXPECTED,
            format!(
                "part {} of {} is empty: there are {} in all",
                partition.part,
                partition.of,
                count(partition.planned, "verdict")
            ),
        );
    }
    if verdicts.is_empty() && run.stopped.is_none() {
        return (
            NOTHING_SELECTED,
            "no scenario was selected: loosen the selection, or see `launchproof list`".to_owned(),
        );
    }
    if let Some(why) = unreachable(verdicts, run.controls) {
        return (UNREACHABLE, why);
    }

    let stopped = run.stopped.as_deref().filter(|_| !run.complete);
    let broken: Vec<&Verdict> = verdicts
        .iter()
        .filter(|v| v.status == Status::Fail || fail_on.counts(v.status))
        .filter(|v| v.expected_by_baseline.is_none())
        .collect();
    if !broken.is_empty() {
        return (
            BROKEN,
            format!(
                "{} unexpectedly: {}{}",
                fails(broken.len()),
                names(&broken),
                stopped.map_or_else(String::new, |why| format!("; incomplete: {why}"))
            ),
        );
    }
    if !baseline.is_current() {
        return (
            BASELINE_OUT_OF_DATE,
            format!("the baseline is out of date: {}", baseline.summary()),
        );
    }
    if let Some(why) = stopped {
        return (INCOMPLETE, format!("it ended early: {why}"));
    }
    let strict = fail_on == FailOn::Warn;
    let missing: Vec<&Verdict> = verdicts
        .iter()
        .filter(|v| v.status.is_not_run() && (strict || v.level.is_duty()))
        .filter(|v| v.expected_by_baseline.is_none() && !run.accept_missing.iter().any(|gap| gap.covers(v)))
        .collect();
    if !missing.is_empty() {
        let why = missing
            .iter()
            .find_map(|v| v.reason.as_deref())
            .map_or_else(String::new, |reason| {
                format!("; the first because {}", plain::cut(reason, 160))
            });
        let (were, so) = if missing.len() == 1 {
            ("was", "it")
        } else {
            ("were", "them")
        };
        return (
            INCOMPLETE,
            format!(
                "{} {were} not judged: {}{why}. Configure {so}, or list {so} in [accept_missing] with a reason",
                count(missing.len(), "verdict"),
                names(&missing)
            ),
        );
    }
    (NOTHING_UNEXPECTED, nothing_unexpected(verdicts))
}

/// No control passed; or, where there was none to try, nothing at all could be judged and something stood in the way.
fn unreachable(verdicts: &[Verdict], controls: Controls) -> Option<String> {
    let obstacle = verdicts
        .iter()
        .find(|v| matches!(v.status, Status::Blocked | Status::Error));
    let no_control = controls.tried > 0 && controls.passed == 0;
    let nothing_judged = obstacle.is_some() && !verdicts.iter().any(|v| v.status.is_judged());
    if !no_control && !nothing_judged {
        return None;
    }
    let why = obstacle
        .and_then(|v| v.reason.as_deref())
        .map_or_else(String::new, |reason| format!(": {}", plain::cut(reason, 200)));
    Some(if no_control {
        format!(
            "none of {} passed, so no refusal of this target means anything{why}",
            count_u64(controls.tried, "control")
        )
    } else {
        format!("nothing could be judged{why}")
    })
}

fn nothing_unexpected(verdicts: &[Verdict]) -> String {
    let judged = verdicts.iter().filter(|v| v.status.is_judged()).count();
    let known = verdicts.iter().filter(|v| v.expected_by_baseline.is_some()).count();
    match (judged, known) {
        (0, _) => "nothing unexpected, and nothing judged: no selected scenario applies to this target".to_owned(),
        (_, 0) => format!("nothing unexpected in {}", count(judged, "verdict")),
        (_, known) => format!(
            "nothing unexpected in {}; the baseline expects {known}",
            count(judged, "verdict")
        ),
    }
}

fn names(verdicts: &[&Verdict]) -> String {
    const SHOWN: usize = 3;
    let mut text = verdicts
        .iter()
        .take(SHOWN)
        .map(|v| plain::cut(&v.id(), 100))
        .collect::<Vec<_>>()
        .join(", ");
    if verdicts.len() > SHOWN {
        let _ = write!(text, " and {} more", verdicts.len() - SHOWN);
    }
    text
}

fn fails(number: usize) -> String {
    if number == 1 {
        "1 verdict fails".to_owned()
    } else {
        format!("{number} verdicts fail")
    }
}

fn count(number: usize, noun: &str) -> String {
    count_u64(number as u64, noun)
}

fn count_u64(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
