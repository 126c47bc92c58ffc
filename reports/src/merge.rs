//! Makes one report of the parts of a run (`--partition`), as the whole run would have made it.
//!
//! Parts must be of one run: the same target, version, program, catalogue, selection, and each part once. A verdict that
//! judges everything that a run saw (how many bits its codes carry) was made in each part, of what that part saw; here
//! the worst of them stands.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Controls, Exchange, Partition, Report, Status, Verdict};

/// Why reports are not the parts of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MergeError(String);

/// One part and the name of its file, for messages.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where it was read.
    pub name: String,
    /// What it says.
    pub report: Report,
}

/// The report of the whole run. Its exit code is yet to be found.
pub fn merge(mut parts: Vec<Part>) -> Result<Report, MergeError> {
    let partitions = partitions(&parts)?;
    parts.sort_by_key(|part| part.report.run.partition.map(|partition| partition.part));
    let of = partitions[0].of;
    same(&parts)?;
    let verdicts = verdicts(&parts)?;
    planned(&verdicts, partitions[0].planned, &parts)?;
    Ok(joined(&parts, verdicts, of))
}

fn fail<T>(message: String) -> Result<T, MergeError> {
    Err(MergeError(message))
}

/// Each part once, and all of them.
fn partitions(parts: &[Part]) -> Result<Vec<Partition>, MergeError> {
    let mut found: BTreeMap<usize, &str> = BTreeMap::new();
    let mut all = Vec::new();
    for part in parts {
        let Some(partition) = part.report.run.partition else {
            return fail(format!(
                "{}: it is no part of a run: it was made without --partition",
                part.name
            ));
        };
        all.push(partition);
        if partition.of != all[0].of {
            return fail(format!(
                "{}: it is part {} of {}, and {} is part {} of {}",
                part.name, partition.part, partition.of, parts[0].name, all[0].part, all[0].of
            ));
        }
        if let Some(other) = found.insert(partition.part, &part.name) {
            return fail(format!(
                "{}: part {} of {} was given already, as {other}",
                part.name, partition.part, partition.of
            ));
        }
    }
    let Some(first) = all.first() else {
        return fail("no part was given".to_owned());
    };
    missing(&found, first.of)?;
    Ok(all)
}

/// The numbers come from files: what they claim is not counted through.
fn missing(found: &BTreeMap<usize, &str>, of: usize) -> Result<(), MergeError> {
    const SHOWN: usize = 10;
    if let Some((part, name)) = found.iter().find(|(part, _)| **part == 0 || **part > of) {
        return fail(format!("{name}: there is no part {part} of {of}"));
    }
    let first: Vec<String> = (1..=of)
        .filter(|part| !found.contains_key(part))
        .take(SHOWN)
        .map(|part| part.to_string())
        .collect();
    match of - found.len() {
        0 => Ok(()),
        all if all > first.len() => fail(format!(
            "part {} and {} more of {of} are missing",
            first.join(", "),
            all - first.len()
        )),
        _ => fail(format!("part {} of {of} is missing", first.join(", "))),
    }
}

/// Everything that makes two runs the same one.
fn same(parts: &[Part]) -> Result<(), MergeError> {
    let Some((first, rest)) = parts.split_first() else {
        return Ok(());
    };
    for part in rest {
        let pairs = facts(&first.report).into_iter().zip(facts(&part.report));
        for ((what, one), (_, other)) in pairs {
            if one != other {
                return fail(format!(
                    "{} is of another run than {}: {what} is `{other}` there and `{one}` here",
                    part.name, first.name
                ));
            }
        }
    }
    Ok(())
}

fn facts(report: &Report) -> [(&'static str, String); 12] {
    let run = &report.run;
    let gaps: Vec<String> = run
        .accept_missing
        .iter()
        .map(|gap| format!("{} = {}", gap.scope, gap.reason))
        .collect();
    [
        ("the program", report.tool.clone()),
        ("the catalogue", run.catalogue.clone()),
        ("the target", report.target.name.clone()),
        ("the FHIR base", report.target.fhir_base.clone()),
        ("the SMART version", report.target.smart_version.clone()),
        ("the selection", selection(report).join(" ")),
        ("the number of verdicts", planned_of(report).to_string()),
        ("the user agent", run.agent.clone()),
        ("--profile", run.raised.join(" ")),
        ("--insecure", run.insecure.to_string()),
        ("--evidence full", run.full_evidence.to_string()),
        ("[accept_missing]", gaps.join("; ")),
    ]
}

fn planned_of(report: &Report) -> usize {
    report.run.partition.map_or(0, |partition| partition.planned)
}

/// The selection without the word that made it a part.
fn selection(report: &Report) -> Vec<String> {
    let words = report.run.selection.iter();
    words
        .filter(|word| !word.starts_with("--partition "))
        .cloned()
        .collect()
}

/// A verdict and the part that it is from; exchanges are still numbered as there.
type From<'p> = (usize, &'p Verdict);

fn verdicts(parts: &[Part]) -> Result<BTreeMap<String, Vec<From<'_>>>, MergeError> {
    let mut all: BTreeMap<String, Vec<From<'_>>> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        for verdict in &part.report.verdicts {
            let of_id = all.entry(verdict.id()).or_default();
            if of_id.last().is_some_and(|(last, _)| *last == at) {
                return fail(format!("{}: {} stands twice in it", part.name, verdict.id()));
            }
            of_id.push((at, verdict));
        }
    }
    for (id, found) in &all {
        let in_each = found
            .iter()
            .all(|(_, verdict)| verdict.of_the_whole_run || verdict.area == CONTROL);
        if found.len() > 1 && !in_each {
            let names: Vec<&str> = found.iter().map(|(at, _)| parts[*at].name.as_str()).collect();
            return fail(format!("parts overlap: {id} was judged in {}", names.join(" and in ")));
        }
    }
    Ok(all)
}

/// A control that failed has a verdict of its own, in each part that met it.
const CONTROL: &str = "control";

/// Nothing but controls: the target was not reached from there.
fn is_lost(part: &Part) -> bool {
    let verdicts = &part.report.verdicts;
    !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.area == CONTROL)
}

/// Whether every part came to its end. Where no part reached the target, that is the whole report.
fn is_complete(parts: &[Part]) -> bool {
    parts.iter().all(|part| part.report.run.complete) && (parts.iter().all(is_lost) || !parts.iter().any(is_lost))
}

fn planned(verdicts: &BTreeMap<String, Vec<From<'_>>>, planned: usize, parts: &[Part]) -> Result<(), MergeError> {
    let judged = verdicts.values().filter(|found| found[0].1.area != CONTROL).count();
    let short = judged < planned && is_complete(parts) && !parts.iter().all(is_lost);
    if judged > planned || short {
        return fail(format!(
            "the parts hold {judged} verdicts, and their run has {planned}: they were not made from one selection"
        ));
    }
    Ok(())
}

fn joined(parts: &[Part], verdicts: BTreeMap<String, Vec<From<'_>>>, of: usize) -> Report {
    let mut exchanges = Exchanges::default();
    let merged: Vec<Verdict> = verdicts
        .into_values()
        .map(|found| one(parts, &found, of, &mut exchanges))
        .collect();
    let mut report = parts[0].report.clone();
    report.verdicts = merged;
    report.exchanges = exchanges.all;
    let runs: Vec<_> = parts.iter().map(|part| &part.report.run).collect();
    let run = &mut report.run;
    run.selection = selection(&parts[0].report);
    run.partition = None;
    run.complete = is_complete(parts);
    run.stopped = stopped(parts);
    if let Some(first) = runs.iter().map(|run| &run.started).min() {
        run.started.clone_from(first);
    }
    run.duration_ms = runs.iter().map(|run| run.duration_ms).max().unwrap_or_default();
    run.requests = runs.iter().map(|run| run.requests).sum();
    run.sign_ins = runs.iter().map(|run| run.sign_ins).sum();
    run.controls = Controls {
        tried: runs.iter().map(|run| run.controls.tried).sum(),
        passed: runs.iter().map(|run| run.controls.passed).sum(),
    };
    let rows: BTreeMap<_, _> = parts
        .iter()
        .flat_map(|part| part.report.requirements.iter().map(|row| (row.id.clone(), row)))
        .collect();
    report.requirements = rows.into_values().cloned().collect();
    let left: BTreeSet<String> = parts.iter().flat_map(|part| part.report.left_behind.clone()).collect();
    report.left_behind = left.into_iter().collect();
    report
}

/// Why the whole is not whole: the first part that is not.
fn stopped(parts: &[Part]) -> Option<String> {
    let of = parts.len();
    if is_complete(parts) {
        return None;
    }
    parts.iter().zip(1..).find_map(|(part, number)| {
        let run = &part.report.run;
        match &run.stopped {
            _ if is_lost(part) => Some(format!("part {number} of {of} did not reach the target")),
            _ if run.complete => None,
            Some(why) => Some(format!("part {number} of {of}: {why}")),
            None => Some(format!("part {number} of {of} was interrupted")),
        }
    })
}

/// Exchanges of all parts, numbered anew in the order in which verdicts name them.
#[derive(Default)]
struct Exchanges {
    all: Vec<Exchange>,
    numbers: HashMap<(usize, usize), usize>,
}

impl Exchanges {
    fn take(&mut self, parts: &[Part], at: usize, id: usize) -> Option<usize> {
        if let Some(number) = self.numbers.get(&(at, id)) {
            return Some(*number);
        }
        let mut exchange = parts[at].report.exchanges.get(id)?.clone();
        exchange.id = self.all.len();
        self.numbers.insert((at, id), exchange.id);
        self.all.push(exchange);
        Some(self.all.len() - 1)
    }
}

/// The worst of what the parts found, with its evidence.
fn one(parts: &[Part], found: &[From<'_>], of: usize, exchanges: &mut Exchanges) -> Verdict {
    let worst = found
        .iter()
        .max_by_key(|(at, verdict)| (badness(verdict.status), std::cmp::Reverse(*at)));
    let (at, verdict) = worst.unwrap_or(&found[0]);
    let mut merged = (*verdict).clone();
    merged.evidence = verdict
        .evidence
        .iter()
        .filter_map(|id| exchanges.take(parts, *at, *id))
        .collect();
    merged.duration_ms = found.iter().map(|(_, verdict)| verdict.duration_ms).sum();
    let unjudged: Vec<String> = found
        .iter()
        .filter(|(_, verdict)| verdict.of_the_whole_run && !verdict.status.is_judged())
        .map(|(at, _)| (at + 1).to_string())
        .collect();
    if merged.status.is_judged() && !unjudged.is_empty() {
        let note = format!(
            "judged part by part; part {} of {of} saw too little",
            unjudged.join(", ")
        );
        merged.reason = Some(match merged.reason.take() {
            Some(reason) => format!("{reason}; {note}"),
            None => note,
        });
    }
    merged
}

/// A part that saw too little says nothing, so what another part found stands.
fn badness(status: Status) -> u8 {
    match status {
        Status::Fail => 7,
        Status::Warn => 6,
        Status::Error => 5,
        Status::Blocked => 4,
        Status::Unconfigured => 3,
        Status::Info => 2,
        Status::Pass => 1,
        Status::Skip => 0,
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
