//! The grant `client_credentials`: a backend service that acts on its own behalf, without any user.
//!
//! SMART App Launch 2.2, Backend Services: <https://hl7.org/fhir/smart-app-launch/backend-services.html>, RFC 6749 §4.4:
//! <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>

use std::sync::Arc;

use axum::response::Response;

use super::reason::Reason;
use super::response::{self, Issue};
use crate::config::{Client, ClientKind};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::scope::grammar::Scope;
use crate::scope::grant::grantable;
use crate::state::AppState;
use crate::store::grant::Grant;
use crate::variant::Variant;

/// SMART 2.2 "Issue access token": at most five minutes.
const LIFETIME: i64 = 300;

/// A token for the client itself.
pub(crate) fn answer(app: &AppState, client: &Client, parameters: &Parameters) -> Result<Response, Reason> {
    let defects = app.defects();
    allow(app, client)?;
    if defects.has(Defect::BackendCorrectRequestRefused) {
        return Err(Reason::Refused);
    }
    let scopes = scopes(app, client, parameters.filled("scope"))?;
    let grant = Arc::new(Grant::of_client(&client.client_id, scopes.clone(), app.now()));
    Ok(response::issue(
        app,
        client,
        &Issue {
            grant,
            scopes,
            is_refresh: false,
        },
    ))
}

/// RFC 6749 §5.2 `unauthorized_client`: the grant is for clients that are registered for it, and prove who they are.
fn allow(app: &AppState, client: &Client) -> Result<(), Reason> {
    let defects = app.defects();
    let allowed = match client.kind {
        ClientKind::Backend => true,
        ClientKind::Public => defects.has(Defect::TokenClientCredentialsPublic),
        // The guide does not intend secrets for this grant, and does not forbid them either.
        ClientKind::Symmetric => {
            defects.has(Defect::BackendAnyClient) || app.variants().has(Variant::ClientCredentialsWithSecret)
        }
        ClientKind::Asymmetric => defects.has(Defect::BackendAnyClient),
    };
    let refusal = Reason::GrantNotAllowed {
        was: "client_credentials",
    };
    if allowed { Ok(()) } else { Err(refusal) }
}

/// What is granted: what was asked, as far as it is registered for the client.
fn scopes(app: &AppState, client: &Client, asked: Option<&str>) -> Result<Vec<Scope>, Reason> {
    let defects = app.defects();
    let registered = || response::text_of(&client.scopes);
    if client.kind != ClientKind::Backend {
        return Ok(Scope::parse_list("system/*.rs"));
    }
    let Some(asked) = asked else {
        // RFC 6749 §3.3: a default, or a refusal.
        if app.variants().has(Variant::ScopeDefault) {
            return Ok(client.scopes.clone());
        }
        return Err(Reason::ScopeMissing {
            registered: registered(),
        });
    };
    if defects.has(Defect::BackendScopeIgnored) {
        return Ok(client.scopes.clone());
    }
    let parsed = Scope::parse_list(asked);
    if defects.has(Defect::BackendScopeUnbounded) {
        return Ok(parsed);
    }
    let granted = grantable(&parsed, &client.scopes);
    if granted.is_empty() {
        return Err(Reason::ScopeNotRegistered {
            was: asked.to_owned(),
            registered: registered(),
        });
    }
    Ok(granted)
}

/// Whether a defect that takes any grant_type, or none, has to guess that this one is meant.
pub(crate) fn is_guessed(client: &Client, parameters: &Parameters) -> bool {
    client.kind == ClientKind::Backend && parameters.get("grant_type") != Some("authorization_code")
}

/// Seconds for which an access token of this grant can be used.
pub(crate) fn lifetime(app: &AppState, grant: &Grant) -> i64 {
    let usual = app.config().access_token_lifetime_seconds;
    if grant.user().is_some() || app.defects().has(Defect::BackendExpiresLate) {
        usual
    } else {
        usual.min(LIFETIME)
    }
}

/// Whether the defect gives a refresh token to a client that can ask again at any time.
pub(crate) fn keeps_refresh_token(app: &AppState, grant: &Grant) -> bool {
    grant.user().is_none() && app.defects().has(Defect::BackendRefreshToken)
}
