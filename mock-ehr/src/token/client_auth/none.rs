//! A request without credentials: right for a public client, and for no other.
//!
//! RFC 6749 §3.2.1: <https://www.rfc-editor.org/rfc/rfc6749#section-3.2.1>, SMART App Launch 2.2, refresh request:
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#request-7>

use super::{Purpose, expected};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;
use crate::store::registered::Known;
use crate::token::reason::Reason;
use crate::variant::Variant;

pub(super) fn check<'a>(app: &'a AppState, parameters: &Parameters, purpose: Purpose) -> Result<Known<'a>, Reason> {
    let defects = app.defects();
    let Some(client_id) = parameters.filled("client_id") else {
        if purpose == Purpose::Refresh
            && let Some(client) = refreshing(app, parameters)
        {
            return Ok(client);
        }
        // RFC 6749 §4.1.3: client_id is required, if the client does not authenticate.
        if defects.has(Defect::PublicClientIdOptional)
            && let Some(client) = owner(app, parameters).filter(|client| !client.is_confidential())
        {
            return Ok(client);
        }
        if defects.has(Defect::ClientAuthNotRequired)
            && let Some(client) = owner(app, parameters)
        {
            return Ok(client);
        }
        return Err(Reason::NoClient);
    };
    let client = app.client(client_id).ok_or_else(|| Reason::UnknownClient {
        was: client_id.to_owned(),
    })?;
    if !client.is_confidential() {
        if defects.has(Defect::PublicClientSecretRequired) {
            return Err(Reason::CredentialsMissing { expected: "a secret" });
        }
        return Ok(client);
    }
    let tolerated = defects.has(Defect::ClientAuthNotRequired)
        || (defects.has(Defect::ClientAuthOnlyPublicCodes) && parameters.filled("code_verifier").is_some())
        || (purpose == Purpose::Refresh && defects.has(Defect::RefreshUnauthenticated))
        || (purpose == Purpose::Push && defects.has(Defect::ParUnauthenticated))
        || (purpose == Purpose::Revoke && defects.has(Defect::RevocationUnauthenticated));
    if tolerated {
        return Ok(client);
    }
    Err(Reason::CredentialsMissing {
        expected: expected(&client),
    })
}

/// The table of SMART's refresh request has no `client_id`, and RFC 6749 §3.2.1 lets a client send it, but for codes: the
/// token itself names the public client that it is bound to.
fn refreshing<'a>(app: &'a AppState, parameters: &Parameters) -> Option<Known<'a>> {
    let token = app.store().refresh_token(parameters.filled("refresh_token")?)?;
    let client = app.client(&token.grant.client_id)?;
    (!client.is_confidential() && !app.variants().has(Variant::RefreshClientIdRequired)).then_some(client)
}

/// Whose code this is, for the defects that ask the code instead of the client.
fn owner<'a>(app: &'a AppState, parameters: &Parameters) -> Option<Known<'a>> {
    let client_id = app.store().client_of_code(parameters.filled("code")?)?;
    app.client(&client_id)
}
