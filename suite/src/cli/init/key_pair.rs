//! Makes the private keys of clients that sign, as the JWKs that a profile names.
//!
//! RFC 7517 §4, RFC 7518 §6; RFC 8017 A.1.2 for the members of an RSA key.

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use x509_parser::asn1_rs::{Any, FromDer as _, OctetString, Sequence};

use crate::http::Secret;
use crate::oauth::jws::{Alg, Family, SigningKey};

/// A new key.
pub(super) struct KeyPair {
    /// The private JWK.
    pub(super) private: Secret,
    /// The public one, as it is registered.
    pub(super) public: Value,
    /// What it signs by.
    pub(super) alg: Alg,
}

impl KeyPair {
    /// A key that signs by `alg`, named `kid`; nothing where this machine makes none.
    pub(super) fn generate(alg: Alg, kid: &str) -> Option<Self> {
        let mut jwk = match alg.family() {
            Family::Rsa => rsa_key()?,
            Family::P256 => ec_key("P-256")?,
            Family::P384 => ec_key("P-384")?,
        };
        for (name, value) in [("kid", kid), ("alg", alg.name()), ("use", "sig")] {
            jwk[name] = value.into();
        }
        let text = jwk.to_string();
        let key = SigningKey::from_jwk(&text).ok()?;
        Some(Self {
            private: Secret::new(text),
            public: key.public_jwk(),
            alg,
        })
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ec_key(curve: &str) -> Option<Value> {
    let algorithm = if curve == "P-256" {
        &ECDSA_P256_SHA256_FIXED_SIGNING
    } else {
        &ECDSA_P384_SHA384_FIXED_SIGNING
    };
    let pair = EcdsaKeyPair::generate(algorithm).ok()?;
    let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
    // SEC 1 §2.3.3: an uncompressed point.
    let point = pair.public_key().as_ref().get(1..)?;
    let (x, y) = point.split_at_checked(point.len() / 2)?;
    Some(json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y), "d": encode(private.as_ref()) }))
}

fn rsa_key() -> Option<Value> {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let mut jwk = json!({ "kty": "RSA" });
    // RFC 8017 A.1.2: the version comes first.
    let members = ["version", "n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let numbers = rsa_numbers(der.as_ref())?;
    if numbers.len() != members.len() {
        return None;
    }
    for (name, number) in members.into_iter().zip(numbers).skip(1) {
        jwk[name] = encode(&number).into();
    }
    Some(jwk)
}

/// The integers of the RSAPrivateKey within a PKCS#8 document (RFC 5208 §5), without leading zeros.
fn rsa_numbers(pkcs8: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (_, outer) = Sequence::from_der(pkcs8).ok()?;
    let (rest, _version) = Any::from_der(&outer.content).ok()?;
    let (rest, _algorithm) = Any::from_der(rest).ok()?;
    let (_, key) = OctetString::from_der(rest).ok()?;
    let (_, inner) = Sequence::from_der(key.as_cow()).ok()?;
    let mut rest: &[u8] = &inner.content;
    let mut numbers = Vec::new();
    while !rest.is_empty() {
        let (after, number) = Any::from_der(rest).ok()?;
        let leading = number.data.iter().take_while(|byte| **byte == 0).count();
        numbers.push(number.data[leading..].to_vec());
        rest = after;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_can_be_read_and_signs() {
        for alg in [Alg::Es384, Alg::Es256, Alg::Rs384] {
            let made = KeyPair::generate(alg, "k-1").expect("this machine makes keys");
            let key = SigningKey::from_jwk(made.private.expose()).expect("it is a private JWK");
            assert_eq!((key.alg(), key.kid()), (alg, Some("k-1")));
            key.sign(alg, b"message").expect("it signs");
            assert!(made.public.get("d").is_none(), "the public half has no private member");
            assert_eq!(made.public["kid"], "k-1");
        }
    }
}
