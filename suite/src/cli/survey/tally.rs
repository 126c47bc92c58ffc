//! The end of a survey: how many bases answered, what they speak, what is broken most.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::line::Line;

/// So many of the most frequent findings are told.
const MOST: usize = 8;

/// What was counted; its size does not grow with the number of bases.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// All bases.
    pub(super) all: usize,
    /// Bases that could be judged.
    pub(super) judged: usize,
    /// Those of which not everything was asked in time.
    cut: usize,
    errors: BTreeMap<String, usize>,
    versions: BTreeMap<String, usize>,
    failed: BTreeMap<String, usize>,
    clean: usize,
}

impl Tally {
    /// One more line.
    pub(super) fn add(&mut self, line: &Line) {
        self.all += 1;
        if let Some(error) = &line.error {
            *self.errors.entry(error.kind.clone()).or_default() += 1;
            return;
        }
        self.judged += 1;
        self.cut += usize::from(!line.complete);
        self.clean += usize::from(line.complete && line.failed.is_empty() && line.undecided.is_empty());
        let version = line.smart.clone().unwrap_or_default();
        *self.versions.entry(version).or_default() += 1;
        for id in &line.failed {
            *self.failed.entry(id.clone()).or_default() += 1;
        }
    }

    /// For people.
    pub(super) fn text(&self, took: Duration, before: usize) -> String {
        let mut out = format!(
            "{} bases in {:.1} s: {} judged ({} without a broken duty), {} not reached",
            self.all,
            took.as_secs_f64(),
            self.judged,
            self.clean,
            self.all - self.judged
        );
        if before > 0 {
            let _ = write!(out, "; {before} were done before");
        }
        if self.cut > 0 {
            let _ = write!(out, "; {} took too long to be asked everything", self.cut);
        }
        for (title, counts) in [("not reached", &self.errors), ("judged by SMART", &self.versions)] {
            if !counts.is_empty() {
                let list: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
                let _ = write!(out, "\n{title}: {}", list.join(", "));
            }
        }
        let mut most: Vec<(&String, &usize)> = self.failed.iter().collect();
        most.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (id, count) in most.into_iter().take(MOST) {
            let _ = write!(out, "\n{count:>6}  {id}");
        }
        out
    }
}
