//! What the page shows, as strings that are harmless to read; the template escapes them.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use super::exchange::Evidence;
use super::section::{Area, Builder, Card, Gap};
use super::sequence::Sequence;
use crate::answer::{Answer, Conclusion, answer};
use crate::exit;
use crate::model::{Level, Report, Requirement, Status, Verdict};
use crate::plain::{cut, line, visible};
use crate::tally::{Counts, duration, grouped};

/// The page.
pub(super) struct View {
    pub(super) target: String,
    pub(super) fhir_base: Link,
    pub(super) version: String,
    pub(super) version_from: String,
    pub(super) answer: Answer,
    /// `broken`, `incomplete`, `clean`.
    pub(super) mood: &'static str,
    pub(super) headline: String,
    pub(super) counts: Vec<Count>,
    pub(super) total: usize,
    pub(super) notices: Vec<Notice>,
    pub(super) failures: Vec<Card>,
    pub(super) warnings: Vec<Card>,
    pub(super) gaps: Vec<Gap>,
    pub(super) gap_total: usize,
    pub(super) areas: Vec<Area>,
    pub(super) launch: Option<Sequence>,
    pub(super) levels: Vec<&'static str>,
    pub(super) bar: Bar,
    pub(super) coverage: Coverage,
    pub(super) documents: Vec<Document>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) left_out: usize,
}

/// One status with its number.
pub(super) struct Count {
    pub(super) status: Status,
    pub(super) number: usize,
    pub(super) means: &'static str,
    /// Where its verdicts stand.
    pub(super) section: &'static str,
}

/// The duties as a bar: where each part starts and how long it is, in thousandths.
pub(super) struct Bar(pub(super) Vec<(&'static str, usize, usize)>);

impl Bar {
    fn of(answer: &Answer) -> Self {
        let all = (answer.held + answer.broken + answer.not_run).max(1);
        let mut start = 0;
        let parts = [
            ("held", answer.held),
            ("broken", answer.broken),
            ("missing", answer.not_run),
        ];
        let part = |(name, number): (&'static str, usize)| {
            let length = (number * 1_000).div_ceil(all).min(1_000 - start);
            start += length;
            (number > 0).then_some((name, start - length, length))
        };
        Self(parts.into_iter().filter_map(part).collect())
    }
}

/// How many requirements are judged, and how many cannot be.
#[derive(Default)]
pub(super) struct Coverage {
    pub(super) all: usize,
    pub(super) judged: usize,
    pub(super) not_judged: usize,
    pub(super) not_observable: usize,
}

impl Coverage {
    fn of(documents: &[Document]) -> Self {
        let mut coverage = Self::default();
        for row in documents.iter().flat_map(|document| &document.rows) {
            coverage.all += 1;
            match row.status {
                Some(status) if status.is_judged() => coverage.judged += 1,
                None if row.not_observable => coverage.not_observable += 1,
                _ => coverage.not_judged += 1,
            }
        }
        coverage
    }
}

/// Something to know before reading on.
pub(super) struct Notice {
    pub(super) title: String,
    pub(super) items: Vec<String>,
}

/// A text that may lead somewhere.
pub(super) struct Link {
    pub(super) text: String,
    /// Only `http` and `https`.
    pub(super) href: Option<String>,
    /// What stands there.
    pub(super) about: String,
}

/// A specification with its rows.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) counts: Vec<Count>,
    pub(super) not_observable: usize,
    pub(super) rows: Vec<RequirementRow>,
}

/// A row of a specification.
pub(super) struct RequirementRow {
    pub(super) link: Link,
    pub(super) level: &'static str,
    /// The worst verdict; `None` where there is none.
    pub(super) status: Option<Status>,
    /// Where that verdict stands.
    pub(super) anchor: String,
    /// No black-box test can see it.
    pub(super) not_observable: bool,
    /// `4 verdicts`, or why it cannot be seen.
    pub(super) note: String,
}

/// The requirements by id.
pub(super) struct Known<'a>(HashMap<&'a str, &'a Requirement>);

impl Known<'_> {
    /// Links to these requirements; an id that the report does not describe stays a text.
    pub(super) fn links(&self, ids: &[String]) -> Vec<Link> {
        ids.iter()
            .map(|id| match self.0.get(id.as_str()) {
                Some(requirement) => requirement_link(requirement),
                None => Link {
                    text: cut(id, 80),
                    href: None,
                    about: String::new(),
                },
            })
            .collect()
    }
}

impl View {
    /// Builds the page of a report. Sections are built in the order of the page: an exchange stands at its first use.
    pub(super) fn of(report: &Report) -> Self {
        let known = Known(report.requirements.iter().map(|r| (r.id.as_str(), r)).collect());
        let mut builder = Builder {
            report,
            known: &known,
            evidence: Evidence::choose(report),
            screenshots: 0,
            told: 0,
        };
        let failures = builder.cards(Status::Fail);
        let warnings = builder.cards(Status::Warn);
        let gaps = builder.gaps();
        let areas = builder.areas();
        let left_out = builder.evidence.left_out;
        let answer = answer(report);
        let documents = documents(report);
        Self {
            target: cut(&report.target.name, 120),
            fhir_base: link(&report.target.fhir_base, &report.target.fhir_base, ""),
            version: cut(&report.target.smart_version, 20),
            version_from: visible(&report.target.smart_version_from).into_owned(),
            mood: match answer.conclusion {
                Conclusion::DoesNotConform => "broken",
                Conclusion::Incomplete => "incomplete",
                Conclusion::NoDeviation => "clean",
            },
            headline: capitalised(answer.headline()),
            counts: counts(&Counts::of(&report.verdicts)),
            total: report.verdicts.len(),
            notices: notices(report),
            failures,
            warnings,
            gap_total: gaps.iter().map(|gap| gap.ids.len()).sum(),
            gaps,
            areas,
            launch: Sequence::of(report),
            levels: levels(report),
            bar: Bar::of(&answer),
            coverage: Coverage::of(&documents),
            documents,
            facts: facts(report),
            left_out,
            answer,
        }
    }
}

/// The statuses that occur.
pub(super) fn counts(counts: &Counts) -> Vec<Count> {
    let count = |(status, number)| {
        let (means, section) = match status {
            Status::Pass => ("the obligation holds", "areas"),
            Status::Fail => ("a duty is broken", "failures"),
            Status::Warn => ("a recommendation is not followed", "warnings"),
            Status::Info => ("legal either way, worth knowing", "areas"),
            Status::Skip => ("does not apply", "areas"),
            Status::Unconfigured => ("the profile lacks what it needs", "gaps"),
            Status::Blocked => ("a step before it failed", "gaps"),
            Status::Error => ("the judged exchange broke off", "gaps"),
        };
        Count {
            status,
            number,
            means,
            section,
        }
    };
    counts.present().map(count).collect()
}

fn notices(report: &Report) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut add = |title: &str, items: &[String]| {
        let items = items.iter().map(|item| cut(item, 600)).collect();
        notices.push(Notice {
            title: title.to_owned(),
            items,
        });
    };
    if !report.run.complete {
        match &report.run.stopped {
            Some(why) => add(
                "The run ended early: what is missing here was not run.",
                std::slice::from_ref(why),
            ),
            None => add("The run was interrupted: what is missing here was not run.", &[]),
        }
    }
    if !report.run.selection.is_empty() {
        add("Only a part was selected:", &report.run.selection);
    }
    if report.run.raised.iter().any(|set| set == "bcp") {
        add(
            "Duties of RFC 9700 count as duties of SMART App Launch (--profile bcp): a failure may be of that document alone.",
            &[],
        );
    }
    if report.run.insecure {
        add(
            "Certificates were not checked (--insecure): anybody on the way could have answered.",
            &[],
        );
    }
    if report.run.full_evidence {
        add(
            "This report holds whole bodies (--evidence full) and may hold personal data. Share it with care.",
            &[],
        );
    }
    if !report.adaptations.is_empty() {
        add(
            "Requests were adapted, as the target’s profile asks:",
            &report.adaptations,
        );
    }
    if !report.left_behind.is_empty() {
        add("Left behind on the target, to be removed by hand:", &report.left_behind);
    }
    notices
}

/// The levels that occur, the strongest first.
fn levels(report: &Report) -> Vec<&'static str> {
    let levels: BTreeSet<Level> = report.verdicts.iter().map(|verdict| verdict.level).collect();
    levels.into_iter().map(Level::as_str).collect()
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let code = match exit::meaning(run.exit_code) {
        Some(meaning) => format!("{} ({meaning}): {}", run.exit_code, line(&run.exit_reason)),
        None => format!("{}: {}", run.exit_code, line(&run.exit_reason)),
    };
    vec![
        ("Started", cut(&run.started, 60)),
        ("Duration", duration(run.duration_ms)),
        ("Requests", grouped(run.requests)),
        ("Sign-ins", grouped(run.sign_ins)),
        ("User agent", cut(&run.agent, 60)),
        ("Seed", run.seed.to_string()),
        ("Exit code", code),
        ("Program", cut(&report.tool, 80)),
        ("Schema of run.json", cut(&report.schema_version, 20)),
    ]
}

fn documents(report: &Report) -> Vec<Document> {
    let mut verdicts: HashMap<&str, Vec<(usize, &Verdict)>> = HashMap::new();
    for (index, verdict) in report.verdicts.iter().enumerate() {
        for id in &verdict.requirements {
            verdicts.entry(id).or_default().push((index, verdict));
        }
    }
    let mut documents: IndexMap<&str, (Counts, Document)> = IndexMap::new();
    for requirement in &report.requirements {
        let name = requirement.id.split('/').next().unwrap_or_default();
        let (counts, document) = documents.entry(name).or_insert_with(|| {
            let document = Document {
                name: cut(name, 60),
                counts: Vec::new(),
                not_observable: 0,
                rows: Vec::new(),
            };
            (Counts::default(), document)
        });
        let row = requirement_row(
            requirement,
            verdicts.get(requirement.id.as_str()).map_or(&[], Vec::as_slice),
        );
        match row.status {
            Some(status) => counts.add(status),
            None if requirement.not_observable.is_some() => document.not_observable += 1,
            None => {}
        }
        document.rows.push(row);
    }
    documents
        .into_values()
        .map(|(totals, mut document)| {
            document.counts = counts(&totals);
            document
        })
        .collect()
}

fn requirement_row(requirement: &Requirement, verdicts: &[(usize, &Verdict)]) -> RequirementRow {
    let worst = verdicts
        .iter()
        .max_by_key(|(index, verdict)| (severity(verdict.status), std::cmp::Reverse(*index)));
    let note = match (&requirement.not_observable, verdicts.len()) {
        (Some(reason), 0) => format!("Not observable: {}", visible(reason)),
        (None, 0) => "No scenario of this run judges it".to_owned(),
        (_, 1) => "1 verdict".to_owned(),
        (_, number) => format!("{number} verdicts"),
    };
    RequirementRow {
        link: requirement_link(requirement),
        level: requirement.level.as_str(),
        status: worst.map(|(_, verdict)| verdict.status),
        not_observable: requirement.not_observable.is_some(),
        anchor: worst.map(|(index, _)| format!("row-{index}")).unwrap_or_default(),
        note,
    }
}

/// How bad it is, the worst being the highest.
pub(super) fn severity(status: Status) -> u8 {
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

fn requirement_link(requirement: &Requirement) -> Link {
    link(&requirement.id, &requirement.url, &requirement.text)
}

/// A link only where it leads to the web: a report may come from elsewhere, and `javascript:` is a URL too.
fn link(text: &str, url: &str, about: &str) -> Link {
    let web = url.starts_with("https://") || url.starts_with("http://");
    Link {
        text: cut(text, 200),
        href: web.then(|| line(url).into_owned()),
        about: visible(about).into_owned(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
