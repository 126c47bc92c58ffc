//! Browsers that were sent to the identity provider, and what must come back.

use jiff::{SignedDuration, Timestamp};

use super::session::SessionKey;
use super::{Store, is_crowded};
use crate::identity_provider::provider::Provider;

/// One way there and back.
#[derive(Clone)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A pending authorization request.
    Request(String),
    /// The page of granted apps.
    GrantedApps,
}

const LIFETIME: SignedDuration = SignedDuration::from_mins(30);

impl Store {
    pub(crate) fn put_delegated(&self, state: String, delegated: Delegated) {
        let mut tables = self.tables();
        if is_crowded(tables.delegated.len()) {
            let now = delegated.began;
            tables.delegated.retain(|_, other| now < other.began + LIFETIME);
        }
        tables.delegated.insert(state, delegated);
    }

    /// What belongs to this `state`, once, and only for the browser that was sent with it.
    pub(crate) fn take_delegated(&self, state: &str, session: SessionKey, now: Timestamp) -> Option<Delegated> {
        let mut tables = self.tables();
        if tables.delegated.get(state)?.session != session {
            return None;
        }
        let delegated = tables.delegated.remove(state)?;
        (now < delegated.began + LIFETIME).then_some(delegated)
    }
}
