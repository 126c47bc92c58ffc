//! Keys: the server's own, parsed once a process and shared by all mocks, and the registered ones of clients.
//!
//! JWS <https://www.rfc-editor.org/rfc/rfc7515>, JWA <https://www.rfc-editor.org/rfc/rfc7518>

use std::fmt;
use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::config::IdTokenAlg;

/// A key that signs for the server.
pub(crate) struct ServerKey {
    pub(crate) kid: String,
    pub(crate) alg: &'static str,
    /// The public half, as published.
    pub(crate) public: Value,
    /// The private JWK, for the defect that publishes it.
    pub(crate) private: Value,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
}

static RS256: LazyLock<ServerKey> = LazyLock::new(|| ServerKey::fixture("server_rs256", "RS256"));
static ES256: LazyLock<ServerKey> = LazyLock::new(|| ServerKey::fixture("server_es256", "ES256"));
static ES384: LazyLock<ServerKey> = LazyLock::new(|| ServerKey::fixture("server_es384", "ES384"));

/// The key of this algorithm.
pub(crate) fn server_key(alg: IdTokenAlg) -> &'static ServerKey {
    match alg {
        IdTokenAlg::RS256 => &RS256,
        IdTokenAlg::ES256 => &ES256,
        IdTokenAlg::ES384 => &ES384,
    }
}

impl ServerKey {
    fn fixture(name: &str, alg: &'static str) -> Self {
        let private = fixture(name).unwrap_or_else(|what| panic!("{what}"));
        let pair = pair(&private, alg).unwrap_or_else(|what| panic!("key {name}: {what}"));
        let kid = private["kid"].as_str().unwrap_or(name).to_owned();
        Self {
            kid,
            alg,
            public: public_half(&private),
            private,
            pair,
        }
    }

    /// The public half as a SubjectPublicKeyInfo.
    pub(crate) fn public_der(&self) -> Option<Vec<u8>> {
        let der: Result<PublicKeyX509Der<'_>, _> = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
        };
        Some(der.ok()?.as_ref().to_vec())
    }

    /// A compact JWS of these claims.
    pub(crate) fn sign(&self, typ: &str, claims: &Value) -> String {
        self.sign_with_header(&json!({ "alg": self.alg, "kid": self.kid, "typ": typ }), claims)
    }

    /// A compact JWS with a header of the caller's.
    pub(crate) fn sign_with_header(&self, header: &Value, claims: &Value) -> String {
        let mut message = format!("{}.{}", encode_json(header), encode_json(claims));
        let signature = self.signature(message.as_bytes());
        message.push('.');
        message.push_str(&URL_SAFE_NO_PAD.encode(signature));
        message
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                    .expect("a valid RSA key signs, and the buffer has the modulus' length");
                signature
            }
            Pair::Ecdsa(pair) => pair
                .sign(&rng, message)
                .expect("a valid ECDSA key signs")
                .as_ref()
                .to_vec(),
        }
    }

    /// Is this the server's signature?
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(key) = ClientKey::from_jwk(&self.public) else {
            return false;
        };
        key.verifies(self.alg, message, signature)
    }
}

/// base64url of a JSON value.
pub(crate) fn encode_json(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn fixture(name: &str) -> Result<Value, String> {
    let path = format!("keys/{name}.private.jwk.json");
    let file = fixtures::file(&path).ok_or_else(|| format!("there is no key `{name}` among the fixtures"))?;
    serde_json::from_str(file.text).map_err(|error| format!("{path}: {error}"))
}

fn public_half(jwk: &Value) -> Value {
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let members = jwk.as_object().into_iter().flatten();
    Value::Object(
        members
            .filter(|(name, _)| !private.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

fn pair(jwk: &Value, alg: &str) -> Result<Pair, String> {
    let part = |name: &str| -> Result<Vec<u8>, String> {
        let text = jwk[name]
            .as_str()
            .ok_or_else(|| format!("member `{name}` is missing"))?;
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| format!("member `{name}`: {error}"))
    };
    let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| -> Result<Pair, String> {
        // SEC 1 §2.3.3: an uncompressed point.
        let point = [vec![4], part("x")?, part("y")?].concat();
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, &part("d")?, &point)
            .map(|pair| Pair::Ecdsa(Box::new(pair)))
            .map_err(|error| error.to_string())
    };
    match alg {
        "ES256" => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => {
            // RFC 8017 appendix A.1.2: RSAPrivateKey, version 0.
            let mut integers = der_integer(&[0]);
            for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
                integers.extend(der_integer(&part(name)?));
            }
            RsaKeyPair::from_der(&der(0x30, &integers))
                .map(|pair| Pair::Rsa(Box::new(pair)))
                .map_err(|error| error.to_string())
        }
    }
}

fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut value = bytes[first..].to_vec();
    if value.first().is_none_or(|byte| byte & 0x80 != 0) {
        value.insert(0, 0);
    }
    der(0x02, &value)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(u8::try_from(content.len()).expect("below 128"));
    } else {
        let length = content.len().to_be_bytes();
        let first = length.iter().position(|byte| *byte != 0).unwrap_or(0);
        out.push(0x80 | u8::try_from(length.len() - first).expect("a length has eight bytes at most"));
        out.extend(&length[first..]);
    }
    out.extend(content);
    out
}

/// A public key that a client registered.
#[derive(Clone)]
pub(crate) struct ClientKey {
    pub(crate) kid: Option<String>,
    /// The key as registered, for the defect that confuses it with a secret.
    pub(crate) jwk: Value,
    rsa: bool,
    decoding: jsonwebtoken::DecodingKey,
}

impl ClientKey {
    /// The public half of a test key.
    pub(crate) fn fixture(name: &str) -> Result<Self, String> {
        Self::from_jwk(&public_half(&fixture(name)?))
    }

    /// A JWK of an asymmetric algorithm; private members are refused.
    pub(crate) fn from_jwk(jwk: &Value) -> Result<Self, String> {
        if jwk.get("d").is_some() || jwk.get("k").is_some() {
            return Err("a registered JWK holds private members; register the public half only".into());
        }
        let parsed: jsonwebtoken::jwk::Jwk =
            serde_json::from_value(jwk.clone()).map_err(|error| format!("not a JWK: {error}"))?;
        Ok(Self {
            kid: jwk["kid"].as_str().map(str::to_owned),
            rsa: jwk["kty"] == "RSA",
            decoding: jsonwebtoken::DecodingKey::from_jwk(&parsed)
                .map_err(|error| format!("not a usable JWK: {error}"))?,
            jwk: jwk.clone(),
        })
    }

    /// The byte strings that a careless verifier might take this key for: its PEM, its DER, its JWK.
    pub(crate) fn as_if_secret(&self) -> Vec<Vec<u8>> {
        let Some(der) = self.subject_public_key_info() else {
            return Vec::new();
        };
        let text = base64::engine::general_purpose::STANDARD.encode(&der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
            lines.join("\n")
        );
        vec![
            format!("{pem}\n").into_bytes(),
            pem.into_bytes(),
            der,
            self.jwk.to_string().into_bytes(),
        ]
    }

    /// RFC 5280 §4.1.2.7
    fn subject_public_key_info(&self) -> Option<Vec<u8>> {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(self.jwk[name].as_str()?).ok();
        let (algorithm, key) = if self.rsa {
            // RFC 8017: rsaEncryption, NULL; RSAPublicKey.
            let oid = [
                0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
            ];
            let integers = [der_integer(&part("n")?), der_integer(&part("e")?)].concat();
            (oid.to_vec(), der(0x30, &integers))
        } else {
            // RFC 5480: id-ecPublicKey, the curve; an uncompressed point.
            let mut oid = vec![0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
            match self.jwk["crv"].as_str()? {
                "P-256" => oid.extend([0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
                _ => oid.extend([0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]),
            }
            (oid, [vec![4], part("x")?, part("y")?].concat())
        };
        let bits = [vec![0], key].concat();
        Some(der(0x30, &[der(0x30, &algorithm), der(0x03, &bits)].concat()))
    }

    /// RSA, or a curve.
    pub(crate) fn is_rsa(&self) -> bool {
        self.rsa
    }

    /// RFC 7518 §3.3: an RSA key needs 2048 bits.
    pub(crate) fn is_weak(&self) -> bool {
        self.rsa && self.length_of_signature().is_none_or(|length| length < 256)
    }

    /// RFC 7518 §3.3 and §3.4: as long as the modulus, or two numbers of the curve's length.
    pub(crate) fn length_of_signature(&self) -> Option<usize> {
        if self.rsa {
            return self.part("n").map(|modulus| modulus.len());
        }
        self.part("x").map(|x| 2 * x.len())
    }

    /// The uncompressed point of an EC key.
    pub(crate) fn point(&self) -> Option<Vec<u8>> {
        Some([vec![4], self.part("x")?, self.part("y")?].concat())
    }

    fn part(&self, name: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.jwk[name].as_str()?).ok()
    }

    /// Is this a signature by this key, under this algorithm, which must fit the key?
    pub(crate) fn verifies(&self, alg: &str, message: &[u8], signature: &str) -> bool {
        use jsonwebtoken::Algorithm;
        let algorithm = match (alg, self.rsa, self.jwk["crv"].as_str()) {
            ("RS256", true, _) => Algorithm::RS256,
            ("RS384", true, _) => Algorithm::RS384,
            ("ES256", false, Some("P-256")) => Algorithm::ES256,
            ("ES384", false, Some("P-384")) => Algorithm::ES384,
            _ => return false,
        };
        jsonwebtoken::crypto::verify(signature, message, &self.decoding, algorithm).unwrap_or(false)
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_key_signs_what_its_public_half_verifies() {
        for alg in [IdTokenAlg::RS256, IdTokenAlg::ES256, IdTokenAlg::ES384] {
            let key = server_key(alg);
            let token = key.sign("JWT", &json!({ "sub": "x" }));
            let (message, signature) = token.rsplit_once('.').unwrap();
            assert!(key.verifies(message.as_bytes(), signature), "{}", key.alg);
            assert!(!key.verifies(b"another", signature), "{}", key.alg);
            assert!(key.public.get("d").is_none());
        }
    }

    #[test]
    fn a_private_key_cannot_be_registered() {
        let private = fixture("client_es384").unwrap();
        assert!(ClientKey::from_jwk(&private).unwrap_err().contains("private"));
    }
}
