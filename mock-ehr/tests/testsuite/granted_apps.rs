//! The page of granted apps: who sees what, and that an end is an end.

use http::StatusCode;
use jiff::SignedDuration;

use crate::harness::*;

const NURSE: Person = Person {
    username: "nurse",
    patient: "patient-a",
    allows: true,
};

/// The page, after the sign-in that it may ask for.
async fn apps(browser: &TestEhr, person: &Person) -> Answer {
    let page = browser.browse("/auth/apps").await;
    let (action, form) = match fill(&page.body, person) {
        Some((action, form)) if action == "/auth/apps/sign-in" => (action, form),
        _ => return page,
    };
    let signed_in = browser.submit(&action, &form).await;
    assert_eq!(signed_in.header("location"), "/auth/apps");
    browser.browse("/auth/apps").await
}

#[tokio::test]
async fn the_user_signs_in_sees_the_apps_and_ends_the_access_of_one() {
    let ehr = TestEhr::new();
    let public = ehr.launched("app-public").await;
    let other = ehr.launched("app-symmetric").await;
    let browser = ehr.other_browser();
    let page = apps(&browser, &DOCTOR).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("cache-control"), "no-store");
    for text in [
        "app-public",
        "app-symmetric",
        "Keep access when you are gone",
        "Since",
        "Until",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let (action, form) = fill(&page.body, &DOCTOR).unwrap();
    assert_eq!(action, "/auth/apps");
    let form = form.set("client", "app-public");
    let ended = browser.submit("/auth/apps", &form).await;
    assert_eq!(ended.header("location"), "/auth/apps?ended=app-public");
    assert!(!ehr.is_alive(&public.member("access_token")).await);
    let refused = ehr
        .refresh("app-public", &public.member("refresh_token"), |form| form)
        .await;
    assert_eq!(refused.error(), "invalid_grant");
    assert!(ehr.is_alive(&other.member("access_token")).await);
    let page = browser.browse(ended.header("location")).await;
    assert!(page.body.contains("has no access any more"));
    assert!(!page.body.contains("value=\"app-public\""));
}

#[tokio::test]
async fn nobody_ends_what_others_allowed() {
    let ehr = TestEhr::new();
    let token = ehr.launched("app-public").await.member("access_token");
    let browser = ehr.other_browser();
    assert!(apps(&browser, &NURSE).await.body.contains("No app has access"));
    let landing = browser.walk(&browser.request("app-public-2"), &NURSE).await;
    let own = Flow {
        client: "app-public-2",
        code: landing.parameter("code").unwrap(),
        redirect_uri: redirect_uri("app-public-2"),
    };
    assert!(ehr.redeem(&own, |form| form).await.gives_token());
    let (action, form) = fill(&apps(&browser, &NURSE).await.body, &NURSE).unwrap();
    let ended = browser.submit(&action, &form.set("client", "app-public")).await;
    assert!(ended.status.is_redirection());
    assert!(ehr.is_alive(&token).await);
}

#[tokio::test]
async fn the_form_of_another_session_is_refused_and_so_is_a_wrong_password() {
    let ehr = TestEhr::new();
    let token = ehr.launched("app-public").await.member("access_token");
    let (mine, theirs) = (ehr.other_browser(), ehr.other_browser());
    apps(&mine, &DOCTOR).await;
    let (action, form) = fill(&apps(&theirs, &DOCTOR).await.body, &DOCTOR).unwrap();
    assert_eq!(mine.submit(&action, &form).await.status, StatusCode::BAD_REQUEST);
    assert!(ehr.is_alive(&token).await);
    let stranger = ehr.other_browser();
    let (action, form) = fill(&stranger.browse("/auth/apps").await.body, &DOCTOR).unwrap();
    let wrong = stranger.submit(&action, &form.set("password", "wrong")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(!stranger.browse("/auth/apps").await.body.contains("app-public"));
}

#[tokio::test]
async fn a_code_on_its_way_ends_too_and_what_has_expired_is_not_shown() {
    let ehr = TestEhr::new();
    ehr.launched("app-public").await;
    let flow = ehr.code("app-public").await;
    let browser = ehr.other_browser();
    let (action, form) = fill(&apps(&browser, &DOCTOR).await.body, &DOCTOR).unwrap();
    browser.submit(&action, &form).await;
    assert!(!ehr.redeem(&flow, |form| form).await.gives_token());
    ehr.launched("app-public").await;
    assert!(ehr.mock.advance(SignedDuration::from_hours(24 * 365)));
    assert!(apps(&browser, &DOCTOR).await.body.contains("No app has access"));
}

#[tokio::test]
async fn what_was_remembered_in_another_browser_is_asked_again_after_the_end() {
    let ehr = TestEhr::new();
    let request = ehr.request("app-public").set("scope", "launch/patient patient/*.rs");
    let form = ehr.walk_until(&request, &DOCTOR, "/auth/consent").await;
    let landing = ehr
        .walk_on(ehr.submit("/auth/consent", &form.add("remember", "yes")).await, &DOCTOR)
        .await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").unwrap(),
        redirect_uri: redirect_uri("app-public"),
    };
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());

    let browser = ehr.other_browser();
    let page = apps(&browser, &DOCTOR).await;
    // A link that lies about an app that has access.
    let lie = browser.browse("/auth/apps?ended=app-public").await;
    assert!(!lie.body.contains("has no access any more"), "{}", lie.body);
    let (action, form) = fill(&page.body, &DOCTOR).unwrap();
    browser.submit(&action, &form.set("client", "app-public")).await;

    let form = ehr.walk_until(&request, &DOCTOR, "/auth/patient").await;
    let answer = ehr.submit("/auth/patient", &form).await;
    assert!(answer.header("location").starts_with("/auth/consent"), "{answer:?}");
}
