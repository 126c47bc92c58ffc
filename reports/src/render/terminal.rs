//! What a person waiting in a terminal reads: a line for each failure as it happens, and the summary at the end.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use indexmap::IndexMap;

use crate::answer::{self, Conclusion};
use crate::model::{Report, Status, Verdict};
use crate::plain::{cut, line};
use crate::tally::{self, Counts, duration, grouped};

/// Text is broken at this column.
const WIDTH: usize = 100;
const LABEL: usize = 10;
/// Characters of one field that are shown.
const LIMIT: usize = 1_000;

/// The summary: a table by area, what failed, what was warned of, what was not run, and the answer.
pub fn summary(report: &Report, colour: bool) -> String {
    let mut out = Out {
        text: String::new(),
        colour,
    };
    table(&mut out, report);
    failures(&mut out, report);
    warnings(&mut out, report);
    not_run(&mut out, report);
    notices(&mut out, report);
    conclusion(&mut out, report);
    out.text
}

/// One line for a verdict as it happens, without a line feed.
pub fn failure_line(verdict: &Verdict, colour: bool) -> String {
    let mut out = Out {
        text: String::new(),
        colour,
    };
    out.styled(style(verdict.status), &format!("{:<12}", verdict.status.as_str()));
    out.text.push(' ');
    out.styled(Style::new().bold(), &line(&verdict.id()));
    if let Some(reason) = &verdict.expected_by_baseline {
        out.plain(&format!("  known: {}", cut(reason, 60)));
    }
    let what = match (&verdict.observed, &verdict.expected) {
        (Some(observed), Some(expected)) => format!("expected {}, observed {}", cut(expected, 100), cut(observed, 140)),
        (Some(observed), None) => cut(observed, 240),
        _ => cut(verdict.reason.as_deref().unwrap_or(&verdict.title), 240),
    };
    out.plain(&format!("  {what}"));
    out.text
}

fn table(out: &mut Out, report: &Report) {
    let areas = tally::by_area(report);
    if areas.is_empty() {
        return;
    }
    let first = areas
        .keys()
        .map(|area| line(area).chars().count())
        .max()
        .unwrap_or(0)
        .max("area".len());
    out.styled(Style::new().dimmed(), &format!("{:<first$}", "area"));
    for status in Status::ALL {
        out.styled(Style::new().dimmed(), &format!("  {:>5}", status.as_str()));
    }
    out.text.push('\n');
    for (area, counts) in &areas {
        row(out, &line(area), first, counts);
    }
    if areas.len() > 1 {
        row(out, "all", first, &Counts::of(&report.verdicts));
    }
}

fn row(out: &mut Out, name: &str, width: usize, counts: &Counts) {
    out.plain(&format!("{name:<width$}"));
    for status in Status::ALL {
        let column = status.as_str().len().max(5);
        match counts.get(status) {
            0 => out.styled(Style::new().dimmed(), &format!("  {:>column$}", "·")),
            number => out.styled(style(status), &format!("  {number:>column$}")),
        }
    }
    out.text.push('\n');
}

/// One block a scenario: what its tries share is said once.
fn failures(out: &mut Out, report: &Report) {
    let mut scenarios: IndexMap<&str, Vec<&Verdict>> = IndexMap::new();
    for verdict in report.verdicts.iter().filter(|v| v.status == Status::Fail) {
        scenarios.entry(&verdict.scenario).or_default().push(verdict);
    }
    for verdicts in scenarios.into_values() {
        const SHOWN: usize = 8;
        let first = verdicts[0];
        out.text.push('\n');
        for (index, verdict) in verdicts.iter().take(SHOWN).enumerate() {
            failed_try(out, verdict, index == 0);
        }
        if verdicts.len() > SHOWN {
            out.field(
                "",
                &format!(
                    "and {} more verdicts of this scenario, in the report",
                    verdicts.len() - SHOWN
                ),
            );
        }
        if let Some(fix) = &first.fix {
            out.field("fix", fix);
        }
        for id in &first.requirements {
            let url = report
                .requirements
                .iter()
                .find(|r| r.id == *id)
                .map_or("", |r| r.url.as_str());
            out.field("source", format!("{id} {url}").trim_end());
        }
    }
}

fn failed_try(out: &mut Out, verdict: &Verdict, with_title: bool) {
    out.styled(style(Status::Fail), "fail");
    out.plain("  ");
    out.styled(Style::new().bold(), &line(&verdict.id()));
    out.styled(Style::new().dimmed(), &format!("  {}", verdict.level.as_str()));
    if let Some(reason) = &verdict.expected_by_baseline {
        out.styled(style(Status::Warn), &format!("  known: {}", cut(reason, 60)));
    }
    out.text.push('\n');
    if with_title {
        out.field("", &verdict.title);
    }
    for (label, value) in [
        ("expected", &verdict.expected),
        ("observed", &verdict.observed),
        ("note", &verdict.reason),
    ] {
        if let Some(value) = value {
            out.field(label, value);
        }
    }
}

fn warnings(out: &mut Out, report: &Report) {
    let warned: Vec<&Verdict> = report.verdicts.iter().filter(|v| v.status == Status::Warn).collect();
    if warned.is_empty() {
        return;
    }
    out.text.push('\n');
    for verdict in warned {
        let text = failure_line(verdict, out.colour);
        out.text.push_str(&text);
        out.text.push('\n');
    }
}

/// What could not be judged, by reason, since one missing client is usually the cause of many.
fn not_run(out: &mut Out, report: &Report) {
    let mut reasons: IndexMap<(Status, &str), Vec<&Verdict>> = IndexMap::new();
    for verdict in report.verdicts.iter().filter(|v| v.status.is_not_run()) {
        let reason = verdict.reason.as_deref().unwrap_or("no reason given");
        reasons.entry((verdict.status, reason)).or_default().push(verdict);
    }
    if reasons.is_empty() {
        return;
    }
    out.text.push('\n');
    for ((status, reason), verdicts) in reasons {
        const SHOWN: usize = 3;
        out.styled(style(status), &format!("{:<12}", status.as_str()));
        out.plain(&format!(" {:>4}  {}", verdicts.len(), cut(reason, 160)));
        out.text.push('\n');
        let mut ids = verdicts
            .iter()
            .take(SHOWN)
            .map(|v| cut(&v.id(), 80))
            .collect::<Vec<_>>()
            .join(", ");
        if verdicts.len() > SHOWN {
            let _ = write!(ids, " and {} more", verdicts.len() - SHOWN);
        }
        out.styled(Style::new().dimmed(), &format!("{:19}{ids}", ""));
        out.text.push('\n');
    }
}

fn notices(out: &mut Out, report: &Report) {
    let mut all = Vec::new();
    if report.run.insecure {
        all.push("certificates were not checked (--insecure)".to_owned());
    }
    if report.run.full_evidence {
        all.push("the report holds whole bodies, and may hold personal data (--evidence full)".to_owned());
    }
    all.extend(report.adaptations.iter().map(|text| format!("adapted: {text}")));
    all.extend(
        report
            .left_behind
            .iter()
            .map(|text| format!("left behind on the target: {text}")),
    );
    if !all.is_empty() {
        out.text.push('\n');
    }
    for notice in all {
        out.styled(style(Status::Warn), "note");
        out.plain(&format!("  {}\n", cut(&notice, 240)));
    }
}

fn conclusion(out: &mut Out, report: &Report) {
    let answer = answer::answer(report);
    let colour = match answer.conclusion {
        Conclusion::DoesNotConform => AnsiColor::Red,
        Conclusion::Incomplete => AnsiColor::Yellow,
        Conclusion::NoDeviation => AnsiColor::Green,
    };
    out.text.push('\n');
    out.styled(Style::new().bold(), &line(&report.target.name));
    out.plain(" ");
    out.styled(Style::new().bold().fg_color(Some(colour.into())), &answer.sentence);
    out.text.push('\n');
    out.plain(&format!(
        "{}; as SMART App Launch {}, {}\n",
        answer.tally,
        line(&report.target.smart_version),
        line(&report.target.smart_version_from)
    ));
    let run = &report.run;
    out.styled(
        Style::new().dimmed(),
        &format!(
            "{} in {}, {}, {} by {}, seed {}",
            count(report.verdicts.len() as u64, "verdict"),
            duration(run.duration_ms),
            count(run.requests, "request"),
            count(run.sign_ins, "sign-in"),
            line(&run.agent),
            run.seed
        ),
    );
    out.text.push('\n');
}

fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

fn style(status: Status) -> Style {
    let colour = match status {
        Status::Pass => AnsiColor::Green,
        Status::Fail => AnsiColor::Red,
        Status::Warn => AnsiColor::Yellow,
        Status::Info => AnsiColor::Cyan,
        Status::Skip => return Style::new().dimmed(),
        Status::Unconfigured | Status::Blocked | Status::Error => AnsiColor::Magenta,
    };
    let style = Style::new().fg_color(Some(colour.into()));
    if status == Status::Fail { style.bold() } else { style }
}

/// Collects the text; every styled piece resets itself.
struct Out {
    text: String,
    colour: bool,
}

impl Out {
    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn styled(&mut self, style: Style, text: &str) {
        if self.colour {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{style}{text}{style:#}");
        } else {
            self.text.push_str(text);
        }
    }

    /// A labelled text, broken at words, continued below its first letter.
    fn field(&mut self, label: &str, value: &str) {
        let indent = 6 + if label.is_empty() { 0 } else { LABEL };
        self.text.push_str("      ");
        if !label.is_empty() {
            self.styled(Style::new().dimmed(), &format!("{label:<LABEL$}"));
        }
        let mut column = indent;
        let text = cut(&value.split_whitespace().collect::<Vec<_>>().join(" "), LIMIT);
        for (index, word) in text.split(' ').enumerate() {
            let width = word.chars().count();
            if index > 0 && column + 1 + width > WIDTH {
                let _ = write!(self.text, "\n{:indent$}", "");
                column = indent;
            } else if index > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += width;
        }
        self.text.push('\n');
    }
}
