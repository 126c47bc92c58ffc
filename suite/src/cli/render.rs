//! `launchproof render`: another form of a finished run.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use reports::exit;
use reports::model::Report;

use super::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// One page.
    Html,
    /// JUnit XML.
    Junit,
    /// For a terminal.
    Terminal,
    /// The same JSON, checked.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct RenderArguments {
    /// The `run.json` of a finished run.
    run: PathBuf,
    /// The form.
    #[arg(long, value_enum, default_value = "terminal")]
    report: To,
    /// In JUnit: warnings count as failures.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(arguments: &RenderArguments) -> Result<u8, Failure> {
    use reports::render::{html, json, junit, terminal};
    let report = read(&arguments.run)?;
    let text = match arguments.report {
        To::Html => html::render(&report),
        To::Junit => junit::render(&report, arguments.strict),
        To::Json => json::render(&report),
        To::Terminal => terminal::summary(&report, true),
    };
    say!("{text}");
    Ok(exit::NOTHING_UNEXPECTED)
}

/// Reads a `run.json`.
pub(super) fn read(path: &Path) -> Result<Report, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("{}: cannot be read: {error}", path.display())))?;
    reports::render::json::read(&text).map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}
