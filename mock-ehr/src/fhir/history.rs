//! history of a resource, of a type and of the whole system.
//!
//! FHIR R4, "history": <https://hl7.org/fhir/R4/http.html#history>

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
use super::records::Records;
use super::store::Resource;
use crate::defect::Defect;
use crate::state::AppState;

/// How many entries a history has at most.
const LIMIT: usize = 200;

/// `GET {base}/{type}/{id}/_history`
pub(crate) async fn instance(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    address::at(&state, path, |(kind, id)| of_instance(&state, &headers, &kind, &id))
}

/// `GET {base}/{type}/_history`
pub(crate) async fn of_type(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    address::at(&state, path, |kind| of_types(&state, &headers, Some(&kind)))
}

/// `GET {base}/_history`
pub(crate) async fn system(State(state): State<AppState>, headers: HeaderMap) -> Response {
    of_types(&state, &headers, None).unwrap_or_else(|problem| problem.answer(&state))
}

// SMART 2.2 scopes: the history of one resource is a read, that of a type or of all is a search.
fn of_instance(state: &AppState, headers: &HeaderMap, kind: &str, id: &str) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let view = reach(state, bearer.view(kind, Interaction::Read)?);
    known(kind)?;
    let records = state.records();
    let versions = records.versions(&format!("{kind}/{id}"));
    let seen: Vec<_> = versions
        .into_iter()
        .filter(|version| version.is_none_or(|resource| view.shows(resource)))
        .collect();
    // A deleted resource shows its deletion only to those who may see a version of it.
    if seen.iter().flatten().next().is_none() {
        return Err(Problem::NotFound {
            kind: kind.to_owned(),
            id: id.to_owned(),
        });
    }
    let entries = seen
        .iter()
        .rev()
        .map(|version| entry(state, kind, id, *version))
        .collect();
    Ok(bundle(entries, state.scratch().is_some_and(|scratch| scratch.is_cut)))
}

fn of_types(state: &AppState, headers: &HeaderMap, kind: Option<&str>) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let records = state.records();
    let mut entries = Vec::new();
    match kind {
        Some(kind) => {
            let view = reach(state, bearer.view(kind, Interaction::Search)?);
            known(kind)?;
            add(state, &records, kind, &view, &mut entries);
        }
        None => {
            for kind in parameters::types() {
                if let Ok(view) = bearer.view(kind, Interaction::Search) {
                    add(state, &records, kind, &reach(state, view), &mut entries);
                }
            }
        }
    }
    let is_cut = entries.len() > LIMIT;
    entries.truncate(LIMIT);
    Ok(bundle(entries, is_cut))
}

fn add(state: &AppState, records: &Records, kind: &str, view: &View, entries: &mut Vec<Value>) {
    let visible = records.all(kind).filter(|resource| view.shows(resource));
    // One more than are shown tells that there are more.
    let room = (LIMIT + 1).saturating_sub(entries.len());
    entries.extend(visible.take(room).map(|one| entry(state, kind, &one.id, Some(one))));
}

fn reach(state: &AppState, view: View) -> View {
    if state.defects().has(Defect::FhirHistoryLeak) {
        View::everything()
    } else {
        view
    }
}

fn known(kind: &str) -> Result<(), Problem> {
    match parameters::of(kind) {
        Some(_) => Ok(()),
        None => Err(Problem::UnknownType { kind: kind.to_owned() }),
    }
}

fn entry(state: &AppState, kind: &str, id: &str, version: Option<&Resource>) -> Value {
    let address = format!("{}/{kind}/{id}", state.fhir_base());
    match version {
        Some(resource) => json!({
            "fullUrl": address,
            "resource": resource.body,
            "request": {"method": "PUT", "url": resource.key()},
            "response": {"status": "200", "etag": format!("W/\"{}\"", resource.version)},
        }),
        None => json!({
            "fullUrl": address,
            "request": {"method": "DELETE", "url": format!("{kind}/{id}")},
            "response": {"status": "204"},
        }),
    }
}

fn bundle(mut entries: Vec<Value>, is_cut: bool) -> Response {
    let mut bundle = json!({"resourceType": "Bundle", "type": "history"});
    if is_cut {
        // FHIR R4 "Bundle": an entry of a history is a version, and what is to be said stands with the last one.
        let text = format!(
            "only the newest {} entries are told; there are older ones",
            entries.len()
        );
        if let Some(response) = entries.last_mut().and_then(|entry| entry.get_mut("response")) {
            response["outcome"] = outcome::outcome("warning", "incomplete", &text);
        }
    } else {
        bundle["total"] = json!(entries.len());
    }
    // FHIR R4 forbids empty arrays.
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    outcome::resource(StatusCode::OK, &bundle)
}
