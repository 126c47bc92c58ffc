//! Client authentication.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::Defect;
use serde_json::json;

use crate::harness::*;

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if let Some(answer) = secrets(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = public_clients(ehr, defect).await {
        return Some(answer);
    }
    assertions(ehr, defect).await
}

async fn secrets(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    const APP: &str = "app-symmetric";
    let by_basic = async |authorization: &str| {
        let form = ehr.exchange(&ehr.code(APP).await);
        ehr.post("/auth/token", &[("authorization", authorization)], &form)
            .await
    };
    let by_body = async |secret: &str| {
        let form = ehr
            .exchange(&ehr.code(APP).await)
            .add("client_id", APP)
            .add("client_secret", secret);
        ehr.post("/auth/token", &[], &form).await.gives_token()
    };
    let without = async |alter: &dyn Fn(Form) -> Form| {
        let form = ehr.exchange(&ehr.code(APP).await).add("client_id", APP);
        ehr.post("/auth/token", &[], &alter(form)).await.gives_token()
    };
    Some(match defect {
        Defect::ClientAuthNotRequired | Defect::ClientAuthOnlyPublicCodes => without(&|form| form).await,
        Defect::SecretWrongAccepted => by_body("wrong").await,
        Defect::SecretEmptyAccepted => by_body("").await,
        Defect::SecretOfOtherClientAccepted => by_body(secret("app-symmetric-2")).await,
        Defect::SecretPrefixAccepted => by_body(&secret(APP)[..8]).await,
        Defect::SecretCaseInsensitive => by_body(&secret(APP).to_uppercase()).await,
        Defect::SecretInQueryAccepted => {
            let form = ehr.exchange(&ehr.code(APP).await);
            let query = Form::of(&[("client_id", APP), ("client_secret", secret(APP))]).encode();
            ehr.post(&format!("/auth/token?{query}"), &[], &form)
                .await
                .gives_token()
        }
        Defect::ClientTwoMethodsAccepted => {
            let form = ehr
                .exchange(&ehr.code(APP).await)
                .add("client_id", APP)
                .add("client_secret", secret(APP));
            let authorization = basic(APP, secret(APP));
            ehr.post("/auth/token", &[("authorization", &authorization)], &form)
                .await
                .gives_token()
        }
        Defect::BasicRefused | Defect::BasicNotDecoded => !by_basic(&basic(APP, secret(APP))).await.gives_token(),
        Defect::BasicWwwAuthenticateMissing => {
            let answer = by_basic(&basic(APP, "wrong")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            answer.header("www-authenticate").is_empty()
        }
        Defect::BasicClientMismatchAccepted => {
            let form = ehr.exchange(&ehr.code(APP).await).add("client_id", "app-symmetric-2");
            let authorization = basic(APP, secret(APP));
            ehr.post("/auth/token", &[("authorization", &authorization)], &form)
                .await
                .gives_token()
        }
        Defect::InvalidClientCodeWrong => by_basic(&basic(APP, "wrong")).await.error() != "invalid_client",
        _ => return None,
    })
}

async fn public_clients(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    const APP: &str = "app-public";
    Some(match defect {
        Defect::PublicClientIdOptional => {
            let form = ehr.exchange(&ehr.code(APP).await).omit("client_id");
            ehr.post("/auth/token", &[], &form).await.gives_token()
        }
        Defect::PublicClientSecretRequired => {
            let form = ehr.exchange(&ehr.code(APP).await);
            !ehr.post("/auth/token", &[], &form).await.gives_token()
        }
        Defect::PublicAssertionAccepted => {
            let assertion = ehr.assertion(APP).sign();
            let form = ehr.exchange(&ehr.code(APP).await);
            let form = form
                .add("client_assertion_type", JWT_BEARER)
                .add("client_assertion", &assertion);
            ehr.post("/auth/token", &[], &form).await.gives_token()
        }
        _ => return None,
    })
}

async fn assertions(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let correct = || ehr.assertion("app-asymmetric");
    let now = ehr.mock.state().now().as_second();
    let proves = async |assertion: Assertion| ehr.proves(&assertion.sign()).await;
    Some(match defect {
        Defect::AssertionAlgNone => {
            let assertion = correct().header("alg", "none");
            ehr.proves(&format!("{}.", assertion.message())).await
        }
        Defect::AssertionHs256WithPublicKey => {
            let assertion = correct().header("alg", "HS256");
            let message = assertion.message();
            let key = hmac::Key::new(hmac::HMAC_SHA256, public("client_es384").to_string().as_bytes());
            let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
            ehr.proves(&format!("{message}.{signature}")).await
        }
        Defect::AssertionSignatureNotChecked => proves(correct().key("attacker_es384")).await,
        Defect::AssertionIssNotChecked => proves(correct().claim("iss", "somebody")).await,
        Defect::AssertionIssMissing => proves(correct().without("iss")).await,
        Defect::AssertionSubNotChecked => proves(correct().claim("sub", "somebody")).await,
        Defect::AssertionSubMissing => proves(correct().without("sub")).await,
        Defect::AssertionAudNotChecked => proves(correct().claim("aud", "https://other.example/token")).await,
        Defect::AssertionAudMissing => proves(correct().without("aud")).await,
        Defect::AssertionAudPrefix => proves(correct().claim("aud", format!("{BASE}/other"))).await,
        Defect::AssertionExpired => proves(correct().claim("exp", now - 60)).await,
        Defect::AssertionExpMissing => proves(correct().without("exp")).await,
        Defect::AssertionExpFar => proves(correct().claim("exp", now + 3600)).await,
        Defect::AssertionNbfIgnored => proves(correct().claim("nbf", now + 120)).await,
        Defect::AssertionJtiMissing => proves(correct().without("jti")).await,
        Defect::AssertionJtiReplay => {
            let token = correct().sign();
            assert!(ehr.proves(&token).await);
            ehr.proves(&token).await
        }
        Defect::AssertionKidUnknown => proves(correct().header("kid", "unknown")).await,
        Defect::AssertionKidMissing => proves(correct().without_header("kid")).await,
        Defect::AssertionJwkTrusted => {
            let attacker = correct().key("attacker_es384").header("jwk", public("attacker_es384"));
            proves(attacker).await
        }
        Defect::AssertionJkuTrusted => {
            let attacker = correct()
                .key("attacker_es384")
                .header("jku", "https://attacker.example/jwks.json");
            proves(attacker).await
        }
        Defect::AssertionCritIgnored => proves(correct().header("crit", json!(["exp"]))).await,
        Defect::AssertionKeyOfAnyClient => proves(correct().key("client_2_es384")).await,
        Defect::AssertionTypeWrong => with_type(ehr, Some("urn:other")).await,
        Defect::AssertionTypeMissing => with_type(ehr, None).await,
        Defect::AssertionRs384Refused => {
            let kid = kid("client_rs384");
            !proves(correct().key("client_rs384").header("alg", "RS384").header("kid", kid)).await
        }
        Defect::AssertionEs384Refused => !proves(correct()).await,
        _ => return None,
    })
}

async fn with_type(ehr: &TestEhr, kind: Option<&str>) -> bool {
    let form = ehr.exchange(&ehr.code("app-asymmetric").await);
    let form = form.add("client_assertion", &ehr.assertion("app-asymmetric").sign());
    let form = match kind {
        Some(kind) => form.add("client_assertion_type", kind),
        None => form,
    };
    ehr.post("/auth/token", &[], &form).await.gives_token()
}

#[tokio::test]
async fn a_secret_may_come_in_either_place_and_an_assertion_in_one() {
    let ehr = TestEhr::new();
    let form = ehr.exchange(&ehr.code("app-symmetric").await);
    let form = form
        .add("client_id", "app-symmetric")
        .add("client_secret", secret("app-symmetric"));
    assert!(ehr.post("/auth/token", &[], &form).await.gives_token());
    let several = ehr
        .assertion("app-asymmetric")
        .claim("aud", json!(["https://other.example", TOKEN_URL]));
    assert!(ehr.proves(&several.sign()).await, "an array that holds the token URL");
}

#[tokio::test]
async fn each_refusal_says_what_is_wrong() {
    let ehr = TestEhr::new();
    for (client, headers, said) in [
        (
            "app-public",
            vec![("authorization", basic("app-public", "x"))],
            "registered as public",
        ),
        ("app-symmetric", vec![], "no credentials"),
        (
            "app-asymmetric",
            vec![("authorization", basic("app-asymmetric", "x"))],
            "private_key_jwt",
        ),
        (
            "app-symmetric",
            vec![("authorization", "Basic !!!".to_owned())],
            "Authorization header",
        ),
        ("nobody", vec![], "not registered"),
    ] {
        let form = Form::of(&[
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("client_id", client),
        ]);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = ehr.post("/auth/token", &headers, &form).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_client")
        );
        assert!(answer.member("error_description").contains(said), "{answer:?}");
    }
}

#[tokio::test]
async fn a_jti_is_remembered_as_long_as_its_assertion_lives() {
    let ehr = TestEhr::new();
    let token = ehr.assertion("app-asymmetric").sign();
    assert!(ehr.proves(&token).await);
    ehr.mock.advance(SignedDuration::from_secs(59));
    assert!(!ehr.proves(&token).await);
}

#[tokio::test]
async fn a_refused_assertion_does_not_spend_its_jti() {
    let ehr = TestEhr::new();
    let wrong = ehr
        .assertion("app-asymmetric")
        .claim("aud", "https://other.example")
        .claim("jti", "once");
    assert!(!ehr.proves(&wrong.sign()).await);
    let right = ehr.assertion("app-asymmetric").claim("jti", "once");
    assert!(ehr.proves(&right.sign()).await);
}
