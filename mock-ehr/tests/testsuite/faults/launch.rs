//! Broken answers that ride with one launch.

use http::StatusCode;
use serde_json::json;

use crate::harness::*;

/// The launch value of a launch that carries these faults.
async fn begun(ehr: &TestEhr, faults: &[&str]) -> String {
    let asked = json!({ "client": "app-public", "patient": "patient-a", "faults": faults });
    let answer = ehr.post_json("/launches", &asked).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.member("launch")
}

async fn code(ehr: &TestEhr, launch: &str) -> Flow {
    let flow = ehr.try_code("app-public", |form| form.add("launch", launch)).await;
    flow.expect("a code")
}

#[tokio::test]
async fn an_answer_breaks_in_its_launch_and_in_no_other() {
    let ehr = TestEhr::new();
    let plain = begun(&ehr, &[]).await;
    let faulty = begun(
        &ehr,
        &["token:status-503:2", "token_expires_in_string", "fhir:empty:always"],
    )
    .await;
    let (plain, faulty) = (code(&ehr, &plain).await, code(&ehr, &faulty).await);
    let first = ehr.redeem(&faulty, |form| form).await;
    assert!(
        first.gives_token() && first.json()["expires_in"].is_string(),
        "{first:?}"
    );
    let refresh = first.member("refresh_token");
    // Other launches do not count.
    let right = ehr.redeem(&plain, |form| form).await;
    assert!(
        right.gives_token() && right.json()["expires_in"].is_number(),
        "{right:?}"
    );
    let second = ehr.refresh("app-public", &refresh, |form| form).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.header("x-mock-fault"), "status");
    let third = ehr.refresh("app-public", &refresh, |form| form).await;
    assert!(third.gives_token(), "{third:?}");
    for _ in 0..2 {
        let data = ehr.fhir("Patient/patient-a", &third.member("access_token")).await;
        assert_eq!((data.status, data.body.as_str()), (StatusCode::OK, ""));
        assert_eq!(data.header("x-mock-fault"), "empty");
        let data = ehr.fhir("Patient/patient-a", &right.member("access_token")).await;
        assert!(data.body.contains("patient-a") && data.header("x-mock-fault").is_empty());
    }
}

/// The same launch value is opened again, as by a reload: once is once.
#[tokio::test]
async fn a_launch_is_told_by_its_value() {
    let ehr = TestEhr::new();
    let launch = begun(&ehr, &["token:status-503"]).await;
    for status in [503, 200] {
        let flow = code(&ehr, &launch).await;
        assert_eq!(ehr.redeem(&flow, |form| form).await.status.as_u16(), status);
    }
    let flow = code(&ehr, &begun(&ehr, &["token:status-503"]).await).await;
    assert_eq!(ehr.redeem(&flow, |form| form).await.status.as_u16(), 503);
}

#[tokio::test]
async fn the_address_of_a_launch_carries_it_through_its_pages() {
    let ehr = TestEhr::new();
    let answer = ehr
        .get("/launch?client=app-public&patient=patient-a&fault=pages%3Astatus-502%2C+token%3Acut-after")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let (_, query) = answer.header("location").split_once('?').unwrap();
    let launch = pairs(query).into_iter().find(|(name, _)| name == "launch").unwrap().1;
    let browser = ehr.other_browser();
    let request = ehr.request("app-public").add("launch", &launch);
    let broken = browser.walk(&request, &DOCTOR).await;
    assert_eq!(broken.status(), 502, "{broken:?}");
    let landing = browser.walk(&request, &DOCTOR).await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").expect("a code"),
        redirect_uri: redirect_uri("app-public"),
    };
    let request = http::Request::post("/auth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(ehr.exchange(&flow).encode()))
        .unwrap();
    let response = tower::ServiceExt::oneshot(ehr.mock.router(), request).await.unwrap();
    let read = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    assert!(read.is_err(), "the answer is cut");
    assert_eq!(ehr.redeem(&flow, |form| form).await.error(), "invalid_grant");
}

#[tokio::test]
async fn what_no_launch_can_carry_is_refused() {
    let ehr = TestEhr::new();
    for (fault, told) in [
        ("jwks:empty", "authorize, pages"),
        ("token:slow", "delay-2000"),
        ("token:empty:0", "always"),
    ] {
        let asked = json!({ "client": "app-public", "faults": [fault] });
        let answer = ehr.post_json("/launches", &asked).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        assert!(answer.body.contains(fault) && answer.body.contains(told), "{answer:?}");
    }
}

#[tokio::test]
async fn the_launcher_offers_them() {
    let ehr = TestEhr::new();
    let page = ehr.get("/?fault=token%3Acut-after").await.body;
    assert!(page.contains("<option value=\"token:cut-after\">") && page.contains("value=\"token:cut-after\" list="));
}

/// A defect that rides with a launch and is placed besides is met once, and both say so.
#[tokio::test]
async fn what_rides_does_not_hide_what_is_placed() {
    let ehr = TestEhr::new();
    let placed = json!({ "endpoint": "token", "defect": "token_expires_in_string", "times": "always" });
    let id = super::place(&ehr, placed).await;
    let launch = begun(&ehr, &["token_expires_in_string"]).await;
    let flow = code(&ehr, &launch).await;
    let answer = ehr.redeem(&flow, |form| form).await;
    assert!(answer.json()["expires_in"].is_string(), "{answer:?}");
    assert_eq!(answer.header("x-mock-defect"), "token_expires_in_string");
    let shown = super::fault(&ehr, id).await;
    assert_eq!(shown["reached"], 1, "{shown}");
}
