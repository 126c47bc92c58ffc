//! `launchproof lint`: scenario files, checked without sending anything.

use std::path::PathBuf;

use clap::Args;
use reports::exit;

use super::{Failure, catalogue};

#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// A folder of your own scenarios, besides the embedded ones.
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

pub(super) fn run(arguments: &LintArguments) -> Result<u8, Failure> {
    let (scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    let rows: usize = scenarios.iter().map(|loaded| loaded.scenario.cases.len().max(1)).sum();
    say!(
        "{} scenarios with {rows} rows, {} requirements: nothing wrong",
        scenarios.len(),
        requirements.len()
    );
    Ok(exit::NOTHING_UNEXPECTED)
}
