//! Chance that is the same on every machine and in every version: SplitMix64.

use jiff::ToSpan;
use jiff::civil::Date;

/// The dice of one person.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64, number: usize) -> Self {
        let mut dice = Self(seed ^ (number as u64).wrapping_mul(0xD134_2543_DE82_EF95));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both possible.
    pub(super) fn whole(&mut self, low: i32, high: i32) -> i32 {
        let width = i64::from(high) - i64::from(low) + 1;
        let drawn = self.next() % u64::try_from(width).unwrap_or(1).max(1);
        low.saturating_add(i32::try_from(drawn).unwrap_or(0))
    }

    /// Between `low` and `high`, more often in the middle.
    pub(super) fn about(&mut self, low: f64, high: f64) -> f64 {
        let parts = f64::from(self.whole(0, 500)) + f64::from(self.whole(0, 500));
        low + (high - low) * parts / 1000.0
    }

    /// So often in a hundred cases.
    pub(super) fn percent(&mut self, percent: i32) -> bool {
        self.whole(1, 100) <= percent
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let last = i32::try_from(from.len()).unwrap_or(i32::MAX).saturating_sub(1).max(0);
        let drawn = usize::try_from(self.whole(0, last)).unwrap_or(0);
        &from[drawn]
    }

    /// A day between two, both possible.
    pub(super) fn day(&mut self, first: Date, last: Date) -> Date {
        let days = first.until(last).map_or(0, |span| span.get_days());
        first.saturating_add(self.whole(0, days.max(0)).days())
    }
}
