//! Random numbers, injected: every code, token and identifier of one mock comes from here.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Keeps the values apart from those of a test that draws from the same seed: a made-up token would be a real one.
const OWN: u64 = u64::from_be_bytes(*b"mock-ehr");

/// A generator behind a lock.
pub(crate) struct Chance(Mutex<StdRng>);

impl Chance {
    /// The same seed gives the same values in the same order; without one they cannot be predicted.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the mock that asks the system for chance"
    )]
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let rng = seed.map_or_else(
            || StdRng::from_rng(&mut rand::rng()),
            |seed| StdRng::seed_from_u64(seed ^ OWN),
        );
        Self(Mutex::new(rng))
    }

    /// `N` random bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// `N` random bytes as base64url without padding: 43 characters for 32 bytes.
    pub(crate) fn token<const N: usize>(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<N>())
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_its_absence_does_not() {
        let first = Chance::new(Some(7)).token::<32>();
        assert_eq!(first, Chance::new(Some(7)).token::<32>());
        assert_ne!(first, Chance::new(None).token::<32>());
        assert_eq!(first.len(), 43);
        let of_a_test: [u8; 32] = StdRng::seed_from_u64(7).random();
        assert_ne!(first, URL_SAFE_NO_PAD.encode(of_a_test));
    }
}
