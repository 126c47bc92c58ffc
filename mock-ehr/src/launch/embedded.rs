//! An app in a frame of the EHR: a page with the patient's banner, and the app below it.
//!
//! SMART App Launch 2.2, "Launch App: EHR Launch" (an embedded iframe):
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html>

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;

use super::begin::with_launch;
use super::token::{LaunchClaims, Read};
use super::{launcher, token};
use crate::fhir::people::PatientSummary;
use crate::fhir::upstream::people;
use crate::form::Parameters;
use crate::page;
use crate::state::AppState;

#[derive(Template)]
#[template(path = "embedded.html")]
struct Embedded<'a> {
    client_name: &'a str,
    patient: Option<&'a PatientSummary>,
    address: String,
}

#[derive(Template)]
#[template(path = "embedded_refused.html")]
struct Refused {
    why: String,
}

/// `GET /embedded`: only a launch that this server made is shown, so that nobody else's page comes into the frame.
pub(crate) async fn show(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let launch = parameters.get("launch").unwrap_or_default();
    match check(&state, launch) {
        Ok(claims) => match address(&state, &claims, launch) {
            Some(address) => framed(&state, &claims, address).await,
            None => refused(&state, "The launch URL of this launch is not known here; launch again."),
        },
        Err(why) => refused(&state, &why),
    }
}

fn check(state: &AppState, launch: &str) -> Result<LaunchClaims, String> {
    let Some(Read {
        claims,
        signed_by_us: true,
    }) = token::read(state, launch)
    else {
        return Err("This is no launch that this server made.".to_owned());
    };
    if claims.expires() <= state.now() {
        return Err(format!("This launch expired at {}; launch again.", claims.expires()));
    }
    Ok(claims)
}

fn address(state: &AppState, claims: &LaunchClaims, launch: &str) -> Option<String> {
    let registered = state.client(&claims.client)?.launch_url.clone();
    let launch_uri = match &claims.launch_url {
        Some(typed) => state.store().is_launch_url(typed).then(|| typed.clone())?,
        None => registered?,
    };
    let iss = state.launch_iss(&claims.riders());
    Some(with_launch(&launch_uri, &iss, launch))
}

async fn framed(state: &AppState, claims: &LaunchClaims, address: String) -> Response {
    let patient = claims.ctx.patient.as_deref();
    let asked = match (state.upstream(), patient) {
        (Some(upstream), Some(id)) => people::patient(upstream, id).await.ok().flatten(),
        _ => None,
    };
    let known = || patient.and_then(|id| state.patients().iter().find(|known| known.id == id));
    let client = state.client(&claims.client);
    let page = Embedded {
        client_name: client.as_ref().map_or("An app", |client| client.name.as_str()),
        patient: asked.as_ref().or_else(known),
        address,
    };
    let mut response = page::html(state, StatusCode::OK, page::render(&page));
    // The app goes wherever it likes within its frame, to this server's own pages among others.
    launcher::allow(&mut response, "frame-src http: https:");
    response
}

fn refused(state: &AppState, why: &str) -> Response {
    let page = Refused { why: why.to_owned() };
    page::html(state, StatusCode::BAD_REQUEST, page::render(&page))
}
