//! What a user allowed and what is still good for something, app by app.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Store;
use super::code::Code;
use super::grant::Grant;
use super::rows::Of;
use super::session::Session;
use super::tokens::{AccessToken, RefreshToken};

/// One app's access to one user's data.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) client_id: String,
    pub(crate) grants: Vec<Arc<Grant>>,
    /// When the last of its tokens ends.
    pub(crate) until: Timestamp,
}

impl Store {
    /// The apps of which this user could still end the access.
    pub(crate) fn granted_by(&self, username: &str, now: Timestamp) -> Vec<Granted> {
        let mut by_client: BTreeMap<String, Granted> = BTreeMap::new();
        let mut note = |grant: &Arc<Grant>, expires: Timestamp| {
            if grant.is_revoked() || expires <= now {
                return;
            }
            let granted = by_client.entry(grant.client_id.clone()).or_insert_with(|| Granted {
                client_id: grant.client_id.clone(),
                grants: Vec::new(),
                until: expires,
            });
            granted.until = granted.until.max(expires);
            if !granted.grants.iter().any(|known| known.is(grant)) {
                granted.grants.push(Arc::clone(grant));
            }
        };
        self.each(Of::User(username), |_, kept: &mut Option<Arc<AccessToken>>| {
            if let Some(token) = kept.as_ref().filter(|token| !token.revoked) {
                note(&token.grant, token.expires);
            }
        });
        self.each(Of::User(username), |_, kept: &mut Option<Arc<RefreshToken>>| {
            if let Some(token) = kept.as_ref().filter(|token| !token.revoked && !token.replaced) {
                note(&token.grant, token.expires);
            }
        });
        by_client.into_values().collect()
    }

    /// Ends all that this user allowed this client, codes on their way included; what was allowed once is asked again in
    /// every browser.
    pub(crate) fn end_access(&self, username: &str, client_id: &str, now: Timestamp) {
        self.each(Of::User(username), |_, kept: &mut Option<Arc<Session>>| {
            if let Some(session) = kept
                && session.consents.contains_key(client_id)
            {
                Arc::make_mut(session).consents.remove(client_id);
            }
        });
        let mut grants = self.grants_on_tokens(Of::User(username));
        self.each(Of::User(username), |_, kept: &mut Option<Arc<Code>>| {
            grants.extend(kept.as_ref().map(|code| Arc::clone(&code.grant)));
        });
        grants.retain(|grant| grant.client_id == client_id);
        self.end_all(&grants, now);
    }

    /// Ends everything that this client was given.
    pub(crate) fn revoke_grants_of(&self, client_id: &str, now: Timestamp) {
        let grants = self.grants_on_tokens(Of::Client(client_id));
        self.end_all(&grants, now);
    }

    fn grants_on_tokens(&self, of: Of<'_>) -> Vec<Arc<Grant>> {
        let mut grants = Vec::new();
        self.each(of, |_, kept: &mut Option<Arc<AccessToken>>| {
            grants.extend(kept.as_ref().map(|token| Arc::clone(&token.grant)));
        });
        self.each(of, |_, kept: &mut Option<Arc<RefreshToken>>| {
            grants.extend(kept.as_ref().map(|token| Arc::clone(&token.grant)));
        });
        grants
    }

    fn end_all(&self, grants: &[Arc<Grant>], now: Timestamp) {
        for (at, grant) in grants.iter().enumerate() {
            let is_known = grants[..at].iter().any(|known| known.is(grant));
            if !is_known && !grant.is_revoked() {
                self.end(grant, now);
            }
        }
    }
}
