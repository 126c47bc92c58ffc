//! The finished matrix: what differs, what is wrong, and how to print it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use reports::model::{Level, Status};

use super::expectation::{self, Changes};
use super::{Kind, Mark, Row, Vector};
use crate::scenario::load::Loaded;

/// All rows, the reference first.
#[derive(Debug)]
pub struct Matrix {
    rows: Vec<Row>,
    alone: Vector,
    scenarios: BTreeMap<String, Level>,
    together: usize,
}

impl Matrix {
    /// `alone`: verdicts of items that were each run alone; `together`: requests that were sent with several switches
    /// armed, for no row of their own.
    pub(super) fn new(rows: Vec<Row>, alone: Vector, scenarios: &[Loaded], together: usize) -> Self {
        let scenarios = scenarios
            .iter()
            .map(|loaded| (loaded.id.clone(), loaded.scenario.level))
            .collect();
        Self {
            rows,
            alone,
            scenarios,
            together,
        }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn reference(&self) -> &Vector {
        &self.rows[0].vector
    }

    /// Verdicts of a row that differ from the reference's.
    pub fn changes(&self, row: &Row) -> BTreeMap<String, Mark> {
        let reference = self.reference();
        row.vector
            .iter()
            .filter(|(id, (mark, _))| reference.get(*id).is_none_or(|(before, _)| before != mark))
            .map(|(id, (mark, _))| (id.clone(), *mark))
            .collect()
    }

    /// Everything wrong; `whole` where all rows were run.
    pub fn problems(&self, whole: bool) -> Vec<String> {
        let read = || {
            Ok((
                expectation::changes()?,
                expectation::reference()?,
                expectation::not_noticed()?,
            ))
        };
        let (expected, reference, not_noticed) = match read() {
            Ok(read) => read,
            Err(error) => return vec![error],
        };
        let mut problems = self.reference_problems(reference);
        problems.extend(self.alone_problems());
        for row in self.rows.iter().filter(|row| row.kind != Kind::Reference) {
            self.row_problems(row, expected.get(&row.name), &mut problems);
            problems.extend(self.unnoticed(row, not_noticed.get(&row.name)));
        }
        if whole {
            for name in expected
                .keys()
                .filter(|name| !self.rows.iter().any(|row| row.name == **name))
            {
                problems.push(format!(
                    "fixtures/defects/expected.yaml names `{name}`, which is no defect or variant"
                ));
            }
            problems.extend(self.unproven());
        }
        problems
    }

    fn reference_problems(&self, expected: &BTreeMap<String, String>) -> Vec<String> {
        self.reference()
            .iter()
            .filter(|(id, (mark, _))| {
                !matches!(mark.status, Status::Pass | Status::Info) && expected.get(*id) != Some(&mark.word())
            })
            .map(|(id, (mark, seen))| format!("reference: {id} is {}: {seen}", mark.word()))
            .collect()
    }

    /// A verdict that comes out otherwise alone than among the others rests on what others did.
    fn alone_problems(&self) -> Vec<String> {
        let among = |id: &String| self.reference().get(id).map(|(mark, _)| *mark);
        self.alone
            .iter()
            .filter(|(id, (mark, _))| among(id).is_some_and(|among| among != *mark))
            .map(|(id, (mark, seen))| {
                let word = mark.word();
                format!("alone: {id} is {word}, and not so among the others: {seen}")
            })
            .collect()
    }

    fn row_problems(&self, row: &Row, expected: Option<&Changes>, problems: &mut Vec<String>) {
        let seen = |id: &str| row.vector.get(id).map(|(_, seen)| seen.as_str()).unwrap_or_default();
        let changes = self.changes(row);
        let nothing = Changes::default();
        let expected = expected.unwrap_or(&nothing);
        let marks = expected.spread(&row.vector.keys());
        let mut blocked = Vec::new();
        for (id, mark) in &changes {
            if mark.status == Status::Blocked {
                blocked.push(id);
            } else if marks.get(id) != Some(&mark.word()) {
                let word = mark.word();
                problems.push(format!(
                    "{}: {id} became {word}, which was not expected: {}",
                    row.name,
                    seen(id)
                ));
            }
            let red = matches!(
                mark.status,
                Status::Fail | Status::Warn | Status::Error | Status::Blocked
            );
            if row.kind == Kind::Variant && red {
                let word = mark.word();
                problems.push(format!(
                    "{}: a legal difference turned {id} {word}: {}",
                    row.name,
                    seen(id)
                ));
            }
        }
        for (id, mark) in &marks {
            if changes.get(id).is_none_or(|seen| seen.status == Status::Blocked) {
                problems.push(format!("{}: {id} was expected to become {mark}, and did not", row.name));
            }
        }
        if blocked.len() != expected.blocked {
            let which = blocked.iter().fold(String::new(), |mut which, id| {
                let _ = write!(which, "\n    {id}: {}", seen(id));
                which
            });
            problems.push(format!(
                "{}: {} verdicts became blocked, {} were expected{which}",
                row.name,
                blocked.len(),
                expected.blocked
            ));
        }
    }

    /// A defect that changes no verdict needs a reason; one that changes some has no use for it.
    fn unnoticed(&self, row: &Row, reason: Option<&String>) -> Option<String> {
        match (row.kind == Kind::Defect && !self.is_noticed(row), reason) {
            (true, None) => Some(format!("{}: no scenario notices this defect", row.name)),
            (true, Some(reason)) if reason.trim().is_empty() => Some(format!(
                "{}: fixtures/defects/expected.yaml says not why no scenario notices it",
                row.name
            )),
            (false, Some(_)) => Some(format!(
                "{}: listed as not noticed, and a scenario notices it",
                row.name
            )),
            _ => None,
        }
    }

    fn is_noticed(&self, row: &Row) -> bool {
        self.changes(row).values().any(|mark| mark.status != Status::Blocked)
    }

    /// Scenarios whose verdict nothing changes.
    fn unproven(&self) -> Vec<String> {
        let mut proven: BTreeSet<String> = BTreeSet::new();
        for row in self.rows.iter().filter(|row| row.kind != Kind::Reference) {
            for (id, mark) in self.changes(row) {
                let scenario = expectation::scenario(&id).to_owned();
                let level = self.scenarios.get(&scenario).copied();
                let counts = match (row.kind, mark.status) {
                    (Kind::Defect, Status::Fail | Status::Warn) => true,
                    (_, Status::Info) => level == Some(Level::May),
                    _ => false,
                };
                if counts {
                    proven.insert(scenario);
                }
            }
        }
        self.scenarios
            .keys()
            .filter(|id| !proven.contains(*id))
            .map(|id| format!("{id}: no defect or variant changes its verdict, so nothing proves it"))
            .collect()
    }

    /// One line a row.
    pub fn table(&self, timings: bool) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let kind = match row.kind {
                Kind::Reference => "reference",
                Kind::Defect => "defect",
                Kind::Variant => "variant",
            };
            let changes = self.changes(row);
            let mut by_word: BTreeMap<String, usize> = BTreeMap::new();
            for mark in changes.values() {
                *by_word.entry(mark.word()).or_default() += 1;
            }
            let words: Vec<String> = by_word.iter().map(|(word, count)| format!("{count} {word}")).collect();
            let what = match row.kind {
                Kind::Reference => format!("{} verdicts", row.vector.len()),
                _ if words.is_empty() => "no change".to_owned(),
                _ => words.join(", "),
            };
            let _ = write!(text, "{kind:<10} {:<46} {what}", row.name);
            if timings {
                let _ = write!(text, "  ({} ms, {} requests)", row.took.as_millis(), row.requests);
            }
            text.push('\n');
        }
        text
    }

    /// What was run.
    pub fn summary(&self) -> String {
        let of = |kind| self.rows.iter().filter(|row| row.kind == kind).count();
        let verdicts: usize = self.rows.iter().map(|row| row.vector.len()).sum();
        let requests: usize = self.together + self.rows.iter().map(|row| row.requests).sum::<usize>();
        format!(
            "{} scenarios, {} defects, {} variants: {verdicts} verdicts from {requests} requests",
            self.scenarios.len(),
            of(Kind::Defect),
            of(Kind::Variant)
        )
    }

    /// What was seen, in the form of `fixtures/defects/expected.yaml`.
    pub fn expected_yaml(&self) -> String {
        let mut text = String::from(
            "# What each defect and variant of the mock EHR changes, verdict by verdict. Written by\n\
             # `launchproof selftest --print-expected`; read every change before it is committed.\n",
        );
        text.push_str("reference:\n");
        for (id, (mark, _)) in self.reference() {
            if !matches!(mark.status, Status::Pass | Status::Info) {
                let _ = writeln!(text, "  \"{id}\": {}", mark.word());
            }
        }
        let known = expectation::not_noticed().ok();
        let overlooked: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.kind == Kind::Defect && !self.is_noticed(row))
            .collect();
        text.push_str(if overlooked.is_empty() {
            "not_noticed: {}\n"
        } else {
            "not_noticed:\n"
        });
        for row in overlooked {
            let reason = known
                .and_then(|known| known.get(&row.name))
                .map(String::as_str)
                .unwrap_or_default();
            let _ = writeln!(text, "  {}: {}", row.name, serde_json::Value::from(reason));
        }
        text.push_str("changes:\n");
        for row in self.rows.iter().filter(|row| row.kind != Kind::Reference) {
            let changes = self.changes(row);
            if changes.is_empty() {
                continue;
            }
            let _ = writeln!(text, "  {}:", row.name);
            let marks = changes.into_iter().map(|(id, mark)| (id, mark.word())).collect();
            let gathered = Changes::gather(&marks, row.vector.keys());
            if gathered.blocked > 0 {
                let _ = writeln!(text, "    blocked: {}", gathered.blocked);
            }
            if !gathered.to.is_empty() {
                text.push_str("    to:\n");
            }
            for (mark, ids) in gathered.to {
                let _ = writeln!(text, "      {mark}:");
                for id in ids {
                    let _ = writeln!(text, "        - {}", serde_json::Value::from(id));
                }
            }
        }
        text
    }
}
