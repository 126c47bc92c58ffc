//! The userinfo endpoint: who the user of an access token is.
//!
//! OpenID Connect Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use axum::extract::State;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::defect::Defect;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::token::access::{Access, TokenProblem};
use crate::token::id_token;
use crate::token::response::json_answer;
use crate::variant::Variant;

/// Any method on `/auth/userinfo`; GET and POST are answered.
pub(crate) async fn handle(State(app): State<AppState>, method: Method, headers: HeaderMap) -> Response {
    if app.variants().has(Variant::UserinfoNotOffered) {
        return json_answer(&app, StatusCode::NOT_FOUND, Map::new());
    }
    // OpenID Connect Core §5.3: GET and POST.
    let is_post = method == Method::POST && !app.defects().has(Defect::UserinfoPostRefused);
    if method != Method::GET && !is_post {
        return json_answer(&app, StatusCode::METHOD_NOT_ALLOWED, Map::new());
    }
    if is_unreadable(&headers) && app.defects().has(Defect::UserinfoJunk5xx) {
        return json_answer(&app, StatusCode::INTERNAL_SERVER_ERROR, Map::new());
    }
    match user(&app, &headers) {
        Ok((username, with_user)) => describe(&app, &username, with_user),
        Err(refusal) => refuse(&app, refusal),
    }
}

/// Whether an Authorization header is none that this server would write: not ASCII, or very long.
fn is_unreadable(headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.to_str().is_err() || value.len() > 4096)
}

/// Why nothing is told: status and error, RFC 6750 §3.1.
#[derive(Clone, Copy)]
struct Refusal(StatusCode, Option<&'static str>);

const MISSING: Refusal = Refusal(StatusCode::UNAUTHORIZED, None);
const INVALID: Refusal = Refusal(StatusCode::UNAUTHORIZED, Some("invalid_token"));
const WITHOUT_OPENID: Refusal = Refusal(StatusCode::FORBIDDEN, Some("insufficient_scope"));

/// Who the token's user is, and whether the app may know of their resource.
fn user(app: &AppState, headers: &HeaderMap) -> Result<(String, bool), Refusal> {
    let defects = app.defects();
    let anybody = || {
        let first = app.config().users.first().map(|user| user.username.clone());
        first.map(|name| (name, false)).ok_or(INVALID)
    };
    let access = match app.access(headers) {
        Ok(access) => access,
        Err(TokenProblem::Missing) if defects.has(Defect::UserinfoNoTokenAccepted) => return anybody(),
        Err(TokenProblem::Missing) => return Err(MISSING),
        Err(TokenProblem::Invalid) if defects.has(Defect::UserinfoJunkTokenAccepted) => return anybody(),
        Err(TokenProblem::Revoked) if defects.has(Defect::UserinfoRevokedTokenAccepted) => return anybody(),
        Err(_) => return Err(INVALID),
    };
    let Access { user, scopes, .. } = access;
    let username = user.ok_or(WITHOUT_OPENID)?;
    if !scopes.contains(&Scope::OpenId) && !defects.has(Defect::UserinfoWithoutOpenid) {
        return Err(WITHOUT_OPENID);
    }
    let wants_user = scopes
        .iter()
        .any(|scope| matches!(scope, Scope::FhirUser | Scope::Profile));
    Ok((username, wants_user))
}

fn describe(app: &AppState, username: &str, with_user: bool) -> Response {
    let defects = app.defects();
    let mut body = Map::new();
    if !defects.has(Defect::UserinfoSubMissing) {
        let sub = if defects.has(Defect::UserinfoSubDiffers) {
            username.to_owned()
        } else {
            id_token::subject(username)
        };
        body.insert("sub".into(), sub.into());
    }
    if with_user
        && !app.variants().has(Variant::UserinfoWithoutFhirUser)
        && let Some(fhir_user) = id_token::fhir_user(app, username)
    {
        let fhir_user: Value = if defects.has(Defect::UserinfoFhirUserDiffers) {
            json!("Practitioner/nobody")
        } else {
            json!(fhir_user)
        };
        body.insert("fhirUser".into(), fhir_user);
    }
    let mut response = json_answer(app, StatusCode::OK, body);
    if defects.has(Defect::UserinfoWrongContentType) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    }
    response
}

fn refuse(app: &AppState, Refusal(status, error): Refusal) -> Response {
    let body = error.map(|error| ("error".to_owned(), json!(error)));
    let mut response = json_answer(app, status, body.into_iter().collect());
    // RFC 6750 §3: a request without a token is told nothing but the scheme.
    let challenge = match error {
        None => "Bearer",
        Some("insufficient_scope") => "Bearer error=\"insufficient_scope\", scope=\"openid\"",
        Some(_) => "Bearer error=\"invalid_token\"",
    };
    if !app.defects().has(Defect::UserinfoNoChallenge) {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
