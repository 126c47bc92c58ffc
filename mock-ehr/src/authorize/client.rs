//! Checks client_id: only a registered app may send a user here.
//!
//! RFC 6749 §4.1.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>

use super::reason::Reason;
use super::{Refusal, redirect_uri};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;
use crate::store::registered::Known;

/// The app that asks. RFC 6749 §4.1.2.1: an unknown one's error is shown to the user, never sent on.
pub(crate) fn check<'a>(state: &'a AppState, parameters: &Parameters) -> Result<Known<'a>, Refusal> {
    let defects = state.defects();
    let times = parameters.all("client_id").count();
    if times > 1 && !defects.has(Defect::DuplicateParametersAccepted) {
        return Err(Refusal::Page(Reason::Repeated {
            name: "client_id".into(),
            times,
        }));
    }
    let Some(client_id) = parameters.filled("client_id") else {
        if defects.has(Defect::ClientIdMissingAccepted)
            && let Some(client) = owner_of_redirect_uri(state, parameters)
        {
            return Ok(client);
        }
        return Err(Refusal::Page(Reason::missing(
            "client_id",
            "the id of a registered app",
        )));
    };
    if let Some(client) = state.client(client_id) {
        return Ok(client);
    }
    if defects.has(Defect::ClientUnknownAccepted)
        && let Some(client) = owner_of_redirect_uri(state, parameters)
    {
        return Ok(client);
    }
    let reason = Reason::UnknownClient {
        was: client_id.to_owned(),
    };
    Err(redirect_uri::of_unknown_client(state, parameters, reason))
}

fn owner_of_redirect_uri<'a>(state: &'a AppState, parameters: &Parameters) -> Option<Known<'a>> {
    let uri = parameters.filled("redirect_uri")?;
    state
        .config()
        .clients
        .iter()
        .find(|client| client.redirect_uris.iter().any(|known| known == uri))
        .map(Known::Configured)
}
