//! Authorization codes: spent exactly once, in one step.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::grant::{self, Grant};
use super::rows::{Marked, Marks, Of};
use crate::authorize::pkce::Challenge;
use crate::launch::fault::Riders;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    #[serde(with = "grant::whole")]
    pub(crate) grant: Arc<Grant>,
    /// The redirect_uri as it was asked for.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Challenge,
    pub(crate) issued: Timestamp,
    pub(crate) spent: bool,
}

/// Spent and expired codes are remembered, so that a replay is known for what it is.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

impl Marked for Code {
    fn marks(&self) -> Marks<'_> {
        Marks {
            until: Some(self.issued + REMEMBERED),
            ..self.grant.marks()
        }
    }
}

/// What happens to a code that passes the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spend {
    /// It is spent in the same step.
    Now,
    /// It stays as it is.
    Not,
}

impl Store {
    pub(crate) fn put_code(&self, text: String, code: Code) {
        let now = code.issued;
        self.put(text, code, now);
    }

    /// Checks a code and spends it, in one step that no other request can come between.
    pub(crate) fn redeem<R>(
        &self,
        text: &str,
        spend: Spend,
        mut check: impl FnMut(&Code) -> Result<(), R>,
    ) -> Option<Result<Code, R>> {
        let redeemed = self.change(text, |kept: &mut Option<Arc<Code>>| {
            let code = kept.as_mut()?;
            Some(check(code).map(|()| {
                let redeemed = Code::clone(code);
                if spend == Spend::Now && !code.spent {
                    Arc::make_mut(code).spent = true;
                }
                redeemed
            }))
        });
        redeemed.flatten()
    }

    pub(crate) fn spend_code(&self, text: &str) {
        self.change(text, |kept: &mut Option<Arc<Code>>| {
            if let Some(code) = kept {
                Arc::make_mut(code).spent = true;
            }
        });
    }

    /// The client's latest unspent code that satisfies `fits`, for the defects that redeem one unasked.
    pub(crate) fn latest_code(&self, client_id: &str, fits: impl Fn(&Code) -> bool) -> Option<String> {
        let mut latest: Option<(Timestamp, String)> = None;
        self.each(Of::Client(client_id), |text, kept: &mut Option<Arc<Code>>| {
            if let Some(code) = kept
                && !text.is_empty()
                && !code.spent
                && latest.as_ref().is_none_or(|(issued, _)| *issued < code.issued)
                && fits(code)
            {
                latest = Some((code.issued, text.to_owned()));
            }
        });
        latest.map(|(_, text)| text)
    }

    /// The code as stored that satisfies `like`, for the defects that compare loosely.
    pub(crate) fn find_code(&self, like: impl Fn(&str) -> bool) -> Option<String> {
        let mut found = None;
        self.each(Of::Anybody, |text, _: &mut Option<Arc<Code>>| {
            if found.is_none() && like(text) {
                found = Some(text.to_owned());
            }
        });
        found
    }

    /// What shows in the launch of this code only.
    pub(crate) fn faults_of_code(&self, text: &str) -> Option<Riders> {
        self.shared::<Code>(text).map(|code| code.grant.faults.clone())
    }

    /// Whose code this is.
    pub(crate) fn client_of_code(&self, text: &str) -> Option<String> {
        self.shared::<Code>(text).map(|code| code.grant.client_id.clone())
    }

    /// Does any code of this client satisfy `like`? For the defect that mixes verifiers up.
    pub(crate) fn any_code_of(&self, client_id: &str, like: impl Fn(&Code) -> bool) -> bool {
        let mut found = false;
        self.each(Of::Client(client_id), |_, kept: &mut Option<Arc<Code>>| {
            found |= kept.as_ref().is_some_and(|code| like(code));
        });
        found
    }
}
