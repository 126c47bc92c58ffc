//! What a verdict says, in one line and at length, for the formats that carry text. Nothing is made harmless here: each
//! format does that in its own way.

use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::model::{Report, Requirement, Verdict};

/// The requirements of a report by their ids.
pub(crate) type ById<'a> = IndexMap<&'a str, &'a Requirement>;

/// The requirements of this report by their ids.
pub(crate) fn by_id(report: &Report) -> ById<'_> {
    report.requirements.iter().map(|r| (r.id.as_str(), r)).collect()
}

/// Whether an address leads to the web: a report may come from elsewhere, and `javascript:` is a URL too.
pub(crate) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// What was found, in one sentence.
pub(crate) fn message(verdict: &Verdict) -> String {
    if let Some(reason) = &verdict.expected_by_baseline {
        return format!("known {}: {reason}", verdict.status.as_str());
    }
    match (&verdict.observed, &verdict.expected, &verdict.reason) {
        (Some(observed), Some(expected), _) => format!("expected {expected}; observed {observed}"),
        (Some(only), None, _) | (None, Some(only), None) => only.clone(),
        (None, _, Some(reason)) => reason.clone(),
        (None, None, None) => verdict.title.clone(),
    }
}

/// Everything that is known of it except its evidence, one fact a line.
pub(crate) fn description(verdict: &Verdict, requirements: &ById<'_>) -> String {
    let mut text = format!(
        "{}: {} ({})\n",
        verdict.status.as_str(),
        verdict.title,
        verdict.level.as_str()
    );
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    add("about", Some(verdict.about.trim()).filter(|about| !about.is_empty()));
    add("expected", verdict.expected.as_deref());
    add("observed", verdict.observed.as_deref());
    add("reason", verdict.reason.as_deref());
    add("known", verdict.expected_by_baseline.as_deref());
    add("fix", verdict.fix.as_deref());
    for id in &verdict.requirements {
        let url = requirements
            .get(id.as_str())
            .map_or("", |requirement| requirement.url.as_str());
        add("requirement", Some(format!("{id} {url}").trim_end()));
    }
    text
}
