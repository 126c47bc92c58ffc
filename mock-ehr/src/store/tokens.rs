//! Access tokens and refresh tokens.

use std::sync::Arc;

use jiff::Timestamp;

use super::grant::Grant;
use super::{Store, is_crowded};
use crate::scope::grammar::Scope;

#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) grant: Arc<Grant>,
    pub(crate) scopes: Vec<Scope>,
    /// The patient in context; the grant's, unless a defect loses it.
    pub(crate) patient: Option<String>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct RefreshToken {
    pub(crate) grant: Arc<Grant>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) expires: Timestamp,
    /// A newer one took its place.
    pub(crate) replaced: bool,
    pub(crate) revoked: bool,
}

impl Store {
    pub(crate) fn put_access_token(&self, text: String, token: AccessToken) {
        let mut tables = self.tables();
        if is_crowded(tables.access_tokens.len()) {
            let now = token.issued;
            tables
                .access_tokens
                .retain(|_, other| now < other.expires + (other.expires - other.issued));
        }
        tables.access_tokens.insert(text, token);
    }

    pub(crate) fn access_token(&self, text: &str) -> Option<AccessToken> {
        self.tables().access_tokens.get(text).cloned()
    }

    /// The latest access token whose text fits, for the defects that look for another than was sent.
    pub(crate) fn access_token_by(&self, fits: impl Fn(&str, &AccessToken) -> bool) -> Option<AccessToken> {
        let tables = self.tables();
        let all = tables.access_tokens.iter().filter(|(text, token)| fits(text, token));
        all.max_by_key(|(_, token)| token.issued)
            .map(|(_, token)| token.clone())
    }

    pub(crate) fn revoke_access_token(&self, text: &str) {
        if let Some(token) = self.tables().access_tokens.get_mut(text) {
            token.revoked = true;
        }
    }

    pub(crate) fn put_refresh_token(&self, text: String, token: RefreshToken, now: Timestamp) {
        let mut tables = self.tables();
        if is_crowded(tables.refresh_tokens.len()) {
            tables.refresh_tokens.retain(|_, other| now < other.expires);
        }
        tables
            .latest_refresh_token
            .insert(token.grant.client_id.clone(), text.clone());
        tables.refresh_tokens.insert(text, token);
    }

    pub(crate) fn refresh_token(&self, text: &str) -> Option<RefreshToken> {
        self.tables().refresh_tokens.get(text).cloned()
    }

    /// Checks a refresh token and replaces it, in one step that no other request can come between.
    pub(crate) fn use_refresh_token<R>(
        &self,
        text: &str,
        rotate: bool,
        check: impl FnOnce(&RefreshToken) -> Result<(), R>,
    ) -> Option<Result<RefreshToken, R>> {
        let mut tables = self.tables();
        let token = tables.refresh_tokens.get_mut(text)?;
        Some(check(token).map(|()| {
            let used = token.clone();
            token.replaced |= rotate;
            used
        }))
    }

    pub(crate) fn revoke_refresh_token(&self, text: &str) {
        if let Some(token) = self.tables().refresh_tokens.get_mut(text) {
            token.revoked = true;
        }
    }

    /// Ends everything that this client was given.
    pub(crate) fn revoke_grants_of(&self, client_id: &str) {
        let tables = self.tables();
        let of_access = tables.access_tokens.values().map(|token| &token.grant);
        let of_refresh = tables.refresh_tokens.values().map(|token| &token.grant);
        of_access
            .chain(of_refresh)
            .filter(|grant| grant.client_id == client_id)
            .for_each(|grant| grant.revoke());
    }

    /// The client's latest refresh token, for the defect that uses it unasked.
    pub(crate) fn latest_refresh_token(&self, client_id: &str) -> Option<String> {
        self.tables().latest_refresh_token.get(client_id).cloned()
    }
}
