//! Token revocation.
//!
//! RFC 7009: <https://www.rfc-editor.org/rfc/rfc7009>

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};

use crate::defect::Defect;
use crate::form::{NotUtf8, Parameters};
use crate::state::AppState;
use crate::token::client_auth::{self, Purpose};
use crate::token::form::{self, Incoming};
use crate::token::reason::Reason;
use crate::token::response;
use crate::variant::Variant;

/// Any method on `/auth/revoke`; all but POST are refused.
pub(crate) async fn handle(State(app): State<AppState>, incoming: Incoming) -> Response {
    match answer(&app, &incoming).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(reason) => response::refuse(&app, &incoming.headers, &reason),
    }
}

/// RFC 7009 §2.1: a POSTed form.
fn parameters(app: &AppState, incoming: &Incoming) -> Result<Parameters, Reason> {
    if incoming.method == Method::GET && app.defects().has(Defect::RevocationGetAccepted) {
        let query = incoming.uri.query().unwrap_or_default();
        return Parameters::parse(query.as_bytes()).map_err(|NotUtf8 { name }| Reason::NotUtf8 { name });
    }
    form::read(app, incoming)
}

async fn answer(app: &AppState, incoming: &Incoming) -> Result<(), Reason> {
    let defects = app.defects();
    let parameters = parameters(app, incoming)?;
    client_auth::jwks_uri::refresh(app, &parameters).await;
    let client = client_auth::check(app, &incoming.headers, &parameters, Purpose::Revoke)?;
    let Some(text) = parameters.filled("token") else {
        if defects.has(Defect::RevocationTokenMissingOk) {
            return Ok(());
        }
        return Err(Reason::Missing {
            name: "token",
            expected: "the token to be revoked",
        });
    };
    // RFC 7009 §2.1: a hint says where to look first, and no more.
    let hint = parameters
        .filled("token_type_hint")
        .filter(|_| defects.has(Defect::RevocationHintBelieved));
    let among = |kind: &str| hint.is_none_or(|hint| hint == kind);
    let access_token = app.store().access_token(text).filter(|_| among("access_token"));
    let refresh_token = app.store().refresh_token(text).filter(|_| among("refresh_token"));
    let grant = access_token
        .as_ref()
        .map(|token| &token.grant)
        .or(refresh_token.as_ref().map(|token| &token.grant));
    // RFC 7009 §2.2: a token that is not known is none that anybody could use.
    let Some(grant) = grant else {
        if defects.has(Defect::RevocationUnknownError) {
            return Err(Reason::RefreshUnknown);
        }
        return Ok(());
    };
    // RFC 7009 §2.1: "verifies whether the token was issued to the client making the revocation request"
    if grant.client_id != client.client_id && !defects.has(Defect::RevocationOtherClient) {
        return Err(Reason::TokenForeign);
    }
    let dead = access_token
        .as_ref()
        .map(|token| token.revoked)
        .or(refresh_token.as_ref().map(|token| token.revoked))
        .unwrap_or_default();
    if (dead || grant.is_revoked()) && defects.has(Defect::RevocationTwiceError) {
        return Err(Reason::RefreshRevoked);
    }
    if defects.has(Defect::RevocationIgnored) {
        return Ok(());
    }
    if access_token.is_some() && app.variants().has(Variant::RevocationAccessTokenEndsGrant) {
        app.store().end(grant, app.now());
    } else if access_token.is_some() {
        app.store().revoke_access_token(text);
    } else if defects.has(Defect::RevocationKeepsAccessToken) {
        app.store().revoke_refresh_token(text);
    } else {
        // RFC 7009 §2.1: the access tokens of the same grant go with the refresh token.
        app.store().end(grant, app.now());
    }
    Ok(())
}
