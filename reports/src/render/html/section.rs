//! The parts of the page that are made of verdicts: cards of what failed or was warned of, gaps, areas.

use indexmap::IndexMap;

use super::exchange::{Evidence, Step};
use super::view::{Count, Known, Link, counts};
use crate::model::{Report, Status, Verdict};
use crate::plain::{cut, head, visible};
use crate::tally::{Counts, duration};

/// Bytes of an expectation or observation that are shown.
const TOLD: usize = 1_500;
/// Bytes of base64 that all screenshots together may take.
const SCREENSHOTS: usize = 450_000;

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

/// One verdict in its area.
pub(super) struct Row {
    pub(super) anchor: String,
    pub(super) status: Status,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) level: &'static str,
    /// The card where the whole is told, for fail and warn.
    pub(super) card: Option<String>,
    pub(super) note: Option<String>,
    pub(super) known: Option<String>,
    pub(super) about: String,
    pub(super) sources: Vec<Link>,
    pub(super) steps: Vec<Step>,
    /// base64 of a PNG, where no card shows it.
    pub(super) screenshot: Option<String>,
    pub(super) screenshot_left_out: bool,
    pub(super) duration: String,
}

/// What the sections share while they are built.
pub(super) struct Builder<'a> {
    pub(super) report: &'a Report,
    pub(super) known: &'a Known<'a>,
    pub(super) evidence: Evidence<'a>,
    pub(super) screenshots: usize,
}

impl<'a> Builder<'a> {
    /// The cards of one status, one a scenario.
    pub(super) fn cards(&mut self, status: Status) -> Vec<Card> {
        let mut groups: IndexMap<&'a str, Vec<(usize, &'a Verdict)>> = IndexMap::new();
        for (index, verdict) in self
            .report
            .verdicts
            .iter()
            .enumerate()
            .filter(|(_, v)| v.status == status)
        {
            groups.entry(&verdict.scenario).or_default().push((index, verdict));
        }
        let mut groups: Vec<_> = groups.into_values().collect();
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
            title: visible(&first.title).into_owned(),
            about: visible(first.about.trim()).into_owned(),
            fix: first.fix.as_deref().map(|fix| visible(fix.trim()).into_owned()),
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
        let text = |value: &Option<String>| value.as_deref().map(told);
        let screenshot = self.screenshot(verdict);
        Try {
            anchor: format!("v-{index}"),
            name: variant(verdict),
            expected: text(&verdict.expected),
            observed: text(&verdict.observed),
            reason: text(&verdict.reason),
            known: text(&verdict.expected_by_baseline),
            steps: self.evidence.steps(&verdict.evidence),
            screenshot_left_out: verdict.screenshot.is_some() && screenshot.is_none(),
            screenshot,
        }
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
                    reason: visible(reason).into_owned(),
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
                rows: verdicts
                    .into_iter()
                    .map(|(index, verdict)| self.row(index, verdict))
                    .collect(),
            })
            .collect()
    }

    fn row(&mut self, index: usize, verdict: &'a Verdict) -> Row {
        let told = matches!(verdict.status, Status::Fail | Status::Warn);
        let steps = match verdict.status {
            Status::Fail | Status::Warn => Vec::new(),
            Status::Pass => self.evidence.last_line(&verdict.evidence),
            _ => self.evidence.steps(&verdict.evidence),
        };
        let screenshot = if told { None } else { self.screenshot(verdict) };
        let note = if told { &verdict.observed } else { &verdict.reason };
        Row {
            anchor: format!("row-{index}"),
            status: verdict.status,
            id: cut(&verdict.id(), 200),
            title: visible(&verdict.title).into_owned(),
            level: verdict.level.as_str(),
            card: told.then(|| format!("v-{index}")),
            note: note
                .as_deref()
                .or(verdict.observed.as_deref())
                .map(|note| cut(note.trim(), 400)),
            known: verdict.expected_by_baseline.as_deref().map(|reason| cut(reason, 200)),
            about: if told {
                String::new()
            } else {
                visible(verdict.about.trim()).into_owned()
            },
            sources: if told {
                Vec::new()
            } else {
                self.known.links(&verdict.requirements)
            },
            steps,
            screenshot_left_out: !told && verdict.screenshot.is_some() && screenshot.is_none(),
            screenshot,
            duration: duration(verdict.duration_ms),
        }
    }
}

fn is_known(verdicts: &[(usize, &Verdict)]) -> bool {
    verdicts
        .iter()
        .all(|(_, verdict)| verdict.expected_by_baseline.is_some())
}

/// What was expected or seen, cut where a server answered with a novel.
fn told(text: &str) -> String {
    let (shown, rest) = head(text.trim(), TOLD);
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
