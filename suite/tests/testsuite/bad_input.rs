//! What a user may give or a target may do wrong: each ends in a message that says what was tried, what came back and
//! what to do, with the right exit code and the report of what was done until then.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use reports::exit;
use reports::model::Status;

use crate::program::{Ran, Server, Written, judge, judge_with, profile, profile_text, run};

/// A mock whose answer to `path` is another.
async fn mock_but<F>(path: &'static str, answer: F) -> Server
where
    F: Fn() -> Response + Clone + Send + Sync + 'static,
{
    let instead = move |request: Request, next: Next| {
        let answer = answer.clone();
        async move {
            if request.uri().path() == path {
                answer()
            } else {
                next.run(request).await
            }
        }
    };
    Server::changed(|router| router.layer(from_fn(instead))).await
}

/// A run of the few scenarios that sign in.
async fn judge_sign_in(server: &Server, more: &[&str]) -> Ran {
    let profile = profile(&server.origin);
    let only = [
        "--target",
        profile.path(),
        "--only",
        "pkce/verifier_wrong",
        "--client",
        "public",
    ];
    let arguments: Vec<&str> = only.iter().chain(more).copied().collect();
    judge(&arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_with_an_unknown_key() {
    let profile = Written::new(
        "ehr.toml",
        "fhir_base = \"http://127.0.0.1:9/fhir\"\n[pateints]\na = \"1\"\n",
    );
    judge(&["--target", profile.path()])
        .await
        .assert(exit::BAD_INPUT, &["ehr.toml:2:2", "pateints", "`patients`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret() {
    let text = r#"
fhir_base = "http://127.0.0.1:9/fhir"
[clients.one]
kind = "symmetric"
client_id = "app"
client_secret = { env = "LAUNCHPROOF_SECRET" }
redirect_uris = ["https://app.example/cb"]
"#;
    let profile = Written::new("ehr.toml", text);
    let ran = judge(&["--target", profile.path()]).await;
    ran.assert(exit::BAD_INPUT, &["ehr.toml:6:", "LAUNCHPROOF_SECRET", "is not set"]);
    let set = judge_with(&["--target", profile.path()], |command| {
        command.env("LAUNCHPROOF_SECRET", "s3cret-of-the-environment");
    })
    .await;
    set.assert(exit::UNREACHABLE, &[]);
    let written = std::fs::read_to_string(set.folder().join("run.json")).expect("a report");
    assert!(!written.contains("s3cret-of-the-environment"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_host() {
    let ran = judge(&["http://127.0.0.1:9/fhir"]).await;
    let tried = "http://127.0.0.1:9/fhir/.well-known/smart-configuration";
    ran.assert(
        exit::UNREACHABLE,
        &[tried, "/fhir/metadata", "Connection refused", "Check the FHIR base"],
    );
    assert_eq!(ran.report().exchanges.len(), 2);

    let ran = judge(&["http://no-such-host.invalid/fhir", "--timeout", "5"]).await;
    ran.assert(exit::UNREACHABLE, &["no-such-host.invalid", "cannot connect"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_fhir() {
    let server = Server::start(|_| Router::new().route("/", get(|| async { "hello" }))).await;
    let ran = judge(&[&server.fhir()]).await;
    ran.assert(
        exit::UNREACHABLE,
        &["answered 404", "/metadata", "Check the FHIR base", "[endpoints]"],
    );
    assert_eq!(ran.verdict("control/discovery").status, Status::Error);

    let server = Server::start(|_| Router::new().fallback(|| async { axum::Json(serde_json::json!([1, 2])) })).await;
    judge(&[&server.fhir()])
        .await
        .assert(exit::UNREACHABLE, &["the body is JSON, but not an object"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn something_that_is_not_http() {
    let server = Server::raw(b"220 mail.example ESMTP\r\n").await;
    judge(&[&server.fhir()]).await.assert(exit::UNREACHABLE, &["not HTTP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn html_where_json_belongs() {
    let page = || Html("<!doctype html><title>Welcome</title><p>Sign in").into_response();
    let server = Server::start(|_| Router::new().fallback(move || async move { page() })).await;
    let ran = judge(&[&server.fhir()]).await;
    ran.assert(exit::UNREACHABLE, &["the body is not JSON", "text/html", "FHIR base"]);

    let server = mock_but("/auth/token", page).await;
    let ran = judge_sign_in(&server, &[]).await;
    ran.assert(exit::UNREACHABLE, &["text/html"]);
    assert_eq!(ran.count(Status::Pass), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_loop() {
    let server = mock_but("/auth/authorize", || Redirect::to("/auth/authorize").into_response()).await;
    let ran = judge_sign_in(&server, &[]).await;
    ran.assert(exit::UNREACHABLE, &["after 20 redirects", "loop"]);
    assert!(ran.report().exchanges.len() >= 20, "the walk is the evidence");

    let around = || Redirect::to("/fhir/.well-known/smart-configuration").into_response();
    let server = Server::start(|_| Router::new().fallback(move || async move { around() })).await;
    judge(&[&server.fhir()])
        .await
        .assert(exit::UNREACHABLE, &["answered 303", "smart-configuration"]);
}

fn endless() -> Response {
    let spaces = bytes::Bytes::from(vec![b' '; 64 * 1024]);
    let stream = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(spaces.clone()));
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(stream)).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body() {
    let server = Server::start(|_| Router::new().fallback(|| async { endless() })).await;
    judge(&[&server.fhir()])
        .await
        .assert(exit::UNREACHABLE, &["larger than the limit of 2097152 bytes"]);

    let server = mock_but("/auth/token", endless).await;
    let ran = judge_sign_in(&server, &["--max-body", "100000"]).await;
    ran.assert(exit::UNREACHABLE, &["larger than the limit of 100000 bytes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_in_time() {
    let silent =
        || Body::from_stream(futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>()).into_response();
    let server = mock_but("/auth/token", silent).await;
    let ran = judge_sign_in(&server, &["--timeout", "1"]).await;
    ran.assert(exit::UNREACHABLE, &["no complete answer within 1s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_half_way() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{\"issuer\":";
    let server = Server::raw(half).await;
    let ran = judge(&[&server.fhir()]).await;
    ran.assert(exit::UNREACHABLE, &["cut before the answer was complete"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_page_that_nobody_understands() {
    let quiz = r#"<!doctype html><title>Gate</title><form action="/gate" method="post">
        <label>First pet <input name="pet"></label><label>Shoe size <input name="shoe"></label><button>Enter</button></form>"#;
    let server = mock_but("/auth/authorize", move || Html(quiz).into_response()).await;
    let ran = judge_sign_in(&server, &[]).await;
    ran.assert(exit::UNREACHABLE, &["Gate", "[sign_in] script"]);
    let reasons = ran.reasons();
    assert!(
        reasons.contains("click = \"Enter\"") && reasons.contains("pet, shoe"),
        "{reasons}"
    );
    assert_eq!(ran.count(Status::Pass), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_page_of_react() {
    let page = r#"<!doctype html><title>Portal</title><div id="root"></div><script src="/main.3f9c.js"></script>"#;
    let server = mock_but("/auth/authorize", move || Html(page).into_response()).await;
    let ran = judge_sign_in(&server, &[]).await;
    ran.assert(exit::UNREACHABLE, &["Portal", "scripts", "--agent chrome"]);
    assert_eq!(ran.count(Status::Pass), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chromium_that_is_not_installed() {
    let arguments = ["--only", "state/", "--agent", "chrome"];
    let ran = judge_with(&arguments, |command| {
        command.env("PATH", "/nonexistent").env_remove("CHROME");
    });
    ran.await.assert(
        exit::USAGE,
        &["Chromium is not installed", "apt-get install chromium", "--agent http"],
    );

    let ran = judge_with(&arguments, |command| {
        command.env("CHROME", "/nonexistent/chromium");
    });
    ran.await.assert(exit::USAGE, &["CHROME", "/nonexistent/chromium"]);
}

/// A mock that locks a client for good after three wrong secrets.
fn locking(router: Router) -> Router {
    let wrong = Arc::new(AtomicU32::new(0));
    let guard = move |request: Request, next: Next| {
        let wrong = Arc::clone(&wrong);
        async move {
            let basic = request
                .headers()
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok());
            let user = basic
                .and_then(|value| value.strip_prefix("Basic "))
                .and_then(|encoded| {
                    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
                    Some(String::from_utf8_lossy(&bytes).into_owned())
                });
            let ours = user.is_some_and(|user| user.starts_with("app-symmetric:"));
            if ours && wrong.load(Ordering::SeqCst) >= 3 {
                let refusal =
                    serde_json::json!({ "error": "invalid_client", "error_description": "the client is locked" });
                return (StatusCode::UNAUTHORIZED, axum::Json(refusal)).into_response();
            }
            let response = next.run(request).await;
            if ours && response.status() == StatusCode::UNAUTHORIZED {
                wrong.fetch_add(1, Ordering::SeqCst);
            }
            response
        }
    };
    router.layer(from_fn(guard))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_out_after_three_wrong_secrets_turns_nothing_green() {
    let server = Server::changed(locking).await;
    let profile = profile(&server.origin);
    let ran = judge(&["--target", profile.path(), "--only", "client_auth_symmetric/"]).await;
    let statuses: HashMap<String, Status> = ran
        .report()
        .verdicts
        .iter()
        .map(|verdict| (verdict.id(), verdict.status))
        .collect();
    let lost = ran.report().verdicts.into_iter().filter(|verdict| {
        verdict.status == Status::Blocked
            && verdict
                .reason
                .as_deref()
                .is_some_and(|reason| reason.contains("control lost"))
    });
    assert!(lost.count() > 0, "{statuses:?}");
    assert!(ran.reasons().contains("the client is locked"), "{}", ran.reasons());
    // The refusals that the lock gave, and the one that brought it, are not proof of anything.
    let passed = ran
        .report()
        .verdicts
        .into_iter()
        .filter(|verdict| verdict.status == Status::Pass);
    let by_lock: Vec<String> = passed
        .filter(|verdict| {
            verdict
                .observed
                .iter()
                .chain(&verdict.reason)
                .any(|text| text.contains("locked"))
        })
        .map(|verdict| verdict.id())
        .collect();
    assert!(by_lock.is_empty(), "{by_lock:?}");
    assert_ne!(ran.code, i32::from(exit::NOTHING_UNEXPECTED), "{}", ran.shown());
    assert_eq!(
        ran.count(Status::Fail),
        controls_failed(&ran),
        "only the control itself may fail: {statuses:?}"
    );
}

fn controls_failed(ran: &Ran) -> usize {
    let verdicts = ran.report().verdicts.into_iter();
    verdicts
        .filter(|verdict| verdict.status == Status::Fail && verdict.area == "control")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_neither_a_refusal_nor_a_failure() {
    let answer = || {
        (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::RETRY_AFTER, "17")],
            "slow down",
        )
            .into_response()
    };
    let server = mock_but("/auth/token", answer).await;
    let ran = judge_sign_in(&server, &[]).await;
    ran.assert(
        exit::UNREACHABLE,
        &["status 429", "Retry-After: 17", "sign_ins_per_minute"],
    );
    assert_eq!(
        (ran.count(Status::Pass), ran.count(Status::Fail)),
        (0, 0),
        "{}",
        ran.shown()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written() {
    let file = Written::new("taken", "a file, not a folder");
    let ran = run(&["test", "server", "--only", "state/returned", "--out", file.path()]).await;
    ran.assert(exit::USAGE, &["cannot be written", "--out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_json_that_is_none() {
    let file = Written::new("run.json", "{\"schema_version\": \"1\"");
    run(&["render", file.path()])
        .await
        .assert(exit::BAD_INPUT, &["run.json"]);
    judge(&["--rerun-failed", file.path()])
        .await
        .assert(exit::BAD_INPUT, &["run.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none() {
    let text = profile_text("http://127.0.0.1:9");
    let from = text.find("key = {").expect("there is one");
    let to = text[from..].find('\n').expect("lines end") + from;
    let broken = format!(
        "{}key = {{ test_only = '{{\"kty\":\"EC\"}}' }}{}",
        &text[..from],
        &text[to..]
    );
    let place = format!("ehr.toml:{}:7", text[..from].matches('\n').count() + 1);
    let profile = Written::new("ehr.toml", &broken);
    judge(&["--target", profile.path()])
        .await
        .assert(exit::BAD_INPUT, &[&place, "client asymmetric", "private JWK"]);
}
