//! Reads a server's JWKS and lists what is wrong with its keys.
//!
//! RFC 7517 §5 and RFC 7518 §6: <https://www.rfc-editor.org/rfc/rfc7517>

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::signing_key::{Alg, Family};

/// A set of keys, in the order of the document.
#[derive(Debug, Clone)]
pub struct Jwks {
    keys: Vec<Jwk>,
    problems: Vec<KeyProblem>,
}

/// One public key.
#[derive(Debug, Clone)]
pub struct Jwk {
    kid: Option<String>,
    alg: Option<String>,
    verifies: bool,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ec {
        family: Family,
        point: Vec<u8>,
    },
    /// A key that cannot be used, by its fault or because this suite does not know its kind.
    Unusable,
}

/// Why a document is not a JWKS at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksProblem {
    /// Not a JSON object.
    #[error("a JWKS is a JSON object; this is {0}")]
    NotAnObject(&'static str),
    /// No `keys`.
    #[error("the JWKS has no member `keys`")]
    NoKeys,
    /// `keys` is something else.
    #[error("the member `keys` of the JWKS is not an array of objects")]
    KeysNotArray,
}

/// Something wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem {
    /// Position in `keys`, from 0.
    pub index: usize,
    /// The key's name, where it has one.
    pub kid: Option<String>,
    /// What is wrong.
    pub fault: KeyFault,
}

impl std::fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "key {} (`{kid}`): {}", self.index, self.fault),
            None => write!(f, "key {}: {}", self.index, self.fault),
        }
    }
}

/// What can be wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// RFC 7517 §4.1: `kty` must be present.
    #[error("has no `kty`")]
    NoKty,
    /// Without a name a verifier has to try every key.
    #[error("has no `kid`")]
    NoKid,
    /// Two keys of one name.
    #[error("has the same `kid` and `kty` as key {0}")]
    DuplicateKid(usize),
    /// A private or symmetric member in public.
    #[error("publishes the private member `{0}`")]
    PrivateMember(&'static str),
    /// A member that its kind needs, absent or not a string.
    #[error("has no `{0}`")]
    Missing(&'static str),
    /// A member in another encoding.
    #[error("has a `{0}` that is not base64url without padding")]
    NotBase64Url(&'static str),
    /// RFC 7518 §3.3: 2048 bits or more.
    #[error("has an RSA modulus of {0} bits: at least 2048 are needed")]
    ShortModulus(usize),
    /// RFC 7518 §6.2.1.2: as many bytes as the curve's field has.
    #[error("has a coordinate of {was} bytes: {curve} has {expected}")]
    CoordinateLength {
        /// The curve.
        curve: Family,
        /// Bytes of its field.
        expected: usize,
        /// Bytes that came.
        was: usize,
    },
    /// The numbers name no point.
    #[error("is not a point of {0}")]
    NotOnCurve(Family),
    /// `alg` asks for another kind of key.
    #[error("says `alg` {alg}, which is not for {family}")]
    AlgDoesNotFit {
        /// What it says.
        alg: Alg,
        /// What the key is.
        family: Family,
    },
}

/// RFC 7518 §6.2.2, §6.3.2 and §6.4: members that never belong in public.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Jwks {
    /// Reads the document; what is wrong with single keys is listed by [`Jwks::problems`] and does not hide the others.
    pub fn parse(document: &Value) -> Result<Self, JwksProblem> {
        let object = document
            .as_object()
            .ok_or_else(|| JwksProblem::NotAnObject(kind(document)))?;
        let keys = object
            .get("keys")
            .ok_or(JwksProblem::NoKeys)?
            .as_array()
            .ok_or(JwksProblem::KeysNotArray)?;
        let mut set = Self {
            keys: Vec::new(),
            problems: Vec::new(),
        };
        for (index, key) in keys.iter().enumerate() {
            let key = key.as_object().ok_or(JwksProblem::KeysNotArray)?;
            let mut faults = Vec::new();
            let jwk = Jwk::read(key, &mut faults);
            // RFC 7517 §4.5: one name may stand for equivalent keys of different kinds.
            let same = |other: &Value| other.get("kid") == key.get("kid") && other.get("kty") == key.get("kty");
            if let Some(first) = keys[..index].iter().position(same).filter(|_| jwk.kid.is_some()) {
                faults.push(KeyFault::DuplicateKid(first));
            }
            let kid = jwk.kid.clone();
            set.problems.extend(faults.into_iter().map(|fault| KeyProblem {
                index,
                kid: kid.clone(),
                fault,
            }));
            set.keys.push(jwk);
        }
        Ok(set)
    }

    /// Every key.
    pub fn iter(&self) -> impl Iterator<Item = &Jwk> {
        self.keys.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// `true` where there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The first key that is named `kid` (any where it is `None`) and may verify `alg`.
    pub fn find(&self, kid: Option<&str>, alg: Alg) -> Option<&Jwk> {
        self.keys
            .iter()
            .find(|key| (kid.is_none() || key.kid() == kid) && key.fits(alg))
    }

    /// What is wrong with which key.
    pub fn problems(&self) -> &[KeyProblem] {
        &self.problems
    }
}

impl Jwk {
    fn read(key: &Map<String, Value>, faults: &mut Vec<KeyFault>) -> Self {
        let text = |name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
        let (kid, alg) = (text("kid"), text("alg"));
        if kid.as_deref().is_none_or(str::is_empty) {
            faults.push(KeyFault::NoKid);
        }
        faults.extend(
            PRIVATE
                .into_iter()
                .filter(|name| key.contains_key(*name))
                .map(KeyFault::PrivateMember),
        );
        let material = match text("kty").as_deref() {
            None => Err(KeyFault::NoKty),
            Some("RSA") => read_rsa(key),
            Some("EC") => read_ec(key),
            Some(_) => Ok(Material::Unusable),
        };
        let material = material.unwrap_or_else(|fault| {
            faults.push(fault);
            Material::Unusable
        });
        if let (Some(family), Some(alg)) = (material.family(), alg.as_deref().and_then(Alg::parse))
            && alg.family() != family
        {
            faults.push(KeyFault::AlgDoesNotFit { alg, family });
        }
        Self {
            kid,
            alg,
            verifies: is_for_signatures(key),
            material,
        }
    }

    /// The key's name.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What the key says of itself, known to this suite or not.
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    /// `true` where this key may verify `alg`, by its kind, curve, `use`, `key_ops` and `alg`.
    pub fn fits(&self, alg: Alg) -> bool {
        let said = self.alg.as_deref().is_none_or(|said| said == alg.name());
        said && self.verifies && self.material.family() == Some(alg.family())
    }

    pub(super) fn verifies(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => rsa_parameters(alg)
                .is_some_and(|how| RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()),
            Material::Ec { family, point } if *family == alg.family() => UnparsedPublicKey::new(curve(*family), point)
                .verify(message, signature)
                .is_ok(),
            Material::Ec { .. } | Material::Unusable => false,
        }
    }
}

impl Material {
    fn family(&self) -> Option<Family> {
        match self {
            Self::Rsa { .. } => Some(Family::Rsa),
            Self::Ec { family, .. } => Some(*family),
            Self::Unusable => None,
        }
    }
}

/// RFC 7517 §4.2 and §4.3: both members are optional, and each may exclude verification.
fn is_for_signatures(key: &Map<String, Value>) -> bool {
    let by_use = key.get("use").is_none_or(|value| value == "sig");
    let by_ops = key
        .get("key_ops")
        .and_then(Value::as_array)
        .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    by_use && by_ops
}

fn read_rsa(key: &Map<String, Value>) -> Result<Material, KeyFault> {
    let (mut n, mut e) = (bytes(key, "n")?, bytes(key, "e")?);
    for number in [&mut n, &mut e] {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number.drain(..zeros);
    }
    let bits = n
        .first()
        .map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if bits < 2048 {
        Err(KeyFault::ShortModulus(bits))
    } else {
        Ok(Material::Rsa { n, e })
    }
}

fn read_ec(key: &Map<String, Value>) -> Result<Material, KeyFault> {
    let (family, expected) = match key.get("crv").and_then(Value::as_str) {
        None => return Err(KeyFault::Missing("crv")),
        Some("P-256") => (Family::P256, 32),
        Some("P-384") => (Family::P384, 48),
        Some(_) => return Ok(Material::Unusable),
    };
    let (x, y) = (bytes(key, "x")?, bytes(key, "y")?);
    for coordinate in [&x, &y] {
        if coordinate.len() != expected {
            return Err(KeyFault::CoordinateLength {
                curve: family,
                expected,
                was: coordinate.len(),
            });
        }
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let on_curve = UnparsedPublicKey::new(curve(family), &point).parse().is_ok();
    if on_curve {
        Ok(Material::Ec { family, point })
    } else {
        Err(KeyFault::NotOnCurve(family))
    }
}

fn bytes(key: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let text = key.get(name).and_then(Value::as_str).ok_or(KeyFault::Missing(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyFault::NotBase64Url(name))
}

fn curve(family: Family) -> &'static EcdsaVerificationAlgorithm {
    match family {
        Family::P384 => &ECDSA_P384_SHA384_FIXED,
        // RSA has no curve and is never asked for one.
        Family::P256 | Family::Rsa => &ECDSA_P256_SHA256_FIXED,
    }
}

fn rsa_parameters(alg: Alg) -> Option<&'static RsaParameters> {
    match alg {
        Alg::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Alg::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Alg::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Alg::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Alg::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Alg::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        Alg::Es256 | Alg::Es384 => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
