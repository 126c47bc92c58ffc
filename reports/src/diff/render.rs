//! A diff as text for a terminal and as Markdown for a pull request. Everything in it is hostile: one line, harmless.

use std::fmt::Write as _;

use super::{Change, Diff, Told};
use crate::plain::{cut, line};

/// Most of one text that is shown.
const MOST: usize = 300;

impl Diff {
    fn lists(&self) -> [(&'static str, &[Change]); 7] {
        [
            ("broken", &self.broken),
            ("no longer judged", &self.lost),
            ("fixed", &self.fixed),
            ("judged now", &self.gained),
            ("new", &self.new_verdicts),
            ("gone", &self.gone),
            ("told otherwise", &self.changed),
        ]
    }

    fn count(&self) -> String {
        let counts: Vec<String> = self
            .lists()
            .iter()
            .map(|(name, list)| format!("{} {name}", list.len()))
            .collect();
        format!("{}, {} the same", counts.join(", "), self.same)
    }
}

/// For a terminal: what broke first.
pub fn text(diff: &Diff) -> String {
    let mut text = String::new();
    for (name, side) in [("old", &diff.old), ("new", &diff.new)] {
        let _ = writeln!(
            text,
            "{name}: {} ({}), SMART {}, {}, {} verdicts, {} fail, {} warn",
            line(&side.target),
            line(&side.fhir_base),
            line(&side.smart_version),
            line(&side.started),
            side.verdicts,
            side.fails,
            side.warns
        );
    }
    for note in &diff.notes {
        let _ = writeln!(text, "note: {}", cut(note, MOST));
    }
    for (name, list) in diff.lists().into_iter().filter(|(_, list)| !list.is_empty()) {
        let _ = writeln!(text, "\n{name} ({})", list.len());
        for change in list {
            let _ = writeln!(text, "  {} {}", arrow(change), cut(&change.id, MOST));
            for detail in details(change) {
                let _ = writeln!(text, "      {detail}");
            }
        }
    }
    let _ = write!(text, "\n{}", diff.count());
    text
}

/// For a pull request.
pub fn markdown(diff: &Diff) -> String {
    let mut text = format!(
        "### launchproof: {} → {}\n\n{}\n",
        code(&diff.old.started),
        code(&diff.new.started),
        diff.count()
    );
    for note in &diff.notes {
        let _ = writeln!(text, "\n> {}", escaped(&cut(note, MOST)));
    }
    for (name, list) in diff.lists().into_iter().filter(|(_, list)| !list.is_empty()) {
        let _ = writeln!(
            text,
            "\n#### {name} ({})\n\n| verdict | was → is | what must hold | seen |\n|---|---|---|---|",
            list.len()
        );
        for change in list {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                code(&cut(&change.id, MOST)),
                arrow(change),
                escaped(&cut(&change.title, MOST)),
                escaped(&details(change).join("; ")),
            );
        }
    }
    text
}

fn arrow(change: &Change) -> String {
    let word = |told: &Option<Told>| told.as_ref().map_or("–", |told| told.status.as_str());
    let (was, is) = (word(&change.was), word(&change.is));
    if was == is {
        is.to_owned()
    } else {
        format!("{was} → {is}")
    }
}

/// What there is to say beside the statuses: of the later run, or of both where they say it otherwise.
fn details(change: &Change) -> Vec<String> {
    let said = |told: &Told| {
        let texts = [
            ("expected", &told.expected),
            ("observed", &told.observed),
            ("because", &told.reason),
            ("known", &told.expected_by_baseline),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(name, text)| Some(format!("{name} {}", cut(text.as_deref()?, MOST))));
        texts.collect::<Vec<_>>().join("; ")
    };
    match (&change.was, &change.is) {
        (Some(was), Some(is)) if was.status == is.status => {
            let mut both = Vec::new();
            if was.level != is.level {
                both.push(format!("level {} → {}", was.level.as_str(), is.level.as_str()));
            }
            if said(was) != said(is) {
                both.push(format!("was: {}", said(was)));
                both.push(format!("is: {}", said(is)));
            }
            both
        }
        (_, Some(is)) => Some(said(is)).filter(|said| !said.is_empty()).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Text that Markdown and HTML take for text.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in line(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' | '!' | '@' => {
                let _ = write!(safe, "&#{};", u32::from(character));
            }
            other => safe.push(other),
        }
    }
    safe
}

/// An id or a time as code; nothing in it can end the code.
fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::compare;
    use crate::model::{Report, Status};
    use crate::sample::{report_of, verdict};

    fn two() -> (Report, Report) {
        let mut hostile = verdict("a/broken", Status::Fail);
        hostile.expected = Some("a refusal".to_owned());
        hostile.observed = Some("<img src=x onerror=alert(1)> | `x` \u{1b}[31m\n# head @everyone".to_owned());
        let mut blocked = verdict("a/lost", Status::Blocked);
        blocked.reason = Some("a correct exchange was not accepted".to_owned());
        let mut reworded = verdict("a/reworded", Status::Fail);
        reworded.observed = Some("status 200".to_owned());
        let mut rewritten = reworded.clone();
        rewritten.observed = Some("status 302".to_owned());
        let old = report_of(vec![
            verdict("a/broken", Status::Pass),
            verdict("a/fixed", Status::Fail),
            verdict("a/gone", Status::Pass),
            verdict("a/lost", Status::Pass),
            reworded,
            verdict("a/same", Status::Pass),
        ]);
        let mut new = report_of(vec![
            hostile,
            verdict("a/fixed", Status::Pass),
            blocked,
            verdict("a/new", Status::Pass),
            rewritten,
            verdict("a/same", Status::Pass),
        ]);
        new.run.started = "2026-05-05T09:00:00Z".to_owned();
        (old, new)
    }

    #[test]
    fn as_text() {
        let (old, new) = two();
        insta::assert_snapshot!(text(&compare(&old, &new)));
    }

    #[test]
    fn as_markdown() {
        let (old, new) = two();
        let text = markdown(&compare(&old, &new));
        assert!(
            !text.contains("<img") && !text.contains("@everyone") && !text.contains("\n# head"),
            "{text}"
        );
        insta::assert_snapshot!(text);
    }
}
