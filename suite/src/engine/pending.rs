//! Verdicts that wait: a refusal counts only once the correct request was accepted afterwards too.

use std::time::{Duration, Instant};

use reports::model::Status;

use super::controls::{AGE, ITEMS, Stage};
use super::events::{Event, Judged};
use super::run::{Control, Run};
use crate::step::Halt;

/// A refusal that waits for the control after it.
pub(super) struct Pending<'a> {
    at: usize,
    item: usize,
    since: Instant,
    missing: Vec<Stage>,
    plan: Control<'a>,
}

impl<'a> Run<'a> {
    /// A correct request of this stage was accepted: what waited for it, and for nothing else, is told.
    pub(super) fn accepted(&mut self, stage: &Stage) {
        let item = self.item;
        for pending in &mut self.pending {
            if pending.item < item || pending.since.elapsed() > Duration::ZERO {
                pending.missing.retain(|missing| missing != stage);
            }
        }
        let mut at = 0;
        while at < self.pending.len() {
            if self.pending[at].missing.is_empty() {
                let done = self.pending.remove(at);
                self.tell(done.at);
            } else {
                at += 1;
            }
        }
    }

    /// A correct request of this stage was refused: every refusal that waits for it says nothing.
    pub(super) fn lost(&mut self, stage: &Stage, why: &str) {
        let mut at = 0;
        while at < self.pending.len() {
            if self.pending[at].missing.contains(stage) {
                let done = self.pending.remove(at);
                let judged = &mut self.judged[done.at];
                unproven(judged);
                judged.reason = Some(format!(
                    "control lost: afterwards a correct request ({}) was not accepted: {why}",
                    stage.0
                ));
                self.tell(done.at);
            } else {
                at += 1;
            }
        }
    }

    /// Keeps a verdict back until its controls were accepted.
    pub(super) fn hold(&mut self, judged: Judged, plan: Control<'a>) {
        let missing = Self::stages(&plan);
        self.listener.on(&Event::Awaiting { id: judged.id.clone() });
        self.judged.push(judged);
        let at = self.judged.len() - 1;
        if missing.is_empty() {
            self.tell(at);
        } else {
            self.pending.push(Pending {
                at,
                item: self.item,
                since: Instant::now(),
                missing,
                plan,
            });
        }
    }

    /// Makes the controls of refusals that have waited too long.
    pub(super) async fn settle_old(&mut self) {
        while let Some(old) = self
            .pending
            .iter()
            .find(|pending| self.item - pending.item >= ITEMS || pending.since.elapsed() >= AGE)
        {
            let (plan, at) = (old.plan.clone(), old.at);
            self.settle_one(&plan, at).await;
        }
    }

    /// Makes every control that is still missing.
    pub(super) async fn settle_all(&mut self) {
        while let Some(first) = self.pending.first() {
            let (plan, at) = (first.plan.clone(), first.at);
            self.settle_one(&plan, at).await;
        }
    }

    async fn settle_one(&mut self, plan: &Control<'a>, at: usize) {
        let made = self.make_control(plan).await;
        // Whatever the control did not decide would wait for ever.
        if let Some(position) = self.pending.iter().position(|pending| pending.at == at) {
            let stuck = self.pending.remove(position);
            let judged = &mut self.judged[stuck.at];
            unproven(judged);
            let why = match made {
                Err(Halt::Blocked(why) | Halt::Error(why) | Halt::Skip(why) | Halt::Scenario(why)) => why,
                Ok(()) => "it did not come to all stages".to_owned(),
            };
            judged.reason = Some(format!(
                "control lost: the correct request afterwards was not accepted: {why}"
            ));
            self.tell(stuck.at);
        }
    }

    /// The run ends early: what waits is not proven.
    pub(super) fn abandon(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let judged = &mut self.judged[pending.at];
            unproven(judged);
            judged.reason = Some("the run ended before the control after it was made".to_owned());
            self.tell(pending.at);
        }
    }
}

/// Without its control a verdict says nothing.
fn unproven(judged: &mut Judged) {
    judged.status = Status::Blocked;
    judged.holds = None;
    judged.expected = None;
    judged.observed = None;
}
