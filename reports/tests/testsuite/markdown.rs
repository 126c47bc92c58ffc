//! `summary.md`, read by a CommonMark parser that is not ours.

use pulldown_cmark::{Event, Options, Parser, Tag};
use reports::model::Status;
use reports::render::{github, markdown};

use crate::{every_outcome, hostile, is_harmless};

fn events(text: &str) -> Vec<Event<'_>> {
    Parser::new_ext(text, Options::all()).collect()
}

#[test]
fn summary_md() {
    insta::assert_snapshot!(markdown::render(&every_outcome()));
}

/// The shape of a text: everything but its words.
fn shape(text: &str) -> Vec<String> {
    let mut shape: Vec<String> = Vec::new();
    for event in events(text) {
        let word = match event {
            Event::Start(Tag::Link { .. }) => "link".to_owned(),
            Event::Start(tag) => format!("{tag:?}"),
            Event::End(_) | Event::Text(_) | Event::Code(_) => continue,
            other => format!("{other:?}"),
        };
        shape.push(word);
    }
    shape
}

#[test]
fn nothing_of_the_evidence_becomes_markup() {
    for (name, report) in hostile::corpus() {
        let text = markdown::render(&report);
        assert!(is_harmless(&text), "{name}");
        assert!(text.len() < 300_000, "{name}: {}", text.len());
        for event in events(&text) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => panic!("{name}: HTML {html}"),
                Event::Start(Tag::Image { .. }) => panic!("{name}: an image"),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    assert!(
                        dest_url.starts_with("https://") || dest_url.starts_with("http://"),
                        "{name}: {dest_url}"
                    );
                }
                _ => {}
            }
        }
    }
}

/// A payload after each text changes words, and never the structure around them.
#[test]
fn the_structure_is_that_of_the_harmless_report() {
    let plain = shape(&markdown::render(&hostile::poisoned("x", hostile::Manner::After)));
    for (name, payload) in hostile::payloads() {
        let hostile = shape(&markdown::render(&hostile::poisoned(&payload, hostile::Manner::After)));
        let without_links = |shape: &[String]| shape.iter().filter(|word| *word != "link").cloned().collect::<Vec<_>>();
        assert_eq!(without_links(&hostile), without_links(&plain), "{name}");
    }
}

#[test]
fn the_summary_names_each_failure_its_requirement_and_its_fix() {
    let report = every_outcome();
    let text = markdown::render(&report);
    for verdict in report
        .verdicts
        .iter()
        .filter(|v| matches!(v.status, Status::Fail | Status::Warn))
    {
        assert!(text.contains(&format!("`{}`", verdict.id())), "{}", verdict.id());
    }
    assert!(text.contains("how to fix it:"));
    assert!(text.contains("](<https://"));
}

#[test]
fn each_annotation_is_one_line_whatever_a_server_says() {
    for (name, report) in hostile::corpus() {
        let text = github::annotations(&report);
        assert!(is_harmless(&text), "{name}");
        for line in text.lines() {
            let known = ["::error title=", "::warning title=", "::notice title="];
            assert!(known.iter().any(|start| line.starts_with(start)), "{name}: {line}");
            assert!(!line[2..].split("::").next().unwrap().contains('\n'));
        }
    }
}
