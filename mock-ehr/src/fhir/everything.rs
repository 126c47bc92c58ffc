//! `$everything` of a patient, as far as the bearer may see it.
//!
//! FHIR R4, "Operation $everything on Patient": <https://hl7.org/fhir/R4/operation-patient-everything.html>

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::access::{Interaction, View};
use super::address;
use super::bearer::Bearer;
use super::outcome::{self, Problem};
use super::parameters;
use super::store::Resource;
use crate::defect::Defect;
use crate::state::AppState;

/// How many resources are sent at most.
const LIMIT: usize = 500;

/// `GET {base}/Patient/{id}/$everything`
pub(crate) async fn instance(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    address::at(&state, path, |id| of(&state, &headers, Some(&id)))
}

/// `GET {base}/Patient/$everything`
pub(crate) async fn of_type(State(state): State<AppState>, headers: HeaderMap) -> Response {
    of(&state, &headers, None).unwrap_or_else(|problem| problem.answer(&state))
}

fn of(state: &AppState, headers: &HeaderMap, id: Option<&str>) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let patients = bearer.view("Patient", Interaction::Read)?;
    let leaks = state.defects().has(Defect::FhirEverythingLeak);
    let patients = if leaks { View::everything() } else { patients };
    let records = state.records();
    let whose: Vec<&Resource> = match id {
        Some(id) => records.get("Patient", id).into_iter().collect(),
        None => records.all("Patient").collect(),
    };
    let whose: Vec<&Resource> = whose.into_iter().filter(|patient| patients.shows(patient)).collect();
    if let (Some(id), true) = (id, whose.is_empty()) {
        return Err(Problem::NotFound {
            kind: "Patient".to_owned(),
            id: id.to_owned(),
        });
    }
    let ids: Vec<&str> = whose.iter().map(|patient| patient.id.as_str()).collect();
    let every_type = leaks || state.defects().has(Defect::FhirEverythingScopeIgnored);
    let mut found: Vec<Value> = Vec::new();
    let mut is_cut = state.scratch().is_some_and(|scratch| scratch.is_cut);
    for kind in parameters::types() {
        let view = if every_type {
            View::everything()
        } else {
            match bearer.view(kind, Interaction::Read) {
                Ok(view) => view,
                Err(_) => continue,
            }
        };
        let mut seen = records
            .of_patients(kind, &ids)
            .into_iter()
            .filter(|one| view.shows(one));
        let room = LIMIT.saturating_sub(found.len());
        found.extend(
            seen.by_ref()
                .take(room)
                .map(|one| json!({"fullUrl": format!("{}/{}", state.fhir_base(), one.key()), "resource": one.body})),
        );
        is_cut |= seen.next().is_some();
    }
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset"});
    if is_cut {
        let text = format!(
            "only {} resources are sent, and there are more; search for what is missing",
            found.len()
        );
        let remark = outcome::outcome("warning", "incomplete", &text);
        found.push(json!({"resource": remark, "search": {"mode": "outcome"}}));
    } else {
        bundle["total"] = json!(found.len());
    }
    if !found.is_empty() {
        bundle["entry"] = Value::Array(found);
    }
    Ok(outcome::resource(StatusCode::OK, &bundle))
}
