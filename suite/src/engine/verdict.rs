//! From what was found to a verdict, by the strength of the obligation.

use reports::model::{Level, Status};

use super::events::Judged;
use crate::check::Finding;
use crate::scenario::select::Item;
use crate::step::Halt;

/// The verdict of an item before anything is known.
pub(super) fn blank(item: &Item<'_>) -> Judged {
    Judged {
        id: item.id(),
        scenario: item.loaded.id.clone(),
        case: item.case.map(str::to_owned),
        client: item.client_word.map(str::to_owned),
        level: item.loaded.scenario.level,
        status: Status::Error,
        holds: None,
        reason: None,
        expected: None,
        observed: None,
        evidence: Vec::new(),
        screenshot: None,
        duration_ms: 0,
    }
}

/// From what was found to the verdict, by the strength of the obligation.
pub(super) fn settle(judged: &mut Judged, level: Level, finding: Result<Finding, Halt>) {
    match finding {
        Ok(Finding::Holds(note)) => {
            judged.holds = Some(true);
            judged.status = if level == Level::May {
                Status::Info
            } else {
                Status::Pass
            };
            judged.reason = if level == Level::May {
                Some(note.unwrap_or_else(|| "it does".to_owned()))
            } else {
                note
            };
        }
        Ok(Finding::Broken { expected, observed }) => {
            judged.holds = Some(false);
            judged.status = match level {
                Level::Shall | Level::ShallNot => Status::Fail,
                Level::Should | Level::ShouldNot => Status::Warn,
                Level::May => Status::Info,
            };
            judged.expected = Some(expected);
            judged.observed = Some(observed);
        }
        Ok(Finding::ServerError(why) | Finding::Undecided(why)) | Err(Halt::Error(why)) => {
            (judged.status, judged.reason) = (Status::Error, Some(why));
        }
        Ok(Finding::Unreached(why)) | Err(Halt::Blocked(why)) => {
            (judged.status, judged.reason) = (Status::Blocked, Some(why));
        }
        Ok(Finding::TooLittle(why)) | Err(Halt::Skip(why)) => {
            (judged.status, judged.reason) = (Status::Skip, Some(why));
        }
        Err(Halt::Scenario(why)) => {
            (judged.status, judged.reason) = (Status::Error, Some(format!("a mistake in the scenario: {why}")));
        }
    }
}
