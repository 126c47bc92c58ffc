//! Sends the answer as a form that the browser posts to the app: by itself, or by a button where no script runs.
//!
//! OAuth 2.0 Form Post Response Mode §2:
//! <https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html#FormPostResponseMode>

use askama::Template;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, PRAGMA};
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::defect::Defect;
use crate::form::decode;
use crate::page;
use crate::state::AppState;

/// The one script that the page may run.
const SCRIPT: &str = "document.forms[0].submit()";

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    address: &'a str,
    method: &'a str,
    fields: Vec<Field<'a>>,
    unescaped: bool,
    script: &'a str,
}

struct Field<'a> {
    name: &'a str,
    value: String,
}

/// The page; values come encoded.
pub(super) fn page(state: &AppState, redirect_uri: &str, answer: &[(&str, String)]) -> Response {
    let defects = state.defects();
    let mut address = redirect_uri.to_owned();
    if defects.has(Defect::FormPostCodeInAddress) {
        let mark = if address.contains('?') { '&' } else { '?' };
        let pairs: Vec<_> = answer.iter().map(|(name, value)| format!("{name}={value}")).collect();
        address = format!("{address}{mark}{}", pairs.join("&"));
    }
    let fields = answer.iter().map(|(name, value)| Field {
        name,
        value: shown(state, value),
    });
    let page = FormPost {
        address: &address,
        method: if defects.has(Defect::FormPostByGet) {
            "get"
        } else {
            "post"
        },
        fields: fields.collect(),
        unescaped: defects.has(Defect::FormPostUnescaped),
        script: SCRIPT,
    };
    let mut response = page::html(state, StatusCode::OK, page::render(&page));
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Form Post §2: the answer is for once; neither browser nor anybody between keeps it.
    if defects.has(Defect::FormPostCacheable) {
        headers.remove(CACHE_CONTROL);
        headers.remove(PRAGMA);
    }
    response
}

fn shown(state: &AppState, encoded: &str) -> String {
    let value = String::from_utf8_lossy(&decode(encoded.as_bytes())).into_owned();
    if value.contains(['&', '<', '"']) && state.defects().has(Defect::FormPostEscapedTwice) {
        return value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    }
    value
}

/// Nothing runs but the page's own script. Where the form goes is not said: browsers hold that against every redirect
/// after it, too, and an app may send its user on to another origin.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'"
    )
}
