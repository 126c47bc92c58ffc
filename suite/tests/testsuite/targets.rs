//! Targets that are told what others say of themselves, and the shipped profiles that can be proven on the mock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use reports::exit;
use reports::model::Status;

use crate::program::{Server, Written, judge, judge_with, profile, profile_text};

/// A mock that publishes nothing about itself.
async fn silent() -> Server {
    let hide = |request: Request, next: Next| async move {
        match request.uri().path() {
            "/fhir/.well-known/smart-configuration" | "/fhir/metadata" => StatusCode::NOT_FOUND.into_response(),
            _ => next.run(request).await,
        }
    };
    Server::changed(|router| router.layer(from_fn(hide))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_in_the_profile_stand_in_for_discovery() {
    let server = silent().await;
    let bare = profile(&server.origin);
    let ran = judge(&["--target", bare.path(), "--only", "state/"]).await;
    ran.assert(exit::UNREACHABLE, &["answered 404", "[endpoints]"]);

    let origin = &server.origin;
    let endpoints = format!(
        "\n[endpoints]\nauthorization_endpoint = \"{origin}/auth/authorize\"\ntoken_endpoint = \"{origin}/auth/token\"\n"
    );
    let told = Written::new("ehr.toml", &format!("{}{endpoints}", profile_text(origin)));
    let ran = judge(&["--target", told.path(), "--only", "state/", "redirect_uri/", "code/"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    assert!(ran.count(Status::Pass) > 50, "{}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_missing_document_itself_is_a_failure_all_the_same() {
    let server = silent().await;
    let origin = &server.origin;
    let endpoints = format!(
        "\n[endpoints]\nauthorization_endpoint = \"{origin}/auth/authorize\"\ntoken_endpoint = \"{origin}/auth/token\"\n"
    );
    let told = Written::new("ehr.toml", &format!("{}{endpoints}", profile_text(origin)));
    let ran = judge(&[
        "--target",
        told.path(),
        "--only",
        "discovery/",
        "state/returned",
        "--smart",
        "2.2",
    ])
    .await;
    ran.assert(exit::BROKEN, &["discovery/"]);
}

/// The shipped profile of Aidbox, its addresses, clients and people replaced by the mock's.
fn aidbox(origin: &str) -> String {
    let shipped = fixtures::file("targets/aidbox.toml").expect("it is embedded").text;
    let mut text = shipped.to_owned();
    for (theirs, ours) in [
        ("https://aidbox.example", origin),
        ("\"growth-chart\"", "\"app-public\""),
        ("\"growth-chart-server\"", "\"app-symmetric\""),
        ("https://app.example/callback", "https://app.example/cb"),
        ("https://app.example/server-callback", "https://symmetric.example/cb"),
        ("https://app.example/server-launch", "https://symmetric.example/launch"),
        ("\"pt-1\"", "\"patient-a\""),
        ("\"pt-2\"", "\"patient-b\""),
        ("\"dr-1\"", "\"demo\""),
    ] {
        assert!(text.contains(theirs), "aidbox.toml no longer holds {theirs}");
        text = text.replace(theirs, ours);
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_of_aidbox_begins_its_launches_by_rpc() {
    let by_rpc = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&by_rpc);
    let count = move |request: Request, next: Next| {
        let counter = Arc::clone(&counter);
        async move {
            let authorized = request
                .headers()
                .get("authorization")
                .is_some_and(|value| value == "Basic cnBjOnJwYw==");
            match request.uri().path() {
                "/rpc" if authorized => counter.fetch_add(1, Ordering::SeqCst),
                "/rpc" | "/launches" => return StatusCode::FORBIDDEN.into_response(),
                _ => 0,
            };
            let response: Response = next.run(request).await;
            response
        }
    };
    let server = Server::changed(|router| router.layer(from_fn(count))).await;
    let target = Written::new("aidbox.toml", &aidbox(&server.origin));
    let ran = judge_with(&["--target", target.path(), "--only", "launch/"], |command| {
        command
            .env("AIDBOX_CLIENT_SECRET", "test-only s3cret:+/=%& value")
            .env("AIDBOX_PASSWORD", "demo")
            .env("AIDBOX_RPC_AUTHORIZATION", "Basic cnBjOnJwYw==");
    })
    .await;
    assert!(by_rpc.load(Ordering::SeqCst) > 5, "{}", ran.shown());
    assert!(ran.count(Status::Pass) > 10, "{}", ran.shown());
    assert_eq!(
        ran.count(Status::Fail) + ran.count(Status::Error) + ran.count(Status::Blocked),
        0,
        "{}",
        ran.shown()
    );
    let written = std::fs::read_to_string(ran.folder().join("run.json")).expect("a report");
    assert!(
        !written.contains("cnBjOnJwYw"),
        "the credentials of the RPC are in the report"
    );
}
