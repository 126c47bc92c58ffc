//! Standalone launches with choices: the FHIR base that carries user, patient, encounter and faults.

use http::StatusCode;
use mock_ehr::{Config, MockEhr};
use serde_json::{Value, json};

use crate::harness::*;

const APP: &str = "app-public";
const ALONE: &str = "openid fhirUser launch/patient launch/encounter offline_access patient/*.rs";

/// The FHIR base of a standalone launch with these choices.
async fn base(ehr: &TestEhr, choices: Value) -> String {
    let mut asked = json!({ "client": APP, "type": "standalone" });
    asked
        .as_object_mut()
        .unwrap()
        .extend(choices.as_object().unwrap().clone());
    let answer = ehr.post_json("/launches", &asked).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let launch = answer.json();
    let (app, told) = launch["uri"].as_str().unwrap().split_once('?').unwrap();
    assert_eq!(app, "https://app.example/launch");
    assert_eq!(
        pairs(told),
        [("iss".to_owned(), launch["iss"].as_str().unwrap().to_owned())]
    );
    assert_eq!(launch.get("launch"), None);
    answer.member("iss")
}

/// What an app asks that was pointed at this base.
fn asks(ehr: &TestEhr, base: &str) -> Form {
    ehr.request(APP).set("aud", base).set("scope", ALONE)
}

async fn flow(ehr: &TestEhr, base: &str) -> Flow {
    let landing = ehr.other_browser().walk(&asks(ehr, base), &DOCTOR).await;
    Flow {
        client: APP,
        code: landing
            .parameter("code")
            .unwrap_or_else(|| panic!("a code: {landing:?}")),
        redirect_uri: redirect_uri(APP),
    }
}

async fn at(ehr: &TestEhr, base: &str, path: &str, token: &str) -> Answer {
    let path = format!("{}/{path}", base.strip_prefix(BASE).unwrap());
    ehr.get_with(&path, &[("authorization", &format!("Bearer {token}"))])
        .await
}

#[tokio::test]
async fn user_patient_and_encounter_are_known_at_the_base() {
    let ehr = TestEhr::new();
    let chosen = json!({ "user": "nurse", "patient": "patient-c", "encounter": "encounter-c1" });
    let base = base(&ehr, chosen).await;
    let smart = ehr
        .get(&format!(
            "{}/.well-known/smart-configuration",
            base.strip_prefix(BASE).unwrap()
        ))
        .await;
    assert_eq!(smart.member("authorization_endpoint"), format!("{BASE}/auth/authorize"));
    assert_eq!(smart.member("issuer"), BASE);
    assert_eq!(smart.header("access-control-allow-origin"), "*");
    let browser = ehr.other_browser();
    let first = browser
        .browse(&format!("/auth/authorize?{}", asks(&ehr, &base).encode()))
        .await;
    let page = browser.browse(first.header("location")).await;
    assert!(page.body.contains("value=\"nurse\""), "{}", page.body);
    // Whoever else signs in is not the one who was chosen.
    let other = ehr.other_browser().walk(&asks(&ehr, &base), &DOCTOR).await;
    assert_eq!(other.parameter("error").as_deref(), Some("access_denied"), "{other:?}");
    let nurse = Person {
        username: "nurse",
        ..DOCTOR
    };
    // Nobody picks a patient: the page would have been answered with patient-b.
    let landing = browser.walk_on(page, &nurse).await;
    let flow = Flow {
        client: APP,
        code: landing.parameter("code").unwrap_or_else(|| panic!("{landing:?}")),
        redirect_uri: redirect_uri(APP),
    };
    let answer = ehr.redeem(&flow, |form| form).await;
    let body = answer.json();
    assert_eq!(
        (&body["patient"], &body["encounter"]),
        (&json!("patient-c"), &json!("encounter-c1")),
        "{body}"
    );
    assert_eq!(body["authorization_details"][0]["locations"], json!([base]));
    let claims = answer.member("id_token");
    assert_eq!(
        claim(&claims, "fhirUser"),
        format!("{base}/Practitioner/practitioner-2")
    );
    assert_eq!(claim(&claims, "iss"), BASE);
    let found = at(&ehr, &base, "Observation?_count=1", &answer.member("access_token")).await;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    let bundle = found.json();
    for address in [&bundle["entry"][0]["fullUrl"], &bundle["link"][0]["url"]] {
        assert!(address.as_str().unwrap().starts_with(&base), "{address}");
    }
    let statement = at(&ehr, &base, "metadata", "none").await.json();
    assert_eq!(statement["implementation"]["url"], base);
}

fn claim(token: &str, name: &str) -> String {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    let claims: Value = serde_json::from_slice(&bytes).unwrap();
    claims[name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_is_signed_in_as_another_signs_in_anew() {
    let ehr = TestEhr::new();
    let browser = ehr.other_browser();
    browser.walk(&ehr.request(APP), &DOCTOR).await;
    let theirs = base(&ehr, json!({ "user": "nurse" })).await;
    let own = base(&ehr, json!({ "user": "demo" })).await;
    for (base, page) in [(theirs, "/auth/sign-in"), (own, "/auth/patient")] {
        let answer = browser
            .browse(&format!("/auth/authorize?{}", asks(&ehr, &base).encode()))
            .await;
        assert!(answer.header("location").starts_with(page), "{answer:?}");
    }
}

#[tokio::test]
async fn faults_show_at_the_base_and_nowhere_else() {
    let ehr = TestEhr::new();
    let faults = [
        "discovery_capabilities_string",
        "token_expires_in_string",
        "token:status-503",
        "fhir:empty:2",
    ];
    let base = base(&ehr, json!({ "faults": faults })).await;
    let root = base.strip_prefix(BASE).unwrap();
    let path = "/.well-known/smart-configuration";
    let smart = ehr.get(&format!("{root}{path}")).await;
    assert!(smart.json()["capabilities"].is_string());
    assert_eq!(smart.header("x-mock-defect"), "discovery_capabilities_string");
    let plain = ehr.get(&format!("/fhir{path}")).await;
    assert!(plain.json()["capabilities"].is_array());
    assert_eq!(plain.header("x-mock-defect"), "");
    // Each launch has its faults, though all of them have one address.
    for _ in 0..2 {
        let flow = flow(&ehr, &base).await;
        let first = ehr.redeem(&flow, |form| form).await;
        assert_eq!(first.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(first.header("x-mock-fault"), "status");
        let second = ehr.redeem(&flow, |form| form).await;
        assert!(second.json()["expires_in"].is_string(), "{second:?}");
        assert_eq!(second.header("x-mock-defect"), "token_expires_in_string");
        let token = second.member("access_token");
        for is_empty in [false, true, false] {
            let data = at(&ehr, &base, "Patient/patient-b", &token).await;
            assert_eq!(data.body.is_empty(), is_empty, "{data:?}");
        }
    }
    let plain = ehr.launched(APP).await;
    assert!(plain.json()["expires_in"].is_number());
    assert_eq!(plain.header("x-mock-defect"), "");
}

#[tokio::test]
async fn a_token_is_good_at_its_own_base_only() {
    let ehr = TestEhr::new();
    let (one, two) = (
        base(&ehr, json!({ "patient": "patient-b" })).await,
        base(&ehr, json!({ "patient": "patient-b", "user": "demo" })).await,
    );
    assert_ne!(one, two);
    let of_one = ehr.redeem(&flow(&ehr, &one).await, |form| form).await;
    let plain = ehr.launched(APP).await.member("access_token");
    let refreshed = ehr.refresh(APP, &of_one.member("refresh_token"), |form| form).await;
    for token in [of_one.member("access_token"), refreshed.member("access_token")] {
        assert_eq!(at(&ehr, &one, "Patient/patient-b", &token).await.status, StatusCode::OK);
        for base in [FHIR, &two] {
            let refused = at(&ehr, base, "Patient/patient-b", &token).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{base}");
            assert!(
                refused.header("www-authenticate").contains("invalid_token"),
                "{refused:?}"
            );
            assert!(refused.body.contains("another FHIR base"), "{refused:?}");
        }
        // The authorization server is one and the same.
        let info = ehr
            .get_with("/auth/userinfo", &[("authorization", &format!("Bearer {token}"))])
            .await;
        assert_eq!(info.status, StatusCode::OK, "{info:?}");
    }
    assert_eq!(at(&ehr, FHIR, "Patient/patient-b", &plain).await.status, StatusCode::OK);
    assert_eq!(
        at(&ehr, &one, "Patient/patient-b", &plain).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_address_holds_after_a_restart_and_an_altered_one_is_none() {
    let base = base(
        &TestEhr::new(),
        json!({ "patient": "patient-a", "faults": ["state_dropped"] }),
    )
    .await;
    // A mock that never made it; the app knows the endpoints from before.
    let ehr = TestEhr::new();
    let landing = ehr.other_browser().walk(&asks(&ehr, &base), &DOCTOR).await;
    assert!(
        landing.parameter("code").is_some() && landing.parameter("state").is_none(),
        "{landing:?}"
    );
    let root = base.strip_prefix(BASE).unwrap();
    let altered = root.replace("/l/", "/l/A");
    for wrong in [altered.as_str(), "/l/x/fhir", "/l/a.b/fhir"] {
        for below in [
            "/.well-known/smart-configuration",
            "/metadata",
            "/Patient/patient-a",
            "",
        ] {
            let answer = ehr.get(&format!("{wrong}{below}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}{below}");
            assert!(answer.body.contains("launcher page"), "{wrong}{below}: {answer:?}");
        }
        let refused = ehr.land(APP, |form| form.set("aud", &format!("{BASE}{wrong}"))).await;
        assert_eq!(
            refused.parameter("error").as_deref(),
            Some("invalid_request"),
            "{refused:?}"
        );
    }
    let entries = ehr.mock.state().journal().entries();
    let noted = entries
        .iter()
        .filter(|entry| entry.request.at.is_some() && entry.response.status == 404);
    assert_eq!(noted.count(), 12);
}

/// Choices that fitted another server: its users, its records.
#[tokio::test]
async fn choices_that_do_not_fit_this_server_are_named() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let ehr = TestEhr::new();
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    for (choices, told) in [
        (json!({ "user": "nobody" }), "nobody"),
        (json!({ "patient": "patient-of-yesterday" }), "patient-of-yesterday"),
        (json!({ "faults": ["no_such_fault"] }), "nearest"),
        (json!({ "faults": ["jwks:empty"] }), "discovery, metadata"),
        (json!({ "user": "patient", "patient": "patient-b" }), "may not open"),
        (json!({ "ward": "7b" }), "not known"),
    ] {
        let text = choices.to_string();
        let check = encode(&sha2::Sha256::digest(&text)[..6]);
        let answer = ehr
            .get(&format!("/l/{}.{check}/fhir/metadata", encode(text.as_bytes())))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{choices}");
        assert!(answer.body.contains(told), "{choices}: {answer:?}");
    }
}

#[tokio::test]
async fn a_pushed_request_is_known_by_its_aud_and_a_launch_stays_at_the_ordinary_base() {
    let ehr = TestEhr::new();
    let base = base(
        &ehr,
        json!({ "patient": "patient-c", "faults": ["response_iss_missing"] }),
    )
    .await;
    let pushed = ehr.call("/auth/par", APP, asks(&ehr, &base)).await;
    let request = Form::of(&[("client_id", APP), ("request_uri", &pushed.member("request_uri"))]);
    let landing = ehr.other_browser().walk(&request, &DOCTOR).await;
    assert!(
        landing.parameter("code").is_some() && landing.parameter("iss").is_none(),
        "{landing:?}"
    );
    let launch = ehr.launch(APP, None).launch;
    let mixed = asks(&ehr, &base).add("launch", &launch);
    let landing = ehr.other_browser().walk(&mixed, &DOCTOR).await;
    assert_eq!(
        landing.parameter("error").as_deref(),
        Some("invalid_request"),
        "{landing:?}"
    );
}

#[tokio::test]
async fn what_an_app_cannot_ask_for_cannot_be_chosen() {
    let ehr = TestEhr::new();
    for (more, told) in [
        (json!({ "intent": "review" }), "standalone"),
        (json!({ "need_patient_banner": false }), "standalone"),
        (
            json!({ "fhirContext": [{ "reference": "Location/location-1" }] }),
            "standalone",
        ),
        (json!({ "faults": ["aud_not_checked"] }), "--defect"),
        (json!({ "faults": ["launch_altered_accepted"] }), "--defect"),
        (json!({ "faults": ["jwks_cors_missing"] }), "--defect"),
        (json!({ "user": "nobody" }), "nobody"),
        (json!({ "user": "patient", "patient": "patient-b" }), "may not open"),
    ] {
        let mut asked = json!({ "client": APP, "type": "standalone" });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = ehr.post_json("/launches", &asked).await;
        assert!(answer.status.is_client_error(), "{asked}");
        assert!(answer.error().contains(told), "{asked}: {answer:?}");
    }
}

#[tokio::test]
async fn the_launcher_page_shows_the_base() {
    let ehr = TestEhr::new();
    let query = "client=app-public&type=standalone&patient=patient-a&user=demo&fault=token_expires_in_string";
    let sent = ehr.get(&format!("/launch?{query}")).await;
    let chosen = json!({ "user": "demo", "patient": "patient-a", "faults": ["token_expires_in_string"] });
    let base = base(&ehr, chosen).await;
    let (_, told) = sent.header("location").split_once("iss=").unwrap();
    assert_eq!(
        told,
        url::form_urlencoded::byte_serialize(base.as_bytes()).collect::<String>()
    );
    let page = ehr.get(&format!("/?{query}")).await.body;
    assert!(page.contains(&format!("<code id=\"own-base\">{base}</code>")), "{page}");
    let page = ehr.get("/?client=app-public&patient=patient-a").await.body;
    assert!(page.contains("<code id=\"own-base\"></code>"), "{page}");
}

/// `aud` is a parameter of the authorization request; anywhere else it is one among many that mean nothing.
#[tokio::test]
async fn no_later_request_moves_a_launch_to_another_base() {
    let ehr = TestEhr::new();
    let other = base(&ehr, json!({ "faults": ["token_expires_in_string"] })).await;
    // It is in use: nobody looks for faults that no launch has carried yet.
    let known = at(&ehr, &other, "metadata", "none").await;
    assert_eq!(known.status, StatusCode::OK);
    let browser = ehr.other_browser();
    let form = browser.walk_until(&ehr.request(APP), &DOCTOR, "/auth/consent").await;
    let allowed = browser.submit("/auth/consent", &form.add("aud", &other)).await;
    let flow = flow_of(&allowed);
    let answer = ehr.redeem(&flow, |form| form.add("aud", &other)).await;
    assert!(answer.json()["expires_in"].is_number(), "{answer:?}");
    assert_eq!(answer.header("x-mock-defect"), "");
    let token = answer.member("access_token");
    assert_eq!(at(&ehr, FHIR, "Patient/patient-b", &token).await.status, StatusCode::OK);
    assert_eq!(
        at(&ehr, &other, "Patient/patient-b", &token).await.status,
        StatusCode::UNAUTHORIZED
    );
    // Nor does it take a launch's faults away.
    let flow = self::flow(&ehr, &other).await;
    let answer = ehr.redeem(&flow, |form| form.add("aud", FHIR)).await;
    assert!(answer.json()["expires_in"].is_string(), "{answer:?}");
}

fn flow_of(allowed: &Answer) -> Flow {
    let landing = Landing::App(allowed.header("location").to_owned());
    Flow {
        client: APP,
        code: landing.parameter("code").unwrap_or_else(|| panic!("{landing:?}")),
        redirect_uri: redirect_uri(APP),
    }
}

/// Where consent is remembered no page is shown, and the launch is one of its own all the same.
#[tokio::test]
async fn every_launch_in_one_browser_has_its_faults() {
    let ehr = TestEhr::new();
    let base = base(&ehr, json!({ "patient": "patient-b", "faults": ["fhir:status-503"] })).await;
    let browser = ehr.other_browser();
    let form = browser
        .walk_until(&asks(&ehr, &base), &DOCTOR, "/auth/consent")
        .await
        .add("remember", "yes");
    let mut allowed = browser.submit("/auth/consent", &form).await;
    for launch in 1..=3 {
        let token = ehr.redeem(&flow_of(&allowed), |form| form).await.member("access_token");
        for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK] {
            let data = at(&ehr, &base, "Patient/patient-b", &token).await;
            assert_eq!(data.status, status, "launch {launch}");
        }
        let asked = format!("/auth/authorize?{}", asks(&ehr, &base).encode());
        allowed = browser.browse(&asked).await;
    }
}

#[tokio::test]
async fn what_comes_before_the_launch_counts_anew_with_each() {
    let ehr = TestEhr::new();
    let faults = ["authorize:empty", "discovery:status-503"];
    let own = base(&ehr, json!({ "patient": "patient-b", "faults": faults })).await;
    let path = format!("{}/.well-known/smart-configuration", own.strip_prefix(BASE).unwrap());
    let asked = format!("/auth/authorize?{}", asks(&ehr, &own).encode());
    for launch in 1..=3 {
        for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK, StatusCode::OK] {
            assert_eq!(ehr.get(&path).await.status, status, "launch {launch}");
        }
        // The one whose answer gets lost is made again, and is not struck again.
        for fault in ["empty", ""] {
            let answer = ehr.other_browser().browse(&asked).await;
            assert_eq!(answer.header("x-mock-fault"), fault, "launch {launch}");
        }
    }
    // A launch that is made here begins anew as well, though no app ever came with the one before.
    for _ in 0..2 {
        assert_eq!(
            base(&ehr, json!({ "patient": "patient-b", "faults": faults })).await,
            own
        );
        assert_eq!(ehr.get(&path).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ehr.get(&path).await.status, StatusCode::OK);
    }
}

/// What is made here can be read here.
#[tokio::test]
async fn more_than_an_address_carries_is_refused_when_it_is_made() {
    let mut config = Config::embedded().as_ref().clone();
    let mut long = config.users[0].clone();
    long.username = "a".repeat(1000);
    config.users.push(long.clone());
    let ehr = TestEhr::built(MockEhr::builder().config(config));
    let ask = |faults: Value| json!({ "client": APP, "type": "standalone", "user": long.username, "faults": faults });
    let fits = ehr.post_json("/launches", &ask(json!(["token:empty"]))).await;
    assert_eq!(fits.status, StatusCode::CREATED, "{fits:?}");
    let path = format!("{}/metadata", fits.member("iss").strip_prefix(BASE).unwrap());
    assert_eq!(ehr.get(&path).await.status, StatusCode::OK);
    let wide = ["token_expires_in_string"; 5];
    let zeros = format!("token:empty:{}1", "0".repeat(1500));
    for (faults, told) in [
        (json!(wide), "an address carries 1118"),
        (json!([zeros]), "the number of a request"),
        (json!(["token:empty:01"]), "the number of a request"),
    ] {
        let refused = ehr.post_json("/launches", &ask(faults)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert!(refused.error().contains(told), "{refused:?}");
    }
}
