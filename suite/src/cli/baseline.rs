//! `launchproof baseline`: what of a finished run is expected.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reports::baseline::{self, Baseline};
use reports::exit;

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct BaselineArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Says whether the baseline still fits the run.
    Check(Files),
    /// Writes the run's failures and warnings into the baseline; reasons that stand there are kept.
    Update(Files),
}

#[derive(Debug, Args)]
struct Files {
    /// The baseline (TOML).
    baseline: PathBuf,
    /// The `run.json`.
    #[arg(default_value = "launchproof-report/run.json")]
    run: PathBuf,
}

pub(super) fn run(arguments: &BaselineArguments) -> Result<u8, Failure> {
    match &arguments.what {
        What::Check(files) => check(files),
        What::Update(files) => update(files),
    }
}

fn check(files: &Files) -> Result<u8, Failure> {
    let mut report = super::render::read(&files.run)?;
    let text = std::fs::read_to_string(&files.baseline)
        .map_err(|error| Failure::input(format!("{}: cannot be read: {error}", files.baseline.display())))?;
    let baseline = Baseline::parse(&text).map_err(|error| at(files, &error))?;
    let today = report.run.started.clone();
    let outcome = baseline::apply(&mut report, &baseline, &today);
    if outcome.is_current() {
        anstream::println!("the baseline fits the run");
        return Ok(exit::NOTHING_UNEXPECTED);
    }
    for stale in outcome.stale() {
        anstream::println!(
            "{}:{}: {}: {}",
            files.baseline.display(),
            stale.line,
            stale.id,
            stale.message
        );
    }
    Ok(exit::BASELINE_OUT_OF_DATE)
}

fn update(files: &Files) -> Result<u8, Failure> {
    let report = super::render::read(&files.run)?;
    let old = match std::fs::read_to_string(&files.baseline) {
        Ok(text) => Baseline::parse_draft(&text).map_err(|error| at(files, &error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Baseline::default(),
        Err(error) => {
            return Err(Failure::input(format!(
                "{}: cannot be read: {error}",
                files.baseline.display()
            )));
        }
    };
    std::fs::write(&files.baseline, baseline::update(&report, &old))
        .map_err(|error| Failure::input(format!("{}: cannot be written: {error}", files.baseline.display())))?;
    anstream::println!("{}: written; give each new entry its reason", files.baseline.display());
    Ok(exit::NOTHING_UNEXPECTED)
}

fn at(files: &Files, error: &baseline::BaselineError) -> Failure {
    Failure::input(format!(
        "{}:{}:{}: {}",
        files.baseline.display(),
        error.line,
        error.column,
        error.message
    ))
}
