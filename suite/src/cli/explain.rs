//! `launchproof explain`: one obligation, rule or fault in full.

use std::path::PathBuf;

use clap::Args;
use mock_ehr::{Defect, Variant};
use reports::exit;

use super::{Failure, Requirements, catalogue};
use crate::scenario::load::Loaded;
use crate::scenario::requirement::{Actor, Observable};
use crate::scenario::versions;
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
        scenario(loaded, &requirements)?;
    } else if let Some(row) = requirements.get(id) {
        say!(
            "{} — {}\n{}: {}\n{}",
            row.id,
            row.document,
            row.level.as_str(),
            row.text,
            row.url
        );
        match &row.observable {
            _ if row.actor == Actor::Client => say!("binds the app"),
            Observable::Yes => {}
            Observable::WithTargetHelp(what) => say!("can be seen with {what}"),
            Observable::No(why) => say!("cannot be seen: {why}"),
        }
        differences(&row.id, "", &requirements)?;
        for loaded in scenarios
            .iter()
            .filter(|loaded| loaded.scenario.requirements.contains(&row.id))
        {
            say!("  tested by {}", loaded.id);
        }
    } else if let Some(defect) = Defect::ALL.iter().find(|defect| defect.name() == id) {
        say!(
            "{} — a deliberate fault of the mock EHR\n{}",
            defect.name(),
            defect.doc().trim()
        );
        say!("breaks {}", defect.requirement());
        say!("arm it: launchproof serve --defect {}", defect.name());
        for changed in expectation::of(defect.name()) {
            say!("  caught by {changed}");
        }
    } else if let Some(variant) = Variant::ALL.iter().find(|variant| variant.name() == id) {
        say!(
            "{} — a legal difference of the mock EHR\n{}",
            variant.name(),
            variant.doc().trim()
        );
        say!("choose it: launchproof serve --variant {}", variant.name());
    } else {
        let near = crate::value::nearest(id, known());
        return Err(Failure::usage(format!(
            "there is no scenario, requirement, defect or variant `{id}`{near}"
        )));
    }
    Ok(exit::NOTHING_UNEXPECTED)
}

/// What differs in older versions.
fn differences(row: &str, indent: &str, requirements: &Requirements) -> Result<(), Failure> {
    let table = versions::table(requirements).map_err(|errors| Failure::input(errors.join("\n")))?;
    for (version, differs) in table.get(row).into_iter().flatten() {
        say!("{indent}in SMART {version} it {}: {}", differs.is.words(), differs.why);
    }
    Ok(())
}

fn scenario(loaded: &Loaded, requirements: &Requirements) -> Result<(), Failure> {
    let scenario = &loaded.scenario;
    say!("{} — {}", loaded.id, scenario.level.as_str());
    if let Some(bcp) = scenario.bcp {
        say!("With --profile bcp (RFC 9700): {}", bcp.as_str());
    }
    say!("{}\n\n{}", scenario.title.trim(), scenario.about.trim());
    if let Some(fix) = &scenario.fix {
        say!("\nHow to fix it: {}", fix.trim());
    }
    say!("\nRules:");
    for id in &scenario.requirements {
        if let Some(row) = requirements.get(id) {
            say!("  {} {} {}\n    {}", row.id, row.level.as_str(), row.text, row.url);
            differences(id, "    ", requirements)?;
        }
    }
    if !scenario.applies.is_empty() {
        say!("\nIt judges SMART {}", scenario.applies.join(", "));
    }
    if !scenario.cases.is_empty() {
        say!(
            "\nRows: {}",
            scenario.cases.keys().cloned().collect::<Vec<_>>().join(", ")
        );
    }
    let proofs = expectation::catching(&loaded.id);
    if !proofs.is_empty() {
        say!("\nProven by: {}", proofs.join(", "));
    }
    say!("\nRun it alone: launchproof test server --only {}", loaded.id);
    say!("Its file: {}", loaded.origin);
    Ok(())
}
