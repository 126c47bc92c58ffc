//! `/clients`: what is registered by hand signs in, what is changed is changed at once, what is deleted is gone.

use http::StatusCode;
use mock_ehr::MockEhr;
use serde_json::{Value, json};

use super::ask;
use crate::harness::*;

async fn created(ehr: &TestEhr, client: Value) -> Value {
    let (status, created) = ask(ehr, "POST", "/clients", Some(client)).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    created
}

/// A request of this client that is right but for who asks.
fn asks(ehr: &TestEhr, client: &str, redirect_uri: &str) -> Form {
    let scope = "launch/patient openid patient/*.rs";
    let form = ehr.request("app-public").set("client_id", client);
    form.set("redirect_uri", redirect_uri).set("scope", scope)
}

#[tokio::test]
async fn every_way_in_is_listed() {
    let mock = MockEhr::builder().public_url(BASE);
    let mock = mock.app("my-app", "http://localhost:3000/launch.html").build().unwrap();
    let ehr = TestEhr::around(mock);
    let metadata = json!({ "redirect_uris": ["https://self.example/cb"], "token_endpoint_auth_method": "none" });
    let own = ehr.post_json("/auth/register", &metadata).await.member("client_id");
    created(
        &ehr,
        json!({ "client_id": "mine", "redirect_uris": ["http://localhost:3000/"] }),
    )
    .await;
    let (_, listed) = ask(&ehr, "GET", "/clients", None).await;
    let from = |id: &str| {
        let all = listed.as_array().unwrap();
        all.iter()
            .find(|client| client["client_id"] == id)
            .map(|client| client["from"].clone())
    };
    for (id, way) in [
        ("app-public", "configuration"),
        ("backend", "configuration"),
        ("my-app", "--app"),
        (&own, "registration"),
        ("mine", "management"),
    ] {
        assert_eq!(from(id), Some(json!(way)), "{id}");
        let (status, shown) = ask(&ehr, "GET", &format!("/clients/{id}"), None).await;
        assert_eq!((status, &shown["from"]), (StatusCode::OK, &json!(way)), "{id}");
    }
    assert_eq!(from("nobody"), None);
    assert!(!listed.to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_public_app_is_registered_changed_and_deleted() {
    let ehr = TestEhr::new();
    let mine = json!({
        "client_id": "mine",
        "name": "Mine",
        "redirect_uris": ["http://localhost:3000/app"],
        "launch_url": "http://localhost:3000/launch",
        "scopes": "launch/patient openid patient/*.rs",
    });
    let answer = created(&ehr, mine.clone()).await;
    assert_eq!(answer["origins"], json!(["http://localhost:3000"]));
    assert_eq!(answer["kind"], "public");
    let (status, refused) = ask(&ehr, "POST", "/clients", Some(mine.clone())).await;
    assert_eq!((status, &refused["field"]), (StatusCode::CONFLICT, &json!("client_id")));
    let (old, new) = ("http://localhost:3000/app", "http://localhost:3000/new");
    let code = async |uri: &str| {
        let landing = ehr.other_browser().walk(&asks(&ehr, "mine", uri), &DOCTOR).await;
        landing.parameter("code")
    };
    let redeem = async |uri: &str| {
        let form = Form::of(&[
            ("grant_type", "authorization_code"),
            ("client_id", "mine"),
            ("code", &code(uri).await.expect("a code")),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
        ]);
        ehr.post("/auth/token", &[], &form).await.member("access_token")
    };
    let token = redeem(old).await;
    assert!(ehr.is_alive(&token).await);
    assert!(ehr.get("/").await.body.contains("Mine (mine)"));
    let mut changed = mine.clone();
    changed["redirect_uris"] = json!([new]);
    let (status, answer) = ask(&ehr, "PUT", "/clients/mine", Some(changed)).await;
    assert_eq!((status, &answer["redirect_uris"]), (StatusCode::OK, &json!([new])));
    assert!(code(old).await.is_none() && code(new).await.is_some());
    let mut renamed = mine;
    renamed["client_id"] = json!("yours");
    let (status, refused) = ask(&ehr, "PUT", "/clients/mine", Some(renamed)).await;
    assert_eq!(
        (status, &refused["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("client_id"))
    );
    assert_eq!(
        ask(&ehr, "DELETE", "/clients/mine", None).await.0,
        StatusCode::NO_CONTENT
    );
    assert!(code(new).await.is_none());
    assert!(!ehr.is_alive(&token).await, "what it was given went with it");
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then(|| json!({ "redirect_uris": [new] }));
        assert_eq!(
            ask(&ehr, method, "/clients/mine", body).await.0,
            StatusCode::NOT_FOUND,
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_secret_is_made_told_once_and_kept_over_a_change() {
    let ehr = TestEhr::new();
    let asked = json!({ "kind": "symmetric", "redirect_uris": ["https://mine.example/cb"] });
    let answer = created(&ehr, asked.clone()).await;
    let (id, secret) = (
        answer["client_id"].as_str().unwrap(),
        answer["client_secret"].as_str().unwrap(),
    );
    assert!(secret.len() >= 22, "{answer}");
    let path = format!("/clients/{id}");
    let (_, changed) = ask(&ehr, "PUT", &path, Some(asked.clone())).await;
    let (_, shown) = ask(&ehr, "GET", &path, None).await;
    for told in [&changed, &shown] {
        assert!(!told.to_string().contains(secret), "{told}");
    }
    let proves = async |secret: &str| {
        let form = Form::of(&[("token", "x")]);
        let by = basic(id, secret);
        ehr.post("/auth/introspect", &[("authorization", &by)], &form)
            .await
            .status
    };
    assert_eq!(proves("another").await, StatusCode::UNAUTHORIZED);
    let with_known = proves(secret).await;
    assert_ne!(with_known, StatusCode::UNAUTHORIZED);
    let mut own = asked;
    own["client_secret"] = json!("my own secret");
    let (status, changed) = ask(&ehr, "PUT", &path, Some(own)).await;
    assert_eq!((status, changed.get("client_secret")), (StatusCode::OK, None));
    assert_eq!(proves(secret).await, StatusCode::UNAUTHORIZED);
    assert_eq!(proves("my own secret").await, with_known);
}

#[tokio::test]
async fn what_is_configured_stays_as_it_is() {
    let ehr = TestEhr::new();
    let body = json!({ "redirect_uris": ["https://evil.example/cb"] });
    for (method, body) in [("PUT", Some(body)), ("DELETE", None)] {
        let (status, refused) = ask(&ehr, method, "/clients/app-public", body).await;
        assert_eq!(status, StatusCode::CONFLICT, "{method}: {refused}");
        assert!(
            refused["error"].as_str().unwrap().contains("configuration"),
            "{refused}"
        );
    }
    assert!(ehr.gives_code("app-public", |form| form).await);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_member() {
    let ehr = TestEhr::new();
    let uris = json!(["https://a.example/cb"]);
    for (client, field, told) in [
        (json!([]), "(body)", "object"),
        (json!({ "redirect_uri": "x" }), "redirect_uri", "redirect_uris"),
        (json!({}), "redirect_uris", "at least one"),
        (
            json!({ "redirect_uris": "https://a.example/" }),
            "redirect_uris",
            "array",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/", "/cb"] }),
            "redirect_uris[1]",
            "absolute",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/#x"] }),
            "redirect_uris[0]",
            "fragment",
        ),
        (
            json!({ "redirect_uris": uris, "client_id": "" }),
            "client_id",
            "visible",
        ),
        (
            json!({ "redirect_uris": uris, "client_id": "registered-1" }),
            "client_id",
            "themselves",
        ),
        (json!({ "redirect_uris": uris, "kind": "secret" }), "kind", "symmetric"),
        (
            json!({ "redirect_uris": uris, "client_secret": "x" }),
            "client_secret",
            "symmetric",
        ),
        (
            json!({ "redirect_uris": uris, "kind": "symmetric", "client_secret": 4711 }),
            "client_secret",
            "not empty",
        ),
        (
            json!({ "redirect_uris": uris, "kind": "symmetric", "auth_methods": ["basic"] }),
            "auth_methods",
            "client_secret_basic",
        ),
        (
            json!({ "redirect_uris": uris, "kind": "asymmetric" }),
            "jwks",
            "jwks_uri",
        ),
        (
            json!({ "redirect_uris": uris, "kind": "asymmetric", "jwks": [] }),
            "jwks",
            "keys",
        ),
        (
            json!({ "kind": "backend", "jwks": { "keys": [] } }),
            "jwks.keys",
            "at least one key",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/", "javascript:alert(1)"] }),
            "redirect_uris[1]",
            "javascript URI",
        ),
        (
            json!({ "redirect_uris": ["DATA:text/html,x"] }),
            "redirect_uris[0]",
            "data URI",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/", "https://b.example/", "https://a.example/"] }),
            "redirect_uris[2]",
            "repeats redirect_uris[0]",
        ),
        (
            json!({ "redirect_uris": uris, "origins": ["https://a.example", "https://a.example"] }),
            "origins[1]",
            "repeats origins[0]",
        ),
        (
            json!({
                "redirect_uris": uris,
                "kind": "symmetric",
                "auth_methods": ["client_secret_basic", "client_secret_basic"],
            }),
            "auth_methods[1]",
            "repeats auth_methods[0]",
        ),
        (
            json!({ "redirect_uris": uris, "kind": "asymmetric", "jwks": { "keys": [{ "kty": "oct" }] } }),
            "jwks.keys[0]",
            "JWK",
        ),
        (
            json!({ "kind": "backend", "jwks_uri": "file:///etc/passwd" }),
            "jwks_uri",
            "https",
        ),
        (
            json!({ "kind": "backend", "key_fixtures": ["no_such_key"] }),
            "key_fixtures[0]",
            "no_such_key",
        ),
        (
            json!({ "redirect_uris": uris, "jwks_uri": "https://a.example/" }),
            "jwks_uri",
            "asymmetric",
        ),
        (
            json!({ "redirect_uris": uris, "launch_url": "javascript:alert(1)" }),
            "launch_url",
            "http",
        ),
        (
            json!({ "redirect_uris": uris, "scopes": "patient/*.rs everything" }),
            "scopes",
            "everything",
        ),
        (json!({ "redirect_uris": uris, "scopes": "" }), "scopes", "at least one"),
        (
            json!({ "redirect_uris": uris, "origins": ["https://a.example/app"] }),
            "origins[0]",
            "port",
        ),
        (
            json!({ "redirect_uris": uris, "require_pushed_authorization_requests": 1 }),
            "require_pushed_authorization_requests",
            "true",
        ),
    ] {
        let (status, error) = ask(&ehr, "POST", "/clients", Some(client.clone())).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{client}");
        assert_eq!(error["field"], field, "{client}: {error}");
        let text = error["error"].as_str().unwrap();
        assert!(text.starts_with(field) && text.contains(told), "{client}: {text}");
        assert!(!text.contains("4711"), "a secret is not repeated: {text}");
    }
    let before = ehr.mock.state().config().clients.len();
    assert_eq!(
        ask(&ehr, "GET", "/clients", None).await.1.as_array().unwrap().len(),
        before
    );
}

#[tokio::test]
async fn a_service_is_registered_with_its_key() {
    let ehr = TestEhr::new();
    let service = json!({ "client_id": "night", "kind": "backend", "key_fixtures": ["client_es384"] });
    assert_eq!(created(&ehr, service).await["scopes"], "system/*.rs");
    let mut assertion = ehr.assertion("app-asymmetric");
    assertion.claims["iss"] = json!("night");
    assertion.claims["sub"] = json!("night");
    let form = Form::of(&[
        ("grant_type", "client_credentials"),
        ("scope", "system/Patient.rs"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion.sign()),
    ]);
    let answer = ehr.post("/auth/token", &[], &form).await;
    assert!(answer.gives_token(), "{answer:?}");
}
