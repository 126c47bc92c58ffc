//! The token response, and the error response.
//!
//! RFC 6749 §5: <https://www.rfc-editor.org/rfc/rfc6749#section-5>, SMART App Launch 2.2, "Launch context arrives with
//! your access_token": <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::client_auth::private_key_jwt::AssertionProblem;
use super::reason::{ErrorCode, Reason};
use super::{advice, client_credentials, id_token, launch_context};
use crate::authorize::flow;
use crate::config::{Client, IdTokenAlg};
use crate::defect::Defect;
use crate::form;
use crate::journal::notes;
use crate::keys::server_key;
use crate::page;
use crate::scope::grammar::{Context, Scope};
use crate::state::AppState;
use crate::store::grant::Grant;
use crate::store::tokens::{AccessToken, RefreshToken};
use crate::variant::Variant;

/// What is given out.
pub(crate) struct Issue {
    pub(crate) grant: Arc<Grant>,
    /// Of this access token; a refresh may have narrowed it.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) is_refresh: bool,
}

/// RFC 6749 §5.1
pub(crate) fn issue(app: &AppState, client: &Client, issue: &Issue) -> Response {
    let mut body = Map::new();
    push_access_token(app, issue, &mut body);
    push_scope(app, issue, &mut body);
    // A backend service is launched by nobody, so there is no launch context to tell it.
    if issue.grant.user().is_some() {
        push_context(app, issue, &mut body);
    }
    let access_token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
    if let Some(id_token) = id_token::make(app, client, issue, access_token) {
        body.insert("id_token".into(), id_token.into());
    }
    push_refresh_token(app, issue, &mut body);
    granted(app, body)
}

fn granted(app: &AppState, mut body: Map<String, Value>) -> Response {
    let (defects, variants) = (app.defects(), app.variants());
    if variants.has(Variant::ExtraMembers) {
        body.insert("x_vendor".into(), json!({ "session": 1, "patient_banner": "none" }));
        body.insert("ext_expires_in".into(), json!(0));
    }
    let mut response = json_answer(app, StatusCode::OK, body);
    if defects.has(Defect::TokenContentTypeHtml) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    }
    // RFC 6749 §5.1: both headers, for old caches too.
    if defects.has(Defect::TokenCacheControlMissing) {
        response.headers_mut().remove(CACHE_CONTROL);
    }
    if defects.has(Defect::TokenPragmaMissing) {
        response.headers_mut().remove(PRAGMA);
    }
    response
}

/// JSON that nobody may keep.
pub(crate) fn json_answer(app: &AppState, status: StatusCode, mut body: Map<String, Value>) -> Response {
    if app.variants().has(Variant::ReorderedJson) {
        body = body.into_iter().rev().collect();
    }
    if !status.is_success() && app.defects().has(Defect::ErrorStackTrace) {
        body.insert("trace".into(), page::STACK_TRACE.into());
    }
    let mut response = (status, Value::Object(body).to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(json_type(app)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(unkept(app)));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// RFC 8259 §11 knows no charset, and RFC 6749 §5.1 writes one in its examples.
fn json_type(app: &AppState) -> &'static str {
    if app.variants().has(Variant::JsonHeadersLonger) {
        "application/json;charset=UTF-8"
    } else {
        "application/json"
    }
}

/// RFC 9111 §5.2: directives stand in a list.
fn unkept(app: &AppState) -> &'static str {
    if app.variants().has(Variant::JsonHeadersLonger) {
        "no-cache, no-store, max-age=0, must-revalidate"
    } else {
        "no-store"
    }
}

fn push_access_token(app: &AppState, issue: &Issue, body: &mut Map<String, Value>) {
    let (defects, variants) = (app.defects(), app.variants());
    let (text, expires_in) = new_access_token(app, issue);
    if !defects.has(Defect::TokenAccessTokenMissing) {
        body.insert("access_token".into(), text.into());
    }
    if !defects.has(Defect::TokenTypeMissing) {
        let kind = if defects.has(Defect::TokenTypeWrong) {
            "mac"
        } else if variants.has(Variant::LowercaseBearer) {
            "bearer"
        } else {
            "Bearer"
        };
        body.insert("token_type".into(), kind.into());
    }
    if defects.has(Defect::TokenExpiresInMissing) {
        return;
    }
    let expires_in = if defects.has(Defect::TokenExpiresInString) {
        json!(expires_in.to_string())
    } else if defects.has(Defect::TokenExpiresInZero) {
        json!(0)
    } else {
        json!(expires_in)
    };
    body.insert("expires_in".into(), expires_in);
}

/// An access token outside the token response, and its lifetime in seconds.
pub(crate) fn access_token_for(app: &AppState, grant: &Arc<Grant>, scopes: Vec<Scope>) -> (String, i64) {
    new_access_token(
        app,
        &Issue {
            grant: Arc::clone(grant),
            scopes,
            is_refresh: false,
        },
    )
}

fn new_access_token(app: &AppState, issue: &Issue) -> (String, i64) {
    let defects = app.defects();
    let (now, lifetime) = (app.now(), client_credentials::lifetime(app, &issue.grant));
    let expires = now + SignedDuration::from_secs(lifetime);
    let mut text = app.chance().token::<32>();
    let as_jwt = app.variants().has(Variant::JwtAccessToken)
        || defects.has(Defect::FhirJwtAlgNoneAccepted)
        || defects.has(Defect::FhirJwtSignatureNotVerified)
        || defects.has(Defect::FhirJwtOwnKeyBelieved)
        || defects.has(Defect::FhirJwtPublicKeyAsSecret);
    if as_jwt {
        text = jwt(app, issue, now.as_second(), expires.as_second(), &text);
    }
    if defects.has(Defect::TokenAccessTokenLowEntropy) {
        text = app.count().to_string();
    }
    // SMART 2.2 scopes, "Scope size over the wire": a token that spells out its scopes outgrows the header.
    if defects.has(Defect::TokenGrowsWithScopes) {
        text.push_str(&"x".repeat(120 * issue.scopes.len()));
    }
    if defects.has(Defect::TokenAccessTokenCharset) {
        text = format!("t\u{f6}ken {text}");
    }
    let loses_context =
        (issue.is_refresh && defects.has(Defect::RefreshLosesContext)) || defects.has(Defect::FhirNoPatientOpensAll);
    let token = AccessToken {
        grant: Arc::clone(&issue.grant),
        scopes: issue.scopes.clone(),
        patient: issue.grant.patient.clone().filter(|_| !loses_context),
        issued: now,
        expires,
        revoked: false,
    };
    app.store().put_access_token(text.clone(), token);
    (text, lifetime)
}

/// RFC 9068 §2.2
fn jwt(app: &AppState, issue: &Issue, iat: i64, exp: i64, jti: &str) -> String {
    let claims = json!({
        "iss": app.public_url(),
        "sub": issue.grant.user().map_or_else(|| issue.grant.client_id.clone(), id_token::subject),
        "aud": app.fhir_base(),
        "client_id": issue.grant.client_id,
        "scope": text_of(&issue.scopes),
        "iat": iat,
        "exp": exp,
        "jti": jti,
    });
    server_key(IdTokenAlg::ES256).sign("at+jwt", &claims)
}

fn push_scope(app: &AppState, issue: &Issue, body: &mut Map<String, Value>) {
    let defects = app.defects();
    if defects.has(Defect::TokenScopeMissing) {
        return;
    }
    let scope = if defects.has(Defect::TokenScopeArray) {
        json!(issue.scopes.iter().map(Scope::text).collect::<Vec<_>>())
    } else if issue.scopes.contains(&Scope::OfflineAccess) && defects.has(Defect::TokenScopeHidesOffline) {
        let told: Vec<_> = issue
            .scopes
            .iter()
            .filter(|scope| **scope != Scope::OfflineAccess)
            .cloned()
            .collect();
        text_of(&told).into()
    } else if defects.has(Defect::TokenScopeCommas) {
        text_of(&issue.scopes).replace(' ', ",").into()
    } else if defects.has(Defect::TokenScopeBlanks) {
        format!(" {} ", text_of(&issue.scopes).replace(' ', "  ")).into()
    } else {
        text_of(&issue.scopes).into()
    };
    body.insert("scope".into(), scope);
}

/// A list of scopes as one text.
pub(crate) fn text_of(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::text).collect::<Vec<_>>().join(" ")
}

fn push_context(app: &AppState, issue: &Issue, body: &mut Map<String, Value>) {
    let defects = app.defects();
    let mut context = context(app, issue);
    if issue.is_refresh && defects.has(Defect::RefreshLosesContext) {
        context.clear();
    }
    if !context.is_empty() && defects.has(Defect::ContextNested) {
        body.insert("context".into(), Value::Object(context));
    } else {
        body.extend(context);
    }
}

/// The launch context, as the token response and introspection tell it.
pub(crate) fn context(app: &AppState, issue: &Issue) -> Map<String, Value> {
    let defects = app.defects();
    let mut context = Map::new();
    if let Some(patient) = patient(app, issue) {
        let patient = if defects.has(Defect::ContextPatientReference) {
            format!("Patient/{patient}")
        } else {
            patient
        };
        context.insert("patient".into(), patient.into());
    }
    launch_context::push(app, issue, &mut context);
    context
}

fn patient(app: &AppState, issue: &Issue) -> Option<String> {
    let defects = app.defects();
    let asked = issue.scopes.iter().any(|scope| match scope {
        Scope::Resource(resource) => resource.context == Context::Patient,
        _ => scope.launch_context() == Some("patient"),
    });
    let by_name = issue
        .scopes
        .iter()
        .any(|scope| scope.launch_context() == Some("patient"));
    let asked = asked && (by_name || !defects.has(Defect::ContextPatientOnlyByName));
    let from_ehr = issue
        .grant
        .launch
        .as_ref()
        .is_some_and(|launch| launch.patient.is_some())
        && flow::takes_launch_context(app, &issue.scopes);
    let chosen = issue.grant.patient.clone().filter(|_| asked || from_ehr);
    let changes = issue.is_refresh && defects.has(Defect::RefreshContextChanges);
    if chosen.is_some() && (changes || defects.has(Defect::ContextPatientWrong)) {
        return app
            .patients()
            .iter()
            .map(|patient| patient.id.clone())
            .find(|id| Some(id) != chosen.as_ref());
    }
    match chosen {
        Some(_) if defects.has(Defect::ContextPatientMissing) || defects.has(Defect::FhirNoPatientOpensAll) => None,
        None if defects.has(Defect::ContextPatientUnasked) => app.patients().first().map(|patient| patient.id.clone()),
        chosen => chosen,
    }
}

fn push_refresh_token(app: &AppState, issue: &Issue, body: &mut Map<String, Value>) {
    let (defects, variants) = (app.defects(), app.variants());
    let grant = &issue.grant;
    // SMART 2.2 "Scopes for requesting a refresh token"
    let asked = grant.has(&Scope::OfflineAccess)
        || (grant.has(&Scope::OnlineAccess) && !defects.has(Defect::RefreshOnlineMissing))
        || client_credentials::keeps_refresh_token(app, grant);
    let gives = (asked && !defects.has(Defect::RefreshMissing)) || (!asked && defects.has(Defect::RefreshWithoutScope));
    let keeps_old = issue.is_refresh && variants.has(Variant::NoRefreshRotation);
    if !gives || keeps_old || variants.has(Variant::NoRefreshToken) {
        return;
    }
    let mut text = app.chance().token::<32>();
    if variants.has(Variant::JwtAccessToken) {
        let claims = json!({ "iss": app.public_url(), "jti": text, "typ": "Refresh" });
        text = server_key(IdTokenAlg::ES256).sign("JWT", &claims);
    }
    if defects.has(Defect::RefreshTokenLowEntropy) {
        text = app.count().to_string();
    }
    if defects.has(Defect::RefreshTokenCharset) {
        text = format!("r\u{e9}fresh{text}");
    }
    let now = app.now();
    let token = RefreshToken {
        grant: Arc::clone(grant),
        // RFC 6749 §6: a new refresh token's scope is that of the old one, whatever this access token was narrowed to.
        scopes: if issue.is_refresh && defects.has(Defect::RefreshNarrowerKept) {
            issue.scopes.clone()
        } else {
            grant.scopes.clone()
        },
        expires: now + SignedDuration::from_secs(app.config().refresh_token_lifetime_seconds),
        replaced: false,
        revoked: false,
    };
    app.store().put_refresh_token(text.clone(), token, now);
    body.insert("refresh_token".into(), text.into());
}

/// RFC 6749 §5.2
pub(crate) fn refuse(app: &AppState, headers: &HeaderMap, reason: &Reason) -> Response {
    let defects = app.defects();
    notes::refused(|| advice::objection(reason));
    let mut response = json_answer(app, status(app, headers, reason), error_body(app, reason));
    let answered = response.headers_mut();
    if reason.status() == StatusCode::METHOD_NOT_ALLOWED {
        answered.insert(http::header::ALLOW, HeaderValue::from_static("POST"));
    }
    // "If the client attempted to authenticate via the Authorization request header field, the authorization server
    // MUST respond with 401 and include WWW-Authenticate"; RFC 9110 §15.5.2 wants it with every 401.
    let has_challenge = !defects.has(Defect::BasicWwwAuthenticateMissing);
    match reason.code() {
        ErrorCode::InvalidClient if has_challenge => {
            answered.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"mock-ehr\", charset=\"UTF-8\""),
            );
        }
        ErrorCode::InvalidToken => {
            answered.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            );
        }
        _ => {}
    }
    if defects.has(Defect::TokenErrorCacheable) {
        answered.remove(CACHE_CONTROL);
        answered.remove(PRAGMA);
    }
    if defects.has(Defect::TokenErrorContentType) {
        answered.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    if defects.has(Defect::TokenErrorHtml) {
        answered.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        *response.body_mut() = "<html><body><h1>Error</h1></body></html>".into();
    }
    response
}

/// CWE-209: an error repeats nothing that was secret, and nothing that a browser would take for markup.
pub(crate) fn repeating(app: &AppState, headers: &HeaderMap, body: &[u8], mut response: Response) -> Response {
    let defects = app.defects();
    let (echoes, shows) = (defects.has(Defect::SecretEchoed), defects.has(Defect::ErrorJsonAsHtml));
    if !echoes && !shows {
        return response;
    }
    let sent = String::from_utf8_lossy(&form::decode(body)).into_owned();
    let authorization = headers
        .get(AUTHORIZATION)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let authorization = String::from_utf8_lossy(authorization).into_owned();
    let text = if echoes {
        format!("{sent} {}", basic(&authorization))
    } else {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        sent.split('&')
            .find(|pair| pair.starts_with("grant_type="))
            .unwrap_or_default()
            .to_owned()
    };
    *response.body_mut() = json!({ "error": "invalid_request", "error_description": text })
        .to_string()
        .into();
    response
}

/// What Basic credentials say.
fn basic(authorization: &str) -> String {
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    let decoded = STANDARD.decode(encoded).unwrap_or_default();
    String::from_utf8_lossy(&form::decode(&decoded)).into_owned()
}

fn status(app: &AppState, headers: &HeaderMap, reason: &Reason) -> StatusCode {
    let defects = app.defects();
    if defects.has(Defect::TokenErrorStatus200) {
        return StatusCode::OK;
    }
    let unreachable = matches!(reason, Reason::Assertion(AssertionProblem::KeysUnreachable { .. }));
    if unreachable && defects.has(Defect::JwksUriFailure5xx) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if defects.has(Defect::TokenError5xx) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let by_header = headers.contains_key(AUTHORIZATION);
    if reason.code() == ErrorCode::InvalidClient && !by_header && app.variants().has(Variant::InvalidClient400) {
        return StatusCode::BAD_REQUEST;
    }
    reason.status()
}

fn error_body(app: &AppState, reason: &Reason) -> Map<String, Value> {
    let defects = app.defects();
    let mut body = Map::new();
    if !defects.has(Defect::TokenErrorMissingCode) {
        let code = if defects.has(Defect::TokenErrorCodeWrong) {
            "failed"
        } else if reason.code() == ErrorCode::InvalidClient && defects.has(Defect::InvalidClientCodeWrong) {
            "invalid_request"
        } else {
            reason.code().as_str()
        };
        body.insert("error".into(), code.into());
    }
    if !app.variants().has(Variant::ErrorNoDescription) {
        let description = if defects.has(Defect::TokenErrorDescriptionCharset) {
            format!("\u{201c}{}\u{201d} \"quoted\"", reason.description())
        } else {
            reason.description()
        };
        body.insert("error_description".into(), description.into());
    }
    if defects.has(Defect::TokenErrorWithToken) {
        body.insert("access_token".into(), app.chance().token::<32>().into());
    }
    if app.variants().has(Variant::ExtraMembers) {
        body.insert("x_vendor".into(), json!({ "timestamp": app.now().to_string() }));
    }
    body
}
