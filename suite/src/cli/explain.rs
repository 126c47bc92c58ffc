//! `launchproof explain`: one obligation, rule or fault in full.

use std::path::PathBuf;

use clap::Args;
use mock_ehr::{Defect, Variant};
use reports::exit;

use super::{Failure, Requirements, catalogue};
use crate::scenario::load::Loaded;
use crate::selftest::expectation;

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// Id of a scenario (`pkce/code_verifier_wrong`), a requirement (`rfc7636/4.6`), a defect or a variant.
    id: String,
    /// A folder of your own scenarios besides.
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

pub(super) fn run(arguments: &ExplainArguments) -> Result<u8, Failure> {
    let (scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    let id = arguments.id.split(['#', '@']).next().unwrap_or_default();
    let known = || {
        let scenarios = scenarios.iter().map(|loaded| loaded.id.as_str());
        scenarios
            .chain(requirements.keys().map(String::as_str))
            .chain(Defect::ALL.iter().map(|defect| defect.name()))
            .chain(Variant::ALL.iter().map(|variant| variant.name()))
    };
    if let Some(loaded) = scenarios.iter().find(|loaded| loaded.id == id) {
        scenario(loaded, &requirements);
    } else if let Some(row) = requirements.get(id) {
        anstream::println!(
            "{} — {}\n{}: {}\n{}",
            row.id,
            row.document,
            row.level.as_str(),
            row.text,
            row.url
        );
        for loaded in scenarios
            .iter()
            .filter(|loaded| loaded.scenario.requirements.contains(&row.id))
        {
            anstream::println!("  tested by {}", loaded.id);
        }
    } else if let Some(defect) = Defect::ALL.iter().find(|defect| defect.name() == id) {
        anstream::println!(
            "{} — a deliberate fault of the mock EHR\n{}",
            defect.name(),
            defect.doc().trim()
        );
        anstream::println!("breaks {}", defect.requirement());
        anstream::println!("arm it: launchproof serve --defect {}", defect.name());
        for changed in expectation::of(defect.name()) {
            anstream::println!("  caught by {changed}");
        }
    } else if let Some(variant) = Variant::ALL.iter().find(|variant| variant.name() == id) {
        anstream::println!(
            "{} — a legal difference of the mock EHR\n{}",
            variant.name(),
            variant.doc().trim()
        );
        anstream::println!("choose it: launchproof serve --variant {}", variant.name());
    } else {
        let near = crate::value::nearest(id, known());
        return Err(Failure::usage(format!(
            "there is no scenario, requirement, defect or variant `{id}`{near}"
        )));
    }
    Ok(exit::NOTHING_UNEXPECTED)
}

fn scenario(loaded: &Loaded, requirements: &Requirements) {
    let scenario = &loaded.scenario;
    anstream::println!("{} — {}", loaded.id, scenario.level.as_str());
    anstream::println!("{}\n\n{}", scenario.title.trim(), scenario.about.trim());
    if let Some(fix) = &scenario.fix {
        anstream::println!("\nHow to fix it: {}", fix.trim());
    }
    anstream::println!("\nRules:");
    for id in &scenario.requirements {
        if let Some(row) = requirements.get(id) {
            anstream::println!("  {} {} {}\n    {}", row.id, row.level.as_str(), row.text, row.url);
        }
    }
    if !scenario.cases.is_empty() {
        anstream::println!(
            "\nRows: {}",
            scenario.cases.keys().cloned().collect::<Vec<_>>().join(", ")
        );
    }
    let proofs = expectation::catching(&loaded.id);
    if !proofs.is_empty() {
        anstream::println!("\nProven by: {}", proofs.join(", "));
    }
    anstream::println!("\nRun it alone: launchproof test server --only {}", loaded.id);
    anstream::println!("Its file: {}", loaded.origin);
}
