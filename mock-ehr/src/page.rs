//! How every page of the mock is sent: never cached, never framed by a stranger, without a word to the next site.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::defect::Defect;
use crate::state::AppState;

/// Sends an HTML page.
pub(crate) fn html(state: &AppState, status: StatusCode, mut body: String) -> Response {
    // RFC 9700 §4.2.4: nobody else learns what stands in the addresses of these pages.
    let third_party = state.defects().has(Defect::PagesThirdParty);
    if third_party && !body.is_empty() {
        body.push_str("<img src=\"https://stats.example/pixel.gif\" alt=\"\">\n");
    }
    let mut response = (status, body).into_response();
    let mut set = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, "text/html; charset=utf-8");
    // RFC 6749 §10.13: clickjacking. The launcher may embed its own pages.
    if !state.defects().has(Defect::PagesFrameable) {
        set(X_FRAME_OPTIONS, "SAMEORIGIN");
        set(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'",
        );
    }
    // RFC 9700 §4.2: addresses of these pages must not leak by Referer.
    if !state.defects().has(Defect::PagesCacheable) {
        set(CACHE_CONTROL, "no-store");
        set(PRAGMA, "no-cache");
        if !third_party {
            set(REFERRER_POLICY, "no-referrer");
        }
    }
    response
}

/// What the defect `error_stack_trace` shows.
pub(crate) const STACK_TRACE: &str = "java.lang.IllegalStateException: cannot parse\n\tat example.ehr.Endpoint.parse(Endpoint.java:42)\n\tat example.ehr.Main.main(Main.java:7)";

/// Renders a template; askama fails only where a value's own `Display` does.
pub(crate) fn render(template: &impl askama::Template) -> String {
    template
        .render()
        .unwrap_or_else(|error| format!("<p>This page cannot be shown: {error}</p>"))
}

/// A body beyond every limit.
pub(crate) fn too_large() -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.\n").into_response()
}
