//! `junit.xml`, parsed back as a CI server would.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus};
use reports::model::Status;
use reports::render::junit;

use crate::{every_outcome, is_harmless};

fn kind(case: &TestCase) -> &'static str {
    match &case.status {
        TestCaseStatus::Success { .. } => "success",
        TestCaseStatus::NonSuccess {
            kind: NonSuccessKind::Failure,
            ..
        } => "failure",
        TestCaseStatus::NonSuccess {
            kind: NonSuccessKind::Error,
            ..
        } => "error",
        TestCaseStatus::Skipped { .. } => "skipped",
    }
}

#[test]
fn junit_xml() {
    let text = junit::render(&every_outcome(), false);
    assert!(is_harmless(&text));
    insta::assert_snapshot!(text);
}

#[test]
fn every_verdict_is_a_case_of_its_area_with_its_outcome() {
    for strict in [false, true] {
        let report = every_outcome();
        let junit = Junit::deserialize_from_str(&junit::render(&report, strict)).unwrap();
        let mut cases = junit
            .test_suites
            .iter()
            .flat_map(|suite| suite.test_cases.iter().map(move |case| (suite, case)));
        for verdict in &report.verdicts {
            let (suite, case) = cases.next().unwrap();
            assert_eq!(suite.name.as_str(), verdict.area);
            assert_eq!(case.name.as_str(), verdict.id());
            let expected = match verdict.status {
                Status::Pass | Status::Info => "success",
                Status::Warn if !strict => "success",
                _ if verdict.expected_by_baseline.is_some() => "skipped",
                Status::Fail | Status::Warn => "failure",
                Status::Skip => "skipped",
                Status::Unconfigured | Status::Blocked | Status::Error => "error",
            };
            assert_eq!(kind(case), expected, "{} strict={strict}", verdict.id());
            assert_eq!(
                case.system_out.is_some(),
                expected == "success" && verdict.status != Status::Pass
            );
        }
        assert!(cases.next().is_none());
        assert_eq!(junit.tests, report.verdicts.len());
    }
}
