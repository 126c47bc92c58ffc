//! Key sets that clients publish at an address of their own.

use std::time::Duration;

use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::fetch::Fetched;
use mock_ehr::{Defect, Variant};
use serde_json::{Value, json};

use crate::harness::*;
use crate::shelf::{KEYS_AT, key_set};

const APP: &str = "backend-by-url";

/// A token request of the client, signed by this key.
async fn ask(ehr: &TestEhr, key: &str, alter: impl FnOnce(Assertion) -> Assertion) -> Answer {
    let assertion = ehr.assertion(APP).key(key).header("kid", kid(key));
    let form = Form::of(&[("grant_type", "client_credentials"), ("scope", "system/*.rs")])
        .add("client_assertion_type", JWT_BEARER)
        .add("client_assertion", &alter(assertion).sign());
    ehr.post("/auth/token", &[], &form).await
}

async fn gets(ehr: &TestEhr, key: &str) -> bool {
    ask(ehr, key, |assertion| assertion).await.gives_token()
}

const OLD: &str = "client_es384";
const NEW: &str = "client_2_es384";

fn renamed(key: &str, kid: &str) -> Value {
    let mut jwk = public(key);
    jwk["kid"] = kid.into();
    jwk
}

fn kept(document: Fetched, cache_control: &str) -> Fetched {
    Fetched {
        cache_control: Some(cache_control.to_owned()),
        ..document
    }
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let put = |keys: &[Value]| ehr.shelf.put(KEYS_AT, key_set(keys));
    Some(match defect {
        Defect::JwksUriFetchedOnce => {
            put(&[public(OLD)]);
            assert!(gets(ehr, OLD).await);
            put(&[public(OLD), public(NEW)]);
            !gets(ehr, NEW).await
        }
        Defect::JwksUriCachedTooLong => {
            put(&[public(OLD)]);
            assert!(gets(ehr, OLD).await);
            put(&[]);
            gets(ehr, OLD).await
        }
        Defect::JwksUriNotCached => {
            ehr.shelf.put(KEYS_AT, kept(key_set(&[public(OLD)]), "max-age=60"));
            assert!(gets(ehr, OLD).await && gets(ehr, OLD).await);
            ehr.shelf.fetched(KEYS_AT) == 2
        }
        Defect::JwksUriFirstKeyOnly => {
            put(&[public(NEW), public(OLD)]);
            !gets(ehr, OLD).await
        }
        Defect::JwksUriKidAlone => {
            put(&[renamed("client_rs384", &kid(OLD)), public(OLD)]);
            !gets(ehr, OLD).await
        }
        Defect::AssertionKidAmbiguous => {
            put(&[renamed(NEW, &kid(OLD)), public(OLD)]);
            gets(ehr, OLD).await
        }
        Defect::JwksUriStrangeKeyRefused => {
            put(&[json!({ "kty": "NEW", "kid": "x" }), public(OLD)]);
            !gets(ehr, OLD).await
        }
        Defect::JwksUriJsonOnly => {
            let document = Fetched {
                content_type: Some("application/jwk-set+json".to_owned()),
                ..key_set(&[public(OLD)])
            };
            ehr.shelf.put(KEYS_AT, document);
            !gets(ehr, OLD).await
        }
        Defect::JwksUriFailure5xx => {
            let answer = ask(ehr, OLD, |assertion| assertion).await;
            answer.status == StatusCode::INTERNAL_SERVER_ERROR
        }
        Defect::JwksUriImpatient => {
            let document = key_set(&[public(OLD)]);
            ehr.shelf.put_slow(KEYS_AT, document, Duration::from_millis(200));
            !gets(ehr, OLD).await
        }
        Defect::JwksUriCertificateUnchecked => {
            let at = "https://127.0.0.1:8091/untrusted/jwks.json";
            ehr.shelf.put(at, key_set(&[public("client_es384")]));
            let metadata = json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "grant_types": ["client_credentials"],
                "scope": "system/*.rs",
                "jwks_uri": at,
            });
            let registered = ehr.post_json("/auth/register", &metadata).await;
            let id = registered.member("client_id");
            let assertion = ehr.assertion(APP).key(OLD).header("kid", kid(OLD));
            let assertion = assertion.claim("iss", id.as_str()).claim("sub", id.as_str());
            let form = Form::of(&[("grant_type", "client_credentials"), ("scope", "system/*.rs")])
                .add("client_assertion_type", JWT_BEARER)
                .add("client_assertion", &assertion.sign());
            ehr.post("/auth/token", &[], &form).await.gives_token()
        }
        Defect::JwksUriJkuOfSameHost => {
            put(&[public(OLD)]);
            let beside = format!("{KEYS_AT}-beside");
            ehr.shelf.put(&beside, key_set(&[public(NEW)]));
            ask(ehr, NEW, |assertion| assertion.header("jku", beside))
                .await
                .gives_token()
        }
        _ => return None,
    })
}

/// Does the mock behave in the way of this variant?
pub(crate) async fn shows(ehr: &TestEhr, variant: Variant) -> bool {
    let document = key_set(&[public(OLD)]);
    if variant == Variant::JwksUriRedirectFollowed {
        let elsewhere = "https://elsewhere.example/jwks.json";
        ehr.shelf.put(elsewhere, document.clone());
        let redirect = Fetched {
            status: 302,
            location: Some(elsewhere.to_owned()),
            ..document
        };
        ehr.shelf.put(KEYS_AT, redirect);
        return gets(ehr, OLD).await;
    }
    if variant == Variant::JwksUriAlgBound {
        ehr.shelf.put(KEYS_AT, key_set(&[public(OLD), public("client_rs384")]));
        let by_other = ask(ehr, "client_rs384", |assertion| assertion.header("alg", "RS384")).await;
        return gets(ehr, OLD).await && !by_other.gives_token();
    }
    let text = Fetched {
        content_type: Some("text/plain".to_owned()),
        ..document
    };
    ehr.shelf.put(KEYS_AT, text);
    !gets(ehr, OLD).await
}

#[tokio::test]
async fn a_key_set_is_kept_for_as_long_as_it_may_be() {
    let ehr = TestEhr::new();
    ehr.shelf
        .put(KEYS_AT, kept(key_set(&[public(OLD)]), "public, max-age=60"));
    assert!(gets(&ehr, OLD).await && gets(&ehr, OLD).await);
    assert_eq!(ehr.shelf.fetched(KEYS_AT), 1);
    ehr.mock.advance(SignedDuration::from_secs(61));
    assert!(gets(&ehr, OLD).await);
    assert_eq!(ehr.shelf.fetched(KEYS_AT), 2);
    assert!(!gets(&ehr, NEW).await, "never published, and looked up at once");
    assert_eq!(ehr.shelf.fetched(KEYS_AT), 3);
}

#[tokio::test]
async fn what_gives_no_keys_is_an_invalid_client() {
    let ehr = TestEhr::new();
    let answers = [
        (500, "{\"keys\":[]}"),
        (200, ""),
        (200, "[]"),
        (200, "{}"),
        (200, "{\"keys\":7}"),
        (302, ""),
    ];
    for (status, body) in answers {
        let document = Fetched {
            status,
            body: body.into(),
            ..key_set(&[])
        };
        ehr.shelf.put(KEYS_AT, document);
        let answer = ask(&ehr, OLD, |assertion| assertion).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_client"),
            "{status} {body}: {answer:?}"
        );
    }
}
