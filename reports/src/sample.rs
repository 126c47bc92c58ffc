//! Small reports for the unit tests of this crate.

use crate::model::{Controls, Level, Report, Run, SCHEMA_VERSION, Status, Target, Verdict};

/// A complete run with these verdicts.
pub(crate) fn report_of(verdicts: Vec<Verdict>) -> Report {
    Report {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: "launchproof 0.1.0".to_owned(),
        target: Target {
            name: "sample".to_owned(),
            fhir_base: "https://ehr.example/fhir".to_owned(),
            smart_version: "2.2".to_owned(),
            smart_version_from: "given by --smart".to_owned(),
        },
        run: Run {
            started: "2026-05-04T09:00:00Z".to_owned(),
            duration_ms: 1_000,
            requests: 10,
            sign_ins: 1,
            agent: "http".to_owned(),
            seed: 1,
            complete: true,
            insecure: false,
            full_evidence: false,
            stopped: None,
            selection: Vec::new(),
            partition: None,
            catalogue: String::new(),
            raised: Vec::new(),
            controls: Controls::default(),
            accept_missing: Vec::new(),
            exit_code: 0,
            exit_reason: "nothing unexpected".to_owned(),
        },
        verdicts,
        requirements: Vec::new(),
        exchanges: Vec::new(),
        adaptations: Vec::new(),
        left_behind: Vec::new(),
    }
}

/// A SHALL without evidence.
pub(crate) fn verdict(scenario: &str, status: Status) -> Verdict {
    Verdict {
        scenario: scenario.to_owned(),
        case: None,
        client: None,
        area: scenario.split('/').next().unwrap_or_default().to_owned(),
        title: "Something holds".to_owned(),
        about: "It is tried.".to_owned(),
        fix: None,
        level: Level::Shall,
        requirements: Vec::new(),
        status,
        reason: None,
        expected: None,
        observed: None,
        expected_by_baseline: None,
        evidence: Vec::new(),
        screenshot: None,
        of_the_whole_run: false,
        duration_ms: 1,
    }
}
