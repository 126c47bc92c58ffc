//! Token introspection.
//!
//! RFC 7662: <https://www.rfc-editor.org/rfc/rfc7662>, SMART App Launch 2.2:
//! <https://hl7.org/fhir/smart-app-launch/token-introspection.html>

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::defect::Defect;
use crate::form::Parameters;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::tokens::AccessToken;
use crate::token::client_auth::{self, Purpose};
use crate::token::form::{self, Incoming};
use crate::token::reason::Reason;
use crate::token::response::{self, Issue, json_answer, text_of};
use crate::token::{access, id_token};
use crate::variant::Variant;

/// Any method on `/auth/introspect`; all but POST are refused.
pub(crate) async fn handle(
    State(app): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming {
        method: &method,
        headers: &headers,
        uri: &uri,
        body: &body,
    };
    match answer(&app, &incoming).await {
        Ok(response) => response,
        Err(reason) => response::refuse(&app, &headers, &reason),
    }
}

async fn answer(app: &AppState, incoming: &Incoming<'_>) -> Result<Response, Reason> {
    let parameters = form::read(app, incoming)?;
    client_auth::jwks_uri::refresh(app, &parameters).await;
    let caller = authorize(app, incoming.headers, &parameters)?;
    let Some(text) = parameters.filled("token") else {
        return Err(Reason::Missing {
            name: "token",
            expected: "the token to be judged",
        });
    };
    let found = app.store().access_token(text);
    if found.is_none() && app.defects().has(Defect::IntrospectionUnknownError) {
        return Err(Reason::BearerInvalid);
    }
    let refresh = || {
        app.store().refresh_token(text).map(|token| AccessToken {
            patient: token.grant.patient.clone(),
            issued: app.now(),
            expires: token.expires,
            revoked: token.revoked || token.replaced,
            grant: token.grant,
            scopes: token.scopes,
        })
    };
    let body = match found.or_else(refresh) {
        Some(token) => describe(app, &caller, &token),
        None => inactive(app),
    };
    Ok(json_answer(app, StatusCode::OK, body))
}

/// Who asks.
enum Caller {
    Client(String),
    Anybody,
}

/// RFC 7662 §2.1: the endpoint must require some form of authorization. SMART 2.2: a bearer token will do.
fn authorize(app: &AppState, headers: &HeaderMap, parameters: &Parameters) -> Result<Caller, Reason> {
    if app.defects().has(Defect::IntrospectionOpen) {
        return Ok(Caller::Anybody);
    }
    if access::bearer(headers).is_ok() {
        return app
            .access(headers)
            .map(|_| Caller::Anybody)
            .map_err(|_| Reason::BearerInvalid);
    }
    let client = client_auth::check(app, headers, parameters, Purpose::Introspect)?;
    if client.is_confidential() {
        return Ok(Caller::Client(client.client_id.clone()));
    }
    // A public client proves nothing by its id.
    Err(Reason::CredentialsMissing {
        expected: "a confidential client, or a bearer token",
    })
}

fn inactive(app: &AppState) -> Map<String, Value> {
    let active = if app.defects().has(Defect::IntrospectionActiveString) {
        json!("false")
    } else {
        json!(false)
    };
    Map::from_iter([("active".to_owned(), active)])
}

fn describe(app: &AppState, caller: &Caller, token: &AccessToken) -> Map<String, Value> {
    let defects = app.defects();
    let expired = token.expires <= app.now() && !defects.has(Defect::IntrospectionExpiredActive);
    let revoked = (token.revoked || token.grant.is_revoked()) && !defects.has(Defect::IntrospectionRevokedActive);
    let foreign = matches!(caller, Caller::Client(id) if *id != token.grant.client_id)
        && app.variants().has(Variant::IntrospectionOfOthersInactive);
    let mut body = inactive(app);
    if expired || revoked || foreign {
        // RFC 7662 §2.2: nothing more is said of a token that is not active.
        if defects.has(Defect::IntrospectionInactiveDetails) {
            body.insert("client_id".into(), json!(token.grant.client_id));
            body.insert("scope".into(), json!(text_of(&token.scopes)));
        }
        return body;
    }
    let active = if defects.has(Defect::IntrospectionActiveString) {
        json!("true")
    } else {
        json!(true)
    };
    body.insert("active".into(), active);
    let mut put = |missing: Defect, name: &str, value: Value| {
        if !defects.has(missing) {
            body.insert(name.to_owned(), value);
        }
    };
    put(
        Defect::IntrospectionScopeMissing,
        "scope",
        json!(text_of(&token.scopes)),
    );
    put(
        Defect::IntrospectionClientIdMissing,
        "client_id",
        json!(token.grant.client_id),
    );
    put(Defect::IntrospectionExpMissing, "exp", json!(token.expires.as_second()));
    put(
        Defect::IntrospectionSubMissing,
        "sub",
        // RFC 9068 §2.2: where no user takes part, the subject is the client.
        json!(
            token
                .grant
                .user()
                .map_or_else(|| token.grant.client_id.clone(), id_token::subject)
        ),
    );
    body.insert("iss".into(), json!(app.public_url()));
    body.insert("iat".into(), json!(token.issued.as_second()));
    body.insert("token_type".into(), json!("Bearer"));
    if !defects.has(Defect::IntrospectionContextMissing) {
        let issue = Issue {
            grant: token.grant.clone(),
            scopes: token.scopes.clone(),
            is_refresh: false,
        };
        body.extend(response::context(app, &issue));
    }
    let wants_user = token
        .scopes
        .iter()
        .any(|scope| matches!(scope, Scope::FhirUser | Scope::Profile));
    if wants_user && let Some(fhir_user) = id_token::fhir_user(app, &token.grant.username) {
        body.insert("fhirUser".into(), json!(fhir_user));
    }
    body
}
