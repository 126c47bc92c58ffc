//! Request objects, which this server does not read: neither those that come by value, nor those that it would have to
//! fetch from an address.
//!
//! OpenID Connect Core §6: <https://openid.net/specs/openid-connect-core-1_0.html#JWTRequests>,
//! RFC 9101 §10.4: <https://www.rfc-editor.org/rfc/rfc9101#section-10.4>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::reason::Reason;
use crate::defect::Defect;
use crate::fetch::Trust;
use crate::form::Parameters;
use crate::state::AppState;

/// Nobody registers addresses of request objects, so none is fetched, whoever names it.
pub(super) async fn leave_unfetched(app: &AppState, parameters: &Parameters) {
    let named = parameters.filled("request_uri");
    if let Some(uri) = named.filter(|uri| uri.starts_with("http"))
        && app.defects().has(Defect::RequestUriFetched)
    {
        // Whatever comes is of no use: what counts is that somebody could make this server ask.
        let fetched = app.fetch().get(uri, Trust::Authorities);
        let _ = tokio::time::timeout(app.patience(), fetched).await;
    }
}

/// The request without what stands in its object.
pub(super) fn leave_unread(app: &AppState, parameters: Parameters) -> Parameters {
    let claims = parameters.filled("request").and_then(claims);
    match claims {
        Some(claims) if app.defects().has(Defect::RequestObjectUnsignedRead) => {
            let members = claims.as_object().into_iter().flatten();
            let texts = members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            parameters.overridden_by(Parameters::from_pairs(texts.collect()))
        }
        _ => parameters,
    }
}

/// What an object says, unseen whether anybody signed it.
fn claims(object: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(object.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// OpenID Connect Core §6.1, §6.2: a server that does not read them says so, rather than pass over what they demand.
pub(super) fn check(app: &AppState, parameters: &Parameters) -> Result<(), Reason> {
    let defects = app.defects();
    if parameters.filled("request").is_some()
        && !defects.has(Defect::RequestObjectUnchecked)
        && !defects.has(Defect::RequestObjectRedirectUnchecked)
        && !defects.has(Defect::RequestObjectUnsignedRead)
    {
        return Err(Reason::RequestObject);
    }
    if parameters.filled("request_uri").is_some() {
        return Err(Reason::RequestUri);
    }
    Ok(())
}
