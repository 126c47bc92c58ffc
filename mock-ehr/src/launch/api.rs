//! The launch API: `POST /launches`, and the RPC form that Aidbox users know.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LaunchContext, LaunchRequest, LaunchType};
use crate::state::AppState;

/// `POST /launches`
pub(crate) async fn create(State(state): State<AppState>, headers: http::HeaderMap, body: Bytes) -> Response {
    // A page of another origin cannot send JSON without a preflight, which this path does not grant.
    if !is_json(&headers) {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
    }
    let request: LaunchRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match state.begin_launch(request).await {
        Ok(launch) => (StatusCode::CREATED, Json(launch)).into_response(),
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RpcCall {
    #[serde(default, rename = "jsonrpc")]
    _version: Option<String>,
    #[serde(default)]
    id: Option<Value>,
    method: String,
    params: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RpcParams {
    #[serde(default)]
    iss: Option<String>,
    client: String,
    #[serde(default)]
    launch_url: Option<String>,
    #[serde(default, rename = "type")]
    launch_type: LaunchType,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    ctx: LaunchContext,
    #[serde(default)]
    faults: Vec<String>,
}

impl From<RpcParams> for LaunchRequest {
    fn from(params: RpcParams) -> Self {
        Self {
            client: params.client,
            launch_url: params.launch_url,
            launch_type: params.launch_type,
            user: params.user,
            patient: params.ctx.patient,
            encounter: params.ctx.encounter,
            fhir_context: params.ctx.fhir_context,
            need_patient_banner: params.ctx.need_patient_banner,
            intent: params.ctx.intent,
            tenant: params.ctx.tenant,
            smart_style_url: params.ctx.smart_style_url,
            extra: params.ctx.extra,
            faults: params.faults,
        }
    }
}

const RPC_METHOD: &str = "aidbox.smart/get-launch-uri";

/// `POST /rpc`
pub(crate) async fn rpc(State(state): State<AppState>, headers: http::HeaderMap, body: Bytes) -> Response {
    if !is_json(&headers) {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
    }
    let call: RpcCall = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => return rpc_error(StatusCode::BAD_REQUEST, None, &error.to_string()),
    };
    if call.method != RPC_METHOD {
        let message = format!("there is no method `{}`; there is `{RPC_METHOD}`", call.method);
        return rpc_error(StatusCode::NOT_FOUND, call.id, &message);
    }
    let params: RpcParams = match serde_json::from_value(call.params) {
        Ok(params) => params,
        Err(error) => return rpc_error(StatusCode::UNPROCESSABLE_ENTITY, call.id, &format!("params: {error}")),
    };
    if let Some(iss) = params
        .iss
        .as_deref()
        .filter(|iss| iss.trim_end_matches('/') != state.fhir_base())
    {
        let message = format!("iss `{iss}` is not this server's FHIR base `{}`", state.fhir_base());
        return rpc_error(StatusCode::UNPROCESSABLE_ENTITY, call.id, &message);
    }
    match state.begin_launch(params.into()).await {
        Ok(launch) => rpc_answer(StatusCode::OK, call.id, "result", &json!(launch)),
        Err(error) => rpc_error(StatusCode::UNPROCESSABLE_ENTITY, call.id, &error.to_string()),
    }
}

fn rpc_error(status: StatusCode, id: Option<Value>, message: &str) -> Response {
    rpc_answer(status, id, "error", &json!({ "message": message }))
}

fn rpc_answer(status: StatusCode, id: Option<Value>, member: &str, value: &Value) -> Response {
    let mut answer = json!({ member: value });
    if let Some(id) = id {
        answer["id"] = id;
    }
    (status, Json(answer)).into_response()
}

fn is_json(headers: &http::HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim() == "application/json")
        })
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
