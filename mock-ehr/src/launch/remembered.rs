//! Two cookies of the launcher page: what was chosen last, and the key that shows that a form is the page's own.

use axum::response::Response;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq as _;

use super::choices::Choices;
use crate::form::{Parameters, decode, encode};
use crate::state::AppState;

const LAST: &str = "mock_ehr_launcher";
const KEY: &str = "mock_ehr_launcher_key";

/// Browsers drop a cookie beyond 4096 bytes.
const AT_MOST: usize = 3500;

/// What was chosen last; nothing where nobody did.
pub(super) fn last(headers: &HeaderMap) -> Option<Choices> {
    let text = cookie(headers, LAST)?;
    let query = decode(text.as_bytes());
    let choices = Choices::of(&Parameters::parse(&query).ok()?);
    (!choices.is_empty()).then_some(choices)
}

/// Remembers what was chosen, without the long texts where they are too long.
pub(super) fn keep(response: &mut Response, choices: &Choices) {
    let mut value = encode(&choices.query());
    if value.len() > AT_MOST {
        let short = Choices {
            context: String::new(),
            extra: String::new(),
            ..choices.clone()
        };
        value = encode(&short.query());
    }
    if value.len() <= AT_MOST {
        let year = 365 * 24 * 3600;
        set(
            response,
            &format!("{LAST}={value}; Path=/; Max-Age={year}; HttpOnly; SameSite=Lax"),
        );
    }
}

/// The key of this browser; a new one is given with [`give_key`].
pub(super) fn key(state: &AppState, headers: &HeaderMap) -> String {
    match cookie(headers, KEY).filter(|key| !key.is_empty()) {
        Some(key) => key.to_owned(),
        None => state.chance().token::<16>(),
    }
}

/// A browser does not send this cookie along with the form of another site.
pub(super) fn give_key(response: &mut Response, key: &str) {
    set(response, &format!("{KEY}={key}; Path=/; HttpOnly; SameSite=Strict"));
}

/// Did the page itself send this form?
pub(super) fn is_own_form(headers: &HeaderMap, form: &Parameters) -> bool {
    let (Some(key), Some(sent)) = (cookie(headers, KEY), form.filled("csrf")) else {
        return false;
    };
    key.as_bytes().ct_eq(sent.as_bytes()).into()
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn set(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
