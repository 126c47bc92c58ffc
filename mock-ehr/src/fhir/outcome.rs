//! Every refusal of the FHIR server: its status, its challenge, its OperationOutcome.
//!
//! FHIR R4, OperationOutcome: <https://hl7.org/fhir/R4/operationoutcome.html>;
//! RFC 6750 §3: <https://www.rfc-editor.org/rfc/rfc6750#section-3>

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::access::{InsufficientScope, Interaction};
use super::advice;
use super::upstream::Trouble;
use crate::defect::Defect;
use crate::journal::notes;
use crate::state::AppState;
use crate::switches::Switches;
use crate::token::access::TokenProblem;
use crate::variant::Variant;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// No bearer token in the Authorization header.
    #[error(
        "this request needs an access token in the Authorization header, as `Bearer` and the token; a token in the address or in the body does not count"
    )]
    TokenMissing,
    /// A token that allows nothing, and why.
    #[error("the access token {0}")]
    TokenInvalid(&'static str),
    /// The faulty server stumbles over a token that it does not know.
    #[error("the server failed")]
    Broken,
    /// No granted scope is on this.
    #[error("{}", insufficient(.0))]
    Scope(InsufficientScope),
    /// There is no such resource, or it may not be seen: the same answer.
    #[error("{kind}/{id} is not known")]
    NotFound { kind: String, id: String },
    /// There is nothing to be found of this type, says a server that does not admit to a refusal.
    #[error("{kind} is not known")]
    NothingOfType { kind: String },
    /// A type that the server does not have.
    #[error("the resource type {kind} is not supported by this server")]
    UnknownType { kind: String },
    /// An interaction that the server does not have.
    #[error("{what} is not supported by this server; see the CapabilityStatement at {base}/metadata")]
    NotSupported {
        what: String,
        base: String,
        status: StatusCode,
    },
    /// A search that cannot be carried out as it was asked.
    #[error("{}", .0.join("; "))]
    Search(Vec<String>),
    /// An address that is no text.
    #[error("the address is not UTF-8 once its percent signs are decoded")]
    Address,
    /// A `_search` whose body is no form.
    #[error("the body of a _search is application/x-www-form-urlencoded, and this one is {was}")]
    NotAForm { was: String },
    /// A patch in a format that the server does not read.
    #[error("a patch is application/json-patch+json or application/fhir+json, and this one is {was}")]
    NotAPatch { was: String },
    /// A patch that cannot be carried out.
    #[error("the patch cannot be carried out: {0}")]
    PatchFails(String),
    /// A body that is no resource that can be written here.
    #[error("the body cannot be taken: {0}")]
    NotAResource(String),
    /// What is asked lies beyond what the token reaches: another patient, or what a constraint leaves out.
    #[error("the access token does not reach this {kind}")]
    Beyond { kind: String },
    /// The version that the client knows is not the latest.
    #[error("the resource was changed meanwhile; its latest version is {latest}")]
    VersionConflict { latest: String },
    /// A write that must say which version it replaces.
    #[error("If-Match is required here: it names the version that is replaced")]
    IfMatchMissing,
    /// A rule of app state that the write would break.
    #[error("{0}")]
    Precondition(String),
    /// A resource beyond the limit.
    #[error("a resource of this kind has at most {0} bytes")]
    TooLarge(usize),
    /// An entry of a transaction that was refused, so that all of it is.
    #[error("an entry was refused with status {0}, and with it the whole transaction")]
    Transaction(String),
    /// A transaction that another server would have to keep.
    #[error(
        "a transaction cannot be judged and kept whole across the FHIR server behind this one; send a batch, whose entries stand alone"
    )]
    TransactionUpstream,
    /// A link to a page that is not this token's, or no longer kept.
    #[error("this page of results is not known: search again, with the same token for all pages")]
    Page,
    /// What the FHIR server behind this one did.
    #[error("{0}")]
    Upstream(Trouble),
    /// A body that was cut or is too long.
    #[error("the body could not be read: {0}")]
    Body(String),
    /// A format that the server does not write.
    #[error("this server writes application/fhir+json only, and _format asks for {was}")]
    Format { was: String },
}

/// The realm of the challenges.
const REALM: &str = "fhir";

impl Problem {
    /// Of a token that opens nothing.
    pub(super) fn of_token(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Missing => Self::TokenMissing,
            TokenProblem::Invalid => Self::TokenInvalid("was not issued by this server for this server"),
            TokenProblem::Expired => Self::TokenInvalid("has expired"),
            TokenProblem::Elsewhere => Self::TokenInvalid(
                "was given for another FHIR base of this server: the one that was named as aud when it was asked for",
            ),
            TokenProblem::Revoked => Self::TokenInvalid("was revoked"),
        }
    }

    /// The answer.
    pub(crate) fn answer(&self, state: &AppState) -> Response {
        notes::refused(|| advice::objection(self));
        let mut diagnostics = self.to_string();
        if state.defects().has(Defect::ErrorStackTrace) {
            diagnostics = format!("{diagnostics}\n{}", crate::page::STACK_TRACE);
        }
        let body = outcome("error", self.issue_code(), &diagnostics);
        let unreadable = matches!(
            self,
            Self::Address | Self::Body(_) | Self::Search(_) | Self::NotAForm { .. }
        );
        let of_read = matches!(self, Self::TokenInvalid(_) | Self::TokenMissing | Self::NotFound { .. });
        let bare = of_read && state.variants().has(Variant::RefusedReadWithoutOutcome);
        let mut response = if bare || state.defects().has(Defect::FhirOutcomeMissing) {
            self.status().into_response()
        } else {
            resource(self.status(), &body)
        };
        if unreadable && state.defects().has(Defect::FhirMalformed5xx) {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        if matches!(self, Self::Scope(_)) && state.defects().has(Defect::FhirScopeRefused401) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        if let Some(challenge) = self.challenge(state.defects()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::TokenMissing | Self::TokenInvalid(_) => StatusCode::UNAUTHORIZED,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Scope(_) | Self::Beyond { .. } | Self::Transaction(_) => StatusCode::FORBIDDEN,
            Self::VersionConflict { .. } | Self::Precondition(_) | Self::IfMatchMissing => {
                StatusCode::PRECONDITION_FAILED
            }
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound { .. } | Self::NothingOfType { .. } | Self::UnknownType { .. } => StatusCode::NOT_FOUND,
            Self::NotSupported { status, .. } => *status,
            Self::TransactionUpstream => StatusCode::NOT_IMPLEMENTED,
            Self::Page => StatusCode::GONE,
            Self::Upstream(trouble) => trouble.status(),
            Self::Search(_) | Self::Address | Self::Body(_) | Self::NotAResource(_) => StatusCode::BAD_REQUEST,
            Self::NotAForm { .. } | Self::NotAPatch { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::PatchFails(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Format { .. } => StatusCode::NOT_ACCEPTABLE,
        }
    }

    // The codes of http://hl7.org/fhir/issue-type.
    pub(super) fn issue_code(&self) -> &'static str {
        match self {
            Self::TokenMissing | Self::TokenInvalid(_) => "login",
            Self::Broken => "exception",
            Self::Scope(_) | Self::Beyond { .. } | Self::Transaction(_) => "forbidden",
            Self::VersionConflict { .. } | Self::Precondition(_) | Self::IfMatchMissing => "conflict",
            Self::TooLarge(_) => "too-long",
            Self::PatchFails(_) => "processing",
            Self::Upstream(trouble) => trouble.issue_code(),
            Self::NotFound { .. } | Self::NothingOfType { .. } | Self::Page => "not-found",
            Self::UnknownType { .. } | Self::NotSupported { .. } | Self::TransactionUpstream | Self::Format { .. } => {
                "not-supported"
            }
            Self::Search(_)
            | Self::Address
            | Self::Body(_)
            | Self::NotAForm { .. }
            | Self::NotAPatch { .. }
            | Self::NotAResource(_) => "invalid",
        }
    }

    // RFC 6750 §3: 401 carries a challenge; §3.1: without any token it carries no error code.
    fn challenge(&self, defects: &Switches<Defect>) -> Option<HeaderValue> {
        let text = match self {
            Self::TokenMissing | Self::TokenInvalid(_) if defects.has(Defect::FhirNoWwwAuthenticate) => return None,
            Self::TokenInvalid(_) if defects.has(Defect::FhirInvalidTokenUnnamed) => {
                format!("Bearer realm=\"{REALM}\"")
            }
            Self::TokenMissing if defects.has(Defect::FhirMissingTokenNamed) => {
                format!("Bearer realm=\"{REALM}\", error=\"invalid_token\"")
            }
            Self::TokenMissing => format!("Bearer realm=\"{REALM}\""),
            Self::TokenInvalid(_) => {
                format!("Bearer realm=\"{REALM}\", error=\"invalid_token\", error_description=\"{self}\"")
            }
            Self::Scope(refusal) => {
                let scope = refusal
                    .wanted
                    .as_ref()
                    .map(|wanted| format!(", scope=\"{wanted}\""))
                    .unwrap_or_default();
                format!("Bearer realm=\"{REALM}\", error=\"insufficient_scope\"{scope}")
            }
            _ => return None,
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// An OperationOutcome with one issue.
pub(crate) fn outcome(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": diagnostics}],
    })
}

/// Sends a resource. What a token opened must not be kept by anybody on the way.
pub(crate) fn resource(status: StatusCode, body: &Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/fhir+json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

fn insufficient(refusal: &InsufficientScope) -> String {
    let interaction = Interaction::word(refusal.letter);
    let example = refusal
        .wanted
        .as_ref()
        .map(|wanted| format!(", such as {wanted}"))
        .unwrap_or_default();
    format!(
        "the access token carries no scope that allows to {interaction} {}{example}",
        refusal.kind
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(problem: &Problem) -> Option<String> {
        let value = problem.challenge(&Switches::default())?;
        Some(value.to_str().expect("made of text").to_owned())
    }

    #[test]
    fn challenges_are_those_of_rfc_6750() {
        assert_eq!(
            challenge(&Problem::TokenMissing).as_deref(),
            Some("Bearer realm=\"fhir\"")
        );
        let invalid = challenge(&Problem::TokenInvalid("has expired")).expect("a challenge");
        assert!(invalid.contains("error=\"invalid_token\""), "{invalid}");
        let refusal = InsufficientScope {
            kind: "Condition".into(),
            letter: 's',
            wanted: Some("patient/Condition.s".into()),
        };
        assert_eq!(
            challenge(&Problem::Scope(refusal)).as_deref(),
            Some("Bearer realm=\"fhir\", error=\"insufficient_scope\", scope=\"patient/Condition.s\"")
        );
        assert_eq!(
            challenge(&Problem::NotFound {
                kind: "Patient".into(),
                id: "x".into()
            }),
            None
        );
    }

    #[test]
    fn the_defect_takes_away_the_challenge_of_401_only() {
        let switches = Switches::default();
        switches.set([Defect::FhirNoWwwAuthenticate]);
        assert_eq!(Problem::TokenMissing.challenge(&switches), None);
        let refusal = InsufficientScope {
            kind: "X".into(),
            letter: 'r',
            wanted: None,
        };
        assert!(Problem::Scope(refusal).challenge(&switches).is_some());
    }
}
