//! One run: items one after another, verdicts as they become final.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::FutureExt as _;
use reports::model::Status;
use tokio::sync::watch;

use super::controls::{self, Ledger, Stage};
use super::events::{Event, Judged, Listener};
use super::given::{self, Givens};
use super::judge::{judge, provided};
use super::pending::Pending;
use super::plan;
use super::steps;
use super::verdict::{blank, settle};
use crate::check::Finding;
use crate::http::Failure;
use crate::scenario::fault;
use crate::scenario::model::{Given, Scenario};
use crate::scenario::needs::Allow;
use crate::scenario::precautions;
use crate::scenario::select::Item;
use crate::scenario::{Check, Step};
use crate::step::context::Outcome as DeedOutcome;
use crate::step::{Context, Halt, World, discover};
use crate::target::{Client, SmartVersion};
use crate::user_agent::Landing;
use crate::value::{Lookup, Template};

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The version to judge by.
    pub smart: SmartVersion,
    /// Which precautions are lifted.
    pub allow: Allow,
    /// Ids of verdicts that would send more wrong secrets than a client stands; see [`plan::spared`].
    pub spared: HashSet<String>,
    /// Turns true when the run shall end.
    pub cancel: watch::Receiver<bool>,
    /// Turns true when what was found is enough (`--max-fail`): the item under way is finished.
    pub enough: Arc<AtomicBool>,
}

/// What a run gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// One verdict an item, in the plan's order, and one for each control that failed.
    pub judged: Vec<Judged>,
    /// Whether it ended by itself.
    pub complete: bool,
    /// How many correct requests were accepted.
    pub controls_passed: usize,
    /// How many correct requests were refused.
    pub controls_failed: usize,
    /// Items in whose midst this program panicked, which is a bug of ours.
    pub panicked: Vec<String>,
}

/// How a control is made.
#[derive(Clone)]
pub(super) struct Control<'a> {
    /// The scenario's id.
    pub(super) id: &'a str,
    pub(super) client: &'a Client,
    pub(super) scenario: &'a Scenario,
    pub(super) steps: Vec<Step>,
}

impl Control<'_> {
    /// What is proven by this control and no other request.
    fn own_stage(&self) -> Stage {
        Stage(format!("control `{}` of {}", self.id, self.client.name))
    }
}

pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) listener: &'a dyn Listener,
    options: &'a Options,
    givens: Givens,
    ledger: Ledger,
    pub(super) judged: Vec<Judged>,
    pub(super) pending: Vec<Pending<'a>>,
    pub(super) failed_controls: BTreeMap<String, String>,
    pub(super) item: usize,
}

/// Runs the items.
pub async fn run(world: &World, items: &[Item<'_>], options: &Options, listener: &dyn Listener) -> Outcome {
    listener.on(&Event::Started { items: items.len() });
    let mut run = Run {
        world,
        listener,
        options,
        givens: Givens::default(),
        ledger: Ledger::default(),
        judged: Vec::new(),
        pending: Vec::new(),
        failed_controls: BTreeMap::new(),
        item: 0,
    };
    let order = plan::in_order(items);
    let mut cancel = options.cancel.clone();
    let mut complete = true;
    let mut panicked = Vec::new();
    for item in order {
        if options.enough.load(Ordering::Relaxed) {
            complete = false;
            break;
        }
        let cancelled = async {
            // A sender that is gone never cancels.
            if cancel.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = cancelled => { complete = false; break; }
            done = AssertUnwindSafe(run.one(item)).catch_unwind() => if done.is_err() {
                run.panicked(item);
                panicked.push(item.id());
            }
        }
    }
    if complete {
        run.settle_all().await;
    }
    world.restore().await;
    run.abandon();
    listener.on(&Event::Finished { complete });
    let mut judged = run.judged;
    judged.sort_by(|a, b| a.id.cmp(&b.id));
    let controls_failed = run.failed_controls.len();
    Outcome {
        judged,
        complete,
        controls_passed: run.ledger.passed(),
        controls_failed,
        panicked,
    }
}

/// Whether it judges nothing but the address to which the browser is sent, if to any: a server that breaks down sends none.
fn only_where_to(scenario: &Scenario) -> bool {
    let where_to = |check: &Check| match check {
        Check::Callback(args) => args.or_page && args.at.is_some(),
        Check::NotSentTo(_) => true,
        _ => false,
    };
    scenario.then.iter().all(where_to)
}

impl<'a> Run<'a> {
    async fn one(&mut self, item: &Item<'a>) {
        self.item += 1;
        self.listener.on(&Event::ItemStarted { id: item.id() });
        let started = Instant::now();
        let mut judged = blank(item);
        if let Some((status, reason)) = self.not_run(item).await {
            judged.status = status;
            judged.reason = Some(reason);
            self.finish(judged);
            return;
        }
        let scenario = &item.loaded.scenario;
        let control = Self::control_of(item);
        let mut attempt = self.attempt(item, control.as_ref()).await;
        let once = self.only_once(item).await;
        if !once && self.was_cut(&attempt.evidence) {
            // A server may close a kept connection at any time; what was under way is begun anew, once.
            attempt = self.attempt(item, control.as_ref()).await;
        }
        let attempt = match attempt {
            Attempt {
                finding: Ok(Finding::ServerError(first)),
                ..
            } if !once => self.again(item, control.as_ref(), &first).await,
            other => other,
        };
        if plan::waits(&scenario.when) {
            self.givens.forget();
            self.world.agent.forget();
        }
        judged.evidence = attempt.evidence;
        judged.screenshot = attempt.screenshot;
        judged.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A refusal that was seen waits for its control; of what refusals look like, that which is wrong waits too.
        let refusal = scenario.then.iter().any(|check| matches!(check, Check::RefusedBy(_)));
        let waits_for_control = match &attempt.finding {
            Ok(Finding::Holds(_)) => true,
            Ok(Finding::Broken { .. }) => !refusal,
            _ => false,
        };
        settle(&mut judged, scenario.level, attempt.finding);
        if let Some(left) = attempt.left {
            let reason = judged.reason.take().into_iter().chain([left]);
            judged.reason = Some(reason.collect::<Vec<_>>().join("; "));
        }
        match control {
            Some(plan) if waits_for_control => self.hold(judged, plan),
            _ => self.finish(judged),
        }
        self.settle_old().await;
    }

    /// What an item is worth in whose midst this program panicked: nothing, and the others are judged all the same.
    fn panicked(&mut self, item: &Item<'a>) {
        let mut judged = blank(item);
        judged.reason =
            Some("launchproof panicked here, which is a bug of ours; what it said is on standard error".to_owned());
        // Where it was told before, that verdict stands.
        if !self.judged.iter().any(|told| told.id == judged.id) {
            self.finish(judged);
        }
    }

    /// Whether it may not be tried again: each try is one more wrong secret for a client that may be locked out.
    async fn only_once(&self, item: &Item<'a>) -> bool {
        plan::sends_wrong_secret(item)
            && !precautions::may_lock_out(self.world, discover::facts(self.world).await, self.options.allow)
    }

    /// Why an item is not run at all.
    async fn not_run(&mut self, item: &Item<'a>) -> Option<(Status, String)> {
        let foreseen = plan::not_run(self.world, item, self.options.smart, self.options.allow).await;
        foreseen.or_else(|| self.options.spared.contains(&item.id()).then(plan::spared_why))
    }

    /// The correct sequence around a probe, where the scenario judges a refusal, or what a refusal looks like.
    fn control_of(item: &Item<'a>) -> Option<Control<'a>> {
        let scenario = &item.loaded.scenario;
        let refusal = scenario.then.iter().any(|check| matches!(check, Check::RefusedBy(_)));
        let faulty = !scenario.control.is_empty() || scenario.when.iter().any(fault::has_fault);
        let looks = faulty && scenario.then.iter().any(fault::judges_a_refusal);
        if !(refusal || looks) {
            return None;
        }
        let steps = if scenario.control.is_empty() {
            fault::stripped(&scenario.when)
        } else {
            scenario.control.clone()
        };
        Some(Control {
            id: &item.loaded.id,
            client: item.client?,
            scenario,
            steps,
        })
    }

    async fn attempt(&mut self, item: &Item<'a>, control: Option<&Control<'a>>) -> Attempt {
        let scenario = &item.loaded.scenario;
        let case = item
            .case
            .and_then(|name| scenario.cases.get(name))
            .map(|case| &case.set);
        let mut context = Context::new(self.world, item.client, &scenario.with, case);
        self.world.restore().await;
        let mut attempt = Attempt {
            finding: Err(Halt::Blocked(String::new())),
            evidence: Vec::new(),
            screenshot: None,
            left: None,
        };
        let reached = self.givens.reach(&mut context, scenario.given).await;
        self.note(&context, 0);
        if let Err(halt) = reached {
            attempt.evidence = context.evidence();
            attempt.screenshot = screenshot(&context);
            attempt.finding = Err(self.blame(item.client, scenario, halt));
            return attempt;
        }
        if let Some(control) = control
            && let Err(halt) = self.before(control).await
        {
            attempt.finding = Err(halt);
            return attempt;
        }
        if let Some(name) = unchanged(&context, case) {
            attempt.finding = Err(Halt::Skip(format!(
                "`{name}` leaves the value as it is here, so nothing was sent"
            )));
            return attempt;
        }
        let before = context.deeds.len();
        let ran = steps::run(&mut context, &scenario.when).await;
        self.note(&context, before);
        attempt.evidence = context.evidence();
        let finding =
            provided(&context, &scenario.provided).unwrap_or_else(|| judge(&context, &scenario.then, &scenario.allow));
        attempt.finding = match (ran, finding) {
            (Ok(()), finding) | (Err(Halt::Blocked(_)), finding @ Finding::Broken { .. }) => Ok(finding),
            (Err(halt), _) => Err(halt),
        };
        if !matches!(attempt.finding, Ok(Finding::Holds(_))) {
            attempt.screenshot = screenshot(&context);
        }
        attempt.left = clean_up(&mut context, &scenario.clean_up).await;
        attempt.evidence = context.evidence();
        attempt
    }

    /// A 5xx counts only if it comes again, and never as a refusal.
    async fn again(&mut self, item: &Item<'a>, control: Option<&Control<'a>>, first: &str) -> Attempt {
        let mut second = self.attempt(item, control).await;
        match &second.finding {
            Ok(Finding::ServerError(words)) if only_where_to(&item.loaded.scenario) => {
                second.finding = Ok(Finding::Undecided(format!(
                    "the server broke down twice, which says nothing about where it sends a browser: {words}"
                )));
            }
            Ok(Finding::ServerError(words)) => {
                let expected = "an answer that is not a server error (5xx), which it gave twice";
                second.finding = Ok(Finding::broken(expected, words));
            }
            Ok(Finding::Holds(_) | Finding::Broken { .. }) => {
                second.finding = Ok(Finding::Undecided(format!(
                    "the first try got {first}, the second did not"
                )));
            }
            _ => {}
        }
        second
    }

    /// The control before a probe: nothing is sent where correct requests of this kind were accepted shortly before.
    async fn before(&mut self, control: &Control<'a>) -> Result<(), Halt> {
        let stages = Self::stages(control);
        if stages.iter().all(|stage| self.ledger.is_recent(stage, self.item)) {
            return Ok(());
        }
        self.make_control(control).await
    }

    pub(super) fn stages(control: &Control<'a>) -> Vec<Stage> {
        let scenario = control.scenario;
        let own = control.own_stage();
        controls::stages(control.client, &scenario.with, scenario.given, &control.steps, &own)
    }

    /// Whether a connection was cut on the way.
    fn was_cut(&self, evidence: &[usize]) -> bool {
        let cut = |id: &usize| {
            self.world
                .recorder
                .exchange(*id)
                .is_some_and(|exchange| matches!(exchange.outcome, Err(Failure::Cut(_))))
        };
        evidence.iter().any(cut)
    }

    /// Sends the correct sequence; once more where a connection was cut on the way.
    pub(super) async fn make_control(&mut self, control: &Control<'a>) -> Result<(), Halt> {
        let from = self.world.recorder.count();
        let made = self.make_control_once(control).await;
        let sent: Vec<usize> = (from..self.world.recorder.count()).collect();
        let made = if made.is_err() && self.was_cut(&sent) {
            self.make_control_once(control).await
        } else {
            made
        };
        made.map_err(|halt| self.blame(Some(control.client), control.scenario, halt))
    }

    /// Sends the correct sequence once.
    async fn make_control_once(&mut self, control: &Control<'a>) -> Result<(), Halt> {
        let scenario = control.scenario;
        let mut context = Context::new(self.world, Some(control.client), &scenario.with, None);
        self.world.restore().await;
        let given = if scenario.given == Given::Launched {
            Given::LaunchedAlone
        } else {
            scenario.given
        };
        let mut made = self.givens.reach(&mut context, given).await;
        if made.is_ok() {
            for step in &control.steps {
                let before = context.deeds.len();
                made = steps::run(&mut context, std::slice::from_ref(step)).await;
                if made.is_ok() {
                    made = all_accepted(&context, before);
                }
                if made.is_err() {
                    break;
                }
            }
        }
        self.world.restore().await;
        self.note(&context, 0);
        if made.is_ok() {
            let own = control.own_stage();
            self.ledger.note_own(&own, self.item);
            self.accepted(&own);
        }
        made
    }

    /// Notes every correct request, and settles what waited for it. What comes after a faulty request, a replay, a
    /// revocation or a wait proves nothing.
    fn note(&mut self, context: &Context<'_>, from: usize) {
        let mut spent: Vec<String> = Vec::new();
        for (at, deed) in context.deeds.iter().enumerate() {
            let again = match &deed.outcome {
                DeedOutcome::Answered(answer) => answer.spent.as_ref().is_some_and(|value| {
                    let again = spent.contains(value);
                    spent.push(value.clone());
                    again
                }),
                _ => false,
            };
            if !deed.correct || again || matches!(deed.verb, "wait") {
                return;
            }
            let aimed = matches!(&deed.outcome, DeedOutcome::Answered(answer) if answer.aim.is_some());
            if at >= from {
                match self.ledger.note(deed, context.with, self.item) {
                    Some((stage, Ok(()))) => self.accepted(&stage),
                    Some((stage, Err(why))) => {
                        self.lost(&stage, &why);
                        // Whether this very read is allowed is what the scenario asks; what follows is its business.
                        if aimed {
                            return;
                        }
                    }
                    None => {}
                }
            }
            if deed.verb == "revoke" {
                return;
            }
        }
    }

    pub(super) fn finish(&mut self, judged: Judged) {
        self.judged.push(judged);
        self.tell(self.judged.len() - 1);
    }

    pub(super) fn tell(&self, at: usize) {
        self.listener.on(&Event::Verdict(Box::new(self.judged[at].clone())));
    }
}

struct Attempt {
    finding: Result<Finding, Halt>,
    evidence: Vec<usize>,
    screenshot: Option<Vec<u8>>,
    /// What it created and could not take away.
    left: Option<String>,
}

/// Takes away what was created; says what is left. What was never created needs no words.
async fn clean_up(context: &mut Context<'_>, steps: &[Step]) -> Option<String> {
    let mut left = Vec::new();
    for step in steps {
        let before = context.deeds.len();
        if steps::run(context, std::slice::from_ref(step)).await.is_err() {
            continue;
        }
        for deed in &context.deeds[before..] {
            let gone = matches!(&deed.outcome, DeedOutcome::Answered(answer)
                if answer.outcome().is_ok_and(|response| matches!(response.status, 200..=299 | 404 | 410)));
            if !gone {
                let exchange = deed.exchanges.last().map(usize::to_string).unwrap_or_default();
                left.push(format!("could not be taken away again: see exchange {exchange}"));
            }
        }
    }
    (!left.is_empty()).then(|| left.join("; "))
}

fn all_accepted(context: &Context<'_>, from: usize) -> Result<(), Halt> {
    use crate::check::refusal::Reaction;
    for deed in context.deeds.iter().skip(from) {
        if let other @ (Reaction::Refused(_) | Reaction::Astray(_) | Reaction::Failed(_) | Reaction::Unclear(_)) =
            Reaction::of(deed)
        {
            return Err(Halt::Blocked(format!(
                "a correct {} was not accepted: {}",
                deed.verb,
                other.words()
            )));
        }
    }
    given::accepted(context)
}

/// The first value of a row whose filters change nothing here.
fn unchanged<'c>(context: &Context<'_>, case: Option<&'c BTreeMap<String, Template>>) -> Option<&'c str> {
    let own: HashMap<String, String> = HashMap::new();
    let lookup = |name: &str| own.get(name).cloned().or_else(|| context.value(name));
    case?
        .iter()
        .find(|(_, template)| template.changes_nothing(&lookup))
        .map(|(name, _)| name.as_str())
}

fn screenshot(context: &Context<'_>) -> Option<Vec<u8>> {
    context.deeds.iter().rev().find_map(|deed| match &deed.outcome {
        DeedOutcome::Authorized(authorization) => match &authorization.landing {
            Landing::Stuck { screenshot, .. } => screenshot.clone(),
            _ => None,
        },
        _ => None,
    })
}
