//! Compares two reports, verdict by verdict, by their ids.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Change, Diff, SCHEMA_VERSION, Side, Told};
use crate::exit::UNREACHABLE;
use crate::model::{Report, Status, Verdict};

/// What changed from `old` to `new`.
pub fn compare(old: &Report, new: &Report) -> Diff {
    let mut diff = Diff {
        schema_version: SCHEMA_VERSION.to_owned(),
        old: side(old),
        new: side(new),
        notes: notes(old, new),
        fixed: Vec::new(),
        broken: Vec::new(),
        lost: Vec::new(),
        gained: Vec::new(),
        new_verdicts: Vec::new(),
        gone: Vec::new(),
        changed: Vec::new(),
        same: 0,
        falls_short: falls_short(old, new),
        unreached: new.run.exit_code == UNREACHABLE,
    };
    let before = by_id(old);
    let after = by_id(new);
    for (id, was) in &before {
        if !after.contains_key(id) {
            diff.gone.push(change(id, Some(was), None));
        }
    }
    for (id, is) in &after {
        let Some(was) = before.get(id) else {
            diff.new_verdicts.push(change(id, None, Some(is)));
            continue;
        };
        let list = match kind(was, is) {
            Kind::Fixed => &mut diff.fixed,
            Kind::Broken => &mut diff.broken,
            Kind::Lost => &mut diff.lost,
            Kind::Gained => &mut diff.gained,
            Kind::Changed => &mut diff.changed,
            Kind::Same => {
                diff.same += 1;
                continue;
            }
        };
        list.push(change(id, Some(was), Some(is)));
    }
    diff
}

/// What another selection or catalogue leaves out was not asked for.
fn falls_short(old: &Report, new: &Report) -> bool {
    let same = old.run.selection == new.run.selection && old.run.catalogue == new.run.catalogue;
    !new.run.complete || same
}

enum Kind {
    Fixed,
    Broken,
    Lost,
    Gained,
    Changed,
    Same,
}

/// 2 where a duty is broken, 1 where a recommendation is not followed, 0 where nothing is wrong.
fn wrong(status: Status) -> u8 {
    match status {
        Status::Fail => 2,
        Status::Warn => 1,
        _ => 0,
    }
}

fn kind(was: &Verdict, is: &Verdict) -> Kind {
    let judged = (was.status.is_judged(), is.status.is_judged());
    let (before, after) = (wrong(was.status), wrong(is.status));
    match judged {
        (_, true) if after > before => Kind::Broken,
        (true, true) if after < before => Kind::Fixed,
        (true, false) => Kind::Lost,
        (false, true) => Kind::Gained,
        _ if was.status == is.status && was.level == is.level && words(was) == words(is) => Kind::Same,
        _ => Kind::Changed,
    }
}

/// What a verdict says, without what differs from run to run: hashes under the run's key. A pass needs no words.
fn words(verdict: &Verdict) -> [Option<Cow<'_, str>>; 3] {
    if verdict.status == Status::Pass {
        return [None, None, None];
    }
    [&verdict.reason, &verdict.expected, &verdict.observed].map(|text| text.as_deref().map(without_chance))
}

/// `hmac:ab12…` stands for a secret of one run, and for another in the next.
fn without_chance(text: &str) -> Cow<'_, str> {
    if !text.contains("hmac:") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("hmac:") {
        plain.push_str(&rest[..at]);
        plain.push_str("hmac:…");
        rest = rest[at + "hmac:".len()..].trim_start_matches(|character: char| character.is_ascii_hexdigit());
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn by_id(report: &Report) -> BTreeMap<String, &Verdict> {
    report.verdicts.iter().map(|verdict| (verdict.id(), verdict)).collect()
}

fn change(id: &str, was: Option<&&Verdict>, is: Option<&&Verdict>) -> Change {
    let title = is.or(was).map_or_else(String::new, |verdict| verdict.title.clone());
    Change {
        id: id.to_owned(),
        title,
        was: was.map(|verdict| told(verdict)),
        is: is.map(|verdict| told(verdict)),
    }
}

fn told(verdict: &Verdict) -> Told {
    Told {
        status: verdict.status,
        level: verdict.level,
        reason: verdict.reason.clone(),
        expected: verdict.expected.clone(),
        observed: verdict.observed.clone(),
        expected_by_baseline: verdict.expected_by_baseline.clone(),
    }
}

fn side(report: &Report) -> Side {
    let count = |status| {
        report
            .verdicts
            .iter()
            .filter(|verdict| verdict.status == status)
            .count()
    };
    Side {
        tool: report.tool.clone(),
        catalogue: report.run.catalogue.clone(),
        target: report.target.name.clone(),
        fhir_base: report.target.fhir_base.clone(),
        smart_version: report.target.smart_version.clone(),
        started: report.run.started.clone(),
        verdicts: report.verdicts.len(),
        fails: count(Status::Fail),
        warns: count(Status::Warn),
    }
}

fn notes(old: &Report, new: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differs = |what: &str, was: &str, is: &str| {
        if was != is {
            notes.push(format!("{what}: {was} before, {is} now"));
        }
    };
    differs("another target", &old.target.fhir_base, &new.target.fhir_base);
    differs(
        "another SMART version",
        &old.target.smart_version,
        &new.target.smart_version,
    );
    differs("another program", &old.tool, &new.tool);
    differs("another user agent", &old.run.agent, &new.run.agent);
    let selection = |report: &Report| match report.run.selection.as_slice() {
        [] => "everything".to_owned(),
        words => words.join(" "),
    };
    differs("another selection", &selection(old), &selection(new));
    let raised = |report: &Report| match report.run.raised.as_slice() {
        [] => "none".to_owned(),
        sets => sets.join(" "),
    };
    differs("another --profile", &raised(old), &raised(new));
    if old.run.catalogue != new.run.catalogue {
        notes.push("another catalogue: scenarios or requirements are not the same".to_owned());
    }
    for (which, report) in [("earlier", old), ("later", new)] {
        if !report.run.complete {
            notes.push(format!(
                "the {which} run ended early: what is missing in it was not run"
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::FailOn;
    use crate::model::Level;
    use crate::sample::{report_of, verdict};

    fn ids(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.id.as_str()).collect()
    }

    #[test]
    fn each_pair_of_statuses_has_its_list() {
        use Status::{Blocked, Error, Fail, Info, Pass, Skip, Unconfigured, Warn};
        let table = [
            (Pass, Pass, "same"),
            (Pass, Fail, "broken"),
            (Pass, Warn, "broken"),
            (Warn, Fail, "broken"),
            (Blocked, Fail, "broken"),
            (Skip, Warn, "broken"),
            (Fail, Pass, "fixed"),
            (Fail, Warn, "fixed"),
            (Warn, Info, "fixed"),
            (Pass, Blocked, "lost"),
            (Fail, Unconfigured, "lost"),
            (Info, Skip, "lost"),
            (Error, Pass, "gained"),
            (Unconfigured, Info, "gained"),
            (Pass, Info, "changed"),
            (Blocked, Error, "changed"),
            (Fail, Fail, "same"),
        ];
        for (was, is, list) in table {
            let diff = compare(
                &report_of(vec![verdict("a/b", was)]),
                &report_of(vec![verdict("a/b", is)]),
            );
            let lists = [
                ("fixed", &diff.fixed),
                ("broken", &diff.broken),
                ("lost", &diff.lost),
                ("gained", &diff.gained),
                ("changed", &diff.changed),
            ];
            let found: Vec<&str> = lists
                .iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(name, _)| *name)
                .collect();
            let found = if diff.same == 1 { vec!["same"] } else { found };
            assert_eq!(found, [list], "{was:?} → {is:?}");
        }
    }

    #[test]
    fn new_and_gone() {
        let old = report_of(vec![verdict("a/gone", Status::Fail), verdict("a/kept", Status::Pass)]);
        let mut new = report_of(vec![verdict("a/kept", Status::Pass), verdict("a/new", Status::Fail)]);
        new.run.catalogue = "another".to_owned();
        let diff = compare(&old, &new);
        assert_eq!(ids(&diff.gone), ["a/gone"]);
        assert_eq!(ids(&diff.new_verdicts), ["a/new"]);
        assert_eq!((diff.same, diff.notes.len()), (1, 1));
        // It never held, so nothing broke.
        assert_eq!(diff.exit_code(FailOn::Fail), 0);
    }

    #[test]
    fn other_words_and_another_level_are_changes_and_other_hashes_are_not() {
        let told = |observed: &str, level| {
            let mut verdict = verdict("a/b", Status::Fail);
            verdict.observed = Some(observed.to_owned());
            verdict.level = level;
            report_of(vec![verdict])
        };
        let old = told("the code hmac:ab12cd was taken", Level::Shall);
        assert_eq!(
            compare(&old, &told("the code hmac:99ff00 was taken", Level::Shall)).same,
            1
        );
        let other = compare(&old, &told("a 500 came back", Level::Shall));
        assert_eq!(ids(&other.changed), ["a/b"]);
        let other = compare(&old, &told("the code hmac:ab12cd was taken", Level::ShallNot));
        assert_eq!(ids(&other.changed), ["a/b"]);
    }

    #[test]
    fn a_later_run_that_judged_nothing_is_not_green() {
        let old = report_of(vec![verdict("a/b", Status::Pass), verdict("a/c", Status::Pass)]);
        let code = |change: fn(&mut Report)| {
            let mut new = report_of(vec![verdict("a/b", Status::Pass)]);
            change(&mut new);
            compare(&old, &new).exit_code(FailOn::Fail)
        };
        assert_eq!(code(|_| {}), 5, "the same was asked for");
        assert_eq!(code(|new| new.run.selection.push("a/b".to_owned())), 0);
        assert_eq!(code(|new| new.run.catalogue = "another".to_owned()), 0);
        let cut = |new: &mut Report| {
            new.run.selection.push("a/b".to_owned());
            new.run.complete = false;
        };
        assert_eq!(code(cut), 5, "it ended early");
        let away = |new: &mut Report| {
            new.run.catalogue = "another".to_owned();
            new.run.exit_code = UNREACHABLE;
        };
        assert_eq!(code(away), 5);
        let was_skipped = report_of(vec![verdict("a/b", Status::Pass), verdict("a/c", Status::Skip)]);
        let now = report_of(vec![verdict("a/b", Status::Pass)]);
        assert_eq!(compare(&was_skipped, &now).exit_code(FailOn::Fail), 0);
    }

    #[test]
    fn the_exit_code() {
        use Status::{Blocked, Fail, Pass, Skip, Warn};
        let code = |was, is, fail_on| {
            compare(
                &report_of(vec![verdict("a/b", was)]),
                &report_of(vec![verdict("a/b", is)]),
            )
            .exit_code(fail_on)
        };
        assert_eq!(code(Pass, Fail, FailOn::Fail), 1);
        assert_eq!(code(Pass, Fail, FailOn::Never), 0);
        assert_eq!(code(Pass, Warn, FailOn::Fail), 0);
        assert_eq!(code(Pass, Warn, FailOn::Warn), 1);
        assert_eq!(code(Pass, Blocked, FailOn::Fail), 5);
        assert_eq!(code(Pass, Blocked, FailOn::Never), 0);
        assert_eq!(code(Pass, Skip, FailOn::Fail), 0);
        assert_eq!(code(Fail, Pass, FailOn::Fail), 0);
        let mut known = verdict("a/b", Fail);
        known.expected_by_baseline = Some("EHR-1".to_owned());
        let diff = compare(&report_of(vec![verdict("a/b", Pass)]), &report_of(vec![known]));
        assert_eq!((ids(&diff.broken), diff.exit_code(FailOn::Fail)), (vec!["a/b"], 0));
    }

    #[test]
    fn what_makes_two_runs_hard_to_compare_is_said() {
        let old = report_of(Vec::new());
        let mut new = report_of(Vec::new());
        new.target.fhir_base = "https://other.example/fhir".to_owned();
        new.run.catalogue = "ab".to_owned();
        new.run.selection = vec!["pkce/".to_owned()];
        new.run.complete = false;
        assert_eq!(
            compare(&old, &new).notes,
            [
                "another target: https://ehr.example/fhir before, https://other.example/fhir now",
                "another selection: everything before, pkce/ now",
                "another catalogue: scenarios or requirements are not the same",
                "the later run ended early: what is missing in it was not run",
            ]
        );
    }
}
