//! What an id_token says, and whose signature it bears: OpenID Connect Core §2 and §3.1.3.7, as SMART App Launch uses it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::finding::{Finding, answer};
use crate::oauth::jwks::Jwks;
use crate::oauth::jws::{self, Decoded, VerifyError};
use crate::step::Context;

/// How far the server's clock may be off, in seconds.
const SKEW: i64 = 300;

/// `id_token`: one rule about the id_token of a token response. Without an id_token there is nothing to judge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdTokenArgs {
    /// Label or verb of the token response; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: IdTokenRule,
    /// With `same_user`: label or verb of the token response that is compared.
    #[serde(default)]
    pub and: Option<String>,
}

/// A rule about an id_token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdTokenRule {
    /// A key of the key set that an earlier `jwks` step fetched verifies its signature.
    Signature,
    /// `alg` is one that openid-configuration lists, and not `none`.
    Algorithm,
    /// Where several keys are published, `kid` names one of them.
    KeyNamed,
    /// No header member that tells the reader which key to trust: `jku jwk x5u x5c`.
    NoKeyInside,
    /// `iss` is the `issuer` of openid-configuration.
    Issuer,
    /// `aud` is the client, or holds it; `azp` is the client where there are several.
    Audience,
    /// `exp` is a number in the future.
    Expiry,
    /// `iat` is a number of now.
    IssuedAt,
    /// `nonce` is the one that was sent, and none where none was.
    Nonce,
    /// `sub` is a text of at most 255 ASCII characters.
    Subject,
    /// `at_hash`, where there is one, is that of the access token.
    AccessTokenHash,
    /// `auth_time`, where there is one, is a number that is not in the future.
    AuthTime,
    /// `fhirUser` names a Patient, Practitioner, PractitionerRole, RelatedPerson or Person.
    FhirUser,
    /// `iss`, `sub` and an audience are those of another id_token of the same user and client.
    SameUser,
}

/// `id_token`.
pub fn id_token(context: &Context<'_>, args: &IdTokenArgs) -> Finding {
    let token = match token(context, args.of.as_deref()) {
        Ok(token) => token,
        Err(finding) => return finding,
    };
    let Some(decoded) = jws::decode(&token) else {
        return Finding::broken(
            "an id_token of three parts, header and claims JSON objects",
            "something else",
        );
    };
    match args.rule {
        IdTokenRule::Signature => signature(context, &token),
        IdTokenRule::Algorithm => algorithm(context, &decoded),
        IdTokenRule::KeyNamed => key_named(context, &decoded),
        IdTokenRule::NoKeyInside => no_key_inside(&decoded),
        IdTokenRule::Issuer => issuer(context, &decoded.claims),
        IdTokenRule::Audience => audience(context, &decoded.claims),
        IdTokenRule::Expiry => time(&decoded.claims, "exp", |exp| exp > now(context) - SKEW, "in the future"),
        IdTokenRule::IssuedAt => time(
            &decoded.claims,
            "iat",
            |iat| (now(context) - SKEW..=now(context) + SKEW).contains(&iat),
            "of now, five minutes aside",
        ),
        IdTokenRule::AuthTime if decoded.claims.contains_key("auth_time") => time(
            &decoded.claims,
            "auth_time",
            |at| at <= now(context) + SKEW,
            "not in the future",
        ),
        IdTokenRule::AuthTime => Finding::TooLittle("the id_token has no auth_time".to_owned()),
        IdTokenRule::Nonce => nonce(context, &decoded.claims),
        IdTokenRule::Subject => subject(&decoded.claims),
        IdTokenRule::AccessTokenHash => access_token_hash(context, args.of.as_deref(), &decoded),
        IdTokenRule::FhirUser => fhir_user(&decoded.claims),
        IdTokenRule::SameUser => same_user(context, args.and.as_deref(), &decoded.claims),
    }
}

fn token(context: &Context<'_>, of: Option<&str>) -> Result<String, Finding> {
    answer(context, of.or(Some("exchange")))?;
    context
        .member(of.or(Some("exchange")), "id_token")
        .ok_or_else(|| Finding::TooLittle("no id_token came".to_owned()))
}

fn now(context: &Context<'_>) -> i64 {
    context.world.now().as_second()
}

/// The key set of the last `jwks` step.
fn key_set(context: &Context<'_>) -> Result<Jwks, Finding> {
    let answer = answer(context, Some("jwks"))?;
    let document = answer
        .json
        .as_ref()
        .ok_or_else(|| Finding::broken("a JWK set at jwks_uri", super::refusal::describe_answer(answer)))?;
    Jwks::parse(document).map_err(|problem| Finding::broken("a JWK set at jwks_uri", problem.to_string()))
}

fn signature(context: &Context<'_>, token: &str) -> Finding {
    let keys = match key_set(context) {
        Ok(keys) => keys,
        Err(finding) => return finding,
    };
    match jws::verify(token, &keys) {
        Ok(by) => Finding::Holds(Some(format!(
            "verified by {} with key {}",
            by.alg.name(),
            by.kid.as_deref().unwrap_or("without kid")
        ))),
        Err(VerifyError::UnsupportedAlg(alg)) => {
            Finding::Undecided(format!("the algorithm {alg} is not one that this version can verify"))
        }
        Err(error) => Finding::broken("a signature by a key that is published at jwks_uri", error.to_string()),
    }
}

fn algorithm(context: &Context<'_>, decoded: &Decoded) -> Finding {
    let Some(alg) = decoded.header.get("alg").and_then(Value::as_str) else {
        return Finding::broken("`alg` in the header of the id_token", "none");
    };
    if alg.eq_ignore_ascii_case("none") {
        return Finding::broken("an id_token that is signed", "`alg`: none");
    }
    let listed = context
        .world
        .known()
        .and_then(|facts| facts.openid.as_ref())
        .and_then(|document| document.get("id_token_signing_alg_values_supported"))
        .and_then(Value::as_array);
    match listed {
        Some(listed) if !listed.iter().any(|one| one.as_str() == Some(alg)) => Finding::broken(
            format!(
                "`alg` among id_token_signing_alg_values_supported: {}",
                Value::from(listed.clone())
            ),
            alg,
        ),
        _ => Finding::holds(),
    }
}

fn key_named(context: &Context<'_>, decoded: &Decoded) -> Finding {
    let keys = match key_set(context) {
        Ok(keys) => keys,
        Err(finding) => return finding,
    };
    match decoded.header.get("kid").map(Value::as_str) {
        None if keys.len() > 1 => Finding::broken("`kid`, since several keys are published", "no kid"),
        None => Finding::holds(),
        Some(Some(kid)) if keys.iter().any(|key| key.kid() == Some(kid)) => Finding::holds(),
        Some(kid) => Finding::broken(
            "a `kid` that jwks_uri names when the id_token is issued",
            kid.unwrap_or("a kid that is no text"),
        ),
    }
}

fn no_key_inside(decoded: &Decoded) -> Finding {
    match ["jku", "jwk", "x5u", "x5c"]
        .into_iter()
        .find(|name| decoded.header.contains_key(*name))
    {
        Some(name) => Finding::broken("no `jku`, `jwk`, `x5u` or `x5c` in the header", format!("`{name}`")),
        None => Finding::holds(),
    }
}

fn issuer(context: &Context<'_>, claims: &Map<String, Value>) -> Finding {
    let Some(wanted) = context
        .world
        .known()
        .and_then(|facts| facts.openid.as_ref())
        .and_then(|document| document.get("issuer"))
        .and_then(Value::as_str)
    else {
        return Finding::TooLittle("there is no openid-configuration whose issuer could be compared".to_owned());
    };
    let iss = claims.get("iss");
    Finding::when(
        iss.and_then(Value::as_str) == Some(wanted),
        format!("`iss`: {wanted}"),
        said(iss),
    )
}

fn audience(context: &Context<'_>, claims: &Map<String, Value>) -> Finding {
    let Some(client) = context.client.map(|client| client.client_id.clone()) else {
        return Finding::Unreached("no client takes part".to_owned());
    };
    let aud = claims.get("aud");
    let several = match aud {
        Some(Value::String(one)) if *one == client => false,
        Some(Value::Array(all)) if all.iter().any(|one| one.as_str() == Some(&client)) => all.len() > 1,
        other => return Finding::broken(format!("`aud`: {client}, or an array with it"), said(other)),
    };
    match claims.get("azp") {
        None if several => Finding::broken("`azp`, since there are several audiences", "none"),
        Some(azp) if azp.as_str() != Some(&client) => Finding::broken(format!("`azp`: {client}"), said(Some(azp))),
        _ => Finding::holds(),
    }
}

fn time(claims: &Map<String, Value>, name: &str, sound: impl Fn(i64) -> bool, words: &str) -> Finding {
    let value = claims.get(name);
    let expected = format!("`{name}` a number, {words}");
    let number = value.and_then(|value| value.as_i64().or_else(|| whole(value.as_f64()?)));
    match number {
        Some(number) => Finding::when(sound(number), expected, said(value)),
        None => Finding::broken(expected, said(value)),
    }
}

/// The whole part of a number of seconds; `None` where it is no time.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction of a second is dropped, the range is checked"
    )]
    (number.is_finite() && number.abs() < 1e15).then_some(number as i64)
}

fn nonce(context: &Context<'_>, claims: &Map<String, Value>) -> Finding {
    let sent = context
        .authorization(None)
        .and_then(|authorization| authorization.sent.nonce.clone());
    let seen = claims.get("nonce");
    match sent {
        Some(sent) => Finding::when(
            seen.and_then(Value::as_str) == Some(&sent),
            format!("`nonce`: {sent}"),
            said(seen),
        ),
        None => Finding::when(seen.is_none(), "no `nonce`, since none was sent", said(seen)),
    }
}

fn subject(claims: &Map<String, Value>) -> Finding {
    let sub = claims.get("sub");
    let sound = sub
        .and_then(Value::as_str)
        .is_some_and(|sub| (1..=255).contains(&sub.len()) && sub.is_ascii());
    Finding::when(sound, "`sub`: a text of 1 to 255 ASCII characters", shape(sub))
}

fn access_token_hash(context: &Context<'_>, of: Option<&str>, decoded: &Decoded) -> Finding {
    let Some(seen) = decoded.claims.get("at_hash") else {
        return Finding::TooLittle("the id_token has no at_hash".to_owned());
    };
    let alg = decoded.header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let Some(token) = context.member(of.or(Some("exchange")), "access_token") else {
        return Finding::Unreached("there is no access token".to_owned());
    };
    match jws::half_hash(alg, &token) {
        Some(wanted) => Finding::when(
            seen.as_str() == Some(&wanted),
            format!("`at_hash` of the access token by the hash of {alg}"),
            "another value",
        ),
        None => Finding::Undecided(format!("the hash of {alg} is not known here")),
    }
}

fn fhir_user(claims: &Map<String, Value>) -> Finding {
    let value = claims.get("fhirUser");
    Finding::when(
        value.and_then(Value::as_str).is_some_and(names_a_person),
        "`fhirUser`: the address, absolute or below the FHIR base, of a Patient, Practitioner, PractitionerRole, \
         RelatedPerson or Person",
        match value.and_then(Value::as_str) {
            Some(text) => format!("a text that names none of them: {}", without_id(text)),
            None => shape(value),
        },
    )
}

/// `Practitioner/1`, alone or at the end of an absolute URL.
fn names_a_person(text: &str) -> bool {
    let path = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url.path().to_owned(),
        Ok(_) => return false,
        Err(_) => text.to_owned(),
    };
    let mut parts = path.rsplit('/');
    let (id, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    !id.is_empty() && ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"].contains(&kind)
}

fn same_user(context: &Context<'_>, other: Option<&str>, claims: &Map<String, Value>) -> Finding {
    let before = match token(context, other) {
        Ok(before) => before,
        Err(finding) => return finding,
    };
    let Some(before) = jws::decode(&before) else {
        return Finding::Unreached("the id_token that is compared cannot be read".to_owned());
    };
    for name in ["iss", "sub"] {
        if claims.get(name) != before.claims.get(name) {
            return Finding::broken(
                format!("`{name}` as in the id_token before"),
                format!("another: {}", shape(claims.get(name))),
            );
        }
    }
    Finding::holds()
}

/// What identifies a person is not shown: only what kind of value it is.
fn shape(value: Option<&Value>) -> String {
    match value {
        None => "it is not there".to_owned(),
        Some(Value::String(text)) => format!("a text of {} characters", text.chars().count()),
        Some(Value::Number(_)) => "a number".to_owned(),
        Some(_) => "neither a text nor a number".to_owned(),
    }
}

/// `https://ehr.example/fhir/Organization/…`
fn without_id(text: &str) -> String {
    match text.rsplit_once('/') {
        Some((before, _)) => format!("{}/…", before.chars().take(150).collect::<String>()),
        None => "…".to_owned(),
    }
}

fn said(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "it is not there".to_owned();
    };
    let mut text = String::new();
    for character in value.to_string().chars().take(200) {
        let _ = text.write_char(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_absolutely_or_below_the_base() {
        for good in [
            "Practitioner/1",
            "https://ehr.example/fhir/Patient/a-b.c",
            "http://h/RelatedPerson/x",
            "/Person/1",
        ] {
            assert!(names_a_person(good), "{good}");
        }
        for bad in [
            "Organization/1",
            "Practitioner",
            "Practitioner/",
            "urn:uuid:1",
            "mailto:a@b/Patient/1",
            "",
        ] {
            assert!(!names_a_person(bad), "{bad}");
        }
    }

    #[test]
    fn times_are_numbers() {
        let claims = |value: Value| Map::from_iter([("exp".to_owned(), value)]);
        let future = |exp: i64| exp > 10;
        assert_eq!(time(&claims(11.into()), "exp", future, "late"), Finding::holds());
        assert_eq!(time(&claims(11.5.into()), "exp", future, "late"), Finding::holds());
        for wrong in [Value::from(9), Value::from("11"), Value::Null] {
            assert!(matches!(
                time(&claims(wrong), "exp", future, "late"),
                Finding::Broken { .. }
            ));
        }
        assert!(matches!(
            time(&Map::new(), "exp", future, "late"),
            Finding::Broken { .. }
        ));
    }

    #[test]
    fn a_subject_is_short_ascii() {
        let claims = |sub: &str| Map::from_iter([("sub".to_owned(), Value::from(sub))]);
        assert_eq!(subject(&claims("u1")), Finding::holds());
        for wrong in ["", "ü", &"x".repeat(256)] {
            assert!(matches!(subject(&claims(wrong)), Finding::Broken { .. }), "{wrong}");
        }
    }
}
