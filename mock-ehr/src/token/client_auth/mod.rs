//! Client authentication: which app sends this request, and can it prove it?
//!
//! RFC 6749 §2.3, §3.2.1: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3>

mod compact;
pub(crate) mod jwks_uri;
pub(crate) mod none;
pub(crate) mod private_key_jwt;
pub(crate) mod secret;
mod signature;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::GrantType;
use super::advice;
use super::reason::Reason;
use crate::config::{Client, ClientKind};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::journal::notes;
use crate::state::AppState;
use crate::store::registered::Known;

/// What the caller wants; some defects bite at one of them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Code,
    Push,
    Refresh,
    Introspect,
    Revoke,
}

impl From<GrantType> for Purpose {
    fn from(grant_type: GrantType) -> Self {
        match grant_type {
            GrantType::RefreshToken => Self::Refresh,
            GrantType::AuthorizationCode | GrantType::Password | GrantType::ClientCredentials => Self::Code,
        }
    }
}

/// The client that sends a request, as far as its kind can prove it.
pub(crate) fn check<'a>(
    app: &'a AppState,
    headers: &HeaderMap,
    parameters: &Parameters,
    purpose: Purpose,
) -> Result<Known<'a>, Reason> {
    let client = check_once(app, headers, parameters, purpose)?;
    // An assertion is spent by its check, which therefore looks twice by itself.
    if Method::presented(headers, parameters) != [Method::Assertion] {
        notes::second_look(|| {
            check_once(app, headers, parameters, purpose).map_err(|reason| advice::objection(&reason))
        });
    }
    Ok(client)
}

fn check_once<'a>(
    app: &'a AppState,
    headers: &HeaderMap,
    parameters: &Parameters,
    purpose: Purpose,
) -> Result<Known<'a>, Reason> {
    let mut methods = Method::presented(headers, parameters);
    if methods.len() > 1 {
        // RFC 6749 §2.3: "MUST NOT use more than one authentication method in each request".
        if !app.defects().has(Defect::ClientTwoMethodsAccepted) {
            let methods: Vec<_> = methods.iter().map(|method| method.name()).collect();
            return Err(Reason::TwoMethods {
                methods: methods.join(" and "),
            });
        }
        methods.truncate(1);
    }
    match methods.first() {
        Some(Method::Basic) => secret::basic(app, headers, parameters),
        Some(Method::Post) => secret::post(app, parameters),
        Some(Method::Assertion) => private_key_jwt::check(app, headers, parameters),
        None => none::check(app, parameters, purpose),
    }
}

/// A way to authenticate, as it shows in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Basic,
    Post,
    Assertion,
}

impl Method {
    fn presented(headers: &HeaderMap, parameters: &Parameters) -> Vec<Self> {
        let has = |name: &str| parameters.get(name).is_some();
        [
            (headers.contains_key(AUTHORIZATION), Self::Basic),
            (has("client_secret"), Self::Post),
            (has("client_assertion") || has("client_assertion_type"), Self::Assertion),
        ]
        .into_iter()
        .filter_map(|(presented, method)| presented.then_some(method))
        .collect()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Basic => "an Authorization header",
            Self::Post => "client_secret",
            Self::Assertion => "client_assertion",
        }
    }
}

/// What a client of this kind should have sent.
fn expected(client: &Client) -> &'static str {
    match client.kind {
        ClientKind::Public => "client_id alone",
        ClientKind::Symmetric => "client_secret_basic or client_secret_post",
        ClientKind::Asymmetric | ClientKind::Backend => "private_key_jwt",
    }
}
