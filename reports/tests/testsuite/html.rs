//! `report.html`: what stands where, that evidence stays text, and that the page stays small.

use reports::model::{Exchange, Report, Status, Verdict};
use reports::render::html;

use crate::{every_outcome, is_harmless};

#[test]
fn report_html() {
    insta::assert_snapshot!(html::render(&every_outcome()));
}

#[test]
fn evidence_stays_text() {
    let page = html::render(&every_outcome());
    assert!(is_harmless(&page));
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(page.contains("&#60;script&#62;alert(&#34;title&#34;)"));
    assert!(!page.contains("<img src=x"));
    assert!(!page.contains("javascript:"), "only http and https become links");
    for event in [" onclick=", " onload="] {
        assert!(!page.contains(event));
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = html::render(&every_outcome());
    for tag in ["<link", "<iframe", "<object", "<base", "@import", "url("] {
        assert!(!page.contains(tag), "{tag}");
    }
    for src in page.split(" src=\"").skip(1) {
        assert!(src.starts_with("data:image/png;base64,"));
    }
}

#[test]
fn ids_are_unique_and_inner_links_lead_somewhere() {
    let page = html::render(&every_outcome());
    let between = |start: &'static str| page.split(start).skip(1).filter_map(|rest| rest.split('"').next());
    let ids: Vec<&str> = between(" id=\"").collect();
    let unique: std::collections::HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    for target in between(" href=\"#") {
        assert!(unique.contains(target), "{target}");
    }
}

#[test]
fn a_run_that_fails_everywhere_stays_under_three_mebibytes() {
    let sample = every_outcome();
    let template = sample
        .verdicts
        .iter()
        .find(|v| v.status == Status::Fail)
        .unwrap()
        .clone();
    let exchange = sample.exchanges.iter().find(|e| e.response.is_some()).unwrap().clone();
    let exchanges: Vec<Exchange> = (0..2_000)
        .map(|id| {
            let mut exchange = Exchange { id, ..exchange.clone() };
            exchange.request.body = Some("<&\"'>".repeat(2_000));
            if let Some(response) = &mut exchange.response {
                response.body = "<&\"'>\u{202e}".repeat(2_000);
            }
            exchange
        })
        .collect();
    let verdicts: Vec<Verdict> = (0..400)
        .map(|index| Verdict {
            case: Some(format!("case_{index}")),
            scenario: format!("area_{}/scenario_{}", index / 40, index / 4),
            area: format!("area_{}", index / 40),
            evidence: (index * 5..index * 5 + 5).collect(),
            screenshot: Some("A".repeat(60_000)),
            ..template.clone()
        })
        .collect();
    let page = html::render(&Report {
        verdicts,
        exchanges,
        ..sample
    });
    assert!(page.len() < 3 * 1024 * 1024, "{} bytes", page.len());
    assert!(page.contains("did not fit into this page"));
}
