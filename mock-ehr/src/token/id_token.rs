//! The id_token: who signed in.
//!
//! OpenID Connect Core §2: <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>, SMART App Launch 2.2,
//! "Scopes for requesting identity data": <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::response::Issue;
use crate::config::Client;
use crate::defect::Defect;
use crate::keys::{encode_json, server_key};
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::variant::Variant;

const LIFETIME_SECONDS: i64 = 300;

/// The id_token that goes with these scopes, if any.
pub(crate) fn make(app: &AppState, client: &Client, issue: &Issue) -> Option<String> {
    let defects = app.defects();
    let asked = issue.scopes.contains(&Scope::OpenId);
    if (asked && defects.has(Defect::IdTokenMissing)) || (!asked && !defects.has(Defect::IdTokenUnasked)) {
        return None;
    }
    let claims = Value::Object(claims(app, client, issue));
    let key = server_key(app.config().id_token_alg);
    if defects.has(Defect::IdTokenAlgNone) {
        return Some(format!(
            "{}.{}.",
            encode_json(&json!({ "alg": "none" })),
            encode_json(&claims)
        ));
    }
    if defects.has(Defect::IdTokenUnknownKid) {
        let header = json!({ "alg": key.alg, "kid": "nobody", "typ": "JWT" });
        return Some(key.sign_with_header(&header, &claims));
    }
    let token = key.sign("JWT", &claims);
    if defects.has(Defect::IdTokenBadSignature) {
        return Some(spoiled(&token));
    }
    Some(token)
}

fn claims(app: &AppState, client: &Client, issue: &Issue) -> Map<String, Value> {
    let defects = app.defects();
    let grant = &issue.grant;
    let now = app.now().as_second();
    let mut claims = Map::new();
    let iss = if defects.has(Defect::IdTokenIssWrong) {
        "https://other.example"
    } else {
        app.public_url()
    };
    claims.insert("iss".into(), iss.into());
    if !defects.has(Defect::IdTokenSubMissing) {
        let sub = if defects.has(Defect::IdTokenSubChanges) {
            app.chance().token::<16>()
        } else {
            subject(&grant.username)
        };
        claims.insert("sub".into(), sub.into());
    }
    let aud = if defects.has(Defect::IdTokenAudWrong) {
        "another-app"
    } else {
        client.client_id.as_str()
    };
    claims.insert("aud".into(), aud.into());
    if !defects.has(Defect::IdTokenExpMissing) {
        let exp = if defects.has(Defect::IdTokenExpired) {
            now - 3600
        } else {
            now + LIFETIME_SECONDS
        };
        claims.insert("exp".into(), exp.into());
    }
    if !defects.has(Defect::IdTokenIatMissing) {
        claims.insert("iat".into(), now.into());
    }
    claims.insert("auth_time".into(), grant.auth_time.as_second().into());
    // OpenID Connect Core §12.2: the id_token of a refresh need not repeat nonce; if it does, it is the same.
    if let Some(nonce) = &grant.nonce
        && !defects.has(Defect::IdTokenNonceMissing)
    {
        let nonce = if defects.has(Defect::IdTokenNonceWrong) {
            format!("{nonce}x")
        } else {
            nonce.clone()
        };
        claims.insert("nonce".into(), nonce.into());
    }
    let wants_user = issue
        .scopes
        .iter()
        .any(|scope| matches!(scope, Scope::FhirUser | Scope::Profile));
    if wants_user
        && !defects.has(Defect::IdTokenFhirUserMissing)
        && let Some(fhir_user) = fhir_user(app, &grant.username)
    {
        claims.insert("fhirUser".into(), fhir_user.into());
    }
    claims
}

/// The address of the resource that describes this user.
pub(crate) fn fhir_user(app: &AppState, username: &str) -> Option<String> {
    let user = app.config().user(username)?;
    if app.variants().has(Variant::FhirUserRelative) {
        return Some(user.fhir_user.clone());
    }
    Some(format!("{}/{}", app.fhir_base(), user.fhir_user))
}

/// The same for the same user, and no name that means anything elsewhere.
pub(crate) fn subject(username: &str) -> String {
    use std::fmt::Write as _;

    let digest = Sha256::digest(format!("mock-ehr subject {username}"));
    digest.iter().take(12).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

/// The token with one letter of its signature changed.
fn spoiled(token: &str) -> String {
    let at = token.rfind('.').map_or(0, |dot| dot + 1);
    let mut text = token.to_owned();
    let other = if text[at..].starts_with('A') { "B" } else { "A" };
    text.replace_range(at..=at, other);
    text
}
