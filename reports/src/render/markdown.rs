//! `summary.md`: the answer and what to act on, for step summaries and merge requests. CommonMark without any HTML; what
//! came from outside stands in code spans, where neither markup nor a mention nor a link comes to life.

use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::model::{Report, Status, Verdict};
use crate::plain::{cut, line};
use crate::tally::{self, Counts, duration, grouped};
use crate::wording::{by_id, is_web};
use crate::{Conclusion, answer};

/// Scenarios that are told of each status: a step summary takes 1 MiB at most, and nobody reads more.
const SCENARIOS: usize = 40;
/// Verdicts that are told of one scenario.
const TRIES: usize = 6;
/// Characters of an expectation or observation.
const TOLD: usize = 400;

/// The summary as Markdown, with a line feed at the end.
pub fn render(report: &Report) -> String {
    let answer = answer(report);
    let mark = match answer.conclusion {
        Conclusion::DoesNotConform => "❌",
        Conclusion::Incomplete => "⚠️",
        Conclusion::NoDeviation => "✅",
    };
    let mut text = format!("## {mark} {}\n\n", escaped(&capitalised(&answer.sentence)));
    let _ = writeln!(
        text,
        "{} judged as SMART App Launch {}, {}. **{}.** {} verdicts in {}; exit code {}.\n",
        code(&report.target.name, 120),
        escaped(&cut(&report.target.smart_version, 20)),
        escaped(&cut(&report.target.smart_version_from, 200)),
        answer.tally,
        grouped(report.verdicts.len() as u64),
        duration(report.run.duration_ms),
        report.run.exit_code,
    );
    notices(&mut text, report);
    cards(&mut text, report, Status::Fail, "Failures");
    cards(&mut text, report, Status::Warn, "Warnings");
    gaps(&mut text, report);
    areas(&mut text, report);
    text
}

fn notices(text: &mut String, report: &Report) {
    let mut add = |notice: &str| {
        let _ = writeln!(text, "> {notice}\n");
    };
    if !report.run.complete {
        add("The run ended early: what is missing here was not run.");
    }
    if !report.run.selection.is_empty() {
        add(&format!(
            "Only a part was selected: {}",
            code(&report.run.selection.join(" "), 200)
        ));
    }
    if report.run.insecure {
        add("Certificates were not checked: anybody on the way could have answered.");
    }
    if report.run.full_evidence {
        add("The evidence holds whole bodies and may hold personal data. Share it with care.");
    }
}

/// What failed or was warned of, a scenario at a time; what no baseline expects comes first.
fn cards(text: &mut String, report: &Report, status: Status, heading: &str) {
    let mut groups: IndexMap<&str, Vec<&Verdict>> = IndexMap::new();
    for verdict in report.verdicts.iter().filter(|verdict| verdict.status == status) {
        groups.entry(&verdict.scenario).or_default().push(verdict);
    }
    if groups.is_empty() {
        return;
    }
    let mut groups: Vec<Vec<&Verdict>> = groups.into_values().collect();
    groups.sort_by_key(|verdicts| verdicts.iter().all(|v| v.expected_by_baseline.is_some()));
    let _ = writeln!(text, "### {heading}\n");
    let requirements = by_id(report);
    for verdicts in groups.iter().take(SCENARIOS) {
        let first = verdicts[0];
        let sources: Vec<String> = first
            .requirements
            .iter()
            .map(|id| link(id, requirements.get(id.as_str()).map_or("", |r| r.url.as_str())))
            .collect();
        let _ = writeln!(
            text,
            "- {} ({} {}) {}",
            strong(&first.title),
            first.level.as_str(),
            code(&first.scenario, 160),
            sources.join(", ")
        );
        for verdict in verdicts.iter().take(TRIES) {
            attempt(text, verdict);
        }
        more(text, "  ", verdicts.len(), TRIES, "verdicts");
        if let Some(fix) = &first.fix {
            let _ = writeln!(text, "  - how to fix it: {}", escaped(&cut(fix.trim(), 1_000)));
        }
    }
    more(text, "", groups.len(), SCENARIOS, "scenarios");
    text.push('\n');
}

fn attempt(text: &mut String, verdict: &Verdict) {
    let mut parts = Vec::new();
    for (name, value) in [
        ("expected", &verdict.expected),
        ("observed", &verdict.observed),
        ("because", &verdict.reason),
        ("known", &verdict.expected_by_baseline),
    ] {
        if let Some(value) = value {
            parts.push(format!("{name} {}", code(value.trim(), TOLD)));
        }
    }
    let _ = writeln!(text, "  - {}: {}", code(&verdict.id(), 200), parts.join("; "));
}

fn gaps(text: &mut String, report: &Report) {
    let mut reasons: IndexMap<(Status, &str), usize> = IndexMap::new();
    for verdict in report.verdicts.iter().filter(|verdict| verdict.status.is_not_run()) {
        let reason = verdict.reason.as_deref().unwrap_or("no reason was given");
        *reasons.entry((verdict.status, reason)).or_default() += 1;
    }
    if reasons.is_empty() {
        return;
    }
    reasons.sort_by(|_, a, _, b| b.cmp(a));
    text.push_str("### Not run\n\n");
    for ((status, reason), times) in reasons.iter().take(SCENARIOS) {
        let _ = writeln!(text, "- {times} {}: {}", status.as_str(), code(reason, TOLD));
    }
    more(text, "", reasons.len(), SCENARIOS, "reasons");
    text.push('\n');
}

fn areas(text: &mut String, report: &Report) {
    let present: Vec<Status> = Counts::of(&report.verdicts)
        .present()
        .map(|(status, _)| status)
        .collect();
    if present.is_empty() {
        return;
    }
    text.push_str("### Areas\n\n| area |");
    for status in &present {
        let _ = write!(text, " {} |", status.as_str());
    }
    text.push_str("\n|---|");
    text.push_str(&"--:|".repeat(present.len()));
    text.push('\n');
    for (area, counts) in tally::by_area(report) {
        let _ = write!(text, "| {} |", code(area, 80).replace('|', "\\|"));
        for status in &present {
            match counts.get(*status) {
                0 => text.push_str(" |"),
                number => drop(write!(text, " {number} |")),
            }
        }
        text.push('\n');
    }
}

fn more(text: &mut String, indent: &str, all: usize, told: usize, what: &str) {
    if all > told {
        let _ = writeln!(text, "{indent}- … and {} more {what}, in `report.html`", all - told);
    }
}

/// A code span: at most `limit` characters on one line. CommonMark §6.1: the fence is longer than any within.
fn code(value: &str, limit: usize) -> String {
    let shown = cut(value, limit);
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space at either end is stripped again, and keeps a backtick from the fence.
    let pad = if shown.starts_with(['`', ' ']) || shown.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    if shown.trim().is_empty() {
        "(empty)".to_owned()
    } else {
        format!("{fence}{pad}{shown}{pad}{fence}")
    }
}

/// Text on one line in which no character means anything. CommonMark §2.4: ASCII punctuation may be escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let shown = line(text);
    for (at, c) in shown.char_indices() {
        if c.is_ascii_punctuation() && !is_plain(c, &shown[..at]) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Punctuation of ordinary prose, which stays readable: it means nothing where it stands.
fn is_plain(c: char, before: &str) -> bool {
    match c {
        ',' | ';' | '\'' | '"' | '/' | '?' | '%' | '(' => true,
        // The start of a list; an address that GitHub makes a link of.
        '.' | ')' => before.contains(|c: char| !c.is_ascii_digit()) && !ends_with_www(before),
        '-' => !before.is_empty(),
        _ => false,
    }
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

/// Emphasised text. CommonMark §6.2: a blank at either end would make asterisks of the emphasis.
fn strong(text: &str) -> String {
    let shown = escaped(cut(text, 300).trim());
    if shown.is_empty() {
        "**\\(untitled\\)**".to_owned()
    } else {
        format!("**{shown}**")
    }
}

/// A link, where the address leads to the web and has no character that could end it.
pub(super) fn link(text: &str, url: &str) -> String {
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '\\' | '(' | ')' | '`' | '"');
    if is_web(url) && !url.contains(ends) && line(url) == url {
        format!("[{}](<{url}>)", escaped(&cut(text, 80)))
    } else {
        code(text, 80)
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_cannot_be_left() {
        assert_eq!(code("a", 9), "`a`");
        assert_eq!(code("a`b``c", 9), "```a`b``c```");
        assert_eq!(code("`", 9), "`` ` ``");
        assert_eq!(code(" ", 9), "(empty)");
        assert_eq!(code("two\nlines", 20), "`two\\nlines`");
    }

    #[test]
    fn a_link_leads_to_the_web_or_nowhere() {
        assert_eq!(link("a/1", "https://e/x#y"), "[a/1](<https://e/x#y>)");
        assert_eq!(link("a/1", "javascript:alert(1)"), "`a/1`");
        assert_eq!(link("a/1", "https://e/>x"), "`a/1`");
        assert_eq!(link("](x)", "https://e/"), "[\\](x)](<https://e/>)");
    }
}
