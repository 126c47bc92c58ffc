//! The roads that must be open: a launch of each client kind, standalone and from the EHR.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::LaunchRequest;
use serde_json::{Value, json};

use crate::harness::*;

const CLIENTS: [&str; 6] = [
    "app-public",
    "app-public-2",
    "app-symmetric",
    "app-symmetric-2",
    "app-asymmetric",
    "app-asymmetric-2",
];

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn every_client_launches_standalone_and_refreshes() {
    let ehr = TestEhr::new();
    for client in CLIENTS {
        let landing = ehr.other_browser().walk(&ehr.request(client), &DOCTOR).await;
        assert_eq!(
            landing.parameter("state").as_deref(),
            Some(STATE),
            "{client}: {landing:?}"
        );
        assert_eq!(landing.parameter("iss").as_deref(), Some(BASE));
        let answer = ehr.launched(client).await;
        let body = answer.json();
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("pragma"), "no-cache");
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["patient"], "patient-b");
        assert_eq!(body["scope"], SCOPE);
        assert_eq!(body["need_patient_banner"], true);
        let id_token = claims(&answer.member("id_token"));
        assert_eq!(id_token["aud"], client);
        assert_eq!(id_token["nonce"], "nonce-1");
        assert_eq!(id_token["fhirUser"], format!("{FHIR}/Practitioner/practitioner-1"));
        let token = answer.member("access_token");
        assert_eq!(token.len(), 43);
        assert_eq!(ehr.fhir("Patient/patient-b", &token).await.status, StatusCode::OK);
        let refreshed = ehr.refresh(client, &answer.member("refresh_token"), |form| form).await;
        assert!(refreshed.gives_token(), "{client}: {refreshed:?}");
        assert_eq!(refreshed.json()["patient"], "patient-b");
        assert!(ehr.is_alive(&refreshed.member("access_token")).await);
    }
}

#[tokio::test]
async fn an_ehr_launch_brings_its_context() {
    let ehr = TestEhr::new();
    for client in CLIENTS {
        let launch = ehr.launch(client, Some("demo"));
        assert!(launch.uri.starts_with(&format!("{}?iss=", launch.launch_uri)));
        let answer = ehr
            .launched_with(client, |request| request.add("launch", &launch.launch))
            .await;
        let body = answer.json();
        assert_eq!(body["patient"], "patient-c");
        assert_eq!(body["encounter"], "encounter-c1");
        assert_eq!(body["need_patient_banner"], false);
        assert_eq!(body["intent"], "review");
        assert!(
            !ehr.is_alive(&answer.member("access_token")).await,
            "another patient than the launched one"
        );
    }
}

#[tokio::test]
async fn the_launch_api_speaks_json_and_the_rpc() {
    let ehr = TestEhr::new();
    let asked = json!({ "client": "app-public", "user": "demo", "patient": "patient-a" });
    let answer = ehr.post_json("/launches", &asked).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.json()["iss"], FHIR);
    assert_eq!(answer.json()["launch-uri"], "https://app.example/launch");
    let asked = json!({
        "method": "aidbox.smart/get-launch-uri",
        "params": { "iss": FHIR, "client": "app-public", "user": "demo", "ctx": { "patient": "patient-a" } },
    });
    let answer = ehr.post_json("/rpc", &asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let result = &answer.json()["result"];
    assert!(
        result["uri"]
            .as_str()
            .unwrap()
            .starts_with("https://app.example/launch?iss=")
    );
    let launch = result["launch"].as_str().unwrap();
    let body = ehr
        .launched_with("app-public", |request| request.add("launch", launch))
        .await
        .json();
    assert_eq!(body["patient"], "patient-a");
}

#[tokio::test]
async fn the_launch_api_says_what_is_wrong() {
    let ehr = TestEhr::new();
    for (asked, said) in [
        (json!({ "client": "nobody" }), "`app-public`"),
        (json!({ "client": "app-public", "user": "nobody" }), "`demo`"),
        (json!({ "client": "app-public", "patient": "nobody" }), "`nobody`"),
        (
            json!({ "client": "app-public", "user": "patient", "patient": "patient-b" }),
            "may not open",
        ),
        (json!({ "client": "app-public", "colour": "red" }), "colour"),
    ] {
        let answer = ehr.post_json("/launches", &asked).await;
        assert!(answer.status.is_client_error());
        assert!(answer.error().contains(said), "{answer:?}");
    }
    let wrong = json!({ "method": "other", "params": {} });
    assert_eq!(ehr.post_json("/rpc", &wrong).await.status, StatusCode::NOT_FOUND);
    let form = Form::of(&[("client", "app-public")]);
    assert_eq!(
        ehr.post("/launches", &[], &form).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}

#[tokio::test]
async fn the_launcher_page_sends_the_browser_to_the_app() {
    let ehr = TestEhr::new();
    let page = ehr.get("/").await;
    assert!(page.body.contains("app-public") && page.body.contains("patient-a"));
    let answer = ehr
        .get("/launch?client=app-public&user=demo&patient=patient-a&encounter=&banner=no")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer
            .header("location")
            .starts_with("https://app.example/launch?iss=http%3A%2F%2F127.0.0.1")
    );
    let answer = ehr.get("/launch?client=nobody").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_patient_is_not_asked_whose_record_it_is() {
    let ehr = TestEhr::new();
    let patient = Person {
        username: "patient",
        patient: "",
        allows: true,
    };
    let request = ehr.request("app-public");
    let form = ehr.walk_until(&request, &patient, "/auth/consent").await;
    let landing = ehr.walk_on(ehr.submit("/auth/consent", &form).await, &patient).await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").unwrap(),
        redirect_uri: redirect_uri("app-public"),
    };
    assert_eq!(ehr.redeem(&flow, |form| form).await.json()["patient"], "patient-a");
}

#[tokio::test]
async fn a_session_is_remembered_and_consent_is_asked_again() {
    let ehr = TestEhr::new();
    ehr.walk(&ehr.request("app-public"), &DOCTOR).await;
    let answer = ehr
        .browse(&format!("/auth/authorize?{}", ehr.request("app-public").encode()))
        .await;
    assert!(answer.header("location").starts_with("/auth/patient"), "{answer:?}");
    for (name, value, next) in [("prompt", "login", "/auth/sign-in"), ("max_age", "0", "/auth/sign-in")] {
        ehr.mock.advance(SignedDuration::from_secs(1));
        let request = ehr.request("app-public").set(name, value);
        let answer = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
        assert!(answer.header("location").starts_with(next), "{name}: {answer:?}");
    }
}

/// Whoever ticks that they do not want to be asked again is asked again for more, for another patient, and where the app says so.
#[tokio::test]
async fn consent_is_remembered_where_the_user_wants_it() {
    let ehr = TestEhr::new();
    let wants = |scope: &str| ehr.request("app-public").set("scope", scope);
    let narrow = "launch/patient patient/Observation.rs";
    let form = ehr.walk_until(&wants(narrow), &DOCTOR, "/auth/consent").await;
    assert_eq!(form.get("remember"), "", "nobody is remembered who did not ask for it");
    ehr.submit("/auth/consent", &form.add("remember", "yes")).await;

    let asked_after_picking = async |request: Form, patient: &str| {
        let form = ehr.walk_until(&request, &DOCTOR, "/auth/patient").await;
        let answer = ehr.submit("/auth/patient", &form.set("patient", patient)).await;
        answer.header("location").starts_with("/auth/consent")
    };
    assert!(!asked_after_picking(wants(narrow), "patient-b").await);
    assert!(asked_after_picking(wants(narrow), "patient-a").await);
    assert!(asked_after_picking(wants(&format!("{narrow} patient/Condition.rs")), "patient-b").await);
    assert!(asked_after_picking(wants(narrow).add("prompt", "consent"), "patient-b").await);
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let ehr = TestEhr::new();
    let request = ehr.request("app-public").add("prompt", "none");
    let landing = ehr.walk(&request, &DOCTOR).await;
    assert_eq!(landing.parameter("error").as_deref(), Some("login_required"));
    ehr.walk(&ehr.request("app-public"), &DOCTOR).await;
    let landing = ehr.walk(&request, &DOCTOR).await;
    assert_eq!(landing.parameter("error").as_deref(), Some("interaction_required"));
    let landing = ehr.walk(&request.set("scope", "openid"), &DOCTOR).await;
    assert_eq!(landing.parameter("error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn scopes_can_be_unticked_and_denied() {
    let ehr = TestEhr::new();
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/consent")
        .await;
    let form = form.omit("scope").add("scope", "openid");
    let landing = ehr.walk_on(ehr.submit("/auth/consent", &form).await, &DOCTOR).await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").unwrap(),
        redirect_uri: redirect_uri("app-public"),
    };
    let body = ehr.redeem(&flow, |form| form).await.json();
    assert_eq!(body["scope"], "openid");
    assert_eq!(body["patient"], Value::Null);
    let landing = ehr.other_browser().walk(&ehr.request("app-public"), &DENIER).await;
    assert_eq!(landing.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(landing.parameter("state").as_deref(), Some(STATE));
}

#[tokio::test]
async fn a_wrong_password_goes_no_further() {
    let ehr = TestEhr::new();
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/sign-in")
        .await;
    let answer = ehr.submit("/auth/sign-in", &form.set("password", "wrong")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("sign-in-error"));
}

#[tokio::test]
async fn a_session_gets_a_new_cookie_at_sign_in() {
    let ehr = TestEhr::new();
    let first = ehr
        .browse(&format!("/auth/authorize?{}", ehr.request("app-public").encode()))
        .await;
    let before = first.header("set-cookie").to_owned();
    assert!(before.ends_with("; Path=/; HttpOnly"), "{before}");
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/sign-in")
        .await;
    let after = ehr.submit("/auth/sign-in", &form).await.header("set-cookie").to_owned();
    assert!(!after.is_empty() && after != before);
}

#[tokio::test]
async fn a_page_of_another_browser_is_not_shown() {
    let ehr = TestEhr::new();
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/consent")
        .await;
    let other = ehr.other_browser();
    assert_eq!(
        other.submit("/auth/consent", &form).await.status,
        StatusCode::BAD_REQUEST
    );
    let path = format!("/auth/consent?request={}", form.get("request"));
    assert_eq!(other.browse(&path).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_consent_form_decides_once_and_not_before_sign_in() {
    let ehr = TestEhr::new();
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/consent")
        .await;
    assert!(ehr.submit("/auth/consent", &form).await.status.is_redirection());
    assert_eq!(ehr.submit("/auth/consent", &form).await.status, StatusCode::BAD_REQUEST);
    let ehr = TestEhr::new();
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/sign-in")
        .await;
    let form = form.add("decision", "allow").add("scope", "openid");
    assert_eq!(ehr.submit("/auth/consent", &form).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn less_is_granted_than_asked_where_the_client_may_have_less() {
    let ehr = TestEhr::new();
    let asked = "openid nonsense system/*.rs patient/*.cruds";
    let body = ehr
        .launched_with("app-public-2", |request| request.set("scope", asked))
        .await
        .json();
    assert_eq!(body["scope"], "openid patient/*.rs");
}

#[tokio::test]
async fn preflights_are_answered_for_registered_origins_only() {
    let ehr = TestEhr::new();
    let preflight = |path: &str, origin: &str| {
        http::Request::options(path)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let allowed = ehr.send(preflight("/auth/token", "https://app.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    let strange = ehr.send(preflight("/auth/token", "https://evil.example")).await;
    assert_eq!(strange.header("access-control-allow-origin"), "");
    let anybody = ehr
        .send(preflight(
            "/fhir/.well-known/smart-configuration",
            "https://evil.example",
        ))
        .await;
    assert_eq!(anybody.header("access-control-allow-origin"), "*");
    let data = ehr
        .get_with("/fhir/Patient/patient-b", &[("origin", "https://app.example")])
        .await;
    assert_eq!(data.status, StatusCode::UNAUTHORIZED);
    assert_eq!(data.header("access-control-allow-origin"), "https://app.example");
}

#[tokio::test]
async fn a_long_state_is_refused_and_a_kilobyte_returned() {
    let ehr = TestEhr::new();
    let state = "x".repeat(1024);
    let landing = ehr.land("app-public", |request| request.set("state", &state)).await;
    assert_eq!(landing.parameter("state"), Some(state));
    let landing = ehr
        .land("app-public", |request| request.set("state", &"x".repeat(2049)))
        .await;
    assert_eq!(landing.parameter("error").as_deref(), Some("invalid_request"));
    let landing = ehr
        .land("app-public", |request| request.set("state", &"x".repeat(20_000)))
        .await;
    assert_eq!(landing.status(), 414);
}

#[tokio::test]
async fn a_seed_repeats_the_codes() {
    let code = || async {
        let mock = mock_ehr::MockEhr::builder().public_url(BASE).seed(7).build().unwrap();
        let ehr = TestEhr::around(mock);
        ehr.code("app-public").await.code
    };
    assert_eq!(code().await, code().await);
}

#[tokio::test]
async fn without_a_patient_an_encounter_is_granted_only_where_the_ehr_told_it() {
    let ehr = TestEhr::new();
    let ask = |form: Form| form.set("scope", "launch launch/encounter openid");
    let body = ehr.launched_with("app-public", ask).await.json();
    assert_eq!(body["scope"], "launch openid");
    let launch = ehr.launch("app-public", None).launch;
    let body = ehr
        .launched_with("app-public", |form| ask(form).add("launch", &launch))
        .await
        .json();
    assert_eq!(body["scope"], "launch launch/encounter openid");
    assert_eq!(body["encounter"], "encounter-c1");
}

#[tokio::test]
async fn a_public_client_refreshes_without_naming_itself_and_no_other_does() {
    let ehr = TestEhr::new();
    let public = ehr.launched_with("app-public", |form| form).await;
    let refreshed = ehr
        .refresh("app-public", &public.member("refresh_token"), |form| {
            form.omit("client_id")
        })
        .await;
    assert!(refreshed.gives_token(), "{refreshed:?}");
    let symmetric = ehr.launched_with("app-symmetric", |form| form).await;
    let form = Form::of(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", &symmetric.member("refresh_token")),
    ]);
    let refused = ehr.post("/auth/token", &[], &form).await;
    assert_eq!(refused.member("error"), "invalid_client");
}

#[tokio::test]
async fn remembered_consent_is_for_the_patient_of_the_launch_too() {
    let ehr = TestEhr::new();
    let of = |patient: &str| {
        let launch = ehr
            .mock
            .create_launch(LaunchRequest {
                client: "app-public".into(),
                patient: Some(patient.into()),
                ..LaunchRequest::default()
            })
            .unwrap();
        ehr.request("app-public")
            .set("scope", "launch user/Observation.rs")
            .add("launch", &launch.launch)
    };
    let form = ehr.walk_until(&of("patient-a"), &DOCTOR, "/auth/consent").await;
    ehr.submit("/auth/consent", &form.add("remember", "yes")).await;
    let asked = async |patient: &str| {
        let answer = ehr.browse(&format!("/auth/authorize?{}", of(patient).encode())).await;
        answer.header("location").starts_with("/auth/consent")
    };
    assert!(!asked("patient-a").await);
    assert!(asked("patient-b").await, "nobody agreed to open this record");
}
