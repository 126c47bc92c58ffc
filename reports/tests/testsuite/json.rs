//! `run.json`.

use std::collections::BTreeSet;

use reports::model::{Level, Status};
use reports::render::json;

use crate::every_outcome;

#[test]
fn run_json() {
    let text = json::render(&every_outcome());
    assert_eq!(json::read(&text).unwrap(), every_outcome());
    insta::assert_snapshot!(text);
}

/// The sample is worth its name.
#[test]
fn the_sample_holds_every_outcome() {
    let report = every_outcome();
    let statuses: BTreeSet<Status> = report.verdicts.iter().map(|v| v.status).collect();
    assert_eq!(statuses.len(), Status::ALL.len());
    let levels: BTreeSet<Level> = report.verdicts.iter().map(|v| v.level).collect();
    assert_eq!(levels.len(), 5);
    let clients: BTreeSet<&str> = report.verdicts.iter().filter_map(|v| v.client.as_deref()).collect();
    assert_eq!(clients.len(), 3);
    assert!(report.verdicts.iter().any(|v| v.case.is_some()));
    assert!(report.verdicts.iter().any(|v| v.screenshot.is_some()));
    assert!(report.verdicts.iter().any(|v| v.expected_by_baseline.is_some()));
    assert!(report.exchanges.iter().any(|e| !e.decoded.is_empty()));
    assert!(report.exchanges.iter().any(|e| e.response.is_none()));
    for (index, exchange) in report.exchanges.iter().enumerate() {
        assert_eq!(exchange.id, index);
    }
    let text: String = report.verdicts.iter().filter_map(|v| v.observed.as_deref()).collect();
    for hostile in ["<script>", "\u{1b}[31m", "\u{202e}", "\0"] {
        assert!(text.contains(hostile), "{hostile:?}");
    }
}
