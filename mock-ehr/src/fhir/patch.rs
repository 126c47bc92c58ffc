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

use super::access::{Interaction, View};
use super::bearer::Bearer;
use super::outcome::Problem;
use super::records::Records;
use super::store::Resource;
use super::write::{if_match, may_write, not_found, sent, version, visible};
use super::{app_state, fhirpath_patch};
use crate::defect::Defect;
use crate::state::AppState;

/// `PATCH {base}/{type}/{id}`
pub(crate) async fn patch(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = path
        .map_err(|_| Problem::Address)
        .and_then(|Path((kind, id))| patched(&state, &headers, &kind, &id, body));
    answer.unwrap_or_else(|problem| problem.answer(&state))
}

fn patched(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    id: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let view = view(&bearer, kind)?;
    let body = body.map_err(|rejection| Problem::Body(rejection.body_text()))?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let asked = Asked::read(content_type.unwrap_or_default(), &body)?;
    let (version, body) = state.shelf().write(&format!("{kind}/{id}"), |records| {
        let before = reached(&bearer, records, &view, kind, id)?;
        if_match(state, headers, kind, Some(before))?;
        let after = asked.applied_to(&before.body)?;
        if after["resourceType"] != kind || after["id"] != id {
            return Err(Problem::PatchFails("it would change the type or the id".to_owned()));
        }
        let number = records.versions(&before.key()).len() + 1;
        let made = version(state, kind, id, number, after)?;
        app_state::check(state, &bearer, &made, Some(before), records)?;
        // What a patch makes must lie where the writer may read it, as with any write. (What was reached without leave, by a
        // defect, is not looked at again.)
        may_write(&view, &made).or_else(|beyond| {
            let moved = view.shows(before);
            if !moved || bearer.has(Defect::FhirPatchMovesRecord) {
                Ok(())
            } else {
                Err(beyond)
            }
        })?;
        let (version, body) = (made.version.clone(), made.body.clone());
        Ok((Some(made), (version, body)))
    })?;
    Ok(sent(state, StatusCode::OK, kind, id, &version, &body))
}

/// SMART 2.2: the letter u allows update and patch.
fn view(bearer: &Bearer<'_>, kind: &str) -> Result<View, Problem> {
    bearer.view(kind, Interaction::Update).or_else(|refusal| {
        if bearer.has(Defect::FhirPatchLetterNotChecked) {
            bearer.view(kind, Interaction::Read)
        } else {
            Err(refusal)
        }
    })
}

fn reached<'r>(
    bearer: &Bearer<'_>,
    records: &'r Records,
    view: &View,
    kind: &str,
    id: &str,
) -> Result<&'r Resource, Problem> {
    visible(records, view, kind, id).or_else(|hidden| match records.get(kind, id) {
        Some(resource) if bearer.has(Defect::FhirPatchOfAnyPatient) => Ok(resource),
        Some(_) => Err(not_found(kind, id)),
        None => Err(hidden),
    })
}

/// What a client asked to change.
enum Asked {
    /// RFC 6902.
    Operations(json_patch::Patch),
    /// FHIR R4 "FHIRPath Patch": a Parameters resource.
    Parameters(Value),
}

impl Asked {
    fn read(content_type: &str, body: &[u8]) -> Result<Self, Problem> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let unreadable = |error: serde_json::Error| Problem::NotAResource(error.to_string());
        match kind {
            "application/json-patch+json" => serde_json::from_slice(body).map(Self::Operations).map_err(unreadable),
            "application/fhir+json" => serde_json::from_slice(body).map(Self::Parameters).map_err(unreadable),
            other => Err(Problem::NotAPatch { was: other.to_owned() }),
        }
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
