//! id_tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_ehr::Defect;
use serde_json::Value;

use crate::harness::{BASE, TestEhr};

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if defect == Defect::OpenidRs256Unlisted {
        let configuration = ehr.get("/.well-known/openid-configuration").await.json();
        return Some(configuration["id_token_signing_alg_values_supported"] == serde_json::json!(["ES384"]));
    }
    if !defect.name().starts_with("id_token_") {
        return None;
    }
    if defect == Defect::IdTokenUnasked {
        let answer = ehr.launched_with(APP, |form| form.set("scope", "patient/*.rs")).await;
        return Some(answer.json().get("id_token").is_some());
    }
    if defect == Defect::IdTokenAuthTimeMissing {
        let answer = ehr.launched_with(APP, |form| form.set("max_age", "3600")).await;
        return Some(part(&answer.member("id_token"), 1).get("auth_time").is_none());
    }
    let token = ehr.launched(APP).await.member("id_token");
    if defect == Defect::IdTokenMissing {
        return Some(token.is_empty());
    }
    if defect == Defect::IdTokenNoJwt {
        return Some(!token.is_empty() && !token.contains('.'));
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
        _ => return finer(ehr, defect, &header, &claims).await,
    })
}

async fn finer(ehr: &TestEhr, defect: Defect, header: &Value, claims: &Value) -> Option<bool> {
    let now = ehr.mock.state().now().as_second();
    let several = claims["aud"].as_array().is_some_and(|all| all.len() == 2);
    Some(match defect {
        Defect::IdTokenIssSlash => claims["iss"] == format!("{BASE}/"),
        Defect::IdTokenKidMissing => header.get("kid").is_none(),
        Defect::IdTokenAlgUnlisted => header["alg"] != "RS256",
        Defect::IdTokenJku => header.get("jku").is_some(),
        Defect::IdTokenSubLong => claims["sub"].as_str().is_some_and(|sub| sub.len() > 255),
        Defect::IdTokenSubOfRefreshDiffers => {
            let launched = ehr.launched(APP).await;
            let refreshed = ehr.refresh(APP, &launched.member("refresh_token"), |form| form).await;
            part(&refreshed.member("id_token"), 1)["sub"] != claims["sub"]
        }
        Defect::IdTokenAzpWrong => several && claims["azp"] != APP,
        Defect::IdTokenAzpMissing => several && claims.get("azp").is_none(),
        Defect::IdTokenExpMilliseconds => claims["exp"].as_i64() > Some(now * 100),
        Defect::IdTokenExpString => claims["exp"].is_string(),
        Defect::IdTokenIatFuture => claims["iat"].as_i64() > Some(now + 3600),
        Defect::IdTokenAuthTimeText => claims["auth_time"].is_string(),
        Defect::IdTokenAtHashWrong => {
            // The hash of "another token", whichever token came.
            claims["at_hash"] == part(&ehr.launched(APP).await.member("id_token"), 1)["at_hash"]
        }
        Defect::IdTokenFhirUserOfOtherType => claims["fhirUser"].as_str().is_some_and(|user| user.contains("Device")),
        Defect::IdTokenFhirUserDangling => claims["fhirUser"].as_str().is_some_and(|user| user.ends_with("nobody")),
        _ => return None,
    })
}

pub(crate) fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap_or_default()).unwrap_or_default()
}

fn is_genuine(token: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = crate::harness::public("server_rs256");
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key).unwrap()).unwrap();
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, jsonwebtoken::Algorithm::RS256).unwrap()
}
