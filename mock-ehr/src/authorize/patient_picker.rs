//! The patient picker: whose record the app may open, where the user can open several.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::flow::{self, Proof};
use crate::config::{Patients, User};
use crate::defect::Defect;
use crate::fhir::people::PatientSummary;
use crate::fhir::upstream::Upstream;
use crate::fhir::upstream::people::{self, Listed, Wanted};
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
    /// How many more fit; nothing where all are shown.
    hidden: Option<String>,
    /// Why nobody can be offered.
    down: Option<String>,
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
    let find = parameters.get("find").unwrap_or_default();
    let (listed, down) = match state.upstream() {
        Some(upstream) => asked(upstream, user, find).await,
        None => (None, None),
    };
    let (patients, find, hidden) = match &listed {
        Some(listed) => {
            let hidden = listed.hides().then(|| listed.hidden_in_words());
            let is_long = hidden.is_some() || !find.is_empty() || down.is_some();
            (listed.data.patients().iter().collect(), is_long.then_some(find), hidden)
        }
        None => own(&state, user, find),
    };
    let client = state.client(&request.client_id);
    let page = Picker {
        client_name: client.as_ref().map_or("An app", |client| client.name.as_str()),
        request: &visit.pending.id,
        csrf: &visit.pending.csrf,
        patients,
        find,
        hidden,
        down,
    };
    page::html(&state, StatusCode::OK, page::render(&page))
}

/// Those of the mock's own people whom the user can choose among, what was searched for, and how many more fit.
fn own<'a>(
    state: &'a AppState,
    user: &User,
    find: &'a str,
) -> (Vec<&'a PatientSummary>, Option<&'a str>, Option<String>) {
    let all = offered(state, user);
    let find = (all.len() > SHOWN).then_some(find);
    let mut patients: Vec<&PatientSummary> = all
        .into_iter()
        .filter(|patient| fits(patient, find.unwrap_or_default()))
        .collect();
    let hidden = patients.len().saturating_sub(SHOWN);
    if find.is_some() {
        patients.truncate(SHOWN);
    }
    let hidden = (find.is_some() && hidden > 0).then(|| hidden.to_string());
    (patients, find, hidden)
}

/// Those whom upstream knows, or why it does not say.
async fn asked(upstream: &Upstream, user: &User, find: &str) -> (Option<Listed>, Option<String>) {
    let wanted = Wanted {
        find,
        among: match &user.patients {
            Patients::All => None,
            Patients::Only(ids) => Some(ids),
        },
        most: SHOWN,
    };
    match people::listed(upstream, wanted).await {
        Ok(listed) => (Some(listed), None),
        Err(trouble) => (Some(Listed::default()), Some(trouble.to_string())),
    }
}

/// Whether this user can choose this patient.
async fn is_offered(state: &AppState, user: &User, id: &str) -> Result<bool, String> {
    let Some(upstream) = state.upstream() else {
        return Ok(offered(state, user).iter().any(|offered| offered.id == id));
    };
    if !user.may_open(id) {
        return Ok(false);
    }
    let known = people::patient(upstream, id).await;
    known
        .map(|known| known.is_some())
        .map_err(|trouble| trouble.to_string())
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
    let is_offered = match is_offered(&state, user, patient).await {
        Ok(is_offered) => is_offered,
        Err(why) => {
            return flow::stray(
                &state,
                &format!("The patient cannot be looked up: {why}. Go back and try again."),
            );
        }
    };
    if !is_offered && !state.defects().has(Defect::PickerPatientNotOfferedAccepted) {
        return flow::stray(&state, "The form names a patient that was not offered to this user.");
    }
    visit.pending.patient = Some(patient.to_owned());
    flow::next(&state, &visit.session, visit.pending).await
}
