//! What can go wrong at an identity provider, and the page that says it: nothing is swallowed.
//!
//! RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core §3.1.2.6: <https://openid.net/specs/openid-connect-core-1_0.html#AuthError>

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::page;
use crate::state::AppState;
use crate::store::pending::Pending;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// No answer, or none that is of use.
    #[error("Its {what} cannot be used: {why}.")]
    Unusable {
        what: &'static str,
        url: String,
        why: String,
    },
    /// What it says of itself does not do.
    #[error("Its openid-configuration cannot be used: {0}.")]
    Metadata(String),
    /// An error of OAuth or OpenID Connect.
    #[error("Its {by} refuses: {error}.")]
    Refused {
        by: &'static str,
        error: String,
        description: Option<String>,
    },
    /// The browser came back with something else than a code or an error.
    #[error("It sent the browser back wrongly: {0}.")]
    Response(String),
    /// The id_token is not what it must be.
    #[error("Its id_token is not accepted: {0}.")]
    IdToken(String),
    /// There is no claim that says who it is.
    #[error("It does not say who you are: the claim `{0}` is neither in its id_token nor at its userinfo endpoint.")]
    NoClaim(String),
    /// Nobody confirmed that the address is the user's.
    #[error("It says that {0} is your e-mail address, and that nobody has verified it.")]
    Unverified(String),
    /// Somebody whom the mock does not know.
    #[error("It says that your `{claim}` is {value}, and no user here has that name.")]
    Unknown { claim: String, value: String },
}

impl Problem {
    /// What to do about it.
    fn advice(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => {
                "Is it running, and is `issuer` right? A certificate that this machine does not know needs `ca_certificate`."
            }
            Self::Metadata(_) => "Correct `issuer` in [identity_provider], or the provider's own settings.",
            Self::Refused { error, .. } => match error.as_str() {
                "access_denied" => "Somebody said no at the provider. Try again, or go back.",
                "invalid_client" | "unauthorized_client" => {
                    "Compare `client_id` and `client_secret` in [identity_provider] with what is registered there."
                }
                "invalid_scope" => "Set `scopes` in [identity_provider] to what this client may ask for there.",
                _ => "The words above are the provider's own.",
            },
            Self::Response(_) | Self::IdToken(_) => {
                "An answer like this can be forged, or meant for somebody else; nobody was signed in."
            }
            Self::NoClaim(_) => "Set `claim` or `scopes` in [identity_provider], or let the provider send the claim.",
            Self::Unverified(_) => "Verify it at the provider, or set `claim` in [identity_provider] to another one.",
            Self::Unknown { .. } => {
                "Add a user of that name to the mock's configuration, or a line to [identity_provider.users]."
            }
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown { .. } | Self::Unverified(_) => StatusCode::FORBIDDEN,
            Self::Refused { by, .. } if *by == super::AUTHORIZATION_ENDPOINT => StatusCode::BAD_REQUEST,
            Self::Response(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

#[derive(Template)]
#[template(path = "identity_provider_problem.html")]
struct Page<'a> {
    issuer: &'a str,
    what: String,
    description: Option<&'a str>,
    url: Option<&'a str>,
    advice: &'a str,
    pending: Option<&'a Pending>,
    /// Whether another user could do better.
    other: bool,
    again: &'a str,
}

/// The page, from which the user can try again, or go back to the app that asked, if one did.
pub(super) fn show(state: &AppState, issuer: &str, problem: &Problem, pending: Option<&Pending>) -> Response {
    let (description, url) = match problem {
        Problem::Refused { description, .. } => (description.as_deref(), None),
        Problem::Unusable { url, .. } => (None, Some(url.as_str())),
        _ => (None, None),
    };
    let page = Page {
        issuer,
        what: problem.to_string(),
        description,
        url,
        advice: problem.advice(),
        pending,
        other: matches!(problem, Problem::Unknown { .. } | Problem::Unverified(_)),
        again: crate::granted_apps::PATH,
    };
    page::html(state, problem.status(), page::render(&page))
}
