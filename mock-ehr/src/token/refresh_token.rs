//! The grant `refresh_token`: a new access token without the user, and a new refresh token each time.
//!
//! RFC 6749 §6: <https://www.rfc-editor.org/rfc/rfc6749#section-6>, RFC 9700 §4.14.2 (rotation):
//! <https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2>

use axum::response::Response;

use super::advice;
use super::reason::Reason;
use super::response::{self, Issue};
use crate::config::Client;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::journal::notes;
use crate::scope::grammar::Scope;
use crate::scope::grant;
use crate::state::AppState;
use crate::store::tokens::RefreshToken;
use crate::variant::Variant;

pub(crate) fn answer(app: &AppState, client: &Client, parameters: &Parameters) -> Result<Response, Reason> {
    let defects = app.defects();
    let text = find(app, client, parameters)?;
    let rotates = !app.variants().has(Variant::NoRefreshRotation);
    let used = app
        .store()
        .use_refresh_token(&text, rotates, |token| judge(app, client, token, parameters));
    let token = match used.ok_or(Reason::RefreshUnknown)? {
        Ok(token) => token,
        Err(reason) => {
            // RFC 9700 §4.14.2: one of the two who hold it is a thief, so neither keeps anything.
            if reason == Reason::RefreshReplaced
                && !defects.has(Defect::RefreshReplayKeepsFamily)
                && let Some(token) = app.store().refresh_token(&text)
            {
                app.store().end(&token.grant, app.now());
            }
            return Err(reason);
        }
    };
    if defects.has(Defect::RefreshCorrectRequestRefused) {
        return Err(Reason::Refused);
    }
    let scopes = scopes(app, &token, parameters)?;
    Ok(response::issue(
        app,
        client,
        &Issue {
            grant: token.grant,
            scopes,
            is_refresh: true,
        },
    ))
}

fn find(app: &AppState, client: &Client, parameters: &Parameters) -> Result<String, Reason> {
    let Some(text) = parameters.filled("refresh_token") else {
        return Err(Reason::Missing {
            name: "refresh_token",
            expected: "the refresh token of the last answer",
        });
    };
    let is_known = app.store().refresh_token(text).is_some();
    if !is_known && text.len() >= 8 && app.defects().has(Defect::RefreshUnknownAccepted) {
        return app
            .store()
            .latest_refresh_token(&client.client_id)
            .ok_or(Reason::RefreshUnknown);
    }
    Ok(text.to_owned())
}

/// The checks, and for the journal what they say without any defect.
fn judge(app: &AppState, client: &Client, token: &RefreshToken, parameters: &Parameters) -> Result<(), Reason> {
    check(app, client, token, parameters)?;
    notes::second_look(|| check(app, client, token, parameters).map_err(|reason| advice::objection(&reason)));
    Ok(())
}

fn check(app: &AppState, client: &Client, token: &RefreshToken, parameters: &Parameters) -> Result<(), Reason> {
    let defects = app.defects();
    // RFC 6749 §6: "ensure that the refresh token was issued to the authenticated client"
    if token.grant.client_id != client.client_id && !defects.has(Defect::RefreshNotBoundToClient) {
        return Err(Reason::RefreshForeign);
    }
    if token.revoked || token.grant.is_revoked() {
        return Err(Reason::RefreshRevoked);
    }
    if token.replaced && !defects.has(Defect::RefreshReplayAccepted) {
        return Err(Reason::RefreshReplaced);
    }
    if token.expires <= app.now() {
        return Err(Reason::RefreshExpired);
    }
    scopes(app, token, parameters).map(drop)
}

/// "The requested scope MUST NOT include any scope not originally granted […], and if omitted is treated as equal to the
/// scope originally granted"
fn scopes(app: &AppState, token: &RefreshToken, parameters: &Parameters) -> Result<Vec<Scope>, Reason> {
    let defects = app.defects();
    let Some(text) = parameters.filled("scope") else {
        if defects.has(Defect::RefreshLosesScope) {
            return Ok(token.scopes.iter().take(1).cloned().collect());
        }
        if defects.has(Defect::RefreshGrantsWider)
            && let Some(client) = app.client(&token.grant.client_id)
        {
            return Ok(client.scopes.clone());
        }
        return Ok(token.scopes.clone());
    };
    let asked = Scope::parse_list(text);
    let wider = asked.iter().any(|scope| !grant::includes(&token.scopes, scope));
    if wider && !defects.has(Defect::RefreshScopeWidened) {
        let granted: Vec<_> = token.scopes.iter().map(Scope::text).collect();
        return Err(Reason::ScopeWider {
            was: text.to_owned(),
            granted: granted.join(" "),
        });
    }
    if defects.has(Defect::RefreshScopeIgnored) {
        return Ok(token.scopes.clone());
    }
    Ok(asked)
}
