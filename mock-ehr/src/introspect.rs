//! Token introspection.
//!
//! RFC 7662: <https://www.rfc-editor.org/rfc/rfc7662>, SMART App Launch 2.2:
//! <https://hl7.org/fhir/smart-app-launch/token-introspection.html>

use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::defect::Defect;
use crate::form::{NotUtf8, Parameters};
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
pub(crate) async fn handle(State(app): State<AppState>, incoming: Incoming) -> Response {
    match answer(&app, &incoming).await {
        Ok(response) => response,
        Err(reason) => response::refuse(&app, &incoming.headers, &reason),
    }
}

async fn answer(app: &AppState, incoming: &Incoming) -> Result<Response, Reason> {
    let parameters = parameters(app, incoming)?;
    client_auth::jwks_uri::refresh(app, &parameters).await;
    let caller = authorize(app, &incoming.headers, &parameters)?;
    let Some(text) = parameters.filled("token") else {
        if app.defects().has(Defect::IntrospectionTokenMissingActive) {
            let body = Map::from_iter([("active".to_owned(), json!(true))]);
            return Ok(json_answer(app, StatusCode::OK, body));
        }
        return Err(Reason::Missing {
            name: "token",
            expected: "the token to be judged",
        });
    };
    let hint = parameters
        .filled("token_type_hint")
        .filter(|_| app.defects().has(Defect::IntrospectionHintBelieved));
    let among = |kind: &str| hint.is_none_or(|hint| hint == kind);
    let found = app.store().access_token(text).filter(|_| among("access_token"));
    if found.is_none() && app.defects().has(Defect::IntrospectionUnknownError) {
        return Err(Reason::BearerInvalid);
    }
    let refresh = || {
        let told = !app.variants().has(Variant::IntrospectionOfRefreshTokensInactive) && among("refresh_token");
        app.store()
            .refresh_token(text)
            .filter(|_| told)
            .map(|token| AccessToken {
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
        None => unknown(app),
    };
    let mut response = json_answer(app, StatusCode::OK, body);
    if app.defects().has(Defect::IntrospectionWrongContentType) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    }
    Ok(response)
}

/// RFC 7662 §2.1: a POSTed form; §4: a server may answer GET as well.
fn parameters(app: &AppState, incoming: &Incoming) -> Result<Parameters, Reason> {
    if incoming.method == Method::GET && app.variants().has(Variant::IntrospectionGetAccepted) {
        let query = incoming.uri.query().unwrap_or_default();
        return Parameters::parse(query.as_bytes()).map_err(|NotUtf8 { name }| Reason::NotUtf8 { name });
    }
    form::read(app, incoming)
}

fn unknown(app: &AppState) -> Map<String, Value> {
    let mut body = inactive(app);
    if app.defects().has(Defect::IntrospectionUnknownDetails) {
        body.insert("iss".into(), json!(app.public_url()));
        body.insert("reason".into(), json!("not issued here"));
    }
    body
}

/// The one of the id_token.
fn subject(app: &AppState, username: &str) -> String {
    if app.defects().has(Defect::IntrospectionSubDiffers) {
        return username.to_owned();
    }
    id_token::subject(username)
}

/// Who asks.
enum Caller {
    Client(String),
    Anybody,
    /// A client that is told of its own tokens only, by a defect.
    Own(String),
}

/// RFC 7662 §2.1: the endpoint must require some form of authorization. SMART 2.2: a bearer token will do.
fn authorize(app: &AppState, headers: &HeaderMap, parameters: &Parameters) -> Result<Caller, Reason> {
    if app.defects().has(Defect::IntrospectionOpen) {
        return Ok(Caller::Anybody);
    }
    if access::bearer(headers).is_ok() {
        return by_token(app, headers);
    }
    let client = client_auth::check(app, headers, parameters, Purpose::Introspect)?;
    if client.is_confidential() || app.defects().has(Defect::IntrospectionPublicClient) {
        return Ok(Caller::Client(client.client_id.clone()));
    }
    // A public client proves nothing by its id.
    Err(Reason::CredentialsMissing {
        expected: "a confidential client, or a bearer token",
    })
}

/// SMART 2.2: a protected endpoint takes an access token with a scope for it; any other is a matter of the server.
fn by_token(app: &AppState, headers: &HeaderMap) -> Result<Caller, Reason> {
    let access = app.access(headers).map_err(|_| Reason::BearerInvalid)?;
    let scoped = access.scopes.contains(&Scope::Introspect);
    if scoped && app.defects().has(Defect::IntrospectionScopeRefused) {
        return Err(Reason::BearerInvalid);
    }
    if !scoped && app.variants().has(Variant::IntrospectionBearerRefused) {
        return Err(Reason::BearerInvalid);
    }
    if scoped && app.defects().has(Defect::IntrospectionOwnOnly) {
        return Ok(Caller::Own(access.client_id));
    }
    Ok(Caller::Anybody)
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
    let foreign = foreign || matches!(caller, Caller::Own(id) if *id != token.grant.client_id);
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
    let scopes = if defects.has(Defect::IntrospectionScopePart) {
        &token.scopes[..1]
    } else {
        &token.scopes[..]
    };
    put(Defect::IntrospectionScopeMissing, "scope", json!(text_of(scopes)));
    put(
        Defect::IntrospectionClientIdMissing,
        "client_id",
        json!(token.grant.client_id),
    );
    let exp = token.expires.as_second();
    let exp = if defects.has(Defect::IntrospectionExpDisagrees) {
        exp + 86_400
    } else {
        exp
    };
    put(Defect::IntrospectionExpMissing, "exp", json!(exp));
    put(
        Defect::IntrospectionSubMissing,
        "sub",
        // RFC 9068 §2.2: where no user takes part, the subject is the client.
        json!(
            token
                .grant
                .user()
                .map_or_else(|| token.grant.client_id.clone(), |name| subject(app, name))
        ),
    );
    put(Defect::IntrospectionIssMissing, "iss", json!(app.public_url()));
    body.insert("iat".into(), json!(token.issued.as_second()));
    body.insert("token_type".into(), json!("Bearer"));
    if !defects.has(Defect::IntrospectionContextMissing) {
        let issue = Issue {
            grant: token.grant.clone(),
            scopes: token.scopes.clone(),
            is_refresh: false,
        };
        let mut context = response::context(app, &issue);
        if defects.has(Defect::IntrospectionEncounterMissing) {
            context.remove("encounter");
        }
        if defects.has(Defect::IntrospectionBannerMissing) {
            context.remove("need_patient_banner");
        }
        body.extend(context);
    }
    let wants_user = token
        .scopes
        .iter()
        .any(|scope| matches!(scope, Scope::FhirUser | Scope::Profile));
    if wants_user
        && !defects.has(Defect::IntrospectionFhirUserMissing)
        && let Some(fhir_user) = id_token::fhir_user(app, &token.grant.username)
    {
        body.insert("fhirUser".into(), json!(fhir_user));
    }
    body
}
