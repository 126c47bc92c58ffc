//! The published schema of scenario files: as the Rust types make it, and true of every scenario.

use std::path::Path;

use serde_json::Value;

use crate::program::run;

const FILE: &str = "fixtures/schema/scenario.schema.json";

async fn printed() -> String {
    let ran = run(&["schema", "scenario"]).await;
    ran.assert(reports::exit::NOTHING_UNEXPECTED, &[]);
    ran.stdout
}

#[tokio::test]
async fn the_published_schema_is_what_the_types_make() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE);
    let printed = printed().await;
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &printed).expect("the schema can be written");
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == printed,
        "{FILE} is stale; run this test with UPDATE_SCHEMAS=1 and commit what changed"
    );
}

#[tokio::test]
async fn the_published_schema_of_a_diff_is_what_the_types_make() {
    let ran = run(&["schema", "diff"]).await;
    ran.assert(reports::exit::NOTHING_UNEXPECTED, &[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/schema/diff.schema.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &ran.stdout).expect("the schema can be written");
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == ran.stdout,
        "fixtures/schema/diff.schema.json is stale; run this test with UPDATE_SCHEMAS=1 and commit what changed"
    );
}

#[tokio::test]
async fn every_scenario_satisfies_the_schema() {
    let schema: Value = serde_json::from_str(&printed().await).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let mut checked = 0;
    let mut problems = Vec::new();
    for file in fixtures::below("scenarios/server") {
        let value: Value = serde_saphyr::from_str(file.text).expect("the scenario is YAML");
        problems.extend(
            validator
                .iter_errors(&value)
                .map(|error| format!("{}: {}: {error}", file.path, error.instance_path())),
        );
        checked += 1;
    }
    assert!(checked > 100, "only {checked} scenarios");
    assert!(
        problems.is_empty(),
        "{} problems: {:#?}",
        problems.len(),
        &problems[..problems.len().min(10)]
    );
}

#[tokio::test]
async fn the_schema_refuses_what_the_loader_refuses() {
    let schema: Value = serde_json::from_str(&printed().await).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let good = serde_json::json!({
        "title": "t", "about": "a", "level": "SHALL", "requirements": ["rfc7636/4.6"], "given": "authorized",
        "when": [{ "exchange": { "code_verifier": "x" } }], "then": [{ "refused_by": "exchange" }],
    });
    assert!(validator.is_valid(&good));
    for (member, value) in [
        ("titel", serde_json::json!("x")),
        ("level", serde_json::json!("MUST")),
        ("given", serde_json::json!("authorised")),
        ("when", serde_json::json!([{ "exchnage": {} }])),
        ("when", serde_json::json!(["exchange"])),
        ("when", serde_json::json!([{ "exchange": {}, "refresh": {} }])),
        ("when", serde_json::json!([{ "exchange": { "code_verifier": 7 } }])),
        ("then", serde_json::json!([{ "refused_by": "token" }])),
    ] {
        let mut wrong = good.clone();
        wrong[member] = value.clone();
        assert!(!validator.is_valid(&wrong), "{member}: {value}");
    }
}
