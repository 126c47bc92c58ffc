//! `launchproof diff`: what changed between two finished runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reports::diff;

use super::Failure;
use super::server_arguments::FailOnWord;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// For a terminal.
    Text,
    /// For a pull request.
    Markdown,
    /// For tools; its schema: `launchproof schema diff`.
    Json,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 1 where something broke that no baseline expects (it fails now, and did not before); 5 where \
                  something was judged before and is not judged now, or the later run did not reach the target; else 0. A verdict that is only in the later run \
                  never held, so it breaks nothing."
)]
pub(super) struct DiffArguments {
    /// The `run.json` of the earlier run.
    old: PathBuf,
    /// The `run.json` of the later run.
    new: PathBuf,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    report: To,
    /// Warnings count as failures: the same as `--fail-on warn`.
    #[arg(long, conflicts_with = "fail_on")]
    strict: bool,
    /// What that broke makes the exit code red; with `never` it is 0.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "fail")]
    fail_on: FailOnWord,
}

pub(super) fn run(arguments: &DiffArguments) -> Result<u8, Failure> {
    let old = super::render::read(&arguments.old)?;
    let new = super::render::read(&arguments.new)?;
    let diff = diff::compare(&old, &new);
    let text = match arguments.report {
        To::Text => diff::text(&diff),
        To::Markdown => diff::markdown(&diff),
        To::Json => serde_json::to_string_pretty(&diff).map_err(Failure::internal)?,
    };
    match arguments.report {
        To::Json => crate::say::json(&text),
        To::Text | To::Markdown => say!("{text}"),
    }
    Ok(diff.exit_code(arguments.fail_on.with(arguments.strict)))
}
