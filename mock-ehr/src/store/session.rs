//! Sessions of browsers: who signed in, when, and what they allowed before.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::pending::AuthorizationRequest;
use super::{Store, is_crowded};
use crate::identity_provider::logout::AtProvider;

/// A session, named by a number that stays when its cookie changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(u64);

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    pub(crate) signed_in: Option<SignedIn>,
    /// What was allowed before, by client.
    pub(crate) consents: HashMap<String, Consent>,
    /// Where the defect `sessions_mixed` keeps the latest request.
    pub(crate) slot: Option<AuthorizationRequest>,
    /// The cookie that it had before somebody signed in.
    previous: Option<String>,
    began: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) username: String,
    pub(crate) at: Timestamp,
    /// Where an identity provider signed them in.
    pub(crate) at_provider: Option<AtProvider>,
}

#[derive(Debug, Clone)]
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
    fn is_over(&self, now: Timestamp) -> bool {
        let lifetime = if self.signed_in.is_some() {
            LIFETIME
        } else {
            ANONYMOUS_LIFETIME
        };
        self.began + lifetime <= now
    }
}

impl Store {
    /// The session of this cookie.
    pub(crate) fn session(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let tables = self.tables();
        tables
            .sessions
            .get(cookie)
            .filter(|session| !session.is_over(now))
            .cloned()
    }

    /// The session that had this cookie before somebody signed in, and the cookie that it has now.
    pub(crate) fn renewed(&self, cookie: &str, now: Timestamp) -> Option<(String, Session)> {
        let tables = self.tables();
        let mut sessions = tables.sessions.iter();
        let (current, session) = sessions.find(|(_, session)| session.previous.as_deref() == Some(cookie))?;
        (!session.is_over(now)).then(|| (current.clone(), session.clone()))
    }

    /// A session of nobody yet.
    pub(crate) fn begin_session(&self, cookie: String, now: Timestamp) -> Session {
        let mut tables = self.tables();
        if is_crowded(tables.sessions.len()) {
            tables.sessions.retain(|_, session| !session.is_over(now));
        }
        tables.last_session += 1;
        let session = Session {
            key: SessionKey(tables.last_session),
            signed_in: None,
            consents: HashMap::new(),
            slot: None,
            previous: None,
            began: now,
        };
        tables.sessions.insert(cookie, session.clone());
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
        let mut tables = self.tables();
        let mut session = tables.sessions.remove(cookie)?;
        if session
            .signed_in
            .as_ref()
            .is_some_and(|before| before.username != signed_in.username)
        {
            session.consents.clear();
        }
        session.previous = Some(cookie.to_owned());
        session.began = now;
        session.signed_in = Some(signed_in);
        tables.sessions.insert(new_cookie, session.clone());
        Some(session)
    }

    /// Forgets a session.
    pub(crate) fn end_session(&self, cookie: &str) {
        self.tables().sessions.remove(cookie);
    }

    /// Changes a session in place.
    pub(crate) fn update_session(&self, cookie: &str, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.tables().sessions.get_mut(cookie) {
            change(session);
        }
    }
}
