//! Sessions of browsers: who signed in, when, and what they allowed before.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::pending::AuthorizationRequest;
use super::rows::{Counter, Marked, Marks};
use super::trouble::told;
use super::{Store, is_crowded};
use crate::identity_provider::logout::AtProvider;

/// A session, named by a number that stays when its cookie changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionKey(u64);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    pub(crate) signed_in: Option<SignedIn>,
    /// What was allowed before, by client.
    pub(crate) consents: BTreeMap<String, Consent>,
    /// Where the defect `sessions_mixed` keeps the latest request.
    pub(crate) slot: Option<AuthorizationRequest>,
    began: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    pub(crate) username: String,
    pub(crate) at: Timestamp,
    /// Where an identity provider signed them in.
    pub(crate) at_provider: Option<AtProvider>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) scopes: Vec<String>,
    pub(crate) patient: Option<String>,
    /// The user does not want to be asked again.
    pub(crate) kept: bool,
}

const LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// As long as a pending request; there is nothing else to remember of somebody unknown.
const ANONYMOUS_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

impl Session {
    fn ends(&self) -> Timestamp {
        let lifetime = if self.signed_in.is_some() {
            LIFETIME
        } else {
            ANONYMOUS_LIFETIME
        };
        self.began + lifetime
    }
}

impl Marked for Session {
    fn marks(&self) -> Marks<'_> {
        Marks {
            username: self.signed_in.as_ref().map(|user| user.username.as_str()),
            until: Some(self.ends()),
            ..Marks::default()
        }
    }
}

impl Store {
    /// The session of this cookie.
    pub(crate) fn session(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let session: Arc<Session> = self.shared(cookie)?;
        (now < session.ends()).then(|| Arc::unwrap_or_clone(session))
    }

    /// The session that had this cookie before somebody signed in, and the cookie that it has now; where it was this
    /// process that changed it.
    pub(crate) fn renewed(&self, cookie: &str, now: Timestamp) -> Option<(String, Session)> {
        let (current, _) = self.own().renewed.get(cookie).cloned()?;
        let session = self.session(&current, now)?;
        Some((current, session))
    }

    /// A session of nobody yet.
    pub(crate) fn begin_session(&self, cookie: String, now: Timestamp) -> Session {
        let session = Session {
            key: SessionKey(told(self.rows.next(Counter::Session)).unwrap_or_default()),
            signed_in: None,
            consents: BTreeMap::new(),
            slot: None,
            began: now,
        };
        self.put(cookie, session.clone(), now);
        session
    }

    /// Somebody signed in: the session gets a new cookie, so that one that was planted before is worth nothing.
    pub(crate) fn sign_in(
        &self,
        cookie: &str,
        new_cookie: String,
        signed_in: SignedIn,
        now: Timestamp,
    ) -> Option<Session> {
        let taken = self.change(cookie, |kept: &mut Option<Arc<Session>>| kept.take());
        let mut session = Arc::unwrap_or_clone(taken.flatten()?);
        if session
            .signed_in
            .as_ref()
            .is_some_and(|before| before.username != signed_in.username)
        {
            session.consents.clear();
        }
        session.began = now;
        session.signed_in = Some(signed_in);
        self.note_renewed(cookie, new_cookie.clone(), now);
        self.put(new_cookie, session.clone(), now);
        Some(session)
    }

    /// Forgets a session.
    pub(crate) fn end_session(&self, cookie: &str) {
        self.change(cookie, |kept: &mut Option<Arc<Session>>| *kept = None);
    }

    /// Changes a session in place.
    pub(crate) fn update_session(&self, cookie: &str, change: impl Fn(&mut Session)) {
        self.change(cookie, |kept: &mut Option<Arc<Session>>| {
            if let Some(session) = kept {
                change(Arc::make_mut(session));
            }
        });
    }

    fn note_renewed(&self, cookie: &str, new_cookie: String, now: Timestamp) {
        let mut own = self.own();
        if is_crowded(own.renewed.len()) {
            own.renewed.retain(|_, (_, at)| now < *at + LIFETIME);
        }
        own.renewed.insert(cookie.to_owned(), (new_cookie, now));
    }
}
