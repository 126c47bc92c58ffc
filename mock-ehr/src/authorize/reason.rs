//! Why an authorization request is refused: the code on the wire, and the sentence for the developer.
//!
//! RFC 6749 §4.1.2.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1>

use std::fmt;

/// Why, with what came and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    TooMuch {
        was: usize,
        limit: usize,
    },
    Method {
        was: String,
    },
    ContentType {
        was: String,
    },
    NotUtf8 {
        name: String,
    },
    Missing {
        name: &'static str,
        expected: String,
    },
    Repeated {
        name: String,
        times: usize,
    },
    UnknownParameter {
        name: String,
    },
    TooLong {
        name: &'static str,
        was: usize,
        limit: usize,
    },
    UnknownClient {
        was: String,
    },
    RedirectUri {
        was: String,
        registered: Vec<String>,
    },
    ResponseType {
        was: String,
    },
    ResponseMode {
        was: String,
    },
    RequestObject,
    RequestUri,
    NotPushed,
    PushedUnknown,
    PushedForeign,
    PushedExpired,
    PushedSpent,
    ChallengeMalformed {
        was: String,
    },
    ChallengeMethod {
        was: String,
    },
    Aud {
        was: String,
        expected: String,
    },
    LaunchUnknown,
    LaunchAltered,
    LaunchExpired {
        expired: String,
    },
    LaunchSpent,
    LaunchForeignClient {
        was: String,
        expected: String,
    },
    LaunchForeignUser {
        was: String,
        expected: String,
    },
    MissingScope,
    NoScope {
        was: String,
    },
    Prompt {
        was: String,
    },
    MaxAge {
        was: String,
    },
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    NoPatient {
        user: String,
    },
    Denied,
    NothingAllowed,
}

/// Error codes of the authorization endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// `invalid_request`, RFC 6749 §4.1.2.1
    InvalidRequest,
    /// `unauthorized_client`, RFC 6749 §4.1.2.1
    UnauthorizedClient,
    /// `access_denied`, RFC 6749 §4.1.2.1
    AccessDenied,
    /// `unsupported_response_type`, RFC 6749 §4.1.2.1
    UnsupportedResponseType,
    /// `invalid_scope`, RFC 6749 §4.1.2.1
    InvalidScope,
    /// `login_required`, OpenID Connect Core §3.1.2.6
    LoginRequired,
    /// `consent_required`, OpenID Connect Core §3.1.2.6
    ConsentRequired,
    /// `interaction_required`, OpenID Connect Core §3.1.2.6
    InteractionRequired,
    /// `request_not_supported`, OpenID Connect Core §3.1.2.6
    RequestNotSupported,
    /// `request_uri_not_supported`, OpenID Connect Core §3.1.2.6
    RequestUriNotSupported,
}

impl ErrorCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
        }
    }
}

impl Reason {
    /// A parameter that is not there.
    pub(crate) fn missing(name: &'static str, expected: impl Into<String>) -> Self {
        Self::Missing {
            name,
            expected: expected.into(),
        }
    }

    pub(crate) const fn code(&self) -> ErrorCode {
        match self {
            Self::NotPushed
            | Self::PushedUnknown
            | Self::PushedForeign
            | Self::PushedExpired
            | Self::PushedSpent
            | Self::TooMuch { .. }
            | Self::Method { .. }
            | Self::ContentType { .. }
            | Self::NotUtf8 { .. }
            | Self::Repeated { .. }
            | Self::UnknownParameter { .. }
            | Self::TooLong { .. }
            | Self::RedirectUri { .. }
            | Self::ResponseMode { .. }
            | Self::ChallengeMalformed { .. }
            | Self::ChallengeMethod { .. }
            | Self::Aud { .. }
            | Self::LaunchUnknown
            | Self::LaunchAltered
            | Self::LaunchExpired { .. }
            | Self::LaunchSpent
            | Self::LaunchForeignClient { .. }
            | Self::Prompt { .. }
            | Self::Missing { .. }
            | Self::MaxAge { .. } => ErrorCode::InvalidRequest,
            Self::UnknownClient { .. } => ErrorCode::UnauthorizedClient,
            Self::ResponseType { .. } => ErrorCode::UnsupportedResponseType,
            Self::RequestObject => ErrorCode::RequestNotSupported,
            Self::RequestUri => ErrorCode::RequestUriNotSupported,
            // RFC 6749 §3.3: a request without scope that gets no default is an invalid scope.
            Self::NoScope { .. } | Self::MissingScope => ErrorCode::InvalidScope,
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::InteractionRequired => ErrorCode::InteractionRequired,
            Self::LaunchForeignUser { .. } | Self::NoPatient { .. } | Self::Denied | Self::NothingAllowed => {
                ErrorCode::AccessDenied
            }
        }
    }

    /// The sentence, in the characters that `error_description` may hold.
    pub(crate) fn description(&self) -> String {
        printable(&self.to_string())
    }
}

/// RFC 6749 §4.1.2.1: `%x20-21 / %x23-5B / %x5D-7E`.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '"' | '\\' => '\'',
            ' '..='~' => char,
            _ => '?',
        })
        .collect()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch { was, limit } => {
                write!(f, "The request has {was} bytes of parameters; at most {limit} are read.")
            }
            Self::Method { was } => write!(f, "The authorization endpoint was called by {was}; expected GET or POST (RFC 6749 section 3.1)."),
            Self::ContentType { was } => write!(
                f,
                "The request body came as '{}'; expected application/x-www-form-urlencoded.",
                shortened(was)
            ),
            Self::NotUtf8 { name } => {
                write!(f, "Parameter '{}' is not UTF-8 (RFC 6749 appendix B).", shortened(name))
            }
            Self::Missing { name, expected } => {
                write!(f, "Parameter {name} is missing or empty; expected {expected}.")
            }
            Self::Repeated { name, times } => write!(
                f,
                "Parameter '{}' came {times} times; a parameter must not come more than once (RFC 6749 section 3.1).",
                shortened(name)
            ),
            Self::UnknownParameter { name } => write!(f, "Parameter '{}' is not known.", shortened(name)),
            Self::TooLong { name, was, limit } => {
                write!(f, "Parameter {name} has {was} bytes; at most {limit} are accepted.")
            }
            Self::UnknownClient { was } => {
                write!(f, "Client '{}' is not registered at this server.", shortened(was))
            }
            Self::RedirectUri { was, registered } => write!(
                f,
                "redirect_uri was '{}'; expected exactly one of the registered: {} (compared character by character; only the port of a loopback address may differ, RFC 8252 section 7.3).",
                shortened(was),
                registered.join(", ")
            ),
            Self::ResponseType { was } => write!(f, "response_type was '{}'; expected 'code'.", shortened(was)),
            Self::ResponseMode { was } => write!(f, "response_mode was '{}'; expected 'query', 'form_post' or nothing.", shortened(was)),
            Self::RequestObject => f.write_str("Parameter request is not supported; send the parameters themselves."),
            Self::NotPushed => f.write_str("The request was not pushed; this server takes pushed requests only (RFC 9126 section 5)."),
            Self::PushedUnknown => f.write_str("request_uri refers to no request that was pushed to this server."),
            Self::PushedForeign => f.write_str("request_uri refers to a request of another client."),
            Self::PushedExpired => f.write_str("request_uri has expired; push the request again."),
            Self::PushedSpent => f.write_str("request_uri was used before; push the request again."),
            Self::RequestUri => f.write_str("Parameter request_uri is not supported; send the parameters themselves."),
            Self::ChallengeMalformed { was } => write!(
                f,
                "code_challenge was '{}' ({} characters); expected 43 characters of base64url: the SHA-256 of the code_verifier (RFC 7636 section 4.2).",
                shortened(was),
                was.chars().count()
            ),
            Self::ChallengeMethod { was } => {
                write!(f, "code_challenge_method was '{}'; expected 'S256'.", shortened(was))
            }
            Self::Aud { was, expected } => write!(
                f,
                "aud was '{}'; expected the FHIR base '{expected}'.",
                shortened(was)
            ),
            Self::LaunchUnknown => f.write_str("launch is not a value that this server issued; send it as it came to the launch URL, and leave it out in a standalone launch."),
            Self::LaunchAltered => f.write_str("launch does not carry this server's signature: it was altered or made by somebody else."),
            Self::LaunchExpired { expired } => write!(f, "launch expired at {expired}; launch again from the EHR."),
            Self::LaunchSpent => f.write_str("launch was used before; launch again from the EHR."),
            Self::LaunchForeignClient { was, expected } => write!(
                f,
                "launch was made for client '{}' and came from client '{}'.",
                shortened(expected),
                shortened(was)
            ),
            Self::LaunchForeignUser { was, expected } => write!(
                f,
                "launch was made for user '{}', and '{}' signed in.",
                shortened(expected),
                shortened(was)
            ),
            Self::MissingScope => f.write_str("Parameter scope is missing or empty; expected scopes separated by spaces."),
            Self::NoScope { was } => write!(
                f,
                "Nothing of scope '{}' can be granted to this client.",
                shortened(was)
            ),
            Self::Prompt { was } => write!(f, "prompt was '{}'; expected none, login, consent or select_account, none only alone.", shortened(was)),
            Self::MaxAge { was } => write!(f, "max_age was '{}'; expected a number of seconds.", shortened(was)),
            Self::LoginRequired => f.write_str("prompt=none was asked for, and nobody is signed in."),
            Self::ConsentRequired => f.write_str("prompt=none was asked for, and the user has to be asked for consent."),
            Self::InteractionRequired => f.write_str("prompt=none was asked for, and the user has to choose a patient."),
            Self::NoPatient { user } => write!(f, "A scope asks for a patient, and user '{}' may open no record.", shortened(user)),
            Self::Denied => f.write_str("The user denied access."),
            Self::NothingAllowed => f.write_str("The user unticked every scope."),
        }
    }
}

const SHOWN: usize = 120;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_scope_is_an_invalid_scope_and_a_missing_state_is_not() {
        assert_eq!(Reason::MissingScope.code(), ErrorCode::InvalidScope);
        assert_eq!(Reason::missing("state", "x").code(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn descriptions_hold_only_permitted_characters() {
        let reason = Reason::Aud {
            was: "\"\\\n\u{e9}".into(),
            expected: "x".into(),
        };
        assert!(
            reason
                .description()
                .chars()
                .all(|char| matches!(char, ' '..='!' | '#'..='[' | ']'..='~'))
        );
    }
}
