//! Holds an RSA key of 1024 bits, which no library makes any more: too short for any signature of a client.
//!
//! RFC 7518 §3.3: <https://www.rfc-editor.org/rfc/rfc7518#section-3.3>, RFC 8017 §8.2.1 and §9.2.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA384, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use num_bigint::BigUint;
use serde_json::{Value, json};

/// Bytes of the modulus: half of what RFC 7518 §3.3 asks for.
const BYTES: usize = 128;

/// The public exponent of nearly every RSA key.
const EXPONENT: u32 = 65_537;

/// RFC 8017 §9.2: DigestInfo of SHA-384, before the hash itself.
const SHA384_PREFIX: [u8; 19] = [
    0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30,
];

/// The key. Made fresh in each process, so that nobody else could ever sign with it while it is published.
pub struct WeakKey {
    kid: String,
    material: &'static Material,
}

struct Material {
    modulus: BigUint,
    private: BigUint,
}

/// One a process: to look for primes takes a tenth of a second, in which nothing else is done.
static MATERIAL: OnceLock<Option<Material>> = OnceLock::new();

impl Material {
    fn generate() -> Option<Self> {
        let rng = SystemRandom::new();
        let exponent = BigUint::from(EXPONENT);
        let one = BigUint::from(1_u32);
        loop {
            let (p, q) = (prime(&rng)?, prime(&rng)?);
            let modulus = &p * &q;
            let order = (&p - &one) * (&q - &one);
            if p != q
                && let Some(private) = exponent.modinv(&order)
            {
                return Some(Self { modulus, private });
            }
        }
    }
}

impl WeakKey {
    /// One that is named `kid`; nothing where this machine gives no random bytes.
    pub fn named(kid: &str) -> Option<Self> {
        let material = MATERIAL.get_or_init(Material::generate).as_ref()?;
        Some(Self {
            kid: kid.to_owned(),
            material,
        })
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as it may stand in a JWKS.
    pub fn public_jwk(&self) -> Value {
        json!({
            "kty": "RSA", "kid": self.kid, "alg": "RS384", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(self.material.modulus.to_bytes_be()),
            "e": URL_SAFE_NO_PAD.encode(EXPONENT.to_be_bytes().strip_prefix(&[0]).unwrap_or_default()),
        })
    }

    /// RFC 8017 §8.2.1: a signature by RSASSA-PKCS1-v1_5 with SHA-384.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA384, message);
        let tail = [&[0], SHA384_PREFIX.as_slice(), hash.as_ref()].concat();
        let mut encoded = vec![0, 1];
        encoded.resize(BYTES.saturating_sub(tail.len()), 0xff);
        encoded.extend(tail);
        let signature = BigUint::from_bytes_be(&encoded).modpow(&self.material.private, &self.material.modulus);
        let bytes = signature.to_bytes_be();
        [vec![0; BYTES.saturating_sub(bytes.len())], bytes].concat()
    }
}

impl std::fmt::Debug for WeakKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// A number of 512 bits that is prime as far as three tests can tell: enough for a key that is weak anyway.
fn prime(rng: &SystemRandom) -> Option<BigUint> {
    let small = small_primes();
    loop {
        let mut bytes = [0; BYTES / 2];
        rng.fill(&mut bytes).ok()?;
        // The two highest bits, so that the product has all 1024; the lowest, since even numbers are none.
        bytes[0] |= 0xc0;
        bytes[BYTES / 2 - 1] |= 1;
        let candidate = BigUint::from_bytes_be(&bytes);
        let divided = small.iter().any(|prime| (&candidate % *prime).bits() == 0);
        if !divided && [2_u32, 3, 5].iter().all(|base| passes(&candidate, *base)) {
            return Some(candidate);
        }
    }
}

/// Fermat's test.
fn passes(candidate: &BigUint, base: u32) -> bool {
    let one = BigUint::from(1_u32);
    BigUint::from(base).modpow(&(candidate - &one), candidate) == one
}

fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = vec![3];
    for number in (5..2_000).step_by(2) {
        if primes.iter().all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_signature_verifies_by_its_public_half() {
        let key = WeakKey::named("weak").unwrap();
        assert_eq!(key.material.modulus.bits(), 1024);
        let signature = key.sign(b"message");
        assert_eq!(signature.len(), BYTES);
        let opened = BigUint::from_bytes_be(&signature).modpow(&BigUint::from(EXPONENT), &key.material.modulus);
        let opened = opened.to_bytes_be();
        assert_eq!(opened[0], 1);
        assert!(opened.ends_with(digest(&SHA384, b"message").as_ref()));
        assert_eq!(key.public_jwk()["e"], "AQAB");
    }
}
