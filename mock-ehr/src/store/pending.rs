//! Authorization requests that passed their checks and wait for the user.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::rows::{Marked, Marks};
use super::session::SessionKey;
use crate::authorize::launch::Launched;
use crate::authorize::pkce::Challenge;
use crate::authorize::redirect_uri::RedirectTarget;
use crate::launch::standalone::Preset;
use crate::scope::grammar::Scope;

/// What was asked, after every check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) target: RedirectTarget,
    pub(crate) state: Option<String>,
    /// What can be granted at most.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) challenge: Challenge,
    /// `false` where a variant refuses a wrong aud later.
    pub(crate) aud_ok: bool,
    pub(crate) launch: Option<Launched>,
    pub(crate) nonce: Option<String>,
    pub(crate) prompt: Vec<String>,
    pub(crate) max_age: Option<i64>,
    pub(crate) login_hint: Option<String>,
    /// The defect that answers with a token in the fragment.
    pub(crate) implicit: bool,
}

impl AuthorizationRequest {
    /// The launch, where it began in the EHR.
    pub(crate) fn ehr_launch(&self) -> Option<&Launched> {
        self.launch.as_ref().filter(|launch| launch.preset.is_none())
    }

    /// What was chosen for it, where it is standalone.
    pub(crate) fn preset(&self) -> Option<&Preset> {
        self.launch.as_ref()?.preset.as_ref()
    }
}

/// A request on its way through the pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) id: String,
    pub(crate) session: SessionKey,
    /// Repeated by every form; no other page can know it.
    pub(crate) csrf: String,
    pub(crate) request: AuthorizationRequest,
    /// The user who has signed in for it.
    pub(crate) username: Option<String>,
    /// The name typed on the first page of the three-page variant.
    pub(crate) typed_username: Option<String>,
    pub(crate) auth_time: Option<Timestamp>,
    pub(crate) patient: Option<String>,
    pub(crate) began: Timestamp,
}

const LIFETIME: SignedDuration = SignedDuration::from_mins(30);

impl Pending {
    fn is_over(&self, now: Timestamp) -> bool {
        self.began + LIFETIME <= now
    }
}

impl Marked for Pending {
    fn marks(&self) -> Marks<'_> {
        Marks {
            until: Some(self.began + LIFETIME),
            ..Marks::default()
        }
    }
}

impl Store {
    pub(crate) fn put_pending(&self, pending: Pending) {
        let now = pending.began;
        self.put(pending.id.clone(), pending, now);
    }

    /// A pending request of this session; another session's is not found.
    pub(crate) fn pending(&self, id: &str, session: SessionKey, now: Timestamp) -> Option<Pending> {
        let pending: Arc<Pending> = self.shared(id)?;
        (pending.session == session && !pending.is_over(now)).then(|| Arc::unwrap_or_clone(pending))
    }

    /// A pending request, whichever session began it.
    pub(crate) fn pending_of_any(&self, id: &str, now: Timestamp) -> Option<Pending> {
        let pending: Arc<Pending> = self.shared(id)?;
        (!pending.is_over(now)).then(|| Arc::unwrap_or_clone(pending))
    }

    /// Ends a pending request; `false` where somebody else was faster.
    pub(crate) fn end_pending(&self, id: &str) -> bool {
        self.change(id, |kept: &mut Option<Arc<Pending>>| kept.take().is_some())
            .unwrap_or_default()
    }
}
