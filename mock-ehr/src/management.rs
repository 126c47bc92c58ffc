//! Every management route, on a listener of its own: defects, variants, faults, clock, journal, clients, reset.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;

use crate::defect::Defect;
use crate::faults;
use crate::journal::har;
use crate::register::by_hand;
use crate::serve::ManagementToken;
use crate::state::AppState;
use crate::store::trouble;
use crate::variant::Variant;

/// The management listener.
pub(crate) fn router(state: AppState) -> Router {
    routes(state).layer(from_fn(only_local))
}

/// The same for other machines: whoever has the token may.
pub(crate) fn guarded(state: AppState, token: ManagementToken) -> Router {
    routes(state).layer(from_fn_with_state(Arc::new(token), only_with_token))
}

fn routes(state: AppState) -> Router {
    let routes = Router::new()
        .route("/defects", get(list_defects).put(arm_defects).delete(disarm_defects))
        .route(
            "/variants",
            get(list_variants).put(arm_variants).delete(disarm_variants),
        )
        .route(
            "/faults",
            get(faults::api::list)
                .post(faults::api::place)
                .delete(faults::api::clear),
        )
        .route("/faults/{id}", get(faults::api::show).delete(faults::api::remove))
        .route("/clock", get(read_clock))
        .route("/clock/advance", post(advance_clock))
        .route("/journal", get(read_journal).delete(clear_journal))
        .route("/journal.har", get(read_har))
        .route("/clients", get(by_hand::list).post(by_hand::create))
        .route(
            "/clients/{client_id}",
            get(by_hand::show).put(by_hand::change).delete(by_hand::remove),
        )
        .route("/reset", post(reset));
    trouble::watching(routes, &state)
        .layer(CatchPanicLayer::new())
        .with_state(state)
}

/// A page that a browser on this machine shows must not reach this listener: neither from its own origin, nor by a name
/// of its own that leads here.
async fn only_local(request: Request, next: Next) -> Response {
    let is_local = host(&request).is_none_or(|host| is_this_machine(&host));
    if is_local && !request.headers().contains_key(ORIGIN) {
        next.run(request).await
    } else {
        problem(
            StatusCode::FORBIDDEN,
            "the management listener answers programs on this machine only",
        )
    }
}

/// A page cannot know the token; it could not send it either, without asking first.
async fn only_with_token(State(token): State<Arc<ManagementToken>>, request: Request, next: Next) -> Response {
    if token.is_in(request.headers()) {
        return next.run(request).await;
    }
    let mut response = problem(
        StatusCode::UNAUTHORIZED,
        "this management listener wants its token: `Authorization: Bearer …`",
    );
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Whom a request is addressed to.
pub(crate) fn host(request: &Request) -> Option<String> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .map(str::to_owned)
}

/// Is this host, with or without a port, a name of this machine that no page can choose?
pub(crate) fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    ["127.0.0.1", "[::1]", "localhost"].contains(&name)
}

async fn list_defects(State(state): State<AppState>) -> Json<Value> {
    let armed = state.defects().armed();
    let all = Defect::ALL.iter().map(|defect| {
        json!({
            "name": defect.name(),
            "requirement": defect.requirement(),
            "about": defect.doc(),
            "seen": defect.seen().map(|seen| json!({ "what": seen.what, "source": seen.source })).collect::<Vec<_>>(),
            "app": defect.app(),
            "armed": armed.contains(defect),
        })
    });
    Json(Value::Array(all.collect()))
}

async fn arm_defects(State(state): State<AppState>, Json(names): Json<Vec<String>>) -> Response {
    match names
        .iter()
        .map(|name| name.parse::<Defect>())
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(defects) => {
            state.defects().set(defects);
            list_defects(State(state)).await.into_response()
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

async fn disarm_defects(State(state): State<AppState>) -> StatusCode {
    state.defects().set([]);
    StatusCode::NO_CONTENT
}

async fn list_variants(State(state): State<AppState>) -> Json<Value> {
    let armed = state.variants().armed();
    let all = Variant::ALL
        .iter()
        .map(|variant| json!({ "name": variant.name(), "about": variant.doc(), "armed": armed.contains(variant) }));
    Json(Value::Array(all.collect()))
}

async fn arm_variants(State(state): State<AppState>, Json(names): Json<Vec<String>>) -> Response {
    match names
        .iter()
        .map(|name| name.parse::<Variant>())
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(variants) => {
            state.variants().set(variants);
            list_variants(State(state)).await.into_response()
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

async fn disarm_variants(State(state): State<AppState>) -> StatusCode {
    state.variants().set([]);
    StatusCode::NO_CONTENT
}

async fn read_clock(State(state): State<AppState>) -> Json<Value> {
    Json(json!({ "now": state.now().to_string() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

async fn advance_clock(State(state): State<AppState>, Json(advance): Json<Advance>) -> Response {
    if state.clock().advance(SignedDuration::from_secs(advance.seconds)) {
        read_clock(State(state)).await.into_response()
    } else {
        problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this clock goes forward only, a year at most, and not at all where it is the system's",
        )
    }
}

async fn read_journal(State(state): State<AppState>) -> Response {
    Json(Value::Array(
        state.journal().shared().iter().map(|entry| json!(**entry)).collect(),
    ))
    .into_response()
}

async fn read_har(State(state): State<AppState>) -> Response {
    Json(har::log(state.public_url(), &state.journal().shared())).into_response()
}

async fn clear_journal(State(state): State<AppState>) -> StatusCode {
    state.journal().clear();
    StatusCode::NO_CONTENT
}

async fn reset(State(state): State<AppState>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
