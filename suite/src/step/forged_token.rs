//! Access tokens that nobody issued: the claims of one that was, signed by somebody else.
//!
//! RFC 8725 §2.1, §3.1, §3.10.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::arguments::Forge;
use super::context::{Context, Halt, Outcome};
use crate::oauth::jws::{self, Signing};
use crate::oauth::public_key;
use crate::oauth::signing_key::{Alg, Family, SigningKey};

/// A token with the claims of `token`, an hour longer valid, that its server did not sign.
pub fn forged(context: &Context<'_>, token: &str, how: Forge) -> Result<String, Halt> {
    let decoded = jws::decode(token)
        .ok_or_else(|| Halt::Skip("the access token is no JWT, so nobody can write another".to_owned()))?;
    let (mut header, mut claims) = (decoded.header, decoded.claims);
    if let Some(exp) = claims.get("exp").and_then(Value::as_i64) {
        claims.insert("exp".to_owned(), exp.saturating_add(3600).into());
    }
    let signed = match how {
        Forge::AttackerKey => with_key(context, &mut header, &claims, false),
        Forge::OwnKey => with_key(context, &mut header, &claims, true),
        Forge::PublicKeyAsSecret => {
            let pem = public_pem(context, header.get("kid").and_then(Value::as_str))?;
            return Ok(with_secret(&mut header, &claims, pem.as_bytes()));
        }
    };
    signed.map_err(|error| Halt::Error(format!("the forged access token cannot be signed: {error}")))
}

/// Under the server's own `alg`, where the attacker's key can do that, so that nothing but the signature is wrong.
fn with_key(
    context: &Context<'_>,
    header: &mut Map<String, Value>,
    claims: &Map<String, Value>,
    tells_key: bool,
) -> Result<String, jws::SignError> {
    let attacker = &context.world.attacker;
    let named = header.get("alg").and_then(Value::as_str).and_then(Alg::parse);
    let key: &SigningKey = match named.map(Alg::family) {
        Some(Family::Rsa) => &attacker.rsa,
        _ => &attacker.ec,
    };
    let alg = named.filter(|alg| alg.family() == key.family()).unwrap_or(key.alg());
    header.insert("alg".to_owned(), alg.name().into());
    if tells_key {
        header.remove("kid");
        header.insert("jwk".to_owned(), key.public_jwk());
    }
    jws::write(header, claims, Signing::With(key, alg))
}

fn with_secret(header: &mut Map<String, Value>, claims: &Map<String, Value>, secret: &[u8]) -> String {
    header.insert("alg".to_owned(), "HS256".into());
    let part = |map: &Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(map.clone()).to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The key that signed the token, by its `kid`, else the first one, of the set that the scenario read.
fn public_pem(context: &Context<'_>, kid: Option<&str>) -> Result<String, Halt> {
    let set = context
        .deeds
        .iter()
        .rev()
        .filter(|deed| deed.verb == "jwks")
        .find_map(|deed| match &deed.outcome {
            Outcome::Answered(answer) => answer.json.as_ref(),
            _ => None,
        })
        .ok_or_else(|| Halt::Skip("the server's key set was not read".to_owned()))?;
    let keys = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = keys.iter().find(|key| kid.is_some() && key["kid"].as_str() == kid);
    named
        .or(keys.first())
        .and_then(public_key::pem)
        .ok_or_else(|| Halt::Skip("the server's key set has no RSA or EC key".to_owned()))
}
