//! Client assertions whose spelling, signature or jti is wrong.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use mock_ehr::Defect;
use serde_json::json;

use crate::harness::*;

fn split(token: &str) -> (String, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap())
}

fn join(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The message of an assertion, with the claims as this text.
fn message_of(assertion: &Assertion, claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(assertion.header.to_string());
    format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims))
}

fn in_der(key: &str, message: &str) -> Vec<u8> {
    let jwk: serde_json::Value =
        serde_json::from_str(fixtures::file(&format!("keys/{key}.private.jwk.json")).unwrap().text).unwrap();
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P384_SHA384_ASN1_SIGNING, &part("d"), &point);
    let signature = pair.unwrap().sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    signature.as_ref().to_vec()
}

/// Does this assertion redeem a fresh code on a connection of its own?
async fn proves_alone(ehr: &TestEhr, token: &str) -> bool {
    let flow = ehr.code("app-asymmetric").await;
    let form = ehr
        .exchange(&flow)
        .add("client_assertion_type", JWT_BEARER)
        .add("client_assertion", token);
    ehr.post("/auth/token", &[("connection", "close")], &form)
        .await
        .gives_token()
}

/// A service that registers an RSA key of 1024 bits.
pub(crate) async fn register_weak_key(ehr: &TestEhr) -> Answer {
    let weak = json!({
        "kty": "RSA", "kid": "weak", "alg": "RS384", "use": "sig",
        "n": URL_SAFE_NO_PAD.encode([0xc5; 128]), "e": "AQAB",
    });
    let metadata = json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "scope": "system/*.rs", "jwks": { "keys": [weak] },
    });
    ehr.post_json("/auth/register", &metadata).await
}

/// Whether a service gets a token that registered such a key.
async fn is_weak_key_taken(ehr: &TestEhr) -> bool {
    let registered = register_weak_key(ehr).await;
    let assertion = ehr
        .assertion(&registered.member("client_id"))
        .header("alg", "RS384")
        .header("kid", "weak");
    let form = Form::of(&[
        ("grant_type", "client_credentials"),
        ("scope", "system/*.rs"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &join(&assertion.message(), &[1; 128])),
    ]);
    ehr.post("/auth/token", &[], &form).await.gives_token()
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let correct = || ehr.assertion("app-asymmetric");
    let now = ehr.mock.state().now().as_second();
    Some(match defect {
        Defect::AssertionFirstOfTwoCounts => {
            let assertion = correct();
            let claims = assertion.claims.to_string();
            let doubled = format!(
                "{},\"aud\":\"https://other.example\"}}",
                claims.strip_suffix('}').unwrap()
            );
            let message = message_of(&assertion, &doubled);
            ehr.proves(&join(&message, &sign(&assertion.key, message.as_bytes())))
                .await
        }
        Defect::AssertionPaddingAccepted => {
            let assertion = correct();
            let mut claims = assertion.claims.to_string();
            while claims.len() % 3 == 0 {
                claims.push(' ');
            }
            let header = URL_SAFE_NO_PAD.encode(assertion.header.to_string());
            let message = format!("{header}.{}", URL_SAFE.encode(claims));
            ehr.proves(&join(&message, &sign(&assertion.key, message.as_bytes())))
                .await
        }
        Defect::AssertionAlgOfKeyAssumed => ehr.proves(&correct().header("alg", "RS384").sign()).await,
        Defect::AssertionEcdsaZeroAccepted => ehr.proves(&join(&correct().message(), &[0; 96])).await,
        Defect::AssertionEcdsaDerAccepted => {
            let assertion = correct();
            let message = assertion.message();
            ehr.proves(&join(&message, &in_der(&assertion.key, &message))).await
        }
        Defect::AssertionSignatureLengthUnchecked => {
            let (message, mut signature) = split(&correct().sign());
            signature.pop();
            ehr.proves(&join(&message, &signature)).await
        }
        Defect::AssertionWeakKeyAccepted => is_weak_key_taken(ehr).await,
        Defect::AssertionJtiForgottenAtExp => {
            let late = correct().claim("exp", now - 2).sign();
            assert!(ehr.proves(&late).await, "two clocks may differ by five seconds");
            ehr.proves(&late).await
        }
        Defect::AssertionJtiForgottenEarly => {
            let long = correct().claim("exp", now + 290).sign();
            assert!(ehr.proves(&long).await);
            ehr.mock.advance(SignedDuration::from_secs(280));
            ehr.proves(&long).await
        }
        Defect::AssertionJtiPerInstance => {
            let token = correct().sign();
            assert!(ehr.proves(&token).await);
            proves_alone(ehr, &token).await
        }
        _ => return None,
    })
}
