//! Search by GET and by POST.
//!
//! FHIR R4, "search": <https://hl7.org/fhir/R4/http.html#search>

use std::cmp::Ordering;
use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::access::{Interaction, View};
use super::bearer::Bearer;
use super::bundle::{self, Found};
use super::criterion::Criterion;
use super::include;
use super::outcome::{self, Problem};
use super::parameters::{self, Kind, Parameter};
use super::query::{self, Direction, Query};
use super::records::Records;
use super::span::Span;
use super::store::Resource;
use super::{app_state, bearer, element};
use crate::defect::Defect;
use crate::state::AppState;
use crate::variant::Variant;

/// `GET {base}/{type}?…`
pub(crate) async fn get(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&state, path.ok(), query.as_deref(), None, &headers).unwrap_or_else(|problem| problem.answer(&state))
}

/// `POST {base}/{type}/_search`
pub(crate) async fn post(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    answer(&state, path.ok(), query.as_deref(), Some(body), &headers).unwrap_or_else(|problem| problem.answer(&state))
}

/// A search, judged as far as that needs no records.
pub(super) struct Search<'a> {
    pub(super) bearer: Bearer<'a>,
    pub(super) kind: String,
    pub(super) view: View,
    /// Every parameter, of the address and of the form.
    pub(super) pairs: Vec<(String, String)>,
    posted: bool,
    /// A token in the address, for the defect that repeats it.
    sent: Option<String>,
}

/// What comes of judging.
pub(super) enum Asked<'a> {
    Search(Search<'a>),
    /// A faulty server knows the answer at once.
    Answered(Response),
}

/// Judges token, scopes, type and form.
pub(super) fn asked<'a>(
    state: &'a AppState,
    path: Option<Path<String>>,
    query: Option<&str>,
    body: Option<Result<Bytes, BytesRejection>>,
    headers: &HeaderMap,
) -> Result<Asked<'a>, Problem> {
    let bearer = match Bearer::of(state, headers) {
        // RFC 6750 §2.2 is not supported: only a faulty server reads a token here.
        Err(problem) => match token_in_form(body.as_ref()) {
            Some(headers) if state.defects().has(Defect::FhirTokenInFormAccepted) => Bearer::of(state, &headers)?,
            _ => return Err(problem),
        },
        Ok(bearer) => bearer,
    };
    let kind = path.ok_or(Problem::Address)?.0;
    let view = match bearer.view(&kind, Interaction::Search) {
        Err(Problem::Scope(_)) if state.variants().has(Variant::DeniedAsEmptyBundle) => View::nothing(),
        Err(Problem::Scope(_)) if reveals(state, &kind, query) => View::nothing(),
        judged => judged?,
    };
    if parameters::of(&kind).is_none() {
        if state.defects().has(Defect::FhirUnknownTypeEmpty) {
            let nothing = json!({ "resourceType": "Bundle", "type": "searchset", "total": 0 });
            return Ok(Asked::Answered(axum::Json(nothing).into_response()));
        }
        return Err(Problem::UnknownType { kind });
    }
    let posted = body.is_some();
    let sent = query.and_then(bearer::token_of);
    let form = body.map(|body| form(body, headers)).transpose()?.unwrap_or_default();
    let pairs = [query.unwrap_or_default().as_bytes(), &form[..]]
        .into_iter()
        .flat_map(|text| url::form_urlencoded::parse(text).into_owned())
        .collect::<Vec<_>>();
    Ok(Asked::Search(Search {
        bearer,
        kind,
        view,
        pairs,
        posted,
        sent,
    }))
}

fn answer(
    state: &AppState,
    path: Option<Path<String>>,
    query: Option<&str>,
    body: Option<Result<Bytes, BytesRejection>>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let asked = match asked(state, path, query, body, headers)? {
        Asked::Answered(response) => return Ok(response),
        Asked::Search(asked) => asked,
    };
    let Search {
        bearer,
        kind,
        view,
        pairs,
        posted,
        sent,
    } = asked;
    let kind = kind.as_str();
    let query = Query::parse(kind, pairs.into_iter(), &state.fhir_base(), query::is_strict(headers))?;
    let by_missing = query.understood.iter().any(|(name, _)| name == "subject:missing");
    if by_missing && state.defects().has(Defect::AppStateMissingUnknown) {
        return Err(Problem::Search(vec![
            "the modifier `missing` is not supported".to_owned(),
        ]));
    }
    repeats_constraints(state, kind, &query.names(), &view)?;
    let records = state.records();
    let view = reach(state, view, &query, posted);
    let mut matches = found(state, &bearer, &records, kind, &query, &view);
    if kind == "Basic" && state.defects().has(Defect::AppStateNotFound) {
        matches.clear();
    }
    let total = matches.len();
    let needed = query.offset.saturating_add(query.page.unwrap_or_default());
    first(&mut matches, &query, &records, needed);
    let page: Vec<&Resource> = matches
        .into_iter()
        .skip(query.offset)
        .take(query.page.unwrap_or_default())
        .collect();
    let included = include::follow(&records, &page, &query.includes, &bearer);
    let found = Found {
        total,
        page: &page,
        included: &included,
    };
    let mut bundle = bundle::searchset(&state.fhir_base(), kind, &query, &found);
    if let Some(token) = sent
        && state.defects().has(Defect::FhirSelfLinkRepeatsToken)
    {
        bundle["link"][0]["url"] = json!(format!("{}/{kind}?access_token={token}", state.fhir_base()));
    }
    Ok(outcome::resource(StatusCode::OK, &bundle))
}

/// A server may refuse a search that does not repeat the constraints of a granular scope.
pub(super) fn repeats_constraints(state: &AppState, kind: &str, asked: &[&str], view: &View) -> Result<(), Problem> {
    if !view.is_repeated_by(asked) && state.variants().has(Variant::GranularSearchRefused) {
        return Err(Problem::Beyond { kind: kind.to_owned() });
    }
    Ok(())
}

/// What a search finds within a view, its chains included, that the bearer may read.
pub(super) fn found<'r>(
    state: &AppState,
    bearer: &Bearer<'_>,
    records: &'r Records,
    kind: &str,
    query: &Query,
    view: &View,
) -> Vec<&'r Resource> {
    let mut found = matches(records, kind, query, view);
    if !query.chains.is_empty() {
        let blind = state.defects().has(Defect::FhirChainLeak).then_some(Everyone);
        for chain in &query.chains {
            match &blind {
                Some(everyone) => chain.narrow(&mut found, records, everyone),
                None => chain.narrow(&mut found, records, bearer),
            }
        }
    }
    found.retain(|resource| app_state::may_read(state, bearer, resource));
    found
}

/// The eyes of a search whose chains are guarded by nothing: a defect's.
struct Everyone;

impl include::Views for Everyone {
    fn view(&self, _: &str, _: Interaction) -> Option<View> {
        Some(View::everything())
    }
}

/// The faulty server refuses only where there is something to refuse.
fn reveals(state: &AppState, kind: &str, query: Option<&str>) -> bool {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut ids = pairs.filter(|(name, _)| name == "_id");
    let absent = ids.any(|(_, id)| state.records().get(kind, &id).is_none());
    absent && state.defects().has(Defect::FhirExistenceRevealed)
}

/// How far this kind of search sees: as far as any other, but for a defect.
fn reach(state: &AppState, view: View, query: &Query, posted: bool) -> View {
    let defects = state.defects();
    let by_id = query.understood.iter().any(|(name, _)| name == "_id");
    let leaks = (posted && defects.has(Defect::FhirPostSearchLeak))
        || (by_id && defects.has(Defect::FhirIdSearchLeak))
        || (!query.chains.is_empty() && defects.has(Defect::FhirChainLeak));
    if leaks { View::everything() } else { view }
}

/// The header fields of a request whose token stands in its form.
fn token_in_form(body: Option<&Result<Bytes, BytesRejection>>) -> Option<HeaderMap> {
    let body = body?.as_ref().ok()?;
    let (_, token) = url::form_urlencoded::parse(body).find(|(name, _)| name == "access_token")?;
    let value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    Some(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

fn form(body: Result<Bytes, BytesRejection>, headers: &HeaderMap) -> Result<Bytes, Problem> {
    let body = body.map_err(|rejection| Problem::Body(rejection.body_text()))?;
    let was = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let plain = was
        .as_deref()
        .and_then(|was| was.split(';').next())
        .unwrap_or_default()
        .trim();
    if body.is_empty() || plain.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(body);
    }
    Err(Problem::NotAForm {
        was: was.unwrap_or_else(|| "of no declared type".to_owned()),
    })
}

/// Every resource of the type that meets the query and may be seen.
pub(super) fn matches<'a>(store: &'a Records, kind: &str, query: &Query, view: &View) -> Vec<&'a Resource> {
    let within = |(constraints, patients): (&[Criterion], Option<Vec<&str>>)| {
        // The index knows constraints as it knows criteria, so that no resource is read for them.
        let criteria = [&query.criteria, constraints].concat();
        store.matching(kind, &criteria, patients.as_deref())
    };
    let mut parts = view.parts().into_iter().map(within);
    let mut found = parts.next().unwrap_or_default();
    let further: Vec<&Resource> = parts.flatten().collect();
    if !further.is_empty() {
        found.extend(further);
        let mut seen = HashSet::new();
        found.retain(|one| seen.insert(std::ptr::from_ref(*one)));
        // What apps wrote stands behind what was there.
        found.sort_by_key(|one| one.position().map_or((true, 0), |at| (false, at)));
    }
    found
}

/// Puts those first, in the order that was asked for, that a page needs. Of many that are sorted by one date, only these
/// are sorted.
fn first(matches: &mut Vec<&Resource>, query: &Query, records: &Records, needed: usize) {
    let [(parameter, direction)] = query.sort[..] else {
        return sort(matches, query, records);
    };
    if parameter.kind != Kind::Date || needed >= matches.len() / 4 {
        return sort(matches, query, records);
    }
    let kind = matches.first().map_or("", |one| one.kind.as_str());
    let mut dates = records.first_dates(kind, parameter);
    // The place breaks ties, as a stable sort does.
    let mut keyed: Vec<(i64, usize)> = matches
        .iter()
        .enumerate()
        .map(|(at, one)| (moment(dates(one), direction), at))
        .collect();
    keyed.select_nth_unstable(needed);
    keyed.truncate(needed);
    keyed.sort_unstable();
    *matches = keyed.into_iter().map(|(_, at)| matches[at]).collect();
}

/// Puts them in the order that was asked for.
pub(super) fn sort(matches: &mut Vec<&Resource>, query: &Query, records: &Records) {
    for (parameter, direction) in query.sort.iter().rev() {
        if parameter.kind == Kind::Date {
            let kind = matches.first().map_or("", |one| one.kind.as_str());
            let mut dates = records.first_dates(kind, parameter);
            matches.sort_by_cached_key(|one| moment(dates(one), *direction));
        } else {
            sort_by_text(matches, parameter, *direction);
        }
    }
}

/// FHIR R4 search §3.1.1.5.1: a period counts by its start when ascending, by its end when descending. What has no value
/// comes last either way.
fn moment(span: Option<Span>, direction: Direction) -> i64 {
    match (span, direction) {
        (None, _) => i64::MAX,
        (Some(span), Direction::Ascending) => span.start.as_microsecond(),
        (Some(span), Direction::Descending) => -span.end.as_microsecond(),
    }
}

fn sort_by_text(matches: &mut Vec<&Resource>, parameter: &Parameter, direction: Direction) {
    let mut keyed: Vec<(Option<String>, &Resource)> = matches
        .drain(..)
        .map(|one| (one.body.look(|body| text(first_value(parameter, body)?)), one))
        .collect();
    keyed.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) if direction == Direction::Descending => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (None, None) => Ordering::Equal,
    });
    matches.extend(keyed.into_iter().map(|(_, one)| one));
}

fn text(value: &Value) -> Option<String> {
    let spoken = ["text", "family", "code", "value", "reference", "display"];
    let text = value
        .as_str()
        .or_else(|| spoken.iter().find_map(|name| value.get(name)?.as_str()))
        .or_else(|| value.pointer("/coding/0/code")?.as_str())?;
    Some(text.to_lowercase())
}

fn first_value<'v>(parameter: &Parameter, body: &'v Value) -> Option<&'v Value> {
    parameter.paths.iter().flat_map(|path| element::at(body, path)).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::store::Store;

    fn search(kind: &str, text: &str) -> Vec<&'static Resource> {
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned();
        let query = Query::parse(kind, pairs, "http://ehr.example/fhir", true).expect(text);
        let records: &Records = Box::leak(Box::default());
        let mut found = matches(records, kind, &query, &View::everything());
        sort(&mut found, &query, records);
        found
    }

    #[test]
    fn the_index_by_patient_finds_what_a_full_scan_finds() {
        for kind in parameters::types() {
            for name in ["patient", "subject"] {
                if parameters::find(kind, name).is_none() {
                    continue;
                }
                for patient in crate::fhir::people::patients() {
                    let query = format!("{name}=Patient/{}", patient.id);
                    let criterion =
                        super::super::criterion::Criterion::parse(kind, name, &format!("Patient/{}", patient.id), "")
                            .expect("it is a reference");
                    let scanned = Store::embedded()
                        .all(kind)
                        .filter(|one| criterion.matches(&one.body))
                        .count();
                    assert_eq!(search(kind, &query).len(), scanned, "{kind} {query}");
                }
            }
        }
    }

    #[test]
    fn a_series_is_sorted_by_date() {
        let dates = |sort: &str| -> Vec<&str> {
            search("Observation", &format!("patient=patient-a&code=4548-4&_sort={sort}"))
                .into_iter()
                .filter_map(|one| element::text(&one.body, "effectiveDateTime"))
                .collect()
        };
        let ascending = dates("date");
        assert!(ascending.len() >= 8 && ascending.is_sorted());
        let mut descending = dates("-date");
        descending.reverse();
        assert_eq!(descending, ascending);
    }

    #[test]
    fn the_first_of_many_are_those_of_the_whole_order() {
        for sort in ["date", "-date", "_lastUpdated", "-_lastUpdated"] {
            let text = format!("_sort={sort}");
            let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned();
            let query = Query::parse("Observation", pairs, "", true).expect(sort);
            let records = Records::default();
            let all = matches(&records, "Observation", &query, &View::everything());
            let mut whole = all.clone();
            super::sort(&mut whole, &query, &records);
            for needed in [0, 1, 7, all.len() / 5, all.len(), all.len() + 1] {
                let mut some = all.clone();
                first(&mut some, &query, &records, needed);
                let keys = |list: &[&Resource]| list.iter().take(needed).map(|one| one.key()).collect::<Vec<_>>();
                assert_eq!(keys(&some), keys(&whole), "{needed} by {sort}");
            }
        }
    }

    #[test]
    fn what_has_no_value_comes_last() {
        for sort in ["death-date", "-death-date"] {
            assert_eq!(search("Patient", &format!("_sort={sort}"))[0].id, "patient-o");
        }
        assert_eq!(search("Patient", "_sort=family")[0].id, "patient-h");
    }
}
