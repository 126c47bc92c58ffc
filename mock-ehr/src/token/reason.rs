//! Why a token request is refused: the code on the wire, its status, and the sentence for the developer.
//!
//! RFC 6749 §5.2: <https://www.rfc-editor.org/rfc/rfc6749#section-5.2>

use std::fmt;

use http::StatusCode;

use super::client_auth::private_key_jwt::AssertionProblem;
use crate::authorize::pkce::VerifierProblem;
use crate::authorize::reason::printable;

/// Why, with what came and what was expected. Secrets are never repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    Method { was: String },
    ContentType { was: String },
    TooLarge,
    NotUtf8 { name: String },
    Query { names: String },
    Repeated { name: String, times: usize },
    UnknownParameter { name: String },
    Missing { name: &'static str, expected: &'static str },
    GrantType { was: String },
    GrantNotAllowed { was: &'static str },
    TwoMethods { methods: String },
    // Client authentication.
    NoClient,
    UnknownClient { was: String },
    BasicMalformed,
    ClientMismatch { header: String, body: String },
    PublicWithSecret,
    PublicWithAssertion,
    CredentialsMissing { expected: &'static str },
    SecretWrong,
    MethodNotRegistered { was: &'static str, expected: &'static str },
    Assertion(AssertionProblem),
    BearerInvalid,
    // Codes and refresh tokens.
    CodeUnknown,
    CodeSpent,
    CodeExpired { lifetime: i64 },
    CodeForeign,
    CodeRevoked,
    RedirectUri { was: String, expected: String },
    RedirectUriMissing { expected: String },
    Verifier(VerifierProblem),
    Aud { expected: String },
    RefreshUnknown,
    RefreshReplaced,
    RefreshExpired,
    RefreshRevoked,
    RefreshForeign,
    ScopeWider { was: String, granted: String },
    TokenForeign,
    ScopeMissing { registered: String },
    ScopeNotRegistered { was: String, registered: String },
    // Defects.
    Refused,
    Broken,
}

/// Error codes of the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// `invalid_request`, RFC 6749 §5.2
    InvalidRequest,
    /// `invalid_client`, RFC 6749 §5.2
    InvalidClient,
    /// `invalid_grant`, RFC 6749 §5.2
    InvalidGrant,
    /// `unsupported_grant_type`, RFC 6749 §5.2
    UnsupportedGrantType,
    /// `invalid_scope`, RFC 6749 §5.2
    InvalidScope,
    /// `unauthorized_client`, RFC 6749 §5.2
    UnauthorizedClient,
    /// `invalid_token`, RFC 6750 §3.1
    InvalidToken,
}

impl ErrorCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidToken => "invalid_token",
        }
    }
}

impl Reason {
    pub(crate) const fn code(&self) -> ErrorCode {
        match self {
            Self::Method { .. }
            | Self::ContentType { .. }
            | Self::TooLarge
            | Self::NotUtf8 { .. }
            | Self::Query { .. }
            | Self::Repeated { .. }
            | Self::UnknownParameter { .. }
            | Self::Missing { .. }
            | Self::TwoMethods { .. } => ErrorCode::InvalidRequest,
            Self::GrantType { .. } => ErrorCode::UnsupportedGrantType,
            Self::GrantNotAllowed { .. } => ErrorCode::UnauthorizedClient,
            Self::NoClient
            | Self::UnknownClient { .. }
            | Self::BasicMalformed
            | Self::ClientMismatch { .. }
            | Self::PublicWithSecret
            | Self::PublicWithAssertion
            | Self::CredentialsMissing { .. }
            | Self::SecretWrong
            | Self::MethodNotRegistered { .. }
            | Self::Assertion(_) => ErrorCode::InvalidClient,
            Self::BearerInvalid => ErrorCode::InvalidToken,
            Self::CodeUnknown
            | Self::CodeSpent
            | Self::CodeExpired { .. }
            | Self::CodeForeign
            | Self::CodeRevoked
            | Self::RedirectUri { .. }
            | Self::RedirectUriMissing { .. }
            | Self::Verifier(_)
            | Self::Aud { .. }
            | Self::RefreshUnknown
            | Self::RefreshReplaced
            | Self::RefreshExpired
            | Self::RefreshRevoked
            | Self::RefreshForeign
            | Self::TokenForeign
            | Self::Refused
            | Self::Broken => ErrorCode::InvalidGrant,
            Self::ScopeWider { .. } | Self::ScopeMissing { .. } | Self::ScopeNotRegistered { .. } => {
                ErrorCode::InvalidScope
            }
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            _ => match self.code() {
                ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }

    /// The sentence, in the characters that `error_description` may hold.
    pub(crate) fn description(&self) -> String {
        printable(&self.to_string())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method { was } => write!(f, "This endpoint was called by {was}; expected POST (RFC 6749 section 3.2)."),
            Self::ContentType { was } => write!(f, "The body came as '{}'; expected application/x-www-form-urlencoded.", shortened(was)),
            Self::TooLarge => f.write_str("The body is too large."),
            Self::NotUtf8 { name } => write!(f, "Parameter '{}' is not UTF-8 (RFC 6749 appendix B).", shortened(name)),
            Self::Query { names } => write!(f, "Parameters came in the address ({}); expected all of them in the body (RFC 6749 section 3.2).", shortened(names)),
            Self::Repeated { name, times } => write!(f, "Parameter '{}' came {times} times; a parameter must not come more than once (RFC 6749 section 3.2).", shortened(name)),
            Self::UnknownParameter { name } => write!(f, "Parameter '{}' is not known.", shortened(name)),
            Self::Missing { name, expected } => write!(f, "Parameter {name} is missing or empty; expected {expected}."),
            Self::GrantType { was } => write!(f, "grant_type was '{}'; expected authorization_code, refresh_token or client_credentials.", shortened(was)),
            Self::GrantNotAllowed { was } => write!(f, "The client is not registered for the grant {was}."),
            Self::TwoMethods { methods } => write!(f, "The client authenticated by {methods}; expected one method only (RFC 6749 section 2.3)."),
            Self::NoClient => f.write_str("The request does not say which client sends it; a public client sends client_id, a confidential one authenticates."),
            Self::UnknownClient { was } => write!(f, "Client '{}' is not registered at this server.", shortened(was)),
            Self::BasicMalformed => f.write_str("The Authorization header holds no client credentials; expected Basic and the base64 of client_id:client_secret, both form-encoded (RFC 6749 section 2.3.1)."),
            Self::ClientMismatch { header, body } => write!(f, "The credentials belong to client '{}', and client_id is '{}'.", shortened(header), shortened(body)),
            Self::PublicWithSecret => f.write_str("This client is registered as public and has no secret; send client_id alone, or register it as confidential."),
            Self::PublicWithAssertion => f.write_str("This client is registered as public and has no key; send client_id alone, or register it as confidential."),
            Self::CredentialsMissing { expected } => write!(f, "This client is registered as confidential and sent no credentials; expected {expected}."),
            Self::SecretWrong => f.write_str("The client secret is wrong. In an Authorization header it must be form-encoded before base64 (RFC 6749 section 2.3.1)."),
            Self::MethodNotRegistered { was, expected } => write!(f, "The client authenticated by {was}; it is registered for {expected}."),
            Self::Assertion(problem) => write!(f, "client_assertion: {problem}."),
            Self::BearerInvalid => f.write_str("The bearer token is not valid here."),
            Self::CodeUnknown => f.write_str("The code was not issued by this server."),
            Self::CodeSpent => f.write_str("The code was redeemed before; what it gave is revoked (RFC 6749 section 4.1.2)."),
            Self::CodeExpired { lifetime } => write!(f, "The code is older than {lifetime} seconds."),
            Self::CodeForeign => f.write_str("The code was issued to another client."),
            Self::CodeRevoked => f.write_str("What this code stands for was revoked."),
            Self::RedirectUri { was, expected } => write!(f, "redirect_uri was '{}'; expected '{}', as in the authorization request.", shortened(was), shortened(expected)),
            Self::RedirectUriMissing { expected } => write!(f, "redirect_uri is missing; expected '{}', as in the authorization request.", shortened(expected)),
            Self::Verifier(problem) => write!(f, "{problem}."),
            Self::Aud { expected } => write!(f, "The authorization request's aud was not '{expected}'."),
            Self::RefreshUnknown => f.write_str("The refresh token was not issued by this server."),
            Self::RefreshReplaced => f.write_str("The refresh token was used before; it and all that came of it are revoked (RFC 9700 section 4.14.2)."),
            Self::RefreshExpired => f.write_str("The refresh token has expired."),
            Self::RefreshRevoked => f.write_str("The refresh token was revoked."),
            Self::RefreshForeign => f.write_str("The refresh token was issued to another client."),
            Self::ScopeWider { was, granted } => write!(f, "scope was '{}'; expected no more than was granted: '{}'.", shortened(was), shortened(granted)),
            Self::ScopeMissing { registered } => write!(f, "scope is missing; expected some of the registered scopes: '{}'.", shortened(registered)),
            Self::ScopeNotRegistered { was, registered } => write!(f, "scope was '{}', of which nothing is registered for this client: '{}'.", shortened(was), shortened(registered)),
            Self::TokenForeign => f.write_str("The token was issued to another client."),
            Self::Refused => f.write_str("Refused."),
            Self::Broken => f.write_str("The server failed."),
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
