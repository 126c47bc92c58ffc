//! Dynamic registration.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use mock_ehr::Defect;
use serde_json::{Value, json};

use crate::harness::*;

const AT: &str = "/auth/register";

/// A correct registration, altered.
async fn register(ehr: &TestEhr, more: Value) -> Answer {
    let mut metadata = json!({
        "client_name": "A test",
        "redirect_uris": ["https://registered.example/cb"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "launch/patient patient/*.rs",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        metadata[name] = value.clone();
    }
    ehr.post_json(AT, &metadata).await
}

fn signs(more: &Value) -> Value {
    let mut metadata = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    for (name, value) in more.as_object().into_iter().flatten() {
        metadata[name] = value.clone();
    }
    metadata
}

fn keys() -> Value {
    json!({ "keys": [public("client_es384")] })
}

async fn manage(ehr: &TestEhr, method: Method, registered: &Answer, with_token: bool) -> StatusCode {
    let path = registered.member("registration_client_uri").replace(BASE, "");
    let mut request = Request::builder().method(method).uri(path);
    if with_token {
        let token = registered.member("registration_access_token");
        request = request.header("authorization", format!("Bearer {token}"));
    }
    ehr.send(request.body(Body::empty()).unwrap()).await.status
}

/// Whether the authorization endpoint knows this client.
async fn is_known(ehr: &TestEhr, registered: &Answer) -> bool {
    let request = ehr
        .request("app-public")
        .set("client_id", &registered.member("client_id"))
        .set("redirect_uri", "https://registered.example/cb")
        .set("scope", "launch/patient patient/*.rs");
    ehr.walk(&request, &DOCTOR).await.parameter("code").is_some()
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let refused = |answer: &Answer| answer.status == StatusCode::BAD_REQUEST;
    let nothing = json!({});
    Some(match defect {
        Defect::RegistrationStatus200 => register(ehr, nothing).await.status == StatusCode::OK,
        Defect::RegistrationMetadataMissing => register(ehr, nothing).await.json()["redirect_uris"].is_null(),
        Defect::RegistrationSecretExpiryMissing => {
            let answer = register(ehr, json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
            assert!(!answer.member("client_secret").is_empty());
            answer.json()["client_secret_expires_at"].is_null()
        }
        Defect::RegistrationSecretShort => {
            let answer = register(ehr, json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
            let secret = answer.member("client_secret");
            !secret.is_empty() && secret.len() < 20
        }
        Defect::RegistrationStatementLost => {
            let answer = register(ehr, json!({ "software_statement": "a.b.c" })).await;
            answer.member("software_statement") != "a.b.c"
        }
        Defect::RegistrationUnknownMemberRefused => refused(&register(ehr, json!({ "x": 1 })).await),
        Defect::RegistrationPlainHttpAccepted => {
            let answer = register(ehr, json!({ "redirect_uris": ["http://registered.example/cb"] })).await;
            answer.status == StatusCode::CREATED
        }
        Defect::ParClientRequirementNotHeld => {
            let answer = register(ehr, json!({ "require_pushed_authorization_requests": true })).await;
            assert_eq!(answer.json()["require_pushed_authorization_requests"], true);
            is_known(ehr, &answer).await
        }
        Defect::RegistrationJwksUriRefused => {
            refused(&register(ehr, signs(&json!({ "jwks_uri": "https://registered.example/jwks" }))).await)
        }
        Defect::RegistrationJwksRefused => refused(&register(ehr, signs(&json!({ "jwks": keys() }))).await),
        Defect::RegistrationBothKeyFormsAccepted => {
            let both = signs(&json!({ "jwks": keys(), "jwks_uri": "https://registered.example/jwks" }));
            register(ehr, both).await.status == StatusCode::CREATED
        }
        Defect::RegistrationRedirectUriUnchecked => {
            let answer = register(ehr, json!({ "redirect_uris": ["javascript:alert(1)"] })).await;
            answer.status == StatusCode::CREATED
        }
        Defect::RegistrationErrorCodeWrong => {
            register(ehr, json!({ "redirect_uris": ["/cb"] })).await.error() != "invalid_redirect_uri"
        }
        Defect::RegistrationMethodLost => !is_public(ehr, &register(ehr, nothing).await).await,
        Defect::RegistrationClientIdMissing => register(ehr, nothing).await.json().get("client_id").is_none(),
        Defect::RegistrationClientIdRepeated => {
            let (one, two) = (register(ehr, json!({})).await, register(ehr, json!({})).await);
            one.member("client_id") == two.member("client_id")
        }
        Defect::RegistrationManagementOpen => {
            let registered = register(ehr, nothing).await;
            manage(ehr, Method::GET, &registered, false).await == StatusCode::OK
        }
        Defect::RegistrationReadRefused => {
            let registered = register(ehr, nothing).await;
            manage(ehr, Method::GET, &registered, true).await != StatusCode::OK
        }
        Defect::RegistrationJunk5xx => ehr.post_json(AT, &json!([])).await.status.is_server_error(),
        Defect::RegistrationDeleteIgnored => {
            let registered = register(ehr, nothing).await;
            assert!(is_known(ehr, &registered).await);
            let status = manage(ehr, Method::DELETE, &registered, true).await;
            assert_eq!(status, StatusCode::NO_CONTENT);
            is_known(ehr, &registered).await
        }
        _ => return None,
    })
}

/// Whether the token endpoint takes it for a public client: then it looks at the code, not for credentials.
async fn is_public(ehr: &TestEhr, registered: &Answer) -> bool {
    let form = Form::of(&[
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("client_id", &registered.member("client_id")),
    ]);
    ehr.post("/auth/token", &[], &form).await.error() == "invalid_grant"
}

#[tokio::test]
async fn what_was_registered_is_told_and_holds() {
    let ehr = TestEhr::new();
    let answer = register(&ehr, json!({ "scope": "launch/patient patient/*.rs system/*.cruds" })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.member("scope"), "launch/patient patient/*.rs");
    assert!(is_known(&ehr, &answer).await);
    ehr.mock.reset();
    assert!(!is_known(&ehr, &answer).await, "a reset forgets who registered");
}

#[tokio::test]
async fn a_service_registers_with_keys_only() {
    let ehr = TestEhr::new();
    let service = json!({ "grant_types": ["client_credentials"], "redirect_uris": [], "scope": "system/*.rs" });
    let with_secret = register(&ehr, service.clone()).await;
    assert_eq!(with_secret.error(), "invalid_client_metadata");
    let mut service = signs(&service);
    service["jwks"] = keys();
    let answer = register(&ehr, service).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    for wrong in [
        json!({ "redirect_uris": ["http://registered.example/cb"] }),
        json!({ "redirect_uris": 7 }),
        json!({ "grant_types": ["password"] }),
        json!({ "token_endpoint_auth_method": "tls_client_auth" }),
        signs(&json!({})),
        signs(&json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } })),
        signs(&json!({ "jwks_uri": "nowhere" })),
    ] {
        assert_eq!(
            register(&ehr, wrong.clone()).await.status,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
}
