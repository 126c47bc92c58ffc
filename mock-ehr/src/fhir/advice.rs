//! Which rule a request for data broke, and what the app does about it: for whoever reads the inspector.

use super::outcome::Problem;
use crate::journal::notes::{Advice, Objection};

/// The objection of this problem.
pub(super) fn objection(problem: &Problem) -> Objection {
    of(problem).objection(problem.issue_code(), problem.to_string())
}

const SEARCH: &str = "https://hl7.org/fhir/R4/search.html";
const HTTP: &str = "https://hl7.org/fhir/R4/http.html";

fn of(problem: &Problem) -> Advice {
    let (rule, url, fix) = match problem {
        Problem::TokenMissing => (
            "RFC 6750 §2.1",
            "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
            "Send `Authorization: Bearer` and the access token with every request for data.",
        ),
        Problem::TokenInvalid(_) => (
            "RFC 6750 §3.1",
            "https://www.rfc-editor.org/rfc/rfc6750#section-3.1",
            "Send the access_token of the latest token response, not the id_token or the code; when it is over, use the refresh token.",
        ),
        Problem::Scope(_) | Problem::Beyond { .. } => (
            "SMART 2.2, scopes; RFC 6750 §3.1",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html",
            "Ask for a scope on this type and interaction, compare the scope of the token response with what you asked for, and keep to the patient in context.",
        ),
        Problem::NotFound { .. } | Problem::NothingOfType { .. } => (
            "FHIR R4, read",
            HTTP,
            "The resource does not exist, or the token does not reach it: the answer is the same, so that nothing is given away.",
        ),
        Problem::UnknownType { .. } | Problem::NotSupported { .. } => (
            "FHIR R4, capabilities",
            "https://hl7.org/fhir/R4/http.html#capabilities",
            "Read {base}/metadata, and ask only for what stands there.",
        ),
        Problem::Search(_) | Problem::Address | Problem::NotAForm { .. } => (
            "FHIR R4, search",
            SEARCH,
            "Use search parameters of this type with values of their kind, encoded as UTF-8; by POST as a form to _search.",
        ),
        Problem::NotAPatch { .. } | Problem::PatchFails(_) => (
            "FHIR R4, patch",
            "https://hl7.org/fhir/R4/http.html#patch",
            "Send a JSON Patch or a FHIRPath Patch that fits the latest version of the resource.",
        ),
        Problem::NotAResource(_) | Problem::Body(_) => (
            "FHIR R4, create and update",
            "https://hl7.org/fhir/R4/http.html#update",
            "Send one resource as application/fhir+json whose type and id are those of the address.",
        ),
        Problem::VersionConflict { .. } | Problem::IfMatchMissing => (
            "FHIR R4, managing resource contention",
            "https://hl7.org/fhir/R4/http.html#concurrency",
            "Send the ETag of the version that you read as If-Match; after 412 read again and merge.",
        ),
        Problem::TooLarge(_) => (
            "FHIR R4, create and update",
            "https://hl7.org/fhir/R4/http.html#update",
            "Send less at once: the answer says how many bytes are taken.",
        ),
        Problem::Precondition(_) => (
            "SMART 2.2, app state",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html",
            "Keep code and subject of app state as they are, its size small, and do not write again what was deleted.",
        ),
        Problem::Transaction(_) => (
            "FHIR R4, transaction",
            "https://hl7.org/fhir/R4/http.html#transaction",
            "Look at the entry that was refused, or send a batch, whose entries stand alone.",
        ),
        Problem::TransactionUpstream => (
            "FHIR R4, transaction",
            "https://hl7.org/fhir/R4/http.html#transaction",
            "Send a batch: with --fhir-upstream every entry is judged and passed on by itself.",
        ),
        Problem::Page => (
            "FHIR R4, paging",
            "https://hl7.org/fhir/R4/http.html#paging",
            "Follow the links of a Bundle with the token that made the search, and soon; search again where they are over.",
        ),
        Problem::Upstream(_) => (
            "FHIR R4, status codes",
            HTTP,
            "Your request was judged and passed on; look at the server that --fhir-upstream names, and at its credential.",
        ),
        Problem::Format { .. } => (
            "FHIR R4, content types",
            "https://hl7.org/fhir/R4/http.html#mime-type",
            "Ask for application/fhir+json.",
        ),
        Problem::Broken => (
            "RFC 6750 §3.1",
            "https://www.rfc-editor.org/rfc/rfc6750#section-3.1",
            "Your request may be right: a defect of this server breaks its answer.",
        ),
    };
    Advice { rule, url, fix }
}
