//! Which defects and variants each item's run asked for: those that it never asks cannot change its verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Done, Suite, on_one_mock};
use crate::demo::Manner;
use crate::scenario::Check;
use crate::scenario::model::Given;
use crate::scenario::select::Item;

/// Item → the names that its run asked for.
#[derive(Debug)]
pub(crate) struct Consulted(BTreeMap<String, BTreeSet<&'static str>>);

impl Consulted {
    /// Whether the item's run asked for this defect or variant.
    pub(crate) fn asks(&self, id: &str, name: &str) -> bool {
        self.0.get(id).is_none_or(|asked| asked.contains(name))
    }

    /// How many items asked for it.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.0.values().filter(|asked| asked.contains(name)).count()
    }
}

/// Runs each item alone on a mock of its own.
pub(crate) async fn by_item(suite: &Arc<Suite>, width: usize) -> Result<Consulted, String> {
    let count = suite.items().len();
    let mut tasks = Vec::new();
    for part in 0..width {
        let suite = Arc::clone(suite);
        tasks.push(tokio::spawn(async move {
            let items = suite.items();
            let mut asked = Vec::new();
            for at in (part..count).step_by(width) {
                let Done { asked: names, .. } = on_one_mock(&Manner::default(), &items[at..=at]).await?;
                asked.push((items[at].id(), names.into_iter().collect::<BTreeSet<_>>()));
            }
            Ok::<_, String>(asked)
        }));
    }
    let mut all = BTreeMap::new();
    for task in tasks {
        all.extend(task.await.map_err(|error| format!("an item panicked: {error}"))??);
    }
    lend_to_entropy(&suite.items(), &mut all);
    Ok(Consulted(all))
}

/// An item that judges the values of the whole run depends on what every launch of its client asks.
fn lend_to_entropy(items: &[Item<'_>], all: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    for item in items.iter().filter(|item| judges_many(item)) {
        let same_client = |other: &&Item<'_>| {
            other.client.map(|client| &client.name) == item.client.map(|client| &client.name)
                && matches!(other.loaded.scenario.given, Given::LaunchedAlone | Given::Refreshed)
        };
        let lent: BTreeSet<&'static str> = items
            .iter()
            .filter(same_client)
            .filter_map(|other| all.get(&other.id()))
            .flatten()
            .copied()
            .collect();
        all.entry(item.id()).or_default().extend(lent);
    }
}

/// Whether an item judges the values of the whole run.
pub(crate) fn judges_many(item: &Item<'_>) -> bool {
    item.loaded
        .scenario
        .then
        .iter()
        .any(|check| matches!(check, Check::Entropy(_)))
}
