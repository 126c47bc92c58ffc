//! The claims of an id_token, one rule a function: pure, so that every edge is tried here.
//!
//! OpenID Connect Core §2: <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use url::Url;

use super::finding::Finding;
use crate::oauth::jws::Decoded;

type Claims = Map<String, Value>;

/// By so much two clocks may differ.
const SKEW_SECONDS: f64 = 300.0;

/// Types of which a user's resource may be.
const USERS: [&str; 5] = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"];

fn shown(claims: &Claims, name: &str) -> String {
    match claims.get(name) {
        Some(value) => format!("`{name}`: {value}"),
        None => format!("no `{name}` in the id_token"),
    }
}

/// To the last slash.
pub(super) fn issuer(claims: &Claims, wanted: &str) -> Finding {
    Finding::when(
        claims.get("iss").and_then(Value::as_str) == Some(wanted),
        format!("`iss` equal to the issuer `{wanted}`"),
        shown(claims, "iss"),
    )
}

pub(super) fn subject(claims: &Claims) -> Finding {
    let sound = claims
        .get("sub")
        .and_then(Value::as_str)
        .is_some_and(|sub| (1..=255).contains(&sub.len()) && sub.is_ascii());
    let seen = match claims.get("sub").and_then(Value::as_str) {
        Some(sub) if sub.len() > 255 => format!("`sub` of {} bytes", sub.len()),
        _ => shown(claims, "sub"),
    };
    Finding::when(sound, "`sub`, a text of 1 to 255 ASCII characters", seen)
}

fn audiences(claims: &Claims) -> Option<Vec<&str>> {
    match claims.get("aud")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn is_for(claims: &Claims, client_id: &str) -> bool {
    audiences(claims).is_some_and(|all| all.contains(&client_id))
}

pub(super) fn audience(claims: &Claims, client_id: &str) -> Finding {
    Finding::when(
        is_for(claims, client_id),
        format!("`aud` with the client_id `{client_id}`, a text or an array of texts"),
        shown(claims, "aud"),
    )
}

pub(super) fn authorized_party(claims: &Claims, client_id: &str) -> Finding {
    match claims.get("azp") {
        None => Finding::TooLittle("the id_token has no azp".to_owned()),
        Some(azp) => Finding::when(
            azp.as_str() == Some(client_id),
            format!("`azp` equal to the client_id `{client_id}`"),
            shown(claims, "azp"),
        ),
    }
}

pub(super) fn authorized_party_present(claims: &Claims) -> Finding {
    match audiences(claims) {
        Some(all) if all.len() > 1 => Finding::when(
            claims.contains_key("azp"),
            "`azp`, since `aud` holds several",
            shown(claims, "aud") + ", and no `azp`",
        ),
        _ => Finding::TooLittle("the id_token has one audience".to_owned()),
    }
}

fn seconds(claims: &Claims, name: &str) -> Option<f64> {
    claims.get(name)?.as_f64()
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
fn since_1970(now: Timestamp) -> f64 {
    now.as_second() as f64
}

pub(super) fn expiry(claims: &Claims, now: Timestamp) -> Finding {
    let now = since_1970(now);
    let ahead = seconds(claims, "exp").is_some_and(|exp| exp > now - SKEW_SECONDS && is_seconds(exp));
    Finding::when(
        ahead,
        "`exp`, a number of seconds since 1970 that lies ahead",
        format!("{}, while it is {now:.0}", shown(claims, "exp")),
    )
}

/// Milliseconds would lie thousands of years ahead.
fn is_seconds(time: f64) -> bool {
    time < 100_000_000_000.0
}

pub(super) fn issued_at(claims: &Claims, now: Timestamp) -> Finding {
    let now = since_1970(now);
    let about_now = seconds(claims, "iat").is_some_and(|iat| (iat - now).abs() < SKEW_SECONDS);
    Finding::when(
        about_now,
        "`iat`, a number of seconds since 1970, five minutes from now at most",
        format!("{}, while it is {now:.0}", shown(claims, "iat")),
    )
}

pub(super) fn nonce(claims: &Claims, sent: Option<&str>) -> Finding {
    match sent {
        None => Finding::TooLittle("no nonce was sent".to_owned()),
        Some(sent) => Finding::when(
            claims.get("nonce").and_then(Value::as_str) == Some(sent),
            format!("`nonce` equal to `{sent}`, which was sent"),
            shown(claims, "nonce"),
        ),
    }
}

/// OpenID Connect Core §3.1.3.6: the left half of the hash that the algorithm uses.
pub(super) fn access_token_hash(decoded: &Decoded, access_token: &str) -> Finding {
    let Some(at_hash) = decoded.claims.get("at_hash") else {
        return Finding::TooLittle("the id_token has no at_hash".to_owned());
    };
    let alg = decoded.header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let hash = match alg.get(2..) {
        Some("256") => Sha256::digest(access_token).to_vec(),
        Some("384") => Sha384::digest(access_token).to_vec(),
        Some("512") => Sha512::digest(access_token).to_vec(),
        _ => return Finding::TooLittle(format!("which hash {alg} takes is not known here")),
    };
    let wanted = URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]);
    Finding::when(
        at_hash.as_str() == Some(&wanted),
        format!("`at_hash`, the left half of the access token's hash by {alg}"),
        "another value",
    )
}

pub(super) fn auth_time(claims: &Claims) -> Finding {
    if !claims.contains_key("auth_time") {
        return Finding::TooLittle("the id_token has no auth_time".to_owned());
    }
    let sound = seconds(claims, "auth_time")
        .is_some_and(|at| is_seconds(at) && seconds(claims, "iat").is_none_or(|iat| at <= iat + SKEW_SECONDS));
    Finding::when(
        sound,
        "`auth_time`, a number of seconds since 1970 that is not after `iat`",
        shown(claims, "auth_time"),
    )
}

/// OpenID Connect Core §2: required where max_age was sent.
pub(super) fn auth_time_present(claims: &Claims) -> Finding {
    match auth_time(claims) {
        Finding::TooLittle(why) => Finding::broken("`auth_time` in the id_token, since max_age was sent", why),
        other => other,
    }
}

pub(super) fn fhir_user_present(claims: &Claims) -> Finding {
    if claims.contains_key("fhirUser") {
        return Finding::when(
            claims["fhirUser"].as_str().is_some_and(|user| !user.is_empty()),
            "`fhirUser`, a text",
            shown(claims, "fhirUser"),
        );
    }
    let profile = if claims.contains_key("profile") {
        "; `profile` alone, as in the first version of the guide, is not looked for by apps of the second"
    } else {
        ""
    };
    Finding::broken(
        "`fhirUser` in the id_token, since the scope was granted",
        format!("no `fhirUser` in it{profile}"),
    )
}

pub(super) fn fhir_user_form(claims: &Claims) -> Finding {
    let Some(value) = claims.get("fhirUser") else {
        return Finding::TooLittle("the id_token has no fhirUser".to_owned());
    };
    let sound = value.as_str().is_some_and(is_user);
    Finding::when(
        sound,
        format!(
            "`fhirUser`, absolute or relative to the FHIR base: {}/id",
            USERS.join(", ")
        ),
        shown(claims, "fhirUser"),
    )
}

fn is_user(text: &str) -> bool {
    let path = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url.path().to_owned(),
        Ok(_) => return false,
        Err(_) => text.to_owned(),
    };
    // A version may stand behind it.
    let path = path.split("/_history/").next().unwrap_or_default();
    let mut parts = path.rsplit('/');
    let id = parts.next().is_some_and(|id| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    });
    id && parts.next().is_some_and(|kind| USERS.contains(&kind))
}

pub(super) fn same_user(before: &Claims, claims: &Claims, client_id: &str) -> Finding {
    for name in ["iss", "sub"] {
        if before.get(name) != claims.get(name) {
            let was = before.get(name).unwrap_or(&Value::Null);
            return Finding::broken(
                format!("the same `{name}` as the first time: {was}"),
                shown(claims, name),
            );
        }
    }
    audience(claims, client_id)
}

#[cfg(test)]
#[path = "id_token_claims_tests.rs"]
mod tests;
