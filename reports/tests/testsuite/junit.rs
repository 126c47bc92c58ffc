//! `junit.xml`, parsed back as a CI server would.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus};
use reports::model::Status;
use reports::render::junit;

use crate::{every_outcome, hostile, is_harmless, readers};

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

/// Jenkins judges by an XSD; GitHub's and GitLab's readers take the same elements.
#[test]
fn the_xsd_of_jenkins_finds_nothing_and_a_parser_understands_every_case() {
    let report = every_outcome();
    let mut texts = vec![junit::render(&report, false)];
    for (name, report) in hostile::corpus() {
        let text = junit::render(&report, true);
        assert!(is_harmless(&text), "{name}");
        texts.push(text);
    }
    let Some(understood) = readers::junit(&texts) else {
        return;
    };
    let cases = understood[0].as_array().unwrap();
    assert_eq!(cases.len(), report.verdicts.len());
    for (case, verdict) in cases.iter().zip(&report.verdicts) {
        assert_eq!(case[0], format!("launchproof.{}", verdict.area));
        assert_eq!(case[1], verdict.id());
        let kinds = match verdict.status {
            Status::Pass | Status::Info | Status::Warn => vec![],
            _ if verdict.expected_by_baseline.is_some() => vec!["skipped"],
            Status::Fail => vec!["failure"],
            Status::Skip => vec!["skipped"],
            Status::Unconfigured | Status::Blocked | Status::Error => vec!["error"],
        };
        assert_eq!(case[2], serde_json::json!(kinds), "{}", verdict.id());
    }
    assert!(
        understood
            .as_array()
            .unwrap()
            .iter()
            .all(|all| all.as_array().unwrap().len() == cases.len())
    );
}
