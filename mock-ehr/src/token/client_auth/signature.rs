//! Whether a client assertion is signed by a key that the client registered.
//!
//! RFC 7515 §5.2: <https://www.rfc-editor.org/rfc/rfc7515#section-5.2>, RFC 7518 §3.3 and §3.4:
//! <https://www.rfc-editor.org/rfc/rfc7518#section-3.3>

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::compact;
use crate::defect::Defect;
use crate::keys::ClientKey;
use crate::state::AppState;

/// What was signed, by its own account how, and the signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) alg: &'a str,
    pub(super) message: &'a str,
    pub(super) signature: &'a str,
}

/// Is it by this key?
pub(super) fn is_by(app: &AppState, key: &ClientKey, signed: Signed<'_>) -> bool {
    let text = compact::unpadded(app, signed.signature);
    let message = signed.message.as_bytes();
    // The algorithm must fit the key, and the key be long enough: `verifies` looks at both.
    if key.verifies(signed.alg, message, text) {
        return true;
    }
    let Ok(signature) = URL_SAFE_NO_PAD.decode(text) else {
        return false;
    };
    let defects = app.defects();
    let own_alg = if key.is_rsa() { "RS384" } else { "ES384" };
    let is_of_other_type = key.is_rsa() != signed.alg.starts_with("RS");
    if is_of_other_type {
        return key.verifies(own_alg, message, text) && defects.has(Defect::AssertionAlgOfKeyAssumed);
    }
    if key.is_weak() {
        return defects.has(Defect::AssertionWeakKeyAccepted);
    }
    if key.length_of_signature() != Some(signature.len()) {
        return (is_asn1(key, message, &signature) && defects.has(Defect::AssertionEcdsaDerAccepted))
            || defects.has(Defect::AssertionSignatureLengthUnchecked);
    }
    signature.iter().all(|byte| *byte == 0) && defects.has(Defect::AssertionEcdsaZeroAccepted)
}

/// The form that ECDSA signatures have in certificates, and not in a JWS.
fn is_asn1(key: &ClientKey, message: &[u8], signature: &[u8]) -> bool {
    key.point().is_some_and(|point| {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point)
            .verify(message, signature)
            .is_ok()
    })
}
