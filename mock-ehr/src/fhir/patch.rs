//! patch: a change told in operations, which needs the letter u like any other change.
//!
//! FHIR R4, "patch": <https://hl7.org/fhir/R4/http.html#patch>; SMART App Launch 2.2, "Scopes for requesting FHIR
//! Resources": <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::access::Interaction;
use super::bearer::Bearer;
use super::outcome::Problem;
use super::records::Records;
use super::store::Resource;
use super::write::{Writer, if_match, kept, may_write, not_found, sent, version, visible};
use super::{address, app_state, fhirpath_patch};
use crate::defect::Defect;
use crate::state::AppState;

/// `PATCH {base}/{type}/{id}`
pub(crate) async fn patch(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    address::at(&state, path, |(kind, id)| patched(&state, &headers, &kind, &id, body))
}

fn patched(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    id: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let writer = writer(state, headers, &bearer, kind)?;
    let asked = Asked::of(headers, body)?;
    state.shelf().settle(|records| {
        let before = reached(&writer, records, id)?;
        let made = asked.carried_out(&writer, records, before)?;
        let sent = sent(state, StatusCode::OK, &made, records.next_number());
        Ok((Some(kept(&made)), sent))
    })
}

/// SMART 2.2: the letter u allows update and patch.
pub(super) fn writer<'a>(
    state: &'a AppState,
    headers: &'a HeaderMap,
    bearer: &'a Bearer<'a>,
    kind: &'a str,
) -> Result<Writer<'a>, Problem> {
    let of = |interaction| Writer::new(state, headers, bearer, kind, interaction);
    of(Interaction::Update).or_else(|refusal| {
        if bearer.has(Defect::FhirPatchLetterNotChecked) {
            of(Interaction::Read)
        } else {
            Err(refusal)
        }
    })
}

fn reached<'r>(writer: &Writer<'_>, records: &'r Records, id: &str) -> Result<&'r Resource, Problem> {
    let Writer { bearer, kind, view, .. } = writer;
    visible(records, view, kind, id).or_else(|hidden| match records.get(kind, id) {
        Some(resource) if bearer.has(Defect::FhirPatchOfAnyPatient) => Ok(resource),
        Some(_) => Err(not_found(kind, id)),
        None => Err(hidden),
    })
}

/// What a client asked to change.
pub(super) enum Asked {
    /// RFC 6902.
    Operations(json_patch::Patch),
    /// FHIR R4 "FHIRPath Patch": a Parameters resource.
    Parameters(Value),
}

impl Asked {
    /// Reads the body by its media type.
    pub(super) fn of(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Self, Problem> {
        let body = body.map_err(|rejection| Problem::Body(rejection.body_text()))?;
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Self::read(content_type.unwrap_or_default(), &body)
    }

    fn read(content_type: &str, body: &[u8]) -> Result<Self, Problem> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let unreadable = |error: serde_json::Error| Problem::NotAResource(error.to_string());
        match kind {
            "application/json-patch+json" => serde_json::from_slice(body).map(Self::Operations).map_err(unreadable),
            "application/fhir+json" => serde_json::from_slice(body).map(Self::Parameters).map_err(unreadable),
            other => Err(Problem::NotAPatch { was: other.to_owned() }),
        }
    }

    /// The next version of a resource.
    pub(super) fn carried_out(
        &self,
        writer: &Writer<'_>,
        records: &Records,
        before: &Resource,
    ) -> Result<Resource, Problem> {
        let Writer {
            state, kind, bearer, ..
        } = writer;
        if_match(state, writer.headers, kind, Some(before))?;
        let after = self.applied_to(&before.body)?;
        if after["resourceType"] != *kind || after["id"] != before.id {
            return Err(Problem::PatchFails("it would change the type or the id".to_owned()));
        }
        let number = records.next_version(&before.key());
        let made = version(state, kind, &before.id, number, after)?;
        app_state::check(state, bearer, &made, Some(before), records)?;
        // What a patch makes must lie where the writer may read it, as with any write. (What was reached without leave, by a
        // defect, is not looked at again.)
        may_write(&writer.view, &made).or_else(|beyond| {
            let moved = writer.view.shows(before);
            if !moved || bearer.has(Defect::FhirPatchMovesRecord) {
                Ok(())
            } else {
                Err(beyond)
            }
        })?;
        Ok(made)
    }

    fn applied_to(&self, before: &Value) -> Result<Value, Problem> {
        let mut after = before.clone();
        match self {
            Self::Operations(operations) => {
                json_patch::patch(&mut after, operations).map_err(|error| Problem::PatchFails(error.to_string()))?;
            }
            Self::Parameters(parameters) => fhirpath_patch::apply(parameters, &mut after)?,
        }
        Ok(after)
    }
}
