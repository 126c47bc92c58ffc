//! A server upstream that is away, late, elsewhere, too loud, or no FHIR server at all.

use std::time::Duration;

use http::StatusCode;
use mock_ehr::fhir::upstream::Settings;
use mock_ehr::{Defect, MockEhr};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::servers::*;
use crate::harness::*;

/// Everybody is let in, so that nothing but the answer of upstream decides.
fn open(settings: Settings) -> TestEhr {
    front(
        MockEhr::builder()
            .upstream(settings)
            .defect(Defect::FhirNoTokenAccepted),
    )
}

fn told(answer: &Answer) -> (u16, String, String) {
    let issue = &answer.json()["issue"][0];
    assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{answer:?}");
    let text = |name: &str| issue[name].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), text("code"), text("diagnostics"))
}

#[tokio::test]
async fn every_trouble_is_told_as_what_it_is() {
    let deep = "[".repeat(100_000);
    let server = Server::scripted(move |seen| {
        let outcome = |text: &str| json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid", "diagnostics": text}]});
        let secret = outcome("patient-x has a record");
        let entries = |entries: Value| json!({"resourceType": "Bundle", "type": "searchset", "entry": entries});
        match seen.target.trim_start_matches("/fhir/") {
            "Goal/text" => Reply::Raw(200, "text/plain", b"hello".to_vec()),
            "Goal/html" => Reply::Raw(200, "application/fhir+json", b"<html></html>".to_vec()),
            "Goal/deep" => Reply::Raw(200, "application/fhir+json", deep.clone().into_bytes()),
            "Goal/huge" => Reply::Raw(200, "application/fhir+json", vec![b' '; 3_000_000]),
            "Goal/endless" => Reply::Endless,
            "Goal/hangs" => Reply::Hangs,
            "Goal/login" => Reply::Json(401, secret),
            "Goal/forbidden" => Reply::Json(403, secret),
            "Goal/broken" => Reply::Json(500, secret),
            "Goal/busy" => Reply::Json(429, secret),
            "Goal/asleep" => Reply::Json(503, secret),
            "Goal/teapot" => Reply::Json(418, secret),
            "Goal/gone" => Reply::Json(410, secret),
            "Goal/absent" => Reply::Raw(404, "text/html", b"<html>not here</html>".to_vec()),
            "Goal?status=wrong&_count=50" => Reply::Json(400, outcome("status `wrong` is no code")),
            "Goal?status=conflict&_count=50" => Reply::Json(409, secret),
            "Goal?status=text&_count=50" => Reply::Json(200, entries(json!(["x"]))),
            "Goal?status=list&_count=50" => Reply::Json(200, entries(json!([[1], 5, null, true]))),
            "Goal?status=none&_count=50" => Reply::Json(200, entries(json!("x"))),
            "Goal/odd/_history?_count=50" => Reply::Json(200, entries(json!(["x", [1]]))),
            "Goal?status=one&_count=50" => Reply::Json(200, json!({"resourceType": "Goal", "id": "1"})),
            _ => Reply::Json(404, Value::Null),
        }
    })
    .await;
    let ehr = open(
        server
            .settings()
            .patience(Duration::from_millis(700))
            .longest(1_000_000),
    );
    for (path, status, code, says) in [
        ("Goal/text", 502, "exception", "no JSON"),
        ("Goal/html", 502, "exception", "no JSON"),
        ("Goal/deep", 502, "exception", "no JSON"),
        ("Goal/huge", 502, "too-long", "1000000 bytes"),
        ("Goal/endless", 502, "too-long", "1000000 bytes"),
        ("Goal/hangs", 504, "timeout", "700ms"),
        ("Goal/login", 502, "exception", "credential"),
        ("Goal/forbidden", 502, "exception", "credential"),
        ("Goal/broken", 502, "exception", "status 500"),
        ("Goal/busy", 503, "throttled", "later"),
        ("Goal/asleep", 503, "throttled", "later"),
        ("Goal/teapot", 502, "exception", "418"),
        ("Goal/gone", 404, "not-found", "Goal/gone is not known"),
        ("Goal/absent", 404, "not-found", "Goal/absent is not known"),
        ("Goal?status=wrong", 400, "processing", "`wrong` is no code"),
        ("Goal?status=conflict", 409, "conflict", "status 409"),
        ("Goal?status=one", 502, "exception", "no Bundle"),
        ("metadata", 502, "exception", "404"),
    ] {
        let answer = ehr.get(&format!("/fhir/{path}")).await;
        let (was, code_was, text) = told(&answer);
        assert_eq!((was, code_was.as_str()), (status, code), "{path}: {text}");
        assert!(text.contains(says) && !text.contains("patient-x"), "{path}: {text}");
        assert!(!answer.body.contains(&server.base), "{}", answer.body);
    }
    // What is no entry is none, and the others are still told.
    for path in [
        "Goal?status=text",
        "Goal?status=list",
        "Goal?status=none",
        "Goal/odd/_history",
    ] {
        let answer = ehr.get(&format!("/fhir/{path}")).await;
        assert!([200, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.body);
        assert_eq!(answer.json()["entry"], Value::Null, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn redirects_are_followed_within_the_server_only() {
    let other = Server::scripted(|_| Reply::Json(200, json!({"resourceType": "Goal", "id": "away"}))).await;
    let away = format!("{}/Goal/away", other.base);
    let server = Server::scripted(move |seen| {
        let to = |place: &str| Reply::With(302, vec![("location", place.to_owned())], Value::Null);
        match seen.target.as_str() {
            "/fhir/Goal/moved" => to("/fhir/Goal/here?x=1"),
            "/fhir/Goal/here?x=1" => Reply::Json(200, json!({"resourceType": "Goal", "id": "moved"})),
            "/fhir/Goal/round" => to("/fhir/Goal/round"),
            "/fhir/Goal/up" => to("/admin/Goal/up"),
            _ => to(&away),
        }
    })
    .await;
    let ehr = open(server.settings().authorization("Bearer own-credential").unwrap());
    assert_eq!(ehr.get("/fhir/Goal/moved").await.status, StatusCode::OK);
    for path in ["Goal/away", "Goal/round", "Goal/up", "Goal?status=x", "metadata"] {
        let (status, _, text) = told(&ehr.get(&format!("/fhir/{path}")).await);
        assert_eq!(status, 502, "{path}: {text}");
        assert!(
            text.contains("redirects") && !text.contains(&other.base),
            "{path}: {text}"
        );
    }
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_is_said_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let ehr = open(Settings::new(&format!("http://{address}/fhir")).unwrap());
    for path in [
        "Goal/1",
        "Goal",
        "metadata",
        "Patient/p/_history",
        "Patient/p/$everything",
    ] {
        let answer = ehr.get(&format!("/fhir/{path}")).await;
        let (status, code, text) = told(&answer);
        assert_eq!((status, code.as_str()), (502, "transient"), "{path}: {text}");
        assert!(
            text.contains("cannot be reached") && !text.contains(&address.to_string()),
            "{text}"
        );
    }
    // Sign-in and discovery do not need it.
    let discovery = ehr.get("/fhir/.well-known/smart-configuration").await;
    assert_eq!(discovery.status, StatusCode::OK);
}
