//! What a user allowed an app. Codes, access tokens and refresh tokens hang on it and die with it.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use crate::launch::LaunchContext;
use crate::scope::grammar::Scope;

#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) patient: Option<String>,
    /// Context of an EHR launch.
    pub(crate) launch: Option<LaunchContext>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: Timestamp,
    pub(crate) aud_ok: bool,
    revoked: AtomicBool,
}

/// The parts of a new grant.
pub(crate) struct NewGrant {
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) patient: Option<String>,
    pub(crate) launch: Option<LaunchContext>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: Timestamp,
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
            nonce: new.nonce,
            auth_time: new.auth_time,
            aud_ok: new.aud_ok,
            revoked: AtomicBool::new(false),
        }
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
