//! Which scenarios captured documents can answer, and why not the others.

use super::document::{Documents, Kind};
use crate::check::brands::BrandRule;
use crate::scenario::load::Loaded;
use crate::scenario::model::{Given, Scenario};
use crate::scenario::{Check, Step};
use crate::step::arguments::Document;

/// Areas that are about documents.
pub const AREAS: [&str; 2] = ["discovery/", "brands/"];

/// Whether a scenario is about documents at all.
pub fn is_about_documents(loaded: &Loaded) -> bool {
    AREAS.iter().any(|area| loaded.id.starts_with(area))
}

/// Why the documents cannot answer a scenario; `None` where they can.
pub fn lacking(scenario: &Scenario, documents: &Documents) -> Option<String> {
    if !matches!(scenario.given, Given::Nothing | Given::Discovered) {
        return Some("it needs a server: a launch comes first".to_owned());
    }
    scenario
        .when
        .iter()
        .find_map(|step| of_step(step, documents))
        .or_else(|| scenario.then.iter().find_map(|check| of_check(check, documents)))
}

fn of_step(step: &Step, documents: &Documents) -> Option<String> {
    let kind = match step {
        Step::Discover(args) | Step::Jwks(args) if !args.headers.is_empty() => {
            return Some("it needs a server: it asks with other header fields".to_owned());
        }
        Step::Discover(args) => args.document.into(),
        Step::Jwks(_) => Kind::Keys,
        other => return Some(format!("it needs a server: `{}`", other.word())),
    };
    missing(kind, documents)
}

fn missing(kind: Kind, documents: &Documents) -> Option<String> {
    (!documents.has(kind)).then(|| format!("no {kind} was given"))
}

fn of_check(check: &Check, documents: &Documents) -> Option<String> {
    match check {
        Check::Brands(args) if args.rule == BrandRule::WeakEtag => {
            Some("it needs a server: a captured document has no header fields".to_owned())
        }
        Check::Keys(_) | Check::Brands(_) => None,
        Check::Agrees(args) => missing(args.with?.into(), documents),
        // The address from which a document was fetched is known by what names it.
        Check::Json(args) => {
            let compares = args
                .equals
                .as_ref()
                .is_some_and(|text| text.names().any(|name| name == "issuer"));
            missing(Document::Smart.into(), documents).filter(|_| compares)
        }
        other => Some(format!(
            "it needs a server: `{}` is not in a captured document",
            other.word()
        )),
    }
}
