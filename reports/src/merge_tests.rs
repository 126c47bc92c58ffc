//! Parts of one run, and what only looks like them.

use super::*;
use crate::exit::{self, FailOn};
use crate::sample::{report_of, verdict};

fn part(number: usize, of: usize, planned: usize, verdicts: Vec<Verdict>) -> Part {
    let mut report = report_of(verdicts);
    report.run.selection = vec!["pkce/".to_owned(), format!("--partition {number}/{of}")];
    report.run.partition = Some(Partition {
        part: number,
        of,
        planned,
    });
    report.run.controls = Controls { tried: 2, passed: 2 };
    report.run.catalogue = "ab12".to_owned();
    Part {
        name: format!("part{number}.json"),
        report,
    }
}

fn three() -> Vec<Part> {
    vec![
        part(
            1,
            3,
            4,
            vec![verdict("a/a", Status::Pass), verdict("a/d", Status::Pass)],
        ),
        part(2, 3, 4, vec![verdict("a/b", Status::Fail)]),
        part(3, 3, 4, vec![verdict("a/c", Status::Warn)]),
    ]
}

fn error(parts: Vec<Part>) -> String {
    merge(parts)
        .expect_err("these are not the parts of one run")
        .to_string()
}

#[test]
fn the_parts_make_the_whole_in_any_order() {
    let mut backwards = three();
    backwards.reverse();
    let merged = merge(three()).unwrap();
    assert_eq!(merged, merge(backwards).unwrap());
    let ids: Vec<String> = merged.verdicts.iter().map(Verdict::id).collect();
    assert_eq!(ids, ["a/a", "a/b", "a/c", "a/d"]);
    assert_eq!(merged.run.selection, ["pkce/"]);
    assert_eq!((merged.run.partition, merged.run.complete), (None, true));
    assert_eq!(merged.run.controls, Controls { tried: 6, passed: 6 });
    assert_eq!((merged.run.requests, merged.run.sign_ins), (30, 3));
}

#[test]
fn a_number_in_a_file_is_not_counted_through() {
    let many = 1_000_000_000_000_000;
    assert_eq!(
        error(vec![part(2, many, 4, Vec::new())]),
        "part 1, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 999999999999989 more of 1000000000000000 are missing"
    );
    assert_eq!(
        error(vec![part(4, 3, 4, Vec::new())]),
        "part4.json: there is no part 4 of 3"
    );
    assert_eq!(
        error(vec![part(0, 0, 4, Vec::new())]),
        "part0.json: there is no part 0 of 0"
    );
}

#[test]
fn what_is_no_part_of_this_run_is_refused_by_name() {
    let mut twice = three();
    twice.push(twice[1].clone());
    assert_eq!(error(twice), "part2.json: part 2 of 3 was given already, as part2.json");
    assert_eq!(error(three()[..2].to_vec()), "part 3 of 3 is missing");
    assert_eq!(error(Vec::new()), "no part was given");

    let mut whole = three();
    whole[2].report.run.partition = None;
    assert_eq!(
        error(whole),
        "part3.json: it is no part of a run: it was made without --partition"
    );
    let mut of_four = three();
    of_four[2] = part(4, 4, 4, Vec::new());
    assert_eq!(
        error(of_four),
        "part4.json: it is part 4 of 4, and part1.json is part 1 of 3"
    );
    let mut overlapping = three();
    overlapping[2].report.verdicts = vec![verdict("a/b", Status::Pass)];
    assert_eq!(
        error(overlapping),
        "parts overlap: a/b was judged in part2.json and in part3.json"
    );
    let mut short = three();
    short[2].report.verdicts.clear();
    assert_eq!(
        error(short),
        "the parts hold 3 verdicts, and their run has 4: they were not made from one selection"
    );
}

#[test]
fn another_target_version_selection_or_catalogue_is_another_run() {
    type Change = fn(&mut Report);
    let table: [(&str, Change); 8] = [
        ("the FHIR base", |r| {
            r.target.fhir_base = "https://other.example/fhir".into();
        }),
        ("the target", |r| r.target.name = "other".into()),
        ("the SMART version", |r| r.target.smart_version = "1.0".into()),
        ("the program", |r| r.tool = "launchproof 9".into()),
        ("the catalogue", |r| r.run.catalogue = "cd34".into()),
        ("the selection", |r| {
            r.run.selection = vec!["state/".into(), "--partition 2/3".into()];
        }),
        ("the user agent", |r| r.run.agent = "chrome".into()),
        ("--profile", |r| r.run.raised = vec!["bcp".into()]),
    ];
    for (what, change) in table {
        let mut parts = three();
        change(&mut parts[1].report);
        let error = error(parts);
        assert!(
            error.starts_with(&format!("part2.json is of another run than part1.json: {what} is `")),
            "{error}"
        );
    }
}

#[test]
fn evidence_is_numbered_anew() {
    let exchange = |id: usize, url: &str| Exchange {
        id,
        step: "exchange".to_owned(),
        at_ms: 1,
        request: crate::model::Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
        },
        response: None,
        failure: None,
        decoded: Vec::new(),
    };
    let mut parts = three();
    parts[0].report.exchanges = vec![exchange(0, "/for-d"), exchange(1, "/for-a")];
    parts[0].report.verdicts[0].evidence = vec![1];
    parts[0].report.verdicts[1].evidence = vec![0, 1];
    parts[1].report.exchanges = vec![exchange(0, "/for-b")];
    parts[1].report.verdicts[0].evidence = vec![0];
    let merged = merge(parts).unwrap();
    let urls = |at: usize| -> Vec<&str> {
        let evidence = &merged.verdicts[at].evidence;
        evidence
            .iter()
            .map(|id| merged.exchanges[*id].request.url.as_str())
            .collect()
    };
    assert_eq!(
        (urls(0), urls(1), urls(3)),
        (vec!["/for-a"], vec!["/for-b"], vec!["/for-d", "/for-a"])
    );
    assert!(
        merged
            .exchanges
            .iter()
            .enumerate()
            .all(|(at, exchange)| exchange.id == at)
    );
}

#[test]
fn what_judges_the_whole_run_is_the_worst_of_the_parts() {
    use Status::{Fail, Pass, Skip};
    let table = [
        ([Pass, Pass, Pass], Pass, None),
        ([Pass, Fail, Pass], Fail, None),
        ([Skip, Skip, Skip], Skip, None),
        (
            [Skip, Pass, Skip],
            Pass,
            Some("judged part by part; part 1, 3 of 3 saw too little"),
        ),
    ];
    for (statuses, expected, note) in table {
        let parts = statuses.into_iter().zip(1..).map(|(status, number)| {
            let mut verdict = verdict("code/entropy", status);
            verdict.of_the_whole_run = true;
            part(number, 3, 1, vec![verdict])
        });
        let merged = merge(parts.collect()).unwrap();
        assert_eq!(merged.verdicts.len(), 1);
        assert_eq!(merged.verdicts[0].status, expected, "{statuses:?}");
        assert_eq!(merged.verdicts[0].reason.as_deref(), note, "{statuses:?}");
    }
}

#[test]
fn a_control_may_fail_in_several_parts() {
    let mut parts = three();
    for part in &mut parts[1..] {
        let mut control = verdict("control/exchange", Status::Fail);
        control.area = CONTROL.to_owned();
        part.report.verdicts.push(control);
    }
    assert_eq!(merge(parts).unwrap().verdicts.len(), 5);
}

#[test]
fn a_part_that_was_cut_short_is_said_and_is_never_green() {
    let fine = crate::baseline::BaselineOutcome::default();
    let mut parts = three();
    parts[1].report.verdicts.clear();
    parts[1].report.run.complete = false;
    let merged = merge(parts.clone()).unwrap();
    assert_eq!(merged.run.stopped.as_deref(), Some("part 2 of 3 was interrupted"));
    assert_eq!(exit::exit_code(&merged, FailOn::Fail, &fine).0, exit::INCOMPLETE);

    parts[1].report.run.stopped = Some("--max-fail 1 was reached".to_owned());
    let merged = merge(parts).unwrap();
    assert_eq!(
        merged.run.stopped.as_deref(),
        Some("part 2 of 3: --max-fail 1 was reached")
    );
}

#[test]
fn a_part_that_reached_nothing_makes_the_whole_incomplete_and_all_of_them_make_it_unreachable() {
    let fine = crate::baseline::BaselineOutcome::default();
    let lost = |part: &mut Part| {
        let mut control = verdict("control/discovery", Status::Error);
        control.area = CONTROL.to_owned();
        part.report.verdicts = vec![control];
        part.report.run.controls = Controls::default();
    };
    let mut parts = three();
    lost(&mut parts[2]);
    let merged = merge(parts.clone()).unwrap();
    assert_eq!(
        merged.run.stopped.as_deref(),
        Some("part 3 of 3 did not reach the target")
    );
    parts.iter_mut().for_each(lost);
    let merged = merge(parts).unwrap();
    assert_eq!(exit::exit_code(&merged, FailOn::Fail, &fine).0, exit::UNREACHABLE);
}
