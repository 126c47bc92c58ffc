//! Sends the browser back to the app, with a code or an error; or shows the error.
//!
//! RFC 6749 §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2>,
//! RFC 9207 (`iss`): <https://www.rfc-editor.org/rfc/rfc9207>

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use super::reason::Reason;
use super::redirect_uri::RedirectTarget;
use super::response_mode::ResponseMode;
use super::state::{Answer, returned};
use super::{Refusal, advice, form_post};
use crate::defect::Defect;
use crate::form::{Parameters, decode, encode};
use crate::journal::notes;
use crate::page;
use crate::state::AppState;
use crate::store::code::Code;
use crate::store::grant::Grant;
use crate::store::pending::AuthorizationRequest;
use crate::token::response::access_token_for;
use crate::variant::Variant;

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    error: &'a str,
    description: Option<&'a str>,
    unescaped: bool,
}

/// The user agreed.
pub(crate) fn code(state: &AppState, request: &AuthorizationRequest, grant: Arc<Grant>) -> Response {
    let mut answer = Vec::new();
    if request.implicit {
        let (token, expires_in) = access_token_for(state, &grant, grant.scopes.clone());
        answer.push(("access_token", encode(&token)));
        answer.push(("token_type", "Bearer".to_owned()));
        answer.push(("expires_in", expires_in.to_string()));
    } else {
        answer.push(("code", encode(&new_code(state, request, grant))));
    }
    push_state(state, &mut answer, request.state.as_deref(), Answer::Code);
    push_iss(state, &mut answer);
    // RFC 6749 §4.1.2: "The client MUST ignore unrecognized response parameters."
    if state.variants().has(Variant::ExtraMembers) {
        answer.push(("session_state", state.chance().token::<16>()));
    }
    let in_fragment = request.implicit || state.defects().has(Defect::ResponseInFragment);
    deliver(state, &request.target, &answer, in_fragment)
}

fn new_code(state: &AppState, request: &AuthorizationRequest, grant: Arc<Grant>) -> String {
    let defects = state.defects();
    // RFC 6749 §10.10: 256 bits, where 128 are asked for.
    let mut text = state.chance().token::<32>();
    if defects.has(Defect::CodeLowEntropy) {
        text = state.count().to_string();
    }
    if defects.has(Defect::CodeContainsState) {
        text = format!("{}{text}", request.state.as_deref().unwrap_or_default());
    }
    // RFC 7636 §4.4: whoever sees the code must not learn the challenge.
    if defects.has(Defect::CodeContainsChallenge) {
        text = format!("{}{text}", request.challenge.text());
    }
    if defects.has(Defect::CodeRepeated) {
        text = hash_of(request, &grant);
    }
    let code = Code {
        grant,
        redirect_uri: request.target.as_str().to_owned(),
        challenge: request.challenge.clone(),
        issued: state.now(),
        spent: false,
    };
    state.store().put_code(text.clone(), code);
    text
}

/// The code that the defect `code_repeated` gives: nothing in it is random.
fn hash_of(request: &AuthorizationRequest, grant: &Grant) -> String {
    let state = request.state.as_deref().unwrap_or_default();
    let parts = [&request.client_id, &grant.username, request.challenge.text(), state];
    URL_SAFE_NO_PAD.encode(Sha256::digest(parts.join("\n")))
}

/// The request is refused.
pub(crate) fn refuse(state: &AppState, refusal: Refusal) -> Response {
    let (target, state_value, reason) = match refusal {
        Refusal::Broken => return broken(),
        Refusal::Page(reason) => return refused_page(state, &reason),
        Refusal::Redirect { target, state, reason } => (target, state, reason),
    };
    if stays_here(state, &reason) {
        return refused_page(state, &reason);
    }
    notes::refused(|| advice::objection(&reason));
    let mut answer = Vec::new();
    if let Some(error) = error_code(state, &reason) {
        answer.push(("error", encode(&error)));
    }
    if let Some(description) = description(state, &reason) {
        answer.push(("error_description", encode(&description)));
    }
    if state.variants().has(Variant::ExtraMembers) {
        answer.push(("error_uri", encode("https://ehr.example/errors?of=oauth")));
    }
    if state.defects().has(Defect::AuthorizeErrorWithCode) {
        answer.push(("code", state.chance().token::<32>()));
    }
    let kind = if reason == Reason::Denied {
        Answer::Denial
    } else {
        Answer::Error
    };
    push_state(state, &mut answer, state_value.as_deref(), kind);
    if !state.defects().has(Defect::ResponseIssMissingInErrors) {
        push_iss(state, &mut answer);
    }
    if target.mode() == ResponseMode::FormPost && state.defects().has(Defect::FormPostErrorsByRedirect) {
        return redirect(state, &target, &answer, false);
    }
    deliver(state, &target, &answer, false)
}

/// Sends the answer in the way that was asked for. Values come encoded.
fn deliver(state: &AppState, target: &RedirectTarget, answer: &[(&str, String)], in_fragment: bool) -> Response {
    match target.mode() {
        ResponseMode::FormPost if !in_fragment => {
            notes::posted(answer);
            form_post::page(state, target.as_str(), answer)
        }
        _ => redirect(state, target, answer, in_fragment),
    }
}

/// Is this error shown to the user instead of told to the app? The user's own denial is the app's business in any case.
pub(crate) fn stays_here(state: &AppState, reason: &Reason) -> bool {
    let variants = state.variants();
    let stays = variants.has(Variant::ErrorPageInsteadOfRedirect) || variants.has(Variant::ErrorHtmlPage200);
    stays && *reason != Reason::Denied
}

/// `GET /auth/refused`: where the browser ends whose request was refused after it had signed in.
pub(crate) async fn show_refused(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let error = Parameters::parse(query.unwrap_or_default().as_bytes())
        .ok()
        .and_then(|parameters| parameters.filled("error").map(str::to_owned))
        .unwrap_or_else(|| "access_denied".to_owned());
    let status = if state.variants().has(Variant::ErrorHtmlPage200) {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    error_page(&state, status, &error, None)
}

fn error_code(state: &AppState, reason: &Reason) -> Option<String> {
    let defects = state.defects();
    if defects.has(Defect::AuthorizeErrorMissing) {
        return None;
    }
    if defects.has(Defect::AuthorizeErrorCodeWrong) {
        return Some("failed".into());
    }
    if *reason == Reason::Denied && defects.has(Defect::DeniedErrorCodeWrong) {
        return Some("invalid_request".into());
    }
    Some(reason.code().as_str().into())
}

fn description(state: &AppState, reason: &Reason) -> Option<String> {
    if state.variants().has(Variant::ErrorNoDescription) {
        return None;
    }
    if state.defects().has(Defect::AuthorizeErrorDescriptionCharset) {
        return Some(format!("\u{201c}{}\u{201d} \"quoted\"", reason.description()));
    }
    Some(reason.description())
}

fn push_state(state: &AppState, answer: &mut Vec<(&'static str, String)>, value: Option<&str>, kind: Answer) {
    let values = value.map(|value| returned(state, value, kind)).unwrap_or_default();
    answer.extend(values.into_iter().map(|value| ("state", value)));
}

/// RFC 9207 §2: who answers, so that an app that knows several servers cannot mix them up.
fn push_iss(state: &AppState, answer: &mut Vec<(&'static str, String)>) {
    let defects = state.defects();
    if defects.has(Defect::ResponseIssMissing) || state.variants().has(Variant::ResponseIssNotSent) {
        return;
    }
    let iss = if defects.has(Defect::ResponseIssWrong) {
        "https://other.example"
    } else {
        state.public_url()
    };
    answer.push(("iss", encode(iss)));
}

/// Values come encoded.
fn redirect(state: &AppState, target: &RedirectTarget, answer: &[(&str, String)], in_fragment: bool) -> Response {
    let pairs: Vec<_> = answer.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (base, fragment) = match target.as_str().split_once('#') {
        Some((base, fragment)) => (base, Some(fragment)),
        None => (target.as_str(), None),
    };
    let mut address = base.to_owned();
    // RFC 6749 §3.1.2: a query of the address' own must be kept.
    if let Some(at) = address.find('?')
        && state.defects().has(Defect::ResponseLosesQuery)
    {
        address.truncate(at);
    }
    let mark = match (in_fragment, address.contains('?')) {
        (true, _) => '#',
        (false, true) => '&',
        (false, false) => '?',
    };
    address.push(mark);
    address.push_str(&pairs.join("&"));
    if let Some(fragment) = fragment.filter(|_| !in_fragment) {
        address.push('#');
        address.push_str(fragment);
    }
    let mut response = page::html(state, redirect_status(state), String::new());
    if state.defects().has(Defect::Response307) {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    }
    if address.contains("%0D%0A") && state.defects().has(Defect::HeaderInjection) {
        inject(&mut response, &pairs);
    }
    match HeaderValue::from_str(&ascii(&address)) {
        Ok(address) => {
            response.headers_mut().insert(LOCATION, address);
            response
        }
        Err(_) => broken(),
    }
}

/// What the defect `header_injection` does: lines of a value, from the second on, are header fields.
fn inject(response: &mut Response, pairs: &[String]) {
    let texts = pairs
        .iter()
        .map(|pair| String::from_utf8_lossy(&decode(pair.as_bytes())).into_owned());
    for text in texts {
        for (name, value) in text.split("\r\n").skip(1).filter_map(|line| line.split_once(": ")) {
            let name = http::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

/// Addresses that a defect let through may hold what a header cannot.
fn ascii(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for char in address.chars() {
        if char.is_ascii_graphic() {
            out.push(char);
        } else {
            out.push_str(&encode(char.encode_utf8(&mut [0; 4])));
        }
    }
    out
}

/// RFC 9700 §4.12: 303, so that no browser repeats a POST with the user's password.
pub(crate) fn redirect_status(state: &AppState) -> StatusCode {
    if state.variants().has(Variant::Redirect302) {
        StatusCode::FOUND
    } else {
        StatusCode::SEE_OTHER
    }
}

fn refused_page(state: &AppState, reason: &Reason) -> Response {
    notes::refused(|| advice::objection(reason));
    let status = if state.variants().has(Variant::ErrorHtmlPage200) {
        StatusCode::OK
    } else {
        match reason {
            Reason::TooMuch { .. } => StatusCode::URI_TOO_LONG,
            Reason::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Reason::ContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        }
    };
    let shown = if state.defects().has(Defect::ErrorPageUnescaped) {
        reason.to_string()
    } else {
        reason.description()
    };
    let shown = if state.defects().has(Defect::ErrorStackTrace) {
        format!("{shown}\n{}", page::STACK_TRACE)
    } else {
        shown
    };
    let shown = (!state.variants().has(Variant::ErrorNoDescription)).then_some(shown);
    error_page(state, status, reason.code().as_str(), shown.as_deref())
}

/// What the defect `request_repeated_unescaped` answers.
pub(super) fn repeated(state: &AppState, query: &str) -> Option<Response> {
    let text = String::from_utf8_lossy(&decode(query.as_bytes())).into_owned();
    let suspicious = text.contains('<') && state.defects().has(Defect::RequestRepeatedUnescaped);
    suspicious.then(|| {
        let body = format!("<!doctype html><title>Refused</title><p>This request looks dangerous: {text}</p>");
        page::html(state, StatusCode::BAD_REQUEST, body)
    })
}

/// A page that says what is wrong.
pub(crate) fn error_page(state: &AppState, status: StatusCode, error: &str, description: Option<&str>) -> Response {
    let unescaped = state.defects().has(Defect::ErrorPageUnescaped);
    page::html(
        state,
        status,
        page::render(&Refused {
            error,
            description,
            unescaped,
        }),
    )
}

fn broken() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response()
}
