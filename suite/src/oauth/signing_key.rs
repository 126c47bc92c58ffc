//! Holds a private key that is read from a JWK once and then signs as often as asked.
//!
//! RFC 7517 §4, RFC 7518 §3 and §6: <https://www.rfc-editor.org/rfc/rfc7518>

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer, EcPrivateKeyBin, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeyPairComponents, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A signature algorithm of RFC 7518 §3.1 that this suite can sign with and verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 §3.1")]
pub enum Alg {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
}

impl Alg {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
    ];

    /// The algorithm of this name, spelled exactly.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// The name that stands in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }

    /// The type of key that it takes, and the curve where the key has one.
    pub const fn family(self) -> Family {
        match self {
            Self::Es256 => Family::P256,
            Self::Es384 => Family::P384,
            _ => Family::Rsa,
        }
    }
}

impl std::fmt::Display for Alg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of key a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// RSA.
    Rsa,
    /// An elliptic curve, P-256.
    P256,
    /// An elliptic curve, P-384.
    P384,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        })
    }
}

/// A private key, ready to sign.
pub struct SigningKey {
    kid: Option<String>,
    alg: Alg,
    pair: Pair,
    public: Map<String, Value>,
}

enum Pair {
    Rsa(Box<rsa::KeyPair>),
    /// The same key twice: a pair of aws-lc-rs is bound to one form of signature.
    Ec {
        fixed: EcdsaKeyPair,
        asn1: EcdsaKeyPair,
        family: Family,
    },
}

impl SigningKey {
    /// Reads one private JWK: RSA of 2048 to 8192 bits with all its members, or EC on P-256 or P-384.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let Value::Object(jwk) = serde_json::from_str(json).map_err(|error| KeyError::NotJson(error.to_string()))?
        else {
            return Err(KeyError::NotAnObject);
        };
        if jwk.contains_key("keys") {
            return Err(KeyError::IsASet);
        }
        let (pair, family) = match text(&jwk, "kty")? {
            "RSA" => (rsa_pair(&jwk)?, Family::Rsa),
            "EC" => ec_pair(&jwk)?,
            other => return Err(KeyError::UnsupportedType(other.to_owned())),
        };
        let alg = if jwk.contains_key("alg") {
            let name = text(&jwk, "alg")?;
            let alg = Alg::parse(name).filter(|alg| alg.family() == family);
            alg.ok_or_else(|| KeyError::AlgDoesNotFit {
                alg: name.to_owned(),
                family,
            })?
        } else {
            default_alg(family)
        };
        let kid = jwk
            .get("kid")
            .map(|_| text(&jwk, "kid").map(str::to_owned))
            .transpose()?;
        Ok(Self {
            kid,
            alg,
            pair,
            public: public_members(&jwk, alg),
        })
    }

    /// A new key that signs by `alg`, named `kid`: RSA of 2048 bits, P-256 or P-384; nothing where this machine makes none.
    pub fn generate(alg: Alg, kid: &str) -> Option<Self> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let curve = match alg.family() {
            Family::Rsa => {
                let pair = rsa::KeyPair::generate(KeySize::Rsa2048).ok()?;
                let public = serde_json::json!({
                    "kty": "RSA", "kid": kid, "alg": alg.name(), "use": "sig",
                    "n": encode(pair.public_key().modulus().big_endian_without_leading_zero()),
                    "e": encode(pair.public_key().exponent().big_endian_without_leading_zero()),
                });
                return Some(Self {
                    kid: Some(kid.to_owned()),
                    alg,
                    pair: Pair::Rsa(Box::new(pair)),
                    public: public.as_object().cloned()?,
                });
            }
            Family::P256 => (&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
            Family::P384 => (&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
        };
        let pair = EcdsaKeyPair::generate(curve.0).ok()?;
        let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
        // SEC 1 §2.3.3: an uncompressed point.
        let point = pair.public_key().as_ref().get(1..)?;
        let (x, y) = point.split_at_checked(point.len() / 2)?;
        let jwk = serde_json::json!({
            "kty": "EC", "crv": curve.1, "kid": kid, "alg": alg.name(), "use": "sig",
            "x": encode(x), "y": encode(y), "d": encode(private.as_ref()),
        });
        Self::from_jwk(&jwk.to_string()).ok()
    }

    /// What the key signs with unless told otherwise: its own `alg`, else RS384, ES384 or ES256 by its kind.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The key's name, where it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// RSA, or which curve.
    pub fn family(&self) -> Family {
        match &self.pair {
            Pair::Rsa(_) => Family::Rsa,
            Pair::Ec { family, .. } => *family,
        }
    }

    /// The public half, as it may stand in a JWKS.
    pub fn public_jwk(&self) -> Value {
        Value::Object(self.public.clone())
    }

    /// The public half as a SubjectPublicKeyInfo in DER.
    pub fn public_der(&self) -> Result<Vec<u8>, SignError> {
        let der: Result<PublicKeyX509Der<'_>, _> = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec { fixed, .. } => fixed.public_key().as_der(),
        };
        Ok(der.map_err(|_| SignError::Refused)?.as_ref().to_vec())
    }

    /// The signature as it stands in a JWS: for ECDSA the two numbers side by side (RFC 7518 §3.4).
    pub fn sign(&self, alg: Alg, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if alg.family() != self.family() {
            return Err(SignError::AlgDoesNotFit {
                alg,
                family: self.family(),
            });
        }
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(alg), &rng, message, &mut signature)
                    .map_err(|_| SignError::Refused)?;
                Ok(signature)
            }
            Pair::Ec { fixed, .. } => Ok(fixed
                .sign(&rng, message)
                .map_err(|_| SignError::Refused)?
                .as_ref()
                .to_vec()),
        }
    }

    /// An ECDSA signature in DER, which is right elsewhere and wrong in a JWS.
    pub fn sign_der(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.pair {
            Pair::Rsa(_) => Err(SignError::NotEcdsa),
            Pair::Ec { asn1, .. } => {
                let signature = asn1
                    .sign(&SystemRandom::new(), message)
                    .map_err(|_| SignError::Refused)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .finish_non_exhaustive()
    }
}

fn rsa_pair(jwk: &Map<String, Value>) -> Result<Pair, KeyError> {
    let components = KeyPairComponents {
        public_key: RsaPublicKeyComponents {
            n: number(jwk, "n")?,
            e: number(jwk, "e")?,
        },
        d: number(jwk, "d")?,
        p: number(jwk, "p")?,
        q: number(jwk, "q")?,
        dP: number(jwk, "dp")?,
        dQ: number(jwk, "dq")?,
        qInv: number(jwk, "qi")?,
    };
    let pair = rsa::KeyPair::from_components(&components).map_err(|error| KeyError::Rejected(error.to_string()))?;
    Ok(Pair::Rsa(Box::new(pair)))
}

fn ec_pair(jwk: &Map<String, Value>) -> Result<(Pair, Family), KeyError> {
    type Signing = &'static EcdsaSigningAlgorithm;
    let (family, size, fixed, asn1): (_, _, Signing, Signing) = match text(jwk, "crv")? {
        "P-256" => (
            Family::P256,
            32,
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &ECDSA_P256_SHA256_ASN1_SIGNING,
        ),
        "P-384" => (
            Family::P384,
            48,
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &ECDSA_P384_SHA384_ASN1_SIGNING,
        ),
        other => return Err(KeyError::UnsupportedCurve(other.to_owned())),
    };
    let (d, x, y) = (bytes(jwk, "d")?, bytes(jwk, "x")?, bytes(jwk, "y")?);
    for (name, value) in [("d", &d), ("x", &x), ("y", &y)] {
        if value.len() != size {
            return Err(KeyError::WrongLength {
                member: name,
                expected: size,
                was: value.len(),
            });
        }
    }
    let public = [&[4], x.as_slice(), y.as_slice()].concat();
    let read = |alg| {
        EcdsaKeyPair::from_private_key_and_public_key(alg, &d, &public)
            .map_err(|error| KeyError::Rejected(error.to_string()))
    };
    Ok((
        Pair::Ec {
            fixed: read(fixed)?,
            asn1: read(asn1)?,
            family,
        },
        family,
    ))
}

/// SMART 2.2 client-confidential-asymmetric: RS384 and ES384 are what every server and client knows.
fn default_alg(family: Family) -> Alg {
    match family {
        Family::Rsa => Alg::Rs384,
        Family::P256 => Alg::Es256,
        Family::P384 => Alg::Es384,
    }
}

fn rsa_encoding(alg: Alg) -> &'static dyn RsaEncoding {
    match alg {
        Alg::Rs384 => &RSA_PKCS1_SHA384,
        Alg::Rs512 => &RSA_PKCS1_SHA512,
        Alg::Ps256 => &RSA_PSS_SHA256,
        Alg::Ps384 => &RSA_PSS_SHA384,
        Alg::Ps512 => &RSA_PSS_SHA512,
        // The two ECDSA algorithms do not come here: `sign` has compared the families.
        Alg::Rs256 | Alg::Es256 | Alg::Es384 => &RSA_PKCS1_SHA256,
    }
}

/// By a list of what is public, so that no private member slips through.
fn public_members(jwk: &Map<String, Value>, alg: Alg) -> Map<String, Value> {
    let mut public = Map::new();
    for name in ["kty", "kid", "crv", "x", "y", "n", "e"] {
        if let Some(value) = jwk.get(name) {
            public.insert(name.to_owned(), value.clone());
        }
    }
    public.insert("use".to_owned(), "sig".into());
    public.insert("alg".to_owned(), alg.name().into());
    public.insert("key_ops".to_owned(), Value::Array(vec!["verify".into()]));
    public
}

fn text<'a>(jwk: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, KeyError> {
    match jwk.get(member) {
        None => Err(KeyError::Missing(member)),
        Some(value) => value.as_str().ok_or(KeyError::NotText(member)),
    }
}

fn bytes(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD
        .decode(text(jwk, member)?)
        .map_err(|_| KeyError::NotBase64Url(member))
}

/// A big-endian number; leading zeros are forgiven.
fn number(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let mut bytes = bytes(jwk, member)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

/// Why a private key cannot be used. No variant carries any part of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not JSON at all.
    #[error("the key is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("the key is JSON, but not an object: expected one private JWK")]
    NotAnObject,
    /// A JWKS where one key belongs.
    #[error("this is a set of keys: expected one private JWK, without the `keys` around it")]
    IsASet,
    /// A member that the key needs.
    #[error("the key has no `{0}`; a private RSA JWK has n e d p q dp dq qi, a private EC JWK has crv x y d")]
    Missing(&'static str),
    /// A member that is not a string.
    #[error("the key's `{0}` is not a string")]
    NotText(&'static str),
    /// A member in another encoding.
    #[error("the key's `{0}` is not base64url without padding")]
    NotBase64Url(&'static str),
    /// A coordinate of the wrong length.
    #[error("the key's `{member}` has {was} bytes: its curve has {expected}")]
    WrongLength {
        /// Which member.
        member: &'static str,
        /// Bytes of the curve's field.
        expected: usize,
        /// Bytes that came.
        was: usize,
    },
    /// Neither RSA nor EC.
    #[error("keys of type `{0}` are not supported: SMART asks for RSA (RS384) or EC on P-384 (ES384)")]
    UnsupportedType(String),
    /// Neither P-256 nor P-384.
    #[error("curve `{0}` is not supported: expected P-384 or P-256")]
    UnsupportedCurve(String),
    /// `alg` names what this key cannot do.
    #[error("`alg` is `{alg}`, which a key of {family} cannot do here")]
    AlgDoesNotFit {
        /// What stood there.
        alg: String,
        /// What the key is.
        family: Family,
    },
    /// The numbers do not make a key.
    #[error("the key's numbers do not belong together, or it is shorter than 2048 bits ({0})")]
    Rejected(String),
}

/// Why a signature could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is of another kind.
    #[error("{alg} cannot be made with a key of {family}")]
    AlgDoesNotFit {
        /// What was asked for.
        alg: Alg,
        /// What the key is.
        family: Family,
    },
    /// Only ECDSA has a second form.
    #[error("an ECDSA signature was asked of an RSA key")]
    NotEcdsa,
    /// The cryptographic library said no.
    #[error("the cryptographic library refused to sign")]
    Refused,
}

#[cfg(test)]
#[path = "signing_key_tests.rs"]
pub(crate) mod tests;
