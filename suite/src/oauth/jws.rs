//! Writes JWS compact tokens, the forged ones too, and reads and verifies what a server signed.
//!
//! RFC 7515: <https://www.rfc-editor.org/rfc/rfc7515>. What each forgery exploits: RFC 8725 §2.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::jwks::{Jwk, Jwks};
use super::jws_spelling::{Spelling, spell};
pub use super::signing_key::{Alg, Family, KeyError, SignError, SigningKey};
use super::weak_key::WeakKey;

/// How a token is signed: the right way, or one of the ways in which verifiers were fooled.
#[derive(Debug, Clone, Copy)]
pub enum Signing<'a> {
    /// Properly.
    With(&'a SigningKey, Alg),
    /// `alg` none with an empty signature (RFC 8725 §2.1).
    None,
    /// HMAC keyed with the public key, for verifiers that take the algorithm from the header (RFC 8725 §2.1).
    HmacWithPublicKey {
        /// Whose public half is the HMAC's key.
        key: &'a SigningKey,
        /// Which hash.
        hash: HmacHash,
        /// In which spelling the verifier might hold the key.
        form: PublicForm,
    },
    /// A proper signature with one bit changed.
    BitFlipped(&'a SigningKey),
    /// The header of a signed token, and no signature.
    Stripped(&'a SigningKey),
    /// A proper signature of the same header with other claims.
    OtherPayload(&'a SigningKey),
    /// An ECDSA signature of zeros, which some verifiers accepted for any message (CVE-2022-21449).
    /// As long as the header's `alg` asks.
    EcdsaZero,
    /// A proper ECDSA signature in DER, which RFC 7518 §3.4 does not allow.
    EcdsaDer(&'a SigningKey),
    /// A proper signature under a header that names an algorithm of another type of key (RFC 8725 §3.1).
    OtherTypeNamed(&'a SigningKey),
    /// A proper signature without its last byte.
    Truncated(&'a SigningKey),
    /// A proper signature and one byte more.
    Lengthened(&'a SigningKey),
    /// A proper signature by an RSA key that is too short (RFC 7518 §3.3).
    Weak(&'a WeakKey),
}

/// The hash of a forged HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HmacHash {
    /// HS256.
    Sha256,
    /// HS384.
    Sha384,
}

/// The bytes that a verifier might hold as "the key".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicForm {
    /// SubjectPublicKeyInfo in PEM, with a line feed at the end.
    Pem,
    /// SubjectPublicKeyInfo in DER.
    Der,
    /// The public JWK, as JSON without white space.
    Jwk,
}

impl Signing<'_> {
    /// The `alg` that a header says for it, unless a scenario overrides it.
    pub fn alg_name(&self) -> &'static str {
        match self {
            Self::With(_, alg) => alg.name(),
            Self::None => "none",
            Self::HmacWithPublicKey {
                hash: HmacHash::Sha256, ..
            } => "HS256",
            Self::HmacWithPublicKey {
                hash: HmacHash::Sha384, ..
            } => "HS384",
            Self::BitFlipped(key) | Self::Stripped(key) | Self::OtherPayload(key) | Self::EcdsaDer(key) => {
                key.alg().name()
            }
            Self::Truncated(key) | Self::Lengthened(key) => key.alg().name(),
            Self::OtherTypeNamed(key) if key.family() == Family::Rsa => Alg::Es384.name(),
            Self::OtherTypeNamed(_) | Self::Weak(_) => Alg::Rs384.name(),
            Self::EcdsaZero => Alg::Es384.name(),
        }
    }

    pub(super) fn signature(&self, header: &Map<String, Value>, input: &str) -> Result<Vec<u8>, SignError> {
        let input = input.as_bytes();
        match *self {
            Self::With(key, alg) => key.sign(alg, input),
            Self::None | Self::Stripped(_) => Ok(Vec::new()),
            Self::HmacWithPublicKey { key, hash, form } => {
                let algorithm = match hash {
                    HmacHash::Sha256 => hmac::HMAC_SHA256,
                    HmacHash::Sha384 => hmac::HMAC_SHA384,
                };
                let key = hmac::Key::new(algorithm, &public_bytes(key, form)?);
                Ok(hmac::sign(&key, input).as_ref().to_vec())
            }
            Self::BitFlipped(key) => {
                let mut signature = key.sign(key.alg(), input)?;
                let middle = signature.len() / 2;
                signature[middle] ^= 1;
                Ok(signature)
            }
            Self::OtherPayload(key) => {
                let other = format!(
                    "{}.{}",
                    encode_map(header),
                    URL_SAFE_NO_PAD.encode(r#"{"sub":"another"}"#)
                );
                key.sign(key.alg(), other.as_bytes())
            }
            Self::EcdsaZero => {
                let short = header.get("alg").and_then(Value::as_str) == Some(Alg::Es256.name());
                Ok(vec![0; if short { 64 } else { 96 }])
            }
            Self::EcdsaDer(key) => key.sign_der(input),
            Self::OtherTypeNamed(key) => key.sign(key.alg(), input),
            Self::Truncated(key) => {
                let mut signature = key.sign(key.alg(), input)?;
                signature.pop();
                Ok(signature)
            }
            Self::Lengthened(key) => {
                let mut signature = key.sign(key.alg(), input)?;
                signature.push(0);
                Ok(signature)
            }
            Self::Weak(key) => Ok(key.sign(input)),
        }
    }
}

/// The token, with header and claims exactly as given and in their order; `alg` is not touched.
pub fn write(header: &Map<String, Value>, claims: &Map<String, Value>, how: Signing<'_>) -> Result<String, SignError> {
    spell(header, claims, how, &Spelling::default())
}

fn encode_map(map: &Map<String, Value>) -> String {
    let json = serde_json::to_string(map).expect("a map of JSON values is JSON");
    URL_SAFE_NO_PAD.encode(json)
}

fn public_bytes(key: &SigningKey, form: PublicForm) -> Result<Vec<u8>, SignError> {
    Ok(match form {
        PublicForm::Der => key.public_der()?,
        PublicForm::Jwk => key.public_jwk().to_string().into_bytes(),
        PublicForm::Pem => pem(&key.public_der()?).into_bytes(),
    })
}

/// RFC 7468: base64 in lines of 64 characters.
pub(super) fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (position, character) in STANDARD.encode(der).chars().enumerate() {
        if position > 0 && position % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END PUBLIC KEY-----\n");
    text
}

/// What a token says, believed or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The payload.
    pub claims: Map<String, Value>,
}

/// Reads a token without believing it; `None` where it is not three parts with two JSON objects.
pub fn decode(token: &str) -> Option<Decoded> {
    let mut parts = token.split('.');
    let decoded = Decoded {
        header: decode_map(parts.next()?)?,
        claims: decode_map(parts.next()?)?,
    };
    parts.next()?;
    parts.next().is_none().then_some(decoded)
}

fn decode_map(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Which key a token was verified by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// That key's `kid`.
    pub kid: Option<String>,
    /// The algorithm.
    pub alg: Alg,
}

/// Verifies the signature, and nothing else: claims are judged elsewhere.
///
/// Where the header names a `kid`, only keys of that name are tried; where it names none, every key that fits.
pub fn verify(token: &str, keys: &Jwks) -> Result<Verified, VerifyError> {
    let header = decode(token).ok_or(VerifyError::Malformed)?.header;
    let (input, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| VerifyError::Malformed)?;
    // RFC 7515 §4.1.11: a critical extension that is not understood makes the token invalid.
    if let Some(critical) = header.get("crit") {
        return Err(VerifyError::Critical(critical.to_string()));
    }
    let alg = match header.get("alg").and_then(Value::as_str) {
        None => return Err(VerifyError::NoAlg),
        Some(name) if name.eq_ignore_ascii_case("none") => return Err(VerifyError::Unsigned),
        Some(name) => Alg::parse(name).ok_or_else(|| VerifyError::UnsupportedAlg(name.to_owned()))?,
    };
    let kid = match header.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().ok_or(VerifyError::Malformed)?),
    };
    let named: Vec<&Jwk> = keys.iter().filter(|key| kid.is_none() || key.kid() == kid).collect();
    if named.is_empty() {
        return Err(VerifyError::UnknownKid(kid.map(str::to_owned)));
    }
    let fitting: Vec<&Jwk> = named.into_iter().filter(|key| key.fits(alg)).collect();
    if fitting.is_empty() {
        return Err(VerifyError::NoKeyFor {
            kid: kid.map(str::to_owned),
            alg,
        });
    }
    let by = fitting
        .into_iter()
        .find(|key| key.verifies(alg, input.as_bytes(), &signature));
    let by = by.ok_or(VerifyError::BadSignature { alg })?;
    Ok(Verified {
        kid: by.kid().map(str::to_owned),
        alg,
    })
}

/// Why a token is not verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not a JWS in compact form.
    #[error("not a JWT: expected three parts of base64url without padding, the first two of them JSON objects")]
    Malformed,
    /// No `alg`.
    #[error("the header has no `alg`")]
    NoAlg,
    /// `alg` none.
    #[error("the token is unsigned: its `alg` is none")]
    Unsigned,
    /// An algorithm that this suite does not judge.
    #[error("`alg` is `{0}`: expected one of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384")]
    UnsupportedAlg(String),
    /// `crit` names an extension.
    #[error("`crit` asks for extensions that are not known: {0}")]
    Critical(String),
    /// The JWKS has no such key.
    #[error("the JWKS has no key with `kid` {0:?}")]
    UnknownKid(Option<String>),
    /// A key of that name exists and is of another kind, curve, use or `alg`.
    #[error("no key with `kid` {kid:?} may verify {alg}: its kty, crv, use, key_ops or alg says otherwise")]
    NoKeyFor {
        /// The `kid` of the header.
        kid: Option<String>,
        /// The `alg` of the header.
        alg: Alg,
    },
    /// The signature does not verify.
    #[error("the {alg} signature does not verify with any key that the header allows")]
    BadSignature {
        /// The `alg` of the header.
        alg: Alg,
    },
}

#[cfg(test)]
#[path = "jws_tests.rs"]
mod tests;
