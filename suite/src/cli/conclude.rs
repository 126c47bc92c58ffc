//! The end of a run: facts about it, its exit code, its files, its summary.

use std::sync::Arc;
use std::time::Instant;

use reports::baseline::{self, Baseline};
use reports::exit::{self, AcceptedGap, Controls};
use reports::model;

use super::Failure;
use super::progress::{EventLog, Terminal};
use super::server_arguments::{Format, ServerArguments, narrowed};
use crate::engine::events::All;
use crate::engine::{Listener, Outcome};
use crate::record::Scribe;
use crate::step::World;

/// Gives the report its exit code, writes it, and prints the summary.
pub(super) fn conclude(
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
    if arguments.among_others {
        return Ok(code);
    }
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

/// The failures that are expected; none where no file is named.
pub(super) fn read_baseline(arguments: &ServerArguments) -> Result<Baseline, Failure> {
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

/// Those who watch: the terminal, and the log of events where it is asked for.
pub(super) fn listeners(arguments: &ServerArguments, scribe: &Arc<Scribe>, world: &Arc<World>) -> Result<All, Failure> {
    let terminal = Terminal::new(Arc::clone(scribe), Arc::clone(world), arguments.quiet);
    let mut all: Vec<Box<dyn Listener>> = vec![Box::new(terminal)];
    if let Some(log) = event_log(arguments, scribe, world)? {
        all.push(Box::new(log));
    }
    Ok(All(all))
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

pub(super) fn run_facts(
    arguments: &ServerArguments,
    world: &World,
    outcome: &Outcome,
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
    let wants = |format| arguments.report.contains(&format);
    std::thread::scope(|scope| {
        let page = wants(Format::Html).then(|| scope.spawn(|| put("report.html", html::render(report))));
        put("run.json", json::render(report))?;
        if wants(Format::Junit) {
            put("junit.xml", junit::render(report, arguments.strict))?;
        }
        match page.map(std::thread::ScopedJoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(written)) => written,
            None => Ok(()),
        }
    })
}
