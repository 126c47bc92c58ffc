//! Counts verdicts, and rolls them up to duties.
//!
//! A duty is one scenario for one kind of client: the rows of its table are tries of the same obligation, so that a
//! server which compares redirect addresses by prefix breaks one duty and not fourteen.

use indexmap::IndexMap;

use crate::model::{Report, Status, Verdict};

/// How many verdicts have each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([usize; Status::ALL.len()]);

impl Counts {
    /// Counts these verdicts.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            counts.add(verdict.status);
        }
        counts
    }

    /// One more of this status.
    pub fn add(&mut self, status: Status) {
        self.0[status as usize] += 1;
    }

    /// How many have this status.
    pub fn get(&self, status: Status) -> usize {
        self.0[status as usize]
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// The statuses that occur, with their numbers, in the order of [`Status::ALL`].
    pub fn present(&self) -> impl Iterator<Item = (Status, usize)> + '_ {
        Status::ALL
            .into_iter()
            .map(|status| (status, self.get(status)))
            .filter(|&(_, count)| count > 0)
    }
}

/// The counts of each area, in the order in which the areas first occur.
pub fn by_area(report: &Report) -> IndexMap<&str, Counts> {
    let mut areas: IndexMap<&str, Counts> = IndexMap::new();
    for verdict in &report.verdicts {
        areas.entry(&verdict.area).or_default().add(verdict.status);
    }
    areas
}

/// What became of one duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// None of its tries applies.
    NotApplicable,
    /// All tries were judged and none broke it.
    Holds,
    /// None broke it, and one could not be made.
    NotRun,
    /// At least one try broke it.
    Broken,
}

/// One duty with its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Duty<'a> {
    /// The outcome.
    pub outcome: Outcome,
    /// Broken, and every breach is one that the baseline expects.
    pub known: bool,
    /// The first reason why a try could not be made.
    pub missing: Option<&'a str>,
}

/// Every SHALL and SHALL NOT of the run, by scenario and client kind.
///
/// A verdict that fails counts as a duty whatever its level says, so that no failure is ever left out of the answer.
pub fn duties(report: &Report) -> IndexMap<(&str, Option<&str>), Duty<'_>> {
    let mut duties: IndexMap<(&str, Option<&str>), Duty<'_>> = IndexMap::new();
    let counted = report
        .verdicts
        .iter()
        .filter(|v| v.level.is_duty() || v.status == Status::Fail);
    for verdict in counted {
        let duty = duties
            .entry((&verdict.scenario, verdict.client.as_deref()))
            .or_insert(Duty {
                outcome: Outcome::NotApplicable,
                known: true,
                missing: None,
            });
        let outcome = outcome(verdict.status);
        duty.outcome = duty.outcome.max(outcome);
        if outcome == Outcome::Broken {
            duty.known &= verdict.expected_by_baseline.is_some();
        }
        if outcome == Outcome::NotRun && duty.missing.is_none() {
            duty.missing = Some(verdict.reason.as_deref().unwrap_or(verdict.status.as_str()));
        }
    }
    duties
}

fn outcome(status: Status) -> Outcome {
    match status {
        Status::Pass | Status::Warn | Status::Info => Outcome::Holds,
        Status::Fail => Outcome::Broken,
        Status::Skip => Outcome::NotApplicable,
        Status::Unconfigured | Status::Blocked | Status::Error => Outcome::NotRun,
    }
}

/// Numbers with thousands separated, for people.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration for people: `12 ms`, `1.2 s`, `3 min 20 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn durations_are_short() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (119_999, "119.9 s"),
            (200_000, "3 min 20 s"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn each_status_counts_for_itself() {
        for status in Status::ALL {
            let mut counts = Counts::default();
            counts.add(status);
            assert_eq!(counts.present().collect::<Vec<_>>(), [(status, 1)]);
        }
    }
}
