//! batch and transaction: each entry is a request of its own, with the same token.
//!
//! FHIR R4, "batch/transaction": <https://hl7.org/fhir/R4/http.html#transaction>; SMART App Launch 2.2, "Batches and
//! Transactions": <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::bearer::Bearer;
use super::outcome::{self, Problem};
use crate::defect::Defect;
use crate::state::AppState;

/// How many entries a batch may have.
const LIMIT: usize = 100;
/// How large the answer to one entry may be.
const ANSWER: usize = 4 * 1024 * 1024;

/// Marks a request as an entry of a batch, for the defect that trusts entries.
pub(super) const ENTRY: HeaderName = HeaderName::from_static("launchproof-batch-entry");

/// `POST {base}`
pub(crate) async fn post(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match answer(&state, &headers, body).await {
        Ok(response) => response,
        Err(problem) => problem.answer(&state),
    }
}

async fn answer(
    state: &AppState,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    Bearer::of(state, headers)?;
    let body = body.map_err(|rejection| Problem::Body(rejection.body_text()))?;
    let bundle: Value = serde_json::from_slice(&body).map_err(|error| Problem::NotAResource(error.to_string()))?;
    let kind = bundle["type"].as_str().unwrap_or_default();
    if bundle["resourceType"] != "Bundle" || !matches!(kind, "batch" | "transaction") {
        return Err(Problem::NotAResource(
            "a Bundle of type batch or transaction is expected".to_owned(),
        ));
    }
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.len() > LIMIT {
        return Err(Problem::NotAResource(format!("more than {LIMIT} entries")));
    }
    let writes = entries.iter().any(|entry| entry["request"]["method"] != "GET");
    // A transaction that writes would have to be undone as a whole, which this server cannot do.
    if kind == "transaction" && writes {
        return Err(Problem::NotAResource(
            "a transaction may hold GET entries only here".to_owned(),
        ));
    }
    let mut answers = Vec::new();
    for entry in entries {
        let answer = one(state, headers, entry).await;
        let refused = answer["response"]["status"]
            .as_str()
            .is_some_and(|status| status.starts_with('4'));
        if kind == "transaction" && refused {
            return Err(Problem::Transaction(
                answer["response"]["status"].as_str().unwrap_or_default().to_owned(),
            ));
        }
        answers.push(answer);
    }
    let mut bundle = json!({"resourceType": "Bundle", "type": format!("{kind}-response")});
    if !answers.is_empty() {
        bundle["entry"] = Value::Array(answers);
    }
    Ok(outcome::resource(StatusCode::OK, &bundle))
}

async fn one(state: &AppState, headers: &HeaderMap, entry: &Value) -> Value {
    let asked = &entry["request"];
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    let url = text("url").trim_start_matches('/');
    let mut request = Request::builder()
        .method(Method::from_bytes(text("method").as_bytes()).unwrap_or(Method::TRACE))
        .uri(format!("/{url}"))
        .header(CONTENT_TYPE, "application/fhir+json");
    for value in headers.get_all(http::header::AUTHORIZATION) {
        request = request.header(http::header::AUTHORIZATION, value);
    }
    if let Some(tag) = asked["ifMatch"].as_str() {
        request = request.header(IF_MATCH, tag);
    }
    if state.defects().has(Defect::FhirBatchLeak) {
        request = request.header(ENTRY, "1");
    }
    let body = match &entry["resource"] {
        Value::Null => Body::empty(),
        resource => Body::from(resource.to_string()),
    };
    let Ok(request) = request.body(body) else {
        return json!({"response": {"status": "400"}});
    };
    // A batch within a batch would never end.
    let nested = request.uri().path() == "/";
    if nested {
        return json!({"response": {"status": "400"}});
    }
    let response = super::entries().with_state(state.clone()).oneshot(request).await;
    let Ok(response) = response;
    let status = response.status().as_u16().to_string();
    let bytes = to_bytes(response.into_body(), ANSWER).await.unwrap_or_default();
    let found: Option<Value> = serde_json::from_slice(&bytes).ok();
    match found {
        Some(outcome) if outcome["resourceType"] == "OperationOutcome" => {
            json!({"response": {"status": status, "outcome": outcome}})
        }
        Some(resource) => json!({"resource": resource, "response": {"status": status}}),
        None => json!({"response": {"status": status}}),
    }
}
