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

/// `introspected_context`: launch context of the token response stands in the introspection, with the same values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectedContextArgs {
    /// Label or verb of the introspection; the last answer where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Label or verb of the token response.
    pub issued_by: String,
    /// Members of the token response that are compared, where they are there.
    pub members: Vec<String>,
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

/// `introspected_context`.
pub fn introspected_context(context: &Context<'_>, args: &IntrospectedContextArgs) -> Finding {
    let (told, issued) = match (
        answer(context, args.of.as_deref()),
        answer(context, Some(&args.issued_by)),
    ) {
        (Ok(told), Ok(issued)) => (told, issued),
        (Err(finding), _) | (_, Err(finding)) => return finding,
    };
    let Some(told) = &told.json else {
        return Finding::broken("a JSON body", super::refusal::describe_answer(told));
    };
    compare(issued.json.as_ref().unwrap_or(&Value::Null), told, &args.members)
}

fn compare(issued: &Value, told: &Value, members: &[String]) -> Finding {
    let there: Vec<_> = members
        .iter()
        .filter_map(|name| Some((name, issued.get(name)?)))
        .collect();
    if there.is_empty() {
        return Finding::TooLittle(format!("the token response has none of {}", members.join(", ")));
    }
    for (name, value) in &there {
        let Some(again) = told.get(name.as_str()) else {
            return Finding::broken(
                format!("`{name}` in the introspection, as the token response has it: {value}"),
                "none",
            );
        };
        if again != *value {
            return Finding::broken(
                format!("`{name}` as the token response has it: {value}"),
                again.to_string(),
            );
        }
    }
    let names: Vec<_> = there.iter().map(|(name, _)| name.as_str()).collect();
    Finding::Holds(Some(format!("the same {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_issued_must_be_told_and_nothing_else() {
        let members = ["patient".to_owned(), "encounter".to_owned()];
        let issued = json!({ "patient": "a" });
        let same = json!({ "patient": "a", "encounter": "e", "sub": "x" });
        assert!(matches!(compare(&issued, &same, &members), Finding::Holds(_)));
        for other in [json!({}), json!({ "patient": "b" }), json!({ "patient": ["a"] })] {
            assert!(matches!(compare(&issued, &other, &members), Finding::Broken { .. }));
        }
        assert!(matches!(compare(&json!({}), &same, &members), Finding::TooLittle(_)));
    }
}
