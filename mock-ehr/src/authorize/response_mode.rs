//! Checks response_mode: the answer goes in the query of the address, or in a form that the browser posts there.
//!
//! OAuth 2.0 Multiple Response Types §2.1:
//! <https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes>

use serde::{Deserialize, Serialize};

use super::reason::Reason;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;

/// The modes that discovery lists.
pub(crate) const SUPPORTED: [&str; 2] = ["query", "form_post"];

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResponseMode {
    /// In the query of the redirect address.
    Query,
    /// In the body of a form that the browser posts to the redirect address.
    FormPost,
}

/// The mode that counts for this request, errors included; the usual one, where none that is known was asked for.
pub(crate) fn asked(state: &AppState, parameters: &Parameters) -> ResponseMode {
    let mut values = parameters.all("response_mode");
    let once = values.next().filter(|_| values.next().is_none());
    if once == Some("form_post") && !state.defects().has(Defect::FormPostAnsweredByRedirect) {
        ResponseMode::FormPost
    } else {
        ResponseMode::Query
    }
}

/// OpenID Connect Core §3.1.2.1: response_mode must not move the code to where it could leak.
pub(crate) fn check(state: &AppState, parameters: &Parameters) -> Result<(), Reason> {
    let defects = state.defects();
    match parameters.filled("response_mode") {
        None => Ok(()),
        Some(known) if SUPPORTED.contains(&known) => Ok(()),
        Some(_) if defects.has(Defect::ResponseModeUnchecked) || defects.has(Defect::ResponseModeSkipsPkce) => Ok(()),
        Some(was) => Err(Reason::ResponseMode { was: was.to_owned() }),
    }
}
