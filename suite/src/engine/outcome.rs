//! Outcomes of runs that came to no item: the report is written all the same.

use reports::model::{Level, Status};

use super::events::Judged;
use super::run::Outcome;

impl Outcome {
    /// No item was run; `complete` is false where somebody interrupted.
    pub fn nothing(complete: bool) -> Self {
        Self {
            judged: Vec::new(),
            complete,
            controls_passed: 0,
            controls_failed: 0,
            panicked: Vec::new(),
        }
    }

    /// The target could not be discovered, so no item was run.
    pub fn unreachable(reason: String, evidence: Vec<usize>) -> Self {
        let judged = Judged {
            id: DISCOVERY.to_owned(),
            scenario: DISCOVERY.to_owned(),
            case: None,
            client: None,
            level: Level::Shall,
            status: Status::Error,
            holds: None,
            reason: Some(reason),
            expected: None,
            observed: None,
            evidence,
            screenshot: None,
            duration_ms: 0,
        };
        Self {
            judged: vec![judged],
            ..Self::nothing(true)
        }
    }
}

/// Id of the control on which everything stands: the target says where its endpoints are.
pub const DISCOVERY: &str = "control/discovery";
