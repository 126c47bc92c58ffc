//! The token endpoint: reads the request, asks who sends it, and gives it to its grant.
//!
//! RFC 6749 §3.2: <https://www.rfc-editor.org/rfc/rfc6749#section-3.2>

pub mod access;
pub(crate) mod advice;
mod algorithm_confusion;
pub(crate) mod authorization_code;
pub(crate) mod client_auth;
pub(crate) mod client_credentials;
pub(crate) mod form;
pub(crate) mod id_token;
pub(crate) mod launch_context;
pub(crate) mod reason;
pub(crate) mod refresh_token;
pub(crate) mod response;

use axum::extract::State;
use axum::response::Response;

use self::form::Incoming;
use self::reason::Reason;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;

/// Any method on `/auth/token`; all but POST are refused in the endpoint's own words.
pub(crate) async fn handle(State(app): State<AppState>, incoming: Incoming) -> Response {
    match answer(&app, &incoming).await {
        Ok(response) => response,
        Err(reason) => response::repeating(
            &app,
            &incoming.headers,
            &incoming.body,
            response::refuse(&app, &incoming.headers, &reason),
        ),
    }
}

async fn answer(app: &AppState, incoming: &Incoming) -> Result<Response, Reason> {
    let parameters = form::read(app, incoming)?;
    let grant_type = grant_type(app, &parameters)?;
    client_auth::jwks_uri::refresh(app, &parameters).await;
    let caller = &*client_auth::check(app, &incoming.headers, &parameters, grant_type.into())?;
    match grant_type {
        // A backend service knows one grant only; this is where the defects that guess the grant end.
        GrantType::AuthorizationCode if client_credentials::is_guessed(caller, &parameters) => {
            client_credentials::answer(app, caller, &parameters)
        }
        GrantType::AuthorizationCode => authorization_code::answer(app, caller, &parameters).await,
        GrantType::RefreshToken => refresh_token::answer(app, caller, &parameters),
        GrantType::Password => authorization_code::answer_password(app, caller, &parameters),
        GrantType::ClientCredentials => client_credentials::answer(app, caller, &parameters),
    }
}

/// What is redeemed. A password is taken by a defect only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantType {
    AuthorizationCode,
    RefreshToken,
    Password,
    ClientCredentials,
}

fn grant_type(app: &AppState, parameters: &Parameters) -> Result<GrantType, Reason> {
    let defects = app.defects();
    Ok(match parameters.get("grant_type") {
        Some("authorization_code") => GrantType::AuthorizationCode,
        Some("refresh_token") => GrantType::RefreshToken,
        Some("password") if defects.has(Defect::TokenGrantTypePasswordAccepted) => GrantType::Password,
        Some("client_credentials") => GrantType::ClientCredentials,
        None if defects.has(Defect::TokenGrantTypeMissingAccepted) => GrantType::AuthorizationCode,
        Some("") if defects.has(Defect::TokenGrantTypeEmptyAccepted) => GrantType::AuthorizationCode,
        None | Some("") => {
            return Err(Reason::Missing {
                name: "grant_type",
                expected: "authorization_code, refresh_token or client_credentials",
            });
        }
        Some(_) if defects.has(Defect::TokenGrantTypeUnknownAccepted) => GrantType::AuthorizationCode,
        Some(was) => return Err(Reason::GrantType { was: was.to_owned() }),
    })
}
