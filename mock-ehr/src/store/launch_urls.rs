//! Launch URLs that somebody at this machine typed in. The server's keys are public, so its signature alone does not
//! show that.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::rows::{Marked, Marks, Of, Table};
use super::trouble::told;

/// More are not typed in by hand; then the first ones are forgotten.
const MOST: usize = 200;

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LaunchUrl {
    address: String,
    typed: Timestamp,
}

impl Marked for LaunchUrl {
    fn marks(&self) -> Marks<'_> {
        Marks::default()
    }
}

impl Store {
    /// Remembers a launch URL.
    pub(crate) fn put_launch_url(&self, address: &str, now: Timestamp) {
        if self.is_launch_url(address) {
            return;
        }
        if told(self.rows.count(Table::LaunchUrl)).is_some_and(|count| count >= MOST) {
            self.forget_first_launch_url();
        }
        let typed = LaunchUrl {
            address: address.to_owned(),
            typed: now,
        };
        self.put(address.to_owned(), typed, now);
    }

    /// Was this one typed in?
    pub(crate) fn is_launch_url(&self, address: &str) -> bool {
        self.shared::<LaunchUrl>(address).is_some()
    }

    fn forget_first_launch_url(&self) {
        let mut first: Option<Arc<LaunchUrl>> = None;
        self.each(Of::Anybody, |_, kept: &mut Option<Arc<LaunchUrl>>| {
            if let Some(known) = kept
                && first.as_ref().is_none_or(|first| known.typed < first.typed)
            {
                first = Some(Arc::clone(known));
            }
        });
        if let Some(first) = first {
            self.change(&first.address, |kept: &mut Option<Arc<LaunchUrl>>| *kept = None);
        }
    }
}
