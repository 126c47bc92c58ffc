//! Judges the id_token of the identity provider.
//!
//! OpenID Connect Core §3.1.3.7: <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// How far the clocks of two machines may be apart, in seconds.
const LEEWAY: i64 = 60;

/// What the token must say.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// The present second.
    pub(super) now: i64,
    /// The second in which the browser was sent there.
    pub(super) sent: i64,
    /// Whether the provider was told to ask the user, whoever is signed in there.
    pub(super) anew: bool,
    /// How long ago the user may have been asked.
    pub(super) max_age: Option<i64>,
}

/// The claims of a token that is what it must be; otherwise what is wrong with it.
pub(super) fn verify(token: &str, keys: &Value, expected: &Expected<'_>) -> Result<Value, String> {
    let (message, signature) = token.rsplit_once('.').ok_or("it is no JWT")?;
    let (header, payload) = message.split_once('.').ok_or("it is no JWT")?;
    let header = part(header).ok_or("its header is no JSON in base64url")?;
    if header.get("crit").is_some() {
        return Err("its header has `crit`, which names extensions that are not known here".to_owned());
    }
    let alg = header["alg"].as_str().unwrap_or_default();
    let algorithm = algorithm(alg).ok_or_else(|| format!("its algorithm is `{alg}`, which is not accepted"))?;
    let key = key(keys, header["kid"].as_str(), algorithm)?;
    if !jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap_or(false) {
        return Err("its signature is not by the key that it names".to_owned());
    }
    let claims = part(payload).ok_or("its claims are no JSON in base64url")?;
    check(&claims, expected)?;
    Ok(claims)
}

fn part(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    value.is_object().then_some(value)
}

/// Signatures by a public key only: a secret of both would be no proof, and "none" is no signature.
fn algorithm(alg: &str) -> Option<Algorithm> {
    Some(match alg {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

/// OpenID Connect Core §10.1: `kid` names the key; it can be left out where there is only one that fits.
fn key(keys: &Value, kid: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, String> {
    let all = keys["keys"]
        .as_array()
        .ok_or("the provider's key set has no array `keys`")?;
    let fits = |jwk: &&Value| {
        let of_type = match algorithm {
            Algorithm::ES256 => jwk["kty"] == "EC" && jwk["crv"] == "P-256",
            Algorithm::ES384 => jwk["kty"] == "EC" && jwk["crv"] == "P-384",
            Algorithm::EdDSA => jwk["kty"] == "OKP" && jwk["crv"] == "Ed25519",
            _ => jwk["kty"] == "RSA",
        };
        let for_another_alg = jwk["alg"]
            .as_str()
            .is_some_and(|alg| self::algorithm(alg) != Some(algorithm));
        of_type && !for_another_alg && jwk["use"].as_str().is_none_or(|usage| usage == "sig")
    };
    let fitting: Vec<&Value> = all
        .iter()
        .filter(fits)
        .filter(|jwk| kid.is_none_or(|kid| jwk["kid"] == kid))
        .collect();
    let [jwk] = fitting[..] else {
        return Err(match (kid, fitting.len()) {
            (Some(kid), 0) => format!("no key of the provider has the kid `{kid}` and fits its algorithm"),
            (None, 0) => "no key of the provider fits its algorithm".to_owned(),
            (_, count) => format!("it does not say by which of {count} keys it is signed"),
        });
    };
    let jwk: Jwk =
        serde_json::from_value(jwk.clone()).map_err(|error| format!("the provider's key is no JWK: {error}"))?;
    DecodingKey::from_jwk(&jwk).map_err(|error| format!("the provider's key is not usable: {error}"))
}

fn check(claims: &Value, expected: &Expected<'_>) -> Result<(), String> {
    if claims["iss"] != expected.issuer {
        return Err(format!("its `iss` is {}, not \"{}\"", claims["iss"], expected.issuer));
    }
    let audience: Vec<&Value> = match &claims["aud"] {
        Value::Array(several) => several.iter().collect(),
        one => vec![one],
    };
    if !audience.iter().any(|aud| **aud == expected.client_id) {
        return Err(format!(
            "its `aud` is {}, not \"{}\"",
            claims["aud"], expected.client_id
        ));
    }
    let party = claims.get("azp");
    if audience.len() > 1 && party.is_none() {
        return Err("it is for several audiences and has no `azp`".to_owned());
    }
    if party.is_some_and(|azp| *azp != expected.client_id) {
        return Err(format!(
            "its `azp` is {}, not \"{}\"",
            claims["azp"], expected.client_id
        ));
    }
    if claims["nonce"] != expected.nonce {
        return Err("its `nonce` is not the one of this sign-in".to_owned());
    }
    if claims["sub"].as_str().is_none_or(str::is_empty) {
        return Err("it has no `sub`".to_owned());
    }
    times(claims, expected)
}

fn times(claims: &Value, expected: &Expected<'_>) -> Result<(), String> {
    let second = |name: &str| seconds(&claims[name]).ok_or_else(|| format!("its `{name}` is missing, or no number"));
    let (expires, issued) = (second("exp")?, second("iat")?);
    let ago = |moment: i64| expected.now.saturating_sub(moment);
    if ago(expires) >= LEEWAY {
        return Err(format!("it expired {} seconds ago", ago(expires)));
    }
    if ago(issued) < -LEEWAY {
        return Err("its `iat` lies in the future".to_owned());
    }
    if issued.saturating_add(LEEWAY) < expected.sent {
        return Err("its `iat` lies before this sign-in".to_owned());
    }
    if seconds(&claims["nbf"]).is_some_and(|from| ago(from) < -LEEWAY) {
        return Err("its `nbf` lies in the future".to_owned());
    }
    let asked = seconds(&claims["auth_time"]);
    if let Some(max_age) = expected.max_age {
        let asked = asked.ok_or("it has no `auth_time`, although max_age was sent")?;
        if ago(asked) > max_age.saturating_add(LEEWAY) {
            return Err(format!(
                "its user signed in {} seconds ago, and max_age was {max_age}",
                ago(asked)
            ));
        }
    }
    if expected.anew && asked.is_some_and(|asked| asked.saturating_add(LEEWAY) < expected.sent) {
        return Err("its user was not asked again, although prompt=login was sent".to_owned());
    }
    Ok(())
}

/// RFC 7519 §2: a number of seconds, which may have a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float becomes the nearest integer that there is"
)]
pub(super) fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))
}
