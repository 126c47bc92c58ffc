//! The parts of the page that are made of verdicts: cards of what failed or was warned of, gaps, areas.

use indexmap::IndexMap;

use super::exchange::{Evidence, Step};
use super::view::{Count, Known, Link, counts, severity};
use crate::model::{Report, Status, Verdict};
use crate::plain::{cut, head, visible};
use crate::tally::{Counts, duration};

/// Bytes of an expectation or observation that are shown.
const TOLD: usize = 1_500;
/// Bytes of it, once all that was told together takes [`TOLD_TOGETHER`].
const TOLD_LATE: usize = 160;
/// Bytes of expectations and observations after which the others are short.
const TOLD_TOGETHER: usize = 350_000;
/// Bytes of what a scenario says of itself.
const ABOUT: usize = 2_000;
/// Bytes of base64 that all screenshots together may take.
const SCREENSHOTS: usize = 300_000;

/// One scenario that failed or was warned of, with each of its tries.
pub(super) struct Card {
    pub(super) status: Status,
    pub(super) anchor: String,
    pub(super) scenario: String,
    /// The first part of the scenario, and the rest: a line may be broken between them.
    pub(super) area: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) fix: Option<String>,
    pub(super) level: &'static str,
    pub(super) sources: Vec<Link>,
    /// All tries are expected by a baseline.
    pub(super) known: bool,
    pub(super) tries: Vec<Try>,
}

/// One case and client of a card.
pub(super) struct Try {
    pub(super) anchor: String,
    /// `#case @client`; empty where there is only one.
    pub(super) name: String,
    pub(super) expected: Option<String>,
    pub(super) observed: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) known: Option<String>,
    pub(super) steps: Vec<Step>,
    /// base64 of a PNG.
    pub(super) screenshot: Option<String>,
    pub(super) screenshot_left_out: bool,
}

/// Verdicts that were not reached for the same reason.
pub(super) struct Gap {
    pub(super) status: Status,
    pub(super) reason: String,
    pub(super) ids: Vec<(String, String)>,
}

/// One area with all its verdicts.
pub(super) struct Area {
    pub(super) name: String,
    pub(super) counts: Vec<Count>,
    pub(super) rows: Vec<Row>,
}

/// One scenario in its area.
pub(super) struct Row {
    /// The worst of its verdicts.
    pub(super) status: Status,
    pub(super) scenario: String,
    pub(super) title: String,
    pub(super) level: &'static str,
    /// Empty where a card tells it.
    pub(super) about: String,
    pub(super) sources: Vec<Link>,
    pub(super) entries: Vec<Entry>,
    /// `12 ms`, or `4 verdicts`.
    pub(super) size: String,
}

/// One verdict of a row.
pub(super) struct Entry {
    pub(super) anchor: String,
    pub(super) status: Status,
    /// `#case @client`; empty where there is only one.
    pub(super) name: String,
    /// The part of a card where the whole is told, for fail and warn.
    pub(super) card: Option<String>,
    pub(super) note: Option<String>,
    pub(super) known: Option<String>,
    /// The judged exchange of one that passed.
    pub(super) line: Option<Step>,
    pub(super) steps: Vec<Step>,
    /// base64 of a PNG, where no card shows it.
    pub(super) screenshot: Option<String>,
    pub(super) screenshot_left_out: bool,
}

/// What the sections share while they are built.
pub(super) struct Builder<'a> {
    pub(super) report: &'a Report,
    pub(super) known: &'a Known<'a>,
    pub(super) evidence: Evidence<'a>,
    pub(super) screenshots: usize,
    pub(super) told: usize,
}

impl<'a> Builder<'a> {
    /// The cards of one status, one a scenario.
    pub(super) fn cards(&mut self, status: Status) -> Vec<Card> {
        let of_status = self
            .report
            .verdicts
            .iter()
            .enumerate()
            .filter(|(_, v)| v.status == status);
        let mut groups = by_scenario(of_status);
        // What nobody expects comes first; sorted before they are built, since an exchange is shown at its first use.
        groups.sort_by_key(|verdicts| is_known(verdicts));
        groups.iter().map(|verdicts| self.card(status, verdicts)).collect()
    }

    fn card(&mut self, status: Status, verdicts: &[(usize, &'a Verdict)]) -> Card {
        let first = verdicts[0].1;
        let (area, name) = first.scenario.split_once('/').unwrap_or(("", &first.scenario));
        Card {
            status,
            anchor: format!("{}-{}", status.as_str(), verdicts[0].0),
            scenario: cut(&first.scenario, 160),
            area: cut(area, 60),
            name: cut(name, 100),
            title: cut(&first.title, 400),
            about: flowing(&first.about),
            fix: first.fix.as_deref().map(flowing),
            level: first.level.as_str(),
            sources: self.known.links(&first.requirements),
            known: is_known(verdicts),
            tries: verdicts
                .iter()
                .map(|&(index, verdict)| self.attempt(index, verdict))
                .collect(),
        }
    }

    fn attempt(&mut self, index: usize, verdict: &Verdict) -> Try {
        let limit = if self.told > TOLD_TOGETHER { TOLD_LATE } else { TOLD };
        let text = |value: &Option<String>| value.as_deref().map(|value| told(value, limit));
        let screenshot = self.screenshot(verdict);
        let attempt = Try {
            anchor: format!("v-{index}"),
            name: variant(verdict),
            expected: text(&verdict.expected),
            observed: text(&verdict.observed),
            reason: text(&verdict.reason),
            known: text(&verdict.expected_by_baseline),
            steps: self.evidence.steps(&verdict.evidence),
            screenshot_left_out: verdict.screenshot.is_some() && screenshot.is_none(),
            screenshot,
        };
        let texts = [&attempt.expected, &attempt.observed, &attempt.reason, &attempt.known];
        self.told += texts.into_iter().flatten().map(String::len).sum::<usize>();
        attempt
    }

    fn screenshot(&mut self, verdict: &Verdict) -> Option<String> {
        let png = verdict.screenshot.as_deref()?;
        let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        if self.screenshots + png.len() > SCREENSHOTS || !png.chars().all(base64) {
            return None;
        }
        self.screenshots += png.len();
        Some(png.to_owned())
    }

    /// What was not judged, by reason, the most frequent first.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let mut reasons: IndexMap<(Status, &str), Gap> = IndexMap::new();
        for (index, verdict) in self
            .report
            .verdicts
            .iter()
            .enumerate()
            .filter(|(_, v)| v.status.is_not_run())
        {
            let reason = verdict.reason.as_deref().unwrap_or("no reason was given");
            reasons
                .entry((verdict.status, reason))
                .or_insert_with(|| Gap {
                    status: verdict.status,
                    reason: cut(reason, 600),
                    ids: Vec::new(),
                })
                .ids
                .push((format!("row-{index}"), cut(&verdict.id(), 160)));
        }
        let mut gaps: Vec<Gap> = reasons.into_values().collect();
        gaps.sort_by_key(|gap| std::cmp::Reverse(gap.ids.len()));
        gaps
    }

    /// Every area with every verdict.
    pub(super) fn areas(&mut self) -> Vec<Area> {
        let mut areas: IndexMap<&'a str, Vec<(usize, &'a Verdict)>> = IndexMap::new();
        for (index, verdict) in self.report.verdicts.iter().enumerate() {
            areas.entry(&verdict.area).or_default().push((index, verdict));
        }
        areas
            .into_iter()
            .map(|(name, verdicts)| Area {
                name: cut(name, 80),
                counts: counts(&Counts::of(verdicts.iter().map(|(_, v)| *v))),
                rows: by_scenario(verdicts)
                    .iter()
                    .map(|verdicts| self.row(verdicts))
                    .collect(),
            })
            .collect()
    }

    fn row(&mut self, verdicts: &[(usize, &'a Verdict)]) -> Row {
        let first = verdicts[0].1;
        let worst = verdicts
            .iter()
            .map(|(_, verdict)| verdict.status)
            .max_by_key(|s| severity(*s));
        let carded = verdicts.iter().all(|(_, verdict)| is_carded(verdict));
        Row {
            status: worst.unwrap_or(first.status),
            scenario: cut(&first.scenario, 160),
            title: cut(&first.title, 400),
            level: first.level.as_str(),
            about: if carded { String::new() } else { flowing(&first.about) },
            sources: if carded {
                Vec::new()
            } else {
                self.known.links(&first.requirements)
            },
            size: match verdicts.len() {
                1 => duration(first.duration_ms),
                several => format!("{several} verdicts"),
            },
            entries: verdicts
                .iter()
                .map(|&(index, verdict)| self.entry(index, verdict))
                .collect(),
        }
    }

    fn entry(&mut self, index: usize, verdict: &'a Verdict) -> Entry {
        let carded = is_carded(verdict);
        let passed = verdict.status == Status::Pass;
        let screenshot = if carded { None } else { self.screenshot(verdict) };
        let note = if carded { &verdict.observed } else { &verdict.reason };
        let note = note.as_deref().or(verdict.observed.as_deref());
        Entry {
            anchor: format!("row-{index}"),
            status: verdict.status,
            name: variant(verdict),
            card: carded.then(|| format!("v-{index}")),
            note: note.map(|note| cut(note.trim(), if carded { 120 } else { 400 })),
            known: verdict.expected_by_baseline.as_deref().map(|reason| cut(reason, 200)),
            line: if passed {
                self.evidence.last_line(&verdict.evidence)
            } else {
                None
            },
            steps: if passed || carded {
                Vec::new()
            } else {
                self.evidence.steps(&verdict.evidence)
            },
            screenshot_left_out: !carded && verdict.screenshot.is_some() && screenshot.is_none(),
            screenshot,
        }
    }
}

/// Whether a card above tells the whole of it.
fn is_carded(verdict: &Verdict) -> bool {
    matches!(verdict.status, Status::Fail | Status::Warn)
}

/// The verdicts of each scenario, in the order in which the scenarios first occur.
fn by_scenario<'a>(verdicts: impl IntoIterator<Item = (usize, &'a Verdict)>) -> Vec<Vec<(usize, &'a Verdict)>> {
    let mut groups: IndexMap<&str, Vec<(usize, &Verdict)>> = IndexMap::new();
    for (index, verdict) in verdicts {
        groups.entry(&verdict.scenario).or_default().push((index, verdict));
    }
    groups.into_values().collect()
}

fn is_known(verdicts: &[(usize, &Verdict)]) -> bool {
    verdicts
        .iter()
        .all(|(_, verdict)| verdict.expected_by_baseline.is_some())
}

/// What was expected or seen, cut where a server answered with a novel.
fn told(text: &str, limit: usize) -> String {
    let (shown, rest) = head(text.trim(), limit);
    let mut shown = visible(shown).into_owned();
    if rest > 0 {
        shown.push('…');
    }
    shown
}

/// Case and client, as they stand in the id.
fn variant(verdict: &Verdict) -> String {
    let case = verdict.case.as_deref().map(|case| format!("#{case}"));
    let client = verdict.client.as_deref().map(|client| format!("@{client}"));
    cut(&case.into_iter().chain(client).collect::<Vec<_>>().join(" "), 160)
}

/// A text that was folded by hand, without the ends of its lines; paragraphs stay apart.
fn flowing(text: &str) -> String {
    let paragraphs = text.trim().split("\n\n");
    let joined: Vec<String> = paragraphs
        .map(|lines| lines.lines().collect::<Vec<_>>().join(" "))
        .collect();
    visible(head(&joined.join("\n\n"), ABOUT).0).into_owned()
}
