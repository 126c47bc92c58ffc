//! What a user allowed and what is still good for something, app by app.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Store;
use super::grant::Grant;

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
        let tables = self.tables();
        let access = tables.access_tokens.values();
        let access = access
            .filter(|token| !token.revoked)
            .map(|token| (&token.grant, token.expires));
        let refresh = tables.refresh_tokens.values();
        let refresh = refresh.filter(|token| !token.revoked && !token.replaced);
        let refresh = refresh.map(|token| (&token.grant, token.expires));
        let mut by_client: BTreeMap<String, Granted> = BTreeMap::new();
        for (grant, expires) in access.chain(refresh) {
            if grant.user() != Some(username) || grant.is_revoked() || expires <= now {
                continue;
            }
            let granted = by_client.entry(grant.client_id.clone()).or_insert_with(|| Granted {
                client_id: grant.client_id.clone(),
                grants: Vec::new(),
                until: expires,
            });
            granted.until = granted.until.max(expires);
            if !granted.grants.iter().any(|known| Arc::ptr_eq(known, grant)) {
                granted.grants.push(Arc::clone(grant));
            }
        }
        by_client.into_values().collect()
    }

    /// Ends all that this user allowed this client, codes on their way included; what was allowed once is asked again in
    /// every browser.
    pub(crate) fn end_access(&self, username: &str, client_id: &str) {
        let mut tables = self.tables();
        for session in tables.sessions.values_mut() {
            if session.signed_in.as_ref().is_some_and(|user| user.username == username) {
                session.consents.remove(client_id);
            }
        }
        let of_codes = tables.codes.values().map(|code| &code.grant);
        let of_access = tables.access_tokens.values().map(|token| &token.grant);
        let of_refresh = tables.refresh_tokens.values().map(|token| &token.grant);
        of_codes
            .chain(of_access)
            .chain(of_refresh)
            .filter(|grant| grant.user() == Some(username) && grant.client_id == client_id)
            .for_each(|grant| grant.revoke());
    }
}
