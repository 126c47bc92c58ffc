//! What a user allowed an app. Codes, access tokens and refresh tokens hang on it and die with it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rows::Marks;
use crate::launch::LaunchContext;
use crate::launch::fault::Riders;
use crate::scope::grammar::Scope;

#[derive(Debug, Serialize, Deserialize)]
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
    #[serde(skip)]
    revoked: AtomicBool,
    /// Its name in a database; what hangs on it there names it.
    #[serde(skip)]
    id: OnceLock<String>,
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
    pub(crate) faults: Riders,
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
            faults: new.faults,
            revoked: AtomicBool::new(false),
            id: OnceLock::new(),
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
            faults: Riders::default(),
        })
    }

    /// Who allowed it; nobody, where a backend service acts on its own behalf.
    pub(crate) fn user(&self) -> Option<&str> {
        Some(self.username.as_str()).filter(|name| !name.is_empty())
    }

    /// It is over, as far as this process knows; [`super::Store::end`] ends it everywhere.
    pub(super) fn revoke(&self) {
        self.revoked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }

    /// Are both the same grant, not only alike?
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.id.get().is_some() && self.id.get() == other.id.get())
    }

    /// Its name in a database, and a fresh one where it has none.
    pub(super) fn named(&self, fresh: impl FnOnce() -> String) -> String {
        self.id.get_or_init(fresh).clone()
    }

    /// It comes from a database, where it has this name.
    pub(super) fn restored(&self, name: String, is_ended: bool) {
        // One that was just read has no other.
        let _ = self.id.set(name);
        if is_ended {
            self.revoke();
        }
    }

    /// What everything is found by that hangs on it.
    pub(super) fn marks(&self) -> Marks<'_> {
        Marks {
            client: Some(&self.client_id),
            username: self.user(),
            grant: Some(self),
            until: None,
        }
    }

    /// Was this scope granted?
    pub(crate) fn has(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope)
    }
}

/// A grant within what hangs on it.
pub(super) mod whole {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Grant;

    pub(in crate::store) fn serialize<S: Serializer>(grant: &Arc<Grant>, serializer: S) -> Result<S::Ok, S::Error> {
        grant.as_ref().serialize(serializer)
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Grant>, D::Error> {
        Grant::deserialize(deserializer).map(Arc::new)
    }
}
