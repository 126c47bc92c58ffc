//! Controls: the correct request, accepted before a refused probe and after it.
//!
//! A probe's refusal says something only if the same request without the fault was accepted shortly before and shortly
//! after. Every correct request of the run counts, a given's too; where none came along, one is made.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::check::refusal::Reaction;
use crate::http::Failure;
use crate::scenario::Step;
use crate::scenario::fault;
use crate::scenario::model::{Given, LaunchKind, With};
use crate::step::Deed;
use crate::step::arguments::{AuthorizeArgs, ClientWord, FhirArgs, Method};
use crate::step::context::Outcome;
use crate::step::registrations::REGISTERED;
use crate::target::{Client, ClientKind};
use crate::user_agent::Landing;

/// At most so many items may lie between a probe and its control …
pub const ITEMS: usize = 20;
/// … and at most so much time.
pub const AGE: Duration = Duration::from_mins(1);

/// One kind of correct request: verb, client, and what else makes a difference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stage(pub String);

/// When each stage was last accepted.
#[derive(Default)]
pub struct Ledger {
    accepted: HashMap<Stage, (usize, Instant)>,
    passed: usize,
}

impl Ledger {
    /// Notes a correct request's fate; gives its stage and whether it was accepted.
    pub fn note(&mut self, deed: &Deed, with: &With, item: usize) -> Option<(Stage, Result<(), String>)> {
        if !deed.correct {
            return None;
        }
        if was_cut(deed) {
            // A kept connection that the server closed says nothing about the request; it is made anew.
            return None;
        }
        let stage = stage_of_deed(deed, with)?;
        match Reaction::of(deed) {
            Reaction::Accepted(_) => {
                self.accepted.insert(stage.clone(), (item, Instant::now()));
                self.passed += 1;
                Some((stage, Ok(())))
            }
            other => Some((stage, Err(other.words().to_owned()))),
        }
    }

    /// Notes that a scenario's own control went through.
    pub fn note_own(&mut self, own: &Stage, item: usize) {
        self.accepted.insert(own.clone(), (item, Instant::now()));
    }

    /// Whether it was accepted at most [`ITEMS`] items and [`AGE`] ago.
    pub fn is_recent(&self, stage: &Stage, item: usize) -> bool {
        self.accepted
            .get(stage)
            .is_some_and(|(at, when)| item - at <= ITEMS && when.elapsed() <= AGE)
    }

    /// How many correct requests were accepted in all.
    pub fn passed(&self) -> usize {
        self.passed
    }
}

fn was_cut(deed: &Deed) -> bool {
    match &deed.outcome {
        Outcome::Authorized(authorization) => matches!(authorization.landing, Landing::Failed(Failure::Cut(_))),
        Outcome::Answered(answer) => matches!(answer.outcome(), Err(Failure::Cut(_))),
        Outcome::Launched { .. } | Outcome::Probed(_) | Outcome::Waited => false,
    }
}

fn stage_of_deed(deed: &Deed, with: &With) -> Option<Stage> {
    let client = &deed.client;
    match &deed.outcome {
        Outcome::Authorized(authorization) => {
            let post = authorization.posted;
            let pushed = authorization.pushed;
            Some(authorize_stage(client, with, authorization.launch_kind, post, pushed))
        }
        Outcome::Answered(answer) => Some(stage(deed.verb, client, with).aimed(answer.aim.as_deref())),
        Outcome::Launched { .. } | Outcome::Probed(_) | Outcome::Waited => None,
    }
}

impl Stage {
    /// A read of something else than usual is a stage of its own.
    fn aimed(self, aim: Option<&str>) -> Self {
        match aim {
            Some(aim) => Self(format!("{}, of {aim}", self.0)),
            None => self,
        }
    }
}

fn stage(verb: &str, client: &str, with: &With) -> Stage {
    Stage(format!("{verb} of {client}{}", particular(with)))
}

/// What a scenario asks in other words than usual makes another stage.
fn particular(with: &With) -> String {
    let scope = with
        .scope
        .as_ref()
        .map(|scope| format!(", scope `{scope}`"))
        .unwrap_or_default();
    let extra = with.extra.iter().map(|(name, value)| format!(", {name} `{value}`"));
    std::iter::once(scope).chain(extra).collect()
}

fn authorize_stage(client: &str, with: &With, launch: LaunchKind, post: bool, pushed: bool) -> Stage {
    let launch = match launch {
        LaunchKind::Standalone => "standalone",
        LaunchKind::Ehr => "ehr",
    };
    let post = if post { " by POST" } else { "" };
    let pushed = if pushed { " by reference" } else { "" };
    Stage(format!(
        "{launch} authorize of {client}{post}{pushed}{}",
        particular(with)
    ))
}

/// The stages that must be accepted around a probe. A step of a control that is no ordinary request (another address, a
/// key that was just published, another client) is proven by this control alone: `own` is its stage.
pub fn stages(client: &Client, with: &With, given: Given, control: &[Step], own: &Stage) -> Vec<Stage> {
    let mut stages = Vec::new();
    if matches!(
        given,
        Given::Authorized | Given::LaunchedAlone | Given::BackendToken | Given::Refreshed
    ) {
        for step in super::given::steps(given, client.kind) {
            stages_of(client, with, &step, &mut stages);
        }
    }
    for step in control {
        if fault::has_fault(step) || names_another(step) {
            stages.push(own.clone());
        } else {
            stages_of(client, with, step, &mut stages);
        }
    }
    stages.sort();
    stages.dedup();
    stages
}

fn stages_of(client: &Client, with: &With, step: &Step, stages: &mut Vec<Stage>) {
    let name = |word: ClientWord| match word {
        ClientWord::Registered => REGISTERED,
        _ => client.name.as_str(),
    };
    let authorize = |args: &AuthorizeArgs| {
        let post = args.method == Method::Post;
        authorize_stage(name(args.client), with, with.launch, post, args.pushed.is_some())
    };
    let of = |verb: &str| stage(verb, &client.name, with);
    match step {
        Step::Authorize(args) if client.kind == ClientKind::Backend && args.client == ClientWord::Own => {}
        Step::Authorize(args) => stages.push(authorize(args)),
        Step::Flow(args) => {
            stages.push(authorize(&args.authorize));
            if let Some(exchange) = &args.exchange {
                stages.push(stage("exchange", name(exchange.client), with));
            }
            if args.fhir.is_some() {
                stages.push(of("fhir").aimed(aim_of(args.fhir.as_ref())));
            }
        }
        Step::Together(steps) => steps.iter().for_each(|step| stages_of(client, with, step, stages)),
        // A service asks for its token alone, but not as an app that it registered.
        Step::Exchange(args) if client.kind == ClientKind::Backend && args.client != ClientWord::Registered => {
            stages.push(of("backend"));
        }
        Step::Exchange(args) => stages.push(stage("exchange", name(args.client), with)),
        Step::Push(args) => stages.push(stage("push", name(args.authorize.client), with)),
        Step::Register(_)
        | Step::Backend(_)
        | Step::Refresh(_)
        | Step::Introspect(_)
        | Step::Revoke(_)
        | Step::Userinfo(_) => {
            stages.push(of(step.word()));
        }
        Step::Manage(args) => stages.push(of(args.to.verb())),
        Step::Fhir(args) => stages.push(of("fhir").aimed(aim_of(Some(args)))),
        Step::Interleaved(args) => stages.extend(args.authorize.iter().map(authorize)),
        Step::Publish(_)
        | Step::Discover(_)
        | Step::Jwks(_)
        | Step::Launch(_)
        | Step::Request(_)
        | Step::Preflight(_)
        | Step::Tls(_)
        | Step::Wait(_) => {}
    }
}

/// Whether the step is done by a client that is neither the scenario's own nor one that it registered.
fn names_another(step: &Step) -> bool {
    let word = match step {
        Step::Authorize(args) => args.client,
        Step::Exchange(args) => args.client,
        Step::Push(args) => args.authorize.client,
        Step::Backend(args) => args.client,
        Step::Refresh(args) => args.client,
        _ => ClientWord::Own,
    };
    !matches!(word, ClientWord::Own | ClientWord::Registered)
}

fn aim_of(read: Option<&FhirArgs>) -> Option<&str> {
    read?.path.as_ref().map(crate::value::Template::source)
}
