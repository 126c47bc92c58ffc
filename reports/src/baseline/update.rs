//! Brings a baseline up to date with a finished run, in its own text: order, comments, reasons and layout stay; what is
//! new waits for a person's reason.

use std::fmt::Write as _;

use toml_edit::{ArrayOfTables, Decor, DocumentMut, Item, Table, value};

use super::{Baseline, BaselineError, Entry, Scope};
use crate::model::{Report, Status, Verdict};
use crate::plain;

const HEAD: &str = "\
# Deviations of this target that are known and accepted. One that is listed here is reported as known and is not red;
# when it is gone, or its `expires` has come, the run ends with code 6. A `reason` must say why: an issue, a decision.
";

/// The text of a baseline that is up to date, and what was changed in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updated {
    /// The whole file.
    pub text: String,
    /// Entries that stay, of which this run says nothing else.
    pub kept: usize,
    /// Deviations that are new, each with an empty reason: [`Baseline::parse`] refuses them until a person says why.
    pub added: Vec<String>,
    /// Entries whose deviation is gone, or that name nothing.
    pub removed: Vec<String>,
    /// Entries that stay and have expired: a person decides again.
    pub expired: Vec<String>,
}

/// A first baseline of this run: every fail and warn, with empty reasons. Verdicts that a baseline already expects keep
/// its reason.
pub fn write(report: &Report) -> String {
    update(report, "").map(|updated| updated.text).unwrap_or_default()
}

/// The baseline `old`, brought up to date with this run.
///
/// Kept as they are: entries that still hold, and entries of which this run says nothing (not selected, not judged).
/// Left out: entries whose deviation is gone. Added: every other fail and warn, one entry a verdict.
pub fn update(report: &Report, old: &str) -> Result<Updated, BaselineError> {
    let baseline = Baseline::parse_draft(old)?;
    // All below is about lines; the ends that the file had come back last.
    let has_crlf = old.contains("\r\n");
    let old = &old.replace("\r\n", "\n");
    let mut document: DocumentMut = old.parse().map_err(|error: toml_edit::TomlError| BaselineError {
        line: 1,
        column: 1,
        message: plain::line(error.message()).into_owned(),
    })?;
    let whole = report.run.complete && report.run.selection.is_empty();
    let today = report.run.started.get(..10).unwrap_or_default();
    let mut updated = Updated::default();
    let mut removed_at = Vec::new();
    for (at, entry) in baseline.entries.iter().enumerate() {
        if let Some(why) = why_gone(entry, &report.verdicts, whole) {
            removed_at.push(at);
            updated
                .removed
                .push(format!("line {}: {} {why}", entry.line, entry.scope));
            continue;
        }
        updated.kept += 1;
        if let Some(day) = entry.expires.as_deref().filter(|day| *day <= today) {
            updated
                .expired
                .push(format!("line {}: {} expired on {day}", entry.line, entry.scope));
        }
    }
    let kept: Vec<&Entry> = baseline
        .entries
        .iter()
        .enumerate()
        .filter(|(at, _)| !removed_at.contains(at))
        .map(|(_, entry)| entry)
        .collect();
    let new: Vec<&Verdict> = report
        .verdicts
        .iter()
        .filter(|verdict| matches!(verdict.status, Status::Fail | Status::Warn))
        .filter(|verdict| {
            let covers = |entry: &&&Entry| entry.verdict == verdict.status && entry.scope.matches(verdict);
            !kept.iter().any(|entry| covers(&entry))
        })
        .collect();
    remove(&mut document, &removed_at)?;
    // A text without entries is all behind them, as its reader sees it; it was before them, as its writer does.
    let without_entries = kept.is_empty();
    let mut head = match document.trailing().as_str().map(str::to_owned) {
        Some(text) if without_entries && !new.is_empty() && !text.trim().is_empty() => {
            document.set_trailing("");
            text
        }
        _ => String::new(),
    };
    let list = list(&mut document)?;
    for verdict in new {
        let (id, mut table) = fresh(verdict, today);
        if !head.is_empty() {
            let joined = format!("{}{}", std::mem::take(&mut head), prefix(table.decor()));
            table.decor_mut().set_prefix(joined);
        }
        list.push(table);
        updated.added.push(id);
    }
    let first = if old.trim().is_empty() { HEAD } else { "" };
    updated.text = format!("{first}{document}");
    if has_crlf {
        updated.text = updated.text.replace('\n', "\r\n");
    }
    Ok(updated)
}

/// Why an entry is to go; `None` where it stays.
fn why_gone(entry: &Entry, verdicts: &[Verdict], whole: bool) -> Option<&'static str> {
    let matched: Vec<&Verdict> = verdicts.iter().filter(|verdict| entry.scope.matches(verdict)).collect();
    if matched.is_empty() {
        return whole.then_some("names no verdict");
    }
    let judged = matched.iter().any(|verdict| verdict.status.is_judged());
    let hit = matched.iter().any(|verdict| verdict.status == entry.verdict);
    let passed = matched
        .iter()
        .all(|verdict| verdict.status == Status::Pass || !verdict.status.is_judged());
    (judged && !hit && !(entry.sometimes && passed)).then_some("is gone")
}

/// The `[[expect]]` tables of a document; made where there are none.
fn list(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, BaselineError> {
    let item = document
        .entry("expect")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    // `expect = [{ … }]` is the same to a reader, and has no place for comments.
    if item.as_array_of_tables().is_none() {
        let inline = std::mem::take(item);
        *item = match inline.into_array_of_tables() {
            Ok(tables) => Item::ArrayOfTables(tables),
            Err(_) => {
                return Err(BaselineError {
                    line: 1,
                    column: 1,
                    message: "`expect` is no list of entries: write each as `[[expect]]`".to_owned(),
                });
            }
        };
    }
    item.as_array_of_tables_mut().ok_or_else(|| BaselineError {
        line: 1,
        column: 1,
        message: "`expect` is no list of entries: write each as `[[expect]]`".to_owned(),
    })
}

/// Takes entries out, each with the comment that stands right above it. What stands further above, behind an empty line,
/// is of the file, or of a section of it, and stays.
fn remove(document: &mut DocumentMut, gone: &[usize]) -> Result<(), BaselineError> {
    if gone.is_empty() {
        return Ok(());
    }
    let list = list(document)?;
    let mut carried = String::new();
    let mut rest = ArrayOfTables::new();
    for (at, table) in list.iter().enumerate() {
        let mut table = table.clone();
        let before = prefix(table.decor());
        if gone.contains(&at) {
            let kept = above_the_last_empty_line(&before);
            if !kept.trim().is_empty() {
                carried.push_str(kept);
            }
            continue;
        }
        if !carried.is_empty() {
            let joined = format!("{}{before}", std::mem::take(&mut carried));
            table.decor_mut().set_prefix(joined);
        }
        rest.push(table);
    }
    *list = rest;
    if !carried.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{carried}{trailing}"));
    }
    Ok(())
}

fn prefix(decor: &Decor) -> String {
    let text = decor.prefix().and_then(|prefix| prefix.as_str());
    text.unwrap_or_default().to_owned()
}

fn above_the_last_empty_line(text: &str) -> &str {
    match text.rfind("\n\n") {
        Some(at) => &text[..=at],
        None => "",
    }
}

/// An entry that waits for its reason.
fn fresh(verdict: &Verdict, today: &str) -> (String, Table) {
    let scope = Scope {
        scenario: verdict.scenario.clone(),
        case: verdict.case.clone(),
        client: verdict.client.clone(),
    }
    .to_string();
    let reason = verdict.expected_by_baseline.as_deref().unwrap_or_default();
    let mut table = Table::new();
    let mut comment = String::from("\n");
    if reason.is_empty() {
        let _ = writeln!(
            comment,
            "# new on {}: say why it is accepted, or mend it",
            plain::cut(today, 10)
        );
    }
    if let Some(seen) = verdict.observed.as_deref() {
        let _ = writeln!(comment, "# observed: {}", plain::cut(seen, 160));
    }
    table.decor_mut().set_prefix(comment);
    table.insert("scenario", value(scope.clone()));
    table.insert("verdict", value(verdict.status.as_str()));
    table.insert("reason", value(reason));
    (scope, table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::apply;
    use crate::sample::{report_of, verdict};

    const KEPT_BY_HAND: &str = r#"# Of the team that owns the authorization server.

# --- redirect addresses ---

# until the gateway is replaced
[[expect]]
verdict  = "fail"          # the order of keys is ours
scenario = "a/still"
reason   = """
EHR-1,

with an empty line in it"""
expires  = 2030-01-01

# was a bug of the old token endpoint
[[expect]]
scenario = "a/gone"
verdict = "fail"
reason = "EHR-2"

# --- tokens ---

# waits for EHR-3
[[expect]]
scenario = "a/blocked"
verdict = "fail"
reason = "EHR-3"
sometimes = true

[[expect]]
scenario = "a/nothing"
verdict = "fail"
reason = "EHR-4"

# end of the list
"#;

    fn report() -> Report {
        let mut odd = verdict("a/new", Status::Warn);
        odd.case = Some("odd \"case\"".to_owned());
        odd.observed = Some("200\u{1b}[31m".to_owned());
        report_of(vec![
            verdict("a/blocked", Status::Blocked),
            verdict("a/gone", Status::Pass),
            odd,
            verdict("a/still", Status::Fail),
        ])
    }

    #[test]
    fn new_deviations_wait_for_a_reason() {
        let mut failed = verdict("a/b", Status::Fail);
        failed.case = Some("odd \"case\"".to_owned());
        failed.observed = Some("200\u{1b}[31m".to_owned());
        let report = report_of(vec![verdict("a/a", Status::Pass), failed, verdict("a/c", Status::Warn)]);
        let text = write(&report);
        assert!(text.contains("# observed: 200\\u{1b}[31m\n"), "{text}");
        let draft = Baseline::parse_draft(&text).unwrap();
        assert_eq!(draft.entries.len(), 2);
        let error = Baseline::parse(&text).unwrap_err();
        assert!(
            error.message.starts_with("`reason` of `a/b#odd \"case\"` is empty"),
            "{error}"
        );
    }

    #[test]
    fn what_was_written_by_hand_stays_as_it_is() {
        insta::assert_snapshot!(update(&report(), KEPT_BY_HAND).unwrap().text);
    }

    #[test]
    fn what_was_done_is_told() {
        let mut report = report();
        report.run.started = "2031-01-01T00:00:00Z".to_owned();
        let updated = update(&report, KEPT_BY_HAND).unwrap();
        assert_eq!(updated.kept, 2);
        assert_eq!(updated.added, ["a/new#odd \"case\""]);
        assert_eq!(
            updated.removed,
            ["line 16: a/gone is gone", "line 30: a/nothing names no verdict"]
        );
        assert_eq!(updated.expired, ["line 6: a/still expired on 2030-01-01"]);
    }

    #[test]
    fn an_entry_of_which_the_run_says_nothing_stays() {
        let mut report = report();
        report.run.selection = vec!["a/still".to_owned()];
        let updated = update(&report, KEPT_BY_HAND).unwrap();
        assert!(updated.text.contains("EHR-4"), "{}", updated.text);
        report.run.selection.clear();
        report.run.complete = false;
        assert!(update(&report, KEPT_BY_HAND).unwrap().text.contains("EHR-4"));
    }

    #[test]
    fn the_head_of_the_file_outlives_its_first_entry() {
        let old = "# Owned by team A.\n\n# see EHR-9\n[[expect]]\nscenario = \"a/gone\"\nverdict = \"fail\"\nreason = \"x\"\n";
        let text = update(&report_of(vec![verdict("a/gone", Status::Pass)]), old)
            .unwrap()
            .text;
        assert!(text.contains("# Owned by team A."), "{text:?}");
        assert!(!text.contains("EHR-9") && !text.contains("a/gone"), "{text:?}");
        Baseline::parse(&text).unwrap();
    }

    #[test]
    fn the_ends_of_lines_stay_and_cost_no_comment() {
        let report = report();
        let expected = update(&report, KEPT_BY_HAND).unwrap();
        let updated = update(&report, &KEPT_BY_HAND.replace('\n', "\r\n")).unwrap();
        assert_eq!(updated.text, expected.text.replace('\n', "\r\n"));
        assert!(updated.text.contains("# Of the team"), "{}", updated.text);
        assert_eq!(updated.removed, expected.removed);
    }

    #[test]
    fn sometimes_excuses_a_pass_and_no_other_verdict() {
        let old = "[[expect]]\nscenario = \"a/b\"\nverdict = \"fail\"\nreason = \"EHR-1\"\nsometimes = true\n";
        let warned = update(&report_of(vec![verdict("a/b", Status::Warn)]), old).unwrap();
        assert_eq!(warned.removed, ["line 1: a/b is gone"]);
        assert_eq!(warned.added, ["a/b"]);
        Baseline::parse(&warned.text.replace("reason = \"\"", "reason = \"known\"")).unwrap();
        let passed = update(&report_of(vec![verdict("a/b", Status::Pass)]), old).unwrap();
        assert_eq!((passed.text.as_str(), passed.kept), (old, 1));
    }

    #[test]
    fn a_text_without_entries_stays_their_head() {
        let updated = update(&report(), "# Owned by team A.\n").unwrap();
        assert!(
            updated.text.starts_with("# Owned by team A.\n\n# new on "),
            "{}",
            updated.text
        );
    }

    #[test]
    fn a_second_update_changes_nothing() {
        let first = update(&report(), KEPT_BY_HAND).unwrap().text;
        let second = update(&report(), &first).unwrap();
        assert_eq!(second.text, first);
        assert!(second.added.is_empty() && second.removed.is_empty());
    }

    #[test]
    fn entries_in_one_line_are_brought_into_the_usual_form() {
        let old = "expect = [{ scenario = \"a/still\", verdict = \"fail\", reason = \"EHR-1\" }]\n";
        let text = update(&report(), old).unwrap().text;
        let entries = Baseline::parse_draft(&text).unwrap().entries;
        assert_eq!(entries.len(), 2, "{text}");
        assert_eq!(entries[0].reason, "EHR-1");
    }

    #[test]
    fn an_updated_baseline_is_current() {
        let mut report = report_of(vec![verdict("a/b", Status::Fail), verdict("a/c", Status::Warn)]);
        let text = write(&report).replace("reason = \"\"", "reason = \"known\"");
        let outcome = apply(&mut report, &Baseline::parse(&text).unwrap(), "2026-05-04");
        assert!(outcome.is_current());
        assert!(report.verdicts.iter().all(|v| v.expected_by_baseline.is_some()));
        // Written again from the marked report alone, the reasons stay.
        assert!(Baseline::parse(&write(&report)).is_ok());
    }
}
