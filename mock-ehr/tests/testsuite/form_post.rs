//! The answer as a form: what stands in it, what it may do, and that the code in it is good.

mod chromium;

use http::StatusCode;
use mock_ehr::Variant;

use crate::defects::form_post::answered;
use crate::harness::*;

const APP: &str = "app-public";
const HOSTILE: &str = "\"><script>alert(1)</script> '&amp;+%41";

#[tokio::test]
async fn the_answer_is_a_form_that_nobody_keeps_and_that_leads_to_the_app_alone() {
    let ehr = TestEhr::new();
    let answer = answered(&ehr, "allow", HOSTILE).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("location").is_empty());
    assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
    let policy = answer.header("content-security-policy");
    // Browsers hold form-action against the redirects that an app answers with, too.
    assert!(!policy.contains("form-action"), "{policy}");
    assert!(
        policy.contains("script-src 'sha256-") && policy.contains("default-src 'none'"),
        "{policy}"
    );
    let (action, form) = fill(&answer.body, &DOCTOR).unwrap();
    assert_eq!(action, redirect_uri(APP));
    assert_eq!(form.get("state"), HOSTILE);
    assert_eq!(form.get("iss"), BASE);
    assert!(
        answer.body.contains("<button type=\"submit\">"),
        "it works without a script"
    );
    let flow = Flow {
        client: APP,
        code: form.get("code").to_owned(),
        redirect_uri: redirect_uri(APP),
    };
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
}

#[tokio::test]
async fn errors_come_as_a_form_too_and_unknown_modes_are_refused() {
    let ehr = TestEhr::new();
    let denied = answered(&ehr, "deny", HOSTILE).await;
    let (action, form) = fill(&denied.body, &DOCTOR).unwrap();
    assert_eq!(action, redirect_uri(APP));
    assert_eq!((form.get("error"), form.get("state")), ("access_denied", HOSTILE));
    let request = ehr
        .request(APP)
        .set("response_mode", "form_post")
        .set("scope", "nothing");
    let (_, form) = fill(
        &ehr.browse(&format!("/auth/authorize?{}", request.encode())).await.body,
        &DOCTOR,
    )
    .unwrap();
    assert_eq!(form.get("error"), "invalid_scope");
    let landing = ehr.land(APP, |form| form.set("response_mode", "web_message")).await;
    assert_eq!(landing.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn an_error_that_is_shown_here_is_no_form() {
    let ehr = TestEhr::with_variant(Variant::ErrorPageInsteadOfRedirect);
    let request = ehr
        .request(APP)
        .set("response_mode", "form_post")
        .set("scope", "nothing");
    let page = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!page.body.contains("<form"));
}
