//! Pushed authorization requests: the app sends its request itself, and the browser only a reference to it.
//!
//! RFC 9126: <https://www.rfc-editor.org/rfc/rfc9126>

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::reason::Reason;
use super::{Refusal, advice};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::journal::notes;
use crate::state::AppState;
use crate::store::pushed::Pushed;
use crate::token::client_auth::{self, Purpose};
use crate::token::form::{self, Incoming};
use crate::token::reason::Reason as TokenReason;
use crate::token::response::{json_answer, refuse};
use crate::variant::Variant;

/// What references begin with (RFC 9126 §2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// Seconds for which a reference can be used.
const LIFETIME: i64 = 60;

/// Tells the checks of a request that it was pushed.
const MARK: &str = "pushed_request";

/// Whether these parameters were pushed.
pub(crate) fn is_pushed(parameters: &Parameters) -> bool {
    parameters.get(MARK).is_some()
}

/// RFC 9126 §5: whether requests that were not pushed are refused.
pub(crate) fn is_required(app: &AppState) -> bool {
    app.variants().has(Variant::ParRequired) || is_told_once(app)
}

/// Whether the RFC 8414 document alone says so.
pub(crate) fn is_told_once(app: &AppState) -> bool {
    app.variants().has(Variant::ParRequiredToldOnce)
}

/// Any method on `/auth/par`; all but POST are refused.
pub(crate) async fn handle(State(app): State<AppState>, incoming: Incoming) -> Response {
    match push(&app, &incoming).await {
        Ok(answer) => answer,
        Err(Problem::Client(reason)) => refuse(&app, &incoming.headers, &reason),
        Err(Problem::Request(error, _)) if app.defects().has(Defect::ParErrorText) => {
            (StatusCode::BAD_REQUEST, error).into_response()
        }
        Err(Problem::Request(error, description)) => {
            let mut body = Map::new();
            body.insert("error".into(), error.into());
            body.insert("error_description".into(), description.into());
            json_answer(&app, StatusCode::BAD_REQUEST, body)
        }
    }
}

/// Why nothing is kept.
enum Problem {
    /// The form, or the client.
    Client(TokenReason),
    /// The authorization request in it.
    Request(&'static str, String),
}

/// The form. RFC 6749 §3.1: parameters stand once.
fn sent(app: &AppState, incoming: &Incoming) -> Result<Parameters, TokenReason> {
    match form::read(app, incoming) {
        Err(TokenReason::Repeated { .. }) if app.defects().has(Defect::ParFirstOfTwoCounts) => {
            let all = Parameters::parse(&incoming.body).unwrap_or_default();
            let mut firsts: Vec<(String, String)> = Vec::new();
            for (name, value) in all.iter() {
                if firsts.iter().all(|(known, _)| known != name) {
                    firsts.push((name.to_owned(), value.to_owned()));
                }
            }
            Ok(Parameters::from_pairs(firsts))
        }
        read => read,
    }
}

async fn push(app: &AppState, incoming: &Incoming) -> Result<Response, Problem> {
    let defects = app.defects();
    let sent = sent(app, incoming).map_err(Problem::Client)?;
    client_auth::jwks_uri::refresh(app, &sent).await;
    let client = client_auth::check(app, &incoming.headers, &sent, Purpose::Push).map_err(Problem::Client)?;
    // RFC 9126 §2.1: a reference cannot refer to a reference.
    if sent.get("request_uri").is_some() && !defects.has(Defect::ParRequestUriAccepted) {
        return Err(Problem::Request("invalid_request", Reason::RequestUri.description()));
    }
    let kept = sent
        .iter()
        .filter(|(name, _)| !["client_id", "client_secret", "request_uri", MARK].contains(name))
        .filter(|(name, _)| !name.starts_with("client_assertion"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain([
            ("client_id".to_owned(), client.client_id.clone()),
            (MARK.to_owned(), "1".to_owned()),
        ]);
    let parameters = Parameters::from_pairs(kept.collect());
    // RFC 9126 §2.1: "validate the pushed request as it would an authorization request".
    match super::judge(app, &parameters) {
        Ok(_) => {}
        Err(Refusal::Page(reason) | Refusal::Redirect { reason, .. }) => {
            notes::refused(|| advice::objection(&reason));
            return Err(Problem::Request(reason.code().as_str(), reason.description()));
        }
        Err(Refusal::Broken) => return Err(Problem::Request("server_error", String::new())),
    }
    let request_uri = format!("{URN}{}", app.chance().token::<24>());
    let pushed = Pushed {
        client_id: client.client_id.clone(),
        parameters,
        expires: app.now() + SignedDuration::from_secs(LIFETIME),
        spent: false,
    };
    app.store().put_pushed(request_uri.clone(), pushed, app.now());
    let mut body: Map<String, Value> = Map::new();
    body.insert("request_uri".into(), request_uri.into());
    if !defects.has(Defect::ParExpiresInMissing) {
        body.insert("expires_in".into(), LIFETIME.into());
    }
    let status = if defects.has(Defect::ParStatus200) {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(json_answer(app, status, body))
}

/// The request that a browser's parameters refer to; those parameters themselves, where they refer to none.
pub(super) fn resolve(app: &AppState, parameters: Parameters) -> Result<Parameters, Refusal> {
    let Some(request_uri) = parameters.filled("request_uri").filter(|uri| uri.starts_with(URN)) else {
        // RFC 9126 §4: where requests have to be pushed, the parameters themselves are refused.
        let client = parameters.filled("client_id").and_then(|id| app.client(id));
        let by_client =
            client.is_some_and(|client| client.pushed_only) && !app.defects().has(Defect::ParClientRequirementNotHeld);
        if by_client || is_required(app) {
            return Err(Refusal::Page(Reason::NotPushed));
        }
        return Ok(parameters);
    };
    let defects = app.defects();
    let client_id = parameters.filled("client_id");
    let taken = app.store().take_pushed(request_uri, |pushed| {
        // RFC 9126 §2.2: bound to the client that pushed it.
        if client_id != Some(pushed.client_id.as_str()) && !defects.has(Defect::ParNotBoundToClient) {
            return Err(Reason::PushedForeign);
        }
        if pushed.expires <= app.now() && !defects.has(Defect::ParNeverExpires) {
            return Err(Reason::PushedExpired);
        }
        if pushed.spent && !defects.has(Defect::ParReused) {
            return Err(Reason::PushedSpent);
        }
        Ok(())
    });
    let pushed = match taken {
        Some(Ok(pushed)) => pushed,
        Some(Err(reason)) => return Err(Refusal::Page(reason)),
        None => {
            let served = client_id.filter(|_| defects.has(Defect::ParUnknownServed));
            let latest = served.and_then(|client_id| app.store().latest_pushed(client_id));
            return latest.ok_or(Refusal::Page(Reason::PushedUnknown));
        }
    };
    // RFC 9101 §6.3: what came beside the reference counts for nothing.
    if defects.has(Defect::ParQueryWins) {
        let own: Vec<(String, String)> = parameters
            .iter()
            .filter(|(name, _)| *name != "request_uri")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let rest = pushed.iter().filter(|(name, _)| parameters.get(name).is_none());
        let rest = rest.map(|(name, value)| (name.to_owned(), value.to_owned()));
        return Ok(Parameters::from_pairs(own.iter().cloned().chain(rest).collect()));
    }
    Ok(pushed)
}
