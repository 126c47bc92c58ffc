//! Comparisons of texts that a run saw: the same, different, unrelated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::Finding;
use crate::oauth::pkce;
use crate::step::Context;
use crate::value::Template;

/// `same`, `differ`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextsArgs {
    /// The one.
    pub a: Template,
    /// The other.
    pub b: Template,
}

/// `unrelated`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnrelatedArgs {
    /// What was issued.
    pub value: Template,
    /// What must not be found in it: as it stands, base64-decoded, or hashed.
    pub to: Vec<Template>,
}

fn fill(context: &Context<'_>, template: &Template) -> Result<String, Finding> {
    context
        .fill(template, &|_: &str| None)
        .map_err(|halt| Finding::Unreached(format!("{template}: {halt:?}")))
}

/// `same` and `differ`.
pub fn same(context: &Context<'_>, args: &TextsArgs, should: bool) -> Finding {
    let (a, b) = match (fill(context, &args.a), fill(context, &args.b)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(finding), _) | (_, Err(finding)) => return finding,
    };
    let expected = if should { "the same" } else { "different values" };
    Finding::when(
        (a == b) == should,
        format!("{} and {}: {expected}", args.a, args.b),
        format!("`{a}` and `{b}`"),
    )
}

/// `unrelated`: neither stands in the other, raw, base64url-decoded, or as a SHA-256.
pub fn unrelated(context: &Context<'_>, args: &UnrelatedArgs) -> Finding {
    let value = match fill(context, &args.value) {
        Ok(value) => value,
        Err(finding) => return finding,
    };
    let decoded: Vec<String> = value
        .split('.')
        .filter_map(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    for template in &args.to {
        let Ok(other) = fill(context, template) else { continue };
        if other.len() < 8 {
            continue;
        }
        let hashed = pkce::s256(&other);
        let inside = value.contains(&other)
            || value.contains(&hashed)
            || decoded
                .iter()
                .any(|text| text.contains(&other) || text.contains(&hashed));
        if inside {
            return Finding::broken(
                format!("{} from which nobody can read {template}", args.value),
                format!("{template} stands in it, as it is, encoded, or hashed"),
            );
        }
    }
    Finding::holds()
}
