//! Tells which launch a request belongs to, by the values that lead from one request to the next.
//!
//! A launch value leads to the authorization request, the page's request number to the code, the code to the tokens, a
//! token to the data. Only keyed hashes of these values are kept.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

/// How many values are remembered.
const AT_MOST: usize = 8192;

/// The launch or the app that an exchange belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Launches count from 1.
    pub(crate) launch: Option<u64>,
    pub(crate) client: Option<String>,
}

/// A value that leads on, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lead {
    pub(crate) kind: &'static str,
    pub(crate) value: String,
}

/// Values that were seen, and where they lead.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    hasher: RandomState,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    leads: HashMap<u64, (Thread, &'static str)>,
    order: VecDeque<u64>,
    last_launch: u64,
}

impl Threads {
    /// The thread of the first of these values that is known, and what kind of value that was.
    pub(crate) fn find(&self, leads: &[Lead]) -> Option<(Thread, &'static str)> {
        let known = self.lock();
        leads
            .iter()
            .find_map(|lead| known.leads.get(&self.hasher.hash_one(&lead.value)).cloned())
    }

    /// A launch begins.
    pub(crate) fn begin(&self) -> u64 {
        let mut known = self.lock();
        known.last_launch += 1;
        known.last_launch
    }

    /// These values lead to this thread.
    pub(crate) fn remember(&self, leads: &[Lead], thread: &Thread) {
        if leads.is_empty() || (thread.launch.is_none() && thread.client.is_none()) {
            return;
        }
        let mut known = self.lock();
        for lead in leads {
            let hash = self.hasher.hash_one(&lead.value);
            if known.leads.insert(hash, (thread.clone(), lead.kind)).is_none() {
                known.order.push_back(hash);
            }
            if known.order.len() > AT_MOST
                && let Some(oldest) = known.order.pop_front()
            {
                known.leads.remove(&oldest);
            }
        }
    }

    /// Forgets every value; launches go on being counted.
    pub(crate) fn clear(&self) {
        let mut known = self.lock();
        known.leads.clear();
        known.order.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(value: String) -> Lead {
        Lead { kind: "code", value }
    }

    #[test]
    fn values_lead_to_their_launch_until_too_many_came_after() {
        let threads = Threads::default();
        let thread = Thread {
            launch: Some(threads.begin()),
            client: None,
        };
        threads.remember(&[lead("first".into())], &thread);
        assert_eq!(threads.find(&[lead("first".into())]), Some((thread.clone(), "code")));
        assert_eq!(threads.find(&[lead("other".into())]), None);
        for number in 0..AT_MOST {
            threads.remember(&[lead(number.to_string())], &thread);
        }
        assert_eq!(threads.find(&[lead("first".into())]), None);
        assert_eq!(threads.lock().leads.len(), AT_MOST);
    }
}
