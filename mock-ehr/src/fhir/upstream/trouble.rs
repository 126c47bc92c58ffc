//! What can go wrong with the server upstream, and how the app is told.

use std::time::Duration;

use http::StatusCode;

/// Why there is no answer that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Nobody answers.
    #[error("the FHIR server behind this one cannot be reached: {0}")]
    Unreachable(String),
    /// It takes too long.
    #[error("the FHIR server behind this one did not answer within {0:?}")]
    Late(Duration),
    /// It sends somewhere else; nothing is followed beyond its own address.
    #[error("the FHIR server behind this one redirects beyond its own address, which is not followed")]
    Redirect,
    /// Its answer is longer than is read.
    #[error("the answer of the FHIR server behind this one is longer than {0} bytes; ask for less at once")]
    TooLarge(usize),
    /// No JSON, or no FHIR.
    #[error("the FHIR server behind this one answered with something that is {0}")]
    Strange(&'static str),
    /// It does not accept the mock.
    #[error("the FHIR server behind this one refuses the credential of this one, with status {0}")]
    Credential(u16),
    /// It fails.
    #[error("the FHIR server behind this one failed with status {0}")]
    Failed(u16),
    /// It has too much to do.
    #[error("the FHIR server behind this one has too much to do; ask again later")]
    Busy,
    /// It does not take the request as it is.
    #[error("the FHIR server behind this one refuses the request with status {status}{}", says.as_ref().map(|says| format!(": {says}")).unwrap_or_default())]
    Refused {
        /// Its status.
        status: u16,
        /// Its reason, where that can speak of nothing but the request.
        says: Option<String>,
    },
    /// It took a write that it was to take only where there was nothing.
    #[error(
        "the FHIR server behind this one replaced what was there, though it was told to write only where there is nothing (If-None-Match: *); read the resource before you write again"
    )]
    Replaced,
    /// It would take too many answers of it.
    #[error("this search would have to look at more than {0} resources of the FHIR server behind this one; narrow it")]
    Costly(usize),
}

impl Trouble {
    /// The status for the app.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Late(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused { status, .. } => StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY),
            Self::Replaced => StatusCode::CONFLICT,
            Self::Costly(_) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// The code of http://hl7.org/fhir/issue-type.
    pub(crate) fn issue_code(&self) -> &'static str {
        match self {
            Self::Late(_) => "timeout",
            Self::Busy => "throttled",
            Self::Unreachable(_) => "transient",
            Self::TooLarge(_) => "too-long",
            Self::Costly(_) => "too-costly",
            Self::Refused { status: 409 | 412, .. } | Self::Replaced => "conflict",
            Self::Refused { .. } => "processing",
            Self::Redirect | Self::Strange(_) | Self::Credential(_) | Self::Failed(_) => "exception",
        }
    }
}
