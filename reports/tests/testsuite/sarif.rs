//! `report.sarif`, judged by the JSON Schema of SARIF 2.1.0.

use std::collections::BTreeSet;

use reports::model::Status;
use reports::render::sarif;
use serde_json::Value;

use crate::{every_outcome, hostile, is_harmless, readers};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn report_sarif() {
    insta::assert_snapshot!(sarif::render(&every_outcome()));
}

#[test]
fn the_schema_of_sarif_finds_nothing_in_the_sample_and_in_hostile_reports() {
    let Some(schema) = readers::sarif_schema() else { return };
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let mut log = read(&sarif::render(&every_outcome()));
    assert!(
        validator.is_valid(&log),
        "{:#?}",
        validator.iter_errors(&log).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    for (name, report) in hostile::corpus() {
        let text = sarif::render(&report);
        assert!(is_harmless(&text), "{name}");
        let log = read(&text);
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|e| format!("{} {e}", e.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{name}: {}",
            &errors.join("\n").chars().take(2_000).collect::<String>()
        );
    }
    log["runs"][0]["results"][0]["level"] = "bad".into();
    assert!(!validator.is_valid(&log), "the schema judges at all");
}

#[test]
fn rules_results_and_notifications_are_those_of_the_report() {
    let report = every_outcome();
    let log = read(&sarif::render(&report));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let scenarios: BTreeSet<&str> = report.verdicts.iter().map(|v| v.scenario.as_str()).collect();
    assert_eq!(rules.len(), scenarios.len());

    let results = run["results"].as_array().unwrap();
    let found: Vec<_> = report
        .verdicts
        .iter()
        .filter(|v| matches!(v.status, Status::Fail | Status::Warn))
        .collect();
    assert_eq!(results.len(), found.len());
    for (result, verdict) in results.iter().zip(found) {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], verdict.scenario.as_str());
        assert_eq!(result["ruleId"], rule["id"]);
        let logical = &result["locations"][0]["logicalLocations"][0];
        assert_eq!(logical["fullyQualifiedName"], verdict.id().as_str());
        assert_eq!(
            result.get("suppressions").is_some(),
            verdict.expected_by_baseline.is_some()
        );
    }
    let told = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(
        told.len(),
        4,
        "what was not run, once for each scenario and reason: {told:#?}"
    );
}

#[test]
fn fingerprints_tell_verdicts_apart_and_stay_the_same_between_runs() {
    let prints = |report: &reports::model::Report| -> Vec<String> {
        let log = read(&sarif::render(report));
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|result| {
                result["partialFingerprints"]["launchproofVerdict/v1"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let mut report = every_outcome();
    let before = prints(&report);
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), before.len());
    report.run.started = "2027-01-01T00:00:00Z".to_owned();
    report.run.seed += 1;
    report.target.fhir_base = "http://127.0.0.1:40123/fhir".to_owned();
    for verdict in &mut report.verdicts {
        verdict.observed = Some("another answer".to_owned());
        verdict.duration_ms += 7;
        verdict.evidence.clear();
    }
    assert_eq!(prints(&report), before);
    report.target.name = "another".to_owned();
    assert_ne!(prints(&report), before);
}
