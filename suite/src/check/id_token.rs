//! What an id_token says of itself and of the user.
//!
//! OpenID Connect Core §2, §3.1.3.6, §3.1.3.7, §12.2; SMART App Launch 2.2, "Scopes for requesting identity data".

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::finding::Finding;
use super::id_token_claims as claims;
use crate::oauth::jwks::Jwks;
use crate::oauth::jws::{Decoded, VerifyError, decode, verify};
use crate::step::Context;
use crate::step::context::Outcome;

/// `id_token`: one rule about the id_token of a token response.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdTokenArgs {
    /// Label or verb of the token response; the last one with an id_token where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: IdTokenRule,
    /// Label of the token response before it, for `same_user`.
    #[serde(default)]
    pub like: Option<String>,
}

/// A rule about an id_token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdTokenRule {
    /// Three parts of base64url, two of them JSON objects.
    Jwt,
    /// Signed by a key of the set that the last `jwks` step fetched.
    Signed,
    /// Its header has a `kid` where the set that the last `jwks` step fetched has several keys that it could mean.
    Kid,
    /// Signed by an algorithm that openid-configuration lists.
    AlgorithmListed,
    /// Its header carries no key, and no address of one.
    PlainHeader,
    /// `iss` is the issuer of openid-configuration.
    Issuer,
    /// `sub` is a text of 1 to 255 ASCII characters.
    Subject,
    /// `aud` holds the client_id.
    Audience,
    /// `azp` is the client_id, where it is there.
    AuthorizedParty,
    /// `azp` is there where `aud` holds several.
    AuthorizedPartyPresent,
    /// `exp` is a number and lies ahead.
    Expiry,
    /// `iat` is a number and is about now.
    IssuedAt,
    /// `nonce` is the one that was sent.
    Nonce,
    /// `at_hash` fits the access token, where it is there.
    AccessTokenHash,
    /// `auth_time` is a number not after `iat`, where it is there.
    AuthTime,
    /// `auth_time` is there, a number not after `iat`.
    AuthTimePresent,
    /// `fhirUser` is there where the scope was granted.
    FhirUserPresent,
    /// `fhirUser` is the address of a Patient, Practitioner, PractitionerRole, RelatedPerson or Person.
    FhirUserForm,
    /// `iss` and `sub` are those of the id_token of `like`, and `aud` still holds the client.
    SameUser,
}

/// `id_token`.
pub fn id_token(context: &Context<'_>, args: &IdTokenArgs) -> Finding {
    let label = args.of.as_deref();
    let Some(token) = context.member(label, "id_token") else {
        return Finding::TooLittle("no id_token came; see openid/id_token_present".to_owned());
    };
    let Some(decoded) = decode(&token) else {
        return Finding::broken(
            "an id_token of three parts of base64url, header and claims JSON objects",
            "something else",
        );
    };
    let said = &decoded.claims;
    match args.rule {
        IdTokenRule::Jwt => Finding::holds(),
        IdTokenRule::Signed => signed(context, &token),
        IdTokenRule::Kid => kid(context, &decoded),
        IdTokenRule::AlgorithmListed => algorithm_listed(context, &decoded),
        IdTokenRule::PlainHeader => plain_header(&decoded.header),
        IdTokenRule::Issuer => issuer(context, said),
        IdTokenRule::Subject => claims::subject(said),
        IdTokenRule::Audience => client_id(context, |id| claims::audience(said, id)),
        IdTokenRule::AuthorizedParty => client_id(context, |id| claims::authorized_party(said, id)),
        IdTokenRule::AuthorizedPartyPresent => claims::authorized_party_present(said),
        IdTokenRule::Expiry => claims::expiry(said, context.world.now()),
        IdTokenRule::IssuedAt => claims::issued_at(said, context.world.now()),
        IdTokenRule::Nonce => {
            let sent = context.authorization(label).or_else(|| context.authorization(None));
            claims::nonce(said, sent.and_then(|authorization| authorization.sent.nonce.as_deref()))
        }
        IdTokenRule::AccessTokenHash => {
            let access_token = context.member(label, "access_token").unwrap_or_default();
            claims::access_token_hash(&decoded, &access_token)
        }
        IdTokenRule::AuthTime => claims::auth_time(said),
        IdTokenRule::AuthTimePresent => claims::auth_time_present(said),
        IdTokenRule::FhirUserPresent => fhir_user_present(context, label, said),
        IdTokenRule::FhirUserForm => claims::fhir_user_form(said),
        IdTokenRule::SameUser => same_user(context, args.like.as_deref(), said),
    }
}

fn client_id(context: &Context<'_>, judge: impl Fn(&str) -> Finding) -> Finding {
    match context.client {
        Some(client) => judge(&client.client_id),
        None => Finding::Unreached("no client takes part".to_owned()),
    }
}

/// The keys that the last `jwks` step fetched.
fn keys(context: &Context<'_>) -> Result<Jwks, Finding> {
    let fetched = context
        .deeds
        .iter()
        .rev()
        .find(|deed| deed.verb == "jwks")
        .and_then(|deed| match &deed.outcome {
            Outcome::Answered(answer) => Some(answer),
            _ => None,
        });
    let Some(answer) = fetched else {
        return Err(Finding::Unreached("the server's keys were not fetched".to_owned()));
    };
    let document = answer
        .json
        .as_ref()
        .ok_or_else(|| Finding::broken("a JWK set at jwks_uri", super::refusal::describe_answer(answer)))?;
    Jwks::parse(document).map_err(|problem| Finding::broken("a JWK set at jwks_uri", problem.to_string()))
}

fn signed(context: &Context<'_>, token: &str) -> Finding {
    let keys = match keys(context) {
        Ok(keys) => keys,
        Err(finding) => return finding,
    };
    match verify(token, &keys) {
        Ok(by) => Finding::Holds(Some(match by.kid {
            Some(kid) => format!("{} by the key `{kid}`", by.alg),
            None => format!("{} by a key without a name", by.alg),
        })),
        Err(VerifyError::UnsupportedAlg(alg)) => Finding::TooLittle(format!(
            "the id_token is signed by {alg}, which this suite cannot verify"
        )),
        Err(error) => Finding::broken(
            "an id_token whose signature verifies with a key of jwks_uri",
            error.to_string(),
        ),
    }
}

/// OpenID Connect Core §10.1: with several keys in the set, the header names the one.
fn kid(context: &Context<'_>, decoded: &Decoded) -> Finding {
    let keys = match keys(context) {
        Ok(keys) => keys,
        Err(finding) => return finding,
    };
    let named = decoded.header.get("kid").and_then(Value::as_str);
    Finding::when(
        keys.len() < 2 || named.is_some_and(|kid| !kid.is_empty()),
        "a `kid` in the header of the id_token, since jwks_uri has several keys",
        format!("no `kid`, and {} keys at jwks_uri", keys.len()),
    )
}

fn algorithm_listed(context: &Context<'_>, decoded: &Decoded) -> Finding {
    let listed = context
        .world
        .known()
        .and_then(|facts| facts.openid.as_ref())
        .and_then(|document| document["id_token_signing_alg_values_supported"].as_array());
    let Some(listed) = listed else {
        return Finding::TooLittle("openid-configuration lists no id_token_signing_alg_values_supported".to_owned());
    };
    let alg = decoded.header.get("alg").unwrap_or(&Value::Null);
    let shown: Vec<_> = listed.iter().filter_map(Value::as_str).collect();
    Finding::when(
        listed.contains(alg),
        format!(
            "an `alg` of id_token_signing_alg_values_supported: {}",
            shown.join(", ")
        ),
        format!("`alg`: {alg}"),
    )
}

/// OpenID Connect Core §2: "ID Tokens SHOULD NOT use the JWS or JWE x5u, x5c, jku, or jwk Header Parameter fields."
fn plain_header(header: &Map<String, Value>) -> Finding {
    let found = ["jku", "jwk", "x5u", "x5c"]
        .into_iter()
        .find(|name| header.contains_key(*name));
    match found {
        Some(name) => Finding::broken(
            "a header without jku, jwk, x5u and x5c: keys are taken from jwks_uri alone",
            format!("`{name}` in it"),
        ),
        None => Finding::holds(),
    }
}

fn issuer(context: &Context<'_>, said: &Map<String, Value>) -> Finding {
    let facts = context.world.known();
    let document = facts
        .and_then(|facts| facts.openid.as_ref())
        .and_then(|document| document["issuer"].as_str());
    let Some(wanted) = document.or_else(|| facts.and_then(|facts| facts.issuer.as_deref())) else {
        return Finding::TooLittle("the server names no issuer that could be compared".to_owned());
    };
    claims::issuer(said, wanted)
}

fn fhir_user_present(context: &Context<'_>, label: Option<&str>, said: &Map<String, Value>) -> Finding {
    let granted = context.member(label, "scope");
    let Some(granted) = granted else {
        return Finding::TooLittle("the token response does not say whether fhirUser was granted".to_owned());
    };
    if !granted.split(' ').any(|scope| scope == "fhirUser") {
        return Finding::TooLittle("fhirUser was not granted".to_owned());
    }
    claims::fhir_user_present(said)
}

fn same_user(context: &Context<'_>, like: Option<&str>, said: &Map<String, Value>) -> Finding {
    let before = context
        .member(like, "id_token")
        .and_then(|token| decode(&token))
        .map(|decoded| decoded.claims);
    match before {
        Some(before) => client_id(context, |id| claims::same_user(&before, said, id)),
        None => Finding::TooLittle("no id_token came the first time".to_owned()),
    }
}
