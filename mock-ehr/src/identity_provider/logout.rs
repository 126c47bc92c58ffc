//! Sign-out at the identity provider: whoever signs out here signs out there too, and comes back.
//!
//! OpenID Connect RP-Initiated Logout 1.0 §2, §3: <https://openid.net/specs/openid-connect-rpinitiated-1_0.html>
//!
//! The browser is sent with a `state` that stands in a cookie of it: an answer that does not bring it back was not asked for.

use std::fmt;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::settings::IdentityProvider;
use crate::authorize::flow;
use crate::form::Parameters;
use crate::page;
use crate::state::AppState;

/// Where the provider sends the browser back: it has to be registered there.
pub(crate) const SIGNED_OUT: &str = "/auth/signed-out";

const COOKIE_NAME: &str = "mock_ehr_sign_out";

/// Seconds for which the way there and back may take.
const LIFETIME: u32 = 600;

/// What a session is at the provider, for its end.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtProvider {
    /// Where it is ended; a provider need not have that.
    pub(super) end_session_endpoint: Option<Url>,
    /// Of whose session it is.
    pub(super) id_token: String,
}

impl fmt::Debug for AtProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtProvider")
            .field(
                "end_session_endpoint",
                &self.end_session_endpoint.as_ref().map(Url::as_str),
            )
            .finish_non_exhaustive()
    }
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut<'a> {
    /// Where the user is signed in still.
    remains_at: Option<&'a str>,
    /// Where the session was ended as well.
    ended_at: Option<&'a str>,
}

/// The page after the end of a session of this server alone.
pub(crate) fn signed_out(state: &AppState) -> Response {
    shown(state, None, None)
}

/// A session ended here: the browser goes on to the provider, to end it there.
pub(crate) fn depart(state: &AppState, settings: &IdentityProvider, at: &AtProvider) -> Response {
    let Some(endpoint) = &at.end_session_endpoint else {
        return shown(state, Some(&settings.issuer), None);
    };
    let own_state = state.chance().token::<32>();
    let mut address = endpoint.clone();
    address
        .query_pairs_mut()
        .append_pair("id_token_hint", &at.id_token)
        .append_pair("client_id", &settings.client_id)
        .append_pair(
            "post_logout_redirect_uri",
            &format!("{}{SIGNED_OUT}", state.public_url()),
        )
        .append_pair("state", &own_state);
    let mut response = flow::go(state, address.as_str());
    keep(state, &mut response, &own_state, LIFETIME);
    response
}

/// `GET /auth/signed-out`: the provider sent the browser back.
pub(crate) async fn arrive(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Some(settings) = &state.config().identity_provider else {
        return flow::stray(&state, "This server signs its users in and out by itself.");
    };
    let Ok(parameters) = Parameters::parse(query.unwrap_or_default().as_bytes()) else {
        return flow::stray(&state, "What the browser sent is not UTF-8.");
    };
    let sent = flow::cookie_of(&headers, COOKIE_NAME).filter(|sent| !sent.is_empty());
    let came = parameters.get("state").unwrap_or_default();
    let is_asked = sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(came.as_bytes())));
    if !is_asked || parameters.repeated().is_some() {
        return flow::stray(
            &state,
            "No sign-out at the identity provider is under way here: it is finished, it took too long, or it began in another browser.",
        );
    }
    let mut response = shown(&state, None, Some(&settings.issuer));
    keep(&state, &mut response, "", 0);
    response
}

fn shown(state: &AppState, remains_at: Option<&str>, ended_at: Option<&str>) -> Response {
    let page = SignedOut { remains_at, ended_at };
    page::html(state, StatusCode::OK, page::render(&page))
}

fn keep(state: &AppState, response: &mut Response, own_state: &str, seconds: u32) {
    let secure = if state.public_url().starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        format!("{COOKIE_NAME}={own_state}; Path={SIGNED_OUT}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
