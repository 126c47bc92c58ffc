//! The files that a run leaves: every one that is asked for, what GitHub shows of it, the bundle, and `render`.

use std::path::Path;
use std::process::{Command, Output};

const FILES: [&str; 10] = [
    "run.json",
    "report.html",
    "junit.xml",
    "events.jsonl",
    "report.sarif",
    "evidence.har",
    "summary.md",
    "testreport.json",
    "badge.json",
    "badge.svg",
];

fn launchproof(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_launchproof"))
        .args(arguments)
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .envs(variables.iter().copied())
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// A short run of the embedded mock EHR into this folder.
fn run(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Output {
    let out = folder.to_str().unwrap();
    let mut arguments = vec![
        "test", "server", "--only", "pkce/", "--quiet", "--seed", "1", "--out", out,
    ];
    arguments.extend(more);
    launchproof(&arguments, variables)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}

#[test]
fn report_all_writes_every_file_and_render_makes_the_same_ones_again() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["--report", "all"], &[]);
    assert_eq!(names(folder.path()), sorted(&FILES));

    let again = tempfile::tempdir().unwrap();
    let json = folder.path().join("run.json");
    let (json, out) = (json.to_str().unwrap(), again.path().to_str().unwrap());
    let (code, text) = said(&launchproof(&["render", json, "--report", "all", "--out", out], &[]));
    assert_eq!(code, 0, "{text}");
    for name in FILES.into_iter().filter(|name| *name != "events.jsonl") {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert!(read(folder.path()) == read(again.path()), "{name}");
    }
    let printed = launchproof(&["render", json, "--report", "sarif"], &[]);
    assert_eq!(
        printed.stdout,
        std::fs::read(again.path().join("report.sarif")).unwrap()
    );
}

#[test]
fn render_says_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["--report", "json"], &[]);
    assert_eq!(names(folder.path()), ["run.json"]);
    let path = folder.path().join("run.json");
    let json = path.to_str().unwrap();
    for (arguments, code, expected) in [
        (
            vec!["render", json, "--report", "html,sarif"],
            2,
            "name a folder with --out",
        ),
        (vec!["render", json, "--report", "badge"], 2, "name a folder with --out"),
        (
            vec!["render", json, "--report", "events"],
            2,
            "run.json does not hold them",
        ),
        (vec!["render", json, "--report", "pdf"], 2, "expected terminal, html"),
        (vec!["render", "nowhere.json"], 3, "cannot be read"),
    ] {
        let (was, text) = said(&launchproof(&arguments, &[]));
        assert!(was == code && text.contains(expected), "{arguments:?}: {was} {text}");
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let current = format!("\"schema_version\": \"{}\"", reports::model::SCHEMA_VERSION);
    assert!(text.contains(&current));
    std::fs::write(
        &path,
        text.replace(&current, "\"schema_version\": \"1.99\", \"mood\": 1"),
    )
    .unwrap();
    let (code, said) = said(&launchproof(&["render", json], &[]));
    assert!(code == 3 && said.contains("1.99, which is newer than"), "{said}");
}

#[test]
fn github_is_told_where_it_runs_us_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("step.md");
    std::fs::write(&summary, "before\n").unwrap();
    let out = folder.path().join("report");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let (_, text) = said(&run(&out, &["--report", "json"], &variables));
    assert!(text.contains("::notice title=launchproof::"), "{text}");
    let step = std::fs::read_to_string(&summary).unwrap();
    assert!(step.starts_with("before\n## ") && step.contains("### Areas"), "{step}");

    let (_, text) = said(&run(&out, &["--report", "json"], &[]));
    assert!(!text.contains("::notice"), "{text}");
    let nowhere = folder.path().join("no/such/folder");
    let variables = [("GITHUB_STEP_SUMMARY", nowhere.to_str().unwrap())];
    let (_, text) = said(&run(&out, &["--report", "json"], &variables));
    assert!(text.contains("the step summary cannot be written"), "{text}");
}

#[test]
fn a_bundle_verifies_and_one_that_was_touched_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("out.zip");
    let zip = bundle.to_str().unwrap();
    run(folder.path(), &["--report", "json", "--bundle", zip], &[]);
    let (code, text) = said(&launchproof(&["verify", zip], &[]));
    assert!(
        code == 0 && text.contains("whole and unaltered") && text.contains("manifest sha256:"),
        "{text}"
    );

    let json = folder.path().join("run.json");
    let again = folder.path().join("again.zip");
    let rendered = launchproof(
        &["render", json.to_str().unwrap(), "--bundle", again.to_str().unwrap()],
        &[],
    );
    assert_eq!(said(&rendered), (0, String::new()));
    assert!(
        std::fs::read(&bundle).unwrap() == std::fs::read(&again).unwrap(),
        "the same run, the same bytes"
    );

    let mut bytes = std::fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    for (file, expected) in [
        (zip, "out.zip: "),
        (json.to_str().unwrap(), "not a bundle"),
        ("none.zip", "cannot be read"),
    ] {
        let (code, text) = said(&launchproof(&["verify", file], &[]));
        assert!(code == 3 && text.contains(expected), "{file}: {code} {text}");
    }
    let missing = folder.path().join("no/such/out.zip");
    let (code, text) = said(&run(folder.path(), &["--bundle", missing.to_str().unwrap()], &[]));
    assert!(code == 2 && text.contains("the bundle cannot be written"), "{text}");
}
