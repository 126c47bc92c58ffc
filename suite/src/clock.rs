//! Time and chance, injected: nothing else in the suite asks the system for either.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Where the time of day comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Lets `by` pass, where this clock can; `false` where only waiting helps.
    fn advance(&self, by: SignedDuration) -> bool;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn advance(&self, _by: SignedDuration) -> bool {
        false
    }
}

/// The machine's clock, shifted on request.
#[derive(Debug, Default)]
pub struct ShiftedClock {
    shift_seconds: AtomicI64,
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.shift_seconds.load(Ordering::SeqCst))
    }

    fn advance(&self, by: SignedDuration) -> bool {
        self.shift_seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
        true
    }
}

/// The run's random numbers, from one seed.
pub struct Chance(Mutex<StdRng>);

impl Chance {
    /// The same seed gives the same values in the same order.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.random()
    }

    /// `N` random bytes as base64url without padding: 43 characters for 32 bytes.
    pub fn token<const N: usize>(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.bytes::<N>())
    }
}

/// The key under which a run's secrets are hashed: of the operating system, never stored, and of no seed.
#[expect(
    clippy::disallowed_methods,
    reason = "a key that a seed repeats could be made again from the report, which prints the seed"
)]
pub fn secret_key() -> [u8; 32] {
    rand::rng().random()
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance")
    }
}
