//! Identifiers that work once: `jti` of client assertions, of `launch` where a variant wants it, and access tokens where
//! a defect does.

use jiff::Timestamp;

use super::{Store, is_crowded};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Assertion,
    Launch,
    AccessToken,
}

impl Store {
    /// Spends an identifier; `false` where it was spent before. It is remembered until `until`.
    pub(crate) fn spend(&self, kind: Kind, id: String, until: Timestamp, now: Timestamp) -> bool {
        let mut tables = self.tables();
        if is_crowded(tables.spent.len()) {
            tables.spent.retain(|_, until| now <= *until);
        }
        match tables.spent.insert((kind, id), until) {
            Some(before) => now > before,
            None => true,
        }
    }
}
