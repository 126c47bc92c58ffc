//! What strikes one request: the middleware that finds it, and the places that ask for it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};

use super::address::{Endpoint, Outline};
use super::effect::{Answer, Http, Instead};
use super::{transport, whose};
use crate::defect::Defect;
use crate::fhir;
use crate::journal::notes;
use crate::journal::record::READ_AT_MOST;
use crate::launch::fault::{self, Riders};
use crate::launch::standalone::At;
use crate::state::AppState;

/// Which defects an answer came past.
const DEFECT: HeaderName = HeaderName::from_static("x-mock-defect");
/// What happened to an answer on its way.
const FAULT: HeaderName = HeaderName::from_static("x-mock-fault");

tokio::task_local! {
    static PLAN: Arc<Plan>;
}

/// What strikes one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Defects, each with the fault that arms it.
    pub(super) defects: Vec<(Defect, u64)>,
    /// What rides with the launch to which it belongs.
    pub(super) riders: Riders,
    /// Why there is no FHIR base at this address.
    nowhere: Option<String>,
    pub(super) http: Option<Http>,
    reached: Mutex<Vec<Defect>>,
}

/// Is this defect armed for the present request?
pub(crate) fn bites(defect: Defect) -> bool {
    let asked = PLAN.try_with(|plan| {
        plan.defects.iter().any(|(armed, _)| *armed == defect) || plan.riders.defects.contains(&defect)
    });
    asked.unwrap_or(false)
}

/// The present request came past the hook of this armed defect, however it was armed.
pub(crate) fn reached(defect: Defect) {
    let _ = PLAN.try_with(|plan| {
        let mut reached = plan.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if !reached.contains(&defect) {
            reached.push(defect);
        }
    });
}

/// Is anything asked for, for the present request alone?
pub(crate) fn is_planned() -> bool {
    PLAN.try_with(|_| ()).is_ok()
}

/// The FHIR base of the launch to which the present request belongs, where it has one of its own.
pub(crate) fn base() -> Option<Arc<str>> {
    PLAN.try_with(|plan| plan.riders.base.clone()).ok().flatten()
}

/// What rides with the launch to which the present request belongs.
pub(crate) fn riding() -> Riders {
    PLAN.try_with(|plan| plan.riders.clone()).unwrap_or_default()
}

/// Does whoever sent the present request never get its answer as it is?
pub(crate) fn is_spoilt() -> bool {
    let spoilt = |plan: &Arc<Plan>| plan.http.as_ref().is_some_and(|http| http.answer != Answer::Whole);
    PLAN.try_with(spoilt).unwrap_or(false)
}

/// The middleware that counts requests and breaks answers. It stands outside the journal, which thus has the answer as
/// the server gave it.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (request, plan) = match planned(&state, request).await {
        Ok(planned) => planned,
        Err(refused) => return refused,
    };
    // What is armed for all is named as well, where it had its say.
    let plan = plan.or_else(|| state.defects().are_any_armed().then(Plan::default));
    let Some(plan) = plan.map(Arc::new) else {
        return next.run(request).await;
    };
    let mut response = PLAN.scope(Arc::clone(&plan), next.run(request)).await;
    let reached = plan.reached.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if !reached.is_empty() {
        state.faults().note_reached(&reached, &plan);
        name(&mut response, &DEFECT, reached.iter().map(|defect| defect.name()));
    }
    let Some(http) = &plan.http else { return response };
    name(&mut response, &FAULT, http.names());
    match &http.answer {
        Answer::Whole | Answer::Status(_) => response,
        Answer::Empty => transport::emptied(response),
        Answer::Truncated => transport::truncated(response).await,
        Answer::Cut { .. } => transport::cut(),
    }
}

async fn planned(state: &AppState, request: Request) -> Result<(Request, Option<Plan>), Response> {
    let (head, body) = request.into_parts();
    let outline = Outline::of(&head);
    let faults = state.faults();
    let asks_whose = if faults.are_any() {
        faults.asks_whose(&outline)
    } else {
        None
    };
    let at = head.extensions.get::<At>();
    // Where an app may name a FHIR base for the first time.
    let names_base = matches!(outline.endpoint(), Some(Endpoint::Authorize | Endpoint::Par));
    let rides = state.has_carried_faults() || at.is_some() || names_base;
    if asks_whose.is_none() && !rides {
        return Ok((Request::from_parts(head, body), None));
    }
    let (bytes, body) = if (rides || asks_whose == Some(true)) && whose::is_in_body(&head) {
        match to_bytes(body, READ_AT_MOST).await {
            Ok(bytes) => (bytes.clone(), Body::from(bytes)),
            Err(_) => return Err(crate::page::too_large()),
        }
    } else {
        (bytes::Bytes::new(), body)
    };
    let client = if asks_whose == Some(true) {
        whose::client(state, &head, &bytes)
    } else {
        None
    };
    let strikes = asks_whose.is_some();
    let mut plan = strikes.then(|| faults.strike(&outline, client.as_deref())).flatten();
    if rides {
        let carried = fault::of_request(state, &head.uri, &head.headers, &bytes, names_base);
        let carried = match outline.endpoint() {
            Some(Endpoint::Fhir | Endpoint::Metadata | Endpoint::Discovery) => here(at, carried),
            _ => carried,
        };
        if let Some(Err(why)) = at.map(|at| &at.base) {
            plan.get_or_insert_default().nowhere = Some(why.clone());
        }
        let struck = faults.strike_within(&carried.launch, &carried.broken, &outline);
        if let Some(http) = struck {
            plan.get_or_insert_default().http.get_or_insert(http);
        }
        if !carried.is_empty() {
            plan.get_or_insert_default().riders = carried;
        }
    }
    Ok((Request::from_parts(head, body), plan))
}

/// What is asked at a FHIR base has to do with that one, whatever the token says: one of another base opens nothing here.
fn here(at: Option<&At>, of_token: Riders) -> Riders {
    let base = at.and_then(|at| at.base.as_ref().ok());
    let of_base = base.map(|base| &base.riders).cloned().unwrap_or_default();
    if of_token.base == of_base.base {
        of_token
    } else {
        of_base
    }
}

/// Adds names to those that the header has already.
fn name(response: &mut Response, header: &HeaderName, names: impl Iterator<Item = &'static str>) {
    let headers = response.headers_mut();
    let before = headers.get(header).and_then(|value| value.to_str().ok());
    let mut all: Vec<_> = before.iter().flat_map(|text| text.split(", ")).collect();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&all.join(", ")) {
        headers.insert(header, value);
    }
}

/// Answers the present request, unless a fault keeps it from being handled. It stands within the layer that lets pages
/// of other origins read answers, so that an app in a browser can tell a status from a broken connection.
pub(crate) async fn around(answer: impl Future<Output = Response>) -> Response {
    if let Some(why) = PLAN.try_with(|plan| plan.nowhere.clone()).ok().flatten() {
        return fhir::nowhere(&why);
    }
    let http = PLAN.try_with(|plan| plan.http.clone()).ok().flatten();
    let Some(http) = http else { return answer.await };
    if let Some(delay) = http.delay {
        tokio::time::sleep(delay).await;
    }
    let is_dropped = http.answer == (Answer::Cut { handled: false });
    notes::broken(http.to_string(), !is_dropped);
    match http.answer {
        Answer::Status(instead) => in_place(instead),
        // Nobody gets to see it.
        _ if is_dropped => StatusCode::NO_CONTENT.into_response(),
        _ => answer.await,
    }
}

fn in_place(instead: Instead) -> Response {
    let status = instead.status;
    let has_body = status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    let body = instead
        .body
        .unwrap_or_else(|| format!("The mock EHR was asked to answer {status} here.\n"));
    let mut response = if has_body {
        (status, body).into_response()
    } else {
        status.into_response()
    };
    let headers = response.headers_mut();
    if let Some(kind) = instead.content_type {
        headers.insert(CONTENT_TYPE, kind);
    }
    if let Some(seconds) = instead.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}
