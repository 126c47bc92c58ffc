//! What changed between two runs: fixed, broken, new, gone, no longer judged, and what is told in other words.

mod compare;
mod render;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use compare::compare;
pub use render::{markdown, text};

use crate::exit::{BROKEN, FailOn, INCOMPLETE, NOTHING_UNEXPECTED};
use crate::model::{Level, Status};

/// Version of the shape of a diff in JSON.
pub const SCHEMA_VERSION: &str = "1.0";

/// Two runs compared, verdict by verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: String,
    /// The earlier run.
    pub old: Side,
    /// The later run.
    pub new: Side,
    /// What makes the two hard to compare: another target, version, catalogue, selection; a run that ended early.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Failed or warned before and holds now.
    pub fixed: Vec<Change>,
    /// Fails now and did not before, or warns now and held before.
    pub broken: Vec<Change>,
    /// Was judged before and is not now: blocked, error, unconfigured, skipped.
    pub lost: Vec<Change>,
    /// Was not judged before and holds now.
    pub gained: Vec<Change>,
    /// Only in the later run. One that fails stands here, not under `broken`: it never held.
    pub new_verdicts: Vec<Change>,
    /// Only in the earlier run.
    pub gone: Vec<Change>,
    /// The same verdict with another level, expectation, observation or reason; or another reason why it is not judged.
    pub changed: Vec<Change>,
    /// Verdicts that are the same in both.
    pub same: usize,
    /// What is gone could have been judged: the later run is not whole, or was asked for the same and has less.
    #[serde(skip)]
    pub falls_short: bool,
    /// The later run did not reach the target.
    #[serde(skip)]
    pub unreached: bool,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Name and version of the program.
    pub tool: String,
    /// SHA-256 of what it judged by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub catalogue: String,
    /// Name of the target.
    pub target: String,
    /// Its FHIR base.
    pub fhir_base: String,
    /// The SMART version against which it was judged.
    pub smart_version: String,
    /// When the run began.
    pub started: String,
    /// How many verdicts it has.
    pub verdicts: usize,
    /// How many of them fail.
    pub fails: usize,
    /// How many of them warn.
    pub warns: usize,
}

/// One verdict in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// `scenario#case@client`
    pub id: String,
    /// What must hold.
    pub title: String,
    /// How it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Told>,
    /// How it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Told>,
}

/// What one run says of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// What was found.
    pub status: Status,
    /// The strength of the obligation.
    pub level: Level,
    /// Why, or a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What had to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// Why a baseline expects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_by_baseline: Option<String>,
}

impl Diff {
    /// 1 where something broke that no baseline expects, else 5 where something is no longer judged or the later run did
    /// not reach the target, else 0.
    ///
    /// What is skipped now does not count as lost: the server no longer claims it.
    pub fn exit_code(&self, fail_on: FailOn) -> u8 {
        let now = |change: &Change| change.is.as_ref().map(|told| told.status);
        let broke = |change: &&Change| {
            now(change).is_some_and(|status| fail_on.counts(status))
                && change
                    .is
                    .as_ref()
                    .is_some_and(|told| told.expected_by_baseline.is_none())
        };
        let lost = self
            .lost
            .iter()
            .any(|change| now(change).is_some_and(Status::is_not_run));
        let was_judged = |change: &Change| change.was.as_ref().is_some_and(|told| told.status.is_judged());
        let gone = self.falls_short && self.gone.iter().any(was_judged);
        if self.broken.iter().any(|change| broke(&change)) {
            BROKEN
        } else if fail_on != FailOn::Never && (lost || gone || self.unreached) {
            INCOMPLETE
        } else {
            NOTHING_UNEXPECTED
        }
    }
}

/// The JSON Schema of a diff; `fixtures/schema/diff.schema.json` is its copy.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Diff).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "launchproof diff".into());
    }
    schema
}
