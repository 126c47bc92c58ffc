//! Renderers and schema over one report that holds every outcome, `samples/every_outcome.json`.

mod badge;
mod browser;
mod bundle;
mod har;
mod hostile;
mod html;
mod json;
mod junit;
mod markdown;
mod readers;
mod samples;
mod sarif;
mod schema;
mod terminal;
mod testreport;

use reports::model::Report;

/// The sample, read by the reader that the program uses.
fn every_outcome() -> Report {
    reports::render::json::read(include_str!("../../samples/every_outcome.json")).expect("the sample is a report")
}

/// Whether a text could steer a terminal or deceive a reader.
fn is_harmless(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c != '\n' && c != '\t' && reports::plain::is_dangerous(c))
}

/// Says loudly that a test did nothing. Printed texts of tests that pass are swallowed; `./test` counts these lines.
fn skipped(why: &dyn std::fmt::Display) {
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("########  SKIPPED: {why}  ########\n"),
    );
}
