//! The launch API: `POST /launches`, and the RPC form that Aidbox users know.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{LaunchContext, token};
use crate::defect::Defect;
use crate::form::encode;
use crate::state::AppState;

/// What to launch.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchRequest {
    /// The app's client_id.
    pub client: String,
    /// Who must sign in; anybody, where nothing is said.
    #[serde(default)]
    pub user: Option<String>,
    /// Id of the Patient whose record is open.
    #[serde(default)]
    pub patient: Option<String>,
    /// Id of the Encounter that is open.
    #[serde(default)]
    pub encounter: Option<String>,
    /// Other resources in context.
    #[serde(default, rename = "fhirContext")]
    pub fhir_context: Option<Vec<Value>>,
    /// Must the app show whose record it is?
    #[serde(default)]
    pub need_patient_banner: Option<bool>,
    /// What the user wants to do.
    #[serde(default)]
    pub intent: Option<String>,
}

/// A launch that can begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaunchResponse {
    /// The launch URL with `iss` and `launch`: where the browser goes.
    pub uri: String,
    /// The launch value alone.
    pub launch: String,
    /// The FHIR base.
    pub iss: String,
    /// The registered launch URL alone.
    #[serde(rename = "launch-uri")]
    pub launch_uri: String,
}

/// Why a launch cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// No such app.
    #[error("client `{was}` is not registered; there are {known}")]
    UnknownClient {
        /// What was asked for.
        was: String,
        /// The ids that exist.
        known: String,
    },
    /// It can be launched from outside only.
    #[error("client `{client}` has no launch_url: it cannot be launched from the EHR")]
    NoLaunchUrl {
        /// Which one.
        client: String,
    },
    /// Nobody of this name.
    #[error("user `{was}` does not exist; there are {known}")]
    UnknownUser {
        /// Who was asked for.
        was: String,
        /// The names that exist.
        known: String,
    },
    /// Nobody with this id.
    #[error("there is no Patient `{was}`")]
    UnknownPatient {
        /// Who was asked for.
        was: String,
    },
    /// The user has no access to this record.
    #[error("user `{user}` may not open the record of Patient `{patient}`")]
    PatientOutOfReach {
        /// Who.
        user: String,
        /// Whose record.
        patient: String,
    },
}

impl AppState {
    /// Begins an EHR launch.
    pub fn create_launch(&self, request: LaunchRequest) -> Result<LaunchResponse, LaunchError> {
        let config = self.config();
        let client = config
            .client(&request.client)
            .ok_or_else(|| LaunchError::UnknownClient {
                was: request.client.clone(),
                known: listed(config.clients.iter().map(|client| client.client_id.as_str())),
            })?;
        let launch_uri = client.launch_url.clone().ok_or_else(|| LaunchError::NoLaunchUrl {
            client: client.client_id.clone(),
        })?;
        let user = match &request.user {
            None => None,
            Some(name) => Some(config.user(name).ok_or_else(|| LaunchError::UnknownUser {
                was: name.clone(),
                known: listed(config.users.iter().map(|user| user.username.as_str())),
            })?),
        };
        if let Some(patient) = &request.patient {
            if self.data().get("Patient", patient).is_none() {
                return Err(LaunchError::UnknownPatient { was: patient.clone() });
            }
            if let Some(user) = user.filter(|user| !user.may_open(patient)) {
                return Err(LaunchError::PatientOutOfReach {
                    user: user.username.clone(),
                    patient: patient.clone(),
                });
            }
        }
        let context = LaunchContext {
            patient: request.patient,
            encounter: request.encounter,
            fhir_context: request.fhir_context,
            need_patient_banner: request.need_patient_banner,
            intent: request.intent,
        };
        let launch = token::make(self, &client.client_id, request.user.as_deref(), context);
        // SMART 2.2 app-launch: the address by which the app, too, can reach the FHIR server.
        let iss = if self.defects().has(Defect::LaunchIssElsewhere) {
            format!("{}/internal", self.public_url())
        } else {
            self.fhir_base().to_owned()
        };
        let separator = if launch_uri.contains('?') { '&' } else { '?' };
        let uri = format!("{launch_uri}{separator}iss={}&launch={}", encode(&iss), encode(&launch));
        Ok(LaunchResponse {
            uri,
            launch,
            iss,
            launch_uri,
        })
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

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
    match state.create_launch(request) {
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
    user: Option<String>,
    #[serde(default)]
    ctx: LaunchContext,
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
    let launch = state.create_launch(LaunchRequest {
        client: params.client,
        user: params.user,
        patient: params.ctx.patient,
        encounter: params.ctx.encounter,
        fhir_context: params.ctx.fhir_context,
        need_patient_banner: params.ctx.need_patient_banner,
        intent: params.ctx.intent,
    });
    match launch {
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
