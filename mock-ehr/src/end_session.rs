//! Ends the session of the browser, and where an identity provider signed the user in, the one there. The app is not asked
//! where to go then: no post_logout_redirect_uri is registered.
//!
//! OpenID Connect RP-Initiated Logout 1.0: <https://openid.net/specs/openid-connect-rpinitiated-1_0.html>

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::authorize::flow;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::identity_provider::logout;
use crate::page;
use crate::state::AppState;

/// `GET` and `POST /auth/end-session`
pub(crate) async fn handle(
    State(state): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let raw = if method == Method::POST {
        &body[..]
    } else {
        uri.query().unwrap_or_default().as_bytes()
    };
    let Ok(parameters) = Parameters::parse(raw) else {
        return flow::stray(&state, "What the browser sent is not UTF-8.");
    };
    // RP-Initiated Logout §3: no redirect to an address that was not registered before.
    if let Some(address) = parameters.filled("post_logout_redirect_uri")
        && state.defects().has(Defect::EndSessionOpenRedirector)
        && let Ok(address) = HeaderValue::from_str(address)
    {
        let mut response = page::html(&state, StatusCode::SEE_OTHER, String::new());
        response.headers_mut().insert(LOCATION, address);
        return response;
    }
    let session = flow::session_of(&state, &headers, state.now());
    flow::sign_out(&state, &headers);
    let at_provider = session.and_then(|(_, session)| session.signed_in?.at_provider);
    match (&state.config().identity_provider, at_provider) {
        (Some(settings), Some(at)) => logout::depart(&state, settings, &at),
        _ => logout::signed_out(&state),
    }
}
