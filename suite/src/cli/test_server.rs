//! `launchproof test server`: judges a server and writes its report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use reports::baseline::{self, Baseline};
use reports::exit::{self, AcceptedGap, Controls};
use reports::model;
use tokio::sync::watch;

use super::agent::{self, AgentKind};
use super::progress::{EventLog, Terminal};
use super::{Failure, catalogue};
use crate::clock::{Clock, ShiftedClock, SystemClock};
use crate::demo;
use crate::engine::events::All;
use crate::engine::{self, Listener, Options, Outcome, plan, version};
use crate::record::Scribe;
use crate::scenario::load::Loaded;
use crate::scenario::select::Selection;
use crate::step::World;
use crate::step::world::{Facts, Parts, keys_of};
use crate::target::{Profile, SmartVersion};

/// Formats beside `run.json` and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// `report.html`
    Html,
    /// `junit.xml`
    Junit,
    /// `run.json`
    Json,
    /// `events.jsonl`
    Events,
}

#[derive(Debug, Args)]
pub(super) struct ServerArguments {
    /// FHIR base URL of the server.
    fhir_base: Option<String>,
    /// Profile of the target (TOML): clients, users, sign-in.
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,

    /// Only these scenarios: ids, prefixes (`pkce/`), or verdict ids (`pkce/x#case@public`).
    #[arg(long = "only", value_name = "ID", num_args = 1.., help_heading = "Selection")]
    only: Vec<String>,
    /// Only scenarios of these requirements.
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    requirement: Vec<String>,
    /// Only scenarios of this strength: shall, should or may.
    #[arg(long, value_name = "LEVEL", value_parser = ["shall", "should", "may"], help_heading = "Selection")]
    level: Vec<String>,
    /// Only with clients of this kind: public, symmetric or asymmetric.
    #[arg(long, value_name = "KIND", value_parser = ["public", "symmetric", "asymmetric"], help_heading = "Selection")]
    client: Vec<String>,
    /// Judge by this SMART version instead of the inferred one.
    #[arg(long, value_name = "VERSION", value_parser = ["1.0", "2.0", "2.1", "2.2"], help_heading = "Selection")]
    smart: Option<String>,
    /// Only part N of M, to share a run among machines.
    #[arg(long, value_name = "N/M", value_parser = partition, help_heading = "Selection")]
    partition: Option<(usize, usize)>,
    /// Only what was not a pass in this run.json.
    #[arg(long, value_name = "RUN.JSON", help_heading = "Selection")]
    rerun_failed: Option<PathBuf>,
    /// A folder of your own scenarios besides.
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    scenarios: Option<PathBuf>,
    /// Print the plan and how many sign-ins it needs; send nothing but discovery.
    #[arg(long, help_heading = "Selection")]
    dry_run: bool,

    /// The user's browser.
    #[arg(long, value_enum, default_value = "http", help_heading = "Run")]
    agent: AgentKind,
    /// With `--agent chrome`: show the browser, so that a person signs in once.
    #[arg(long, help_heading = "Run")]
    assist: bool,
    /// With `--agent manual`: open each URL in the default browser.
    #[arg(long, help_heading = "Run")]
    open: bool,
    /// With `--agent manual`: stop asking after so many sign-ins.
    #[arg(long, value_name = "N", help_heading = "Run")]
    max_sign_ins: Option<u32>,
    /// Seconds of one request.
    #[arg(long, value_name = "SECONDS", help_heading = "Run")]
    timeout: Option<u64>,
    /// Seconds of one step, such as a whole sign-in.
    #[arg(long, value_name = "SECONDS", help_heading = "Run")]
    step_timeout: Option<u64>,
    /// Bytes of one body.
    #[arg(long, value_name = "BYTES", help_heading = "Run")]
    max_body: Option<usize>,
    /// Repeat a run: the seed that it printed.
    #[arg(long, help_heading = "Run")]
    seed: Option<u64>,
    /// Wait in real time for codes and tokens to expire.
    #[arg(long, help_heading = "Run")]
    slow: bool,
    /// Lift a precaution that holds off loopback.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = ["lockout"], help_heading = "Run")]
    allow: Vec<String>,
    /// PEM file of further certificate authorities.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    ca_file: Option<PathBuf>,
    /// Do not check certificates; marks the report.
    #[arg(long, help_heading = "Run")]
    insecure: bool,

    /// Folder of the report.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "launchproof-report",
        help_heading = "Report"
    )]
    out: PathBuf,
    /// Which files to write beside `run.json`.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "html,junit,json,events",
        help_heading = "Report"
    )]
    report: Vec<Format>,
    /// Failures that are expected.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    baseline: Option<PathBuf>,
    /// Warnings count as failures.
    #[arg(long, help_heading = "Report")]
    strict: bool,
    /// `full` keeps FHIR bodies and identities; marks the report.
    #[arg(long, value_name = "HOW", value_parser = ["redacted", "full"], default_value = "redacted", help_heading = "Report")]
    evidence: String,
    /// Only the summary.
    #[arg(long, short, help_heading = "Report")]
    quiet: bool,
}

fn partition(text: &str) -> Result<(usize, usize), String> {
    let parts = text
        .split_once('/')
        .and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((part, of)) if part >= 1 && part <= of => Ok((part, of)),
        _ => Err("expected N/M with 1 ≤ N ≤ M, such as 1/3".to_owned()),
    }
}

/// What a run is made on: the embedded mock for as long as it lives, and the profile.
struct Target {
    profile: Profile,
    listening: Option<demo::Listening>,
}

pub(super) async fn run(arguments: ServerArguments) -> Result<u8, Failure> {
    let (scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    let baseline = read_baseline(&arguments)?;
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let target = target(&arguments, seed).await?;
    let started = Instant::now();
    let selection = selection(&arguments)?;
    name_unknown(&selection, &scenarios);
    let sign_ins = plan::sign_ins(&selection.items(&scenarios, &target.profile));
    let world = world(&arguments, &target, seed, started, sign_ins)?;
    let mut cancel = cancel_on_ctrl_c();
    let facts = tokio::select! {
        facts = crate::step::discover::facts(&world) => facts.clone(),
        () = cancelled(&mut cancel) => Facts::default(),
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
    if runs && arguments.dry_run {
        let (least, most) = sign_ins;
        anstream::eprintln!("sign-ins needed: at least {least}, at most {most}");
        for item in &items {
            anstream::println!("{}", item.id());
        }
        world.agent.close().await;
        return Ok(exit::NOTHING_UNEXPECTED);
    }
    let scribe = Arc::new(Scribe::new(&world, &scenarios, arguments.evidence == "full"));
    let world = Arc::new(world);
    let listeners = listeners(&arguments, &scribe, &world)?;
    let outcome = if let Some(problem) = problem {
        anstream::eprintln!("launchproof: {}", scribe.scrub(&world.recorder, &problem));
        Outcome::unreachable(problem, facts.exchanges.clone())
    } else if runs {
        let options = Options {
            smart,
            allow_lockout: arguments.allow.iter().any(|what| what == "lockout"),
            cancel,
        };
        engine::run(&world, &items, &options, &listeners).await
    } else {
        Outcome::nothing(!interrupted)
    };
    world.agent.close().await;
    let run = run_facts(&arguments, &world, &outcome, seed, started);
    let of = model::Target {
        name: world.profile.name.clone(),
        fhir_base: world.profile.fhir_base.clone(),
        smart_version: smart.as_str().to_owned(),
        smart_version_from: smart_from,
    };
    let report = scribe.report(&world, &outcome.judged, of, run, &requirements);
    let code = conclude(&arguments, &world, &baseline, &outcome, report)?;
    drop(target.listening);
    Ok(code)
}

/// Gives the report its exit code, writes it, and prints the summary.
fn conclude(
    arguments: &ServerArguments,
    world: &World,
    baseline: &Baseline,
    outcome: &Outcome,
    mut report: model::Report,
) -> Result<u8, Failure> {
    let expected = baseline::apply(&mut report, baseline, &today(world));
    let gaps: Vec<AcceptedGap> = world
        .profile
        .accept_missing
        .iter()
        .map(|(scope, reason)| AcceptedGap {
            scope: scope.clone(),
            reason: reason.clone(),
        })
        .collect();
    let controls = Controls {
        tried: (outcome.controls_passed + outcome.controls_failed) as u64,
        passed: outcome.controls_passed as u64,
    };
    let (code, why) = exit::exit_code(&report, arguments.strict, &expected, &gaps, controls);
    report.run.exit_code = code;
    report.run.exit_reason = why;
    write(arguments, &report)?;
    let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    anstream::println!("{}", reports::render::terminal::summary(&report, colour));
    let file = if arguments.report.contains(&Format::Html) {
        "report.html"
    } else {
        "run.json"
    };
    anstream::println!("report: {}", arguments.out.join(file).display());
    anstream::println!("exit code {code}: {}", report.run.exit_reason);
    Ok(code)
}

/// Those who watch: the terminal, and the log of events where it is asked for.
fn listeners(arguments: &ServerArguments, scribe: &Arc<Scribe>, world: &Arc<World>) -> Result<All, Failure> {
    let terminal = Terminal::new(Arc::clone(scribe), Arc::clone(world), arguments.quiet);
    let mut all: Vec<Box<dyn Listener>> = vec![Box::new(terminal)];
    if let Some(log) = event_log(arguments, scribe, world)? {
        all.push(Box::new(log));
    }
    Ok(All(all))
}

fn read_baseline(arguments: &ServerArguments) -> Result<Baseline, Failure> {
    let Some(path) = &arguments.baseline else {
        return Ok(Baseline::default());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("{}: the baseline cannot be read: {error}", path.display())))?;
    Baseline::parse(&text).map_err(|error| {
        Failure::input(format!(
            "{}:{}:{}: {}",
            path.display(),
            error.line,
            error.column,
            error.message
        ))
    })
}

async fn target(arguments: &ServerArguments, seed: u64) -> Result<Target, Failure> {
    let profile = match (&arguments.fhir_base, &arguments.target) {
        (None, None) => {
            let listening = demo::listening(&demo::Manner::default(), seed)
                .await
                .map_err(Failure::internal)?;
            return Ok(Target {
                profile: listening.profile.clone(),
                listening: Some(listening),
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
    Ok(Target {
        profile,
        listening: None,
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
    let transport = demo::transport(&profile).map_err(Failure::input)?;
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
        seed,
        slow: arguments.slow,
        started,
    };
    World::new(parts).map_err(Failure::internal)
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

fn smart_version(text: &str) -> Option<SmartVersion> {
    [
        SmartVersion::V1_0,
        SmartVersion::V2_0,
        SmartVersion::V2_1,
        SmartVersion::V2_2,
    ]
    .into_iter()
    .find(|version| version.as_str() == text)
}

fn selection(arguments: &ServerArguments) -> Result<Selection, Failure> {
    let verdicts = match &arguments.rerun_failed {
        None => None,
        Some(path) => {
            let report = super::render::read(path)?;
            let open = report.verdicts.iter().filter(|verdict| {
                !matches!(
                    verdict.status,
                    model::Status::Pass | model::Status::Info | model::Status::Skip
                )
            });
            Some(open.map(model::Verdict::id).collect())
        }
    };
    Ok(Selection {
        ids: arguments.only.clone(),
        requirements: arguments.requirement.clone(),
        levels: arguments.level.clone(),
        clients: arguments.client.clone(),
        partition: arguments.partition,
        verdicts,
    })
}

/// An id that selects nothing is most likely mistyped.
fn name_unknown(selection: &Selection, scenarios: &[Loaded]) {
    for id in &selection.ids {
        let alone = Selection {
            ids: vec![id.clone()],
            ..Selection::default()
        };
        if !scenarios.iter().any(|loaded| alone.takes(loaded)) {
            let nearest = crate::value::nearest(id, scenarios.iter().map(|loaded| loaded.id.as_str()));
            anstream::eprintln!("launchproof: --only {id} selects nothing{nearest}");
        }
    }
}

fn narrowed(arguments: &ServerArguments) -> Vec<String> {
    let mut words = arguments.only.clone();
    let flag = |name: &str, values: &[String]| {
        values
            .iter()
            .map(|value| format!("--{name} {value}"))
            .collect::<Vec<_>>()
    };
    words.extend(flag("requirement", &arguments.requirement));
    words.extend(flag("level", &arguments.level));
    words.extend(flag("client", &arguments.client));
    words.extend(arguments.partition.map(|(part, of)| format!("--partition {part}/{of}")));
    words.extend(
        arguments
            .rerun_failed
            .as_ref()
            .map(|path| format!("--rerun-failed {}", path.display())),
    );
    words
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
    anstream::eprintln!(
        "target {} ({}), SMART {} ({smart_from}), agent {}, {items} verdicts, --seed {seed}",
        world.profile.name,
        world.profile.fhir_base,
        smart.as_str(),
        world.agent.name(),
    );
}

fn event_log(
    arguments: &ServerArguments,
    scribe: &Arc<Scribe>,
    world: &Arc<World>,
) -> Result<Option<EventLog>, Failure> {
    if !arguments.report.contains(&Format::Events) {
        return Ok(None);
    }
    std::fs::create_dir_all(&arguments.out).map_err(|error| cannot_write(arguments, &error))?;
    let log = EventLog::create(
        &arguments.out.join("events.jsonl"),
        Arc::clone(scribe),
        Arc::clone(world),
    )
    .map_err(|error| cannot_write(arguments, &error))?;
    Ok(Some(log))
}

fn cannot_write(arguments: &ServerArguments, error: &std::io::Error) -> Failure {
    Failure::usage(format!(
        "{}: the report cannot be written: {error}; choose another folder with --out",
        arguments.out.display()
    ))
}

fn run_facts(
    arguments: &ServerArguments,
    world: &World,
    outcome: &engine::Outcome,
    seed: u64,
    started: Instant,
) -> model::Run {
    let elapsed = started.elapsed();
    let began = world.clock.now() - jiff::SignedDuration::try_from(elapsed).unwrap_or_default();
    model::Run {
        started: began.to_string(),
        duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        requests: world.recorder.count() as u64,
        sign_ins: world.recorder.sign_ins(),
        agent: world.agent.name().to_owned(),
        seed,
        complete: outcome.complete,
        insecure: arguments.insecure,
        full_evidence: arguments.evidence == "full",
        selection: narrowed(arguments),
        exit_code: 0,
        exit_reason: String::new(),
    }
}

fn today(world: &World) -> String {
    world.clock.now().to_string().chars().take(10).collect()
}

fn write(arguments: &ServerArguments, report: &model::Report) -> Result<(), Failure> {
    use reports::render::{html, json, junit};
    let fail = |error: std::io::Error| cannot_write(arguments, &error);
    std::fs::create_dir_all(&arguments.out).map_err(fail)?;
    let put = |name: &str, text: String| std::fs::write(arguments.out.join(name), text).map_err(fail);
    put("run.json", json::render(report))?;
    if arguments.report.contains(&Format::Html) {
        put("report.html", html::render(report))?;
    }
    if arguments.report.contains(&Format::Junit) {
        put("junit.xml", junit::render(report, arguments.strict))?;
    }
    Ok(())
}

/// Ctrl-C once ends the run with a partial report; twice ends the program.
fn cancel_on_ctrl_c() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            anstream::eprintln!("\nending; the report of what was done follows");
            let _ = sender.send(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(exit::INTERRUPTED.into());
        }
        // Without signals nobody interrupts, and the channel stays open until the program ends.
        std::future::pending::<()>().await;
        drop(sender);
    });
    receiver
}

async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A seed from the operating system; printed, so that the run can be repeated.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where chance enters: the seed, which is printed"
)]
fn fresh_seed() -> u64 {
    use rand::RngExt as _;
    rand::rng().random::<u32>().into()
}
