//! One line of a survey: what came of one FHIR base.

use std::collections::BTreeMap;

use reports::model::Status;
use serde::{Deserialize, Serialize};

use crate::engine::Judged;
use crate::http::Failure;
use crate::step::World;
use crate::step::world::Facts;

/// What came of one FHIR base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The FHIR base as the list has it, without credentials.
    pub(super) base: String,
    /// When it was asked.
    pub(super) at: String,
    /// How long that took.
    pub(super) ms: u64,
    /// How many requests and handshakes it was sent.
    pub(super) requests: u64,
    /// SMART version that it is judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) smart: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) smart_from: Option<String>,
    /// `fhirVersion` of its CapabilityStatement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fhir: Option<String>,
    /// `software.name` of its CapabilityStatement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) software: Option<String>,
    /// How many verdicts there are of each kind.
    pub(super) verdicts: BTreeMap<String, usize>,
    /// Duties that are broken.
    pub(super) failed: Vec<String>,
    /// Recommendations that are not followed.
    pub(super) warned: Vec<String>,
    /// What could not be judged.
    pub(super) undecided: Vec<String>,
    /// Whether everything was asked before the time was up.
    pub(super) complete: bool,
    /// Why nothing could be judged at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Trouble>,
}

/// Why nothing could be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trouble {
    /// `url`, `dns`, `connect`, `tls`, `timeout`, `cut`, `not_http`, `too_large`, `no_documents` or `internal`.
    pub(super) kind: String,
    /// What happened.
    pub(super) message: String,
}

impl Trouble {
    pub(super) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: short(&message.into()),
        }
    }

    /// Of a request that got no answer.
    pub(super) fn of(failure: &Failure) -> Self {
        let text = failure.to_string();
        let kind = match failure {
            Failure::Connect(words) if words.contains("dns error") => "dns",
            Failure::Connect(_) => "connect",
            Failure::Tls(_) => "tls",
            Failure::Timeout(_) => "timeout",
            Failure::Cut(_) => "cut",
            Failure::TooLarge(_) | Failure::HeadersTooLarge(_) => "too_large",
            Failure::NotHttp(_) => "not_http",
            Failure::NotSent(_) => "url",
        };
        Self::new(kind, text)
    }
}

impl Line {
    /// Of a base about which nothing is known yet.
    pub(super) fn new(base: &str, at: String) -> Self {
        Self {
            base: base.to_owned(),
            at,
            ms: 0,
            requests: 0,
            smart: None,
            smart_from: None,
            fhir: None,
            software: None,
            verdicts: BTreeMap::new(),
            failed: Vec::new(),
            warned: Vec::new(),
            undecided: Vec::new(),
            complete: true,
            error: None,
        }
    }

    /// Nothing could be judged.
    #[must_use]
    pub(super) fn failed_by(self, trouble: Trouble) -> Self {
        Self {
            complete: false,
            error: Some(trouble),
            ..self
        }
    }

    /// What it says of itself.
    pub(super) fn describe(&mut self, facts: &Facts) {
        let text = |value: &serde_json::Value| value.as_str().map(short);
        if let Some(capability) = &facts.capability {
            self.fhir = text(&capability["fhirVersion"]);
            self.software = text(&capability["software"]["name"]);
        }
    }

    /// What was judged.
    pub(super) fn judge(&mut self, judged: &[Judged]) {
        for one in judged {
            *self.verdicts.entry(one.status.as_str().to_owned()).or_default() += 1;
            let list = match one.status {
                Status::Fail => &mut self.failed,
                Status::Warn => &mut self.warned,
                Status::Error | Status::Blocked => &mut self.undecided,
                _ => continue,
            };
            list.push(one.id.clone());
        }
    }
}

/// Why a base said nothing: its first request that got no answer, else that no document was among the answers.
pub(super) fn silence(world: &World, facts: &Facts) -> Trouble {
    let failed = world
        .recorder
        .all()
        .into_iter()
        .find_map(|exchange| exchange.outcome.clone().err());
    match failed {
        Some(failure) => Trouble::of(&failure),
        None => Trouble::new(
            "no_documents",
            facts
                .smart_problem
                .clone()
                .unwrap_or_else(|| "it says nothing of itself".to_owned()),
        ),
    }
}

/// What others wrote, not endless and on one line.
fn short(text: &str) -> String {
    const MOST: usize = 300;
    let clean = |one: char| if one.is_control() { ' ' } else { one };
    let mut line: String = text.chars().map(clean).take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}
