//! Faults that show in one launch only: they ride in its `launch` value and in all that comes of it.
//!
//! Whatever belongs to such a launch (the authorization request, its pages, the code, the tokens, the data read with
//! them) is answered with these defects armed, and the answer names those whose hooks it came past in `X-Mock-Defect`.
//! Broken answers that ride with it are carried out by [`crate::faults`].

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Uri};

use super::begin::LaunchError;
use super::token;
use crate::defect::Defect;
use crate::faults::Carried;
use crate::form::Parameters;
use crate::journal::record::READ_AT_MOST;
use crate::state::AppState;
use crate::token::access::bearer;

/// Which defects an answer came past.
const HEADER: &str = "x-mock-defect";

tokio::task_local! {
    static RIDING: Arc<Riding>;
}

/// What rides with one launch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Riders {
    pub(crate) defects: Vec<Defect>,
    /// Broken answers.
    pub(crate) broken: Vec<Carried>,
    /// Which launch.
    pub(crate) launch: String,
}

impl Riders {
    pub(crate) fn is_empty(&self) -> bool {
        self.defects.is_empty() && self.broken.is_empty()
    }
}

/// What rides with the launch to which the present request belongs.
#[derive(Default)]
struct Riding {
    riders: Riders,
    reached: Mutex<Vec<Defect>>,
}

/// Topics whose requests are made without any launch: documents that everybody reads, registration, services.
const ELSEWHERE: [&str; 14] = [
    "backend_",
    "brand",
    "certificate",
    "cors_authorization",
    "cors_preflight",
    "discovery_",
    "jwks_",
    "metadata_",
    "oauth_",
    "openid_",
    "registration_",
    "ssl_",
    "style_document",
    "tls_",
];

/// Can this defect show within one launch?
pub(crate) fn can_ride(defect: Defect) -> bool {
    !ELSEWHERE.iter().any(|topic| defect.name().starts_with(topic))
}

/// What these names stand for.
pub(super) fn named(names: &[String]) -> Result<Riders, LaunchError> {
    let mut riders = Riders::default();
    for name in names {
        if let Some(broken) = Carried::read(name) {
            riders.broken.push(broken.map_err(LaunchError::Fault)?);
            continue;
        }
        let defect: Defect = name.parse().map_err(|error| LaunchError::Fault(format!("{error}")))?;
        if !can_ride(defect) {
            return Err(LaunchError::Fault(format!(
                "{name} shows in requests that belong to no launch; arm it with --defect {name} or by the management API"
            )));
        }
        riders.defects.push(defect);
    }
    Ok(riders)
}

/// Is this defect armed for the launch of the present request?
pub(crate) fn bites(defect: Defect) -> bool {
    let asked = RIDING.try_with(|riding| {
        let bites = riding.riders.defects.contains(&defect);
        if bites {
            let mut reached = riding.reached.lock().unwrap_or_else(PoisonError::into_inner);
            if !reached.contains(&defect) {
                reached.push(defect);
            }
        }
        bites
    });
    asked.unwrap_or(false)
}

/// What rides with the launch to which the present request belongs.
pub(crate) fn present() -> Riders {
    RIDING.try_with(|riding| riding.riders.clone()).unwrap_or_default()
}

/// Does something with these defects armed.
pub(super) fn within_sync<R>(riders: &Riders, what: impl FnOnce() -> R) -> R {
    if riders.is_empty() {
        return what();
    }
    let riding = Riding {
        riders: riders.clone(),
        ..Riding::default()
    };
    RIDING.sync_scope(Arc::new(riding), what)
}

/// The middleware that arms what rides with a request.
pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // Most mocks never see such a launch, and their requests are not looked at.
    if !state.has_carried_faults() {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let is_form = head.uri.path().starts_with("/auth/")
        && head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let (riders, body) = if is_form {
        match to_bytes(body, READ_AT_MOST).await {
            Ok(bytes) => (of_request(&state, &head.uri, &head.headers, &bytes), Body::from(bytes)),
            Err(_) => return crate::page::too_large(),
        }
    } else {
        (of_request(&state, &head.uri, &head.headers, b""), body)
    };
    let request = Request::from_parts(head, body);
    if riders.is_empty() {
        return next.run(request).await;
    }
    let riding = Arc::new(Riding {
        riders,
        ..Riding::default()
    });
    let mut response = RIDING.scope(Arc::clone(&riding), next.run(request)).await;
    let reached = riding.reached.lock().unwrap_or_else(PoisonError::into_inner);
    let names: Vec<_> = reached.iter().map(|defect| defect.name()).collect();
    if let (false, Ok(value)) = (names.is_empty(), HeaderValue::from_str(&names.join(", "))) {
        response.headers_mut().insert(HEADER, value);
    }
    drop(reached);
    response
}

/// What rides with the launch to which a request belongs: by its `launch`, or by what came of it.
pub(crate) fn of_request(state: &AppState, uri: &Uri, headers: &HeaderMap, form: &[u8]) -> Riders {
    let store = state.store();
    if let Ok(token) = bearer(headers)
        && let Some(token) = store.access_token(token)
    {
        return token.grant.faults.clone();
    }
    if !uri.path().starts_with("/auth/") {
        return Riders::default();
    }
    let mut parameters = Parameters::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    parameters.extend(Parameters::parse(form).unwrap_or_default());
    let of_launch = |text: &str| {
        let read = token::read(state, text).filter(|read| read.signed_by_us)?;
        Some(read.claims.riders())
    };
    let of_token = |text: &str| {
        let access = store.access_token(text).map(|token| token.grant);
        let grant = access.or_else(|| store.refresh_token(text).map(|token| token.grant))?;
        Some(grant.faults.clone())
    };
    let by = |name: &str| parameters.filled(name);
    let of_pushed = |uri: &str| of_launch(store.launch_of_pushed(uri)?.as_str());
    let of_pending = |id: &str| {
        let pending = store.pending_of_any(id, state.now())?;
        Some(pending.request.launch?.faults)
    };
    let found = by("launch").and_then(of_launch);
    let found = found.or_else(|| of_pushed(by("request_uri")?));
    let found = found.or_else(|| of_pending(by("request")?));
    let found = found.or_else(|| store.faults_of_code(by("code")?));
    let found = found.or_else(|| of_token(by("refresh_token")?));
    found.or_else(|| of_token(by("token")?)).unwrap_or_default()
}
