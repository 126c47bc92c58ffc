//! `junit.xml` for CI: one suite an area, one case a verdict.

use std::time::Duration;

use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, Property, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::answer;
use crate::model::{Report, Status, Verdict};
use crate::plain::{line, visible};
use crate::wording::{ById, by_id, description, message};

/// The report as JUnit XML. With `strict`, a warning is a failure.
///
/// What the baseline expects is a skipped case, since it is not red: its message names the reason.
pub fn render(report: &Report, strict: bool) -> String {
    let requirements = by_id(report);
    let mut suites: IndexMap<&str, TestSuite> = IndexMap::new();
    for verdict in &report.verdicts {
        suites
            .entry(&verdict.area)
            .or_insert_with(|| TestSuite::new(line(&verdict.area)))
            .add_test_case(case(verdict, &requirements, strict));
    }
    let mut junit = Junit::new(line(&format!("launchproof {}", report.target.name)));
    junit.set_time(Duration::from_millis(report.run.duration_ms));
    for (_, mut suite) in suites {
        let spent = suite.test_cases.iter().filter_map(|case| case.time).sum();
        suite.set_time(spent);
        suite.add_property(Property::new("fhir_base", line(&report.target.fhir_base)));
        suite.add_property(Property::new("smart_version", line(&report.target.smart_version)));
        suite.add_property(Property::new("started", line(&report.run.started)));
        suite.add_property(Property::new("seed", report.run.seed.to_string()));
        suite.add_property(Property::new("answer", answer(report).sentence));
        junit.add_test_suite(suite);
    }
    let text = junit
        .to_string()
        .expect("writing XML to memory fails only on a malformed name, and names are constants");
    without_total_of_skipped(&text)
}

/// The XSDs of Jenkins know `skipped` of a suite, and not of all suites together.
fn without_total_of_skipped(text: &str) -> String {
    let Some(start) = text.find("<testsuites ") else {
        return text.to_owned();
    };
    let end = text[start..].find('>').map_or(text.len(), |end| start + end);
    let root = &text[start..end];
    // Within a value a quotation mark is escaped, so this is the attribute.
    let Some((before, after)) = root.split_once(" skipped=\"") else {
        return text.to_owned();
    };
    let after = after.split_once('"').map_or("", |(_, after)| after);
    [&text[..start], before, after, &text[end..]].concat()
}

fn case(verdict: &Verdict, requirements: &ById<'_>, strict: bool) -> TestCase {
    let mut status = status(verdict, strict);
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_type(format!("{} {}", verdict.level.as_str(), verdict.status.as_str()));
        status.set_message(line(&message(verdict)));
    }
    if matches!(status, TestCaseStatus::NonSuccess { .. }) {
        status.set_description(visible(&description(verdict, requirements)));
    }
    let success = matches!(status, TestCaseStatus::Success { .. });
    let mut case = TestCase::new(line(&verdict.id()), status);
    case.set_classname(format!("launchproof.{}", line(&verdict.area)));
    case.set_time(Duration::from_millis(verdict.duration_ms));
    if success && verdict.status != Status::Pass {
        case.set_system_out(visible(&description(verdict, requirements)));
    }
    case
}

fn status(verdict: &Verdict, strict: bool) -> TestCaseStatus {
    match verdict.status {
        Status::Pass | Status::Info => TestCaseStatus::success(),
        Status::Warn if !strict => TestCaseStatus::success(),
        _ if verdict.expected_by_baseline.is_some() => TestCaseStatus::skipped(),
        Status::Fail | Status::Warn => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Skip => TestCaseStatus::skipped(),
        Status::Unconfigured | Status::Blocked | Status::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    }
}
