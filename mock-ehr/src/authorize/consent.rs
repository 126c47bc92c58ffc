//! The consent page: scopes in plain words, each of which can be unticked; allow or deny.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::flow::{self, Proof};
use super::reason::Reason;
use super::respond;
use crate::defect::Defect;
use crate::fhir::upstream::people;
use crate::page;
use crate::scope::grammar::Scope;
use crate::scope::plain_words::meaning;
use crate::state::AppState;
use crate::store::grant::{Grant, NewGrant};
use crate::store::pending::Pending;
use crate::store::session::{Consent, Session};
use crate::variant::Variant;

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    client_name: &'a str,
    client_id: &'a str,
    username: &'a str,
    request: &'a str,
    csrf: &'a str,
    scopes: Vec<Line<'a>>,
    patient: Option<String>,
}

struct Line<'a> {
    text: &'a str,
    meaning: String,
}

/// `GET /auth/consent`
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let visit = match flow::arrive(&state, &headers, query.as_bytes(), Proof::Session) {
        Ok((visit, _)) => visit,
        Err(astray) => return astray.page(&state),
    };
    let Some(username) = visit.pending.username.as_deref() else {
        return flow::stray(&state, "Nobody has signed in yet.");
    };
    let request = &visit.pending.request;
    let patient = match patient_of(&state, &visit.pending) {
        Some(id) => Some(people::name_of(&state, &id).await),
        None => None,
    };
    let client = state.client(&request.client_id);
    let page = ConsentPage {
        client_name: client.as_ref().map_or("An app", |client| client.name.as_str()),
        client_id: &request.client_id,
        username,
        request: &visit.pending.id,
        csrf: &visit.pending.csrf,
        scopes: request
            .scopes
            .iter()
            .map(|scope| Line {
                text: scope.text(),
                meaning: meaning(scope),
            })
            .collect(),
        patient,
    };
    page::html(&state, StatusCode::OK, page::render(&page))
}

/// `POST /auth/consent`
pub(crate) async fn submit(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let (visit, form) = match flow::arrive(&state, &headers, &body, Proof::Form) {
        Ok(arrived) => arrived,
        Err(astray) => return astray.page(&state),
    };
    let pending = visit.pending;
    // A form that skips a page must not decide what that page asks.
    if pending.username.is_none() || (flow::wants_patient(&pending.request) && pending.patient.is_none()) {
        return flow::stray(&state, "The pages before this one have not been answered yet.");
    }
    match form.get("decision") {
        Some("allow") => {}
        Some("deny") if state.defects().has(Defect::DeniedGivesCode) => {
            let scopes = pending.request.scopes.clone();
            return allow(&state, &pending, scopes).await;
        }
        Some("deny") => return flow::end(&state, &pending, Reason::Denied),
        _ => return flow::stray(&state, "The form decides neither to allow nor to deny."),
    }
    let ticked: Vec<&str> = form.all("scope").collect();
    let offered = &pending.request.scopes;
    if let Some(strange) = ticked
        .iter()
        .find(|text| !offered.iter().any(|scope| scope.text() == **text))
        && !state.defects().has(Defect::ConsentScopeNotOfferedAccepted)
    {
        return flow::stray(
            &state,
            &format!("The form allows scope '{strange}', which was not offered."),
        );
    }
    let mut scopes: Vec<_> = offered
        .iter()
        .filter(|scope| ticked.contains(&scope.text()))
        .cloned()
        .collect();
    let strange = ticked
        .iter()
        .filter(|text| !offered.iter().any(|scope| scope.text() == **text));
    scopes.extend(strange.map(|text| Scope::parse(text)));
    if scopes.is_empty() {
        return flow::end(&state, &pending, Reason::NothingAllowed);
    }
    state.store().update_session(&visit.cookie, |session| {
        let consent = Consent {
            scopes: scopes.iter().map(|scope| scope.text().to_owned()).collect(),
            patient: patient_of(&state, &pending),
            kept: form.get("remember") == Some("yes"),
        };
        session.consents.insert(pending.request.client_id.clone(), consent);
    });
    allow(&state, &pending, scopes).await
}

/// The encounter that comes with the patient of a standalone launch, where another server knows it.
async fn latest_encounter(state: &AppState, pending: &Pending, scopes: &[Scope]) -> Option<String> {
    let asked = scopes.iter().any(|scope| scope.launch_context() == Some("encounter"));
    let patient = pending.patient.as_deref().filter(|_| asked)?;
    let chosen = pending.request.preset().and_then(|preset| preset.encounter.as_ref());
    if chosen.is_some() {
        return None;
    }
    people::latest_encounter(state.upstream()?, patient).await
}

/// Whose record the app would get: the one that was picked, or that of the launch.
fn patient_of(state: &AppState, pending: &Pending) -> Option<String> {
    let request = &pending.request;
    let launch = request
        .ehr_launch()
        .filter(|_| flow::takes_launch_context(state, &request.scopes));
    let of_launch = || launch.and_then(|launch| launch.context.patient.clone());
    pending.patient.clone().or_else(of_launch)
}

/// Was all of this allowed before, in this session, by a user who does not want to be asked again?
pub(crate) fn is_remembered(state: &AppState, session: &Session, pending: &Pending) -> bool {
    let request = &pending.request;
    !request.prompt.iter().any(|value| value == "consent")
        && session.consents.get(&request.client_id).is_some_and(|consent| {
            (consent.kept || state.variants().has(Variant::SessionReused))
                && consent.patient == patient_of(state, pending)
                && request
                    .scopes
                    .iter()
                    .all(|scope| consent.scopes.iter().any(|known| known == scope.text()))
        })
}

/// The user agreed: the app gets its code.
pub(crate) async fn allow(state: &AppState, pending: &Pending, scopes: Vec<Scope>) -> Response {
    let encounter = latest_encounter(state, pending, &scopes).await;
    allowed(state, pending, scopes, encounter)
}

fn allowed(state: &AppState, pending: &Pending, scopes: Vec<Scope>, encounter: Option<String>) -> Response {
    // Whoever ends the pending request first has decided; a form that is sent twice decides once.
    if !state.store().end_pending(&pending.id) {
        return flow::stray(state, "This request was decided already.");
    }
    let request = &pending.request;
    let launch = request
        .ehr_launch()
        .filter(|_| flow::takes_launch_context(state, &scopes));
    // One who was signed in already is asked for less, and loses by it what the launch said.
    let was_signed_in = pending.auth_time.is_some_and(|at| at < pending.began);
    let loses = was_signed_in && state.defects().has(Defect::ContextLostWhenSignedIn);
    let launch = launch.filter(|_| !loses);
    let grant = Grant::new(NewGrant {
        client_id: request.client_id.clone(),
        username: pending.username.clone().unwrap_or_default(),
        patient: pending
            .patient
            .clone()
            .or_else(|| launch.and_then(|launch| launch.context.patient.clone()))
            .filter(|_| !loses),
        launch: launch.map(|launch| launch.context.clone()),
        encounter: request
            .preset()
            .and_then(|preset| preset.encounter.clone())
            .or(encounter),
        nonce: request.nonce.clone(),
        auth_time: pending.auth_time.unwrap_or(pending.began),
        since: state.now(),
        asked_age: request.max_age.is_some(),
        aud_ok: request.aud_ok,
        // Those of the launch that was asked for, whatever else the form says.
        faults: request
            .launch
            .as_ref()
            .map(|launch| launch.faults.clone())
            .unwrap_or_default(),
        scopes,
    });
    respond::code(state, request, Arc::new(grant))
}
