//! How many bits the codes and tokens of a run can carry.
//!
//! RFC 6749 §10.10 asks for a chance of guessing of at most 2^-128, better 2^-160. What a black box can see is a bound
//! from above: the alphabet that was seen times the characters that vary. A JWT is judged by its signature.

use std::collections::{BTreeSet, HashSet};
use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::Finding;
use crate::step::Context;

/// `entropy`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntropyArgs {
    /// Of which values of the run.
    pub of: Issued,
    /// Bits that they must be able to carry.
    pub bits: u32,
}

/// What a server issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Issued {
    /// Authorization codes.
    Code,
    /// Access tokens.
    AccessToken,
    /// Refresh tokens.
    RefreshToken,
}

/// Fewer values say too little.
const SAMPLES: usize = 8;

/// `entropy`.
pub fn entropy(context: &Context<'_>, args: &EntropyArgs) -> Finding {
    let issued = &context.world.issued;
    let (name, list) = match args.of {
        Issued::Code => ("authorization codes", &issued.codes),
        Issued::AccessToken => ("access tokens", &issued.access_tokens),
        Issued::RefreshToken => ("refresh tokens", &issued.refresh_tokens),
    };
    let values = list.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if values.len() < SAMPLES {
        return Finding::TooLittle(format!("only {} {name} were seen; {SAMPLES} are needed", values.len()));
    }
    let distinct: HashSet<&String> = values.iter().collect();
    let expected = format!("{name} that can carry {} bits", args.bits);
    // Refresh tokens and their like may legally be given again; codes and access tokens are new each time.
    if args.of == Issued::Code && distinct.len() < values.len() {
        let observed = format!("{} values, only {} of them different", values.len(), distinct.len());
        return Finding::broken(expected, observed);
    }
    let distinct: Vec<&str> = distinct.into_iter().map(String::as_str).collect();
    if distinct.len() < SAMPLES {
        return Finding::TooLittle(format!("only {} different {name} were seen", distinct.len()));
    }
    let bits = capacity(&distinct);
    let observed = format!("room for about {bits:.0} bits in {} values", distinct.len());
    Finding::when(bits >= f64::from(args.bits), expected, observed)
}

/// An upper bound of the bits: for each position the values seen there, extrapolated to the alphabet of all that vary.
pub fn capacity(values: &[&str]) -> f64 {
    let shortest = values.iter().map(|value| value.len()).min().unwrap_or_default();
    let columns: Vec<BTreeSet<u8>> = (0..shortest)
        .map(|at| values.iter().map(|value| value.as_bytes()[at]).collect())
        .collect();
    let varying: Vec<&BTreeSet<u8>> = columns.iter().filter(|column| column.len() > 1).collect();
    let alphabet: BTreeSet<u8> = varying.iter().flat_map(|column| column.iter().copied()).collect();
    let size = alphabet_size(&alphabet);
    #[expect(clippy::cast_precision_loss, reason = "a count of characters is small")]
    let positions = varying.len() as f64;
    positions * size.log2()
}

/// The smallest usual alphabet that holds all of them.
fn alphabet_size(seen: &BTreeSet<u8>) -> f64 {
    let all = |test: fn(u8) -> bool| seen.iter().all(|byte| test(*byte));
    if seen.is_empty() {
        1.0
    } else if all(|byte| byte.is_ascii_digit()) {
        10.0
    } else if all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        || all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    {
        16.0
    } else if all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        || all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    {
        36.0
    } else {
        64.0
    }
}

#[cfg(test)]
mod tests {
    use super::capacity;

    #[test]
    fn counters_and_short_digits_carry_little() {
        let counters = ["code-0001", "code-0002", "code-0003", "code-0014"];
        assert!(capacity(&counters) < 10.0);
        let six = ["482913", "119234", "904417", "557120", "330918", "671245"];
        assert!(capacity(&six) < 21.0);
    }

    #[test]
    fn random_tokens_carry_enough() {
        let hex = [
            "9f86d081884c7d659a2feaa0c55ad015",
            "60303ae22b998861bce3b28f33eec1be",
            "fd61a03af4f77d870fc21e05e7e80678",
            "a4e624d686e03ed2767c0abd85c14426",
        ];
        assert!((capacity(&hex) - 128.0).abs() < 13.0, "{}", capacity(&hex));
    }
}
