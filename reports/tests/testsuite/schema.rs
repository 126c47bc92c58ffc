//! The published schema is that of the model, and the sample fits it.

use std::path::Path;

use crate::every_outcome;

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/schema/run.schema.json");

#[test]
fn the_published_schema_is_current() {
    let mut now = serde_json::to_string_pretty(&reports::schema()).unwrap();
    now.push('\n');
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(Path::new(PUBLISHED).parent().unwrap()).unwrap();
        std::fs::write(PUBLISHED, &now).unwrap();
    }
    let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
    assert!(
        published == now,
        "fixtures/schema/run.schema.json is stale: run `UPDATE_SCHEMAS=1 cargo test -p reports` and commit it"
    );
}

#[test]
fn the_sample_fits_the_schema_and_other_things_do_not() {
    let validator = jsonschema::validator_for(&reports::schema()).unwrap();
    let mut sample = serde_json::to_value(every_outcome()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&sample).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");

    sample["verdicts"][0]["status"] = "failed".into();
    assert!(!validator.is_valid(&sample));
    sample["verdicts"][0]["status"] = "fail".into();
    sample["unknown"] = true.into();
    assert!(!validator.is_valid(&sample));
}
