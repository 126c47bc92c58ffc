//! Renderers and schema over one report that holds every outcome, `samples/every_outcome.json`.

mod html;
mod json;
mod junit;
mod schema;
mod terminal;

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
