//! Which defects and variants each item's run asked for: those that it never asks cannot change its verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mock_ehr::{Defect, MockEhr, Variant};

use super::{Suite, Vector, on_one_mock};
use crate::demo::Manner;
use crate::engine::{Event, Listener};
use crate::scenario::Check;
use crate::scenario::model::Given;
use crate::scenario::select::Item;

/// Item → the names that its run asked for.
pub(crate) type Asked = BTreeMap<String, BTreeSet<&'static str>>;

/// What each item asked for, in every run in which it was watched.
#[derive(Debug)]
pub(crate) struct Consulted(Asked);

/// Each item alone on a mock of its own.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) asked: Consulted,
    pub(crate) vector: Vector,
}

impl Consulted {
    /// Whether the item's run asked for this defect or variant.
    pub(crate) fn asks(&self, id: &str, name: &str) -> bool {
        self.0.get(id).is_none_or(|asked| asked.contains(name))
    }

    /// What was asked in another run: what an item meets depends on those that came before it.
    pub(crate) fn add(&mut self, asked: Asked) {
        for (id, names) in asked {
            self.0.entry(id).or_default().extend(names);
        }
    }

    /// An item that judges the values of the whole run depends on what every launch of its client asks.
    pub(crate) fn lend_to_those_of_the_whole_run(&mut self, items: &[Item<'_>]) {
        for item in items.iter().filter(|item| judges_many(item)) {
            let same_client = |other: &&Item<'_>| {
                other.client.map(|client| &client.name) == item.client.map(|client| &client.name)
                    && matches!(other.loaded.scenario.given, Given::LaunchedAlone | Given::Refreshed)
            };
            let lent: BTreeSet<&'static str> = items
                .iter()
                .filter(same_client)
                .filter_map(|other| self.0.get(&other.id()))
                .flatten()
                .copied()
                .collect();
            self.0.entry(item.id()).or_default().extend(lent);
        }
    }

    /// How many items asked for it.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.0.values().filter(|asked| asked.contains(name)).count()
    }
}

/// Runs each item alone on a mock of its own.
pub(crate) async fn by_item(suite: &Arc<Suite>, width: usize) -> Result<Alone, String> {
    let count = suite.items().len();
    let mut tasks = Vec::new();
    for part in 0..width {
        let suite = Arc::clone(suite);
        tasks.push(tokio::spawn(async move {
            let items = suite.items();
            let (mut asked, mut vector) = (Asked::new(), Vector::new());
            for at in (part..count).step_by(width) {
                let item = &items[at..=at];
                let done = on_one_mock(&Manner::default(), item).await?;
                asked.extend(done.asked);
                // How long an answer took says more about what else this machine does.
                if !item.iter().any(|item| judges_many(item) || measures_time(item)) {
                    vector.extend(done.vector);
                }
            }
            Ok::<_, String>((asked, vector))
        }));
    }
    let (mut asked, mut vector) = (Asked::new(), Vector::new());
    for task in tasks {
        let part = task.await.map_err(|error| format!("an item panicked: {error}"))??;
        asked.extend(part.0);
        vector.extend(part.1);
    }
    Ok(Alone {
        asked: Consulted(asked),
        vector,
    })
}

/// Whether an item judges the values of the whole run.
pub(crate) fn judges_many(item: &Item<'_>) -> bool {
    item.loaded.scenario.then.iter().any(Check::is_of_the_whole_run)
}

fn measures_time(item: &Item<'_>) -> bool {
    item.loaded
        .scenario
        .then
        .iter()
        .any(|check| matches!(check, Check::Within(_)))
}

/// Notes by turns what each item of a run asked for.
pub(super) struct Watch {
    mock: MockEhr,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    item: Option<String>,
    asked: Asked,
}

impl Watch {
    pub(super) fn of(mock: &MockEhr) -> Self {
        Self {
            mock: mock.clone(),
            seen: Mutex::default(),
        }
    }

    /// What was asked until now belongs to the item that was under way; the next one begins.
    fn turn_to(&self, next: Option<String>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let defects = self.mock.consulted_defects().into_iter().map(Defect::name);
        let variants = self.mock.state().variants().consulted().into_iter().map(Variant::name);
        let names: Vec<&'static str> = defects.chain(variants).collect();
        self.mock.forget_consulted();
        if let Some(item) = std::mem::replace(&mut seen.item, next) {
            seen.asked.entry(item).or_default().extend(names);
        }
    }

    /// What was seen.
    pub(super) fn asked(&self) -> Asked {
        self.turn_to(None);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut seen.asked)
    }
}

impl Listener for Watch {
    fn on(&self, event: &Event) {
        if let Event::ItemStarted { id } = event {
            self.turn_to(Some(id.clone()));
        }
    }
}
