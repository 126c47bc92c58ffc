//! What an app does with its registration afterwards: it reads it, changes it and ends it.
//!
//! RFC 7592 §2: <https://www.rfc-editor.org/rfc/rfc7592#section-2>

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::{Refusal, client, metadata, method_of, read_metadata, refuse, texts, told};
use crate::config::{Client, ClientKind, Secret};
use crate::defect::Defect;
use crate::state::AppState;
use crate::store::registered::Registration;
use crate::token::access;
use crate::token::response::json_answer;
use crate::variant::Variant;

/// RFC 7592 §3: by which address and by which token.
pub(super) fn tell(app: &AppState, client_id: &str, token: &str, told: &mut Map<String, Value>) {
    let defects = app.defects();
    if !defects.has(Defect::RegistrationTokenMissing) {
        told.insert("registration_access_token".into(), token.into());
    }
    told.insert(
        "registration_client_uri".into(),
        format!("{}/auth/register/{client_id}", app.public_url()).into(),
    );
}

/// RFC 7592 §2: who may manage a registration is who holds its token.
fn managed(app: &AppState, headers: &HeaderMap, client_id: &str) -> Result<Arc<Registration>, Box<Response>> {
    let defects = app.defects();
    let known = app.store().registration(client_id);
    let token = access::bearer(headers).ok();
    let is_its_own = |known: &Registration| token.is_some_and(|token| known.is_managed_by(token));
    let is_any = || app.store().any_registration(is_its_own);
    match known {
        Some(known) if is_its_own(&known) => Ok(known),
        Some(known) if is_any() && defects.has(Defect::RegistrationTokenOfAnyClient) => Ok(known),
        Some(known) if defects.has(Defect::RegistrationManagementOpen) => Ok(known),
        None if defects.has(Defect::RegistrationDeleted404) => Err(Box::new(StatusCode::NOT_FOUND.into_response())),
        _ => Err(Box::new(unauthorized(app))),
    }
}

/// RFC 7592 §2.1 and §5, RFC 6750 §3: also where the client is gone.
fn unauthorized(app: &AppState) -> Response {
    let mut refused = StatusCode::UNAUTHORIZED.into_response();
    if !app.defects().has(Defect::RegistrationNoChallenge) {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    refused
}

/// `GET` of a registration.
pub(crate) async fn read(State(app): State<AppState>, Path(client_id): Path<String>, headers: HeaderMap) -> Response {
    match managed(&app, &headers, &client_id) {
        Ok(_) if app.defects().has(Defect::RegistrationReadRefused) => unauthorized(&app),
        Ok(known) => describe(&app, &known.client, &token_of(&app, &headers, &known)),
        Err(refused) => *refused,
    }
}

/// The token of a registration: that which came, unless a defect took another one for it.
fn token_of(app: &AppState, headers: &HeaderMap, known: &Registration) -> String {
    let sent = access::bearer(headers).ok().filter(|sent| known.is_managed_by(sent));
    let kept = || app.store().token_of(&known.client.client_id).unwrap_or_default();
    sent.map_or_else(kept, str::to_owned)
}

/// RFC 7592 §3: all of it, with the token.
fn describe(app: &AppState, client: &Client, token: &str) -> Response {
    let grants = match client.kind {
        ClientKind::Backend => vec!["client_credentials".to_owned()],
        _ => vec!["authorization_code".to_owned()],
    };
    let mut body = told(app, client, &Map::new(), &grants, method_of(client));
    tell(app, &client.client_id, token, &mut body);
    json_answer(app, StatusCode::OK, body)
}

/// `PUT` of a registration: what comes takes the place of what was.
pub(crate) async fn update(
    State(app): State<AppState>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let known = match managed(&app, &headers, &client_id) {
        Ok(known) => known,
        Err(refused) => return *refused,
    };
    if let Some(refused) = read_only(&app) {
        return refused;
    }
    if app.defects().has(Defect::RegistrationUpdateIgnored) {
        return describe(&app, &known.client, &token_of(&app, &headers, &known));
    }
    let changed = match changed(&app, &known.client, &body) {
        Ok(changed) => changed,
        Err(refusal) => return refuse(&app, &refusal),
    };
    let answer = describe(&app, &changed, &token_of(&app, &headers, &known));
    // Removed in the meantime, it does not come back.
    if !app.defects().has(Defect::RegistrationUpdateNotKept) && !app.store().reregister(&changed) {
        return unauthorized(&app);
    }
    answer
}

/// RFC 7592 §2: a server that lacks a method says so, for DELETE by 405 (§2.3).
fn read_only(app: &AppState) -> Option<Response> {
    let refused = || (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    app.variants().has(Variant::RegistrationReadOnly).then(refused)
}

/// The client as the metadata describe it, with what it cannot choose itself.
fn changed(app: &AppState, known: &Client, body: &[u8]) -> Result<Client, Refusal> {
    let defects = app.defects();
    let asked = read_metadata(app, body)?;
    // RFC 7592 §2.2: client_id is its own.
    if asked.get("client_id").and_then(Value::as_str) != Some(known.client_id.as_str()) {
        return Err(metadata("client_id is not that of this registration"));
    }
    let grants = texts(&asked, "grant_types")?.unwrap_or_else(|| vec!["authorization_code".to_owned()]);
    let mut client = client(app, &asked, &grants)?;
    client.client_id.clone_from(&known.client_id);
    // RFC 7592 §2.2: a client never chooses its secret.
    let own = known.client_secret.as_ref().map(|secret| secret.0.as_str());
    let sent = asked.get("client_secret").and_then(Value::as_str);
    if sent.is_some() && sent != own {
        if !defects.has(Defect::RegistrationSecretChosen) {
            return Err(metadata("client_secret is not the one that was issued"));
        }
        client.client_secret = sent.map(|secret| Secret(secret.to_owned()));
    } else if client.client_secret.is_some() && own.is_some() {
        client.client_secret.clone_from(&known.client_secret);
    }
    if client.redirect_uris != known.redirect_uris && defects.has(Defect::RegistrationUpdateAdds) {
        client.redirect_uris.extend(known.redirect_uris.iter().cloned());
    }
    Ok(client)
}

/// `DELETE` of a registration.
pub(crate) async fn remove(State(app): State<AppState>, Path(client_id): Path<String>, headers: HeaderMap) -> Response {
    let defects = app.defects();
    match managed(&app, &headers, &client_id) {
        Ok(_) => {
            if let Some(refused) = read_only(&app) {
                return refused;
            }
            if !defects.has(Defect::RegistrationDeleteIgnored) {
                app.store().unregister(&client_id);
            }
            // RFC 7592 §2.3: what it was given goes with it.
            if !defects.has(Defect::RegistrationDeleteKeepsTokens) {
                app.store().revoke_grants_of(&client_id, app.now());
            }
            if defects.has(Defect::RegistrationDelete200) {
                return StatusCode::OK.into_response();
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refused) => *refused,
    }
}
