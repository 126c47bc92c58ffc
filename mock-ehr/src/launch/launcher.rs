//! The launcher page: choose an app, a user and a patient, and the browser goes to the app with `iss` and `launch`.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use http::header::LOCATION;

use super::LaunchRequest;
use crate::config::{Client, User};
use crate::fhir::people::PatientSummary;
use crate::form::Parameters;
use crate::page;
use crate::state::AppState;

#[derive(Template)]
#[template(path = "launcher.html")]
struct Launcher<'a> {
    fhir_base: &'a str,
    clients: Vec<&'a Client>,
    users: &'a [User],
    patients: &'a [PatientSummary],
    problem: Option<String>,
}

/// `GET /`
pub(crate) async fn show(State(state): State<AppState>) -> Response {
    launcher(&state, StatusCode::OK, None)
}

/// `GET /launch`: all choices are in the address, so that a launch can be shared as a link.
pub(crate) async fn launch(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let Ok(parameters) = Parameters::parse(query.unwrap_or_default().as_bytes()) else {
        return launcher(
            &state,
            StatusCode::BAD_REQUEST,
            Some("The address is not UTF-8.".into()),
        );
    };
    let chosen = |name: &str| parameters.filled(name).map(str::to_owned);
    let request = LaunchRequest {
        client: chosen("client").unwrap_or_default(),
        user: chosen("user"),
        patient: chosen("patient"),
        encounter: chosen("encounter"),
        fhir_context: None,
        need_patient_banner: parameters.filled("banner").map(|banner| banner == "yes"),
        intent: chosen("intent"),
    };
    match state.create_launch(request) {
        Ok(launch) => {
            let mut response = page::html(&state, StatusCode::SEE_OTHER, String::new());
            match launch.uri.parse() {
                Ok(address) => {
                    response.headers_mut().insert(LOCATION, address);
                    response
                }
                Err(_) => launcher(
                    &state,
                    StatusCode::BAD_REQUEST,
                    Some("The launch URL is not valid.".into()),
                ),
            }
        }
        Err(error) => launcher(&state, StatusCode::UNPROCESSABLE_ENTITY, Some(error.to_string())),
    }
}

fn launcher(state: &AppState, status: StatusCode, problem: Option<String>) -> Response {
    let config = state.config();
    let page = Launcher {
        fhir_base: state.fhir_base(),
        clients: config
            .clients
            .iter()
            .filter(|client| client.launch_url.is_some())
            .collect(),
        users: &config.users,
        patients: state.patients(),
        problem,
    };
    page::html(state, status, page::render(&page))
}
