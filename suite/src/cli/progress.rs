//! Who watches a run: the terminal and the log of events.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::model::Status;
use serde_json::json;

use crate::engine::{Event, Listener};
use crate::record::Scribe;
use crate::step::World;

/// A progress bar on standard error, and one line a failure as it comes.
pub(super) struct Terminal {
    bar: ProgressBar,
    scribe: Arc<Scribe>,
    world: Arc<World>,
    quiet: bool,
}

impl Terminal {
    pub(super) fn new(scribe: Arc<Scribe>, world: Arc<World>, quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            scribe,
            world,
            quiet,
        }
    }

    fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        self.bar.suspend(|| tell!("{text}"));
    }
}

impl Listener for Terminal {
    fn on(&self, event: &Event) {
        match event {
            Event::Started { items } => self.bar.set_length(*items as u64),
            Event::ItemStarted { id } => self.bar.set_message(id.clone()),
            Event::Verdict(judged) => {
                if judged.scenario.split('/').next() != Some("control") {
                    self.bar.inc(1);
                }
                if matches!(judged.status, Status::Fail | Status::Error) {
                    let verdict = self.scribe.verdict(&self.world.recorder, judged);
                    self.line(&reports::render::terminal::failure_line(&verdict, true));
                }
            }
            Event::Awaiting { .. } | Event::ControlFailed { .. } => {}
            Event::Finished { .. } => self.bar.finish_and_clear(),
        }
    }
}

/// `events.jsonl`: one JSON object a line, as it happens.
pub(super) struct EventLog {
    file: Mutex<File>,
    scribe: Arc<Scribe>,
    world: Arc<World>,
}

impl EventLog {
    pub(super) fn create(path: &Path, scribe: Arc<Scribe>, world: Arc<World>) -> std::io::Result<Self> {
        Ok(Self {
            file: Mutex::new(File::create(path)?),
            scribe,
            world,
        })
    }
}

impl Listener for EventLog {
    fn on(&self, event: &Event) {
        let at_ms = u64::try_from(self.world.recorder.elapsed().as_millis()).unwrap_or(u64::MAX);
        let line = match event {
            Event::Started { items } => json!({ "event": "started", "at_ms": at_ms, "items": items }),
            Event::ItemStarted { id } => json!({ "event": "item_started", "at_ms": at_ms, "id": id }),
            Event::Awaiting { id } => json!({ "event": "awaiting_control", "at_ms": at_ms, "id": id }),
            Event::Verdict(judged) => {
                // A pass without a note has no text to redact.
                let open = judged.status != Status::Pass || judged.reason.is_some();
                let clean = |text: &Option<String>| {
                    text.as_ref()
                        .filter(|_| open)
                        .map(|text| self.scribe.scrub(&self.world.recorder, text))
                };
                json!({
                    "event": "verdict",
                    "at_ms": at_ms,
                    "id": judged.id,
                    "level": judged.level.as_str(),
                    "status": judged.status.as_str(),
                    "reason": clean(&judged.reason),
                    "expected": clean(&judged.expected),
                    "observed": clean(&judged.observed),
                    "duration_ms": judged.duration_ms,
                })
            }
            Event::ControlFailed { id, reason } => {
                let reason = self.scribe.scrub(&self.world.recorder, reason);
                json!({ "event": "control_failed", "at_ms": at_ms, "id": id, "reason": reason })
            }
            Event::Finished { complete } => json!({ "event": "finished", "at_ms": at_ms, "complete": complete }),
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk is noticed when the report is written; the run itself goes on.
        let _ = writeln!(file, "{line}");
    }
}
