//! The mock's records: sessions, pending authorizations, codes, tokens, spent identifiers. In memory, bounded by expiry.

pub(crate) mod code;
pub(crate) mod delegated;
pub(crate) mod grant;
pub(crate) mod granted;
pub(crate) mod key_sets;
pub(crate) mod launch_urls;
pub(crate) mod pending;
pub(crate) mod pushed;
pub(crate) mod registered;
pub(crate) mod session;
pub(crate) mod spent;
pub(crate) mod tokens;

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Everything that one mock remembers.
#[derive(Default)]
pub(crate) struct Store(Mutex<Tables>);

#[derive(Default)]
pub(crate) struct Tables {
    sessions: HashMap<String, session::Session>,
    last_session: u64,
    pending: HashMap<String, pending::Pending>,
    delegated: HashMap<String, delegated::Delegated>,
    codes: HashMap<String, code::Code>,
    access_tokens: HashMap<String, tokens::AccessToken>,
    refresh_tokens: HashMap<String, tokens::RefreshToken>,
    latest_refresh_token: HashMap<String, String>,
    pushed: HashMap<String, pushed::Pushed>,
    launch_urls: VecDeque<String>,
    key_sets: HashMap<String, key_sets::KeySet>,
    spent: HashMap<(spent::Kind, String), Timestamp>,
}

impl Store {
    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.tables() = Tables::default();
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is it time to throw away what has expired? Every so many insertions, so that it costs next to nothing.
const fn is_crowded(length: usize) -> bool {
    length != 0 && length.is_multiple_of(1024)
}
