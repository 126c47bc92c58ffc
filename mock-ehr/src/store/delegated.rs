//! Browsers that were sent to the identity provider, and what must come back.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::rows::{Marked, Marks};
use super::session::SessionKey;
use crate::identity_provider::provider::Provider;

/// One way there and back.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Delegated {
    /// The browser that was sent.
    pub(crate) session: SessionKey,
    /// What it was busy with.
    pub(crate) errand: Errand,
    /// What the provider said of itself: who it was when the browser was sent is who is asked when it comes back.
    pub(crate) provider: Provider,
    pub(crate) nonce: String,
    /// RFC 7636 §4.1
    pub(crate) verifier: String,
    /// Whether the provider was told to ask the user, whoever is signed in there.
    pub(crate) anew: bool,
    pub(crate) max_age: Option<i64>,
    pub(crate) began: Timestamp,
    /// The same moment by the provider's clock.
    pub(crate) sent: Timestamp,
}

/// For what somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Errand {
    /// A pending authorization request.
    Request(String),
    /// The page of granted apps.
    GrantedApps,
}

const LIFETIME: SignedDuration = SignedDuration::from_mins(30);

impl Marked for Delegated {
    fn marks(&self) -> Marks<'_> {
        Marks {
            until: Some(self.began + LIFETIME),
            ..Marks::default()
        }
    }
}

impl Store {
    pub(crate) fn put_delegated(&self, state: String, delegated: Delegated) {
        let now = delegated.began;
        self.put(state, delegated, now);
    }

    /// What belongs to this `state`, once, and only for the browser that was sent with it.
    pub(crate) fn take_delegated(&self, state: &str, session: SessionKey, now: Timestamp) -> Option<Delegated> {
        let taken = self.change(state, |kept: &mut Option<Arc<Delegated>>| {
            let is_own = kept.as_ref().is_some_and(|delegated| delegated.session == session);
            if is_own { kept.take() } else { None }
        });
        let delegated = taken.flatten()?;
        (now < delegated.began + LIFETIME).then(|| Arc::unwrap_or_clone(delegated))
    }
}
