//! Leads the browser through the pages: who is it, which patient, is it allowed.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::reason::Reason;
use super::{Refusal, advice, consent, patient_picker, respond};
use crate::config::{Patients, User};
use crate::defect::Defect;
use crate::form::{Parameters, encode};
use crate::journal::notes::{self, Advice};
use crate::page;
use crate::scope::grammar::{Context, Scope};
use crate::state::AppState;
use crate::store::pending::{AuthorizationRequest, Pending};
use crate::store::session::{Session, SignedIn};
use crate::variant::Variant;

const COOKIE_NAME: &str = "mock_ehr_session";

/// A request passed its checks: the user's part begins.
pub(crate) async fn begin(state: &AppState, headers: &HeaderMap, request: AuthorizationRequest) -> Response {
    let now = state.now();
    let (cookie, session, is_new) = session_or_new(state, headers);
    if state.defects().has(Defect::SessionsMixed) {
        state
            .store()
            .update_session(&cookie, |session| session.slot = Some(request.clone()));
    }
    let signed_in = session.signed_in.as_ref().filter(|signed_in| {
        // Who is to sign in at an app's own launch is not yet known to the browser.
        let is_other = request
            .preset()
            .and_then(|preset| preset.user.as_ref())
            .is_some_and(|user| *user != signed_in.username);
        !is_other && is_fresh(state, signed_in, &request, now) && !state.variants().has(Variant::SignInEachTime)
    });
    let pending = Pending {
        id: state.chance().token::<16>(),
        session: session.key,
        csrf: state.chance().token::<16>(),
        username: signed_in.map(|signed_in| signed_in.username.clone()),
        typed_username: None,
        auth_time: signed_in.map(|signed_in| signed_in.at),
        patient: None,
        began: now,
        request,
    };
    let mut response = next(state, &session, pending).await;
    if is_new {
        set_cookie(state, &mut response, &cookie);
    }
    response
}

/// OpenID Connect Core §3.1.2.1: `prompt` and `max_age` may ask for a new sign-in.
fn is_fresh(state: &AppState, signed_in: &SignedIn, request: &AuthorizationRequest, now: Timestamp) -> bool {
    let asked_anew = request
        .prompt
        .iter()
        .any(|value| value == "login" || value == "select_account");
    // max_age=0 is another word for prompt=login.
    let asked_anew = asked_anew || request.max_age == Some(0);
    if asked_anew && state.defects().has(Defect::PromptLoginIgnored) {
        return true;
    }
    let too_old = request.max_age.is_some_and(|max_age| {
        let age = now.duration_since(signed_in.at);
        age > SignedDuration::from_secs(max_age)
    });
    !asked_anew && !too_old
}

/// Where the browser goes now.
pub(crate) async fn next(state: &AppState, session: &Session, mut pending: Pending) -> Response {
    let silent = pending.request.prompt.iter().any(|value| value == "none");
    let silent = silent && !state.defects().has(Defect::PromptNoneIgnored);
    let Some(user) = pending.username.as_deref().and_then(|name| state.config().user(name)) else {
        if silent {
            return end(state, &pending, Reason::LoginRequired);
        }
        return show(state, pending, "/auth/sign-in");
    };
    if let Some(reason) = refuses_user(state, &pending.request, user) {
        return end(state, &pending, reason);
    }
    if pending.patient.is_none() && wants_patient(&pending.request) {
        match choose_patient(state, session, &pending.request, user) {
            Choice::Only(patient) => pending.patient = Some(patient),
            Choice::Nobody => {
                return end(
                    state,
                    &pending,
                    Reason::NoPatient {
                        user: user.username.clone(),
                    },
                );
            }
            Choice::Ask if silent => return end(state, &pending, Reason::InteractionRequired),
            Choice::Ask => return show(state, pending, "/auth/patient"),
        }
    }
    if consent::is_remembered(state, session, &pending) || state.variants().has(Variant::ConsentNotAsked) {
        state.store().put_pending(pending.clone());
        return consent::allow(state, &pending, pending.request.scopes.clone()).await;
    }
    if silent {
        return end(state, &pending, Reason::ConsentRequired);
    }
    show(state, pending, "/auth/consent")
}

/// A launch of one user must not be finished in another user's session, nor open a record that the user may not see.
fn refuses_user(state: &AppState, request: &AuthorizationRequest, user: &User) -> Option<Reason> {
    let launch = request.launch.as_ref()?;
    if let Some(expected) = &launch.user
        && expected != &user.username
        && !state.defects().has(Defect::LaunchForeignUserAccepted)
    {
        return Some(Reason::LaunchForeignUser {
            was: user.username.clone(),
            expected: expected.clone(),
        });
    }
    let patient = launch.context.patient.as_deref()?;
    (!user.may_open(patient)).then(|| Reason::NoPatient {
        user: user.username.clone(),
    })
}

/// Does the EHR's context count? SMART 2.2: for an app that asked for the scope `launch`.
pub(crate) fn takes_launch_context(state: &AppState, scopes: &[Scope]) -> bool {
    scopes.contains(&Scope::Launch) || state.variants().has(Variant::LaunchContextWithoutScope)
}

/// Does anything that was asked need a patient?
pub(crate) fn wants_patient(request: &AuthorizationRequest) -> bool {
    request.scopes.iter().any(|scope| match scope {
        Scope::Resource(resource) => resource.context == Context::Patient,
        _ => scope.launch_context() == Some("patient"),
    })
}

enum Choice {
    Only(String),
    Ask,
    Nobody,
}

fn choose_patient(state: &AppState, session: &Session, request: &AuthorizationRequest, user: &User) -> Choice {
    if takes_launch_context(state, &request.scopes)
        && let Some(patient) = request.ehr_launch().and_then(|launch| launch.context.patient.clone())
    {
        return Choice::Only(patient);
    }
    if let Some(patient) = request.preset().and_then(|preset| preset.patient.as_ref())
        && user.may_open(patient)
    {
        return Choice::Only(patient.clone());
    }
    if state.variants().has(Variant::SessionReused)
        && !request.prompt.iter().any(|value| value == "consent")
        && let Some(patient) = session
            .consents
            .get(&request.client_id)
            .and_then(|consent| consent.patient.clone())
    {
        return Choice::Only(patient);
    }
    if state.upstream().is_some() {
        // Who is there is asked on the page of the picker.
        return match &user.patients {
            Patients::Only(ids) if ids.is_empty() => Choice::Nobody,
            Patients::Only(ids) if ids.len() == 1 => Choice::Only(ids[0].clone()),
            _ => Choice::Ask,
        };
    }
    match patient_picker::offered(state, user)[..] {
        [] => Choice::Nobody,
        [only] => Choice::Only(only.id.clone()),
        _ => Choice::Ask,
    }
}

fn show(state: &AppState, pending: Pending, path: &str) -> Response {
    let address = format!("{path}?request={}", encode(&pending.id));
    state.store().put_pending(pending);
    go(state, &address)
}

/// Sends the browser to one of our own pages.
pub(crate) fn go(state: &AppState, address: &str) -> Response {
    let status = respond::redirect_status(state);
    let mut response = page::html(state, status, String::new());
    let address = HeaderValue::from_str(address).unwrap_or_else(|_| HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, address);
    response
}

/// Ends a pending request with an error.
pub(crate) fn end(state: &AppState, pending: &Pending, reason: Reason) -> Response {
    state.store().end_pending(&pending.id);
    // A page of its own, not in place of the one whose form was sent.
    if respond::stays_here(state, &reason) {
        notes::refused(|| advice::objection(&reason));
        return go(state, &format!("/auth/refused?error={}", reason.code().as_str()));
    }
    respond::refuse(
        state,
        Refusal::Redirect {
            target: pending.request.target.clone(),
            state: pending.request.state.clone(),
            reason,
        },
    )
}

/// A browser at one of the pages: its session, and the request it is busy with.
pub(crate) struct Visit {
    pub(crate) cookie: String,
    pub(crate) session: Session,
    pub(crate) pending: Pending,
}

/// What a browser must bring to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its session, to look at the page.
    Session,
    /// The page's own token as well, to send its form.
    Form,
}

/// Why a browser cannot go on, for its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Astray(&'static str);

impl Astray {
    /// The page that says so.
    pub(crate) fn page(self, state: &AppState) -> Response {
        stray(state, self.0)
    }
}

/// A browser at a page, and the parameters that it brings: a query, or a form.
pub(crate) fn arrive(
    state: &AppState,
    headers: &HeaderMap,
    raw: &[u8],
    proof: Proof,
) -> Result<(Visit, Parameters), Astray> {
    let parameters = Parameters::parse(raw).map_err(|_| Astray("What the browser sent is not UTF-8."))?;
    let visit = visit(state, headers, &parameters, proof)?;
    Ok((visit, parameters))
}

/// Finds the pending request of this browser.
fn visit(state: &AppState, headers: &HeaderMap, parameters: &Parameters, proof: Proof) -> Result<Visit, Astray> {
    let now = state.now();
    let found = session_of(state, headers, now).and_then(|(cookie, session)| {
        let id = parameters.filled("request")?;
        let own = state.store().pending(id, session.key, now);
        let pending = own.or_else(|| {
            let others = state.store().pending_of_any(id, now)?;
            let taken = state.defects().has(Defect::FormOfOtherBrowserAccepted);
            taken.then_some(others)
        })?;
        Some(Visit {
            cookie,
            session,
            pending,
        })
    });
    let Some(mut visit) = found else {
        return Err(Astray(
            "There is no sign-in under way here: it is finished, it took too long, or it began in another browser. Start again from the app.",
        ));
    };
    // RFC 6749 §10.12: a form of another site must not decide for the user.
    if proof == Proof::Form && !state.defects().has(Defect::CsrfNotChecked) {
        let sent = parameters.get("csrf").unwrap_or_default();
        if !bool::from(sent.as_bytes().ct_eq(visit.pending.csrf.as_bytes())) {
            return Err(Astray(FOREIGN_FORM));
        }
    }
    if state.defects().has(Defect::SessionsMixed)
        && let Some(request) = visit.session.slot.clone()
    {
        visit.pending.request = request;
    }
    Ok(visit)
}

/// A page for a browser that lost its way.
pub(crate) fn stray(state: &AppState, what: &str) -> Response {
    notes::refused(|| STRAY.objection("invalid_request", what.to_owned()));
    respond::error_page(state, StatusCode::BAD_REQUEST, "invalid_request", Some(what))
}

/// The session of this browser, one that begins now where it has none; its cookie; and whether it is new.
pub(crate) fn session_or_new(state: &AppState, headers: &HeaderMap) -> (String, Session, bool) {
    let now = state.now();
    if let Some((cookie, session)) = session_of(state, headers, now) {
        return (cookie, session, false);
    }
    let cookie = state.chance().token::<32>();
    let session = state.store().begin_session(cookie.clone(), now);
    (cookie, session, true)
}

const STRAY: Advice = Advice {
    rule: "RFC 6749 §10.12",
    url: "https://www.rfc-editor.org/rfc/rfc6749#section-10.12",
    fix: "Start the launch again in one browser, with cookies allowed, and send the pages' own forms only.",
};

/// The session of this browser, and its cookie.
pub(crate) fn session_of(state: &AppState, headers: &HeaderMap, now: Timestamp) -> Option<(String, Session)> {
    let cookie = cookie(headers)?;
    if let Some(session) = state.store().session(&cookie, now) {
        return Some((cookie, session));
    }
    // One of before the sign-in is worth nothing any more.
    let renewed = state.store().renewed(&cookie, now)?;
    state.defects().has(Defect::SessionNotRenewed).then_some(renewed)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    cookie_of(headers, COOKIE_NAME)
}

/// The cookie of this name.
pub(crate) fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// Forgets the session of this browser.
pub(crate) fn sign_out(state: &AppState, headers: &HeaderMap) {
    if let Some(cookie) = cookie(headers) {
        state.store().end_session(&cookie);
    }
}

/// Whether a user is signed in at this browser.
pub(crate) fn is_signed_in(state: &AppState, headers: &HeaderMap) -> bool {
    headers.contains_key(COOKIE)
        && session_of(state, headers, state.now()).is_some_and(|(_, session)| session.signed_in.is_some())
}

pub(crate) const FOREIGN_FORM: &str = "This form was not made by this server: its token is missing or wrong.";

/// What stands in the forms of this browser that belong to no pending request: nobody makes it who does not know the
/// cookie, nor learns the cookie from it.
pub(crate) fn form_token(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("form\n{cookie}")))
}

/// RFC 6749 §10.12: a form of another site must not decide for the user.
pub(crate) fn is_own_form(state: &AppState, cookie: &str, form: &Parameters) -> bool {
    let sent = form.get("csrf").unwrap_or_default();
    bool::from(sent.as_bytes().ct_eq(form_token(cookie).as_bytes())) || state.defects().has(Defect::CsrfNotChecked)
}

/// Gives the browser its session. The cookie goes to every address of the server, and opens the pages alone.
pub(crate) fn set_cookie(state: &AppState, response: &mut Response, cookie: &str) {
    let narrow = state.variants().has(Variant::SessionCookieNarrow);
    let path = if narrow { "/auth" } else { "/" };
    let mut value = format!("{COOKIE_NAME}={cookie}; Path={path}");
    if !state.defects().has(Defect::CookieUnguarded) {
        value.push_str("; HttpOnly");
        // RFC 6265 §4.1.2.5: where everything is https, the cookie never goes in the clear.
        if state.public_url().starts_with("https:") {
            value.push_str("; Secure");
        }
    }
    if narrow {
        value.push_str("; SameSite=Lax");
    }
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
