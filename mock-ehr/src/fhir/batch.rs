//! batch and transaction: each entry is a request of its own, with the same token.
//!
//! FHIR R4, "batch/transaction": <https://hl7.org/fhir/R4/http.html#transaction>; SMART App Launch 2.2, "Batches and
//! Transactions": <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::bearer::Bearer;
use super::conditional::IF_NONE_EXIST;
use super::outcome::{self, Problem};
use super::write::Written;
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
    let transaction = kind == "transaction";
    if transaction && state.upstream().is_some() {
        return Err(Problem::TransactionUpstream);
    }
    let mut answers = vec![Value::Null; entries.len()];
    let mut written = Vec::new();
    for at in order(entries, transaction) {
        let done = one(state, headers, &entries[at], at).await;
        if transaction && !done.is_accepted() {
            take_back(state, &written);
            return Err(Problem::Transaction(done.status.as_str().to_owned()));
        }
        answers[at] = done.told;
        written.extend(done.written);
    }
    let mut bundle = json!({"resourceType": "Bundle", "type": format!("{kind}-response")});
    if !answers.is_empty() {
        bundle["entry"] = Value::Array(answers);
    }
    Ok(outcome::resource(StatusCode::OK, &bundle))
}

/// FHIR R4 "transaction": deletes come first, then creates, then changes, then reads. A batch has no order.
fn order(entries: &[Value], transaction: bool) -> Vec<usize> {
    let rank = |at: &usize| match entries[*at]["request"]["method"].as_str() {
        Some("DELETE") => 0,
        Some("POST") => 1,
        Some("PUT" | "PATCH") => 2,
        _ => 3,
    };
    let mut order: Vec<usize> = (0..entries.len()).collect();
    if transaction {
        order.sort_by_key(rank);
    }
    order
}

/// FHIR R4 "transaction": all of it succeeds, or nothing of it is done.
fn take_back(state: &AppState, written: &[Written]) {
    if !written.is_empty() && state.defects().has(Defect::FhirTransactionHalfDone) {
        return;
    }
    for Written { key, number } in written.iter().rev() {
        state.shelf().take_back(key, *number);
    }
}

/// What came of one entry.
struct Done {
    status: StatusCode,
    told: Value,
    written: Option<Written>,
}

impl Done {
    fn refused() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            told: json!({"response": {"status": "400"}}),
            written: None,
        }
    }

    fn is_accepted(&self) -> bool {
        self.status.as_u16() < 400
    }
}

async fn one(state: &AppState, headers: &HeaderMap, entry: &Value, at: usize) -> Done {
    let asked = &entry["request"];
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    let url = text("url").trim_start_matches('/');
    let method = Method::from_bytes(text("method").as_bytes()).unwrap_or(Method::TRACE);
    let writes = method != Method::GET;
    let (content_type, body) = content(&entry["resource"]);
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/{url}"))
        .header(CONTENT_TYPE, content_type);
    for value in headers.get_all(http::header::AUTHORIZATION) {
        request = request.header(http::header::AUTHORIZATION, value);
    }
    if let Some(tag) = asked["ifMatch"].as_str() {
        request = request.header(IF_MATCH, tag);
    }
    if let Some(criteria) = asked["ifNoneExist"].as_str() {
        request = request.header(IF_NONE_EXIST, criteria);
    }
    if trusts_entry(state, at, writes) {
        request = request.header(ENTRY, "1");
    }
    let Ok(request) = request.body(body) else {
        return Done::refused();
    };
    // A batch within a batch would never end.
    if request.uri().path() == "/" {
        return Done::refused();
    }
    let response = super::entries(state).with_state(state.clone()).oneshot(request).await;
    let Ok(response) = response;
    told(response).await
}

/// The faulty server does not look at the token for each entry.
fn trusts_entry(state: &AppState, at: usize, writes: bool) -> bool {
    let defects = state.defects();
    defects.has(Defect::FhirBatchLeak)
        || (at > 0 && defects.has(Defect::FhirBatchFirstEntryCounts))
        || (writes && defects.has(Defect::FhirBatchWritesTrusted))
}

/// FHIR R4 "transaction": a JSON Patch comes as a Binary, everything else as it is.
fn content(resource: &Value) -> (String, Body) {
    let fhir = || "application/fhir+json".to_owned();
    if resource.is_null() {
        return (fhir(), Body::empty());
    }
    let binary = (resource["resourceType"] == "Binary").then(|| {
        let kind = resource["contentType"].as_str()?.to_owned();
        let data = STANDARD.decode(resource["data"].as_str()?).ok()?;
        Some((kind, Body::from(data)))
    });
    binary
        .flatten()
        .unwrap_or_else(|| (fhir(), Body::from(resource.to_string())))
}

fn field(response: &Response, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

async fn told(response: Response) -> Done {
    let status = response.status();
    let (location, tag) = (field(&response, &LOCATION), field(&response, &ETAG));
    let written = response.extensions().get::<Written>().cloned();
    let mut answer = json!({"status": status.as_u16().to_string()});
    for (name, value) in [("location", location), ("etag", tag)] {
        if let Some(value) = value {
            answer[name] = json!(value);
        }
    }
    let bytes = to_bytes(response.into_body(), ANSWER).await.unwrap_or_default();
    let found: Option<Value> = serde_json::from_slice(&bytes).ok();
    let told = match found {
        Some(outcome) if outcome["resourceType"] == "OperationOutcome" => {
            answer["outcome"] = outcome;
            json!({"response": answer})
        }
        Some(resource) => json!({"resource": resource, "response": answer}),
        None => json!({"response": answer}),
    };
    Done { status, told, written }
}
