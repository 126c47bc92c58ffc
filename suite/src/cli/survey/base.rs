//! Asks one FHIR base: the scenarios about discovery, CORS and TLS that need no client, through the suite's own engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use url::Url;

use super::super::reach;
use super::line::{Line, Trouble, silence};
use super::list::named;
use super::polite::{Hosts, Polite};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::events::All;
use crate::engine::{self, Options, version};
use crate::http::{Limits, Transport};
use crate::scenario::load::Loaded;
use crate::scenario::model::Given;
use crate::scenario::needs::Allow;
use crate::scenario::select::Selection;
use crate::step::{World, discover};
use crate::target::Profile;

/// Areas that say something without a client.
const AREAS: [&str; 3] = ["discovery/", "cors/", "tls/"];

/// Asks the same several times at the same moment, which is nothing to do to thousands who did not ask for it.
const LOADS: [&str; 1] = ["discovery/answers_a_crowd"];

/// A CapabilityStatement longer than this takes one of few places, so that memory stays bounded.
const LARGE: usize = 256 * 1024;

/// What every base is asked with.
pub(super) struct Shared {
    /// The scenarios.
    pub(super) scenarios: Vec<Loaded>,
    /// Which of them.
    pub(super) selection: Selection,
    /// The way to everybody.
    pub(super) way: Arc<dyn Transport>,
    /// How many ask one host.
    pub(super) hosts: Arc<Hosts>,
    /// Bounds on what comes back.
    pub(super) limits: Limits,
    /// How long one base may take.
    pub(super) patience: Duration,
    /// Places for those who say much.
    pub(super) large: Semaphore,
}

/// Whether a scenario can be asked of anybody.
pub(super) fn is_asked(loaded: &Loaded) -> bool {
    AREAS.iter().any(|area| loaded.id.starts_with(area))
        && !LOADS.contains(&loaded.id.as_str())
        && matches!(loaded.scenario.given, Given::Nothing | Given::Discovered)
}

/// What comes of one base; never an error, since thousands are behind it.
pub(super) async fn ask(shared: &Shared, base: &str) -> Line {
    let _turn = match Url::parse(base) {
        Ok(url) => shared.hosts.turn(&url).await,
        Err(_) => None,
    };
    let started = Instant::now();
    let line = Line::new(&named(base), SystemClock.now().to_string());
    let way = Arc::new(Polite::new(Arc::clone(&shared.way), Arc::clone(&shared.hosts)));
    let mut line = match world(shared, base, &way) {
        Ok(world) => judge(shared, &world, started, line).await,
        Err(trouble) => line.failed_by(trouble),
    };
    line.ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    line.requests = way.sent();
    line
}

fn world(shared: &Shared, base: &str, way: &Arc<Polite>) -> Result<World, Trouble> {
    let mut profile = Profile::for_url(base).map_err(|error| Trouble::new("url", error.to_string()))?;
    profile.limits = shared.limits;
    let way: Arc<dyn Transport> = Arc::clone(way) as _;
    // Nothing that is random is compared over bases: one seed serves all.
    reach::world(profile, way, 0).map_err(|failure| Trouble::new("internal", failure.message))
}

async fn judge(shared: &Shared, world: &World, started: Instant, mut line: Line) -> Line {
    let Ok(facts) = tokio::time::timeout(shared.patience, discover::facts(world)).await else {
        return line.failed_by(Trouble::new(
            "timeout",
            format!("nothing was found out within {:?}", shared.patience),
        ));
    };
    if facts.smart.is_none() && facts.capability.is_none() {
        return line.failed_by(silence(world, facts));
    }
    // Nobody holds another place while waiting for this one.
    let _place = if is_large(world) {
        shared.large.acquire().await.ok()
    } else {
        None
    };
    line.describe(facts);
    let (smart, smart_from) = version::infer(None, &world.profile, facts);
    line.smart = Some(smart.as_str().to_owned());
    line.smart_from = Some(smart_from);
    let mut items = shared.selection.items(&shared.scenarios, &world.profile);
    items.retain(|item| is_asked(item.loaded) && item.missing.is_none());
    let (stop, cancel) = watch::channel(false);
    let options = Options {
        smart,
        allow: Allow {
            lockout: false,
            writes: false,
        },
        spared: std::collections::HashSet::new(),
        cancel,
        enough: Arc::default(),
    };
    let nobody = All(Vec::new());
    let run = engine::run(world, &items, &options, &nobody);
    tokio::pin!(run);
    let left = shared.patience.saturating_sub(started.elapsed());
    let outcome = tokio::select! {
        outcome = &mut run => outcome,
        () = tokio::time::sleep(left) => {
            // Whoever listens ends; whoever does not is awaited all the same.
            let _ = stop.send(true);
            run.await
        }
    };
    line.judge(&outcome.judged);
    line.complete = outcome.complete;
    line
}

fn is_large(world: &World) -> bool {
    let all = world.recorder.all();
    let bytes: usize = all
        .iter()
        .filter_map(|exchange| exchange.response())
        .map(|response| response.body.len())
        .sum();
    bytes > LARGE
}
