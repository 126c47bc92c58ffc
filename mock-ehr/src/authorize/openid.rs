//! Checks the parameters of OpenID Connect: prompt and max_age.
//!
//! OpenID Connect Core §3.1.2.1: <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest>

use super::reason::Reason;
use crate::form::Parameters;
use crate::state::AppState;
use crate::variant::Variant;

/// What they say.
pub(crate) struct OpenId {
    pub(crate) prompt: Vec<String>,
    pub(crate) max_age: Option<i64>,
}

pub(crate) fn check(app: &AppState, parameters: &Parameters) -> Result<OpenId, Reason> {
    let asks = parameters.filled("prompt").is_some() || parameters.filled("max_age").is_some();
    if asks && app.variants().has(Variant::PromptPassedOver) {
        return Ok(OpenId {
            prompt: Vec::new(),
            max_age: None,
        });
    }
    let text = parameters.filled("prompt").unwrap_or_default();
    let prompt: Vec<String> = text
        .split(' ')
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect();
    let is_known = |value: &String| ["none", "login", "consent", "select_account"].contains(&value.as_str());
    // "If this parameter contains none with any other value, an error is returned."
    let is_torn = prompt.len() > 1 && prompt.iter().any(|value| value == "none");
    if is_torn || !prompt.iter().all(is_known) {
        return Err(Reason::Prompt { was: text.to_owned() });
    }
    let max_age = match parameters.filled("max_age") {
        None => None,
        Some(text) => {
            let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
            Some(seconds.ok_or_else(|| Reason::MaxAge { was: text.to_owned() })?)
        }
    };
    Ok(OpenId { prompt, max_age })
}
