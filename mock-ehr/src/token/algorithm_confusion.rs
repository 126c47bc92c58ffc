//! What a verifier does that takes the algorithm from the token: an HMAC whose secret is the server's public key.
//!
//! RFC 8725 §2.1. Only the defect `fhir_jwt_public_key_as_secret` asks.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::config::IdTokenAlg;
use crate::keys::server_key;

/// Whether this JWT says HS256 and its signature is an HMAC with the PEM of the key that signs access tokens.
pub(super) fn is_hmac_with_public_key(text: &str, header: &Value) -> bool {
    let Some((message, signature)) = text.rsplit_once('.') else {
        return false;
    };
    let (Ok(signature), Some(der)) = (
        URL_SAFE_NO_PAD.decode(signature),
        server_key(IdTokenAlg::ES256).public_der(),
    ) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, pem(&der).as_bytes());
    header["alg"] == "HS256" && hmac::verify(&key, message.as_bytes(), &signature).is_ok()
}

/// RFC 7468 §2, with a line feed at the end.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    )
}
