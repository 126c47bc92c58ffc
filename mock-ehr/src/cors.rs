//! Which pages of other origins may read what: discovery everybody's, tokens and data those of registered apps.
//!
//! SMART App Launch 2.2, "Considerations for Cross-Origin Resource Sharing":
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html>; Fetch: <https://fetch.spec.whatwg.org/#http-cors-protocol>

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderValue, Method, StatusCode};

use crate::defect::Defect;
use crate::state::AppState;

/// Who may read an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    Everybody,
    RegisteredApps,
    Nobody,
}

fn readers(state: &AppState, path: &str) -> Readers {
    match path {
        "/fhir/.well-known/smart-configuration" if state.defects().has(Defect::DiscoveryCorsMissing) => Readers::Nobody,
        "/fhir/.well-known/smart-configuration"
        | "/fhir/metadata"
        | "/.well-known/openid-configuration"
        | "/.well-known/jwks.json"
        | "/smart-style.json" => Readers::Everybody,
        "/auth/token" if state.defects().has(Defect::TokenCorsMissing) => Readers::Nobody,
        "/auth/token" | "/auth/introspect" | "/auth/revoke" => Readers::RegisteredApps,
        _ if path.starts_with("/fhir/") => Readers::RegisteredApps,
        _ => Readers::Nobody,
    }
}

/// Answers preflights, and marks answers, errors among them.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let readers = readers(&state, request.uri().path());
    let allowed = match (readers, origin) {
        (Readers::Everybody, _) => Some(HeaderValue::from_static("*")),
        (Readers::RegisteredApps, Some(origin)) if is_registered(&state, &origin) => Some(origin),
        _ => None,
    };
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight && readers != Readers::Nobody {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if readers == Readers::RegisteredApps {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    let Some(allowed) = allowed else { return response };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Content-Location, ETag, Last-Modified, Location, WWW-Authenticate"),
    );
    if is_preflight {
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "Accept, Authorization, Content-Type, If-Match, If-None-Match, Prefer, X-Requested-With",
            ),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

fn is_registered(state: &AppState, origin: &HeaderValue) -> bool {
    let clients = &state.config().clients;
    clients
        .iter()
        .flat_map(|client| &client.origins)
        .any(|known| known.as_bytes() == origin.as_bytes())
}
