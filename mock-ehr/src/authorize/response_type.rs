//! Checks response_type: only the authorization code is served.
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
    Ok(match parameters.get("response_type") {
        Some("code") => ResponseType::Code,
        Some("token") if defects.has(Defect::ResponseTypeTokenAccepted) => ResponseType::Token,
        None if defects.has(Defect::ResponseTypeMissingAccepted) => ResponseType::Code,
        Some("") if defects.has(Defect::ResponseTypeEmptyAccepted) => ResponseType::Code,
        None | Some("") => return Err(Reason::missing("response_type", "'code'")),
        Some(_) if defects.has(Defect::ResponseTypeUnknownAccepted) => ResponseType::Code,
        Some(was) => return Err(Reason::ResponseType { was: was.to_owned() }),
    })
}
