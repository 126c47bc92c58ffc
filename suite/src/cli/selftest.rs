//! `launchproof selftest`: the defect matrix.

use clap::Args;
use reports::exit;

use super::{Failure, catalogue};
use crate::selftest::{self, Matrix, Plan};

#[derive(Debug, Args)]
pub(super) struct SelftestArguments {
    /// Only these defects and variants.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Run every scenario in every row, even where its run never asks whether the defect is armed, or was seen unchanged
    /// with it armed among others.
    #[arg(long)]
    whole: bool,
    /// Print how long each took.
    #[arg(long)]
    timings: bool,
    /// Print what each defect changes as YAML, for `fixtures/defects/expected.yaml`, and compare nothing.
    #[arg(long)]
    print_expected: bool,
}

pub(super) async fn run(arguments: SelftestArguments) -> Result<u8, Failure> {
    let (scenarios, _) = catalogue(None)?;
    let plan = Plan {
        only: arguments.only.clone(),
        whole: arguments.whole,
    };
    let matrix: Matrix = selftest::run(scenarios, &plan).await.map_err(Failure::internal)?;
    if arguments.print_expected {
        say!("{}", matrix.expected_yaml());
        return Ok(exit::NOTHING_UNEXPECTED);
    }
    say!("{}", matrix.table(arguments.timings));
    let problems = matrix.problems(arguments.only.is_empty());
    for problem in &problems {
        say!("{problem}");
    }
    say!("{}", matrix.summary());
    Ok(if problems.is_empty() {
        exit::NOTHING_UNEXPECTED
    } else {
        exit::BROKEN
    })
}
