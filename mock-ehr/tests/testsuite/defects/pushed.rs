//! Pushed authorization requests.

use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::Defect;

use crate::harness::*;

const APP: &str = "app-public";

/// Pushes the app's request, altered.
async fn push(ehr: &TestEhr, alter: impl FnOnce(Form) -> Form) -> Answer {
    ehr.post("/auth/par", &[], &alter(ehr.request(APP))).await
}

/// Sends a browser with the reference; whether a code comes of it.
async fn gives_code(ehr: &TestEhr, pushed: &Answer, client: &str) -> bool {
    let reference = Form::of(&[("client_id", client), ("request_uri", &pushed.member("request_uri"))]);
    let browser = ehr.other_browser();
    browser.walk(&reference, &DOCTOR).await.parameter("code").is_some()
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let correct = || push(ehr, |form| form);
    Some(match defect {
        Defect::ParErrorText => {
            let refused = push(ehr, |form| form.set("redirect_uri", "https://attacker.example/cb")).await;
            !refused.body.starts_with('{')
        }
        Defect::ParFirstOfTwoCounts => {
            let answer = push(ehr, |form| form.add("state", "second")).await;
            answer.status == StatusCode::CREATED
        }
        Defect::ParStatus200 => correct().await.status == StatusCode::OK,
        Defect::ParExpiresInMissing => correct().await.json()["expires_in"].is_null(),
        Defect::ParUnauthenticated => {
            let form = ehr.request("app-symmetric");
            ehr.post("/auth/par", &[], &form).await.status == StatusCode::CREATED
        }
        Defect::ParRequestUriAccepted => {
            let answer = push(ehr, |form| form.add("request_uri", "urn:x")).await;
            answer.status == StatusCode::CREATED
        }
        Defect::ParNotBoundToClient => gives_code(ehr, &correct().await, "app-public-2").await,
        Defect::ParNeverExpires => {
            let pushed = correct().await;
            ehr.mock.advance(SignedDuration::from_secs(61));
            gives_code(ehr, &pushed, APP).await
        }
        Defect::ParUnknownServed => {
            correct().await;
            let made_up = [
                ("client_id", APP),
                ("request_uri", "urn:ietf:params:oauth:request_uri:made-up"),
            ];
            let landing = ehr.walk(&Form::of(&made_up), &DOCTOR).await;
            landing.parameter("code").is_some()
        }
        Defect::ParReused => {
            let pushed = correct().await;
            assert!(gives_code(ehr, &pushed, APP).await);
            gives_code(ehr, &pushed, APP).await
        }
        Defect::ParRedirectUriUnchecked => {
            let pushed = push(ehr, |form| form.set("redirect_uri", "https://attacker.example/cb")).await;
            pushed.status == StatusCode::CREATED
        }
        Defect::ParPkceSkipped => {
            let pushed = push(ehr, |form| form.omit("code_challenge")).await;
            pushed.status == StatusCode::CREATED
        }
        Defect::ParRequirementNotHeld => {
            let smart = ehr.get("/fhir/.well-known/smart-configuration").await.json();
            smart["require_pushed_authorization_requests"] == true && {
                let request = ehr.request(APP).set("scope", "launch/patient patient/*.rs");
                ehr.walk(&request, &DOCTOR).await.parameter("code").is_some()
            }
        }
        Defect::ParQueryWins => {
            let pushed = correct().await;
            let reference = Form::of(&[("client_id", APP), ("request_uri", &pushed.member("request_uri"))])
                .add("redirect_uri", "https://attacker.example/cb");
            let landing = ehr.walk(&reference, &DOCTOR).await;
            landing.address().starts_with("https://attacker.example")
        }
        _ => return None,
    })
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_when_it_is_pushed() {
    let ehr = TestEhr::new();
    for (alter, error) in [
        (
            Box::new(|form: Form| form.set("redirect_uri", "https://attacker.example/cb")) as Box<dyn Fn(Form) -> Form>,
            "invalid_request",
        ),
        (Box::new(|form: Form| form.omit("code_challenge")), "invalid_request"),
        (Box::new(|form: Form| form.set("scope", "nonsense")), "invalid_scope"),
        (
            Box::new(|form: Form| form.set("response_type", "token")),
            "unsupported_response_type",
        ),
        (Box::new(|form: Form| form.set("client_id", "nobody")), "invalid_client"),
    ] {
        let answer = push(&ehr, alter).await;
        assert_eq!(answer.error(), error, "{answer:?}");
    }
    let correct = push(&ehr, |form| form).await;
    assert_eq!(correct.header("cache-control"), "no-store");
    assert!(gives_code(&ehr, &correct, APP).await);
    let unknown = Form::of(&[
        ("client_id", APP),
        ("request_uri", "urn:ietf:params:oauth:request_uri:none"),
    ]);
    assert_eq!(ehr.walk(&unknown, &DOCTOR).await.status(), 400);
}
