//! `--max-fail`: ends a run after so many failures that nobody expects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use reports::baseline::Baseline;
use reports::exit::FailOn;

use crate::engine::{Event, Judged, Listener};

/// Counts the failures as they come.
pub(super) struct Enough {
    most: Option<u32>,
    fail_on: FailOn,
    baseline: Baseline,
    seen: AtomicU32,
    reached: Arc<AtomicBool>,
}

impl Enough {
    /// Never, where `most` is absent.
    pub(super) fn after(most: Option<u32>, fail_on: FailOn, baseline: &Baseline) -> Self {
        Self {
            most,
            // Somebody who wants no red code wants to see a broken duty all the same.
            fail_on: if fail_on == FailOn::Never {
                FailOn::Fail
            } else {
                fail_on
            },
            baseline: baseline.clone(),
            seen: AtomicU32::new(0),
            reached: Arc::default(),
        }
    }

    /// Turns true when there were so many.
    pub(super) fn reached(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reached)
    }

    fn is_unexpected(&self, judged: &Judged) -> bool {
        self.fail_on.counts(judged.status)
            && !self.baseline.entries.iter().any(|entry| {
                entry.verdict == judged.status
                    && entry
                        .scope
                        .names(&judged.scenario, judged.case.as_deref(), judged.client.as_deref())
            })
    }
}

impl Listener for Enough {
    fn on(&self, event: &Event) {
        let Event::Verdict(judged) = event else { return };
        if self.is_unexpected(judged) {
            let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
            if self.most.is_some_and(|most| seen >= most) {
                self.reached.store(true, Ordering::Relaxed);
            }
        }
    }
}
