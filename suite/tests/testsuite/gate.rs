//! What a CI gate turns: `--fail-on`, `--max-fail`, `--rerun-failed`, `--rate`, `--profile bcp`, `diff`, `baseline`; and
//! what the program says of itself.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use mock_ehr::Defect;
use reports::exit;
use reports::model::{Report, Status, Verdict};

use crate::program::{Ran, Server, Written, judge, profile, run};

/// With the public client alone: a seed repeats the `jti` of every assertion, which a server takes once.
async fn judge_public(server: &Server, more: &[&str]) -> Ran {
    judge_at(server, &[more, &["--client", "public"]].concat()).await
}

async fn judge_at(server: &Server, more: &[&str]) -> Ran {
    let profile = profile(&server.origin);
    let arguments: Vec<&str> = ["--target", profile.path()].iter().chain(more).copied().collect();
    judge(&arguments).await
}

fn run_json(ran: &Ran) -> String {
    let path = ran.folder().join("run.json");
    path.to_str().expect("temporary paths are text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_on_says_what_is_red() {
    let server = Server::mock(&[Defect::PkceNotVerified]).await;
    let only = ["--only", "pkce/verifier_wrong"];
    for (more, code) in [
        (vec![], exit::BROKEN),
        (vec!["--fail-on", "fail"], exit::BROKEN),
        (vec!["--fail-on", "warn"], exit::BROKEN),
        (vec!["--strict"], exit::BROKEN),
        (vec!["--fail-on", "never"], exit::NOTHING_UNEXPECTED),
    ] {
        let arguments: Vec<&str> = only.iter().copied().chain(more).collect();
        judge_public(&server, &arguments).await.assert(code, &[]);
    }
    judge(&["--strict", "--fail-on", "never"])
        .await
        .assert(exit::USAGE, &["--fail-on", "--strict"]);
    judge(&["--fail-on", "sometimes"])
        .await
        .assert(exit::USAGE, &["fail", "warn", "never"]);
    // Nothing to read is red all the same.
    judge(&["http://127.0.0.1:9/fhir", "--fail-on", "never"])
        .await
        .assert(exit::UNREACHABLE, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn max_fail_stops_after_so_many_and_says_that_it_is_incomplete() {
    let server = Server::mock(&[Defect::PkceNotVerified, Defect::StateDropped]).await;
    let all = judge_public(&server, &["--only", "pkce/", "state/"]).await;
    let fails = all.count(Status::Fail);
    assert!(fails > 3, "{fails}");
    let ran = judge_public(&server, &["--only", "pkce/", "state/", "--max-fail", "2"]).await;
    ran.assert(exit::BROKEN, &["incomplete: --max-fail 2 was reached"]);
    let report = ran.report();
    assert!(!report.run.complete);
    assert_eq!(report.run.stopped.as_deref(), Some("--max-fail 2 was reached"));
    assert!(ran.count(Status::Fail) >= 2 && ran.count(Status::Fail) < fails);
    assert!(report.verdicts.len() < all.report().verdicts.len());
    let page = std::fs::read_to_string(ran.folder().join("report.html")).expect("it was written");
    assert!(page.contains("--max-fail 2 was reached"));

    // What the baseline expects does not count.
    let expected: String = ["pkce", "state"]
        .iter()
        .flat_map(|area| all.report().verdicts.into_iter().filter(move |v| v.area == *area))
        .filter(|verdict| verdict.status == Status::Fail)
        .fold(String::new(), |text, verdict| {
            text + &format!(
                "[[expect]]\nscenario = '{}'\nverdict = \"fail\"\nreason = \"known\"\n",
                verdict.id()
            )
        });
    let baseline = Written::new("baseline.toml", &expected);
    let ran = judge_public(
        &server,
        &[
            "--only",
            "pkce/",
            "state/",
            "--max-fail",
            "1",
            "--baseline",
            baseline.path(),
        ],
    )
    .await;
    assert!(ran.report().run.complete, "{}", ran.shown());
    judge(&["--max-fail", "0"]).await.assert(exit::USAGE, &["--max-fail"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rerun_failed_takes_what_was_not_settled_with_its_controls() {
    let broken = Server::mock(&[Defect::PkceNotVerified]).await;
    let first = judge_public(&broken, &["--only", "pkce/"]).await;
    let open: Vec<String> = first
        .report()
        .verdicts
        .iter()
        .filter(|verdict| !matches!(verdict.status, Status::Pass | Status::Info | Status::Skip))
        .map(Verdict::id)
        .collect();
    assert!(open.len() > 2, "{open:?}");
    let again = judge_public(&broken, &["--rerun-failed", &run_json(&first)]).await;
    again.assert(exit::BROKEN, &[]);
    let ids: Vec<String> = again.report().verdicts.iter().map(Verdict::id).collect();
    assert_eq!(ids, open);
    assert!(
        again.report().run.controls.passed > 0,
        "a refusal needs its control here too"
    );

    // The server is mended: what failed is refused now, between two controls that are accepted.
    let mended = Server::mock(&[]).await;
    let again = judge_public(&mended, &["--rerun-failed", &run_json(&first)]).await;
    again.assert(exit::NOTHING_UNEXPECTED, &[]);
    assert_eq!(again.report().verdicts.len(), open.len());
    assert!(
        again
            .report()
            .run
            .selection
            .iter()
            .any(|word| word.starts_with("--rerun-failed "))
    );

    // Nothing failed: there is nothing to run again.
    judge_public(&mended, &["--rerun-failed", &run_json(&again)])
        .await
        .assert(exit::NOTHING_SELECTED, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rerun_failed_takes_what_was_blocked_and_what_met_an_error() {
    let server = Server::changed(|router| {
        router.layer(from_fn(|request: Request, next: Next| async move {
            if request.uri().path() == "/auth/token" {
                return axum::response::IntoResponse::into_response(axum::http::StatusCode::TOO_MANY_REQUESTS);
            }
            next.run(request).await
        }))
    })
    .await;
    let first = judge_at(&server, &["--only", "pkce/verifier_wrong", "state/returned"]).await;
    let blocked = first.count(Status::Blocked) + first.count(Status::Error);
    assert!(blocked > 0, "{}", first.shown());
    let mended = Server::mock(&[]).await;
    let again = judge_at(&mended, &["--rerun-failed", &run_json(&first)]).await;
    again.assert(exit::NOTHING_UNEXPECTED, &[]);
    // The controls that failed are no items.
    let controls = first
        .report()
        .verdicts
        .iter()
        .filter(|verdict| verdict.area == "control")
        .count();
    let open = first.count(Status::Fail) + blocked - controls;
    assert_eq!(again.report().verdicts.len(), open, "{}", again.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_bounds_the_requests_of_every_second() {
    const MOST: usize = 10;
    let heard: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let ear = Arc::clone(&heard);
    let server = Server::changed(|router| {
        router.layer(from_fn(move |request: Request, next: Next| {
            ear.lock()
                .expect("no test panics while it holds it")
                .push(Instant::now());
            next.run(request)
        }))
    })
    .await;
    judge_at(&server, &["--only", "state/returned", "--rate", "10"])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &[]);
    let times = heard.lock().expect("the run is over").clone();
    assert!(times.len() > 2 * MOST, "only {} requests", times.len());
    let most = times.iter().map(|from| {
        // What was sent within a second may be heard within a little less.
        let within = *from + Duration::from_millis(900);
        times.iter().filter(|at| **at >= *from && **at < within).count()
    });
    let most = most.max().unwrap_or_default();
    assert!(most <= MOST, "{most} requests in 0.9 s");
    judge(&["--rate", "0"]).await.assert(exit::USAGE, &["--rate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_bcp_makes_a_warning_of_rfc_9700_a_failure() {
    let server = Server::mock(&[Defect::TokenGrantTypePasswordAccepted]).await;
    let only = ["--only", "token/password_grant"];
    let plain = judge_public(&server, &only).await;
    plain.assert(exit::NOTHING_UNEXPECTED, &[]);
    assert!(
        plain.count(Status::Warn) > 0 && plain.count(Status::Fail) == 0,
        "{}",
        plain.shown()
    );
    let raised = judge_public(&server, &[&only[..], &["--profile", "bcp"]].concat()).await;
    raised.assert(exit::BROKEN, &["token/password_grant"]);
    assert_eq!(
        raised.count(Status::Fail),
        plain.count(Status::Warn),
        "{}",
        raised.shown()
    );
    assert_eq!(raised.report().run.raised, ["bcp"]);
    let page = std::fs::read_to_string(raised.folder().join("report.html")).expect("it was written");
    assert!(page.contains("--profile bcp"));
    judge(&["--profile", "fapi"]).await.assert(exit::USAGE, &["bcp"]);
    run(&["explain", "token/password_grant"])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["--profile bcp", "SHALL NOT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_says_what_broke_in_three_forms() {
    let only = ["--only", "pkce/verifier_wrong", "state/returned"];
    let (good, bad) = (Server::mock(&[]).await, Server::mock(&[Defect::PkceNotVerified]).await);
    let (old, new) = (judge_at(&good, &only).await, judge_at(&bad, &only).await);
    let (old, new) = (run_json(&old), run_json(&new));
    run(&["diff", &old, &new]).await.assert(
        exit::BROKEN,
        &["broken (", "pass → fail pkce/verifier_wrong", "another target"],
    );
    run(&["diff", &new, &old]).await.assert(
        exit::NOTHING_UNEXPECTED,
        &["fixed (", "fail → pass pkce/verifier_wrong"],
    );
    run(&["diff", &old, &old])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["0 broken"]);
    run(&["diff", &old, &new, "--fail-on", "never"])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["pass → fail"]);
    run(&["diff", &old, &new, "--report", "markdown"])
        .await
        .assert(exit::BROKEN, &["#### broken", "<code>pkce/verifier&#95;wrong"]);

    let json = run(&["diff", &old, &new, "--report", "json"]).await;
    json.assert(exit::BROKEN, &[]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("it is JSON");
    let schema: serde_json::Value =
        serde_json::from_str(&run(&["schema", "diff"]).await.stdout).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).next());
    assert!(!value["broken"].as_array().expect("a list").is_empty());
    let mut wrong = value.clone();
    wrong["broke"] = serde_json::json!([]);
    assert!(!validator.is_valid(&wrong));
    run(&["diff", &old, "/nowhere/run.json"])
        .await
        .assert(exit::BAD_INPUT, &["/nowhere/run.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_baseline() {
    let server = Server::mock(&[Defect::PkceNotVerified]).await;
    let only = ["--only", "pkce/verifier_wrong", "state/returned"];
    let first = judge_public(&server, &only).await;
    first.assert(exit::BROKEN, &[]);
    let baseline = Written::new("baseline.toml", "# Of team A.\n");
    let (file, old) = (baseline.path(), run_json(&first));

    // Written by the program, refused until a person gives the reasons.
    run(&["baseline", "update", file, &old]).await.assert(
        exit::NOTHING_UNEXPECTED,
        &["new, waits for its reason: pkce/verifier_wrong"],
    );
    run(&["baseline", "check", file, &old])
        .await
        .assert(exit::BAD_INPUT, &["baseline.toml:", "is empty", "say why"]);
    judge_public(&server, &[&only[..], &["--baseline", file]].concat())
        .await
        .assert(exit::BAD_INPUT, &["is empty"]);
    let text = std::fs::read_to_string(file).expect("it was written");
    assert!(text.starts_with("# Of team A.\n"), "{text}");
    std::fs::write(file, text.replace("reason = \"\"", "reason = \"EHR-1\"")).expect("a person writes it");
    run(&["baseline", "check", file, &old])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["fits"]);
    judge_public(&server, &[&only[..], &["--baseline", file]].concat())
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["the baseline expects"]);

    // Each way of being out of date names its line.
    let mended = Server::mock(&[]).await;
    let fixed = judge_public(&mended, &[&only[..], &["--baseline", file]].concat()).await;
    fixed.assert(
        exit::BASELINE_OUT_OF_DATE,
        &["(line ", "is pass now, no longer fail: remove it"],
    );
    let expired = std::fs::read_to_string(file)
        .expect("it is there")
        .replace("reason = \"EHR-1\"", "reason = \"EHR-1\"\nexpires = 2020-01-01");
    let expired = Written::new("expired.toml", &expired);
    run(&["baseline", "check", expired.path(), &old]).await.assert(
        exit::BASELINE_OUT_OF_DATE,
        &["expired.toml:", "expired on 2020-01-01: decide again"],
    );
    let nothing = "[[expect]]\nscenario = \"state/no_such\"\nverdict = \"fail\"\nreason = \"EHR-2\"\n";
    let nothing = Written::new("nothing.toml", nothing);
    let whole = judge(&[&mended.fhir(), "--baseline", nothing.path()]).await;
    whole.assert(exit::BASELINE_OUT_OF_DATE, &["state/no_such (line 1) names no verdict"]);
    run(&["baseline", "check", nothing.path(), &run_json(&whole)])
        .await
        .assert(exit::BASELINE_OUT_OF_DATE, &["nothing.toml:1: state/no_such"]);

    // What passes leaves, and what the team wrote stays.
    run(&["baseline", "update", file, &run_json(&fixed)])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["removed: line "]);
    let text = std::fs::read_to_string(file).expect("it was written");
    assert!(text.contains("# Of team A.") && !text.contains("[[expect]]"), "{text}");
    run(&["baseline", "update", "/nowhere/baseline.toml", &old])
        .await
        .assert(exit::USAGE, &["/nowhere/baseline.toml", "cannot be written"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_names_the_catalogue_and_so_does_the_report() {
    let ran = run(&["--version"]).await;
    ran.assert(
        exit::NOTHING_UNEXPECTED,
        &[env!("CARGO_PKG_VERSION"), "catalogue sha256:"],
    );
    let hash = ran
        .stdout
        .split("sha256:")
        .nth(1)
        .expect("it is there")
        .trim()
        .to_owned();
    assert_eq!(hash.len(), 64);
    assert_eq!(
        judge(&["--only", "state/returned@public"]).await.report().run.catalogue,
        hash
    );

    // Scenarios of one's own are another catalogue.
    let own = "title: Mine\nabout: |\n  x\nlevel: SHOULD\nrequirements: [rfc9110/15.6]\nclients: none\ngiven: discovered\n\
               when:\n  - discover: {}\nthen:\n  - answered: {}\n";
    let own = Written::new("mine/one.yaml", own);
    let folder = own.folder().to_str().expect("text");
    let ran = judge(&["--only", "state/returned@public", "--scenarios", folder]).await;
    let other = ran.report().run.catalogue;
    assert!(other.len() == 64 && other != hash, "{other}");
}

#[tokio::test]
async fn help_lists_every_exit_code() {
    let ran = run(&["--help"]).await;
    for code in 0..=u8::MAX {
        if let Some(meaning) = exit::meaning(code) {
            assert!(
                ran.stdout.contains(&format!("{code:<4} {meaning}")),
                "{code}:\n{}",
                ran.stdout
            );
        }
    }
    assert!(ran.stdout.contains("70, 130, 2, 3, 4, 8, 1, 6, 5, 0"));
}

#[tokio::test]
async fn completions_are_what_their_shells_read() {
    for (shell, word) in [
        ("bash", "_launchproof()"),
        ("zsh", "#compdef launchproof"),
        ("fish", "complete -c launchproof"),
        ("elvish", "edit:completion:arg-completer[launchproof]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = run(&["completions", shell]).await;
        ran.assert(exit::NOTHING_UNEXPECTED, &[word, "rerun-failed", "merge"]);
        let script = Written::new("script", &ran.stdout);
        let reader = match shell {
            "bash" | "zsh" | "fish" => shell,
            _ => continue,
        };
        match std::process::Command::new(reader).args(["-n", script.path()]).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(error) if reader == "bash" => panic!("there is no bash: {error}"),
            // The others are read where they are installed.
            Err(_) => {}
        }
    }
    run(&["completions", "cmd"]).await.assert(exit::USAGE, &["powershell"]);
}

#[tokio::test]
async fn there_is_a_manual_page_for_every_command() {
    let page = run(&["man"]).await;
    page.assert(
        exit::NOTHING_UNEXPECTED,
        &[".TH launchproof 1", ".SH SUBCOMMANDS", "Exit codes"],
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("man1");
    let ran = run(&["man", "--out", out.to_str().expect("text")]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["pages in"]);
    for name in [
        "launchproof",
        "launchproof-test-server",
        "launchproof-merge",
        "launchproof-baseline-update",
    ] {
        let page =
            std::fs::read_to_string(out.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".TH "), "{name}");
    }
    let server = std::fs::read_to_string(out.join("launchproof-test-server.1")).expect("it is there");
    assert!(
        server.contains("max\\-fail") && server.contains("rerun\\-failed"),
        "{server}"
    );
    let taken = Written::new("taken", "x");
    run(&["man", "--out", taken.path()])
        .await
        .assert(exit::USAGE, &["cannot be written", "--out"]);
}

/// The examples for CI say commands and flags that exist.
#[tokio::test]
async fn the_examples_for_ci_use_flags_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let help = |words: &'static [&'static str]| async move { run(words).await.stdout };
    let known = [
        help(&["test", "server", "--help"]).await,
        help(&["merge", "--help"]).await,
        help(&["diff", "--help"]).await,
        help(&["render", "--help"]).await,
        help(&["baseline", "update", "--help"]).await,
        help(&["man", "--help"]).await,
        help(&["--help"]).await,
    ]
    .join("\n");
    let mut seen = 0;
    for file in [
        "docs/ci.md",
        "docs/ci/kubernetes.yaml",
        "docs/ci/kubernetes-merge.yaml",
        "docs/ci/github.yml",
        "docs/ci/gitlab.yml",
        "docs/ci/Jenkinsfile",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let command_lines = text.lines().filter(|line| {
            let is_argument = line.trim_start().starts_with("- --");
            is_argument || line.contains("launchproof ") && line.contains(" --")
        });
        for line in command_lines {
            for word in line
                .split([' ', '`', '"', '=', ')'])
                .filter(|word| word.starts_with("--") && word.len() > 3)
            {
                seen += 1;
                assert!(known.contains(word), "{file}: {word} in `{line}`");
            }
        }
        let kind = Path::new(file).extension().unwrap_or_default();
        if kind == "yaml" || kind == "yml" {
            for document in text.split("\n---\n") {
                let parsed: Result<serde_json::Value, _> = serde_saphyr::from_str(document);
                assert!(parsed.is_ok(), "{file}: {parsed:?}");
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_70_where_the_program_itself_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Without a descriptor to spare there is no runtime, which no command line can help.
    let output = std::process::Command::new("bash")
        .args(["-c", "ulimit -n 4; exec \"$L\" test server --only state/ --out report"])
        .env("L", crate::program::launchproof().get_program())
        .current_dir(folder.path())
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(i32::from(exit::INTERNAL)), "{said}");
    assert!(said.contains("launchproof:"), "{said}");
}

/// The report of the order in which codes are given.
fn code_of(change: impl FnOnce(&mut Report)) -> u8 {
    let text = include_str!("../../../reports/samples/every_outcome.json");
    let mut report: Report = serde_json::from_str(text).expect("it is a report");
    change(&mut report);
    exit::exit_code(
        &report,
        exit::FailOn::Fail,
        &reports::baseline::BaselineOutcome::default(),
    )
    .0
}

#[test]
fn the_order_of_the_codes_of_a_report() {
    let lost = |report: &mut Report| report.run.controls = reports::model::Controls { tried: 3, passed: 0 };
    assert_eq!(code_of(|_| {}), exit::BROKEN);
    assert_eq!(code_of(lost), exit::UNREACHABLE, "8 before 1");
    assert_eq!(
        code_of(|report| {
            lost(report);
            report.verdicts.clear();
        }),
        exit::NOTHING_SELECTED,
        "4 before 8"
    );
    assert_eq!(
        code_of(|report| {
            lost(report);
            report.verdicts.clear();
            report.run.complete = false;
        }),
        exit::INTERRUPTED,
        "130 before 4"
    );
}
