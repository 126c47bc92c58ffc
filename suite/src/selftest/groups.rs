//! Defects and variants armed together, to find at once the verdicts that none of them changes.
//!
//! Most of what a defect's hook is asked by stays as it was. A verdict that is the reference's with twelve switches armed
//! at once is taken for unchanged by each of them; whatever moved is run again with each of them alone, and so is
//! each verdict that `fixtures/defects/expected.yaml` names. What could escape is a change that nobody expected and that
//! another switch of the same group undoes; `selftest --whole` groups nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::consulted::{self, Consulted};
use super::expectation::{self, Changes};
use super::{Kind, Suite, Vector, row};
use crate::demo::Manner;

/// How many are armed together.
const TOGETHER: usize = 12;

/// A switch that fewer items ask for is cheaper alone.
const WORTH_IT: usize = 60;

/// One switch that may be armed with others.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) manner: Manner,
}

/// What was found out about some switches at once.
#[derive(Debug, Default)]
struct Found {
    names: BTreeSet<String>,
    still: BTreeSet<String>,
}

/// Which verdicts need no run of their own with which switch.
#[derive(Debug, Default)]
pub(super) struct Groups {
    found: Vec<Found>,
    expected: BTreeMap<String, BTreeSet<String>>,
    /// Requests that it took.
    pub(super) requests: usize,
}

impl Groups {
    /// Whether the verdict was seen unchanged with this switch armed, and nobody expects otherwise.
    pub(super) fn excuses(&self, id: &str, name: &str) -> bool {
        let expected = self.expected.get(name).is_some_and(|ids| ids.contains(id));
        !expected
            && self
                .found
                .iter()
                .any(|found| found.names.contains(name) && found.still.contains(id))
    }
}

/// What every group's run shares.
struct Shared {
    suite: Arc<Suite>,
    asked: Arc<Consulted>,
    before: Arc<Vector>,
    gate: Arc<tokio::sync::Semaphore>,
}

/// Runs the groups, as many at a time as `gate` lets.
pub(super) async fn run(
    suite: &Arc<Suite>,
    asked: &Arc<Consulted>,
    before: &Arc<Vector>,
    gate: &Arc<tokio::sync::Semaphore>,
    candidates: Vec<Candidate>,
) -> Result<Groups, String> {
    let expected = expected_ids(before)?;
    let mild: Vec<Candidate> = candidates
        .into_iter()
        .filter(|candidate| is_mild(candidate, asked, &expected, suite))
        .collect();
    let count = mild.len().div_ceil(TOGETHER);
    // Neighbours in the list are about the same thing, and would hide each other.
    let mut groups: Vec<Vec<Candidate>> = vec![Vec::new(); count];
    for (at, candidate) in mild.into_iter().enumerate() {
        groups[at % count].push(candidate);
    }
    let shared = Arc::new(Shared {
        suite: Arc::clone(suite),
        asked: Arc::clone(asked),
        before: Arc::clone(before),
        gate: Arc::clone(gate),
    });
    let tasks: Vec<_> = groups
        .into_iter()
        .map(|group| tokio::spawn(try_group(Arc::clone(&shared), group)))
        .collect();
    let mut groups = Groups {
        expected,
        ..Groups::default()
    };
    for task in tasks {
        let (found, requests) = task.await.map_err(|error| format!("a group panicked: {error}"))??;
        groups.found.extend(found);
        groups.requests += requests;
    }
    Ok(groups)
}

/// Arms the group; where it moves more than a third of the verdicts, each half again.
fn try_group(shared: Arc<Shared>, group: Vec<Candidate>) -> BoxFuture<'static, Result<(Vec<Found>, usize), String>> {
    async move {
        if group.len() < 2 {
            return Ok((Vec::new(), 0));
        }
        let mut manner = Manner::default();
        for candidate in &group {
            manner.defects.extend(&candidate.manner.defects);
            manner.variants.extend(&candidate.manner.variants);
        }
        let takes = |id: &str| group.iter().any(|one| shared.asked.asks(id, &one.name));
        let done = {
            let _permit = shared.gate.acquire().await.map_err(|error| error.to_string())?;
            let name = "a group".to_owned();
            let (row, _) = row(name, Kind::Defect, &manner, &shared.suite, &takes, &shared.before).await?;
            row
        };
        let still: BTreeSet<String> = shared
            .before
            .iter()
            .filter(|(id, (mark, _))| done.vector.get(*id).is_some_and(|(now, _)| now == mark))
            .map(|(id, _)| id.clone())
            .collect();
        if still.len() * 3 < shared.before.len() * 2 {
            let (left, right) = group.split_at(group.len() / 2);
            let (left, right) = futures::try_join!(
                try_group(Arc::clone(&shared), left.to_vec()),
                try_group(Arc::clone(&shared), right.to_vec()),
            )?;
            let requests = done.requests + left.1 + right.1;
            return Ok((left.0.into_iter().chain(right.0).collect(), requests));
        }
        let names = group.into_iter().map(|one| one.name).collect();
        Ok((vec![Found { names, still }], done.requests))
    }
    .boxed()
}

/// Switch → the verdicts that it is expected to change.
fn expected_ids(before: &Vector) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let changes = expectation::changes()?;
    Ok(changes
        .iter()
        .map(|(name, changes)| (name.clone(), changes.spread(&before.keys()).into_keys().collect()))
        .collect())
}

/// Asked for by many, known to change few, and nothing that takes many values to see.
fn is_mild(
    candidate: &Candidate,
    asked: &Consulted,
    expected: &BTreeMap<String, BTreeSet<String>>,
    suite: &Suite,
) -> bool {
    let name = candidate.name.as_str();
    let asking = asked.count(name);
    if asking < WORTH_IT {
        return false;
    }
    let Some(ids) = expected.get(name) else {
        // A defect that nothing is known of is run alone; a variant is expected to change nothing.
        return candidate.kind == Kind::Variant;
    };
    let blocked = expectation::changes()
        .ok()
        .and_then(|changes| changes.get(name))
        .map_or(0, |changes: &Changes| changes.blocked);
    let counts_values = suite
        .items()
        .iter()
        .any(|item| consulted::judges_many(item) && ids.contains(&item.id()));
    !counts_values && (ids.len() + blocked) * 20 < asking
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn only_what_was_seen_still_with_the_switch_and_is_not_expected_to_move_is_excused() {
        let groups = Groups {
            found: vec![
                Found {
                    names: set(&["a", "b"]),
                    still: set(&["x", "y"]),
                },
                Found {
                    names: set(&["c"]),
                    still: set(&["z"]),
                },
            ],
            expected: BTreeMap::from([("a".to_owned(), set(&["y"]))]),
            requests: 0,
        };
        assert!(groups.excuses("x", "a"));
        assert!(!groups.excuses("y", "a"), "a change is expected, so it is looked at");
        assert!(groups.excuses("y", "b"));
        assert!(!groups.excuses("z", "a"), "it moved in this group");
        assert!(!groups.excuses("x", "c"), "another group");
        assert!(!groups.excuses("x", "d"), "never armed in a group");
    }
}
