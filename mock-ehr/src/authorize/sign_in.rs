//! The sign-in page.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use super::flow::{self, Proof, Visit};
use crate::config::User;
use crate::defect::Defect;
use crate::identity_provider;
use crate::page;
use crate::state::AppState;
use crate::store::session::SignedIn;
use crate::variant::Variant;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    why: &'a str,
    action: &'a str,
    request: &'a str,
    csrf: &'a str,
    username: &'a str,
    unescaped: bool,
    ask_username: bool,
    ask_password: bool,
    problem: Option<&'a str>,
}

/// `GET /auth/sign-in`
pub(crate) async fn show(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    match flow::arrive(&state, &headers, query.unwrap_or_default().as_bytes(), Proof::Session) {
        Ok((visit, _)) => match &state.config().identity_provider {
            Some(provider) => identity_provider::begin(&state, provider, &visit).await,
            None => page(&state, &visit, None),
        },
        Err(astray) => astray.page(&state),
    }
}

/// `POST /auth/sign-in`
pub(crate) async fn submit(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let (mut visit, form) = match flow::arrive(&state, &headers, &body, Proof::Form) {
        Ok(arrived) => arrived,
        Err(astray) => return astray.page(&state),
    };
    // Passwords of the mock's own are worth nothing then.
    if let Some(provider) = &state.config().identity_provider {
        return identity_provider::decide(&state, provider, &visit, &form).await;
    }
    if is_in_steps(&state) && form.get("password").is_none() {
        let username = form.get("username").unwrap_or_default();
        visit.pending.typed_username = Some(username.to_owned());
        let address = format!("/auth/password?request={}", visit.pending.id);
        state.store().put_pending(visit.pending);
        return flow::go(&state, &address);
    }
    let typed = form.get("username").map(str::to_owned);
    let username = typed
        .or_else(|| visit.pending.typed_username.clone())
        .unwrap_or_default();
    let password = form.get("password").unwrap_or_default();
    let Some(user) = user_of(&state, &username, password) else {
        let problem = if state.defects().has(Defect::SignInEchoesPassword) {
            format!("{username} does not sign in with {password}.")
        } else {
            "User name or password is wrong.".to_owned()
        };
        return page(&state, &visit, Some(&problem));
    };
    let signed_in = SignedIn {
        username: user.username.clone(),
        at: state.now(),
        at_provider: None,
    };
    visit.pending.username = Some(signed_in.username.clone());
    visit.pending.auth_time = Some(signed_in.at);
    let cookie = state.chance().token::<32>();
    let Some(session) = state
        .store()
        .sign_in(&visit.cookie, cookie.clone(), signed_in, state.now())
    else {
        return flow::stray(
            &state,
            "This session ended while its form was on the way. Start again from the app.",
        );
    };
    // `prompt=login` is satisfied by this sign-in.
    state.store().put_pending(visit.pending.clone());
    let mut response = if state.defects().has(Defect::SignIn307) {
        let address = format!("/auth/signed-in?request={}", visit.pending.id);
        let mut response = flow::go(&state, &address);
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response
    } else {
        flow::next(&state, &session, visit.pending).await
    };
    flow::set_cookie(&state, &mut response, &cookie);
    response
}

/// Who signs in with this.
pub(crate) fn user_of<'s>(state: &'s AppState, username: &str, password: &str) -> Option<&'s User> {
    state.config().user(username).filter(|user| {
        let fits = bool::from(user.password.as_bytes().ct_eq(password.as_bytes()));
        fits || state.defects().has(Defect::SignInAnyPassword)
    })
}

/// The page, where no app asks for it.
pub(crate) fn page_of_its_own(
    state: &AppState,
    why: &str,
    action: &str,
    csrf: &str,
    problem: Option<&str>,
) -> Response {
    let page = SignIn {
        why,
        action,
        request: "",
        csrf,
        username: "",
        unescaped: false,
        ask_username: true,
        ask_password: true,
        problem,
    };
    shown(state, &page)
}

/// `/auth/signed-in`: where the defect `sign_in_307` leads; whatever the browser sends once more is not looked at.
pub(crate) async fn signed_in(
    State(state): State<AppState>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    match flow::arrive(&state, &headers, query.unwrap_or_default().as_bytes(), Proof::Session) {
        Ok((visit, _)) => flow::next(&state, &visit.session, visit.pending).await,
        Err(astray) => astray.page(&state),
    }
}

fn is_in_steps(state: &AppState) -> bool {
    state.variants().has(Variant::ThreePageSignIn)
}

fn page(state: &AppState, visit: &Visit, problem: Option<&str>) -> Response {
    let request = &visit.pending.request;
    let in_steps = is_in_steps(state);
    let typed = visit.pending.typed_username.as_deref();
    let hinted = typed.is_none() && request.login_hint.is_some();
    let client = state.client(&request.client_id);
    let client_name = client.as_ref().map_or("An app", |client| client.name.as_str());
    let page = SignIn {
        why: &format!("{client_name} asks for access."),
        action: "/auth/sign-in",
        request: &visit.pending.id,
        csrf: &visit.pending.csrf,
        username: typed
            .or(request.login_hint.as_deref())
            .or(request.preset().and_then(|preset| preset.user.as_deref()))
            .unwrap_or_default(),
        unescaped: hinted && state.defects().has(Defect::LoginHintUnescaped),
        ask_username: !in_steps || typed.is_none(),
        ask_password: !in_steps || typed.is_some(),
        problem,
    };
    shown(state, &page)
}

fn shown(state: &AppState, page: &SignIn<'_>) -> Response {
    let status = if page.problem.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    page::html(state, status, page::render(page))
}
