//! The summary in a terminal, plain and coloured.

use reports::model::Report;
use reports::render::terminal::{failure_line, summary};

use crate::{every_outcome, is_harmless};

#[test]
fn summary_plain() {
    let text = summary(&every_outcome(), false);
    assert!(is_harmless(&text));
    insta::assert_snapshot!(text);
}

#[test]
fn summary_in_colour_says_the_same() {
    let text = summary(&every_outcome(), true);
    assert_eq!(without_styles(&text), summary(&every_outcome(), false));
    insta::assert_snapshot!(text.replace('\u{1b}', "␛"));
}

#[test]
fn failure_lines() {
    let report = every_outcome();
    let lines: Vec<String> = report
        .verdicts
        .iter()
        .map(|verdict| failure_line(verdict, false))
        .collect();
    assert!(lines.iter().all(|line| is_harmless(line) && !line.contains('\n')));
    insta::assert_snapshot!(lines.join("\n"));
    let coloured = failure_line(&report.verdicts[2], true);
    assert_eq!(without_styles(&coloured), lines[2]);
}

#[test]
fn an_empty_run_has_an_answer_too() {
    let report = Report {
        verdicts: Vec::new(),
        exchanges: Vec::new(),
        ..every_outcome()
    };
    assert!(summary(&report, false).contains("no deviation found, incomplete (no SHALL was judged)"));
}

/// Removes `ESC [ … m`, and nothing else: another escape would be one that came from the target.
fn without_styles(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (style, rest) = part.split_once('m').expect("only styles");
        assert!(style.chars().all(|c| c.is_ascii_digit() || c == ';'), "{style:?}");
        plain.push_str(rest);
    }
    plain
}
