//! `launchproof test server --targets DIR`: a folder of profiles judged side by side, a report each, and a table of all.

mod places;
mod summary;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use reports::exit;
use tokio::sync::{Semaphore, watch};

use super::Failure;
use super::agent::AgentKind;
use super::folder::Folder;
use super::server_arguments::ServerArguments;
use super::test_server;
use places::Places;
use summary::{Summary, Told};

/// One profile of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    name: String,
    profile: PathBuf,
    baseline: Option<PathBuf>,
}

/// Judges every profile of the folder; the exit code is the worst of all.
pub(super) async fn run(
    arguments: ServerArguments,
    folder: &Path,
    cancel: watch::Receiver<bool>,
) -> Result<u8, Failure> {
    refuse(&arguments)?;
    let found = profiles(folder)?;
    summary::forget(&arguments.out)?;
    for found in &found {
        Folder::forget(&of_one(&arguments, found))?;
    }
    let started = Instant::now();
    let places = Arc::new(Places::default());
    let slots = Arc::new(Semaphore::new(jobs(&arguments)));
    let quiet = arguments.quiet;
    let runs = found.iter().cloned().map(|found| {
        let arguments = of_one(&arguments, &found);
        let (places, slots, cancel) = (Arc::clone(&places), Arc::clone(&slots), cancel.clone());
        // On a task of its own, so that every core has its share, and a panic is that of one target.
        let task = tokio::spawn(one(arguments, found.clone(), places, slots, cancel));
        async move {
            task.await.unwrap_or_else(|error| {
                Told::failed(
                    &found.name,
                    &found.profile,
                    exit::INTERNAL,
                    error.to_string(),
                    Duration::ZERO,
                )
            })
        }
    });
    let mut runs: futures::stream::FuturesUnordered<_> = runs.collect();
    let mut summary = Summary::default();
    while let Some(told) = runs.next().await {
        if !quiet {
            tell!("{}: exit code {}: {}", told.name, told.exit_code, told.exit_reason);
        }
        summary.add(told);
    }
    summary.conclude(started.elapsed());
    summary.write(&arguments.out)?;
    say!("{}", summary.table());
    say!("report: {}", arguments.out.join("targets.json").display());
    say!("exit code {}: {}", summary.exit_code, summary.exit_reason);
    Ok(summary.exit_code)
}

/// What one person or one target alone can do.
fn refuse(arguments: &ServerArguments) -> Result<(), Failure> {
    let by_hand = arguments.agent == AgentKind::Manual || arguments.assist;
    if by_hand && arguments.jobs.unwrap_or(1) > 1 {
        return Err(Failure::usage(
            "a person signs in at one target after another: leave --jobs away with --agent manual or --assist",
        ));
    }
    Ok(())
}

fn jobs(arguments: &ServerArguments) -> usize {
    if arguments.agent == AgentKind::Manual || arguments.assist {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.jobs.map_or(2 * cores, usize::from)
}

/// The flags of one target: its profile, its baseline, a folder of its own.
fn of_one(arguments: &ServerArguments, found: &Found) -> ServerArguments {
    ServerArguments {
        target: Some(found.profile.clone()),
        targets: None,
        baseline: found.baseline.clone(),
        out: arguments.out.join(&found.name),
        quiet: true,
        among_others: true,
        ..arguments.clone()
    }
}

async fn one(
    arguments: ServerArguments,
    found: Found,
    places: Arc<Places>,
    slots: Arc<Semaphore>,
    cancel: watch::Receiver<bool>,
) -> Told {
    let _places = places.of(&found.profile).await;
    let _slot = slots.acquire().await.ok();
    if *cancel.borrow() {
        let reason = "interrupted before it began".to_owned();
        return Told::failed(&found.name, &found.profile, exit::INTERRUPTED, reason, Duration::ZERO);
    }
    let started = Instant::now();
    let out = arguments.out.clone();
    match test_server::judge(arguments, cancel).await {
        Ok(_) => Told::read(&found.name, &found.profile, &out, started.elapsed()),
        Err(failure) => Told::failed(
            &found.name,
            &found.profile,
            failure.code,
            failure.message,
            started.elapsed(),
        ),
    }
}

fn is_one_component(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(parts.next(), Some(Component::Normal(only)) if only == name) && parts.next().is_none()
}

/// Every profile of a folder, in the order of their names; baselines stand beside them.
fn profiles(folder: &Path) -> Result<Vec<Found>, Failure> {
    let wrong = |error: std::io::Error| Failure::input(format!("{}: cannot be read: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let Some(name) = name.strip_suffix(".toml") else {
            continue;
        };
        if name.is_empty() || name.ends_with(".baseline") || !path.is_file() {
            continue;
        }
        // It becomes the folder of its report.
        if !is_one_component(name) {
            return Err(Failure::input(format!(
                "{}: `{name}` cannot be the name of a folder; give the profile another name",
                path.display()
            )));
        }
        let baseline = folder.join(format!("{name}.baseline.toml"));
        found.push(Found {
            name: name.to_owned(),
            baseline: baseline.is_file().then_some(baseline),
            profile: path,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if found.is_empty() {
        return Err(Failure {
            code: exit::NOTHING_SELECTED,
            message: format!("{}: holds no profile (*.toml)", folder.display()),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_profile_leads_nowhere_else() {
        for name in ["...toml", "..toml"] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join(name), "").expect("a profile");
            let refused = profiles(folder.path()).expect_err(name);
            assert!(refused.message.contains("another name"), "{}", refused.message);
        }
    }
}
