//! Sign-in at an identity provider: who comes back is who went there, and whatever goes wrong is said on a page.

mod logout;
mod provider;
mod real;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::clock::{Clock as _, SystemClock};
use mock_ehr::{Config, MockEhr};
use serde_json::{Value, json};

use self::provider::{ISSUER, Provider, metadata};
use crate::harness::*;
use crate::serve::program::Program;

const CONFIG: &str = r#"
issuer = "https://sso.example/realms/a"
client_id = "mock-ehr"
client_secret = "test-only-sso:s3cret/+%"
"#;

/// A mock that signs its users in at a provider.
fn delegating(more: &str) -> (TestEhr, Arc<Provider>) {
    let text = format!("[identity_provider]\n{CONFIG}\n{more}");
    let users =
        "[[users]]\nusername = 'demo'\npassword = ''\nfhir_user = ''\npatients = 'all'\n".replace("demo", "nurse");
    let part = Config::parse(
        &format!("{}{text}", users.replace("nurse", "demo") + &users),
        "ehr.toml",
    )
    .unwrap();
    let mut config = Config::embedded().as_ref().clone();
    config.identity_provider = part.identity_provider;
    let provider = Arc::new(Provider::default());
    let mock = MockEhr::builder()
        .public_url(BASE)
        .config(config)
        .fetch(Arc::clone(&provider) as _)
        .patience(Duration::from_millis(300))
        .build()
        .unwrap();
    (TestEhr::around(mock), provider)
}

fn back(form: &Form) -> String {
    format!("/auth/callback?{}", form.encode())
}

/// As far as the provider's page.
async fn sent(ehr: &TestEhr, alter: impl FnOnce(Form) -> Form) -> String {
    let landing = ehr.walk(&alter(ehr.request("app-public")), &DOCTOR).await;
    assert!(landing.address().starts_with(ISSUER), "{landing:?}");
    landing.address().to_owned()
}

/// There and back: the page, or whatever follows.
async fn answer(ehr: &TestEhr, provider: &Provider) -> Answer {
    let address = sent(ehr, |form| form).await;
    ehr.browse(&back(&provider.sign_in(&address))).await
}

/// A page of trouble with these words, and nobody signed in.
async fn refused(ehr: &TestEhr, page: &Answer, status: StatusCode, words: &str) {
    assert_eq!(page.status, status, "{words}: {}", page.body);
    assert!(
        page.body.contains("id=\"problem\"") && page.body.contains(ISSUER),
        "{}",
        page.body
    );
    assert!(page.body.contains(words), "{words}: {}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    // Otherwise it would go on to the patients.
    assert!(sent(ehr, |form| form).await.starts_with(ISSUER));
}

async fn token_of(ehr: &TestEhr, landing: &Landing) -> Value {
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").unwrap_or_else(|| panic!("{landing:?}")),
        redirect_uri: redirect_uri("app-public"),
    };
    let answer = ehr.redeem(&flow, |form| form).await;
    let id_token = answer.member("id_token");
    let claims = id_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn the_user_comes_back_from_the_provider_and_the_app_gets_a_token_of_theirs() {
    let (ehr, provider) = delegating("");
    let address = sent(&ehr, |form| {
        form.set("prompt", "login")
            .add("max_age", "600")
            .add("login_hint", "demo")
    })
    .await;
    let asked = provider.arrive(&address);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "mock-ehr"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "600"),
        ("login_hint", "demo"),
    ] {
        assert_eq!(asked.get(name), value, "{name}");
    }
    assert!(asked.get("state").len() == 43 && asked.get("nonce").len() == 43);
    let before = ehr.cookie_header();
    let answer = ehr.browse(&back(&provider.sign_in(&address))).await;
    assert_ne!(
        ehr.cookie_header(),
        before,
        "a session that was planted before is worth nothing"
    );
    let landing = ehr.walk_on(answer, &DOCTOR).await;
    let claims = token_of(&ehr, &landing).await;
    assert_eq!(claims["fhirUser"], format!("{FHIR}/Practitioner/practitioner-1"));
    // Whoever is signed in is not sent there again.
    let again = ehr.walk(&ehr.request("app-public"), &DOCTOR).await;
    assert!(again.parameter("code").is_some(), "{again:?}");
    assert_eq!(provider.redeemed(), 1);
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_sign_in_signs_nobody_in() {
    type Altered = fn(Assertion) -> Assertion;
    let cases: [(Altered, &str); 16] = [
        (|token| token.claim("nonce", "another"), "`nonce`"),
        (|token| token.without("nonce"), "`nonce`"),
        (|token| token.claim("iss", "https://sso.example/realms/b"), "`iss`"),
        (|token| token.claim("iss", format!("{ISSUER}/")), "`iss`"),
        (|token| token.claim("aud", "another"), "`aud`"),
        (
            |token| token.claim("aud", json!(["mock-ehr", "another"])).without("azp"),
            "`azp`",
        ),
        (|token| token.claim("azp", "another"), "`azp`"),
        (|token| token.claim("exp", now() - 61), "expired"),
        (|token| token.without("exp"), "`exp`"),
        (|token| token.without("iat"), "`iat`"),
        (|token| token.claim("iat", now() - 3600), "before this sign-in"),
        (|token| token.claim("iat", now() + 3600), "in the future"),
        (|token| token.without("sub"), "`sub`"),
        (|token| token.header("kid", "unknown"), "kid"),
        (|token| token.header("alg", "none"), "algorithm"),
        (|token| token.header("crit", json!(["exp"])), "`crit`"),
    ];
    for (altered, words) in cases {
        let (ehr, provider) = delegating("");
        provider.alter(altered);
        let page = answer(&ehr, &provider).await;
        refused(&ehr, &page, StatusCode::BAD_GATEWAY, words).await;
    }
}

fn now() -> i64 {
    SystemClock.now().as_second()
}

#[tokio::test]
async fn a_signature_counts_only_by_a_key_of_the_provider_and_over_what_was_sent() {
    let (ehr, provider) = delegating("");
    provider.forge();
    let page = answer(&ehr, &provider).await;
    refused(&ehr, &page, StatusCode::BAD_GATEWAY, "signature").await;

    let (ehr, provider) = delegating("");
    provider.alter(|token| token.key("attacker_rs384"));
    let page = answer(&ehr, &provider).await;
    refused(&ehr, &page, StatusCode::BAD_GATEWAY, "signature").await;

    // Without a kid, by the only key that fits.
    let (ehr, provider) = delegating("");
    provider.alter(|token| token.without_header("kid"));
    assert!(answer(&ehr, &provider).await.status.is_redirection());
}

#[tokio::test]
async fn an_error_of_the_provider_is_shown_as_text_and_the_user_tries_again_or_goes_back() {
    let (ehr, provider) = delegating("");
    let address = sent(&ehr, |form| form).await;
    let error = provider
        .sign_in(&address)
        .omit("code")
        .add("error", "access_denied")
        .add("error_description", "<script>alert(1)</script>");
    let page = ehr.browse(&back(&error)).await;
    assert!(
        !page.body.contains("<script>") && page.body.contains("&#60;script&#62;"),
        "{}",
        page.body
    );
    let (action, form) = fill(&page.body, &DOCTOR).unwrap();
    assert_eq!(action, "/auth/sign-in");
    let again = ehr.submit(&action, &form.clone().set("decision", "again")).await;
    assert!(again.header("location").starts_with(ISSUER), "{again:?}");
    let foreign = form.clone().set("csrf", "guessed").set("decision", "deny");
    assert_eq!(ehr.submit(&action, &foreign).await.status, StatusCode::BAD_REQUEST);
    let left = ehr.submit(&action, &form.set("decision", "deny")).await;
    assert!(left.header("location").contains("error=access_denied"), "{left:?}");
    refused(&ehr, &page, StatusCode::BAD_REQUEST, "access_denied").await;
}

#[tokio::test]
async fn an_answer_is_for_one_browser_one_provider_and_one_time() {
    let (ehr, provider) = delegating("");
    let address = sent(&ehr, |form| form).await;
    let landed = provider.sign_in(&address);
    let victim = ehr.other_browser();
    for stranger in [
        back(&landed),
        back(&landed.clone().set("state", "guessed")),
        back(&landed.clone().omit("state")),
    ] {
        // A session of its own, and under way to the provider as well.
        sent(&victim, |form| form).await;
        let page = victim.browse(&stranger).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{stranger}");
        assert!(page.body.contains("another browser"), "{}", page.body);
    }
    // An error is told nevertheless, without words that anybody may have put into the address.
    let lost = "/auth/callback?error=invalid_scope&error_description=Call+this+number";
    let page = victim.browse(lost).await;
    assert!(
        page.body.contains("invalid_scope") && !page.body.contains("number"),
        "{}",
        page.body
    );
    let nobody = ehr.other_browser();
    assert_eq!(nobody.browse(&back(&landed)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(provider.redeemed(), 0);
    // The others did not spend it.
    provider.arrive(&address);
    assert!(ehr.browse(&back(&landed)).await.status.is_redirection());
    let replayed = ehr.browse(&back(&landed)).await;
    assert_eq!((replayed.status, provider.redeemed()), (StatusCode::BAD_REQUEST, 1));
    assert!(replayed.body.contains("finished"), "{}", replayed.body);

    for (mixed, words) in [
        (Some("https://evil.example"), "another provider"),
        (None, "`iss` is missing"),
    ] {
        let (ehr, provider) = delegating("");
        let landed = provider.sign_in(&sent(&ehr, |form| form).await).omit("iss");
        let landed = mixed.map_or(landed.clone(), |iss| landed.add("iss", iss));
        let page = ehr.browse(&back(&landed)).await;
        refused(&ehr, &page, StatusCode::BAD_REQUEST, words).await;
        assert_eq!(
            provider.redeemed(),
            0,
            "the code must not go to a provider that did not give it"
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_down_slow_or_wrong_is_named_and_can_be_tried_again() {
    let (ehr, provider) = delegating("");
    provider.is_down();
    let request = ehr.request("app-public");
    let Landing::Page(page) = ehr.walk(&request, &DOCTOR).await else {
        panic!("it goes nowhere");
    };
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(
        page.body.contains("connection refused") && page.body.contains("openid-configuration"),
        "{}",
        page.body
    );
    let (action, form) = fill(&page.body, &DOCTOR).unwrap();
    provider.is_up_again();
    let again = ehr.submit(&action, &form).await;
    assert!(again.header("location").starts_with(ISSUER), "{again:?}");

    let without = |name: &str| {
        let mut document = metadata();
        document.as_object_mut().unwrap().remove(name);
        document
    };
    let with = |name: &str, value: Value| {
        let mut document = metadata();
        document[name] = value;
        document
    };
    for (document, words) in [
        (with("issuer", json!("https://sso.example")), "character by character"),
        (without("token_endpoint"), "token_endpoint"),
        (with("token_endpoint", json!("http://sso.example/token")), "https://"),
        (with("code_challenge_methods_supported", json!(["plain"])), "S256"),
        (json!("no object"), "no JSON object"),
    ] {
        let (ehr, provider) = delegating("");
        provider.answer("/.well-known", 200, document);
        let Landing::Page(page) = ehr.walk(&request, &DOCTOR).await else {
            panic!("{words}");
        };
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    for (path, status, body, words) in [
        ("/token", 401, json!({ "error": "invalid_client" }), "invalid_client"),
        ("/token", 200, json!({ "access_token": "a" }), "no id_token"),
        ("/token", 500, json!({}), "status 500"),
        ("/keys", 200, json!({ "keys": [] }), "no key of the provider"),
    ] {
        let (ehr, provider) = delegating("");
        provider.answer(path, status, body);
        let page = answer(&ehr, &provider).await;
        refused(&ehr, &page, StatusCode::BAD_GATEWAY, words).await;
    }
    let (ehr, provider) = delegating("");
    provider.never_answers("/token");
    let page = answer(&ehr, &provider).await;
    refused(&ehr, &page, StatusCode::BAD_GATEWAY, "no answer within").await;
}

#[tokio::test]
async fn the_claim_says_who_it_is_by_name_or_by_the_table() {
    let (ehr, provider) = delegating("");
    provider.alter(|token| token.claim("preferred_username", "<carol>"));
    let page = answer(&ehr, &provider).await;
    refused(
        &ehr,
        &page,
        StatusCode::FORBIDDEN,
        "is &#60;carol&#62;, and no user here",
    )
    .await;
    // Whoever is signed in at the provider must not come back for ever.
    let (action, form) = fill(&page.body, &DOCTOR).unwrap();
    let other = ehr.submit(&action, &form.set("decision", "other")).await;
    assert_eq!(provider.arrive(other.header("location")).get("prompt"), "login");

    let (ehr, provider) = delegating("");
    provider.alter(|token| token.without("preferred_username"));
    let page = answer(&ehr, &provider).await;
    refused(&ehr, &page, StatusCode::BAD_GATEWAY, "the claim `preferred_username`").await;

    let table = "claim = 'email'\n[identity_provider.users]\n'nurse@example.org' = 'nurse'\n";
    let nurse = Person {
        username: "nurse",
        patient: "patient-a",
        ..DOCTOR
    };
    // It stands at the userinfo endpoint alone.
    let (ehr, provider) = delegating(table);
    let landing = answer(&ehr, &provider).await;
    let landing = ehr.walk_on(landing, &nurse).await;
    let claims = token_of(&ehr, &landing).await;
    assert_eq!(claims["fhirUser"], format!("{FHIR}/Practitioner/practitioner-2"));

    let (ehr, provider) = delegating(table);
    provider.answer(
        "/userinfo",
        200,
        json!({ "sub": "subject-2", "email": "nurse@example.org" }),
    );
    let page = answer(&ehr, &provider).await;
    refused(&ehr, &page, StatusCode::BAD_GATEWAY, "another `sub`").await;

    for doubted in [json!(false), json!("false"), json!(null)] {
        let (ehr, provider) = delegating(table);
        let of = doubted.clone();
        provider.alter(move |token| {
            token
                .claim("email", "nurse@example.org")
                .claim("email_verified", of.clone())
        });
        let page = answer(&ehr, &provider).await;
        refused(&ehr, &page, StatusCode::FORBIDDEN, "nobody has verified it").await;
    }
}

#[tokio::test]
async fn whoever_was_asked_long_ago_is_not_who_was_asked_now() {
    for (name, value, words) in [
        ("prompt", "login", "was not asked again"),
        ("max_age", "60", "max_age was 60"),
    ] {
        let (ehr, provider) = delegating("");
        provider.alter(|token| token.claim("auth_time", now() - 3600));
        let address = sent(&ehr, |form| form.set(name, value)).await;
        let page = ehr.browse(&back(&provider.sign_in(&address))).await;
        refused(&ehr, &page, StatusCode::BAD_GATEWAY, words).await;
    }
    // Nobody asked for more: the app learns when it was, though the session here begins now.
    let (ehr, provider) = delegating("");
    provider.alter(|token| token.claim("auth_time", now() - 10 * 3600));
    ehr.mock.advance(SignedDuration::from_hours(2));
    let landing = answer(&ehr, &provider).await;
    let landing = ehr.walk_on(landing, &DOCTOR).await;
    let claims = token_of(&ehr, &landing).await;
    let ago = ehr.mock.state().now().as_second() - claims["auth_time"].as_i64().unwrap();
    assert!((36000..36060).contains(&ago), "{ago}");
    assert!(
        ehr.walk(&ehr.request("app-public"), &DOCTOR)
            .await
            .parameter("code")
            .is_some()
    );
}

#[tokio::test]
async fn passwords_of_the_mock_open_nothing_and_the_granted_apps_are_seen_by_way_of_the_provider() {
    let (ehr, provider) = delegating("");
    let to_provider = ehr.browse("/auth/apps").await;
    let address = to_provider.header("location").to_owned();
    let typed = Form::of(&[("username", "demo"), ("password", "demo"), ("csrf", "")]);
    let typed = ehr.submit("/auth/apps/sign-in", &typed).await;
    assert!(!typed.body.contains("No app has access"));
    let page = ehr.browse(&back(&provider.sign_in(&address))).await;
    assert_eq!(page.header("location"), "/auth/apps");
    assert!(ehr.browse("/auth/apps").await.body.contains("No app has access"));

    let (ehr, provider) = delegating("");
    provider.is_down();
    let Landing::Page(page) = ehr.walk(&ehr.request("app-public"), &DOCTOR).await else {
        panic!("it goes nowhere");
    };
    provider.is_up_again();
    let (action, form) = fill(&page.body, &DOCTOR).unwrap();
    let typed = form.add("username", "demo").add("password", "demo");
    let answer = ehr.submit(&action, &typed).await;
    assert!(answer.header("location").starts_with(ISSUER), "{answer:?}");
}

#[tokio::test]
async fn without_a_provider_there_is_no_way_back_from_one() {
    let ehr = TestEhr::new();
    let page = ehr.browse("/auth/callback?code=a&state=b").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_where_it_is_configured_and_only_there() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    // A mock is an OpenID provider too.
    let program = Program::start(&["--tls", "--tls-write-ca", authority.to_str().unwrap()]);
    let issuer = format!("https://{}", program.address());
    let built = |line: &str| {
        let file = folder.path().join("ehr.toml");
        let text = format!("[identity_provider]\nissuer = '{issuer}'\nclient_id = 'mock-ehr'\n{line}\n");
        std::fs::write(&file, text).unwrap();
        let mut config = Config::embedded().as_ref().clone();
        config.identity_provider = Config::read(&file).unwrap().identity_provider;
        MockEhr::builder().public_url(BASE).config(config).build()
    };
    let ehr = TestEhr::around(built("ca_certificate = 'ca.pem'").unwrap());
    let landing = ehr.walk(&ehr.request("app-public"), &DOCTOR).await;
    assert!(
        landing.address().starts_with(&format!("{issuer}/auth/authorize?")),
        "{landing:?}"
    );

    let ehr = TestEhr::around(built("").unwrap());
    let Landing::Page(page) = ehr.walk(&ehr.request("app-public"), &DOCTOR).await else {
        panic!("nobody vouches for it");
    };
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(
        page.body.to_lowercase().contains("certificate: unknownissuer"),
        "{}",
        page.body
    );

    std::fs::write(&authority, "no certificate").unwrap();
    let error = built("ca_certificate = 'ca.pem'").unwrap_err().to_string();
    assert!(error.contains("ca.pem"), "{error}");
}
