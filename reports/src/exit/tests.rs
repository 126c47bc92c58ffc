//! Each code for its own reason, one by one, and which of two comes first.

use super::*;
use crate::baseline::Stale;
use crate::model::Level;
use crate::sample::{report_of, verdict};

const OK: Controls = Controls { tried: 3, passed: 3 };

fn known(mut verdict: Verdict) -> Verdict {
    verdict.expected_by_baseline = Some("EHR-1".to_owned());
    verdict
}

fn at(level: Level, mut verdict: Verdict) -> Verdict {
    verdict.level = level;
    verdict
}

fn stale() -> BaselineOutcome {
    let entry = Stale {
        id: "a/b".to_owned(),
        line: 4,
        message: "passes now".to_owned(),
    };
    BaselineOutcome {
        unexpected_passes: vec![entry],
        ..BaselineOutcome::default()
    }
}

/// Name, verdicts, `--strict`, baseline, controls, expected code.
type Row = (&'static str, Vec<Verdict>, bool, BaselineOutcome, Controls, u8);

fn code(verdicts: Vec<Verdict>, strict: bool, baseline: &BaselineOutcome, controls: Controls) -> u8 {
    let fail_on = if strict { FailOn::Warn } else { FailOn::Fail };
    exit_code(&with_controls(verdicts, controls), fail_on, baseline).0
}

fn with_controls(verdicts: Vec<Verdict>, controls: Controls) -> Report {
    let mut report = report_of(verdicts);
    report.run.controls = controls;
    report
}

#[test]
fn each_code_for_its_own_reason() {
    use Status::{Blocked, Error, Fail, Info, Pass, Skip, Unconfigured, Warn};
    let fine = BaselineOutcome::default();
    let pass = || verdict("a/pass", Pass);
    let table: Vec<Row> = vec![
        ("all pass", vec![pass()], false, fine.clone(), OK, 0),
        (
            "info and skip are fine",
            vec![pass(), verdict("a/b", Info), verdict("a/c", Skip)],
            true,
            fine.clone(),
            OK,
            0,
        ),
        (
            "a warning is fine",
            vec![pass(), verdict("a/b", Warn)],
            false,
            fine.clone(),
            OK,
            0,
        ),
        (
            "a warning in strict",
            vec![pass(), verdict("a/b", Warn)],
            true,
            fine.clone(),
            OK,
            1,
        ),
        (
            "a known warning in strict",
            vec![pass(), known(verdict("a/b", Warn))],
            true,
            fine.clone(),
            OK,
            0,
        ),
        (
            "a failure",
            vec![pass(), verdict("a/b", Fail)],
            false,
            fine.clone(),
            OK,
            1,
        ),
        (
            "a known failure",
            vec![pass(), known(verdict("a/b", Fail))],
            false,
            fine.clone(),
            OK,
            0,
        ),
        (
            "a known and an unknown one",
            vec![known(verdict("a/b", Fail)), verdict("a/c", Fail)],
            false,
            fine.clone(),
            OK,
            1,
        ),
        ("nothing selected", vec![], false, fine.clone(), OK, 4),
        ("nothing selected, with an old baseline", vec![], false, stale(), OK, 4),
        (
            "blocked",
            vec![pass(), verdict("a/b", Blocked)],
            false,
            fine.clone(),
            OK,
            5,
        ),
        ("error", vec![pass(), verdict("a/b", Error)], false, fine.clone(), OK, 5),
        (
            "unconfigured",
            vec![pass(), verdict("a/b", Unconfigured)],
            false,
            fine.clone(),
            OK,
            5,
        ),
        (
            "only unconfigured: no clients",
            vec![verdict("a/b", Unconfigured)],
            false,
            fine.clone(),
            Controls::default(),
            5,
        ),
        (
            "a known error",
            vec![pass(), known(verdict("a/b", Error))],
            false,
            fine.clone(),
            OK,
            0,
        ),
        (
            "a missing SHOULD",
            vec![pass(), at(Level::Should, verdict("a/b", Error))],
            false,
            fine.clone(),
            OK,
            0,
        ),
        (
            "a missing SHOULD in strict",
            vec![pass(), at(Level::Should, verdict("a/b", Error))],
            true,
            fine.clone(),
            OK,
            5,
        ),
        ("an old baseline", vec![pass()], false, stale(), OK, 6),
        (
            "an old baseline before a gap",
            vec![pass(), verdict("a/b", Blocked)],
            false,
            stale(),
            OK,
            6,
        ),
        (
            "a failure before an old baseline",
            vec![verdict("a/b", Fail)],
            false,
            stale(),
            OK,
            1,
        ),
        (
            "a failure before a gap",
            vec![verdict("a/b", Fail), verdict("a/c", Error)],
            false,
            fine.clone(),
            OK,
            1,
        ),
        (
            "no control passed",
            vec![pass(), verdict("a/b", Fail)],
            false,
            stale(),
            Controls { tried: 2, passed: 0 },
            8,
        ),
        (
            "nothing judged, blocked",
            vec![verdict("a/b", Blocked)],
            false,
            fine.clone(),
            Controls::default(),
            8,
        ),
        (
            "passive scenarios only",
            vec![pass()],
            false,
            fine.clone(),
            Controls::default(),
            0,
        ),
        (
            "all skipped",
            vec![verdict("a/b", Skip)],
            false,
            fine.clone(),
            Controls::default(),
            0,
        ),
    ];
    for (name, verdicts, strict, baseline, controls, expected) in table {
        assert_eq!(code(verdicts, strict, &baseline, controls), expected, "{name}");
    }
}

#[test]
fn an_interruption_comes_before_everything() {
    for verdicts in [
        vec![],
        vec![verdict("a/b", Status::Fail)],
        vec![verdict("a/b", Status::Blocked)],
    ] {
        let mut report = report_of(verdicts);
        report.run.complete = false;
        assert_eq!(exit_code(&report, FailOn::Warn, &stale()).0, INTERRUPTED);
    }
}

#[test]
fn an_accepted_gap_is_no_gap() {
    let mut missing = verdict("client_auth_asymmetric/alg_none", Status::Unconfigured);
    missing.client = Some("asymmetric".to_owned());
    missing.case = Some("upper".to_owned());
    let table = [
        ("client_auth_asymmetric/alg_none#upper@asymmetric", 0),
        ("client_auth_asymmetric/alg_none#upper", 0),
        ("client_auth_asymmetric/alg_none@asymmetric", 0),
        ("client_auth_asymmetric/alg_none", 0),
        ("client_auth_asymmetric/", 0),
        ("client_auth_asymmetric", 0),
        ("@asymmetric", 0),
        ("@symmetric", 5),
        ("client_auth_asymmetric/alg_none#lower", 5),
        ("client_auth_asymmetric/alg_none@public", 5),
        ("client_auth_asym", 5),
        ("client_auth_asymmetric/alg", 5),
    ];
    for (scope, expected) in table {
        let gap = AcceptedGap {
            scope: scope.to_owned(),
            reason: "bought later".to_owned(),
        };
        let mut report = with_controls(vec![verdict("a/b", Status::Pass), missing.clone()], OK);
        report.run.accept_missing = vec![gap];
        assert_eq!(
            exit_code(&report, FailOn::Fail, &BaselineOutcome::default()).0,
            expected,
            "{scope}"
        );
    }
}

#[test]
fn every_code_has_a_meaning() {
    let all = [0, 1, 2, 3, 4, 5, 6, 8, 70, 130];
    for code in 0..=u8::MAX {
        assert_eq!(meaning(code).is_some(), all.contains(&code), "{code}");
    }
}

#[test]
fn the_reason_names_what_to_look_at() {
    let mut report = with_controls(vec![verdict("a/b", Status::Fail), verdict("a/c", Status::Fail)], OK);
    let fine = BaselineOutcome::default();
    let (_, reason) = exit_code(&report, FailOn::Fail, &fine);
    assert_eq!(reason, "2 verdicts fail unexpectedly: a/b, a/c");
    report.run.complete = false;
    report.run.stopped = Some("--max-fail 2".to_owned());
    let (code, reason) = exit_code(&report, FailOn::Fail, &fine);
    assert_eq!(
        (code, reason.as_str()),
        (
            BROKEN,
            "2 verdicts fail unexpectedly: a/b, a/c; incomplete: --max-fail 2"
        )
    );
}

#[test]
fn what_ended_early_is_never_green() {
    let mut report = with_controls(vec![verdict("a/b", Status::Pass)], OK);
    report.run.complete = false;
    report.run.stopped = Some("part 2 of 3 was interrupted".to_owned());
    let (code, reason) = exit_code(&report, FailOn::Fail, &BaselineOutcome::default());
    assert_eq!(
        (code, reason.as_str()),
        (INCOMPLETE, "it ended early: part 2 of 3 was interrupted")
    );
}

#[test]
fn fail_on_never_keeps_the_codes_that_say_that_there_is_nothing_to_read() {
    use Status::{Blocked, Fail, Pass};
    let never =
        |verdicts: Vec<Verdict>, controls| exit_code(&with_controls(verdicts, controls), FailOn::Never, &stale()).0;
    assert_eq!(never(vec![verdict("a/b", Fail)], OK), 0);
    assert_eq!(never(vec![verdict("a/b", Pass)], OK), 0);
    assert_eq!(never(vec![verdict("a/b", Pass), verdict("a/c", Blocked)], OK), 0);
    assert_eq!(never(vec![], OK), NOTHING_SELECTED);
    assert_eq!(
        never(vec![verdict("a/b", Fail)], Controls { tried: 2, passed: 0 }),
        UNREACHABLE
    );
    let report = with_controls(vec![verdict("a/b", Fail)], OK);
    let (_, reason) = exit_code(&report, FailOn::Never, &BaselineOutcome::default());
    assert_eq!(
        reason,
        "--fail-on never; it would be code 1: 1 verdict fails unexpectedly: a/b"
    );
}

#[test]
fn an_empty_part_is_no_empty_selection() {
    let mut report = with_controls(Vec::new(), Controls::default());
    report.run.partition = Some(crate::model::Partition {
        part: 3,
        of: 3,
        planned: 2,
    });
    let (code, reason) = exit_code(&report, FailOn::Fail, &BaselineOutcome::default());
    assert_eq!(
        (code, reason.as_str()),
        (NOTHING_UNEXPECTED, "part 3 of 3 is empty: there are 2 verdicts in all")
    );
}

#[test]
fn never_excuses_no_report_that_is_not_whole() {
    for status in [Status::Pass, Status::Fail] {
        let mut report = with_controls(vec![verdict("a/b", status)], OK);
        report.run.complete = false;
        report.run.stopped = Some("part 2 of 3 was interrupted".to_owned());
        let (code, why) = exit_code(&report, FailOn::Never, &BaselineOutcome::default());
        assert_eq!((code, why.as_str()), (5, "it ended early: part 2 of 3 was interrupted"));
    }
}
