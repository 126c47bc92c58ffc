//! Whether the server's published keys are sound. RFC 7517, RFC 7518 §3.3.

use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Finding, answer};
use crate::oauth::jwks::{Jwks, KeyFault};
use crate::step::Context;

/// `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwksArgs {
    /// Label of the `jwks` step; the last answer where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: KeyRule,
}

/// A rule about a JWK set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyRule {
    /// It is a JWK set with at least one key.
    IsJwks,
    /// Nothing private or symmetric is published.
    PublicOnly,
    /// Each key has `kty` and `kid`, and no `kid` stands twice.
    UniqueKids,
    /// RSA keys of 2048 bits and more, EC points on their curves.
    Strength,
    /// It has every key that the id_tokens of this run named by `kid`.
    OfThisRun,
}

/// `keys`.
pub fn keys(context: &Context<'_>, args: &JwksArgs) -> Finding {
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let Some(document) = &answer.json else {
        return Finding::broken("a JWK set", super::refusal::describe_answer(answer));
    };
    let set = match Jwks::parse(document) {
        Ok(set) => set,
        Err(problem) => return Finding::broken("a JWK set", problem.to_string()),
    };
    let wanted = match args.rule {
        KeyRule::IsJwks => {
            return Finding::when(!set.is_empty(), "a JWK set with at least one key", "no key in it");
        }
        KeyRule::OfThisRun => return of_this_run(context, &set),
        KeyRule::PublicOnly => "no private or symmetric member in any published key",
        KeyRule::UniqueKids => "each key with `kty` and a `kid` of its own",
        KeyRule::Strength => "RSA keys of 2048 bits or more, EC points on their curves",
    };
    match set
        .problems()
        .iter()
        .find(|problem| rule_of(&problem.fault) == args.rule)
    {
        Some(problem) => Finding::broken(wanted, problem.to_string()),
        None => Finding::holds(),
    }
}

/// OpenID Connect Core §10.1.1: a key stays for a while after the last signature.
fn of_this_run(context: &Context<'_>, set: &Jwks) -> Finding {
    let named = &context.world.issued.id_token_kids;
    let named = named.lock().unwrap_or_else(PoisonError::into_inner);
    if named.is_empty() {
        return Finding::TooLittle("no id_token of this run named its key by a `kid`".to_owned());
    }
    let gone = named.iter().find(|kid| !set.iter().any(|key| key.kid() == Some(kid)));
    Finding::when(
        gone.is_none(),
        "every key that an id_token of this run named by its `kid`",
        format!("no key `{}`", gone.map_or("", String::as_str)),
    )
}

fn rule_of(fault: &KeyFault) -> KeyRule {
    match fault {
        KeyFault::PrivateMember(_) => KeyRule::PublicOnly,
        KeyFault::NoKty | KeyFault::NoKid | KeyFault::DuplicateKid(_) => KeyRule::UniqueKids,
        KeyFault::ShortModulus(_) | KeyFault::CoordinateLength { .. } | KeyFault::NotOnCurve(_) => KeyRule::Strength,
        KeyFault::Missing(_) | KeyFault::NotBase64Url(_) | KeyFault::AlgDoesNotFit { .. } => KeyRule::IsJwks,
    }
}
