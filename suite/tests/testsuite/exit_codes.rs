//! The public exit codes, one by one, through the real binary.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use launchproof::clock::{Clock as _, SystemClock};
use mock_ehr::Defect;
use reports::exit;
use reports::model::Status;

use crate::program::{self, Server, Written, judge, profile, profile_text, run};

#[tokio::test(flavor = "multi_thread")]
async fn code_0_nothing_unexpected() {
    let ran = judge(&["--only", "state/"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["SHALL", "hold", "report.html"]);
    assert!(ran.report().verdicts.len() > 10);
    for file in ["run.json", "report.html", "junit.xml", "events.jsonl"] {
        assert!(ran.folder().join(file).exists(), "{file}");
    }
}

/// What lets codes and tokens expire moves the clock of the run, and neither its start nor the day of its baseline.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_begins_today_however_far_its_clock_was_moved() {
    let before = SystemClock.now();
    let ran = judge(&["--only", "resource_server/token_expired", "refresh/"]).await;
    let after = SystemClock.now();
    let began: jiff::Timestamp = ran.report().run.started.parse().expect("it is a time");
    assert!(before <= began && began <= after, "{before} {began} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_has_the_codes_of_the_run_and_keeps_the_older_report() {
    let ran = judge(&["--only", "state/returned"]).await;
    let old = std::fs::read(ran.folder().join("run.json")).expect("it was written");
    let out = ran.folder().to_str().expect("text");
    for (more, code) in [
        (&["--only", "no_such/"][..], exit::NOTHING_SELECTED),
        (&["http://127.0.0.1:1/fhir"], exit::UNREACHABLE),
        (&["--only", "state/"], exit::NOTHING_UNEXPECTED),
    ] {
        let arguments = [&["test", "server", "--dry-run", "--out", out], more].concat();
        run(&arguments).await.assert(code, &[]);
        assert_eq!(
            std::fs::read(ran.folder().join("run.json")).ok().as_ref(),
            Some(&old),
            "{more:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_early_leaves_no_older_report_or_bundle() {
    let ran = judge(&["--only", "state/returned", "--bundle", "run.zip"]).await;
    let there = |name: &str| ran.folder().join(name).exists();
    assert!(there("run.json") && there("run.zip"));
    let folder = ran.folder().to_str().expect("text");
    let bundle = format!("{folder}/run.zip");
    let early = [
        "test",
        "server",
        "--out",
        folder,
        "--bundle",
        &bundle,
        "--target",
        "/nowhere/ehr.toml",
    ];
    run(&early).await.assert(exit::BAD_INPUT, &["/nowhere/ehr.toml"]);
    assert!(!there("run.json") && !there("report.html") && !there("run.zip"));
    let nowhere = ["--only", "state/", "--bundle", "/no/such/folder/run.zip"];
    let ran = judge(&nowhere).await;
    ran.assert(exit::USAGE, &["the bundle cannot be written", "--bundle"]);
    assert!(!ran.has_report(), "it was told before anything was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_1_a_broken_requirement() {
    let server = Server::mock(&[Defect::PkceNotVerified]).await;
    let profile = profile(&server.origin);
    let ran = judge(&["--target", profile.path(), "--only", "pkce/verifier_wrong"]).await;
    ran.assert(exit::BROKEN, &["pkce/verifier_wrong"]);
    assert!(ran.count(Status::Fail) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_1_comes_before_5_and_6() {
    let server = Server::mock(&[Defect::PkceNotVerified]).await;
    let profile = Written::new("ehr.toml", &without_secrets(&server.origin));
    let baseline = Written::new("baseline.toml", EXPECTS_A_FAILURE);
    let arguments = [
        "--target",
        profile.path(),
        "--baseline",
        baseline.path(),
        "--only",
        "pkce/verifier_wrong",
    ];
    let only = ["client_auth_symmetric/secret_wrong", "state/returned"];
    let arguments: Vec<&str> = arguments.into_iter().chain(only).collect();
    judge(&arguments).await.assert(exit::BROKEN, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_2_a_wrong_command_line() {
    run(&["test", "server", "--no-such-flag"])
        .await
        .assert(exit::USAGE, &["--no-such-flag"]);
    judge(&["--partition", "4/3"]).await.assert(exit::USAGE, &["1/3"]);
    for flag in ["--timeout", "--step-timeout"] {
        for seconds in ["0", "86401", "18446744073709551615"] {
            let ran = judge(&[flag, seconds, "--rate", "1"]).await;
            ran.assert(exit::USAGE, &[flag, "86400"]);
        }
    }
    judge(&["not a url"]).await.assert(exit::USAGE, &["not a url"]);
    run(&["explain", "pkce/verifier_wron"])
        .await
        .assert(exit::USAGE, &["did you mean `pkce/verifier_wrong`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_3_a_wrong_profile_scenario_or_baseline() {
    let wrong_profile = Written::new("ehr.toml", "fhir_bas = \"http://127.0.0.1:9/fhir\"\n");
    judge(&["--target", wrong_profile.path()])
        .await
        .assert(exit::BAD_INPUT, &["ehr.toml:1:1", "`fhir_base`"]);
    judge(&["--target", "/nowhere/ehr.toml"])
        .await
        .assert(exit::BAD_INPUT, &["/nowhere/ehr.toml"]);

    let wrong_scenario = Written::new("mine/one.yaml", "titel: x\n");
    let folder = wrong_scenario.folder().to_str().expect("text");
    judge(&["--scenarios", folder])
        .await
        .assert(exit::BAD_INPUT, &["one.yaml:1:1", "`title`"]);

    let wrong_baseline = Written::new(
        "baseline.toml",
        "[[expect]]\nscenario = \"state/x\"\nverdict = \"fail\"\n",
    );
    let ran = judge(&["--baseline", wrong_baseline.path(), "--only", "state/"]).await;
    ran.assert(exit::BAD_INPUT, &["baseline.toml:1:1", "reason"]);
    assert!(!ran.has_report(), "nothing was sent, so there is nothing to report");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_4_nothing_selected() {
    let ran = judge(&["--only", "pkce/verifier_wron"]).await;
    ran.assert(
        exit::NOTHING_SELECTED,
        &["did you mean `pkce/verifier_wrong`", "launchproof list"],
    );
    assert!(ran.report().verdicts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn code_5_a_url_without_clients_is_never_conformant() {
    let server = Server::mock(&[]).await;
    let ran = judge(&[&server.fhir()]).await;
    ran.assert(exit::INCOMPLETE, &["unconfigured", "not judged", "incomplete"]);
    let report = ran.report();
    let unconfigured = report
        .verdicts
        .iter()
        .find(|verdict| verdict.status == Status::Unconfigured)
        .expect("one");
    let reason = unconfigured.reason.clone().unwrap_or_default();
    assert!(
        reason.contains("[clients."),
        "it does not say which line to add: {reason}"
    );
    assert!(ran.count(Status::Pass) > 0, "discovery needs no client");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_5_ends_where_the_profile_says_why_something_is_missing() {
    let server = Server::mock(&[]).await;
    let lacking = without_secrets(&server.origin);
    let only = ["--only", "client_auth_symmetric/secret_wrong", "state/returned"];

    let bare = Written::new("ehr.toml", &lacking);
    let arguments: Vec<&str> = ["--target", bare.path()].into_iter().chain(only).collect();
    judge(&arguments).await.assert(exit::INCOMPLETE, &["[accept_missing]"]);

    let reasoned = format!(
        "{lacking}\n[accept_missing]\n\"client_auth_symmetric/\" = \"no app of ours has a secret\"\n\"@symmetric\" = \"nor elsewhere\"\n"
    );
    let reasoned = Written::new("ehr.toml", &reasoned);
    let arguments: Vec<&str> = ["--target", reasoned.path()].into_iter().chain(only).collect();
    judge(&arguments).await.assert(exit::NOTHING_UNEXPECTED, &[]);
}

/// The profile without the clients that have a secret.
fn without_secrets(origin: &str) -> String {
    let text = profile_text(origin);
    let from = text.find("[clients.symmetric]").expect("it has one");
    let to = text.find("[clients.asymmetric]").expect("it has one");
    format!("{}{}", &text[..from], &text[to..])
}

const EXPECTS_A_FAILURE: &str = r#"
[[expect]]
scenario = "state/returned"
verdict  = "fail"
reason   = "it failed once"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn code_6_a_baseline_out_of_date() {
    let passed = Written::new("baseline.toml", EXPECTS_A_FAILURE);
    let ran = judge(&["--only", "state/", "--baseline", passed.path()]).await;
    ran.assert(exit::BASELINE_OUT_OF_DATE, &["state/returned"]);

    let nothing = EXPECTS_A_FAILURE.replace("state/returned", "state/no_such");
    let nothing = Written::new("baseline.toml", &nothing);
    let server = Server::mock(&[]).await;
    let ran = judge(&[&server.fhir(), "--baseline", nothing.path()]).await;
    ran.assert(exit::BASELINE_OUT_OF_DATE, &["state/no_such"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_8_unreachable_or_not_signed_in() {
    let ran = judge(&["http://127.0.0.1:9/fhir"]).await;
    ran.assert(
        exit::UNREACHABLE,
        &["http://127.0.0.1:9/fhir", "cannot connect", "--target"],
    );
    assert_eq!(ran.verdict("control/discovery").status, Status::Error);
    assert!(!ran.report().exchanges.is_empty());

    let server = Server::mock(&[]).await;
    let wrong = profile_text(&server.origin).replace(
        "password = { test_only = \"demo\" }",
        "password = { test_only = \"wrong\" }",
    );
    let wrong = Written::new("ehr.toml", &wrong);
    let ran = judge(&["--target", wrong.path(), "--only", "pkce/", "--client", "public"]).await;
    ran.assert(exit::UNREACHABLE, &["is the password wrong"]);
    assert_eq!(
        ran.report().run.sign_ins,
        3,
        "more would lock the account of a real server"
    );
    assert_eq!(ran.count(Status::Pass), 0);
}

/// Each request takes this long, so that a run can be interrupted in its midst.
async fn slow(request: Request, next: Next) -> axum::response::Response {
    tokio::time::sleep(Duration::from_millis(15)).await;
    next.run(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn code_130_interrupted_with_the_report_of_what_was_done() {
    let server = Server::changed(|router| router.layer(from_fn(slow))).await;
    let profile = profile(&server.origin);
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut child = program::launchproof()
        .args(["test", "server", "--out", ".", "--target", profile.path()])
        .current_dir(out.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    let events = out.path().join("events.jsonl");
    let began = Instant::now();
    let verdicts = || {
        std::fs::read_to_string(&events)
            .unwrap_or_default()
            .matches("\"event\":\"verdict\"")
            .count()
    };
    while verdicts() < 3 {
        assert!(began.elapsed() < Duration::from_secs(30), "no verdict came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.expect("there is a kill").success());
    let status = tokio::task::spawn_blocking(move || child.wait())
        .await
        .expect("it ends")
        .expect("it ends");
    assert_eq!(status.code(), Some(i32::from(exit::INTERRUPTED)));
    let text = std::fs::read_to_string(out.path().join("run.json")).expect("a partial report is written");
    let report: reports::model::Report = serde_json::from_str(&text).expect("it has the shape of a report");
    assert!(!report.run.complete);
    assert_eq!(report.run.exit_code, exit::INTERRUPTED);
    assert!(report.verdicts.len() >= 3);
    assert!(out.path().join("report.html").exists() && out.path().join("junit.xml").exists());
}
