//! Discovery and keys.

use std::collections::HashSet;

use http::StatusCode;
use mock_ehr::Defect;
use serde_json::Value;

use crate::harness::{Answer, BASE, TestEhr};

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let answer = ehr.get("/fhir/.well-known/smart-configuration").await;
    let json = answer.json();
    let lacks = |name: &str| answer.status == StatusCode::OK && json.is_object() && json.get(name).is_none();
    Some(match defect {
        Defect::Discovery404 => answer.status == StatusCode::NOT_FOUND,
        Defect::DiscoveryBurst5xx => super::pages::at_once(ehr)
            .await
            .contains(&StatusCode::INTERNAL_SERVER_ERROR),
        Defect::JwksKeyDropped => {
            let (one, other) = (
                ehr.get("/.well-known/jwks.json").await,
                ehr.get("/.well-known/jwks.json").await,
            );
            one.body != other.body
        }
        Defect::DiscoveryNeedsAuthorization => answer.status == StatusCode::UNAUTHORIZED,
        Defect::DiscoveryWrongContentType => answer.header("content-type") != "application/json",
        Defect::DiscoveryMalformedJson => json == Value::Null,
        Defect::Discovery406 => {
            let html = [("accept", "text/html")];
            let answer = ehr.get_with("/fhir/.well-known/smart-configuration", &html).await;
            answer.status == StatusCode::NOT_ACCEPTABLE
        }
        Defect::DiscoveryRelativeEndpoint => !member(&json, "token_endpoint").starts_with("http"),
        Defect::DiscoveryAuthorizationEndpointMissing => lacks("authorization_endpoint"),
        Defect::DiscoveryTokenEndpointMissing => lacks("token_endpoint"),
        Defect::DiscoveryCapabilitiesMissing => lacks("capabilities"),
        Defect::DiscoveryCapabilitiesEmpty => json["capabilities"] == Value::Array(vec![]),
        Defect::DiscoveryCapabilitiesString => json["capabilities"].is_string(),
        Defect::DiscoveryGrantTypesMissing => lacks("grant_types_supported"),
        Defect::DiscoveryChallengeMethodsMissing => lacks("code_challenge_methods_supported"),
        Defect::DiscoveryContradiction => !has(&json, "token_endpoint_auth_methods_supported", "private_key_jwt"),
        Defect::DiscoverySecretMethodsMissing => !["client_secret_basic", "client_secret_post"]
            .iter()
            .any(|method| has(&json, "token_endpoint_auth_methods_supported", method)),
        Defect::DiscoveryRefreshGrantMissing => {
            has(&json, "grant_types_supported", "authorization_code")
                && !has(&json, "grant_types_supported", "refresh_token")
        }
        Defect::DiscoveryAsymmetricUnclaimed => lacks_capability(&json, "client-confidential-asymmetric"),
        Defect::DiscoveryPermissionV1Unclaimed => lacks_capability(&json, "permission-v1"),
        Defect::DiscoveryCapabilitySetIncomplete => lacks_capability(&json, "permission-patient"),
        Defect::DiscoveryLaunchEhrUnclaimed => lacks_capability(&json, "launch-ehr"),
        Defect::DiscoveryIssuerQuery => member(&json, "issuer").contains('?'),
        Defect::DiscoveryIssuerWellKnown => member(&json, "issuer").ends_with("openid-configuration"),
        Defect::DiscoverySigningAlgorithmsMissing => lacks("token_endpoint_auth_signing_alg_values_supported"),
        Defect::DiscoveryAssociatedEndpointsMalformed => json["associated_endpoints"][0].is_string(),
        Defect::OpenidIssuerFragment => openid(ehr).await.member("issuer").contains('#'),
        Defect::OpenidMetadataIncomplete => openid(ehr).await.json().get("subject_types_supported").is_none(),
        Defect::OauthMetadataDisagrees => {
            let theirs = ehr.get("/.well-known/oauth-authorization-server").await;
            theirs.member("token_endpoint") != member(&json, "token_endpoint")
        }
        Defect::OauthUrisMissing => statement(ehr).await["rest"][0]["security"]["extension"].is_null(),
        Defect::OauthUrisDisagree => {
            statement(ehr).await["rest"][0]["security"]["extension"][0]["extension"][1]["valueUri"]
                != json["token_endpoint"]
        }
        Defect::DiscoveryIssuerMissing => lacks("issuer"),
        Defect::DiscoveryJwksUriMissing => lacks("jwks_uri"),
        Defect::DiscoveryCorsMissing => answer.header("access-control-allow-origin") != "*",
        Defect::PkcePlainListed => has(&json, "code_challenge_methods_supported", "plain"),
        Defect::PkceS256NotListed => !has(&json, "code_challenge_methods_supported", "S256"),
        Defect::OpenidConfigurationMissing => openid(ehr).await.status == StatusCode::NOT_FOUND,
        Defect::OpenidIssuerMismatch => openid(ehr).await.member("issuer") != BASE,
        Defect::JwksPrivateKey => keys(ehr).await.iter().any(|key| key.get("d").is_some()),
        Defect::JwksEmpty => keys(ehr).await.is_empty(),
        Defect::JwksKidMissing => keys(ehr).await.iter().any(|key| key.get("kid").is_none()),
        Defect::JwksKidRepeated => {
            let kids: Vec<_> = keys(ehr).await.iter().map(|key| key["kid"].to_string()).collect();
            let different: HashSet<_> = kids.iter().collect();
            different.len() < kids.len()
        }
        Defect::JwksWrongKey => {
            let published = keys(ehr).await;
            published
                .iter()
                .any(|key| key["kty"] == "RSA" && key["n"] != crate::harness::public("server_rs256")["n"])
        }
        _ => return None,
    })
}

async fn statement(ehr: &TestEhr) -> Value {
    ehr.get("/fhir/metadata").await.json()
}

fn lacks_capability(json: &Value, name: &str) -> bool {
    json["capabilities"].is_array() && !has(json, "capabilities", name)
}

async fn openid(ehr: &TestEhr) -> Answer {
    ehr.get("/.well-known/openid-configuration").await
}

async fn keys(ehr: &TestEhr) -> Vec<Value> {
    ehr.get("/.well-known/jwks.json").await.json()["keys"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

fn member<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}

fn has(json: &Value, name: &str, value: &str) -> bool {
    json[name]
        .as_array()
        .is_some_and(|values| values.iter().any(|known| known == value))
}
