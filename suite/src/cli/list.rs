//! `launchproof list`: the catalogue.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mock_ehr::{Defect, Variant};
use reports::exit;

use super::{Failure, catalogue};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Obligations that are tested.
    Scenarios,
    /// Rows of specifications.
    Requirements,
    /// Deliberate faults of the mock EHR.
    Defects,
    /// Legal differences of the mock EHR.
    Variants,
    /// Profiles of known servers.
    Targets,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Of what.
    what: What,
    /// A folder of your own scenarios besides.
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

pub(super) fn run(arguments: &ListArguments) -> Result<u8, Failure> {
    let (scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    match arguments.what {
        What::Scenarios => {
            for loaded in &scenarios {
                let scenario = &loaded.scenario;
                let rows = match scenario.cases.len() {
                    0 => String::new(),
                    rows => format!(" ({rows} rows)"),
                };
                anstream::println!(
                    "{:<52} {:<10} {}{rows}",
                    loaded.id,
                    scenario.level.as_str(),
                    scenario.title.trim()
                );
            }
            anstream::println!("{} scenarios", scenarios.len());
        }
        What::Requirements => {
            for row in requirements.values() {
                let tests = scenarios
                    .iter()
                    .filter(|loaded| loaded.scenario.requirements.contains(&row.id))
                    .count();
                anstream::println!(
                    "{:<34} {:<10} {tests:>3} scenarios  {}",
                    row.id,
                    row.level.as_str(),
                    row.text
                );
            }
            anstream::println!("{} requirements", requirements.len());
        }
        What::Defects => {
            for defect in Defect::ALL {
                anstream::println!("{:<44} {}", defect.name(), defect.doc().trim());
            }
            anstream::println!("{} defects", Defect::ALL.len());
        }
        What::Variants => {
            for variant in Variant::ALL {
                anstream::println!("{:<44} {}", variant.name(), variant.doc().trim());
            }
            anstream::println!("{} variants", Variant::ALL.len());
        }
        What::Targets => {
            for file in fixtures::below("targets") {
                let is_profile = std::path::Path::new(file.path)
                    .extension()
                    .is_some_and(|ending| ending == "toml");
                if is_profile && !file.path.contains(".baseline.") {
                    let first = file
                        .text
                        .lines()
                        .next()
                        .unwrap_or_default()
                        .trim_start_matches('#')
                        .trim();
                    anstream::println!("{:<44} {first}", file.path.trim_start_matches("targets/"));
                }
            }
        }
    }
    Ok(exit::NOTHING_UNEXPECTED)
}
