//! The end of a run: facts about it, its exit code, its files, its summary.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use reports::baseline::{self, Baseline};
use reports::exit::{self, AcceptedGap, Controls};
use reports::model;

use super::Failure;
pub(super) use super::folder::Folder;
use super::formats::{Format, wants};
use super::progress::{EventLog, Terminal};
use super::server_arguments::{ServerArguments, narrowed};
use crate::engine::events::All;
use crate::engine::{Listener, Outcome};
use crate::record::Scribe;
use crate::step::World;

/// Gives the report its exit code, writes it, and prints the summary.
pub(super) fn conclude(
    arguments: &ServerArguments,
    folder: &Folder,
    baseline: &Baseline,
    outcome: &Outcome,
    mut report: model::Report,
) -> Result<u8, Failure> {
    // The day on which the run began; `world.clock` is ahead where it let codes and tokens expire.
    let today = report.run.started.clone();
    let expected = baseline::apply(&mut report, baseline, &today);
    let (mut code, mut why) = exit::exit_code(&report, arguments.fail_on(), &expected);
    if let Some(first) = outcome.panicked.first() {
        code = exit::INTERNAL;
        why = format!(
            "launchproof panicked in the midst of {first}{}, which is a bug of ours: please report it with what it said",
            match outcome.panicked.len() {
                1 => String::new(),
                several => format!(" and {} more", several - 1),
            }
        );
    }
    report.run.exit_code = code;
    report.run.exit_reason = why;
    let written = folder
        .write(&arguments.report, arguments.fail_on(), &report)
        .and_then(|()| bundle(arguments, &report));
    if arguments.among_others {
        written?;
        return Ok(code);
    }
    say!("{}", reports::render::terminal::summary(&report, is_coloured()));
    let file = if wants(&arguments.report, Format::Html) {
        "report.html"
    } else {
        "run.json"
    };
    super::github::tell(&report);
    // What was found is said all the same where it cannot be kept.
    written?;
    say!("report: {}", arguments.out.join(file).display());
    say!("exit code {code}: {}", report.run.exit_reason);
    Ok(code)
}

fn bundle(arguments: &ServerArguments, report: &model::Report) -> Result<(), Failure> {
    let strict = arguments.fail_on() == exit::FailOn::Warn;
    match &arguments.bundle {
        Some(path) => super::render::write_bundle(path, report, strict),
        None => Ok(()),
    }
}

/// Whether standard output shows colours.
pub(super) fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The failures that are expected; none where no file is named.
pub(super) fn read_baseline(arguments: &ServerArguments) -> Result<Baseline, Failure> {
    match &arguments.baseline {
        Some(path) => super::baseline::read(path),
        None => Ok(Baseline::default()),
    }
}

/// Those who watch: the terminal, and the log of events where it is asked for.
pub(super) fn listeners(
    arguments: &ServerArguments,
    folder: &Folder,
    scribe: &Arc<Scribe>,
    world: &Arc<World>,
) -> Result<All, Failure> {
    let terminal = Terminal::new(Arc::clone(scribe), Arc::clone(world), arguments.quiet);
    let mut all: Vec<Box<dyn Listener>> = vec![Box::new(terminal)];
    if wants(&arguments.report, Format::Events) {
        let path = arguments.out.join("events.jsonl");
        let log =
            EventLog::create(&path, Arc::clone(scribe), Arc::clone(world)).map_err(|error| folder.failure(&error))?;
        all.push(Box::new(log));
    }
    Ok(All(all))
}

/// What a run was; `began` is the system's time, which no scenario moves.
pub(super) fn run_facts(
    arguments: &ServerArguments,
    world: &World,
    outcome: &Outcome,
    seed: u64,
    (began, started): (Timestamp, Instant),
) -> model::Run {
    let elapsed = started.elapsed();
    model::Run {
        started: began.to_string(),
        duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        requests: world.recorder.count() as u64,
        sign_ins: world.recorder.sign_ins(),
        agent: world.agent.name().to_owned(),
        seed,
        complete: outcome.complete,
        stopped: None,
        insecure: arguments.insecure,
        full_evidence: arguments.evidence == "full",
        selection: narrowed(arguments),
        partition: None,
        catalogue: String::new(),
        raised: Vec::new(),
        controls: Controls {
            tried: (outcome.controls_passed + outcome.controls_failed) as u64,
            passed: outcome.controls_passed as u64,
        },
        accept_missing: accepted(world),
        exit_code: 0,
        exit_reason: String::new(),
    }
}

fn accepted(world: &World) -> Vec<AcceptedGap> {
    let gaps = world.profile.accept_missing.iter();
    gaps.map(|(scope, reason)| AcceptedGap {
        scope: scope.clone(),
        reason: reason.clone(),
    })
    .collect()
}
