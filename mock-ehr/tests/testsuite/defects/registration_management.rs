//! What an app does with its registration afterwards.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use mock_ehr::Defect;
use serde_json::{Value, json};

use crate::harness::*;

const AT: &str = "/auth/register";
const OLD: &str = "https://registered.example/cb";
const NEW: &str = "https://registered.example/new";

async fn register(ehr: &TestEhr, method: &str) -> Answer {
    let metadata = json!({
        "redirect_uris": [OLD],
        "token_endpoint_auth_method": method,
        "scope": "launch/patient patient/*.rs",
    });
    ehr.post_json(AT, &metadata).await
}

/// A request to the address of a registration.
async fn manage(ehr: &TestEhr, method: Method, registered: &Answer, token: &str, body: &Value) -> Answer {
    let path = registered.member("registration_client_uri").replace(BASE, "");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    ehr.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn own(ehr: &TestEhr, method: Method, registered: &Answer, body: &Value) -> Answer {
    let token = registered.member("registration_access_token");
    manage(ehr, method, registered, &token, body).await
}

/// All that is registered, changed.
fn changed(registered: &Answer, more: &Value) -> Value {
    let mut metadata = registered.json();
    for (name, value) in more.as_object().into_iter().flatten() {
        metadata[name] = value.clone();
    }
    metadata
}

async fn update(ehr: &TestEhr, registered: &Answer, more: &Value) -> Answer {
    own(ehr, Method::PUT, registered, &changed(registered, more)).await
}

/// Whether a code is sent to this address.
async fn gets_code(ehr: &TestEhr, registered: &Answer, redirect_uri: &str) -> Option<String> {
    let request = ehr
        .request("app-public")
        .set("client_id", &registered.member("client_id"))
        .set("redirect_uri", redirect_uri)
        .set("scope", "launch/patient patient/*.rs");
    ehr.other_browser().walk(&request, &DOCTOR).await.parameter("code")
}

/// The access token of a client that registered itself as public, after a launch.
async fn launched(ehr: &TestEhr, registered: &Answer) -> String {
    let code = gets_code(ehr, registered, OLD).await.unwrap();
    let form = Form::of(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", OLD),
        ("code_verifier", VERIFIER),
        ("client_id", &registered.member("client_id")),
    ]);
    ehr.post("/auth/token", &[], &form).await.member("access_token")
}

/// Whether a registration can be read, and neither changed nor ended.
pub(crate) async fn is_read_only(ehr: &TestEhr) -> bool {
    let registered = register(ehr, "none").await;
    let read = own(ehr, Method::GET, &registered, &Value::Null).await.status;
    let updated = update(ehr, &registered, &Value::Null).await.status;
    let deleted = own(ehr, Method::DELETE, &registered, &Value::Null).await.status;
    read == StatusCode::OK && updated == StatusCode::METHOD_NOT_ALLOWED && deleted == updated
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let nothing = Value::Null;
    let new_address = json!({ "redirect_uris": [NEW] });
    Some(match defect {
        Defect::RegistrationWrongType5xx => {
            let answer = ehr.post_json(AT, &json!({ "redirect_uris": OLD })).await;
            answer.status.is_server_error()
        }
        Defect::RegistrationServiceRefused => {
            let service = json!({
                "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [public("client_es384")] },
            });
            ehr.post_json(AT, &service).await.status != StatusCode::CREATED
        }
        Defect::RegistrationTokenMissing => register(ehr, "none")
            .await
            .member("registration_access_token")
            .is_empty(),
        Defect::RegistrationTokenOfAnyClient => {
            let (one, two) = (register(ehr, "none").await, register(ehr, "none").await);
            let token = two.member("registration_access_token");
            manage(ehr, Method::GET, &one, &token, &nothing).await.status == StatusCode::OK
        }
        Defect::RegistrationNoChallenge => {
            let one = register(ehr, "none").await;
            let refused = manage(ehr, Method::GET, &one, "wrong", &nothing).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
            refused.header("www-authenticate").is_empty()
        }
        Defect::RegistrationUpdateIgnored => {
            let one = register(ehr, "none").await;
            let answer = update(ehr, &one, &new_address).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            answer.json()["redirect_uris"] != json!([NEW])
        }
        Defect::RegistrationUpdateNotKept => {
            let one = register(ehr, "none").await;
            assert_eq!(update(ehr, &one, &new_address).await.json()["redirect_uris"][0], NEW);
            gets_code(ehr, &one, NEW).await.is_none()
        }
        Defect::RegistrationUpdateAdds => {
            let one = register(ehr, "none").await;
            update(ehr, &one, &new_address).await;
            gets_code(ehr, &one, OLD).await.is_some()
        }
        Defect::RegistrationSecretChosen => {
            let one = register(ehr, "client_secret_basic").await;
            let answer = update(ehr, &one, &json!({ "client_secret": "of my own choice" })).await;
            answer.status == StatusCode::OK
        }
        Defect::RegistrationDelete200 => {
            let one = register(ehr, "none").await;
            own(ehr, Method::DELETE, &one, &nothing).await.status == StatusCode::OK
        }
        Defect::RegistrationDeleted404 => {
            let one = register(ehr, "none").await;
            own(ehr, Method::DELETE, &one, &nothing).await;
            own(ehr, Method::GET, &one, &nothing).await.status == StatusCode::NOT_FOUND
        }
        Defect::RegistrationDeleteKeepsTokens => {
            let one = register(ehr, "none").await;
            let token = launched(ehr, &one).await;
            assert!(ehr.is_alive(&token).await);
            own(ehr, Method::DELETE, &one, &nothing).await;
            ehr.is_alive(&token).await
        }
        Defect::UserinfoJunk5xx => {
            let request = Request::get("/auth/userinfo").header("authorization", b"Bearer \xff".as_slice());
            let answer = ehr.send(request.body(Body::empty()).unwrap()).await;
            answer.status.is_server_error()
        }
        _ => return None,
    })
}

#[tokio::test]
async fn a_change_replaces_and_keeps_id_secret_and_token() {
    let ehr = TestEhr::new();
    let one = register(&ehr, "client_secret_basic").await;
    let answer = update(&ehr, &one, &json!({ "redirect_uris": [NEW], "client_name": "Changed" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for same in ["client_id", "client_secret", "registration_access_token"] {
        assert_eq!(answer.member(same), one.member(same));
    }
    let read = own(&ehr, Method::GET, &one, &Value::Null).await;
    assert_eq!(read.member("client_name"), "Changed");
    assert!(gets_code(&ehr, &one, NEW).await.is_some());
    for wrong in [
        json!({ "client_id": "another" }),
        json!({ "client_secret": "mine" }),
        json!({ "redirect_uris": "x" }),
    ] {
        assert_eq!(
            update(&ehr, &one, &wrong).await.status,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
}
