//! The patient picker: whose record the app may open, where the user can open several.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::flow::{self, Proof};
use crate::config::User;
use crate::defect::Defect;
use crate::fhir::people::PatientSummary;
use crate::page;
use crate::state::AppState;

#[derive(Template)]
#[template(path = "patient_picker.html")]
struct Picker<'a> {
    client_name: &'a str,
    request: &'a str,
    csrf: &'a str,
    patients: Vec<&'a PatientSummary>,
    /// What was searched for; nothing where there are too few to search.
    find: Option<&'a str>,
    /// How many more fit.
    hidden: usize,
}

/// More than these are searched, and no more are shown at once.
const SHOWN: usize = 20;

/// The patients that this user can choose among.
pub(crate) fn offered<'a>(state: &'a AppState, user: &User) -> Vec<&'a PatientSummary> {
    state
        .patients()
        .iter()
        .filter(|patient| user.may_open(&patient.id))
        .collect()
}

/// `GET /auth/patient`
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let (visit, parameters) = match flow::arrive(&state, &headers, query.as_bytes(), Proof::Session) {
        Ok(arrived) => arrived,
        Err(astray) => return astray.page(&state),
    };
    let Some(user) = visit
        .pending
        .username
        .as_deref()
        .and_then(|name| state.config().user(name))
    else {
        return flow::stray(&state, "Nobody has signed in yet.");
    };
    let request = &visit.pending.request;
    let all = offered(&state, user);
    let find = (all.len() > SHOWN).then(|| parameters.get("find").unwrap_or_default());
    let mut patients: Vec<&PatientSummary> = all
        .into_iter()
        .filter(|patient| fits(patient, find.unwrap_or_default()))
        .collect();
    let hidden = patients.len().saturating_sub(SHOWN);
    if find.is_some() {
        patients.truncate(SHOWN);
    }
    let page = Picker {
        client_name: state
            .client(&request.client_id)
            .map_or("An app", |client| client.name.as_str()),
        request: &visit.pending.id,
        csrf: &visit.pending.csrf,
        patients,
        find,
        hidden: if find.is_some() { hidden } else { 0 },
    };
    page::html(&state, StatusCode::OK, page::render(&page))
}

/// Every word stands in the name, the birth date or the id, whatever its case.
fn fits(patient: &PatientSummary, find: &str) -> bool {
    let text = format!("{} {} {}", patient.name, patient.birth_date, patient.id).to_lowercase();
    find.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// `POST /auth/patient`
pub(crate) async fn submit(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let (mut visit, form) = match flow::arrive(&state, &headers, &body, Proof::Form) {
        Ok(arrived) => arrived,
        Err(astray) => return astray.page(&state),
    };
    let Some(user) = visit
        .pending
        .username
        .as_deref()
        .and_then(|name| state.config().user(name))
    else {
        return flow::stray(&state, "Nobody has signed in yet.");
    };
    let Some(patient) = form.filled("patient") else {
        return flow::stray(&state, "No patient was chosen.");
    };
    let is_offered = offered(&state, user).iter().any(|offered| offered.id == patient);
    if !is_offered && !state.defects().has(Defect::PickerPatientNotOfferedAccepted) {
        return flow::stray(&state, "The form names a patient that was not offered to this user.");
    }
    visit.pending.patient = Some(patient.to_owned());
    flow::next(&state, &visit.session, visit.pending)
}
