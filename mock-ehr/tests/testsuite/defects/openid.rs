//! id_tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_ehr::Defect;
use serde_json::Value;

use crate::harness::{BASE, TestEhr};

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if !defect.name().starts_with("id_token_") {
        return None;
    }
    if defect == Defect::IdTokenUnasked {
        let answer = ehr.launched_with(APP, |form| form.set("scope", "patient/*.rs")).await;
        return Some(answer.json().get("id_token").is_some());
    }
    let token = ehr.launched(APP).await.member("id_token");
    if defect == Defect::IdTokenMissing {
        return Some(token.is_empty());
    }
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let lacks = |name: &str| claims.get(name).is_none();
    Some(match defect {
        Defect::IdTokenAlgNone => header["alg"] == "none",
        Defect::IdTokenBadSignature => !is_genuine(&token),
        Defect::IdTokenUnknownKid => header["kid"] == "nobody",
        Defect::IdTokenIssWrong => claims["iss"] != BASE,
        Defect::IdTokenAudWrong => claims["aud"] != APP,
        Defect::IdTokenSubMissing => lacks("sub"),
        Defect::IdTokenSubChanges => part(&ehr.launched(APP).await.member("id_token"), 1)["sub"] != claims["sub"],
        Defect::IdTokenExpired => claims["exp"].as_i64() < Some(ehr.mock.state().now().as_second()),
        Defect::IdTokenExpMissing => lacks("exp"),
        Defect::IdTokenIatMissing => lacks("iat"),
        Defect::IdTokenNonceMissing => lacks("nonce"),
        Defect::IdTokenNonceWrong => claims["nonce"] != "nonce-1",
        Defect::IdTokenFhirUserMissing => lacks("fhirUser"),
        _ => return None,
    })
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap_or_default()).unwrap_or_default()
}

fn is_genuine(token: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = crate::harness::public("server_rs256");
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key).unwrap()).unwrap();
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, jsonwebtoken::Algorithm::RS256).unwrap()
}
