//! The inspector: what belongs to which launch, what a strict EHR objects to, and that no secret shows anywhere.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use mock_ehr::journal::Objection;
use mock_ehr::{Defect, Variant};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::*;

/// What the journal says, in the order in which it happened.
async fn journal(ehr: &TestEhr) -> Vec<Value> {
    let answer = ehr.get("/inspect/journal.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json().as_array().expect("an array").clone()
}

/// The latest exchange on this path.
async fn latest(ehr: &TestEhr, path: &str) -> Value {
    let entries = journal(ehr).await;
    let found = entries.into_iter().rev().find(|entry| entry["request"]["path"] == path);
    found.unwrap_or_else(|| panic!("nothing on {path}"))
}

/// Everything that a strict EHR objects to.
fn objections(ehr: &TestEhr) -> Vec<Objection> {
    let entries = ehr.mock.state().journal().entries();
    entries.iter().flat_map(|entry| entry.objections.clone()).collect()
}

async fn launched_from_ehr(ehr: &TestEhr) -> (String, Answer) {
    let asked = json!({ "client": "app-public", "user": "demo", "patient": "patient-c" });
    let launch = ehr.post_json("/launches", &asked).await.member("launch");
    let answer = ehr
        .launched_with("app-public", |request| request.add("launch", &launch))
        .await;
    (launch, answer)
}

#[tokio::test]
async fn a_timeline_holds_all_of_its_launch_and_nothing_of_another() {
    let ehr = TestEhr::new();
    ehr.get("/fhir/.well-known/smart-configuration").await;
    let (_, answer) = launched_from_ehr(&ehr).await;
    let refreshed = ehr
        .refresh("app-public", &answer.member("refresh_token"), |form| form)
        .await;
    assert!(
        ehr.fhir("Patient/patient-c", &refreshed.member("access_token"))
            .await
            .status
            .is_success()
    );
    ehr.introspect(&answer.member("access_token")).await;
    ehr.launched("app-symmetric").await;
    let of = |launch: u64, entries: &[Value]| -> Vec<String> {
        let wanted = entries.iter().filter(|entry| entry["launch"] == launch);
        wanted
            .map(|entry| entry["request"]["path"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let entries = journal(&ehr).await;
    assert_eq!(entries[0]["launch"], Value::Null, "discovery belongs to nobody");
    let first = of(1, &entries);
    assert_eq!(first.first().map(String::as_str), Some("/launches"));
    for path in [
        "/auth/authorize",
        "/auth/sign-in",
        "/auth/consent",
        "/auth/token",
        "/fhir/Patient/patient-c",
        "/auth/introspect",
    ] {
        assert!(first.iter().any(|known| known == path), "{path} is not in {first:?}");
    }
    assert_eq!(first.iter().filter(|path| *path == "/auth/token").count(), 2);
    let second = of(2, &entries);
    assert!(
        second.contains(&"/auth/token".to_owned()) && !second.contains(&"/launches".to_owned()),
        "{second:?}"
    );
    let clients: Vec<_> = entries
        .iter()
        .filter(|entry| entry["launch"] == 2)
        .map(|entry| &entry["client"])
        .collect();
    assert!(clients.iter().all(|client| **client == "app-symmetric"), "{clients:?}");
    let page = ehr.get("/inspect").await.body;
    assert!(page.contains("EHR launch 1") && page.contains("Standalone launch 2"));
    let only = ehr.get("/inspect?launch=2").await.body;
    assert!(!only.contains("EHR launch 1") && only.contains("Standalone launch 2"));
}

#[tokio::test]
async fn claims_are_shown_and_secrets_are_not() {
    let ehr = TestEhr::new();
    let (launch, answer) = launched_from_ehr(&ehr).await;
    let flow = ehr.code("app-asymmetric").await;
    let assertion = ehr.assertion("app-asymmetric").sign();
    let form = ehr
        .exchange(&flow)
        .add("client_assertion_type", JWT_BEARER)
        .add("client_assertion", &assertion);
    assert!(ehr.post("/auth/token", &[], &form).await.gives_token());
    ehr.post(
        "/auth/token",
        &[("authorization", &basic("app-symmetric", "a-wrong-secret"))],
        &form,
    )
    .await;
    ehr.fhir("Patient/patient-c", "a-token-that-is-no-token").await;
    let id_token = answer.member("id_token");
    let signature = |jwt: &str| jwt.rsplit('.').next().unwrap_or_default().to_owned();
    let secrets = [
        VERIFIER.to_owned(),
        flow.code.clone(),
        answer.member("access_token"),
        answer.member("refresh_token"),
        signature(&id_token),
        signature(&launch),
        signature(&assertion),
        "a-wrong-secret".to_owned(),
        "a-token-that-is-no-token".to_owned(),
    ];
    for path in ["/inspect", "/inspect/journal.json", "/inspect/journal.har"] {
        let shown = ehr.get(path).await.body;
        for secret in &secrets {
            assert!(
                secret.len() >= 8 && !shown.contains(secret.as_str()),
                "{secret} stands in {path}"
            );
        }
        // Of the id_token, the launch and the assertion.
        for claim in ["fhirUser", "patient-c", "jti-0"] {
            assert!(shown.contains(claim), "{claim} is not in {path}");
        }
    }
}

#[tokio::test]
async fn each_refusal_has_its_rule_and_its_fix() {
    let ehr = TestEhr::new();
    ehr.land("app-public", |form| form.set("redirect_uri", "https://evil.example/cb"))
        .await;
    ehr.land("app-public", |form| form.omit("code_challenge")).await;
    let flow = ehr.code("app-public").await;
    ehr.redeem(&flow, |form| {
        form.set("code_verifier", "another-verifier-0123456789-0123456789-0123456789")
    })
    .await;
    ehr.fhir("Patient/patient-b", "nonsense").await;
    let objections = objections(&ehr);
    let codes: Vec<_> = objections.iter().map(|objection| objection.code.as_str()).collect();
    assert_eq!(codes, ["invalid_request", "invalid_request", "invalid_grant", "login"]);
    for objection in &objections {
        assert!(
            !objection.let_pass && objection.url.starts_with("https://"),
            "{objection:?}"
        );
        assert!(
            !objection.rule.is_empty() && objection.fix.ends_with('.'),
            "{objection:?}"
        );
    }
    assert!(objections[0].message.contains("evil.example"), "{:?}", objections[0]);
    let page = ehr.get("/inspect?show=objections").await.body;
    assert!(page.contains(objections[2].fix) && page.contains("Refused"));
    assert!(!page.contains("Consent page"), "what nobody objects to is filtered out");
}

#[tokio::test]
async fn what_a_defect_lets_pass_is_objected_to_all_the_same() {
    type Act = fn(Form) -> Form;
    let at_authorize: [(Defect, Act, &str); 3] = [
        (
            Defect::RedirectUriAny,
            |form| form.set("redirect_uri", "https://app.example/other"),
            "redirect_uri was",
        ),
        (
            Defect::PkceNotRequired,
            |form| form.omit("code_challenge").omit("code_challenge_method"),
            "code_challenge is missing",
        ),
        (
            Defect::DuplicateParametersAccepted,
            |form| form.add("scope", "openid"),
            "came 2 times",
        ),
    ];
    for (defect, alter, message) in at_authorize {
        let ehr = TestEhr::with_defect(defect);
        assert!(ehr.gives_code("app-public", alter).await, "{defect} lets it pass");
        let said = objections(&ehr);
        assert!(
            said.iter().any(|said| said.let_pass && said.message.contains(message)),
            "{defect}: {said:?}"
        );
        let page = ehr.get("/inspect").await.body;
        assert!(
            page.contains(defect.doc()) && page.contains(defect.requirement()),
            "{defect}"
        );
        assert!(page.contains("A strict EHR refuses this"), "{defect}");
    }
    let at_token: [(Defect, Act, &str); 3] = [
        (
            Defect::PkceNotVerified,
            |form| form.set("code_verifier", "another-verifier-0123456789-0123456789-0123456789"),
            "SHA-256",
        ),
        (
            Defect::RedirectUriNotComparedAtExchange,
            |form| form.set("redirect_uri", "https://app.example/cb2"),
            "redirect_uri was",
        ),
        (
            Defect::TokenDuplicateParametersAccepted,
            |form| form.add("grant_type", "authorization_code"),
            "came 2 times",
        ),
    ];
    for (defect, alter, message) in at_token {
        let ehr = TestEhr::with_defect(defect);
        let flow = ehr.code("app-public").await;
        assert!(ehr.redeem(&flow, alter).await.gives_token(), "{defect} lets it pass");
        let said = objections(&ehr);
        assert!(
            said.iter().any(|said| said.let_pass && said.message.contains(message)),
            "{defect}: {said:?}"
        );
    }
}

#[tokio::test]
async fn a_second_look_changes_nothing() {
    // The look of the journal spends neither the code nor the launch, and finds nothing where nothing is wrong.
    let ehr = TestEhr::with_defect(Defect::PkceNotVerified);
    ehr.mock.set_variants([Variant::LaunchSingleUse]);
    ehr.mock.set_defects([
        Defect::StateDropped,
        Defect::PkceNotVerified,
        Defect::ResponseIssMissing,
    ]);
    let launch = ehr.launch("app-public", None).launch;
    assert!(ehr.gives_code("app-public", |form| form.add("launch", &launch)).await);
    let flow = ehr.code("app-public").await;
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
    assert_eq!(objections(&ehr), []);
    let ehr = TestEhr::with_defect(Defect::CodeReplayAccepted);
    let flow = ehr.code("app-public").await;
    for _ in 0..3 {
        assert!(ehr.redeem(&flow, |form| form).await.gives_token());
    }
    let said = objections(&ehr);
    assert!(
        said.iter()
            .all(|said| said.let_pass && said.message.contains("redeemed before")),
        "{said:?}"
    );
    assert_eq!(said.len(), 2, "the first exchange was right");
}

#[tokio::test]
async fn a_token_of_the_wrong_kind_is_named() {
    let ehr = TestEhr::new();
    let answer = ehr.launched("app-public").await;
    ehr.fhir("Patient/patient-b", &answer.member("id_token")).await;
    assert_eq!(
        latest(&ehr, "/fhir/Patient/patient-b").await["request"]["bearer"],
        "id_token"
    );
    assert!(
        ehr.get("/inspect")
            .await
            .body
            .contains("is the id_token: send the access_token")
    );
    ehr.fhir("Patient/patient-b", &answer.member("access_token")).await;
    let right = latest(&ehr, "/fhir/Patient/patient-b").await;
    assert_eq!(right["request"]["bearer"], "access_token");
    assert_eq!(
        right["response"]["fhir"],
        json!({ "resourceType": "Patient", "id": "patient-b" })
    );
}

#[tokio::test]
async fn the_archive_can_be_read_by_others() {
    let ehr = TestEhr::new();
    ehr.launched("app-public").await;
    ehr.land("app-public", |form| form.set("scope", "nothing & more")).await;
    let answer = ehr.get("/inspect/journal.har").await;
    assert!(answer.header("content-disposition").contains(".har"));
    let log = answer.json()["log"].clone();
    assert_eq!(log["version"], "1.2");
    let pages: Vec<_> = log["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| page["id"].clone())
        .collect();
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), ehr.mock.state().journal().entries().len());
    let mut to_app = 0;
    for entry in entries {
        assert!(
            entry["pageref"].is_null() || pages.contains(&entry["pageref"]),
            "{entry}"
        );
        entry["startedDateTime"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
        url::Url::parse(entry["request"]["url"].as_str().unwrap()).unwrap();
        assert!(entry["request"]["queryString"].is_array() && entry["response"]["content"]["size"].is_number());
        for part in ["cache", "timings"] {
            assert!(entry[part].is_object());
        }
        let to = entry["response"]["redirectURL"].as_str().unwrap();
        if let Ok(address) = url::Url::parse(to) {
            assert!(!to.contains(' '), "{to}");
            to_app += usize::from(address.query_pairs().any(|(name, _)| name == "iss"));
        }
    }
    assert_eq!(to_app, 2);
}

#[tokio::test]
async fn other_sites_neither_read_nor_clear() {
    let ehr = TestEhr::new();
    ehr.get("/fhir/metadata").await;
    let clear = async |headers: &[(&str, &str)]| ehr.post("/inspect/clear", headers, &Form::default()).await.status;
    let kept = || ehr.mock.state().journal().entries().len();
    for headers in [
        [("host", "127.0.0.1:8080"), ("origin", "https://evil.example")],
        [("host", "127.0.0.1:8080"), ("origin", "null")],
        [("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:3000")],
        // A name that the other site's owner chose, and its own origin: DNS rebinding.
        [("host", "evil.example:8080"), ("origin", "http://evil.example:8080")],
    ] {
        assert_eq!(clear(&headers).await, StatusCode::FORBIDDEN, "{headers:?}");
        for path in ["/inspect", "/inspect/journal.har", "/inspect/events"] {
            assert_eq!(
                ehr.get_with(path, &headers).await.status,
                StatusCode::FORBIDDEN,
                "{headers:?} {path}"
            );
        }
    }
    assert_eq!(kept(), 1);
    let own = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
    assert_eq!(clear(&own).await, StatusCode::SEE_OTHER);
    assert_eq!(kept(), 0);
}

#[tokio::test]
async fn no_defect_weakens_the_page_and_looking_is_not_journalled() {
    let ehr = TestEhr::new();
    ehr.mock
        .set_defects([Defect::PagesFrameable, Defect::PagesCacheable, Defect::PagesThirdParty]);
    let page = ehr.get("/inspect").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.body.contains("stats.example"));
    assert!(ehr.mock.state().journal().entries().is_empty());
}

#[tokio::test]
async fn what_a_hostile_app_sends_is_text() {
    let ehr = TestEhr::new();
    let evil = "</code><script>alert(1)</script>";
    ehr.land("app-public", |form| {
        form.set("redirect_uri", evil).set("client_id", evil).add(evil, evil)
    })
    .await;
    ehr.get(&format!("/fhir/Patient?{}", Form::of(&[(evil, evil)]).encode()))
        .await;
    let page = ehr
        .get(&format!(
            "/inspect?{}",
            Form::of(&[("text", "script"), ("client", evil)]).encode()
        ))
        .await
        .body;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(ehr.get("/inspect").await.body.contains("&#60;script&#62;alert"));
}

#[tokio::test]
async fn an_open_page_hears_of_every_change() {
    let ehr = TestEhr::new();
    let request = Request::get("/inspect/events").body(Body::empty()).unwrap();
    let answer = ehr.mock.router().oneshot(request).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_secs(5), body.frame())
            .await
            .expect("an event in time");
        String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
    };
    assert!(next().await.starts_with("retry:"));
    ehr.get("/fhir/metadata").await;
    assert!(next().await.starts_with("event: change\n"));
    ehr.mock.state().journal().clear();
    assert!(next().await.starts_with("event: change\n"));
}

#[tokio::test]
async fn an_answer_in_a_form_leads_on_to_its_tokens() {
    let ehr = TestEhr::new();
    let request = ehr.request("app-public").add("response_mode", "form_post");
    let form = ehr.walk_until(&request, &DOCTOR, "/auth/consent").await;
    let page = ehr.submit("/auth/consent", &form).await;
    let (_, answer) = fill(&page.body, &DOCTOR).unwrap();
    let flow = Flow {
        client: "app-public",
        code: answer.get("code").to_owned(),
        redirect_uri: redirect_uri("app-public"),
    };
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
    let of = |entry: &Value| entry["launch"].clone();
    let (asked, exchanged) = (latest(&ehr, "/auth/authorize").await, latest(&ehr, "/auth/token").await);
    assert!(
        !of(&asked).is_null() && of(&asked) == of(&exchanged),
        "{asked} {exchanged}"
    );
    let kept = ehr.get("/inspect/journal.json").await.body;
    assert!(!kept.contains(&flow.code));
}
