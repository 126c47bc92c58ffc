//! The public keys of a server as verifiers hold them: SubjectPublicKeyInfo in PEM, made from the JWK.
//!
//! RFC 7517 §4, RFC 7518 §6.2 and §6.3; RFC 3279 §2.3.1, RFC 5480 §2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `rsaEncryption` and NULL, as they stand in an `AlgorithmIdentifier`.
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// `ecPublicKey` with the curve P-256, and with P-384.
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];
const P384: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
];

/// The key in PEM; nothing where it is neither RSA nor on P-256 or P-384.
pub fn pem(jwk: &Value) -> Option<String> {
    Some(super::jws::pem(&der(jwk)?))
}

fn der(jwk: &Value) -> Option<Vec<u8>> {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    let (algorithm, key) = match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
        ("RSA", _) => (
            RSA,
            of(SEQUENCE, &[integer(&bytes("n")?), integer(&bytes("e")?)].concat()),
        ),
        ("EC", Some("P-256")) => (P256, point(&bytes("x")?, &bytes("y")?)),
        ("EC", Some("P-384")) => (P384, point(&bytes("x")?, &bytes("y")?)),
        _ => return None,
    };
    // No bit of the last byte is left over.
    let key = of(BIT_STRING, &[&[0], key.as_slice()].concat());
    Some(of(SEQUENCE, &[of(SEQUENCE, algorithm), key].concat()))
}

/// SEC 1 §2.3.3: not compressed.
fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

/// Not negative, so its first bit is never set.
fn integer(bytes: &[u8]) -> Vec<u8> {
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        of(INTEGER, &[&[0], bytes].concat())
    } else {
        of(INTEGER, bytes)
    }
}

/// X.690 §8.1.3: the length in one byte, or after the number of its bytes.
fn of(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut whole = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => whole.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            whole.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
            whole.extend(bytes);
        }
    }
    whole.extend(content);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::signing_key::{Alg, SigningKey};

    #[test]
    fn a_jwk_becomes_what_the_library_makes_of_the_same_key() {
        for alg in [Alg::Rs384, Alg::Es384, Alg::Es256] {
            let key = SigningKey::generate(alg, "k").expect("a new key");
            assert_eq!(
                der(&key.public_jwk()),
                Some(key.public_der().expect("its public half")),
                "{alg:?}"
            );
        }
        assert_eq!(pem(&serde_json::json!({"kty": "OKP"})), None);
    }
}
