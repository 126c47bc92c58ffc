//! The UserInfo endpoint: who signed in, for the bearer of an access token with `openid`.
//!
//! OpenID Connect Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use crate::defect::Defect;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::token::access::TokenProblem;
use crate::token::id_token;

/// `GET` and `POST /auth/userinfo`.
pub(crate) async fn handle(State(app): State<AppState>, method: Method, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::POST && method != Method::HEAD {
        let allow = [(ALLOW, HeaderValue::from_static("GET, POST"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    match app.access(&headers) {
        // §5.3.1: the access token was obtained by an OpenID Connect authentication request.
        Ok(access) if access.scopes.contains(&Scope::OpenId) => match &access.user {
            Some(user) => told(&app, user, access.scopes.contains(&Scope::FhirUser)),
            None => refused(&app, StatusCode::FORBIDDEN, "error=\"insufficient_scope\""),
        },
        Ok(_) => refused(
            &app,
            StatusCode::FORBIDDEN,
            "error=\"insufficient_scope\", scope=\"openid\"",
        ),
        Err(TokenProblem::Missing) if app.defects().has(Defect::UserinfoOpen) => somebody(&app),
        Err(TokenProblem::Missing) => refused(&app, StatusCode::UNAUTHORIZED, "realm=\"userinfo\""),
        Err(_) if app.defects().has(Defect::UserinfoAnyToken) => somebody(&app),
        Err(_) => refused(&app, StatusCode::UNAUTHORIZED, "error=\"invalid_token\""),
    }
}

/// §5.3.2: `sub` is always there, and is that of the id_token.
fn told(app: &AppState, username: &str, wants_user: bool) -> Response {
    let mut claims = Map::new();
    let sub = if app.defects().has(Defect::UserinfoSubDiffers) {
        id_token::subject("another user")
    } else {
        id_token::subject(username)
    };
    claims.insert("sub".into(), sub.into());
    if wants_user && let Some(fhir_user) = id_token::fhir_user(app, username) {
        claims.insert("fhirUser".into(), fhir_user.into());
    }
    let media_type = if app.defects().has(Defect::UserinfoText) {
        "text/plain"
    } else {
        "application/json"
    };
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (fields, Value::Object(claims).to_string()).into_response()
}

/// What the defects tell whoever asks.
fn somebody(app: &AppState) -> Response {
    match app.config().users.first() {
        Some(user) => told(app, &user.username, true),
        None => refused(app, StatusCode::UNAUTHORIZED, "error=\"invalid_token\""),
    }
}

/// §5.3.3: as RFC 6750 §3 says.
fn refused(app: &AppState, status: StatusCode, challenge: &'static str) -> Response {
    let mut response = status.into_response();
    if !app.defects().has(Defect::UserinfoNoChallenge)
        && let Ok(value) = HeaderValue::from_str(&format!("Bearer {challenge}"))
    {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
