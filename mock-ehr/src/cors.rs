//! Which pages of other origins may read what: discovery everybody's, tokens and data those of registered apps.
//!
//! SMART App Launch 2.2, "Considerations for Cross-Origin Resource Sharing":
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html>; Fetch: <https://fetch.spec.whatwg.org/#http-cors-protocol>

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, COOKIE, ORIGIN, VARY,
};
use http::{HeaderValue, Method, StatusCode};

use crate::brands;
use crate::config::Client;
use crate::defect::Defect;
use crate::faults;
use crate::state::AppState;
use crate::variant::Variant;

/// Who may read an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    Everybody,
    RegisteredApps,
    Nobody,
}

fn readers(state: &AppState, path: &str) -> Readers {
    let defects = state.defects();
    let (readers, missing) = match path {
        "/fhir/.well-known/smart-configuration" => (Readers::Everybody, defects.has(Defect::DiscoveryCorsMissing)),
        "/fhir/metadata" => (Readers::Everybody, defects.has(Defect::MetadataCorsMissing)),
        "/.well-known/openid-configuration" => {
            (Readers::Everybody, defects.has(Defect::OpenidConfigurationCorsMissing))
        }
        "/.well-known/jwks.json" => (Readers::Everybody, defects.has(Defect::JwksCorsMissing)),
        brands::PATH => (Readers::Everybody, defects.has(Defect::BrandsCorsMissing)),
        "/.well-known/oauth-authorization-server" | "/smart-style.json" => (Readers::Everybody, false),
        "/auth/token" => (Readers::RegisteredApps, defects.has(Defect::TokenCorsMissing)),
        "/auth/introspect" | "/auth/revoke" | "/auth/userinfo" => (Readers::RegisteredApps, false),
        // RFC 9700 §2.6: browsers go there, pages never ask there.
        "/auth/authorize" if defects.has(Defect::AuthorizeCorsAllowed) => (Readers::Everybody, false),
        _ if path.starts_with("/fhir/") => (Readers::RegisteredApps, defects.has(Defect::FhirCorsMissing)),
        _ => (Readers::Nobody, false),
    };
    if missing { Readers::Nobody } else { readers }
}

/// Answers preflights, and marks answers, errors among them.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let defects = state.defects();
    let origin = request.headers().get(ORIGIN).cloned();
    let readers = readers(&state, request.uri().path());
    let by_cookie = request.headers().contains_key(COOKIE) && readers == Readers::RegisteredApps;
    let told = origin.clone().filter(|_| by_cookie);
    let anybody = state.variants().has(Variant::CorsAnyOrigin);
    let star = HeaderValue::from_static("*");
    let allowed = match (readers, origin) {
        (Readers::Everybody, _) => Some(star),
        (Readers::RegisteredApps, _) if anybody => Some(star),
        (Readers::RegisteredApps, Some(origin)) if is_registered(&state, &origin) => Some(origin),
        _ => None,
    };
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let kept = request.method() == Method::GET && request.uri().path().starts_with("/fhir/");
    let mut response = faults::around(async {
        if is_preflight && readers != Readers::Nobody {
            preflight(&state)
        } else {
            next.run(request).await
        }
    })
    .await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    if readers == Readers::RegisteredApps && !anybody {
        if kept && defects.has(Defect::CorsVaryMissing) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        } else {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
    }
    if let Some(origin) = told
        && defects.has(Defect::FhirSessionCookieReadable)
    {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        return response;
    }
    let Some(allowed) = allowed else { return response };
    if failed && defects.has(Defect::CorsErrorMissing) {
        return response;
    }
    if defects.has(Defect::CorsOriginTwice) {
        headers.append(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
    }
    headers.append(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if defects.has(Defect::CorsWildcardCredentials) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Content-Location, ETag, Last-Modified, Location, WWW-Authenticate"),
    );
    if is_preflight {
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(&state));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// A preflight carries no token, so it is answered without one.
fn preflight(state: &AppState) -> Response {
    if state.defects().has(Defect::CorsPreflightRefused) {
        return (StatusCode::UNAUTHORIZED, "Unauthorized\n").into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}

fn allowed_headers(state: &AppState) -> HeaderValue {
    HeaderValue::from_static(if state.defects().has(Defect::CorsAuthorizationNotAllowed) {
        "Accept, Content-Type"
    } else if state.defects().has(Defect::CorsAuthorizationByStar) {
        // Fetch: `*` does not cover Authorization.
        "*"
    } else {
        "Accept, Authorization, Content-Type, If-Match, If-None-Exist, If-None-Match, Prefer, X-Requested-With"
    })
}

fn is_registered(state: &AppState, origin: &HeaderValue) -> bool {
    let is_of = |client: &Client| {
        let mut origins = client.origins.iter();
        origins.any(|known| known.as_bytes() == origin.as_bytes())
    };
    state.config().clients.iter().any(is_of) || state.store().any_registration(|known| is_of(&known.client))
}
