//! `launchproof list`: the catalogue.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mock_ehr::{Defect, Persona, Variant};
use reports::exit;

use super::{Failure, Requirements, catalogue};
use crate::scenario::load::Loaded;
use crate::selftest::coverage::{self, Counts, Kind};

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
    /// Real servers whose quirks the mock EHR can have, with the source of each.
    Personas,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Of what.
    what: What,
    /// Of defects: only those whose names hold this; several may be given.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Of requirements: which scenarios judge each, which defects prove it, and the counts of each document.
    #[arg(long)]
    coverage: bool,
    /// With `--coverage`: only what can be seen and no scenario judges.
    #[arg(long, requires = "coverage")]
    uncovered: bool,
    /// With `--coverage`: how to print it.
    #[arg(long, value_enum, default_value = "text", requires = "coverage")]
    format: Form,
    /// A folder of your own scenarios besides.
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

pub(super) fn run(arguments: &ListArguments) -> Result<u8, Failure> {
    let (scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    if arguments.coverage {
        return coverage(arguments, &scenarios, &requirements);
    }
    if !arguments.names.is_empty() && arguments.what != What::Defects {
        return Err(Failure::usage("names go with `list defects` only"));
    }
    match arguments.what {
        What::Scenarios => {
            for loaded in &scenarios {
                let scenario = &loaded.scenario;
                let rows = match scenario.cases.len() {
                    0 => String::new(),
                    rows => format!(" ({rows} rows)"),
                };
                say!(
                    "{:<52} {:<10} {}{rows}",
                    loaded.id,
                    scenario.level.as_str(),
                    scenario.title.trim()
                );
            }
            say!("{} scenarios", scenarios.len());
        }
        What::Requirements => {
            for row in requirements.values() {
                let tests = scenarios
                    .iter()
                    .filter(|loaded| loaded.scenario.requirements.contains(&row.id))
                    .count();
                say!(
                    "{:<34} {:<10} {tests:>3} scenarios  {}",
                    row.id,
                    row.level.as_str(),
                    row.text
                );
            }
            say!("{} requirements", requirements.len());
        }
        What::Defects => {
            defects(&arguments.names)?;
        }
        What::Variants => {
            for variant in Variant::ALL {
                say!("{:<44} {}", variant.name(), variant.doc().trim());
            }
            say!("{} variants", Variant::ALL.len());
        }
        What::Personas => personas(),
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
                    say!("{:<44} {first}", file.path.trim_start_matches("targets/"));
                }
            }
        }
    }
    Ok(exit::NOTHING_UNEXPECTED)
}

/// What each defect does, which rule it breaks, where it was seen for real, and what a good app does.
fn defects(names: &[String]) -> Result<(), Failure> {
    let wanted = |defect: &&Defect| names.is_empty() || names.iter().any(|name| defect.name().contains(name.as_str()));
    let chosen: Vec<_> = Defect::ALL.iter().filter(wanted).collect();
    if chosen.is_empty() {
        let error = names.iter().find_map(|name| name.parse::<Defect>().err());
        return Err(Failure::usage(error.map(|error| error.to_string()).unwrap_or_default()));
    }
    for defect in &chosen {
        say!("{}", defect.name());
        part("does", defect.doc());
        part("breaks", defect.requirement());
        for seen in defect.seen() {
            part(
                "seen",
                &format!("{} ({})", seen.what.trim_end_matches('.'), seen.source),
            );
        }
        part("app", defect.app());
    }
    say!("{} defects", chosen.len());
    Ok(())
}

/// A text behind its title, wrapped.
fn part(title: &str, text: &str) {
    const WIDTH: usize = 100;
    let mut line = format!("  {title:<6}");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            say!("{line}");
            line = " ".repeat(8);
        }
        line.push(' ');
        line.push_str(word);
    }
    say!("{line}");
}

/// Each persona with its quirks, and where each was seen.
fn personas() {
    for persona in Persona::all() {
        say!(
            "{}, modelled on {}\n  {}",
            persona.name(),
            persona.modelled_on(),
            persona.about()
        );
        for quirk in persona.quirks() {
            say!("  {:<46} {}", quirk.does.to_string(), quirk.what);
            say!("  {:<46} {}, {}", "", quirk.date, quirk.source);
        }
        say!("");
    }
    say!("{} personas", Persona::all().len());
}

/// Requirement → scenarios → defects, and the counts.
fn coverage(arguments: &ListArguments, scenarios: &[Loaded], requirements: &Requirements) -> Result<u8, Failure> {
    if arguments.what != What::Requirements {
        return Err(Failure::usage("--coverage goes with `list requirements` only"));
    }
    let mut coverage = coverage::of(scenarios, requirements);
    if arguments.uncovered {
        coverage.requirements.retain(coverage::Row::is_uncovered);
    }
    if arguments.format == Form::Json {
        let text = serde_json::to_string_pretty(&coverage).map_err(Failure::internal)?;
        crate::say::json(&text);
        return Ok(exit::NOTHING_UNEXPECTED);
    }
    for row in &coverage.requirements {
        say!("{} {} {}", row.id, row.level, row.text);
        let because = row.because.as_deref().unwrap_or_default();
        match row.observable {
            Kind::Yes => {}
            Kind::WithTargetHelp => say!("  needs {because}"),
            Kind::No => say!("  not observable: {because}"),
            Kind::OfTheApp => say!("  binds the app"),
        }
        if row.is_uncovered() {
            say!("  NO SCENARIO");
        }
        for scenario in &row.scenarios {
            say!("  scenario {scenario}");
        }
        if !row.defects.is_empty() {
            say!("  defects  {}", row.defects.join(" "));
        }
    }
    say!(
        "\n{:<18} {:>5} {:>11} {:>10} {:>5} {:>7} {:>8} {:>10}",
        "document",
        "rows",
        "observable",
        "with help",
        "not",
        "of app",
        "covered",
        "uncovered"
    );
    for (name, counts) in &coverage.documents {
        line(name, counts);
    }
    line("total", &coverage.total);
    Ok(exit::NOTHING_UNEXPECTED)
}

fn line(name: &str, counts: &Counts) {
    say!(
        "{name:<18} {:>5} {:>11} {:>10} {:>5} {:>7} {:>8} {:>10}",
        counts.rows,
        counts.observable,
        counts.with_target_help,
        counts.not_observable,
        counts.of_the_app,
        counts.covered,
        counts.uncovered
    );
}
