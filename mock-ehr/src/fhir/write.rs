//! create, update and delete, each by its letter of the scope.
//!
//! FHIR R4, "create", "update", "delete": <https://hl7.org/fhir/R4/http.html#create>; SMART App Launch 2.2, "Scopes for
//! requesting FHIR Resources": <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::access::{Interaction, View};
use super::bearer::Bearer;
use super::outcome::{self, Problem};
use super::records::Records;
use super::store::Resource;
use super::{app_state, parameters};
use crate::defect::Defect;
use crate::state::AppState;

/// `POST {base}/{type}`
pub(crate) async fn create(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = path
        .map_err(|_| Problem::Address)
        .and_then(|Path(kind)| created(&state, &headers, &kind, body));
    answer.unwrap_or_else(|problem| problem.answer(&state))
}

/// `PUT {base}/{type}/{id}`
pub(crate) async fn update(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = path
        .map_err(|_| Problem::Address)
        .and_then(|Path((kind, id))| updated(&state, &headers, &kind, &id, body));
    answer.unwrap_or_else(|problem| problem.answer(&state))
}

/// `DELETE {base}/{type}/{id}`
pub(crate) async fn delete(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let answer = path
        .map_err(|_| Problem::Address)
        .and_then(|Path((kind, id))| deleted(&state, &headers, &kind, &id));
    answer.unwrap_or_else(|problem| problem.answer(&state))
}

fn created(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let view = bearer.view(kind, Interaction::Create)?;
    let body = resource(state, kind, body)?;
    let id = format!("written-{}", state.count());
    let made = version(state, kind, &id, 1, body)?;
    app_state::check(state, &bearer, &made, None, &state.records())?;
    may_write(&view, &made)?;
    let body = made.body.clone();
    state
        .shelf()
        .write(&format!("{kind}/{id}"), |_| Ok::<_, Problem>((Some(made), ())))?;
    Ok(sent(state, StatusCode::CREATED, kind, &id, "1", &body))
}

fn updated(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    id: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let view = bearer.view(kind, Interaction::Update)?;
    let body = resource(state, kind, body)?;
    if body["id"] != id {
        return Err(Problem::NotAResource(
            "its id differs from that of the address".to_owned(),
        ));
    }
    let (status, version, body) = state.shelf().write(&format!("{kind}/{id}"), |records| {
        let before = records.get(kind, id);
        if before.is_none() && state.defects().has(Defect::FhirUpdateCreateNeedsC) {
            bearer.view(kind, Interaction::Create)?;
        }
        if_match(state, headers, kind, before)?;
        // What may not be seen is answered exactly like what does not exist.
        if let Some(hidden) = before.filter(|before| !view.shows(before)) {
            return Err(not_found(&hidden.kind, &hidden.id));
        }
        let made = version(
            state,
            kind,
            id,
            records.versions(&format!("{kind}/{id}")).len() + 1,
            body,
        )?;
        app_state::check(state, &bearer, &made, before, records)?;
        may_write(&view, &made).or_else(|beyond| {
            if before.is_some() && bearer.has(Defect::FhirUpdateMovesRecord) {
                Ok(())
            } else {
                Err(beyond)
            }
        })?;
        let status = if before.is_some() {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        let (version, body) = (made.version.clone(), made.body.clone());
        Ok((Some(made), (status, version, body)))
    })?;
    Ok(sent(state, status, kind, id, &version, &body))
}

fn deleted(state: &AppState, headers: &HeaderMap, kind: &str, id: &str) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let view = bearer.view(kind, Interaction::Delete)?;
    state.shelf().write(&format!("{kind}/{id}"), |records| {
        let before = visible(records, &view, kind, id)?;
        if_match(state, headers, kind, Some(before))?;
        if !app_state::may_read(state, &bearer, before) {
            return Err(not_found(kind, id));
        }
        Ok((None, ()))
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn visible<'r>(records: &'r Records, view: &View, kind: &str, id: &str) -> Result<&'r Resource, Problem> {
    records
        .get(kind, id)
        .filter(|resource| view.shows(resource))
        .ok_or_else(|| not_found(kind, id))
}

pub(super) fn not_found(kind: &str, id: &str) -> Problem {
    Problem::NotFound {
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}

fn resource(state: &AppState, kind: &str, body: Result<Bytes, BytesRejection>) -> Result<Value, Problem> {
    if parameters::of(kind).is_none() {
        return Err(Problem::UnknownType { kind: kind.to_owned() });
    }
    let body = body.map_err(|rejection| Problem::Body(rejection.body_text()))?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| Problem::NotAResource(error.to_string()))?;
    let body = app_state::kept(state, kind, body);
    if body["resourceType"] != kind {
        return Err(Problem::NotAResource(format!("its resourceType is not {kind}")));
    }
    Ok(body)
}

pub(super) fn version(
    state: &AppState,
    kind: &str,
    id: &str,
    number: usize,
    mut body: Value,
) -> Result<Resource, Problem> {
    body["id"] = json!(id);
    if !body["meta"].is_object() {
        body["meta"] = json!({});
    }
    body["meta"]["versionId"] = json!(number.to_string());
    body["meta"]["lastUpdated"] = json!(state.now().to_string());
    Resource::new(body).ok_or_else(|| Problem::NotAResource(format!("it is no {kind}")))
}

/// What is written must lie where the writer may read it: in the compartment, and within the constraints.
pub(super) fn may_write(view: &View, made: &Resource) -> Result<(), Problem> {
    if view.shows(made) {
        return Ok(());
    }
    Err(Problem::Beyond {
        kind: made.kind.clone(),
    })
}

/// FHIR R4 http §3.1.0.5: a version that is no longer the latest is not replaced.
pub(super) fn if_match(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    before: Option<&Resource>,
) -> Result<(), Problem> {
    let asked = headers.get(IF_MATCH).and_then(|value| value.to_str().ok());
    let latest = before.map(|resource| format!("W/\"{}\"", resource.version));
    match (asked, latest) {
        (None, Some(_)) if app_state::needs_if_match(state, kind) => Err(Problem::IfMatchMissing),
        (None, _) => Ok(()),
        (Some(asked), Some(latest)) if asked == latest => Ok(()),
        (Some(_), _) if state.defects().has(Defect::FhirIfMatchIgnored) => Ok(()),
        (Some(_), None) if state.defects().has(Defect::AppStateRevived) => Ok(()),
        (Some(_), latest) => Err(Problem::VersionConflict {
            latest: latest.unwrap_or_else(|| "none".to_owned()),
        }),
    }
}

pub(super) fn sent(
    state: &AppState,
    status: StatusCode,
    kind: &str,
    id: &str,
    version: &str,
    body: &Value,
) -> Response {
    let mut response = outcome::resource(status, body);
    let location = format!("{}/{kind}/{id}/_history/{version}", state.fhir_base());
    for (name, value) in [(ETAG, format!("W/\"{version}\"")), (LOCATION, location)] {
        if name == ETAG && state.defects().has(Defect::AppStateNoEtag) {
            continue;
        }
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
