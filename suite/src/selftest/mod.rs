//! The defect matrix: every scenario on the reference mock, on each variant, and on each defect.
//!
//! The reference and every variant must be all green; each defect must change exactly the verdicts that
//! `fixtures/defects/expected.yaml` says; every scenario must be changed by at least one defect or (a MAY) variant.

pub mod expectation;
mod matrix;

pub use matrix::Matrix;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mock_ehr::{Defect, Variant};
use reports::model::Status;
use tokio::sync::watch;

use crate::demo::{self, Manner};
use crate::engine::events::Silent;
use crate::engine::{self, Judged, Options};
use crate::scenario::Step;
use crate::scenario::load::Loaded;
use crate::scenario::select::Selection;
use crate::step::arguments::Until;
use crate::target::SmartVersion;

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

/// Runs the matrix, two rows at a time on two cores.
pub async fn run(scenarios: Vec<Loaded>, only: &[String]) -> Result<Matrix, String> {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    let mut rows: Vec<(String, Kind, Manner)> = vec![("reference".to_owned(), Kind::Reference, Manner::default())];
    for defect in Defect::ALL.iter().copied().filter(|defect| wanted(defect.name())) {
        let manner = Manner {
            defects: vec![defect],
            variants: Vec::new(),
        };
        rows.push((defect.name().to_owned(), Kind::Defect, manner));
    }
    for variant in Variant::ALL.iter().copied().filter(|variant| wanted(variant.name())) {
        let manner = Manner {
            defects: Vec::new(),
            variants: vec![variant],
        };
        rows.push((variant.name().to_owned(), Kind::Variant, manner));
    }
    let unknown: Vec<&String> = only
        .iter()
        .filter(|name| !rows.iter().any(|(known, ..)| known == *name))
        .collect();
    if !unknown.is_empty() {
        return Err(format!("there is no defect or variant {unknown:?}"));
    }
    let scenarios = Arc::new(scenarios);
    let width = std::thread::available_parallelism().map_or(2, usize::from);
    let gate = Arc::new(tokio::sync::Semaphore::new(width));
    let mut tasks = Vec::new();
    for (name, kind, manner) in rows {
        let (scenarios, gate) = (Arc::clone(&scenarios), Arc::clone(&gate));
        tasks.push(tokio::spawn(async move {
            let _permit = gate.acquire().await.map_err(|error| error.to_string())?;
            row(name, kind, &manner, &scenarios).await
        }));
    }
    let mut rows = Vec::new();
    for task in tasks {
        rows.push(task.await.map_err(|error| format!("a row panicked: {error}"))??);
    }
    Ok(Matrix::new(rows, &scenarios))
}

/// All scenarios on one mock; those that let time pass on mocks of their own, since they expire what others hold.
async fn row(name: String, kind: Kind, manner: &Manner, scenarios: &[Loaded]) -> Result<Row, String> {
    let started = Instant::now();
    let (waiting, others): (Vec<Loaded>, Vec<Loaded>) = scenarios.iter().cloned().partition(waits);
    let (mut vector, mut requests) = on_one_mock(manner, &others).await?;
    let mut by_wait: BTreeMap<&'static str, Vec<Loaded>> = BTreeMap::new();
    for loaded in waiting {
        by_wait.entry(until(&loaded)).or_default().push(loaded);
    }
    for group in by_wait.into_values() {
        for loaded in group {
            let (more, sent) = on_one_mock(manner, &[loaded]).await?;
            vector.extend(more);
            requests += sent;
        }
    }
    Ok(Row {
        name,
        kind,
        vector,
        took: started.elapsed(),
        requests,
    })
}

fn waits(loaded: &Loaded) -> bool {
    loaded.scenario.when.iter().any(|step| matches!(step, Step::Wait(_)))
}

fn until(loaded: &Loaded) -> &'static str {
    loaded
        .scenario
        .when
        .iter()
        .find_map(|step| match step {
            Step::Wait(args) => Some(match args.until {
                Until::CodeExpired => "code",
                Until::TokenExpired => "token",
                Until::LaunchExpired => "launch",
            }),
            _ => None,
        })
        .unwrap_or("none")
}

async fn on_one_mock(manner: &Manner, scenarios: &[Loaded]) -> Result<(Vector, usize), String> {
    let world = demo::inside(manner, SEED).map_err(|error| error.to_string())?;
    let profile = Arc::clone(&world.profile);
    let items = Selection::default().items(scenarios, &profile);
    let (_keep, cancel) = watch::channel(false);
    let options = Options {
        smart: SmartVersion::V2_2,
        allow_lockout: true,
        cancel,
    };
    let outcome = engine::run(&world, &items, &options, &Silent).await;
    let vector = outcome
        .judged
        .iter()
        .map(|judged| (judged.id.clone(), (Mark::of(judged), seen(judged))))
        .collect();
    Ok((vector, world.recorder.count()))
}

fn seen(judged: &Judged) -> String {
    let mut words = Vec::new();
    words.extend(judged.reason.clone());
    words.extend(judged.expected.as_ref().map(|expected| format!("expected {expected}")));
    words.extend(judged.observed.as_ref().map(|observed| format!("observed {observed}")));
    words.join("; ")
}
