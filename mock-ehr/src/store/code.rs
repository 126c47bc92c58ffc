//! Authorization codes: spent exactly once, under one lock.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::grant::Grant;
use super::{Store, is_crowded};
use crate::authorize::pkce::Challenge;
use crate::launch::fault::Riders;

#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant: Arc<Grant>,
    /// The redirect_uri as it was asked for.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Challenge,
    pub(crate) issued: Timestamp,
    pub(crate) spent: bool,
}

/// Spent and expired codes are remembered, so that a replay is known for what it is.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// What happens to a code that passes the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spend {
    /// It is spent under the same lock.
    Now,
    /// It stays as it is.
    Not,
}

impl Store {
    pub(crate) fn put_code(&self, text: String, code: Code) {
        let mut tables = self.tables();
        if is_crowded(tables.codes.len()) {
            tables.codes.retain(|_, other| code.issued < other.issued + REMEMBERED);
        }
        tables.codes.insert(text, code);
    }

    /// Checks a code and spends it, in one step that no other request can come between.
    pub(crate) fn redeem<R>(
        &self,
        text: &str,
        spend: Spend,
        check: impl FnOnce(&Code) -> Result<(), R>,
    ) -> Option<Result<Code, R>> {
        let mut tables = self.tables();
        let code = tables.codes.get_mut(text)?;
        Some(check(code).map(|()| {
            let redeemed = code.clone();
            code.spent |= spend == Spend::Now;
            redeemed
        }))
    }

    pub(crate) fn spend_code(&self, text: &str) {
        if let Some(code) = self.tables().codes.get_mut(text) {
            code.spent = true;
        }
    }

    /// The client's latest unspent code that satisfies `fits`, for the defects that redeem one unasked.
    pub(crate) fn latest_code(&self, client_id: &str, fits: impl Fn(&Code) -> bool) -> Option<String> {
        self.tables()
            .codes
            .iter()
            .filter(|(_, code)| code.grant.client_id == client_id && !code.spent && fits(code))
            .max_by_key(|(_, code)| code.issued)
            .map(|(text, _)| text.clone())
    }

    /// The code as stored that satisfies `like`, for the defects that compare loosely.
    pub(crate) fn find_code(&self, like: impl Fn(&str) -> bool) -> Option<String> {
        self.tables().codes.keys().find(|text| like(text)).cloned()
    }

    /// What shows in the launch of this code only.
    pub(crate) fn faults_of_code(&self, text: &str) -> Option<Riders> {
        self.tables().codes.get(text).map(|code| code.grant.faults.clone())
    }

    /// Whose code this is.
    pub(crate) fn client_of_code(&self, text: &str) -> Option<String> {
        self.tables().codes.get(text).map(|code| code.grant.client_id.clone())
    }

    /// Does any code of this client satisfy `like`? For the defect that mixes verifiers up.
    pub(crate) fn any_code_of(&self, client_id: &str, like: impl Fn(&Code) -> bool) -> bool {
        self.tables()
            .codes
            .values()
            .any(|code| code.grant.client_id == client_id && like(code))
    }
}
