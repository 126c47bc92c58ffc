//! Whether an introspection answer agrees with the token response.
//!
//! SMART App Launch 2.2, "Required fields in the introspection response".

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::finding::{Finding, answer};
use crate::step::Context;

/// `introspected_exp`: `exp` is about now and `expires_in` of the token response, which must be fresh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectedExpArgs {
    /// Label or verb of the introspection; the last answer where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Label or verb of the token response.
    pub issued_by: String,
}

/// By so much two clocks may differ.
const SKEW_SECONDS: i64 = 300;

/// `introspected_exp`.
pub fn introspected_exp(context: &Context<'_>, args: &IntrospectedExpArgs) -> Finding {
    let (told, issued) = match (
        answer(context, args.of.as_deref()),
        answer(context, Some(&args.issued_by)),
    ) {
        (Ok(told), Ok(issued)) => (told, issued),
        (Err(finding), _) | (_, Err(finding)) => return finding,
    };
    let number = |document: &Option<Value>, name: &str| document.as_ref()?.get(name)?.as_i64();
    let Some(expires_in) = number(&issued.json, "expires_in") else {
        return Finding::TooLittle("the token response has no expires_in to compare with".to_owned());
    };
    let Some(exp) = number(&told.json, "exp") else {
        return Finding::broken(
            "`exp`, a whole number",
            "none in the introspection; see introspection/exp",
        );
    };
    let wanted = context.world.now().as_second() + expires_in;
    Finding::when(
        (exp - wanted).abs() <= SKEW_SECONDS,
        format!("`exp` about {wanted}: now and the {expires_in} seconds of `expires_in`"),
        format!("`exp`: {exp}"),
    )
}
