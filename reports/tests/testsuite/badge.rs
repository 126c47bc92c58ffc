//! `badge.json` and `badge.svg`.

use reports::model::{Report, Status};
use reports::render::badge;
use serde_json::{Value, json};

use crate::{every_outcome, hostile};

fn read(report: &Report) -> Value {
    serde_json::from_str(&badge::json(report)).unwrap()
}

#[test]
fn the_endpoint_of_shields_and_the_picture_say_the_same() {
    let mut report = every_outcome();
    let now = read(&report);
    assert_eq!(
        now,
        json!({
            "schemaVersion": 1, "label": "SMART App Launch 2.2", "message": "4 SHALL broken", "color": "red", "cacheSeconds": 300
        })
    );
    let svg = badge::svg(&report);
    let tree = roxmltree::Document::parse(&svg).unwrap();
    assert!(tree.descendants().any(|node| node.text() == now["message"].as_str()));

    report.verdicts.retain(|verdict| verdict.status != Status::Fail);
    assert_eq!(read(&report)["color"], "yellow");
    report.verdicts.retain(|verdict| verdict.status == Status::Pass);
    assert_eq!(
        read(&report),
        json!({
            "schemaVersion": 1, "label": "SMART App Launch 2.2", "message": "no deviation found", "color": "brightgreen", "cacheSeconds": 300
        })
    );
}

#[test]
fn a_hostile_version_stays_text() {
    for (name, report) in hostile::corpus() {
        let svg = badge::svg(&report);
        let tree = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut names: Vec<&str> = tree
            .descendants()
            .filter(roxmltree::Node::is_element)
            .map(|n| n.tag_name().name())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, ["clipPath", "g", "rect", "svg", "text", "title"], "{name}");
        assert!(!read(&report)["message"].as_str().unwrap().is_empty());
    }
}
