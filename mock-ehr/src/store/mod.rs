//! The mock's records: sessions, pending authorizations, codes, tokens, registrations, spent identifiers. Bounded by
//! expiry; in memory, unless it has a database.

pub(crate) mod code;
pub(crate) mod database;
pub(crate) mod delegated;
pub(crate) mod grant;
pub(crate) mod granted;
pub(crate) mod key_sets;
pub(crate) mod launch_urls;
mod memory;
pub(crate) mod pending;
pub(crate) mod pushed;
pub(crate) mod registered;
mod rows;
pub(crate) mod session;
pub(crate) mod spent;
#[cfg(test)]
mod tests;
pub(crate) mod tokens;
pub(crate) mod trouble;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use self::database::Database;
use self::grant::Grant;
use self::memory::Memory;
use self::rows::{Counter, Kept, Of, Rows};
use self::trouble::told;

/// Everything that one mock remembers.
pub(crate) struct Store {
    rows: Arc<dyn Rows>,
    is_shared: bool,
    own: Mutex<Own>,
}

/// What is of use to this process alone.
#[derive(Default)]
struct Own {
    key_sets: HashMap<String, key_sets::KeySet>,
    /// By client, for a defect.
    latest_refresh_token: HashMap<String, String>,
    /// By client, for a defect that tells it to whoever asks.
    registration_tokens: HashMap<String, String>,
    /// The cookie of before a sign-in, with that of after it and the moment, for a defect.
    renewed: HashMap<String, (String, Timestamp)>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            rows: Arc::new(Memory::default()),
            is_shared: false,
            own: Mutex::default(),
        }
    }
}

impl Store {
    /// One whose records are kept in a database.
    pub(crate) fn in_database(database: Arc<Database>) -> Self {
        Self {
            rows: database,
            is_shared: true,
            own: Mutex::default(),
        }
    }

    /// Are the records in a database?
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.own() = Own::default();
        told(self.rows.clear());
    }

    /// Ends everything that hangs on a grant.
    pub(crate) fn end(&self, grant: &Grant, now: Timestamp) {
        told(self.rows.end(grant, now));
    }

    /// The next of consecutive numbers.
    pub(crate) fn next_value(&self) -> u64 {
        told(self.rows.next(Counter::Value)).unwrap_or_default()
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get<T: Kept>(&self, key: &str) -> Option<T> {
        self.shared(key).map(Arc::unwrap_or_clone)
    }

    fn shared<T: Kept>(&self, key: &str) -> Option<Arc<T>> {
        told(self.rows.read(T::TABLE, key)).flatten().and_then(T::from_row)
    }

    fn put<T: Kept>(&self, key: String, kept: T, now: Timestamp) {
        let row = T::into_row(Arc::new(kept));
        told(
            self.rows
                .tidy(T::TABLE, now)
                .and_then(|()| self.rows.put(T::TABLE, key, row)),
        );
    }

    /// `change` may run more than once; what it gave last counts.
    fn change<T: Kept, R>(&self, key: &str, mut change: impl FnMut(&mut Option<Arc<T>>) -> R) -> Option<R> {
        let mut made = None;
        told(self.rows.change(T::TABLE, key, &mut |place| {
            let mut kept = place.take().and_then(T::from_row);
            made = Some(change(&mut kept));
            *place = kept.map(T::into_row);
        }))?;
        made
    }

    /// `look` may run more than once for one row.
    fn each<T: Kept>(&self, of: Of<'_>, mut look: impl FnMut(&str, &mut Option<Arc<T>>)) {
        told(self.rows.each(T::TABLE, of, &mut |key, place| {
            let mut kept = place.take().and_then(T::from_row);
            look(key, &mut kept);
            *place = kept.map(T::into_row);
        }));
    }
}

/// Is it time to throw away what has expired? Every so many insertions, so that it costs next to nothing.
const fn is_crowded(length: usize) -> bool {
    length != 0 && length.is_multiple_of(1024)
}
