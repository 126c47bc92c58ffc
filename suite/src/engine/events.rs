//! What happens during a run, for those who watch: terminal, event log, report.

use reports::model::{Level, Status};

/// A finished verdict, unredacted; exchanges by their ids in the recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// `pkce/code_verifier_wrong#case@public`
    pub id: String,
    /// Id of the scenario.
    pub scenario: String,
    /// The row.
    pub case: Option<String>,
    /// The client kind, where the scenario is tried with several.
    pub client: Option<String>,
    /// The strength.
    pub level: Level,
    /// What was found.
    pub status: Status,
    /// Whether the checks held, where they were judged.
    pub holds: Option<bool>,
    /// Why, or a note.
    pub reason: Option<String>,
    /// What had to be seen.
    pub expected: Option<String>,
    /// What was seen.
    pub observed: Option<String>,
    /// Ids of exchanges, oldest first.
    pub evidence: Vec<usize>,
    /// PNG of where the agent stood still.
    pub screenshot: Option<Vec<u8>>,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins: how many verdicts there will be at most.
    Started {
        /// Items of the plan.
        items: usize,
    },
    /// An item begins.
    ItemStarted {
        /// Its id.
        id: String,
    },
    /// An item was judged, and its verdict waits for the control after it.
    Awaiting {
        /// Its id.
        id: String,
    },
    /// A verdict is final.
    Verdict(Box<Judged>),
    /// A correct request was refused.
    ControlFailed {
        /// Id of the control's own verdict.
        id: String,
        /// Why.
        reason: String,
    },
    /// The run is over.
    Finished {
        /// Whether it ended by itself.
        complete: bool,
    },
}

/// Who watches.
pub trait Listener: Send + Sync {
    /// Told of each event, in order.
    fn on(&self, event: &Event);
}

/// Nobody watches.
#[derive(Debug, Default)]
pub struct Silent;

impl Listener for Silent {
    fn on(&self, _event: &Event) {}
}

/// Several watch.
pub struct All(pub Vec<Box<dyn Listener>>);

impl Listener for All {
    fn on(&self, event: &Event) {
        for one in &self.0 {
            one.on(event);
        }
    }
}
