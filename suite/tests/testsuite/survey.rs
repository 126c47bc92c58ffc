//! `launchproof survey`: many bases, some of them broken; what is cut is gone on with; nobody is asked by too many at once.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use mock_ehr::Defect;
use reports::exit;
use serde_json::Value;

use crate::program::{Ran, Server, Written, launchproof, run};

/// The lines of a survey by their bases.
fn lines(text: &str) -> BTreeMap<String, Value> {
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            (
                line["base"].as_str().expect("each line names its base").to_owned(),
                line,
            )
        })
        .collect()
}

fn kept(ran: &Ran) -> String {
    std::fs::read_to_string(ran.folder().join("survey.ndjson"))
        .unwrap_or_else(|error| panic!("{error}: {}", ran.shown()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_base_has_its_line_whatever_is_wrong_with_it() {
    let good = Server::mock(&[]).await;
    let bad = Server::mock(&[Defect::PkceS256NotListed]).await;
    let garbage = Server::raw(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let other = Server::changed(|_| axum::Router::new()).await;
    let list = format!(
        "# FHIR bases\n{}\n{}\n\n{}\n{}\nhttp://127.0.0.1:9/fhir\nhttps://ehr.invalid/fhir\nnot a url\nhttp://me:hunter2@127.0.0.1:9/other\n",
        good.fhir(),
        bad.fhir(),
        garbage.fhir(),
        other.fhir(),
    );
    let list = Written::new("urls.txt", &list);
    let ran = run(&["survey", list.path(), "--timeout", "5"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["2 judged", "not reached"]);
    let lines = lines(&ran.stdout);
    assert_eq!(lines.len(), 8, "{}", ran.shown());
    let kind = |base: &str| lines[base]["error"]["kind"].as_str().unwrap_or_default().to_owned();

    let of_good = &lines[&good.fhir()];
    assert_eq!(of_good["error"], Value::Null, "{of_good}");
    assert_eq!(of_good["failed"].as_array().map(Vec::len), Some(0), "{of_good}");
    assert_eq!(of_good["smart"], "2.2");
    assert_eq!(of_good["fhir"], "4.0.1");
    assert_eq!(of_good["complete"], true);
    assert!(
        of_good["verdicts"]["pass"].as_u64().is_some_and(|count| count > 25),
        "{of_good}"
    );
    let sent = of_good["requests"].as_u64().expect("a count");
    assert!((5..40).contains(&sent), "{sent} requests were sent to one base");

    let failed = lines[&bad.fhir()]["failed"].to_string();
    assert!(failed.contains("discovery/s256_listed"), "{failed}");
    assert_eq!(kind(&garbage.fhir()), "not_http");
    assert_eq!(kind(&other.fhir()), "no_documents");
    assert_eq!(kind("http://127.0.0.1:9/fhir"), "connect");
    assert_eq!(kind("https://ehr.invalid/fhir"), "dns");
    assert_eq!(kind("not a url"), "url");
    assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_is_gone_on_with() {
    let (one, two) = (Server::mock(&[]).await, Server::mock(&[]).await);
    let list = Written::new("urls.txt", &format!("{}\n{}\n", one.fhir(), two.fhir()));
    let first = run(&["survey", list.path(), "--out", "survey.ndjson"]).await;
    first.assert(exit::NOTHING_UNEXPECTED, &[]);
    let whole = kept(&first);
    assert_eq!(lines(&whole).len(), 2);
    let path = first.folder().join("survey.ndjson");
    let out = path.to_str().expect("text");

    run(&["survey", list.path(), "--out", out])
        .await
        .assert(exit::USAGE, &["--resume", "--force"]);
    assert_eq!(kept(&first), whole, "nothing was touched");

    // The program was killed in the midst of its second line.
    let cut = &whole[..whole.len() - 40];
    std::fs::write(&path, cut).expect("it can be written");
    let resumed = run(&["survey", list.path(), "--out", out, "--resume"]).await;
    resumed.assert(exit::NOTHING_UNEXPECTED, &["1 bases", "1 were done before"]);
    let healed = kept(&first);
    assert_eq!(healed.lines().count(), 2, "{healed}");
    assert_eq!(lines(&healed).len(), 2);
    assert!(
        healed.starts_with(whole.lines().next().expect("a line")),
        "what was done stands as it was"
    );

    let again = run(&["survey", list.path(), "--out", out, "--resume"]).await;
    again.assert(exit::NOTHING_UNEXPECTED, &["0 bases"]);

    std::fs::write(&path, "{\"no\": \"survey\"}\n").expect("it can be written");
    run(&["survey", list.path(), "--out", out, "--resume"])
        .await
        .assert(exit::BAD_INPUT, &["survey.ndjson:1", "no line of a survey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_lists_and_flags_have_their_codes() {
    run(&["survey", "no-such-list.txt"])
        .await
        .assert(exit::BAD_INPUT, &["no-such-list.txt"]);
    let empty = Written::new("urls.txt", "# nobody\n");
    run(&["survey", empty.path()])
        .await
        .assert(exit::NOTHING_SELECTED, &["names no FHIR base"]);
    run(&["survey", empty.path(), "--resume"])
        .await
        .assert(exit::USAGE, &["--out"]);
    run(&["survey", empty.path(), "--jobs", "0"])
        .await
        .assert(exit::USAGE, &["--jobs"]);
    run(&["survey", empty.path(), "--only", "pkce/"])
        .await
        .assert(exit::NOTHING_SELECTED, &["pkce/"]);
    let dead = Written::new("urls.txt", "http://127.0.0.1:9/fhir\n");
    run(&["survey", dead.path()])
        .await
        .assert(exit::UNREACHABLE, &["connect 1"]);
    run(&["survey", dead.path(), "--out", "/nowhere/at/all.ndjson"])
        .await
        .assert(exit::USAGE, &["--out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_may_come_by_standard_input() {
    let server = Server::mock(&[]).await;
    let base = server.fhir();
    let output = tokio::task::spawn_blocking(move || {
        let mut child = launchproof()
            .args(["survey", "-", "--only", "discovery/found"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        writeln!(stdin, "{base}").expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    })
    .await
    .expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let lines = lines(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(lines[&server.fhir()]["verdicts"]["pass"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_asked_by_no_more_than_it_may_be() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&now), Arc::clone(&most));
    let count = move |request: Request, next: Next| {
        let (now, most) = (Arc::clone(&counters.0), Arc::clone(&counters.1));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            let response: Response = next.run(request).await;
            now.fetch_sub(1, Ordering::SeqCst);
            response
        }
    };
    let server = Server::changed(|router| router.layer(from_fn(count))).await;
    // To the survey these are several bases of one host.
    let bases: Vec<String> = (0..12).map(|n| format!("{}{}", server.fhir(), "/".repeat(n))).collect();
    let list = Written::new("urls.txt", &bases.join("\n"));
    let ran = run(&["survey", list.path(), "--jobs", "12", "--per-host", "2"]).await;
    assert_eq!(lines(&ran.stdout).len(), 12, "{}", ran.shown());
    assert_eq!(most.load(Ordering::SeqCst), 2, "{}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_slow_ends_in_its_time_with_what_was_judged() {
    let slow = |request: Request, next: Next| async move {
        tokio::time::sleep(Duration::from_millis(400)).await;
        next.run(request).await
    };
    let server = Server::changed(|router| router.layer(from_fn(slow))).await;
    let list = Written::new("urls.txt", &server.fhir());
    let ran = run(&["survey", list.path(), "--patience", "3"]).await;
    let lines = lines(&ran.stdout);
    let line = &lines[&server.fhir()];
    assert_eq!(line["complete"], false, "{line}");
    assert_eq!(line["error"], Value::Null, "{line}");
    assert!(
        line["ms"].as_u64().is_some_and(|ms| (2900..9000).contains(&ms)),
        "{line}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn interrupted_it_leaves_whole_lines_that_are_gone_on_with() {
    let slow = |request: Request, next: Next| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        next.run(request).await
    };
    let server = Server::changed(|router| router.layer(from_fn(slow))).await;
    let bases: Vec<String> = (0..40).map(|n| format!("{}{}", server.fhir(), "/".repeat(n))).collect();
    let list = Written::new("urls.txt", &bases.join("\n"));
    let out = list.folder().join("survey.ndjson");
    let out_text = out.to_str().expect("text").to_owned();
    let mut child = launchproof()
        .args(["survey", list.path(), "--out", &out_text, "--jobs", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let done = || std::fs::read_to_string(&out).unwrap_or_default().lines().count();
    let began = std::time::Instant::now();
    while done() < 3 {
        assert!(began.elapsed() < Duration::from_mins(1), "no line came");
        tokio::time::sleep(Duration::from_millis(5)).await;
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
    let kept = std::fs::read_to_string(&out).expect("it was written");
    let first = lines(&kept).len();
    assert!((3..40).contains(&first) && kept.ends_with('\n'), "{first} lines");
    let arguments = [
        "survey",
        list.path(),
        "--out",
        &out_text,
        "--resume",
        "--only",
        "discovery/found",
    ];
    run(&arguments)
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["were done before"]);
    let whole = std::fs::read_to_string(&out).expect("it was written");
    assert_eq!(lines(&whole).len(), 40);
    assert!(whole.starts_with(&kept), "what was done stands as it was");
}
