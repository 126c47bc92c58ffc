//! What only a faulty resource server takes for an access token, and how it takes one without a patient.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use mock_ehr::Defect;
use serde_json::{Value, json};

use crate::harness::*;

const APP: &str = "app-public";
/// What stands before the point of a P-256 key in its SubjectPublicKeyInfo (RFC 5480 §2).
const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let opens = async |token: &str| ehr.fhir("Patient/patient-b", token).await.status == StatusCode::OK;
    Some(match defect {
        Defect::FhirJwtOwnKeyBelieved => {
            let Some(claims) = claims(ehr).await else {
                return Some(false);
            };
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": "ES384", "jwk": {"kty": "EC"}}).to_string());
            opens(&format!("{header}.{claims}.AAAA")).await
        }
        Defect::FhirJwtPublicKeyAsSecret => {
            let Some(claims) = claims(ehr).await else {
                return Some(false);
            };
            let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#));
            let key = hmac::Key::new(hmac::HMAC_SHA256, public_pem(ehr).await.as_bytes());
            let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
            opens(&format!("{message}.{signature}")).await
        }
        Defect::FhirClientAssertionAccepted => {
            ehr.launched_with(APP, |form| form).await;
            let claims = URL_SAFE_NO_PAD.encode(json!({"iss": APP, "sub": APP}).to_string());
            opens(&format!("{}.{claims}.AAAA", URL_SAFE_NO_PAD.encode("{}"))).await
        }
        Defect::FhirTokenInFormAccepted => {
            let token = ehr.launched_with(APP, |form| form).await.member("access_token");
            let form = Form::of(&[("_id", "patient-b"), ("access_token", &token)]);
            ehr.post("/fhir/Patient/_search", &[], &form).await.status == StatusCode::OK
        }
        Defect::FhirScopeRefused401 => {
            let scope = "launch/patient patient/Patient.rs";
            let answer = ehr.launched_with(APP, |form| form.set("scope", scope)).await;
            let token = answer.member("access_token");
            ehr.fhir("Observation", &token).await.status == StatusCode::UNAUTHORIZED
        }
        Defect::Fhir5xxWithoutPatient => {
            let token = ehr
                .launched_with(APP, |form| form.set("scope", "openid fhirUser"))
                .await;
            let answer = ehr.fhir("Patient/patient-b", &token.member("access_token")).await;
            answer.status.is_server_error()
        }
        _ => return None,
    })
}

/// The claims of an access token, where it is a JWT.
async fn claims(ehr: &TestEhr) -> Option<String> {
    let token = ehr.launched_with(APP, |form| form).await.member("access_token");
    token.split('.').nth(1).map(str::to_owned)
}

/// The PEM of the key that signs access tokens, made from the published set.
async fn public_pem(ehr: &TestEhr) -> String {
    let set: Value = ehr.get("/.well-known/jwks.json").await.json();
    let keys = set["keys"].as_array().cloned().unwrap_or_default();
    let key = keys.iter().find(|key| key["crv"] == "P-256").expect("a P-256 key");
    let point = [&key["x"], &key["y"]].map(|part| URL_SAFE_NO_PAD.decode(part.as_str().unwrap()).unwrap());
    let mut der = STANDARD.decode(P256).unwrap();
    der.extend(point.concat());
    let text = STANDARD.encode(der);
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n",
        &text[..64],
        &text[64..]
    )
}
