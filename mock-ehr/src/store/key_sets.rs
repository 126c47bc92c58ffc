//! Key sets that were fetched from clients, for as long as they may be kept. Each replica fetches its own.

use jiff::Timestamp;

use super::{Store, is_crowded};
use crate::keys::ClientKey;

/// What was fetched for one client, or why nothing could be.
#[derive(Debug, Clone)]
pub(crate) struct KeySet {
    pub(crate) keys: Result<Vec<ClientKey>, String>,
    pub(crate) until: Timestamp,
}

impl Store {
    pub(crate) fn put_key_set(&self, client_id: &str, set: KeySet) {
        let mut own = self.own();
        if is_crowded(own.key_sets.len()) {
            // They are fetched again where they are needed.
            own.key_sets.clear();
        }
        own.key_sets.insert(client_id.to_owned(), set);
    }

    pub(crate) fn key_set(&self, client_id: &str) -> Option<KeySet> {
        self.own().key_sets.get(client_id).cloned()
    }
}
