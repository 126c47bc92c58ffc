//! `launchproof baseline`: what of a finished run is expected.

use std::path::{Path, PathBuf};

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
    /// Says whether the baseline still fits the run: code 6 where an entry passed, names nothing or has expired.
    Check(Files),
    /// Brings the baseline up to date: what is gone leaves, what is new waits for a reason; reasons, comments and order stay.
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
    let baseline = read(&files.baseline)?;
    let today = report.run.started.clone();
    let outcome = baseline::apply(&mut report, &baseline, &today);
    if outcome.is_current() {
        say!("the baseline fits the run");
        return Ok(exit::NOTHING_UNEXPECTED);
    }
    for stale in outcome.stale() {
        say!(
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
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(Failure::input(format!(
                "{}: cannot be read: {error}",
                files.baseline.display()
            )));
        }
    };
    let updated = baseline::update(&report, &old).map_err(|error| at(&files.baseline, &error))?;
    super::whole_file::write(&files.baseline, updated.text.as_bytes())
        .map_err(|error| Failure::usage(format!("{}: cannot be written: {error}", files.baseline.display())))?;
    for (what, list) in [
        ("removed", &updated.removed),
        ("expired, decide again", &updated.expired),
        ("new, waits for its reason", &updated.added),
    ] {
        for entry in list {
            say!("{what}: {entry}");
        }
    }
    say!(
        "{}: written; {} kept, {} removed, {} new{}",
        files.baseline.display(),
        updated.kept,
        updated.removed.len(),
        updated.added.len(),
        if updated.added.is_empty() {
            ""
        } else {
            "; until each has its reason, the baseline is refused"
        }
    );
    Ok(exit::NOTHING_UNEXPECTED)
}

/// Reads a baseline in which every entry has its reason.
pub(super) fn read(path: &Path) -> Result<Baseline, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("{}: the baseline cannot be read: {error}", path.display())))?;
    Baseline::parse(&text).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &baseline::BaselineError) -> Failure {
    Failure::input(format!(
        "{}:{}:{}: {}",
        path.display(),
        error.line,
        error.column,
        error.message
    ))
}
