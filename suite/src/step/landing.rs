//! Where a walk through the authorization endpoint ended, in words: for reasons, findings and reports.

use super::context::Authorization;
use crate::user_agent::Landing;

/// Where a walk ended, in words.
pub fn describe(authorization: &Authorization) -> String {
    match &authorization.landing {
        Landing::Callback(url) => {
            let mut address = url.clone();
            address.set_query(None);
            address.set_fragment(None);
            let unregistered = if authorization.registered {
                ""
            } else {
                ", which is not registered"
            };
            match (authorization.parameter("error"), authorization.code()) {
                (_, Some(_)) => format!("a code, sent to {address}{unregistered}"),
                (Some(error), None) => {
                    let why = authorization
                        .parameter("error_description")
                        .unwrap_or("no error_description");
                    format!("the error `{error}` ({why}), sent to {address}{unregistered}")
                }
                (None, None) if authorization.parameter("access_token").is_some() => {
                    format!("an access token in the address, sent to {address}{unregistered}")
                }
                (None, None) => format!("the browser was sent to {address}{unregistered}, without code or error"),
            }
        }
        Landing::Foreign(url) => format!(
            "the browser was sent to {}, which is neither the server's nor a callback",
            url.origin().ascii_serialization()
        ),
        Landing::Refused { status, text, inferred } => {
            let how = if *inferred {
                "a page without a way on (inferred to be a refusal)"
            } else {
                "an error page"
            };
            format!("{how}, status {status}: {}", short(text))
        }
        Landing::Trouble { status, text } => format!("status {status}: {}", short(text)),
        Landing::Stuck { reason, .. } => format!("the user agent stood still: {reason}"),
        Landing::Failed(failure) => failure.to_string(),
    }
}

/// One line of at most 240 characters.
pub fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(240) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
