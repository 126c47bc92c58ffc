//! Checks response_type: only the authorization code is served, in the query.
//!
//! RFC 6749 §3.1.1: <https://www.rfc-editor.org/rfc/rfc6749#section-3.1.1>

use super::reason::Reason;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;

/// What is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseType {
    Code,
    /// Served by a defect only.
    Token,
}

pub(crate) fn check(state: &AppState, parameters: &Parameters) -> Result<ResponseType, Reason> {
    let defects = state.defects();
    let kind = match parameters.get("response_type") {
        Some("code") => ResponseType::Code,
        Some("token") if defects.has(Defect::ResponseTypeTokenAccepted) => ResponseType::Token,
        None if defects.has(Defect::ResponseTypeMissingAccepted) => ResponseType::Code,
        Some("") if defects.has(Defect::ResponseTypeEmptyAccepted) => ResponseType::Code,
        None | Some("") => return Err(Reason::missing("response_type", "'code'")),
        Some(_) if defects.has(Defect::ResponseTypeUnknownAccepted) => ResponseType::Code,
        Some(was) => return Err(Reason::ResponseType { was: was.to_owned() }),
    };
    // OpenID Connect Core §3.1.2.1, §6: response_mode must not move the code to where it could leak, and a request
    // object that is not read must not be ignored either.
    match parameters.filled("response_mode") {
        None | Some("query") => {}
        Some(_) if defects.has(Defect::ResponseModeUnchecked) || defects.has(Defect::ResponseModeSkipsPkce) => {}
        Some(was) => return Err(Reason::ResponseMode { was: was.to_owned() }),
    }
    let reads_objects =
        defects.has(Defect::RequestObjectUnchecked) || defects.has(Defect::RequestObjectRedirectUnchecked);
    if parameters.filled("request").is_some() && !reads_objects {
        return Err(Reason::RequestObject);
    }
    if parameters.filled("request_uri").is_some() {
        return Err(Reason::RequestUri);
    }
    Ok(kind)
}
