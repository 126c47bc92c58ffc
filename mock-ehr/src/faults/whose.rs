//! Tells whose a request is, as far as it says so before it is judged.
//!
//! - Requests with client authentication: Basic credentials, `client_id`, or the subject of a client assertion; none of
//!   them is verified.
//! - Requests of public clients: `client_id`, or whose the code, refresh token or token in the form is.
//! - Requests to the authorization endpoint: `client_id`, or whose the pushed request is; the pages after it by the
//!   request for which they were made.
//! - Requests with a bearer token: whose it is. A token that nobody was given has no client, nor has one that expired so
//!   long ago that it was forgotten.
//! - The registration of a client by its address. `GET /launch` by its parameter.
//!
//! Unknown are: discovery and key sets, preflights, registration itself, `POST /launches`, and FHIR without a token.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use serde_json::Value;

use crate::form::{Parameters, decode};
use crate::state::AppState;
use crate::token::access::bearer;

/// Does a form say it?
pub(super) fn is_in_body(head: &Parts) -> bool {
    head.uri.path().starts_with("/auth/")
        && head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

/// The client of a request.
pub(super) fn client(state: &AppState, head: &Parts, form: &[u8]) -> Option<String> {
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    let mut parameters = Parameters::parse(form).unwrap_or_default();
    parameters.extend(Parameters::parse(query.as_bytes()).unwrap_or_default());
    if path == "/launch" {
        return parameters.filled("client").map(str::to_owned);
    }
    if let Some(id) = path.strip_prefix("/auth/register/") {
        return Some(id.to_owned());
    }
    if !path.starts_with("/auth/") {
        return of_bearer(state, &head.headers);
    }
    let named = basic(&head.headers).or_else(|| parameters.filled("client_id").map(str::to_owned));
    let named = named.or_else(|| subject(parameters.filled("client_assertion")?));
    named
        .or_else(|| of_parameters(state, &parameters))
        .or_else(|| of_bearer(state, &head.headers))
}

fn of_bearer(state: &AppState, headers: &HeaderMap) -> Option<String> {
    let token = state.store().access_token(bearer(headers).ok()?)?;
    Some(token.grant.client_id.clone())
}

/// What the server gave out, and to whom.
fn of_parameters(state: &AppState, parameters: &Parameters) -> Option<String> {
    let store = state.store();
    let by = |name: &str| parameters.filled(name);
    let of_token = |text: &str| {
        let access = store.access_token(text).map(|token| token.grant);
        let grant = access.or_else(|| store.refresh_token(text).map(|token| token.grant))?;
        Some(grant.client_id.clone())
    };
    let of_page = |id: &str| Some(store.pending_of_any(id, state.now())?.request.client_id);
    let found = by("code").and_then(|code| store.client_of_code(code));
    let found = found.or_else(|| of_token(by("refresh_token")?));
    let found = found.or_else(|| of_page(by("request")?));
    let found = found.or_else(|| store.client_of_pushed(by("request_uri")?));
    found.or_else(|| of_token(by("token")?))
}

fn basic(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(credentials.trim()).ok()?;
    let end = bytes.iter().position(|byte| *byte == b':')?;
    String::from_utf8(decode(&bytes[..end])).ok()
}

/// Whom a client assertion says that it is from.
fn subject(assertion: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}
