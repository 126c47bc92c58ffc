//! The id_token: who signed in.
//!
//! OpenID Connect Core §2: <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>, SMART App Launch 2.2,
//! "Scopes for requesting identity data": <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384};

use super::response::Issue;
use crate::config::{Client, IdTokenAlg};
use crate::defect::Defect;
use crate::keys::{encode_json, server_key};
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::variant::Variant;

const LIFETIME_SECONDS: i64 = 300;

/// The id_token that goes with these scopes and this access token, if any.
pub(crate) fn make(app: &AppState, client: &Client, issue: &Issue, access_token: &str) -> Option<String> {
    let defects = app.defects();
    let asked = issue.scopes.contains(&Scope::OpenId);
    if (asked && defects.has(Defect::IdTokenMissing)) || (!asked && !defects.has(Defect::IdTokenUnasked)) {
        return None;
    }
    let key = server_key(algorithm(app));
    let mut claims = claims(app, client, issue);
    claims.insert("at_hash".into(), at_hash(app, key.alg, access_token).into());
    let claims = Value::Object(claims);
    if defects.has(Defect::IdTokenNoJwt) {
        return Some(encode_json(&claims));
    }
    if defects.has(Defect::IdTokenAlgNone) {
        return Some(format!(
            "{}.{}.",
            encode_json(&json!({ "alg": "none" })),
            encode_json(&claims)
        ));
    }
    let mut header = json!({ "alg": key.alg, "kid": key.kid, "typ": "JWT" });
    if defects.has(Defect::IdTokenUnknownKid) {
        header["kid"] = json!("nobody");
    }
    if defects.has(Defect::IdTokenKidMissing) {
        header.as_object_mut()?.remove("kid");
    }
    if defects.has(Defect::IdTokenJku) {
        header["jku"] = json!(format!("{}/.well-known/jwks.json", app.public_url()));
    }
    let token = key.sign_with_header(&header, &claims);
    if defects.has(Defect::IdTokenBadSignature) {
        return Some(spoiled(&token));
    }
    Some(token)
}

/// By which id_tokens are signed.
fn algorithm(app: &AppState) -> IdTokenAlg {
    let listed = if app.variants().has(Variant::IdTokenEs384) {
        IdTokenAlg::ES384
    } else {
        app.config().id_token_alg
    };
    match listed {
        IdTokenAlg::ES384 if app.defects().has(Defect::IdTokenAlgUnlisted) => IdTokenAlg::ES256,
        _ if app.defects().has(Defect::IdTokenAlgUnlisted) => IdTokenAlg::ES384,
        listed => listed,
    }
}

/// OpenID Connect Core §3.1.3.6
fn at_hash(app: &AppState, alg: &str, access_token: &str) -> String {
    let text = if app.defects().has(Defect::IdTokenAtHashWrong) {
        "another token"
    } else {
        access_token
    };
    let hash = match alg {
        "ES384" => Sha384::digest(text).to_vec(),
        _ => Sha256::digest(text).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

fn claims(app: &AppState, client: &Client, issue: &Issue) -> Map<String, Value> {
    let defects = app.defects();
    let mut claims = Map::new();
    let iss = if defects.has(Defect::IdTokenIssWrong) {
        "https://other.example".to_owned()
    } else if defects.has(Defect::IdTokenIssSlash) {
        format!("{}/", app.public_url())
    } else {
        app.public_url().to_owned()
    };
    claims.insert("iss".into(), iss.into());
    if let Some(sub) = own_subject(app, issue) {
        claims.insert("sub".into(), sub.into());
    }
    push_audience(app, client, &mut claims);
    if app.variants().has(Variant::ExtraMembers) {
        claims.insert("typ".into(), "ID".into());
        claims.insert("sid".into(), app.chance().token::<16>().into());
        claims.insert("acr".into(), "1".into());
        claims.insert("amr".into(), json!(["pwd"]));
        claims.insert("email_verified".into(), json!(false));
    }
    push_times(app, issue, &mut claims);
    // OpenID Connect Core §12.2: the id_token of a refresh need not repeat nonce; if it does, it is the same.
    if let Some(nonce) = &issue.grant.nonce
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
        && let Some(fhir_user) = fhir_user(app, &issue.grant.username)
    {
        let fhir_user = if defects.has(Defect::IdTokenFhirUserOfOtherType) {
            json!(format!("{}/Device/1", app.fhir_base()))
        } else if defects.has(Defect::IdTokenFhirUserDangling) {
            json!(format!("{}/Practitioner/nobody", app.fhir_base()))
        } else {
            json!(fhir_user)
        };
        claims.insert("fhirUser".into(), fhir_user);
    }
    claims
}

fn own_subject(app: &AppState, issue: &Issue) -> Option<String> {
    let defects = app.defects();
    if defects.has(Defect::IdTokenSubMissing) {
        return None;
    }
    let changes =
        defects.has(Defect::IdTokenSubChanges) || (issue.is_refresh && defects.has(Defect::IdTokenSubOfRefreshDiffers));
    if changes {
        return Some(app.chance().token::<16>());
    }
    let sub = subject(&issue.grant.username);
    Some(if defects.has(Defect::IdTokenSubLong) {
        sub.repeat(20)
    } else {
        sub
    })
}

/// OpenID Connect Core §2: `aud` holds the client; `azp`, where it is there, is the client.
fn push_audience(app: &AppState, client: &Client, claims: &mut Map<String, Value>) {
    let defects = app.defects();
    let own = client.client_id.as_str();
    let several = json!([own, app.fhir_base()]);
    let (aud, azp) = if defects.has(Defect::IdTokenAudWrong) {
        (json!("another-app"), None)
    } else if defects.has(Defect::IdTokenAzpWrong) {
        (several, Some("another-app"))
    } else if defects.has(Defect::IdTokenAzpMissing) {
        (several, None)
    } else if app.variants().has(Variant::IdTokenAudSeveral) {
        (several, Some(own))
    } else if app.variants().has(Variant::IdTokenAudList) {
        (json!([own]), None)
    } else {
        (json!(own), None)
    };
    claims.insert("aud".into(), aud);
    if let Some(azp) = azp {
        claims.insert("azp".into(), azp.into());
    }
}

fn push_times(app: &AppState, issue: &Issue, claims: &mut Map<String, Value>) {
    let defects = app.defects();
    let now = app.now().as_second();
    if !defects.has(Defect::IdTokenExpMissing) {
        let exp = if defects.has(Defect::IdTokenExpired) {
            json!(now - 3600)
        } else if defects.has(Defect::IdTokenExpMilliseconds) {
            json!((now + LIFETIME_SECONDS) * 1000)
        } else if defects.has(Defect::IdTokenExpString) {
            json!((now + LIFETIME_SECONDS).to_string())
        } else {
            json!(now + LIFETIME_SECONDS)
        };
        claims.insert("exp".into(), exp);
    }
    if !defects.has(Defect::IdTokenIatMissing) {
        let iat = if defects.has(Defect::IdTokenIatFuture) {
            now + 86_400
        } else {
            now
        };
        claims.insert("iat".into(), iat.into());
    }
    if issue.grant.asked_age && defects.has(Defect::IdTokenAuthTimeMissing) {
        return;
    }
    let auth_time = issue.grant.auth_time;
    let auth_time = if defects.has(Defect::IdTokenAuthTimeText) {
        json!(auth_time.to_string())
    } else {
        json!(auth_time.as_second())
    };
    claims.insert("auth_time".into(), auth_time);
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
