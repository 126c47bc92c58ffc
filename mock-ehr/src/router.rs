//! Every public route.

use axum::Json;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use http::StatusCode;
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;

use crate::authorize::{consent, patient_picker, respond, sign_in};
use crate::defect::Defect;
use crate::launch::{api, embedded, launcher, standalone};
use crate::state::AppState;
use crate::store::trouble;
use crate::{
    authorize, brands, cors, discovery, end_session, faults, fhir, granted_apps, identity_provider, inspect,
    introspect, journal, jwks, register, revoke, token, userinfo,
};

/// The public listener. At the FHIR bases of standalone launches the same routes answer.
pub(crate) fn public(state: AppState) -> Router {
    let inner = at_root(state.clone());
    let at_base = inner.clone();
    let enter = any(move |request: Request| standalone::enter(state, at_base, request));
    inner
        .route("/l/{choices}/fhir", enter.clone())
        .route("/l/{choices}/fhir/{*rest}", enter)
}

fn at_root(state: AppState) -> Router {
    let routes = Router::new()
        // Launcher
        .route("/", get(launcher::show))
        .route("/launch", get(launcher::launch).post(launcher::submit))
        .route("/launcher.js", get(launcher::script))
        .route("/embedded", get(embedded::show))
        .route("/launches", post(api::create))
        .route("/rpc", post(api::rpc))
        // Discovery
        .route(
            "/fhir/.well-known/smart-configuration",
            get(discovery::smart_configuration),
        )
        .route(
            "/.well-known/openid-configuration",
            get(discovery::openid_configuration),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::oauth_metadata),
        )
        .route("/.well-known/jwks.json", get(jwks::handle))
        .route("/smart-style.json", get(smart_style))
        .route(brands::PATH, get(brands::handle))
        // Authorization endpoint and its pages
        .route("/auth/authorize", get(authorize::handle).post(authorize::handle))
        .route("/auth/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/auth/password", get(sign_in::show))
        .route("/auth/signed-in", any(sign_in::signed_in))
        .route("/auth/patient", get(patient_picker::show).post(patient_picker::submit))
        .route("/auth/refused", get(respond::show_refused))
        .route("/auth/first-try", post(register::first_try::submit))
        .route("/auth/consent", get(consent::show).post(consent::submit))
        .route(
            granted_apps::PATH,
            get(granted_apps::show).post(granted_apps::end_access),
        )
        .route(granted_apps::SIGN_IN, post(granted_apps::submit_sign_in))
        .route(identity_provider::CALLBACK, get(identity_provider::callback))
        .route(
            identity_provider::logout::SIGNED_OUT,
            get(identity_provider::logout::arrive),
        )
        .route("/auth/end-session", get(end_session::handle).post(end_session::handle))
        // Endpoints for apps
        .route("/auth/par", any(authorize::pushed::handle))
        .route("/auth/token", any(token::handle))
        .route("/auth/introspect", any(introspect::handle))
        .route("/auth/revoke", any(revoke::handle))
        .route("/auth/userinfo", any(userinfo::handle))
        .route("/auth/register", post(register::create))
        .route(
            "/auth/register/{client_id}",
            get(register::manage::read)
                .put(register::manage::update)
                .delete(register::manage::remove),
        )
        // Data
        .nest("/fhir", fhir::routes(&state))
        .layer(DefaultBodyLimit::max(2 * 1024 * 1024));
    let routes = if state.store().is_shared() {
        routes.layer(from_fn_with_state(state.clone(), trouble::answered))
    } else {
        routes
    };
    let routes = routes
        .layer(from_fn_with_state(state.clone(), cors::layer))
        .layer(from_fn_with_state(state.clone(), journal::record::exchange))
        .layer(from_fn_with_state(state.clone(), faults::layer))
        // Looking at the journal is nothing to be journalled.
        .merge(inspect::routes(&state));
    trouble::watching(routes, &state)
        .layer(CatchPanicLayer::new())
        .with_state(state)
}

/// `GET /smart-style.json`: SMART 2.2, "Styling".
async fn smart_style(State(state): State<AppState>) -> Response {
    if state.defects().has(Defect::StyleDocumentMissing) {
        return (StatusCode::NOT_FOUND, "Not Found\n").into_response();
    }
    Json(json!({
        "color_background": "#ffffff",
        "color_error": "#b3261e",
        "color_highlight": "#00639b",
        "color_modal_backdrop": "#000000",
        "color_success": "#146c2e",
        "color_text": "#1b1b1f",
        "dim_border_radius": "6px",
        "dim_font_size": "16px",
        "dim_spacing_size": "16px",
        "font_family_body": "system-ui, sans-serif",
        "font_family_heading": "system-ui, sans-serif",
    }))
    .into_response()
}
