//! What a user allowed an app. Codes, access tokens and refresh tokens hang on it and die with it.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use crate::faults;
use crate::launch::LaunchContext;
use crate::launch::fault::Riders;
use crate::scope::grammar::Scope;

#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    /// Who allowed it; empty where a backend service acts on its own behalf, see [`Grant::user`].
    pub(crate) username: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) patient: Option<String>,
    /// Context of an EHR launch.
    pub(crate) launch: Option<LaunchContext>,
    /// The encounter that was chosen for a standalone launch.
    pub(crate) encounter: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: Timestamp,
    /// When it was given.
    pub(crate) since: Timestamp,
    /// The request had max_age.
    pub(crate) asked_age: bool,
    pub(crate) aud_ok: bool,
    /// What shows in its launch only.
    pub(crate) faults: Riders,
    revoked: AtomicBool,
}

/// The parts of a new grant.
pub(crate) struct NewGrant {
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) patient: Option<String>,
    pub(crate) launch: Option<LaunchContext>,
    pub(crate) encounter: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: Timestamp,
    pub(crate) since: Timestamp,
    pub(crate) asked_age: bool,
    pub(crate) aud_ok: bool,
}

impl Grant {
    pub(crate) fn new(new: NewGrant) -> Self {
        Self {
            client_id: new.client_id,
            username: new.username,
            scopes: new.scopes,
            patient: new.patient,
            launch: new.launch,
            encounter: new.encounter,
            nonce: new.nonce,
            auth_time: new.auth_time,
            since: new.since,
            asked_age: new.asked_age,
            aud_ok: new.aud_ok,
            faults: faults::riding(),
            revoked: AtomicBool::new(false),
        }
    }

    /// What a backend service was given, by nobody but its registration.
    pub(crate) fn of_client(client_id: &str, scopes: Vec<Scope>, now: Timestamp) -> Self {
        Self::new(NewGrant {
            client_id: client_id.to_owned(),
            username: String::new(),
            scopes,
            patient: None,
            launch: None,
            encounter: None,
            nonce: None,
            auth_time: now,
            since: now,
            asked_age: false,
            aud_ok: true,
        })
    }

    /// Who allowed it; nobody, where a backend service acts on its own behalf.
    pub(crate) fn user(&self) -> Option<&str> {
        Some(self.username.as_str()).filter(|name| !name.is_empty())
    }

    /// Ends everything that hangs on this grant.
    pub(crate) fn revoke(&self) {
        self.revoked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }

    /// Was this scope granted?
    pub(crate) fn has(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope)
    }
}
