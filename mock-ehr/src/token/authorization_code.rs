//! The grant `authorization_code`: a code for tokens, once.
//!
//! RFC 6749 §4.1.3: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use jiff::SignedDuration;

use super::advice;
use super::reason::Reason;
use super::response::{self, Issue};
use crate::authorize::pkce;
use crate::config::Client;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::journal::notes;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::code::{Code, Spend};
use crate::store::grant::{Grant, NewGrant};
use crate::variant::Variant;

/// How long the defect `code_race` leaves the door open.
const RACE: Duration = Duration::from_millis(5);

pub(crate) async fn answer(app: &AppState, client: &Client, parameters: &Parameters) -> Result<Response, Reason> {
    let defects = app.defects();
    let text = find(app, client, parameters)?;
    notes::second_look(|| find(app, client, parameters).map_err(|reason| advice::objection(&reason)));
    let spend = if defects.has(Defect::CodeRace) {
        Spend::Not
    } else {
        Spend::Now
    };
    // RFC 6749 §10.5: "MUST be short-lived and single-use": checked and spent in one step.
    let redeemed = app
        .store()
        .redeem(&text, spend, |code| judge(app, client, code, parameters));
    if spend == Spend::Not && matches!(redeemed, Some(Ok(_))) {
        tokio::time::sleep(RACE).await;
        app.store().spend_code(&text);
    }
    let code = match redeemed.ok_or(Reason::CodeUnknown)? {
        Ok(code) => code,
        Err(reason) => return Err(punish(app, &text, reason)),
    };
    // This defect looks at other codes, which the step above holds locked.
    if defects.has(Defect::PkceVerifierOfAnyFlow) {
        verify(app, client, &code, parameters)?;
    }
    if defects.has(Defect::TokenCorrectRequestRefused) {
        return Err(Reason::Refused);
    }
    let mut scopes = code.grant.scopes.clone();
    if let Some(asked) = parameters.filled("scope")
        && defects.has(Defect::TokenScopeAtExchangeWidens)
    {
        scopes = Scope::parse_list(asked);
    }
    Ok(response::issue(
        app,
        client,
        &Issue {
            grant: code.grant,
            scopes,
            is_refresh: false,
        },
    ))
}

/// What a failed attempt leads to.
fn punish(app: &AppState, text: &str, reason: Reason) -> Reason {
    let defects = app.defects();
    // RFC 6749 §4.1.2: "SHOULD revoke (when possible) all tokens previously issued based on that authorization code".
    let keeps = defects.has(Defect::CodeReplayDoesNotRevoke);
    if reason == Reason::CodeSpent
        && !keeps
        && let Some(Ok(code)) = app.store().redeem(text, Spend::Not, |_| Ok::<_, ()>(()))
    {
        app.store().end(&code.grant, app.now());
    }
    if reason == Reason::CodeForeign && defects.has(Defect::CodeRevokedByWrongClient) {
        app.store().spend_code(text);
    }
    reason
}

/// The text of the code, as it is stored.
fn find(app: &AppState, client: &Client, parameters: &Parameters) -> Result<String, Reason> {
    let defects = app.defects();
    let latest = || {
        app.store()
            .latest_code(&client.client_id, |code| check(app, client, code, parameters).is_ok())
            .ok_or(Reason::CodeUnknown)
    };
    let Some(text) = parameters.filled("code") else {
        if defects.has(Defect::CodeMissingAccepted) {
            return latest();
        }
        return Err(Reason::Missing {
            name: "code",
            expected: "the code that came to redirect_uri",
        });
    };
    if app.store().client_of_code(text).is_some() {
        return Ok(text.to_owned());
    }
    if defects.has(Defect::CodePrefixMatch) {
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        let found = app
            .store()
            .find_code(|known| half.len() >= 8 && known.starts_with(&half));
        return found.ok_or(Reason::CodeUnknown);
    }
    if defects.has(Defect::CodeCaseInsensitive) {
        return app
            .store()
            .find_code(|known| known.eq_ignore_ascii_case(text))
            .ok_or(Reason::CodeUnknown);
    }
    if defects.has(Defect::CodeUnknownAccepted) {
        return latest();
    }
    Err(Reason::CodeUnknown)
}

/// The checks, and for the journal what they say without any defect.
fn judge(app: &AppState, client: &Client, code: &Code, parameters: &Parameters) -> Result<(), Reason> {
    check(app, client, code, parameters)?;
    notes::second_look(|| check(app, client, code, parameters).map_err(|reason| advice::objection(&reason)));
    Ok(())
}

/// RFC 6749 §4.1.3, in the order in which a refusal tells least to a thief. A wrong verifier or address does not spend
/// the code: only its own client gets that far.
fn check(app: &AppState, client: &Client, code: &Code, parameters: &Parameters) -> Result<(), Reason> {
    let defects = app.defects();
    // "ensure that the authorization code was issued to the authenticated confidential client, or if the client is
    // public, ensure that the code was issued to client_id in the request"
    if code.grant.client_id != client.client_id {
        let of_confidential = app
            .client(&code.grant.client_id)
            .is_some_and(|client| client.is_confidential());
        let tolerated = defects.has(Defect::CodeNotBoundToClient)
            || (of_confidential && !client.is_confidential() && defects.has(Defect::CodeNotBoundAcrossKinds));
        if !tolerated {
            return Err(Reason::CodeForeign);
        }
    }
    // "verify that the authorization code is valid"
    if code.spent && !defects.has(Defect::CodeReplayAccepted) {
        return Err(Reason::CodeSpent);
    }
    if code.grant.is_revoked() {
        return Err(Reason::CodeRevoked);
    }
    let lifetime = app.config().code_lifetime_seconds;
    let expired = code.issued + SignedDuration::from_secs(lifetime) <= app.now();
    if expired && !defects.has(Defect::CodeNeverExpires) {
        return Err(Reason::CodeExpired { lifetime });
    }
    check_redirect_uri(app, client, code, parameters)?;
    if !defects.has(Defect::PkceVerifierOfAnyFlow) {
        verify(app, client, code, parameters)?;
    }
    let heals = defects.has(Defect::AudAtExchangeHeals);
    let healed = heals && parameters.filled("aud").or(parameters.filled("resource")) == Some(&*app.fhir_base());
    if !code.grant.aud_ok && !healed && (heals || app.variants().has(Variant::AudRefusedAtExchange)) {
        return Err(Reason::Aud {
            expected: app.fhir_base().into_owned(),
        });
    }
    Ok(())
}

/// "ensure that the redirect_uri parameter is present if [it] was included in the initial authorization request [...]
/// and if included ensure that their values are identical"
fn check_redirect_uri(app: &AppState, client: &Client, code: &Code, parameters: &Parameters) -> Result<(), Reason> {
    let defects = app.defects();
    let expected = code.redirect_uri.clone();
    match parameters.filled("redirect_uri") {
        Some(was) if was == expected => Ok(()),
        None if defects.has(Defect::RedirectUriMissingAtExchangeAccepted) => Ok(()),
        None => Err(Reason::RedirectUriMissing { expected }),
        Some(_) if defects.has(Defect::RedirectUriNotComparedAtExchange) => Ok(()),
        Some(was)
            if defects.has(Defect::RedirectUriRegisteredAtExchange)
                && client.redirect_uris.iter().any(|known| known == was) =>
        {
            Ok(())
        }
        Some(was) => Err(Reason::RedirectUri {
            was: was.to_owned(),
            expected,
        }),
    }
}

fn verify(app: &AppState, client: &Client, code: &Code, parameters: &Parameters) -> Result<(), Reason> {
    let of_any_flow = |like: &dyn Fn(&pkce::Challenge) -> bool| {
        app.store()
            .any_code_of(&client.client_id, |other| like(&other.challenge))
    };
    pkce::verify(
        app,
        client,
        &code.challenge,
        parameters.get("code_verifier"),
        of_any_flow,
    )
    .map_err(Reason::Verifier)
}

/// The grant that no longer exists, served by the defect `token_grant_type_password_accepted`.
pub(crate) fn answer_password(app: &AppState, client: &Client, parameters: &Parameters) -> Result<Response, Reason> {
    let user = parameters.filled("username").and_then(|name| app.config().user(name));
    let user = user.or_else(|| app.config().users.first()).ok_or(Reason::Refused)?;
    Ok(answer_user(app, client, &user.username))
}

fn answer_user(app: &AppState, client: &Client, username: &str) -> Response {
    let scopes = client.scopes.clone();
    let grant = Arc::new(Grant::new(NewGrant {
        client_id: client.client_id.clone(),
        username: username.to_owned(),
        scopes: scopes.clone(),
        patient: None,
        launch: None,
        encounter: None,
        nonce: None,
        auth_time: app.now(),
        since: app.now(),
        asked_age: false,
        aud_ok: true,
        faults: crate::faults::riding(),
    }));
    response::issue(
        app,
        client,
        &Issue {
            grant,
            scopes,
            is_refresh: false,
        },
    )
}
