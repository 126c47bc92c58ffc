//! Time, injected: nothing else in the mock asks the system what time it is.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Where the time of day comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Lets `by` pass, where this clock can; `false` where only waiting helps.
    fn advance(&self, by: SignedDuration) -> bool;
    /// The present moment for other servers, which do not run ahead with this clock.
    fn elsewhere(&self) -> Timestamp {
        self.now()
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the mock that reads the system's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn advance(&self, _by: SignedDuration) -> bool {
        false
    }
}

/// The machine's clock, shifted on request: it starts at the real present and only ever runs ahead of it.
#[derive(Debug, Default)]
pub struct ControlledClock {
    ahead_seconds: AtomicI64,
}

impl ControlledClock {
    /// By how much this clock runs ahead of the machine's.
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_secs(self.ahead_seconds.load(Ordering::SeqCst))
    }
}

/// A year: no test needs more, and sums of times stay far from their limits.
const FARTHEST_SECONDS: i64 = 366 * 24 * 3600;

impl Clock for ControlledClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead()
    }

    fn elsewhere(&self) -> Timestamp {
        SystemClock.now()
    }

    fn advance(&self, by: SignedDuration) -> bool {
        self.ahead_seconds
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ahead| {
                ahead
                    .checked_add(by.as_secs())
                    .filter(|ahead| (0..=FARTHEST_SECONDS).contains(ahead))
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controlled_clock_moves_forward_and_never_behind_the_present() {
        let clock = ControlledClock::default();
        assert!(clock.advance(SignedDuration::from_secs(60)));
        assert_eq!(clock.ahead(), SignedDuration::from_secs(60));
        assert!(!clock.advance(SignedDuration::from_secs(-61)));
        assert!(!clock.advance(SignedDuration::from_secs(i64::MAX)));
        assert_eq!(clock.ahead(), SignedDuration::from_secs(60));
    }
}
