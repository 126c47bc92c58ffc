//! `launchproof schema`: JSON Schemas made from the Rust types.

use clap::{Args, ValueEnum};
use reports::exit;

use super::Failure;
use crate::scenario::Scenario;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Of a scenario file.
    Scenario,
    /// Of `run.json`.
    Run,
    /// Of `launchproof diff --report json`.
    Diff,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Which.
    name: Name,
}

pub(super) fn run(arguments: &SchemaArguments) -> Result<u8, Failure> {
    let schema = match arguments.name {
        Name::Scenario => scenario(),
        Name::Run => reports::schema(),
        Name::Diff => reports::diff::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::internal)?;
    crate::say::json(&text);
    Ok(exit::NOTHING_UNEXPECTED)
}

/// The schema of a scenario file.
pub(super) fn scenario() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    schema["title"] = "A launchproof scenario".into();
    schema
}
