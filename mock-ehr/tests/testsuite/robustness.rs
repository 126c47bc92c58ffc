//! Whatever comes, no endpoint breaks: every answer is below 500.

use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::*;

const NAMES: [&str; 26] = [
    "aud",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "csrf",
    "decision",
    "grant_type",
    "launch",
    "max_age",
    "nonce",
    "password",
    "patient",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "request",
    "response_type",
    "scope",
    "state",
    "token",
    "username",
];

const PATHS: [&str; 7] = [
    "/auth/authorize",
    "/auth/sign-in",
    "/auth/patient",
    "/auth/consent",
    "/auth/token",
    "/auth/introspect",
    "/auth/revoke",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,60}",
        prop::sample::select(vec![
            "app-public",
            "app-symmetric",
            "app-asymmetric",
            "code",
            "S256",
            "openid patient/*.rs",
            "authorization_code",
            "refresh_token",
            "http://127.0.0.1:8080/fhir",
            "https://app.example/cb",
            JWT_BEARER,
            "e30.e30.",
            "9223372036854775807",
        ])
        .prop_map(str::to_owned),
    ]
}

fn form() -> impl Strategy<Value = Form> {
    let pair = (prop::sample::select(&NAMES[..]), value()).prop_map(|(name, value)| (name.to_owned(), value));
    prop::collection::vec(pair, 0..12).prop_map(Form)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_parameters_are_answered(form in form(), path in prop::sample::select(&PATHS[..])) {
        let ehr = TestEhr::new();
        block_on(async {
            assert!(!ehr.get(&format!("{path}?{}", form.encode())).await.status.is_server_error());
            assert!(!ehr.submit(path, &form).await.status.is_server_error());
        });
    }

    #[test]
    fn any_authorization_header_is_answered(header in "[ -~]{0,60}", path in prop::sample::select(&PATHS[4..])) {
        let ehr = TestEhr::new();
        let form = Form::of(&[("grant_type", "authorization_code"), ("code", "x"), ("token", "x")]);
        block_on(async {
            let answer = ehr.post(path, &[("authorization", &header)], &form).await;
            assert!(!answer.status.is_server_error());
            assert!(!ehr.get_with("/fhir/Patient/patient-a", &[("authorization", &header)]).await.status.is_success());
        });
    }

    #[test]
    fn any_body_is_answered(body in prop::collection::vec(any::<u8>(), 0..100), path in prop::sample::select(&PATHS[..])) {
        let ehr = TestEhr::new();
        block_on(async {
            for kind in ["application/x-www-form-urlencoded", "application/json", "text/plain"] {
                for path in [path, "/launches", "/rpc"] {
                    let request = Request::post(path).header("content-type", kind).body(Body::from(body.clone())).unwrap();
                    assert!(!ehr.send(request).await.status.is_server_error(), "{path}");
                }
            }
        });
    }
}

#[tokio::test]
async fn claims_of_any_size_and_kind_are_answered() {
    let ehr = TestEhr::new();
    let odd = [
        json!(i64::MAX),
        json!(i64::MIN),
        json!(253_402_207_200_i64),
        json!(1e300),
        json!(-1),
        json!("soon"),
        json!(null),
        json!([]),
        json!({}),
    ];
    for name in ["exp", "nbf", "iat", "jti", "iss", "sub", "aud"] {
        for value in &odd {
            let token = ehr.assertion("app-asymmetric").claim(name, value.clone()).sign();
            let form = Form::of(&[
                ("grant_type", "authorization_code"),
                ("code", "x"),
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", &token),
            ]);
            let answer = ehr.post("/auth/token", &[], &form).await;
            assert!(answer.status.is_client_error(), "{name} {value}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_far_exp_is_remembered_to_the_end_of_time() {
    let ehr = TestEhr::with_defect(mock_ehr::Defect::AssertionExpFar);
    let token = ehr.assertion("app-asymmetric").claim("exp", 253_402_207_200_i64).sign();
    assert!(ehr.proves(&token).await);
    assert!(!ehr.proves(&token).await);
}

#[tokio::test]
async fn deep_json_and_long_forms_are_refused() {
    let ehr = TestEhr::new();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let request = Request::post("/launches")
        .header("content-type", "application/json")
        .body(Body::from(deep))
        .unwrap();
    assert!(ehr.send(request).await.status.is_client_error());
    let long = Form::of(&[("code", &"x".repeat(100_000))]);
    assert_eq!(ehr.post("/auth/token", &[], &long).await.status.as_u16(), 413);
    let longer = Form::of(&[("code", &"x".repeat(3_000_000))]);
    assert_eq!(ehr.post("/auth/token", &[], &longer).await.status.as_u16(), 413);
    let context: Value = json!({ "client": "app-public", "fhirContext": [1, "two", { "three": [] }] });
    let answer = ehr.post_json("/launches", &context).await;
    assert_eq!(answer.status.as_u16(), 422);
    assert!(answer.error().contains("entry 1 is not an object"), "{answer:?}");
}
