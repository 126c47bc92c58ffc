//! The CapabilityStatement, with the OAuth addresses that apps of the first SMART version read from it.
//!
//! FHIR R4, "capabilities": <https://hl7.org/fhir/R4/http.html#capabilities>; SMART App Launch 1.0 and 2.2,
//! "Declaring support for OAuth2 endpoints": <https://hl7.org/fhir/smart-app-launch/conformance.html>

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::bearer::Bearer;
use super::format;
use super::outcome;
use super::parameters::{self, Kind};
use crate::defect::Defect;
use crate::state::AppState;
use crate::variant::Variant;

/// `GET {base}/metadata`. It needs no token.
pub(crate) async fn get(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if state.defects().has(Defect::FhirMetadataClosed)
        && let Err(problem) = Bearer::of(&state, &headers)
    {
        return problem.answer(&state);
    }
    match format::check(query.as_deref()) {
        Ok(()) => outcome::resource(StatusCode::OK, &told(&state)),
        Err(problem) => problem.answer(&state),
    }
}

/// What the mock says of itself.
pub(super) fn told(state: &AppState) -> Value {
    let mut statement = statement(&state.fhir_base(), state.public_url());
    if state.variants().has(Variant::FhirReadsOnly) {
        keep_reads_only(&mut statement["rest"][0]);
    }
    let security = &mut statement["rest"][0]["security"];
    if state.defects().has(Defect::OauthUrisMissing) {
        security["extension"] = Value::Null;
    }
    if state.defects().has(Defect::OauthUrisDisagree) {
        let token = &mut security["extension"][0]["extension"][1]["valueUri"];
        *token = json!(format!("{}/token", state.public_url()));
    }
    if state.variants().has(Variant::SecurityServiceUntold) {
        security["service"] = Value::Null;
    }
    if let Some(members) = security.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    statement
}

/// Claims nothing beyond read and search.
fn keep_reads_only(rest: &mut Value) {
    if let Some(rest) = rest.as_object_mut() {
        rest.remove("interaction");
    }
    let resources = rest["resource"].as_array_mut().into_iter().flatten();
    for resource in resources.filter_map(Value::as_object_mut) {
        resource.insert(
            "interaction".to_owned(),
            json!([{"code": "read"}, {"code": "search-type"}]),
        );
        resource.retain(|name, _| name != "versioning" && !name.starts_with("conditional"));
    }
}

fn statement(base: &str, public_url: &str) -> Value {
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2025-01-15",
        "publisher": "launchproof",
        "kind": "instance",
        "software": {"name": "launchproof mock EHR", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "A mock EHR with synthetic people", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "security": security(public_url),
            "interaction": [{"code": "batch"}, {"code": "transaction"}, {"code": "history-system"}],
            "resource": parameters::types().map(resource).collect::<Vec<_>>(),
        }],
    })
}

fn security(public_url: &str) -> Value {
    let address = |name: &str| json!({"url": name, "valueUri": format!("{public_url}/auth/{name}")});
    let addresses: Vec<_> = ["authorize", "token", "introspect", "revoke"]
        .into_iter()
        .map(address)
        .collect();
    json!({
        "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            "extension": addresses,
        }],
        "cors": true,
        "service": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
                "display": "SMART-on-FHIR",
            }],
            "text": "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
        }],
    })
}

fn resource(kind: &str) -> Value {
    let all: Vec<_> = parameters::of(kind).into_iter().flatten().collect();
    let references = all.iter().filter(|parameter| parameter.kind == Kind::Reference);
    let includes: Vec<_> = references
        .map(|parameter| format!("{kind}:{}", parameter.name))
        .collect();
    let mut resource = json!({
        "type": kind,
        "profile": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "interaction": INTERACTIONS.map(|code| json!({"code": code})),
        "versioning": "versioned",
        "conditionalCreate": true,
        "conditionalUpdate": true,
        "conditionalDelete": "single",
        "searchInclude": includes,
        "searchRevInclude": pointing_to(kind),
        "searchParam": all
            .iter()
            .map(|parameter| json!({"name": parameter.name, "type": parameter.kind.name()}))
            .collect::<Vec<_>>(),
    });
    // FHIR R4 forbids empty arrays.
    if let Some(members) = resource.as_object_mut() {
        members.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
    }
    resource
}

const INTERACTIONS: [&str; 9] = [
    "read",
    "vread",
    "history-instance",
    "history-type",
    "search-type",
    "create",
    "update",
    "patch",
    "delete",
];

fn pointing_to(kind: &str) -> Vec<String> {
    let pointing = |from: &'static str| {
        parameters::of(from)
            .into_iter()
            .flatten()
            .filter(|parameter| parameter.kind == Kind::Reference)
            .filter(|parameter| parameter.target.is_none_or(|target| target == kind))
            .map(move |parameter| format!("{from}:{}", parameter.name))
    };
    parameters::types().flat_map(pointing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_tells_where_to_authorize() {
        let statement = statement("http://ehr.example/fhir", "http://ehr.example");
        let security = &statement["rest"][0]["security"];
        let addresses = security["extension"][0]["extension"].as_array().expect("addresses");
        assert_eq!(addresses.len(), 4);
        assert_eq!(addresses[0]["valueUri"], "http://ehr.example/auth/authorize");
        assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    }

    #[test]
    fn every_type_is_listed_with_its_parameters_and_nothing_is_empty() {
        fn walk(value: &Value) {
            match value {
                Value::Array(items) => {
                    assert!(!items.is_empty());
                    items.iter().for_each(walk);
                }
                Value::Object(members) => members.values().for_each(walk),
                _ => {}
            }
        }
        let statement = statement("b", "p");
        walk(&statement);
        let resources = statement["rest"][0]["resource"].as_array().expect("resources");
        assert!(resources.len() >= 22);
    }
}
