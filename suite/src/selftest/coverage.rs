//! Which scenarios judge a requirement, and which deliberate faults of the mock prove that they do.

use std::collections::{BTreeMap, BTreeSet};

use mock_ehr::Defect;
use serde::Serialize;

use super::expectation;
use crate::scenario::load::Loaded;
use crate::scenario::requirement::{Actor, Observable, Requirement};

/// One requirement, and what judges it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `smart-2.2.0/31`
    pub id: String,
    /// `SHALL`
    pub level: &'static str,
    /// In our words.
    pub text: String,
    /// `yes`, `with_target_help`, `no` or `of_the_app`.
    pub observable: Kind,
    /// What of the target is needed, or why no black box can see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Ids of the scenarios that cite it.
    pub scenarios: Vec<String>,
    /// Defects of the mock that break it, or that change a verdict of such a scenario.
    pub defects: Vec<String>,
}

/// Whether a test of a server can see a requirement kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of any server that offers what it is about.
    Yes,
    /// If the target gives something.
    WithTargetHelp,
    /// Never.
    No,
    /// It binds the app.
    OfTheApp,
}

/// How much of a document is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Its rows.
    pub rows: usize,
    /// Those that can be seen of any server.
    pub observable: usize,
    /// Those that can be seen with the target's help.
    pub with_target_help: usize,
    /// Those of the server that cannot be seen.
    pub not_observable: usize,
    /// Those of the app.
    pub of_the_app: usize,
    /// Of the observable ones, with help or without: those that a scenario judges.
    pub covered: usize,
    /// Of the observable ones, with help or without: those that no scenario judges.
    pub uncovered: usize,
}

/// Every row of the server's, and the counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Document prefix → its counts.
    pub documents: BTreeMap<String, Counts>,
    /// All documents together.
    pub total: Counts,
    /// Row by row.
    pub requirements: Vec<Row>,
}

impl Row {
    /// Whether a scenario has to judge it, and none does.
    pub fn is_uncovered(&self) -> bool {
        matches!(self.observable, Kind::Yes | Kind::WithTargetHelp) && self.scenarios.is_empty()
    }
}

/// Reads the coverage off the catalogue.
pub fn of(scenarios: &[Loaded], requirements: &BTreeMap<String, Requirement>) -> Coverage {
    let mut citing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for loaded in scenarios {
        for id in &loaded.scenario.requirements {
            citing.entry(id).or_default().push(loaded.id.clone());
        }
    }
    let mut coverage = Coverage {
        documents: BTreeMap::new(),
        total: Counts::default(),
        requirements: Vec::new(),
    };
    for requirement in requirements.values() {
        let row = row(requirement, citing.remove(requirement.id.as_str()).unwrap_or_default());
        let prefix = requirement.id.split('/').next().unwrap_or_default().to_owned();
        coverage.documents.entry(prefix).or_default().add(&row);
        coverage.total.add(&row);
        coverage.requirements.push(row);
    }
    coverage
}

fn row(requirement: &Requirement, scenarios: Vec<String>) -> Row {
    let breaking = Defect::ALL
        .iter()
        .filter(|defect| defect.requirement() == requirement.id)
        .map(|defect| defect.name());
    let caught = scenarios.iter().flat_map(|scenario| expectation::catching(scenario));
    let defects: BTreeSet<String> = breaking.chain(caught).map(str::to_owned).collect();
    let (observable, because) = match (requirement.actor, &requirement.observable) {
        (Actor::Client, _) => (Kind::OfTheApp, None),
        (_, Observable::Yes) => (Kind::Yes, None),
        (_, Observable::WithTargetHelp(what)) => (Kind::WithTargetHelp, Some(what.clone())),
        (_, Observable::No(why)) => (Kind::No, Some(why.clone())),
    };
    Row {
        id: requirement.id.clone(),
        level: requirement.level.as_str(),
        text: requirement.text.clone(),
        observable,
        because,
        scenarios,
        defects: defects.into_iter().collect(),
    }
}

impl Counts {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        match row.observable {
            Kind::Yes => self.observable += 1,
            Kind::WithTargetHelp => self.with_target_help += 1,
            Kind::No => self.not_observable += 1,
            Kind::OfTheApp => self.of_the_app += 1,
        }
        match (row.observable, row.is_uncovered()) {
            (Kind::No | Kind::OfTheApp, _) => {}
            (_, true) => self.uncovered += 1,
            (_, false) => self.covered += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Coverage {
        let scenarios = crate::scenario::load::load(None).expect("the scenarios load");
        let requirements = crate::scenario::requirement::all().expect("the requirements load");
        of(&scenarios, &requirements)
    }

    #[test]
    fn the_counts_are_those_of_the_rows() {
        let coverage = whole();
        let smart = &coverage.documents["smart-2.2.0"];
        assert_eq!(smart.rows, 427, "every row of the published set");
        for counts in coverage.documents.values().chain([&coverage.total]) {
            let seen = counts.observable + counts.with_target_help;
            assert_eq!(seen, counts.covered + counts.uncovered);
            assert_eq!(counts.rows, seen + counts.not_observable + counts.of_the_app);
        }
        let rows: usize = coverage.documents.values().map(|counts| counts.rows).sum();
        assert_eq!(rows, coverage.total.rows);
    }

    #[test]
    fn a_requirement_is_followed_to_its_scenarios_and_their_defects() {
        let coverage = whole();
        let verifier = coverage
            .requirements
            .iter()
            .find(|row| row.id == "rfc7636/4.6")
            .expect("it is there");
        assert!(verifier.scenarios.contains(&"pkce/verifier_wrong".to_owned()));
        assert!(!verifier.defects.is_empty());
        assert!(!verifier.is_uncovered());
    }
}
