//! `/faults` of the management listener.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde_json::{Value, json};

use super::list::AT_MOST;
use super::read::{self, Wrong};
use crate::state::AppState;

pub(crate) async fn list(State(state): State<AppState>) -> Json<Value> {
    Json(state.faults().json())
}

pub(crate) async fn place(State(state): State<AppState>, body: Result<Json<Value>, JsonRejection>) -> Response {
    let Json(body) = match body {
        Ok(body) => body,
        Err(error) => return refuse(error.status(), "(body)", &error.body_text()),
    };
    let fault = match read::fault(&body) {
        Ok(fault) => fault,
        Err(Wrong { field, what }) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, &field, &what),
    };
    match state.faults().place(fault) {
        Ok(placed) => {
            let location = format!("/faults/{}", placed["id"]);
            (StatusCode::CREATED, [(LOCATION, location)], Json(placed)).into_response()
        }
        Err(_) => refuse(
            StatusCode::CONFLICT,
            "(body)",
            &format!("{AT_MOST} faults are still to come; take some away with DELETE /faults or DELETE /faults/ID"),
        ),
    }
}

pub(crate) async fn show(State(state): State<AppState>, id: Result<Path<u64>, PathRejection>) -> Response {
    match id.ok().and_then(|Path(id)| state.faults().one_json(id)) {
        Some(fault) => Json(fault).into_response(),
        None => unknown(),
    }
}

pub(crate) async fn remove(State(state): State<AppState>, id: Result<Path<u64>, PathRejection>) -> Response {
    if id.is_ok_and(|Path(id)| state.faults().remove(id)) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        unknown()
    }
}

pub(crate) async fn clear(State(state): State<AppState>) -> StatusCode {
    state.faults().clear();
    StatusCode::NO_CONTENT
}

fn unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, "id", "there is no fault of this id")
}

fn refuse(status: StatusCode, field: &str, what: &str) -> Response {
    (
        status,
        Json(json!({ "error": format!("{field}: {what}"), "field": field })),
    )
        .into_response()
}
