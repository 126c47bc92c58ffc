//! Sets of defects and variants: armed ones, and those that a request came past.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::journal::notes::{self, Used};

/// Something that can be armed: a defect or a variant.
pub trait Switch: Copy + fmt::Debug + 'static {
    /// Every one, in the order of their indices.
    const ALL: &'static [Self];
    /// Its place in [`Switch::ALL`].
    fn index(self) -> usize;
    /// Itself, as the journal notes it.
    fn used(self) -> Used;
    /// Is it armed for the present request, or for its launch, and for no other?
    fn rides(self) -> bool {
        false
    }
    /// It was armed, and somebody asked for it.
    fn reached(self) {}
}

const WORDS: usize = 12;

/// Which switches are armed, and which were asked for since the last reset.
pub struct Switches<S> {
    armed: [AtomicU64; WORDS],
    consulted: [AtomicU64; WORDS],
    kind: PhantomData<fn() -> S>,
}

impl<S: Switch> Switches<S> {
    /// Is this one armed? Remembers that it was asked for.
    pub fn has(&self, switch: S) -> bool {
        let (word, bit) = place(switch);
        if self.consulted[word].load(Ordering::Relaxed) & bit == 0 {
            self.consulted[word].fetch_or(bit, Ordering::Relaxed);
        }
        // Asked first: it notes that the switch was met, whether or not it is armed for all.
        let armed = switch.rides() || self.armed[word].load(Ordering::Relaxed) & bit != 0;
        let says_yes = armed && notes::says_yes(switch.used());
        if says_yes {
            switch.reached();
        }
        says_yes
    }

    /// Arms exactly these.
    pub fn set(&self, switches: impl IntoIterator<Item = S>) {
        let mut words = [0; WORDS];
        for switch in switches {
            let (word, bit) = place(switch);
            words[word] |= bit;
        }
        for (armed, word) in self.armed.iter().zip(words) {
            armed.store(word, Ordering::Relaxed);
        }
    }

    /// Is any armed?
    pub(crate) fn are_any_armed(&self) -> bool {
        self.armed.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// The armed ones.
    pub fn armed(&self) -> Vec<S> {
        read(&self.armed)
    }

    /// Those whose hooks were reached since [`Switches::forget`]: any other would have changed nothing.
    pub fn consulted(&self) -> Vec<S> {
        read(&self.consulted)
    }

    /// Forgets which ones were consulted.
    pub fn forget(&self) {
        for word in &self.consulted {
            word.store(0, Ordering::Relaxed);
        }
    }
}

fn place<S: Switch>(switch: S) -> (usize, u64) {
    (switch.index() / 64, 1 << (switch.index() % 64))
}

fn read<S: Switch>(words: &[AtomicU64; WORDS]) -> Vec<S> {
    S::ALL
        .iter()
        .copied()
        .filter(|switch| {
            let (word, bit) = place(*switch);
            words[word].load(Ordering::Relaxed) & bit != 0
        })
        .collect()
}

impl<S> Default for Switches<S> {
    fn default() -> Self {
        Self {
            armed: Default::default(),
            consulted: Default::default(),
            kind: PhantomData,
        }
    }
}

impl<S: Switch> fmt::Debug for Switches<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.armed()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::Defect;
    use crate::variant::Variant;

    #[test]
    fn every_switch_has_a_place() {
        assert!(Defect::ALL.len() <= WORDS * 64);
        assert!(Variant::ALL.len() <= WORDS * 64);
        for (index, defect) in Defect::ALL.iter().enumerate() {
            assert_eq!(defect.index(), index);
        }
    }

    #[test]
    fn armed_and_consulted_are_told_apart() {
        let switches = Switches::default();
        switches.set([Defect::CodeRace]);
        assert!(switches.has(Defect::CodeRace));
        assert!(!switches.has(Defect::PkceNotVerified));
        assert_eq!(switches.armed(), [Defect::CodeRace]);
        assert_eq!(switches.consulted().len(), 2);
        switches.forget();
        assert!(switches.consulted().is_empty());
    }
}
