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
use super::conditional::{Condition, IF_NONE_EXIST};
use super::outcome::{self, Problem};
use super::records::{Records, Version};
use super::store::Resource;
use super::upstream::is_id;
use super::{address, app_state, parameters};
use crate::defect::Defect;
use crate::state::AppState;
use crate::variant::Variant;

/// `POST {base}/{type}`
pub(crate) async fn create(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    address::at(&state, path, |kind| created(&state, &headers, &kind, body))
}

/// `PUT {base}/{type}/{id}`
pub(crate) async fn update(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    address::at(&state, path, |(kind, id)| updated(&state, &headers, &kind, &id, body))
}

/// `DELETE {base}/{type}/{id}`
pub(crate) async fn delete(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    address::at(&state, path, |(kind, id)| deleted(&state, &headers, &kind, &id))
}

fn created(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let writer = Writer::new(state, headers, &bearer, kind, Interaction::Create)?;
    let body = resource(state, kind, body)?;
    let criteria = headers.get(IF_NONE_EXIST).map(HeaderValue::to_str).transpose();
    let criteria = criteria.map_err(|_| Problem::Search(vec!["If-None-Exist is no text".to_owned()]))?;
    let leak = Defect::FhirConditionalCreateLeak;
    let condition = criteria
        .map(|criteria| Condition::parse(state, &bearer, kind, criteria, leak))
        .transpose()?;
    state.shelf().settle(|records| {
        if let Some(condition) = &condition {
            // FHIR R4 "Conditional create": what is there already is left as it is.
            if let Some(found) = condition.one(records)? {
                return Ok((None, told(state, StatusCode::OK, found)));
            }
            if condition.is_met_unseen(records) && bearer.has(Defect::FhirConditionalCreateReveals) {
                return Ok((None, StatusCode::OK.into_response()));
            }
        }
        let made = writer.created(records, body.clone())?;
        Ok((
            Some(kept(&made)),
            sent(state, StatusCode::CREATED, &made, records.next_number()),
        ))
    })
}

fn updated(
    state: &AppState,
    headers: &HeaderMap,
    kind: &str,
    id: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let writer = Writer::new(state, headers, &bearer, kind, Interaction::Update)?;
    let body = resource(state, kind, body)?;
    if body["id"] != id {
        return Err(Problem::NotAResource(
            "its id differs from that of the address".to_owned(),
        ));
    }
    state.shelf().settle(|records| {
        let (made, status) = writer.replaced(records, id, body.clone())?;
        Ok((Some(kept(&made)), sent(state, status, &made, records.next_number())))
    })
}

fn deleted(state: &AppState, headers: &HeaderMap, kind: &str, id: &str) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let writer = Writer::new(state, headers, &bearer, kind, Interaction::Delete)?;
    let key = format!("{kind}/{id}");
    let done = state.shelf().write(&key, |records| {
        writer.removed(records, id)?;
        Ok((None, records.next_number()))
    });
    match done {
        Ok(number) => Ok(gone(key, number)),
        Err(problem) => nothing_deleted(state, problem),
    }
}

/// Who writes resources of one type, and which of them are within reach.
pub(super) struct Writer<'a> {
    pub(super) state: &'a AppState,
    pub(super) headers: &'a HeaderMap,
    pub(super) bearer: &'a Bearer<'a>,
    pub(super) kind: &'a str,
    pub(super) view: View,
}

impl<'a> Writer<'a> {
    /// One whose token allows the interaction.
    pub(super) fn new(
        state: &'a AppState,
        headers: &'a HeaderMap,
        bearer: &'a Bearer<'a>,
        kind: &'a str,
        interaction: Interaction,
    ) -> Result<Self, Problem> {
        Ok(Self {
            state,
            headers,
            bearer,
            kind,
            view: bearer.view(kind, interaction)?,
        })
    }

    /// What a leaking search found is not looked at again.
    pub(super) fn reach(&mut self, found: &Resource, leak: Defect) {
        if !self.view.shows(found) && self.bearer.has(leak) {
            self.view = View::everything();
        }
    }

    /// A resource that was not there.
    pub(super) fn created(&self, records: &Records, body: Value) -> Result<Resource, Problem> {
        if_match(self.state, self.headers, self.kind, None)?;
        let id = format!("written-{}", self.state.count());
        let made = version(self.state, self.kind, &id, 1, body)?;
        app_state::check(self.state, self.bearer, &made, None, records)?;
        may_write(&self.view, &made)?;
        Ok(made)
    }

    /// The next version of a resource, or its first.
    pub(super) fn replaced(&self, records: &Records, id: &str, body: Value) -> Result<(Resource, StatusCode), Problem> {
        let Self { state, kind, view, .. } = self;
        let before = records.get(kind, id);
        if before.is_none() && state.defects().has(Defect::FhirUpdateCreateNeedsC) {
            self.bearer.view(kind, Interaction::Create)?;
        }
        // What may not be seen tells its version to nobody, and is not found; what does not exist is made.
        let seen = before.filter(|before| view.shows(before));
        if_match(state, self.headers, kind, seen)?;
        if let (Some(hidden), None) = (before, seen) {
            return Err(not_found(&hidden.kind, &hidden.id));
        }
        let number = records.next_version(&format!("{kind}/{id}"));
        let made = version(state, kind, id, number, body)?;
        app_state::check(state, self.bearer, &made, before, records)?;
        may_write(view, &made).or_else(|beyond| {
            if before.is_some() && self.bearer.has(Defect::FhirUpdateMovesRecord) {
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
        Ok((made, status))
    }

    /// Whether the resource may be deleted.
    pub(super) fn removed(&self, records: &Records, id: &str) -> Result<(), Problem> {
        let before = visible(records, &self.view, self.kind, id)?;
        if_match(self.state, self.headers, self.kind, Some(before))?;
        if !app_state::may_read(self.state, self.bearer, before) {
            return Err(not_found(self.kind, id));
        }
        Ok(())
    }
}

/// What the shelf keeps of a write.
pub(super) fn kept(made: &Resource) -> (String, Version) {
    (made.key(), Some(made.clone()))
}

/// What a request wrote: goes with the answer, for the transaction that may take it back.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// `Type/id`
    pub(super) key: String,
    /// Of its entry among all that was written.
    pub(super) number: i64,
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

pub(super) fn resource(state: &AppState, kind: &str, body: Result<Bytes, BytesRejection>) -> Result<Value, Problem> {
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
    if !is_id(id) {
        return Err(Problem::NotAResource(
            "its id is none: 1 to 64 letters, digits, `-` and `.`, and not dots alone".to_owned(),
        ));
    }
    body["id"] = json!(id);
    if !body["meta"].is_object() {
        body["meta"] = json!({});
    }
    body["meta"]["versionId"] = json!(number.to_string());
    body["meta"]["lastUpdated"] = json!(state.now().to_string());
    Resource::at(state.bases(), body).ok_or_else(|| Problem::NotAResource(format!("it is no {kind}")))
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

/// The answer to a write.
pub(super) fn sent(state: &AppState, status: StatusCode, made: &Resource, number: i64) -> Response {
    let mut response = told(state, status, made);
    let key = made.key();
    response.extensions_mut().insert(Written { key, number });
    response
}

/// The answer to a delete.
pub(super) fn gone(key: String, number: i64) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(Written { key, number });
    response
}

/// FHIR R4 "delete": where there is nothing to delete, 204 is as good an answer as 404.
pub(super) fn nothing_deleted(state: &AppState, problem: Problem) -> Result<Response, Problem> {
    if matches!(problem, Problem::NotFound { .. }) && state.variants().has(Variant::DeleteOfNothing) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(problem)
}

/// A resource, where it is, and in which version.
pub(super) fn told(state: &AppState, status: StatusCode, resource: &Resource) -> Response {
    let mut response = outcome::resource(status, &resource.body);
    let version = &resource.version;
    let location = format!("{}/{}/_history/{version}", state.fhir_base(), resource.key());
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
