//! The defect matrix: every scenario on the reference mock, on each variant, and on each defect.
//!
//! The reference and every variant must be all green; each defect must change exactly the verdicts that
//! `fixtures/defects/expected.yaml` says; every scenario must be changed by at least one defect or (a MAY) variant.

mod consulted;
pub mod coverage;
pub mod expectation;
mod groups;
mod matrix;

use consulted::{Asked, Watch};
use groups::{Candidate, Groups};
pub use matrix::Matrix;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mock_ehr::{Defect, Variant};
use reports::model::Status;
use tokio::sync::watch;

use crate::demo::{self, Manner};
use crate::engine::{self, Judged, Options};
use crate::scenario::Step;
use crate::scenario::load::Loaded;
use crate::scenario::needs::Allow;
use crate::scenario::select::{Item, Selection};
use crate::target::{Profile, SmartVersion};

/// The seed of every row: the same values in each.
const SEED: u64 = 20_261_124;

/// What a verdict is, for comparison: its status, and whether the checks of a MAY held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The status.
    pub status: Status,
    /// For `info`: whether what the scenario describes was seen.
    pub holds: Option<bool>,
}

impl Mark {
    fn of(judged: &Judged) -> Self {
        let holds = if judged.status == Status::Info {
            judged.holds
        } else {
            None
        };
        Self {
            status: judged.status,
            holds,
        }
    }

    /// `fail`, `info+`, `info-`.
    pub fn word(self) -> String {
        match self.holds {
            Some(true) => format!("{}+", self.status.as_str()),
            Some(false) => format!("{}-", self.status.as_str()),
            None => self.status.as_str().to_owned(),
        }
    }
}

/// Verdict id → mark, with what was seen.
pub type Vector = BTreeMap<String, (Mark, String)>;

/// One row of the matrix.
#[derive(Debug, Clone)]
pub struct Row {
    /// `reference`, or the name of a defect or variant.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The verdicts.
    pub vector: Vector,
    /// Wall time.
    pub took: Duration,
    /// Requests sent.
    pub requests: usize,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The strict mock.
    Reference,
    /// A deliberate fault.
    Defect,
    /// A legal difference.
    Variant,
}

/// How the matrix is made.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Only these defects and variants; all where empty.
    pub only: Vec<String>,
    /// Every scenario in every row, even where its run never asked whether the defect is armed, or was seen unchanged
    /// with the defect armed among others.
    pub whole: bool,
}

/// Runs the matrix, three times as many rows at a time as there are cores.
///
/// A defect's hook tells that it was asked. An item that never asked, neither alone on a mock nor in its turn among all
/// others, is not changed by the defect, and keeps the reference's verdict; so does one that [`groups`] saw unchanged. `whole` runs them all the same.
pub async fn run(scenarios: Vec<Loaded>, plan: &Plan) -> Result<Matrix, String> {
    let rows = rows(&plan.only)?;
    let profile = demo::inside(&Manner::default(), SEED)
        .map_err(|error| error.to_string())?
        .0
        .profile;
    let scenarios: Arc<[Loaded]> = scenarios.into();
    let suite = Arc::new(Suite {
        scenarios: Arc::clone(&scenarios),
        profile,
    });
    let width = std::thread::available_parallelism().map_or(2, usize::from);
    let (asked, alone) = if plan.whole {
        (None, Vector::new())
    } else {
        let alone = consulted::by_item(&suite, 2 * width).await?;
        (Some(alone.asked), alone.vector)
    };
    let (strict, nothing) = (Manner::default(), Vector::new());
    let (reference, asked_in_turn) = row(
        "reference".to_owned(),
        Kind::Reference,
        &strict,
        &suite,
        &|_| true,
        &nothing,
    )
    .await?;
    let asked = asked.map(|mut asked| {
        asked.add(asked_in_turn);
        asked.lend_to_those_of_the_whole_run(&suite.items());
        Arc::new(asked)
    });
    let before = Arc::new(reference.vector.clone());
    // Some scenarios wait for a key server that is slow or silent; meanwhile another row can have the core.
    let gate = Arc::new(tokio::sync::Semaphore::new(3 * width));
    let groups = match &asked {
        Some(asked) if plan.only.is_empty() => groups::run(&suite, asked, &before, &gate, rows.clone()).await?,
        _ => Groups::default(),
    };
    let together = groups.requests;
    let groups = Arc::new(groups);
    let mut tasks = Vec::new();
    for Candidate { name, kind, manner } in rows {
        let (suite, gate, asked, before, groups) = (
            Arc::clone(&suite),
            Arc::clone(&gate),
            asked.clone(),
            Arc::clone(&before),
            Arc::clone(&groups),
        );
        tasks.push(tokio::spawn(async move {
            let _permit = gate.acquire().await.map_err(|error| error.to_string())?;
            let takes =
                |id: &str| asked.as_ref().is_none_or(|asked| asked.asks(id, &name)) && !groups.excuses(id, &name);
            let (row, _) = row(name.clone(), kind, &manner, &suite, &takes, &before).await?;
            Ok::<_, String>(row)
        }));
    }
    let mut rows = vec![reference];
    for task in tasks {
        rows.push(task.await.map_err(|error| format!("a row panicked: {error}"))??);
    }
    Ok(Matrix::new(rows, alone, &scenarios, together))
}

/// What every row shares.
pub(crate) struct Suite {
    scenarios: Arc<[Loaded]>,
    profile: Arc<Profile>,
}

impl Suite {
    fn items(&self) -> Vec<Item<'_>> {
        Selection::default().items(&self.scenarios, &self.profile)
    }
}

fn rows(only: &[String]) -> Result<Vec<Candidate>, String> {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    let mut rows = Vec::new();
    for defect in Defect::ALL.iter().copied().filter(|defect| wanted(defect.name())) {
        let manner = Manner {
            defects: vec![defect],
            variants: Vec::new(),
        };
        rows.push(Candidate {
            name: defect.name().to_owned(),
            kind: Kind::Defect,
            manner,
        });
    }
    for variant in Variant::ALL.iter().copied().filter(|variant| wanted(variant.name())) {
        let manner = Manner {
            defects: Vec::new(),
            variants: vec![variant],
        };
        rows.push(Candidate {
            name: variant.name().to_owned(),
            kind: Kind::Variant,
            manner,
        });
    }
    let unknown: Vec<&String> = only
        .iter()
        .filter(|name| !rows.iter().any(|row| row.name == **name))
        .collect();
    if unknown.is_empty() {
        Ok(rows)
    } else {
        Err(format!("there is no defect or variant {unknown:?}"))
    }
}

/// The items that `takes` names on one mock; those that let time pass on mocks of their own, since they expire what
/// others hold. What is not run keeps the verdict `before`.
async fn row(
    name: String,
    kind: Kind,
    manner: &Manner,
    suite: &Suite,
    takes: &(dyn Fn(&str) -> bool + Sync),
    before: &Vector,
) -> Result<(Row, Asked), String> {
    let started = Instant::now();
    let mine: Vec<Item<'_>> = suite.items().into_iter().filter(|item| takes(&item.id())).collect();
    let (waiting, others): (Vec<Item<'_>>, Vec<Item<'_>>) = mine.into_iter().partition(waits);
    let mut vector = before.clone();
    let (mut requests, mut asked) = (0, Asked::new());
    let mut groups: BTreeMap<String, Vec<Item<'_>>> = BTreeMap::new();
    for item in waiting {
        groups.entry(item.loaded.id.clone()).or_default().push(item);
    }
    let mut by_version: BTreeMap<SmartVersion, Vec<Item<'_>>> = BTreeMap::new();
    for item in others {
        by_version.entry(newest(&item)).or_default().push(item);
    }
    for group in by_version.into_values().chain(groups.into_values()) {
        let done = on_one_mock(manner, &group).await?;
        vector.extend(done.vector.into_iter().filter(|(id, (mark, _))| {
            // A row that runs few items sees few values: too few to judge is no change.
            let judges_many = group
                .iter()
                .any(|item| item.id() == *id && consulted::judges_many(item));
            !(judges_many && mark.status == Status::Skip && before.contains_key(id))
        }));
        requests += done.requests;
        asked.extend(done.asked);
    }
    let row = Row {
        name,
        kind,
        vector,
        took: started.elapsed(),
        requests,
    };
    Ok((row, asked))
}

/// The newest version in which the item's scenario holds: by it, the mock is judged.
fn newest(item: &Item<'_>) -> SmartVersion {
    let applies = &item.loaded.scenario.applies;
    [SmartVersion::V2_2, SmartVersion::V2_1, SmartVersion::V2_0]
        .into_iter()
        .find(|version| applies.is_empty() || applies.iter().any(|one| one == version.as_str()))
        .unwrap_or(SmartVersion::V1_0)
}

fn waits(item: &Item<'_>) -> bool {
    item.loaded
        .scenario
        .when
        .iter()
        .any(|step| matches!(step, Step::Wait(_)))
}

/// What a run on one mock gave.
pub(crate) struct Done {
    vector: Vector,
    requests: usize,
    asked: Asked,
}

async fn on_one_mock(manner: &Manner, items: &[Item<'_>]) -> Result<Done, String> {
    let (world, mock) = demo::inside(manner, SEED).map_err(|error| error.to_string())?;
    let (_keep, cancel) = watch::channel(false);
    let options = Options {
        smart: items.first().map_or(SmartVersion::V2_2, newest),
        allow: Allow {
            lockout: true,
            writes: true,
        },
        spared: std::collections::HashSet::new(),
        cancel,
        enough: Arc::default(),
    };
    let watch = Watch::of(&mock);
    let outcome = engine::run(&world, items, &options, &watch).await;
    let vector = outcome
        .judged
        .iter()
        .map(|judged| (judged.id.clone(), (Mark::of(judged), seen(judged))))
        .collect();
    Ok(Done {
        vector,
        requests: world.recorder.count(),
        asked: watch.asked(),
    })
}

fn seen(judged: &Judged) -> String {
    let mut words = Vec::new();
    words.extend(judged.reason.clone());
    words.extend(judged.expected.as_ref().map(|expected| format!("expected {expected}")));
    words.extend(judged.observed.as_ref().map(|observed| format!("observed {observed}")));
    words.join("; ")
}
