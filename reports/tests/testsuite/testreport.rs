//! `testreport.json`, read by PyPI fhir.resources.

use reports::render::testreport;

use crate::{every_outcome, hostile, is_harmless, readers};

#[test]
fn testreport_json() {
    insta::assert_snapshot!(testreport::render(&every_outcome()));
}

#[test]
fn a_fhir_model_understands_the_sample_and_hostile_reports() {
    let report = every_outcome();
    let mut texts = vec![testreport::render(&report)];
    for (name, report) in hostile::corpus() {
        let text = testreport::render(&report);
        assert!(is_harmless(&text), "{name}");
        let resource: serde_json::Value = serde_json::from_str(&text).unwrap();
        let div = resource["text"]["div"].as_str().unwrap();
        let tree = roxmltree::Document::parse(div).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            tree.descendants()
                .filter(roxmltree::Node::is_element)
                .all(|node| matches!(node.tag_name().name(), "div" | "p"))
        );
        texts.push(text);
    }
    let Some(understood) = readers::testreport(&texts) else {
        return;
    };
    assert_eq!(understood[0]["result"], "fail");
    let mut expected: Vec<(String, Vec<&str>)> = Vec::new();
    for verdict in &report.verdicts {
        let result = match verdict.status.as_str() {
            "pass" | "info" => "pass",
            "warn" => "warning",
            "fail" => "fail",
            "error" => "error",
            _ => "skip",
        };
        match expected.iter_mut().find(|(name, _)| *name == verdict.scenario) {
            Some((_, results)) => results.push(result),
            None => expected.push((verdict.scenario.clone(), vec![result])),
        }
    }
    assert_eq!(understood[0]["tests"], serde_json::to_value(expected).unwrap());
}
