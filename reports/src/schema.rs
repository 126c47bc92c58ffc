//! The published JSON Schema of `run.json`, generated from the model; `fixtures/schema/run.schema.json` is its copy.

use crate::model::Report;

/// The JSON Schema of `run.json`.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "launchproof run.json".into());
    }
    schema
}
