//! Interactions that find their resource by a search: conditional create, update, patch and delete.
//!
//! The search is the bearer's own: it needs the letter s beside that of the interaction, and finds what any search with the
//! same token finds. FHIR R4, "Conditional create", "Conditional update", "Conditional delete":
//! <https://hl7.org/fhir/R4/http.html#ccreate>, <https://hl7.org/fhir/R4/http.html#cond-update>,
//! <https://hl7.org/fhir/R4/http.html#3.1.0.7.1>

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

use super::access::{Interaction, View};
use super::address;
use super::bearer::Bearer;
use super::outcome::Problem;
use super::patch::{self, Asked};
use super::query::Query;
use super::records::Records;
use super::store::Resource;
use super::write::{self, Writer};
use super::{parameters, search};
use crate::defect::Defect;
use crate::state::AppState;

/// The criteria of a conditional create.
pub(super) const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

/// A search that names what an interaction is about.
pub(super) struct Condition<'a> {
    state: &'a AppState,
    bearer: &'a Bearer<'a>,
    kind: &'a str,
    query: Query,
    view: View,
}

impl<'a> Condition<'a> {
    /// Reads the criteria. With `leak` the search sees the records of everybody.
    pub(super) fn parse(
        state: &'a AppState,
        bearer: &'a Bearer<'a>,
        kind: &'a str,
        criteria: &str,
        leak: Defect,
    ) -> Result<Self, Problem> {
        let view = bearer.view(kind, Interaction::Search)?;
        if parameters::of(kind).is_none() {
            return Err(Problem::UnknownType { kind: kind.to_owned() });
        }
        // What is not understood would leave the search wider than it was meant.
        let pairs = form_urlencoded::parse(criteria.as_bytes()).into_owned();
        let query = Query::parse(kind, pairs, &state.fhir_base(), true)?;
        if query.criteria.is_empty() && query.chains.is_empty() {
            return Err(Problem::Search(vec![
                "a conditional interaction needs search parameters".to_owned(),
            ]));
        }
        search::repeats_constraints(state, kind, &query.names(), &view)?;
        let view = if bearer.has(leak) { View::everything() } else { view };
        Ok(Self {
            state,
            bearer,
            kind,
            query,
            view,
        })
    }

    /// The resource that is meant, if there is one.
    pub(super) fn one<'r>(&self, records: &'r Records) -> Result<Option<&'r Resource>, Problem> {
        let mut found = self.found(records, &self.view).into_iter();
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Problem::Precondition(
                "the criteria match more than one resource".to_owned(),
            )),
            (one, _) => Ok(one),
        }
    }

    /// Whether the criteria match what the bearer may not see.
    pub(super) fn is_met_unseen(&self, records: &Records) -> bool {
        !self.found(records, &View::everything()).is_empty()
    }

    fn found<'r>(&self, records: &'r Records, view: &View) -> Vec<&'r Resource> {
        search::found(self.state, self.bearer, records, self.kind, &self.query, view)
    }
}

/// `PUT {base}/{type}?…`
pub(crate) async fn update(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    address::at(&state, path, |kind| {
        let bearer = Bearer::of(&state, &headers)?;
        let writer = Writer::new(&state, &headers, &bearer, &kind, Interaction::Update)?;
        let criteria = criteria(&state, query.as_deref())?;
        updated(writer, criteria, &write::resource(&state, &kind, body)?)
    })
}

/// `PATCH {base}/{type}?…`
pub(crate) async fn patch(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    address::at(&state, path, |kind| {
        let bearer = Bearer::of(&state, &headers)?;
        let writer = patch::writer(&state, &headers, &bearer, &kind)?;
        let criteria = criteria(&state, query.as_deref())?;
        patched(writer, criteria, &Asked::of(&headers, body)?)
    })
}

/// `DELETE {base}/{type}?…`
pub(crate) async fn delete(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    address::at(&state, path, |kind| {
        let bearer = Bearer::of(&state, &headers)?;
        let writer = Writer::new(&state, &headers, &bearer, &kind, Interaction::Delete)?;
        deleted(writer, criteria(&state, query.as_deref())?)
    })
}

/// Without criteria these methods mean nothing at the address of a type.
fn criteria<'q>(state: &AppState, query: Option<&'q str>) -> Result<&'q str, Problem> {
    query
        .filter(|query| !query.is_empty())
        .ok_or_else(|| Problem::NotSupported {
            what: "this method on a whole type, without search parameters,".to_owned(),
            base: state.fhir_base().into_owned(),
            status: StatusCode::METHOD_NOT_ALLOWED,
        })
}

// FHIR R4 "Conditional update": none is created, one is updated, several are refused.
fn updated(mut writer: Writer<'_>, criteria: &str, body: &Value) -> Result<Response, Problem> {
    let state = writer.state;
    let leak = Defect::FhirConditionalUpdateLeak;
    let condition = Condition::parse(state, writer.bearer, writer.kind, criteria, leak)?;
    state.shelf().settle(|records| {
        let id = body["id"].as_str().map(str::to_owned);
        let (made, status) = match (condition.one(records)?, id) {
            (Some(found), id) if id.as_ref().is_none_or(|id| *id == found.id) => {
                writer.reach(found, leak);
                let mut body = body.clone();
                body["id"] = found.id.clone().into();
                writer.replaced(records, &found.id, body)?
            }
            (Some(_), _) => {
                return Err(Problem::NotAResource(
                    "its id is not that of the resource that matches".to_owned(),
                ));
            }
            (None, None) => (writer.created(records, body.clone())?, StatusCode::CREATED),
            (None, Some(id)) => {
                if write::visible(records, &writer.view, writer.kind, &id).is_ok() {
                    return Err(Problem::Precondition(
                        "the resource of this id does not match the criteria".to_owned(),
                    ));
                }
                writer.replaced(records, &id, body.clone())?
            }
        };
        let sent = write::sent(state, status, &made, records.next_number());
        Ok((Some(write::kept(&made)), sent))
    })
}

fn patched(mut writer: Writer<'_>, criteria: &str, asked: &Asked) -> Result<Response, Problem> {
    let state = writer.state;
    let leak = Defect::FhirConditionalPatchLeak;
    let condition = Condition::parse(state, writer.bearer, writer.kind, criteria, leak)?;
    state.shelf().settle(|records| {
        let found = condition.one(records)?.ok_or_else(|| nothing(writer.kind))?;
        writer.reach(found, leak);
        let before = write::visible(records, &writer.view, writer.kind, &found.id)?;
        let made = asked.carried_out(&writer, records, before)?;
        let sent = write::sent(state, StatusCode::OK, &made, records.next_number());
        Ok((Some(write::kept(&made)), sent))
    })
}

fn deleted(mut writer: Writer<'_>, criteria: &str) -> Result<Response, Problem> {
    let state = writer.state;
    let leak = Defect::FhirConditionalDeleteLeak;
    let condition = Condition::parse(state, writer.bearer, writer.kind, criteria, leak)?;
    let gone = state.shelf().settle(|records| {
        let Some(found) = condition.one(records)? else {
            return Ok((None, None));
        };
        writer.reach(found, leak);
        writer.removed(records, &found.id)?;
        let gone = write::gone(found.key(), records.next_number());
        Ok::<_, Problem>((Some((found.key(), None)), Some(gone)))
    })?;
    match gone {
        Some(gone) => Ok(gone),
        None => write::nothing_deleted(state, nothing(writer.kind)),
    }
}

fn nothing(kind: &str) -> Problem {
    Problem::NotFound {
        kind: kind.to_owned(),
        id: "what matches the search".to_owned(),
    }
}
