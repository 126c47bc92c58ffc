//! Reads the parameters of an authorization request, from the query or a form body.
//!
//! RFC 6749 §3.1: <https://www.rfc-editor.org/rfc/rfc6749#section-3.1>

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::Refusal;
use super::reason::Reason;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;

/// What an authorization request brings.
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

const AT_MOST: usize = 16 * 1024;

/// Every parameter, or why they cannot be read; then nothing can be trusted, so the answer is a page.
pub(crate) fn read(state: &AppState, incoming: &Incoming<'_>) -> Result<Parameters, Refusal> {
    let defects = state.defects();
    // RFC 6749 §3.1: GET must be served. SMART 2.2: POST too, where authorize-post is listed.
    let is_post = incoming.method == Method::POST;
    let refused = if is_post {
        defects.has(Defect::AuthorizePostRefused)
    } else {
        defects.has(Defect::AuthorizeGetRefused)
    };
    if refused {
        return Err(Refusal::Page(Reason::Method {
            was: incoming.method.to_string(),
        }));
    }
    let size = incoming.query.len() + incoming.body.len();
    if size > AT_MOST {
        return Err(Refusal::Page(Reason::TooMuch {
            was: size,
            limit: AT_MOST,
        }));
    }
    let mut parameters = parse(state, incoming.query.as_bytes())?;
    if is_post {
        let kind = incoming
            .headers
            .get(CONTENT_TYPE)
            .map(http::HeaderValue::as_bytes)
            .unwrap_or_default();
        if !kind
            .to_ascii_lowercase()
            .starts_with(b"application/x-www-form-urlencoded")
        {
            let was = String::from_utf8_lossy(kind).into_owned();
            return Err(Refusal::Page(Reason::ContentType { was }));
        }
        parameters.extend(parse(state, incoming.body)?);
    }
    if defects.has(Defect::AuthorizeLongValue5xx) && parameters.iter().any(|(_, value)| value.len() > 500) {
        return Err(Refusal::Broken);
    }
    if defects.has(Defect::AuthorizeCorrectRequest5xx) {
        return Err(Refusal::Broken);
    }
    Ok(parameters)
}

fn parse(state: &AppState, raw: &[u8]) -> Result<Parameters, Refusal> {
    Parameters::parse(raw).map_err(|error| {
        if state.defects().has(Defect::AuthorizeNonUtf85xx) {
            Refusal::Broken
        } else {
            Refusal::Page(Reason::NotUtf8 { name: error.name })
        }
    })
}

const KNOWN: [&str; 14] = [
    "aud",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "launch",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// RFC 6749 §3.1: no parameter twice; parameters that are not known are ignored.
pub(crate) fn check(state: &AppState, parameters: &Parameters) -> Result<(), Reason> {
    let defects = state.defects();
    if let Some((name, times)) = parameters.repeated() {
        // A redirect_uri that came twice was judged before.
        let tolerated = name == "redirect_uri" || defects.has(Defect::DuplicateParametersAccepted);
        if !tolerated {
            return Err(Reason::Repeated {
                name: name.to_owned(),
                times,
            });
        }
    }
    if defects.has(Defect::AuthorizeUnknownParameterRefused)
        && let Some((name, _)) = parameters.iter().find(|(name, _)| !KNOWN.contains(name))
    {
        return Err(Reason::UnknownParameter { name: name.to_owned() });
    }
    Ok(())
}
