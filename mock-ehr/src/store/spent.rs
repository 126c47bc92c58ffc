//! Identifiers that work once: `jti` of client assertions, of `launch` where a variant wants it, and access tokens where
//! a defect does.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::rows::{Marked, Marks, Table};
use super::trouble::told;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Assertion,
    Launch,
    AccessToken,
}

/// One that was spent, for as long as that matters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spent {
    until: Timestamp,
}

impl Marked for Spent {
    fn marks(&self) -> Marks<'_> {
        Marks {
            // It still counts at that very moment.
            until: self.until.checked_add(SignedDuration::from_millis(1)).ok(),
            ..Marks::default()
        }
    }
}

impl Store {
    /// Spends an identifier; `false` where it was spent before. It is remembered until `until`.
    pub(crate) fn spend(&self, kind: Kind, id: &str, until: Timestamp, now: Timestamp) -> bool {
        let key = format!("{kind:?}\n{id}");
        told(self.rows.tidy(Table::Spent, now));
        let is_first = self.change(&key, |kept: &mut Option<Arc<Spent>>| {
            let is_first = kept.as_ref().is_none_or(|before| now > before.until);
            *kept = Some(Arc::new(Spent { until }));
            is_first
        });
        is_first.unwrap_or_default()
    }
}
