//! `launchproof test server`: judges a server and writes its report.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reports::{exit, model};
use tokio::sync::watch;

use super::agent::{self, AgentKind};
use super::conclude::{Folder, conclude, listeners, read_baseline, run_facts};
use super::enough::Enough;
use super::interrupt::{self, Interrupt, happened};
use super::server_arguments::{ServerArguments, name_unknown, selection, smart_version};
use super::{Failure, catalogue, catalogue_hash};
use crate::clock::{Clock, ShiftedClock, SystemClock};
use crate::demo;
use crate::engine::{self, Options, Outcome, plan, version};
use crate::http::{Paced, Rate};
use crate::key_server::{self, KeyServer};
use crate::record::Scribe;
use crate::scenario::needs::Allow;
use crate::scenario::raise;
use crate::scenario::select::Item;
use crate::step::World;
use crate::step::world::{Facts, Parts, keys_of};
use crate::target::{Profile, SmartVersion};

/// What a run is made on: the embedded mock for as long as it lives, and the profile.
struct Target {
    profile: Profile,
    listening: Option<demo::Listening>,
    key_server: KeyServer,
    /// The key server's socket, where the target is not the embedded mock.
    _serving_keys: Option<key_server::Listening>,
}

pub(super) async fn run(arguments: ServerArguments) -> Result<u8, Failure> {
    let Interrupt { once, mut twice } =
        interrupt::listen("ending; the report of what was done follows (once more: at once, without it)");
    let judged = async {
        match arguments.targets.clone() {
            Some(folder) => super::targets::run(arguments, &folder, once).await,
            None => judge(arguments, once).await,
        }
    };
    tokio::select! {
        done = judged => done,
        () = happened(&mut twice) => Err(Failure {
            code: exit::INTERRUPTED,
            message: "ended at the second signal, without a report".to_owned(),
        }),
    }
}

pub(super) async fn judge(arguments: ServerArguments, mut cancel: watch::Receiver<bool>) -> Result<u8, Failure> {
    // First what may be an older report (--rerun-failed): whatever ends the run from here on leaves none that could be
    // taken for its own.
    let selection = selection(&arguments)?;
    Folder::forget(&arguments)?;
    let (mut scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    if arguments.profile.iter().any(|set| set == "bcp") {
        raise::raise(&mut scenarios);
    }
    let judged_by = catalogue_hash(&scenarios);
    let baseline = read_baseline(&arguments)?;
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let target = target(&arguments, seed).await?;
    let (began, started) = (SystemClock.now(), Instant::now());
    name_unknown(&selection, &scenarios);
    let folder = Folder::prepare(&arguments)?;
    let sign_ins = plan::sign_ins(&selection.items(&scenarios, &target.profile));
    let world = world(&arguments, &target, seed, started, sign_ins)?;
    let facts = tokio::select! {
        facts = crate::step::discover::facts(&world) => facts.clone(),
        () = happened(&mut cancel) => Facts::default(),
    };
    let given = arguments.smart.as_deref().and_then(smart_version);
    let (smart, smart_from) = version::infer(given, &world.profile, &facts);
    let profile = Arc::clone(&world.profile);
    let items = selection.items(&scenarios, &profile);
    let interrupted = *cancel.borrow();
    let problem = unreachable(&world, &facts).filter(|_| !interrupted);
    let runs = problem.is_none() && !interrupted && !items.is_empty();
    if runs {
        announce(&arguments, &world, items.len(), smart, &smart_from, seed);
    }
    let scribe = Arc::new(Scribe::new(&world, &scenarios, arguments.evidence == "full"));
    let problem = problem.map(|problem| scribe.scrub(&world.recorder, &problem));
    if arguments.dry_run {
        world.agent.close().await;
        let nothing = items.is_empty() && selection.planned(&scenarios, &profile) == 0;
        return no_plan(interrupted, problem, nothing).map_or_else(|| Ok(tell_plan(&items, sign_ins)), Err);
    }
    let world = Arc::new(world);
    let enough = Enough::after(arguments.max_fail, arguments.fail_on(), &baseline);
    let reached = enough.reached();
    let mut listeners = listeners(&arguments, &folder, &scribe, &world)?;
    listeners.0.push(Box::new(enough));
    let outcome = if let Some(problem) = problem {
        tell!("launchproof: {problem}");
        Outcome::unreachable(problem, facts.exchanges.clone())
    } else if runs {
        let allow = Allow {
            lockout: arguments.allow.iter().any(|what| what == "lockout"),
            writes: arguments.allow.iter().any(|what| what == "writes"),
        };
        let whole = selection.whole().items(&scenarios, &profile);
        let options = Options {
            smart,
            allow,
            spared: plan::spared(&world, &whole, smart, allow).await,
            cancel,
            enough: Arc::clone(&reached),
        };
        engine::run(&world, &items, &options, &listeners).await
    } else {
        Outcome::nothing(!interrupted)
    };
    world.agent.close().await;
    tell_left(&scribe, &world);
    let mut run = run_facts(&arguments, &world, &outcome, seed, (began, started));
    run.catalogue = judged_by;
    run.raised.clone_from(&arguments.profile);
    run.partition = arguments.partition.map(|(part, of)| model::Partition {
        part,
        of,
        planned: selection.planned(&scenarios, &world.profile),
    });
    if !outcome.complete && reached.load(Ordering::Relaxed) {
        run.stopped = arguments.max_fail.map(|most| format!("--max-fail {most} was reached"));
    }
    let of = model::Target {
        name: world.profile.name.clone(),
        fhir_base: world.profile.fhir_base.clone(),
        smart_version: smart.as_str().to_owned(),
        smart_version_from: smart_from,
    };
    let report = scribe.report(&world, &outcome.judged, of, run, &requirements);
    let code = conclude(&arguments, &folder, &baseline, &outcome, report)?;
    drop(target.listening);
    Ok(code)
}

/// Why a dry run has nothing to plan: the codes that the run itself would end with.
fn no_plan(interrupted: bool, problem: Option<String>, nothing: bool) -> Option<Failure> {
    let (code, message) = match problem {
        _ if interrupted => (exit::INTERRUPTED, "interrupted; nothing was planned".to_owned()),
        Some(problem) => (exit::UNREACHABLE, problem),
        None if nothing => {
            let why = "no scenario was selected: loosen the selection, or see `launchproof list`";
            (exit::NOTHING_SELECTED, why.to_owned())
        }
        None => return None,
    };
    Some(Failure { code, message })
}

/// The plan of a dry run; no report is written, and an older one stays.
fn tell_plan(items: &[Item<'_>], (least, most): (u32, u32)) -> u8 {
    tell!("sign-ins needed: at least {least}, at most {most}");
    for item in items {
        say!("{}", item.id());
    }
    exit::NOTHING_UNEXPECTED
}

/// Clients that the run registered and could not remove.
fn tell_left(scribe: &Scribe, world: &World) {
    let left = world.registrations.left();
    if !left.is_empty() {
        // The target chose these names.
        let names = scribe.scrub(&world.recorder, &left.join(", "));
        tell!(
            "launchproof: {} clients that this run registered are left at the target, which gave no way to remove them \
             (RFC 7592): {}",
            left.len(),
            reports::plain::cut(&names, 1_000)
        );
    }
}

async fn target(arguments: &ServerArguments, seed: u64) -> Result<Target, Failure> {
    let profile = match (&arguments.fhir_base, &arguments.target) {
        (None, None) => {
            let listening = demo::listening(&demo::Manner::default(), seed)
                .await
                .map_err(Failure::internal)?;
            return Ok(Target {
                profile: listening.profile.clone(),
                key_server: listening.key_server.clone(),
                listening: Some(listening),
                _serving_keys: None,
            });
        }
        (base, Some(path)) => {
            let mut profile = Profile::load(path).map_err(Failure::input)?;
            if let Some(base) = base {
                profile
                    .fhir_base
                    .clone_from(&Profile::for_url(base).map_err(Failure::usage)?.fhir_base);
            }
            profile
        }
        (Some(base), None) => Profile::for_url(base).map_err(Failure::usage)?,
    };
    let keys = keys_of(&profile).map_err(Failure::input)?;
    let (key_server, serving_keys) = key_server::listen(&profile, &keys).await;
    Ok(Target {
        profile,
        listening: None,
        key_server,
        _serving_keys: serving_keys,
    })
}

fn world(
    arguments: &ServerArguments,
    target: &Target,
    seed: u64,
    started: Instant,
    sign_ins: (u32, u32),
) -> Result<World, Failure> {
    let mut profile = target.profile.clone();
    let limits = &mut profile.limits;
    limits.request = arguments.timeout.map_or(limits.request, Duration::from_secs);
    limits.step = arguments.step_timeout.map_or(limits.step, Duration::from_secs);
    if let Some(rate) = arguments.rate {
        // A sign-in is of some forty requests at most, and waits for each.
        limits.step = limits.step.saturating_add(Duration::from_secs(40) / rate);
    }
    limits.body = arguments.max_body.unwrap_or(limits.body);
    if arguments.agent == AgentKind::Manual || arguments.assist {
        // A person is slower than a step may otherwise be.
        limits.step = limits.step.max(agent::PATIENCE);
    }
    if let Some(path) = &arguments.ca_file {
        profile.network.ca_file = Some(path.clone());
    }
    profile.network.insecure = arguments.insecure;
    let keys = Arc::new(keys_of(&profile).map_err(Failure::input)?);
    let mut transport = demo::transport(&profile).map_err(Failure::input)?;
    let rate = arguments.rate.map(|most| Arc::new(Rate::of(most)));
    if let Some(rate) = &rate {
        transport = Arc::new(Paced::new(transport, Arc::clone(rate)));
    }
    let clock: Arc<dyn Clock> = match &target.listening {
        Some(listening) => Arc::clone(&listening.clock),
        // Ours may run ahead only where the target's does too.
        None if profile.advance_url.is_some() => Arc::new(ShiftedClock::default()),
        None => Arc::new(SystemClock),
    };
    let agent = agent::agent(
        arguments.agent,
        &agent_options(arguments, sign_ins),
        &profile,
        &transport,
        &clock,
        started,
    )?;
    let parts = Parts {
        profile: Arc::new(profile),
        transport,
        agent,
        clock,
        keys,
        key_server: target.key_server.clone(),
        seed: seed ^ of_part(arguments.partition),
        slow: arguments.slow,
        started,
    };
    let mut world = World::new(parts).map_err(Failure::internal)?;
    world.rate = rate;
    world.allow_registration = arguments.allow.iter().any(|what| what == "registration");
    Ok(world)
}

/// Parts of a run have one seed and draw other values: a server takes the `jti` of an assertion once.
fn of_part(partition: Option<(usize, usize)>) -> u64 {
    partition.map_or(0, |(part, _)| (part as u64) << 32)
}

fn agent_options(arguments: &ServerArguments, sign_ins: (u32, u32)) -> agent::AgentOptions {
    agent::AgentOptions {
        assist: arguments.assist,
        open: arguments.open,
        max_sign_ins: arguments.max_sign_ins,
        sign_ins,
    }
}

/// Nothing at all could be learned about the target: then there is nothing to judge.
fn unreachable(world: &World, facts: &Facts) -> Option<String> {
    let nothing = facts.smart.is_none() && facts.capability.is_none() && facts.authorization_endpoint.is_none();
    nothing.then(|| {
        let base = &world.profile.fhir_base;
        let why = facts.smart_problem.clone().unwrap_or_default();
        format!(
            "{base} cannot be judged: {why}\n\
             Tried: {base}/.well-known/smart-configuration and {base}/metadata.\n\
             Check the FHIR base (it is the address below which Patient stands). For a server without \
             smart-configuration, give its endpoints under [endpoints] in a profile (--target FILE)."
        )
    })
}

fn announce(
    arguments: &ServerArguments,
    world: &World,
    items: usize,
    smart: SmartVersion,
    smart_from: &str,
    seed: u64,
) {
    if arguments.quiet {
        return;
    }
    tell!(
        "target {} ({}), SMART {} ({smart_from}), agent {}, {items} verdicts, --seed {seed}",
        world.profile.name,
        world.profile.fhir_base,
        smart.as_str(),
        world.agent.name(),
    );
}

/// A seed from the operating system; printed, so that the run can be repeated.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where chance enters: the seed, which is printed"
)]
pub(super) fn fresh_seed() -> u64 {
    use rand::RngExt as _;
    rand::rng().random::<u32>().into()
}
