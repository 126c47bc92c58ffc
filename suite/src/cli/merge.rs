//! `launchproof merge`: one report of the parts of a run.

use std::path::PathBuf;

use clap::Args;
use reports::baseline::{self, Baseline, BaselineOutcome};
use reports::exit;
use reports::merge::{self, Part};

use super::Failure;
use super::folder::Folder;
use super::server_arguments::{FailOnWord, Format};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: those of the whole run. What is no part of one run, overlaps or is missing is code 3."
)]
pub(super) struct MergeArguments {
    /// The `run.json` of every part, in any order.
    #[arg(required = true, value_name = "RUN.JSON")]
    parts: Vec<PathBuf>,
    /// Folder of the report.
    #[arg(long, value_name = "DIR", default_value = "launchproof-report")]
    out: PathBuf,
    /// Which files to write beside `run.json`.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "html,junit,json")]
    report: Vec<Format>,
    /// Failures that are expected. Where it is absent, the marks of the parts stay.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Warnings count as failures: the same as `--fail-on warn`.
    #[arg(long, conflicts_with = "fail_on")]
    strict: bool,
    /// Which deviations make the exit code red; with `never` it is 0 where there is a whole report to read.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "fail")]
    fail_on: FailOnWord,
    /// Only the exit code.
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(arguments: &MergeArguments) -> Result<u8, Failure> {
    if arguments.report.contains(&Format::Events) {
        return Err(Failure::usage(
            "--report events: a merged report has no events of its own; those of the parts stand beside their run.json",
        ));
    }
    let fail_on = arguments.fail_on.with(arguments.strict);
    let baseline = arguments.baseline.as_deref().map(super::baseline::read).transpose()?;
    let parts = parts(arguments)?;
    let seeds_differ = parts
        .iter()
        .any(|part| part.report.run.seed != parts[0].report.run.seed);
    let bug = parts
        .iter()
        .find(|part| part.report.run.exit_code == exit::INTERNAL)
        .map(|part| format!("{}: {}", part.name, part.report.run.exit_reason));
    let mut report = merge::merge(parts).map_err(Failure::input)?;
    if seeds_differ {
        tell!(
            "launchproof: the parts have different seeds; the report names that of part 1. Give each part the same --seed, \
             and the run can be repeated"
        );
    }
    let outcome = match &baseline {
        Some(baseline) => apply(&mut report, baseline),
        None => BaselineOutcome::default(),
    };
    (report.run.exit_code, report.run.exit_reason) = match bug {
        Some(why) => (exit::INTERNAL, why),
        None => exit::exit_code(&report, fail_on, &outcome),
    };
    let folder = Folder::at(&arguments.out)?;
    folder.write(&arguments.report, fail_on, &report)?;
    if !arguments.quiet {
        say!(
            "{}",
            reports::render::terminal::summary(&report, super::conclude::is_coloured())
        );
        say!("report: {}", arguments.out.display());
    }
    say!("exit code {}: {}", report.run.exit_code, report.run.exit_reason);
    Ok(report.run.exit_code)
}

fn apply(report: &mut reports::model::Report, baseline: &Baseline) -> BaselineOutcome {
    let today = report.run.started.clone();
    baseline::apply(report, baseline, &today)
}

fn parts(arguments: &MergeArguments) -> Result<Vec<Part>, Failure> {
    let read = |path: &PathBuf| {
        Ok(Part {
            name: path.display().to_string(),
            report: super::render::read(path)?,
        })
    };
    arguments.parts.iter().map(read).collect()
}
