//! `launchproof survey`: asks thousands of FHIR bases for what needs no client, and writes a line about each.

mod base;
mod line;
mod list;
mod polite;
mod results;
mod tally;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::exit;
use tokio::sync::Semaphore;

use super::{Failure, catalogue, interrupt};
use crate::http::{Limits, Network, ReqwestTransport};
use crate::scenario::select::Selection;
use base::Shared;
use line::{Line, Trouble};
use polite::Hosts;
use results::{NotWritten, Results};
use tally::Tally;

#[derive(Debug, Args)]
pub(super) struct SurveyArguments {
    /// FHIR bases, one a line; lines with `#` are comments. `-` reads standard input.
    urls: PathBuf,
    /// Write the lines (NDJSON) to a file rather than to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on with the file: what is in it is not asked again.
    #[arg(long, requires = "out", conflicts_with = "force")]
    resume: bool,
    /// Overwrite the file.
    #[arg(long, requires = "out")]
    force: bool,
    /// No progress and no summary.
    #[arg(long, short)]
    quiet: bool,

    /// Only these scenarios of those about discovery, CORS and TLS: ids or prefixes.
    #[arg(long = "only", value_name = "ID", num_args = 1.., help_heading = "Selection")]
    only: Vec<String>,

    /// So many bases at once.
    #[arg(long, value_name = "N", default_value = "32", help_heading = "Run", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: u16,
    /// So many requests at once to one host, whichever bases it serves.
    #[arg(long, value_name = "N", default_value = "2", help_heading = "Run", value_parser = clap::value_parser!(u16).range(1..=512))]
    per_host: u16,
    /// Seconds of one request.
    #[arg(long, value_name = "SECONDS", default_value = "10", help_heading = "Run", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Seconds of one base; what was judged until then is written.
    #[arg(long, value_name = "SECONDS", default_value = "60", help_heading = "Run", value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
    /// Bytes of one body.
    #[arg(long, value_name = "BYTES", help_heading = "Run")]
    max_body: Option<usize>,
    /// PEM file of further certificate authorities.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    ca_file: Option<PathBuf>,
    /// Do not check certificates.
    #[arg(long, help_heading = "Run")]
    insecure: bool,
}

pub(super) async fn run(arguments: SurveyArguments) -> Result<u8, Failure> {
    let started = Instant::now();
    let shared = Arc::new(shared(&arguments)?);
    let source = list::open(&arguments.urls)?;
    let (mut results, done) = results(&arguments)?;
    let before = done.len();
    let bar = progress(&arguments, before);
    let list = list::read(arguments.urls.clone(), source, done);
    let mut tally = Tally::default();
    let asked = asked(&shared, list, usize::from(arguments.jobs));
    let mut interrupted = interrupt::listen("ending; what was judged is written").once;
    tokio::pin!(asked);
    let ended = loop {
        let next = tokio::select! {
            biased;
            () = interrupt::happened(&mut interrupted) => break Some(exit::INTERRUPTED),
            next = asked.next() => next,
        };
        let Some(line) = next else { break None };
        let line = line?;
        match results.put(&line) {
            Ok(()) => {}
            Err(NotWritten::NobodyReads) => break Some(exit::INTERRUPTED),
            Err(NotWritten::Failed(failure)) => return Err(failure),
        }
        tally.add(&line);
        bar.inc(1);
        bar.set_message(line.base);
    };
    bar.finish_and_clear();
    if !arguments.quiet {
        tell!("{}", tally.text(started.elapsed(), before));
    }
    Ok(code(ended, &tally, before, &arguments))
}

fn code(ended: Option<u8>, tally: &Tally, before: usize, arguments: &SurveyArguments) -> u8 {
    if let Some(code) = ended {
        if let (exit::INTERRUPTED, Some(out)) = (code, &arguments.out) {
            tell!("launchproof: ended; go on with --out {} --resume", out.display());
        }
        return code;
    }
    if tally.all + before == 0 {
        tell!("launchproof: {} names no FHIR base", arguments.urls.display());
        return exit::NOTHING_SELECTED;
    }
    if tally.all > 0 && tally.judged == 0 {
        return exit::UNREACHABLE;
    }
    exit::NOTHING_UNEXPECTED
}

fn shared(arguments: &SurveyArguments) -> Result<Shared, Failure> {
    let (scenarios, _) = catalogue(None)?;
    let scenarios: Vec<_> = scenarios.into_iter().filter(base::is_asked).collect();
    let selection = Selection {
        ids: arguments.only.clone(),
        ..Selection::default()
    };
    super::server_arguments::name_unknown(&selection, &scenarios);
    if !scenarios.iter().any(|loaded| selection.takes(loaded)) {
        return Err(Failure {
            code: exit::NOTHING_SELECTED,
            message: "no scenario about discovery, CORS or TLS is selected".to_owned(),
        });
    }
    let network = Network {
        ca_file: arguments.ca_file.clone(),
        insecure: arguments.insecure,
        ..Network::default()
    };
    let way = ReqwestTransport::new(&network).map_err(Failure::input)?;
    let usual = Limits::default();
    Ok(Shared {
        scenarios,
        selection,
        way: Arc::new(way),
        hosts: Arc::new(Hosts::new(usize::from(arguments.per_host))),
        limits: Limits {
            request: Duration::from_secs(arguments.timeout),
            body: arguments.max_body.unwrap_or(usual.body),
            ..usual
        },
        patience: Duration::from_secs(arguments.patience),
        large: Semaphore::new(4),
    })
}

fn results(arguments: &SurveyArguments) -> Result<(Results, HashSet<String>), Failure> {
    match &arguments.out {
        None => Ok((Results::standard(), HashSet::new())),
        Some(path) if arguments.resume => Results::resume(path),
        Some(path) => Ok((Results::begin(path, arguments.force)?, HashSet::new())),
    }
}

fn progress(arguments: &SurveyArguments, before: usize) -> ProgressBar {
    let target = if arguments.quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let total = list::count(&arguments.urls).map(|all| all.saturating_sub(before as u64));
    let bar = ProgressBar::with_draw_target(total, target);
    let template = if total.is_some() {
        "{bar:32} {pos}/{len} {wide_msg}"
    } else {
        "{spinner} {pos} {wide_msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// The lines, as they come; so many bases are under way at once, and no more are read than are asked.
fn asked(
    shared: &Arc<Shared>,
    list: tokio::sync::mpsc::Receiver<Result<String, Failure>>,
    jobs: usize,
) -> impl futures::Stream<Item = Result<Line, Failure>> {
    let shared = Arc::clone(shared);
    let bases = futures::stream::unfold(list, async |mut list| Some((list.recv().await?, list)));
    bases
        .map(move |base| {
            let shared = Arc::clone(&shared);
            async move {
                let base = base?;
                let name = list::named(&base);
                // On a task of its own, so that every core has its share, and a bug of ours is one line.
                let task = Abort(tokio::spawn(async move { base::ask(&shared, &base).await }));
                Ok(task.line(&name).await)
            }
        })
        .buffer_unordered(jobs)
}

/// A task that ends with whoever waits for it.
struct Abort(tokio::task::JoinHandle<Line>);

impl Abort {
    async fn line(mut self, base: &str) -> Line {
        (&mut self.0).await.unwrap_or_else(|error| {
            Line::new(base, String::new()).failed_by(Trouble::new("internal", error.to_string()))
        })
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
