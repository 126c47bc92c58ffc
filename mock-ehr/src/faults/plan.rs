//! What strikes one request: the middleware that finds it, and the places that ask for it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};

use super::address::Outline;
use super::effect::{Answer, Http, Instead};
use super::{transport, whose};
use crate::defect::Defect;
use crate::journal::notes;
use crate::journal::record::READ_AT_MOST;
use crate::launch::fault::{self, Riders};
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
    pub(super) http: Option<Http>,
    reached: Mutex<Vec<Defect>>,
}

/// Is this defect armed for the present request?
pub(crate) fn bites(defect: Defect) -> bool {
    let asked = PLAN.try_with(|plan| {
        let bites = plan.defects.iter().any(|(armed, _)| *armed == defect) || plan.riders.defects.contains(&defect);
        if bites {
            let mut reached = plan.reached.lock().unwrap_or_else(PoisonError::into_inner);
            if !reached.contains(&defect) {
                reached.push(defect);
            }
        }
        bites
    });
    asked.unwrap_or(false)
}

/// What rides with the launch to which the present request belongs.
pub(crate) fn riding() -> Riders {
    PLAN.try_with(|plan| plan.riders.clone()).unwrap_or_default()
}

/// The middleware that counts requests and breaks answers. It stands outside the journal, which thus has the answer as
/// the server gave it.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !state.faults().are_any() && !state.has_carried_faults() {
        return next.run(request).await;
    }
    let (request, plan) = match planned(&state, request).await {
        Ok(planned) => planned,
        Err(refused) => return refused,
    };
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
    let asks_whose = state.faults().asks_whose(&outline);
    let rides = state.has_carried_faults();
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
    let mut plan = state.faults().strike(&outline, client.as_deref());
    if rides {
        let carried = fault::of_request(state, &head.uri, &head.headers, &bytes);
        let struck = state.faults().strike_within(&carried.launch, &carried.broken, &outline);
        if let Some(http) = struck {
            plan.get_or_insert_default().http.get_or_insert(http);
        }
        if !carried.is_empty() {
            plan.get_or_insert_default().riders = carried;
        }
    }
    Ok((Request::from_parts(head, body), plan))
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
