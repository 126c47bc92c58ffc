//! The CapabilityStatement before an upstream server: what both can do, with the mock's security.
//!
//! FHIR R4, "capabilities": <https://hl7.org/fhir/R4/http.html#capabilities>

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::bearer::Bearer;
use super::super::format;
use super::super::metadata::told;
use super::super::outcome::{self, Problem};
use crate::defect::Defect;
use crate::state::AppState;

/// `GET {base}/metadata`. It needs no token.
pub(crate) async fn get(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&state, query.as_deref(), &headers)
        .await
        .unwrap_or_else(|problem| problem.answer(&state))
}

async fn answer(state: &AppState, query: Option<&str>, headers: &HeaderMap) -> Result<Response, Problem> {
    if state.defects().has(Defect::FhirMetadataClosed) {
        Bearer::of(state, headers)?;
    }
    format::check(query)?;
    let Some(upstream) = state.upstream() else {
        return Err(Problem::Broken);
    };
    let theirs = upstream.statement().await?;
    let mut merged = told(state);
    merge(&mut merged, &theirs);
    Ok(outcome::resource(StatusCode::OK, &merged))
}

/// Interactions that cannot be judged before another server.
const NOT_HERE: [&str; 3] = ["history-type", "history-system", "transaction"];

/// Keeps of the mock's statement what upstream can do as well. Search parameters are upstream's, which does the searching.
fn merge(own: &mut Value, theirs: &Value) {
    let name = theirs.pointer("/software/name").and_then(Value::as_str);
    let name = name.unwrap_or("a FHIR server that does not tell its name");
    own["implementation"]["description"] = json!(format!("The SMART layer of a mock EHR in front of {name}"));
    if let Some(version) = theirs["fhirVersion"].as_str() {
        own["fhirVersion"] = json!(version);
    }
    let rest = &mut own["rest"][0];
    keep_codes(&mut rest["interaction"], None);
    let Value::Array(resources) = rest["resource"].take() else {
        return;
    };
    let kept = resources.into_iter().filter_map(|resource| both(resource, theirs));
    rest["resource"] = Value::Array(kept.collect());
}

/// What both can do with a type.
fn both(mut own: Value, theirs: &Value) -> Option<Value> {
    let all = theirs.pointer("/rest/0/resource")?.as_array()?;
    let other = all.iter().find(|other| other["type"] == own["type"])?;
    keep_codes(&mut own["interaction"], Some(&other["interaction"]));
    if other["searchParam"].is_array() {
        let parameters = other["searchParam"].as_array().into_iter().flatten();
        let told = parameters
            .filter(|one| one["name"].as_str().is_some_and(|name| !name.starts_with('_')))
            .map(|one| json!({"name": one["name"], "type": one["type"]}));
        own["searchParam"] = Value::Array(told.collect());
    }
    for name in ["searchInclude", "searchRevInclude"] {
        let listed = other[name].as_array();
        if let (Some(mine), Some(listed)) = (own[name].as_array_mut(), listed) {
            mine.retain(|one| listed.contains(one) || listed.iter().any(|any| any == "*"));
        }
    }
    let members = own.as_object_mut()?;
    // FHIR R4 forbids empty arrays.
    members.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()) && !value.is_null());
    Some(own)
}

/// Takes away what cannot be judged, and what the other list lacks.
fn keep_codes(own: &mut Value, other: Option<&Value>) {
    let Some(list) = own.as_array_mut() else { return };
    list.retain(|one| {
        let code = &one["code"];
        let here = !NOT_HERE.iter().any(|name| *code == *name);
        let there = |other: &Value| {
            let listed = other.as_array();
            // A patch is carried out here and goes upstream as an update; a batch goes entry by entry.
            let as_update = *code == "patch"
                && other
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|known| known["code"] == "update");
            as_update || listed.is_none_or(|listed| listed.iter().any(|known| known["code"] == *code))
        };
        here && other.is_none_or(there)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_of_them_can_do_is_not_claimed() {
        let mut own = json!({
            "implementation": {}, "fhirVersion": "4.0.1",
            "rest": [{
                "security": {"cors": true},
                "interaction": [{"code": "batch"}, {"code": "transaction"}, {"code": "history-system"}],
                "resource": [
                    {"type": "Patient", "interaction": [{"code": "read"}, {"code": "patch"}, {"code": "delete"}, {"code": "history-type"}],
                     "searchInclude": ["Patient:organization"], "searchParam": [{"name": "name", "type": "string"}]},
                    {"type": "Goal", "interaction": [{"code": "read"}]},
                ],
            }],
        });
        let theirs = json!({
            "fhirVersion": "4.3.0", "software": {"name": "Data"},
            "rest": [{
                "security": {"service": [{"text": "theirs"}]},
                "interaction": [{"code": "transaction"}],
                "resource": [{
                    "type": "Patient", "interaction": [{"code": "read"}, {"code": "update"}, {"code": "create"}],
                    "searchInclude": ["Patient:link"], "searchParam": [{"name": "family", "type": "string"}, {"name": "_text", "type": "string"}],
                }],
            }],
        });
        merge(&mut own, &theirs);
        let rest = &own["rest"][0];
        assert_eq!(rest["security"], json!({"cors": true}));
        assert_eq!(rest["interaction"], json!([{"code": "batch"}]));
        assert_eq!(
            rest["resource"],
            json!([{"type": "Patient", "interaction": [{"code": "read"}, {"code": "patch"}], "searchParam": [{"name": "family", "type": "string"}]}])
        );
        assert_eq!(own["fhirVersion"], "4.3.0");
        assert!(own["implementation"]["description"].as_str().unwrap().ends_with("Data"));
    }
}
