//! The management listener, and what the journal keeps.

mod clients;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::*;

async fn manage(ehr: &TestEhr, request: Request<Body>) -> (StatusCode, Value) {
    let response = ehr.mock.management_router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

pub(crate) async fn ask(ehr: &TestEhr, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    manage(ehr, request.body(body).unwrap()).await
}

#[tokio::test]
async fn defects_are_armed_listed_and_disarmed() {
    let ehr = TestEhr::new();
    let (status, listed) = ask(&ehr, "PUT", "/defects", Some(json!(["state_dropped"]))).await;
    assert_eq!(status, StatusCode::OK);
    let armed: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|defect| defect["armed"] == true)
        .collect();
    assert_eq!(armed.len(), 1);
    assert_eq!(armed[0]["name"], "state_dropped");
    assert!(armed[0]["app"].as_str().unwrap().contains("state"), "{}", armed[0]);
    let seen = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|defect| defect["name"] == "code_replay_accepted")
        .map(|defect| defect["seen"][0]["source"].clone());
    assert_eq!(seen, Some(json!("smart-on-fhir/smart-launcher#32")));
    assert!(ehr.land("app-public", |form| form).await.parameter("state").is_none());
    assert_eq!(ask(&ehr, "DELETE", "/defects", None).await.0, StatusCode::NO_CONTENT);
    assert!(ehr.land("app-public", |form| form).await.parameter("state").is_some());
    let (status, error) = ask(&ehr, "PUT", "/defects", Some(json!(["state_droped"]))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(error["error"].as_str().unwrap().contains("`state_dropped`"), "{error}");
}

#[tokio::test]
async fn the_clock_goes_forward_only() {
    let ehr = TestEhr::new();
    let flow = ehr.code("app-public").await;
    assert_eq!(
        ask(&ehr, "POST", "/clock/advance", Some(json!({ "seconds": 61 })))
            .await
            .0,
        StatusCode::OK
    );
    assert_eq!(ehr.redeem(&flow, |form| form).await.error(), "invalid_grant");
    for seconds in [json!(-100), json!(i64::MAX)] {
        let (status, _) = ask(&ehr, "POST", "/clock/advance", Some(json!({ "seconds": seconds }))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn the_journal_keeps_no_secret() {
    let ehr = TestEhr::new();
    let flow = ehr.code("app-symmetric").await;
    let form = ehr
        .exchange(&flow)
        .add("client_id", "app-symmetric")
        .add("client_secret", secret("app-symmetric"));
    let answer = ehr.post("/auth/token", &[], &form).await;
    let launch = ehr.launch("app-public", None).launch;
    ehr.land("app-public", |form| form.add("launch", &launch)).await;
    let (status, journal) = ask(&ehr, "GET", "/journal", None).await;
    assert_eq!(status, StatusCode::OK);
    let text = journal.to_string();
    for secret in [
        flow.code.as_str(),
        VERIFIER,
        secret("app-symmetric"),
        &answer.member("access_token"),
        &answer.member("refresh_token"),
        &answer.member("id_token"),
        &launch,
        "[\"password\",\"demo\"]",
    ] {
        assert!(!text.contains(secret), "{secret} stands in the journal");
    }
    assert!(text.contains("/auth/token") && text.contains("patient/Observation.rs"));
    assert_eq!(ask(&ehr, "DELETE", "/journal", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask(&ehr, "GET", "/journal", None).await.1, json!([]));
}

#[tokio::test]
async fn the_journal_is_bounded() {
    let ehr = TestEhr::new();
    for _ in 0..1010 {
        ehr.get("/.well-known/jwks.json").await;
    }
    let entries = ehr.mock.state().journal().entries();
    assert_eq!(entries.len(), 1000);
    assert_eq!(entries.last().unwrap().number, 1010);
}

#[tokio::test]
async fn a_reset_forgets_what_was_given_out() {
    let ehr = TestEhr::new();
    let token = ehr.launched("app-public").await.member("access_token");
    assert_eq!(ask(&ehr, "POST", "/reset", None).await.0, StatusCode::NO_CONTENT);
    assert!(!ehr.is_alive(&token).await);
}

#[tokio::test]
async fn pages_of_a_browser_do_not_reach_management() {
    let ehr = TestEhr::new();
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example:8081")] {
        let request = Request::get("/journal")
            .header(name, value)
            .body(Body::empty())
            .unwrap();
        assert_eq!(manage(&ehr, request).await.0, StatusCode::FORBIDDEN, "{name}");
    }
    let request = Request::get("/clients")
        .header("host", "localhost:8081")
        .body(Body::empty())
        .unwrap();
    let (status, clients) = manage(&ehr, request).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        clients.as_array().unwrap().len(),
        ehr.mock.state().config().clients.len()
    );
    assert!(!clients.to_string().contains("s3cret"));
}
