//! The claim that every obligation which a black box can see is judged: counted, not said.

use std::collections::BTreeSet;

use launchproof::scenario::{lint, load, requirement, versions};
use launchproof::selftest::coverage;
use mock_ehr::Defect;

#[test]
fn every_row_that_can_be_seen_is_judged_by_a_scenario() {
    let scenarios = load::load(None).expect("the scenarios load");
    let requirements = requirement::all().expect("the requirements load");
    let coverage = coverage::of(&scenarios, &requirements);
    let uncovered: Vec<&str> = coverage
        .requirements
        .iter()
        .filter(|row| row.is_uncovered())
        .map(|row| row.id.as_str())
        .collect();
    assert!(uncovered.is_empty(), "no scenario judges {uncovered:#?}");
}

#[test]
fn a_row_that_cannot_be_seen_says_why() {
    let requirements = requirement::all().expect("the requirements load");
    for row in requirements.values() {
        if let Some(why) = row.observable.not() {
            assert!(why.trim().len() > 15, "{}: `{why}` is no reason", row.id);
        }
    }
}

#[test]
fn what_cannot_be_seen_is_judged_by_nothing() {
    let scenarios = load::load(None).expect("the scenarios load");
    let requirements = requirement::all().expect("the requirements load");
    for row in coverage::of(&scenarios, &requirements).requirements {
        let judged = row.observable == coverage::Kind::No && !row.scenarios.is_empty();
        assert!(
            !judged,
            "{} is judged by {:?}, and said to be out of sight",
            row.id, row.scenarios
        );
    }
}

#[test]
fn every_scenario_cites_rows_that_there_are_in_versions_that_have_them() {
    let scenarios = load::load(None).expect("the scenarios load");
    let requirements = requirement::all().expect("the requirements load");
    let versions = versions::table(&requirements).expect("the table of versions loads");
    let wrong = lint::lint(&scenarios, &requirements, &versions);
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn every_defect_breaks_a_row_that_there_is() {
    let requirements = requirement::all().expect("the requirements load");
    let unknown: BTreeSet<String> = Defect::ALL
        .iter()
        .filter(|defect| !requirements.contains_key(defect.requirement()))
        .map(|defect| format!("{} breaks {}", defect.name(), defect.requirement()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_scenario_says_how_to_mend_what_failed() {
    let scenarios = load::load(None).expect("the scenarios load");
    let silent: Vec<&str> = scenarios
        .iter()
        .filter(|loaded| loaded.scenario.fix.as_deref().is_none_or(|fix| fix.trim().len() < 20))
        .map(|loaded| loaded.id.as_str())
        .collect();
    assert!(silent.is_empty(), "no `fix:` in {silent:#?}");
}
