//! The authorization endpoint: the checks in the specification's order, then the pages.
//!
//! RFC 6749 §4.1.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>,
//! SMART App Launch 2.2, "Obtain authorization code": <https://hl7.org/fhir/smart-app-launch/app-launch.html>

pub(crate) mod advice;
mod aud;
pub(crate) mod client;
pub(crate) mod consent;
pub(crate) mod flow;
mod form_post;
pub(crate) mod frame;
pub(crate) mod launch;
pub(crate) mod openid;
pub(crate) mod parameters;
pub(crate) mod patient_picker;
pub(crate) mod pkce;
pub(crate) mod pushed;
pub(crate) mod reason;
pub(crate) mod redirect_uri;
mod request_object;
pub(crate) mod respond;
pub(crate) mod response_mode;
pub(crate) mod response_type;
pub(crate) mod scope;
pub(crate) mod sign_in;
pub(crate) mod state;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, Uri};

use self::parameters::Incoming;
use self::reason::Reason;
use self::redirect_uri::RedirectTarget;
use self::response_type::ResponseType;
use crate::config::Client;
use crate::form::Parameters;
use crate::journal::notes;
use crate::register::first_try;
use crate::state::AppState;
use crate::store::pending::AuthorizationRequest;

/// How a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// On a page: the app or its address cannot be trusted.
    Page(Reason),
    /// At the app.
    Redirect {
        target: RedirectTarget,
        state: Option<String>,
        reason: Reason,
    },
    /// With status 500, by a defect.
    Broken,
}

/// `GET` and `POST /auth/authorize`
pub(crate) async fn handle(
    State(app): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(detour) = frame::detour(&app, &method, &uri, &headers) {
        return detour;
    }
    let query = uri.query().unwrap_or_default();
    let incoming = Incoming {
        method: &method,
        headers: &headers,
        query,
        body: &body,
    };
    if let Some(page) = respond::repeated(&app, query) {
        return page;
    }
    match check(&app, &incoming).await {
        Ok(request) => flow::begin(&app, &headers, request).await,
        Err(refusal) => first_try::ask(&app, &incoming, &refusal).unwrap_or_else(|| respond::refuse(&app, refusal)),
    }
}

async fn check(app: &AppState, incoming: &Incoming<'_>) -> Result<AuthorizationRequest, Refusal> {
    let parameters = parameters::read(app, incoming)?;
    request_object::leave_unfetched(app, &parameters).await;
    let parameters = pushed::resolve(app, request_object::leave_unread(app, parameters))?;
    judge(app, &parameters)
}

/// Every check of a request, however it came.
fn judge(app: &AppState, parameters: &Parameters) -> Result<AuthorizationRequest, Refusal> {
    let request = judge_once(app, parameters)?;
    notes::second_look(|| match judge_once(app, parameters) {
        Err(Refusal::Page(reason) | Refusal::Redirect { reason, .. }) => Err(advice::objection(&reason)),
        Err(Refusal::Broken) | Ok(_) => Ok(()),
    });
    Ok(request)
}

fn judge_once(app: &AppState, parameters: &Parameters) -> Result<AuthorizationRequest, Refusal> {
    let client = client::check(app, parameters)?;
    let target = redirect_uri::check(app, &client, parameters)?;
    // RFC 6749 §4.1.2.1: from here on, errors go to the app.
    check_at_app(app, &client, &target, parameters).map_err(|reason| Refusal::Redirect {
        target,
        state: state::of_refused(parameters),
        reason,
    })
}

fn check_at_app(
    app: &AppState,
    client: &Client,
    target: &RedirectTarget,
    parameters: &Parameters,
) -> Result<AuthorizationRequest, Reason> {
    parameters::check(app, parameters)?;
    let response_type = response_type::check(app, parameters)?;
    response_mode::check(app, parameters)?;
    request_object::check(app, parameters)?;
    let state = state::check(app, parameters)?;
    let scopes = scope::check(app, client, parameters)?;
    let challenge = pkce::check(app, client, parameters)?;
    let aud_ok = aud::check(app, parameters)?;
    let launch = launch::check(app, client, parameters, &scopes)?;
    let scopes = scope::with_context_at_hand(&scopes, launch.as_ref())?;
    let openid = openid::check(app, parameters)?;
    Ok(AuthorizationRequest {
        client_id: client.client_id.clone(),
        target: target.clone(),
        state,
        scopes,
        challenge,
        aud_ok,
        launch,
        nonce: parameters.filled("nonce").map(str::to_owned),
        prompt: openid.prompt,
        max_age: openid.max_age,
        login_hint: parameters.filled("login_hint").map(str::to_owned),
        implicit: response_type == ResponseType::Token,
    })
}
