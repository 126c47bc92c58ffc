//! Who may look at the inspector: pages of this server, and programs on this machine.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::management::{host, is_this_machine};
use crate::state::AppState;

/// A name that another site chose leads nowhere (DNS rebinding), and no other site's page sends a form here.
pub(super) async fn only_ours(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let ours = authority(state.public_url());
    let host = host(&request);
    let is_addressed = host.as_deref().is_none_or(|host| is_this_machine(host) || host == ours);
    let origin = request
        .headers()
        .get(ORIGIN)
        .map(|origin| origin.to_str().unwrap_or("null"));
    let is_own = origin.is_none_or(|origin| {
        let of_page = authority(origin);
        of_page == ours || host.as_deref() == Some(of_page)
    });
    if is_addressed && is_own {
        next.run(request).await
    } else {
        let why = "the inspector answers this server's own pages and programs on this machine\n";
        (StatusCode::FORBIDDEN, why).into_response()
    }
}

/// Host and port of an origin.
fn authority(origin: &str) -> &str {
    origin
        .split_once("://")
        .map_or("", |(_, rest)| rest.trim_end_matches('/'))
}

/// Headers that no defect takes away.
pub(super) async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 4] = [
        (CACHE_CONTROL, "no-store"),
        // With `no-referrer` the form that clears the list would come from the origin `null`.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}
