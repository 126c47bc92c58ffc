//! Makes PKCE pairs: a secret verifier, and the challenge that is shown first.
//!
//! RFC 7636 §4: <https://www.rfc-editor.org/rfc/rfc7636#section-4>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::clock::Chance;

/// One pair, for one authorization.
#[derive(Clone, PartialEq, Eq)]
pub struct Pkce {
    /// `code_verifier`: 43 characters of the unreserved alphabet.
    pub verifier: String,
    /// `code_challenge` by S256.
    pub challenge: String,
}

impl Pkce {
    /// A fresh pair with 256 bits of chance, as RFC 7636 §7.1 recommends.
    pub fn new(chance: &Chance) -> Self {
        let verifier = chance.token::<32>();
        let challenge = s256(&verifier);
        Self { verifier, challenge }
    }
}

/// The verifier is a secret until it is spent; a debug print shows the challenge alone.
impl std::fmt::Debug for Pkce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pkce")
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

/// RFC 7636 §4.2: `BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))`, without padding.
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_rfc_7636_appendix_b_holds() {
        let challenge = s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_pair_fits_the_grammar_and_a_seed_repeats_it() {
        let chance = Chance::new(7);
        let first = Pkce::new(&chance);
        assert_eq!(first.verifier.len(), 43);
        assert!(
            first
                .verifier
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        );
        assert_ne!(first, Pkce::new(&chance));
        assert_eq!(first, Pkce::new(&Chance::new(7)));
        assert!(!format!("{first:?}").contains(&first.verifier));
    }
}
