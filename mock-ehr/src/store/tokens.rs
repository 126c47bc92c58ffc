//! Access tokens and refresh tokens.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::grant::{self, Grant};
use super::rows::{Marked, Marks, Of};
use super::{Store, is_crowded};
use crate::scope::grammar::Scope;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    #[serde(with = "grant::whole")]
    pub(crate) grant: Arc<Grant>,
    pub(crate) scopes: Vec<Scope>,
    /// The patient in context; the grant's, unless a defect loses it.
    pub(crate) patient: Option<String>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    #[serde(with = "grant::whole")]
    pub(crate) grant: Arc<Grant>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) expires: Timestamp,
    /// A newer one took its place.
    pub(crate) replaced: bool,
    pub(crate) revoked: bool,
}

impl Marked for AccessToken {
    fn marks(&self) -> Marks<'_> {
        Marks {
            // Once more as long, so that whoever sends it then is told that it expired.
            until: Some(self.expires + (self.expires - self.issued)),
            ..self.grant.marks()
        }
    }
}

impl Marked for RefreshToken {
    fn marks(&self) -> Marks<'_> {
        Marks {
            until: Some(self.expires),
            ..self.grant.marks()
        }
    }
}

impl Store {
    pub(crate) fn put_access_token(&self, text: String, token: AccessToken) {
        let now = token.issued;
        self.put(text, token, now);
    }

    pub(crate) fn access_token(&self, text: &str) -> Option<AccessToken> {
        self.get(text)
    }

    /// The latest access token whose text fits, for the defects that look for another than was sent.
    pub(crate) fn access_token_by(&self, fits: impl Fn(&str, &AccessToken) -> bool) -> Option<AccessToken> {
        let mut latest: Option<Arc<AccessToken>> = None;
        self.each(Of::Anybody, |text, kept: &mut Option<Arc<AccessToken>>| {
            if let Some(token) = kept
                && latest.as_ref().is_none_or(|latest| latest.issued <= token.issued)
                && fits(text, token)
            {
                latest = Some(Arc::clone(token));
            }
        });
        latest.map(Arc::unwrap_or_clone)
    }

    pub(crate) fn revoke_access_token(&self, text: &str) {
        self.change(text, |kept: &mut Option<Arc<AccessToken>>| {
            if let Some(token) = kept {
                Arc::make_mut(token).revoked = true;
            }
        });
    }

    pub(crate) fn put_refresh_token(&self, text: String, token: RefreshToken, now: Timestamp) {
        let mut own = self.own();
        if is_crowded(own.latest_refresh_token.len()) {
            own.latest_refresh_token.clear();
        }
        own.latest_refresh_token
            .insert(token.grant.client_id.clone(), text.clone());
        drop(own);
        self.put(text, token, now);
    }

    pub(crate) fn refresh_token(&self, text: &str) -> Option<RefreshToken> {
        self.get(text)
    }

    /// Checks a refresh token and replaces it, in one step that no other request can come between.
    pub(crate) fn use_refresh_token<R>(
        &self,
        text: &str,
        rotate: bool,
        mut check: impl FnMut(&RefreshToken) -> Result<(), R>,
    ) -> Option<Result<RefreshToken, R>> {
        let used = self.change(text, |kept: &mut Option<Arc<RefreshToken>>| {
            let token = kept.as_mut()?;
            Some(check(token).map(|()| {
                let used = RefreshToken::clone(token);
                if rotate && !token.replaced {
                    Arc::make_mut(token).replaced = true;
                }
                used
            }))
        });
        used.flatten()
    }

    pub(crate) fn revoke_refresh_token(&self, text: &str) {
        self.change(text, |kept: &mut Option<Arc<RefreshToken>>| {
            if let Some(token) = kept {
                Arc::make_mut(token).revoked = true;
            }
        });
    }

    /// The client's latest refresh token, for the defect that uses it unasked.
    pub(crate) fn latest_refresh_token(&self, client_id: &str) -> Option<String> {
        self.own().latest_refresh_token.get(client_id).cloned()
    }
}
