//! By what the clients of the fixtures prove who they are: secrets, keys, and assertions that a test alters.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// A client assertion before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Assertion {
    pub(crate) key: String,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Assertion {
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    pub(crate) fn message(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    pub(crate) fn sign(&self) -> String {
        let message = self.message();
        let signature = sign(&self.key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn jwk(name: &str) -> Value {
    serde_json::from_str(fixtures::file(&format!("keys/{name}.private.jwk.json")).unwrap().text).unwrap()
}

pub(crate) fn kid(key: &str) -> String {
    jwk(key)["kid"].as_str().unwrap().to_owned()
}

/// The public half, as a client would register it.
pub(crate) fn public(key: &str) -> Value {
    let mut jwk = jwk(key);
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().shift_remove(private);
    }
    jwk
}

pub(crate) fn sign(key: &str, message: &[u8]) -> Vec<u8> {
    let jwk = jwk(key);
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let rng = SystemRandom::new();
    if jwk["kty"] == "EC" {
        let point = [vec![4], part("x"), part("y")].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P384_SHA384_FIXED_SIGNING, &part("d"), &point);
        return pair.unwrap().sign(&rng, message).unwrap().as_ref().to_vec();
    }
    let mut integers = der(2, &[0]);
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let mut bytes = part(name);
        if bytes[0] & 0x80 != 0 {
            bytes.insert(0, 0);
        }
        integers.extend(der(2, &bytes));
    }
    let pair = RsaKeyPair::from_der(&der(0x30, &integers)).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA384, &rng, message, &mut signature).unwrap();
    signature
}

/// DER wants the shortest form of a length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        ..128 => vec![tag, low],
        128..256 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

pub(crate) fn redirect_uri(client: &str) -> String {
    let host = match client {
        "app-public-2" => "app-2",
        "app-symmetric" => "symmetric",
        "app-symmetric-2" => "symmetric-2",
        "app-asymmetric" => "asymmetric",
        "app-asymmetric-2" => "asymmetric-2",
        _ => "app",
    };
    format!("https://{host}.example/cb")
}

pub(crate) fn secret(client: &str) -> &'static str {
    if client == "app-symmetric-2" {
        "test-only-another-secret"
    } else {
        "test-only s3cret:+/=%& value"
    }
}

/// Credentials, form-encoded as RFC 6749 §2.3.1 says.
pub(crate) fn basic(client: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    raw_basic(&encode(client), &encode(secret))
}

pub(crate) fn raw_basic(client: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}
