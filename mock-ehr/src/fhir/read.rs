//! read and vread.
//!
//! FHIR R4, "read": <https://hl7.org/fhir/R4/http.html#read>

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::access::Interaction;
use super::bearer::Bearer;
use super::outcome::{self, Problem};
use super::store::Resource;
use super::subset::Subset;
use super::{app_state, binary, format, parameters};
use crate::defect::Defect;
use crate::state::AppState;

/// `GET {base}/{type}/{id}`
pub(crate) async fn read(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let address = path.as_ref().map(|Path((kind, id))| Address {
        kind,
        id,
        version: None,
    });
    answer(&state, address.ok(), query.as_deref(), &headers).unwrap_or_else(|problem| problem.answer(&state))
}

/// `GET {base}/{type}/{id}/_history/{vid}`
pub(crate) async fn vread(
    State(state): State<AppState>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let address = path.as_ref().map(|Path((kind, id, version))| Address {
        kind,
        id,
        version: Some(version),
    });
    answer(&state, address.ok(), query.as_deref(), &headers).unwrap_or_else(|problem| problem.answer(&state))
}

struct Address<'a> {
    kind: &'a str,
    id: &'a str,
    version: Option<&'a str>,
}

fn answer(
    state: &AppState,
    address: Option<Address<'_>>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(state, headers)?;
    let Address { kind, id, version } = address.ok_or(Problem::Address)?;
    let view = bearer.view(kind, Interaction::Read)?;
    if parameters::of(kind).is_none() {
        return Err(Problem::UnknownType { kind: kind.to_owned() });
    }
    format::check(query)?;
    // What may not be seen is answered exactly like what does not exist.
    let records = state.records();
    let found = match version {
        Some(version) => records
            .versions(&format!("{kind}/{id}"))
            .into_iter()
            .flatten()
            .find(|resource| resource.version == version),
        None => records.get(kind, id),
    };
    let leaks = version.is_some() && state.defects().has(Defect::FhirVreadLeak);
    let seen = |resource: &&Resource| leaks || (view.shows(resource) && app_state::may_read(state, &bearer, resource));
    if let Some(resource) = found.filter(seen) {
        return Ok(send(resource, query, headers));
    }
    if found.is_some() && state.defects().has(Defect::FhirExistenceRevealed) {
        return Err(Problem::Beyond { kind: kind.to_owned() });
    }
    Err(Problem::NotFound {
        kind: kind.to_owned(),
        id: id.to_owned(),
    })
}

fn send(resource: &Resource, query: Option<&str>, headers: &HeaderMap) -> Response {
    let etag = format!("W/\"{}\"", resource.version);
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let mut response = if known {
        (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, "no-store")]).into_response()
    } else {
        binary::content(resource, query, headers).unwrap_or_else(|| {
            let part = Subset::of_query(query).part(&resource.body);
            outcome::resource(StatusCode::OK, part.as_ref().unwrap_or(&resource.body))
        })
    };
    let modified = resource.last_updated.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (name, value) in [(ETAG, etag), (LAST_MODIFIED, modified)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
