//! Sign-in at an OpenID provider in place of the mock's own page: code flow with PKCE, state and nonce.
//!
//! OpenID Connect Core §3.1: <https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth>; RFC 7636; RFC 9207;
//! RFC 9700 §2.1, §4.4, §4.7: each answer belongs to one browser, one provider and one errand, and works once.

mod id_token;
pub(crate) mod logout;
mod options;
mod problem;
pub(crate) mod provider;
mod settings;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::id_token::{Expected, seconds};
use self::logout::AtProvider;
pub use self::options::Options;
use self::problem::Problem;
use self::provider::Provider;
pub use self::settings::IdentityProvider;
use crate::authorize::flow::{self, Visit};
use crate::authorize::reason::Reason;
use crate::form::Parameters;
use crate::granted_apps;
use crate::state::AppState;
use crate::store::delegated::{Delegated, Errand};
use crate::store::pending::{AuthorizationRequest, Pending};
use crate::store::session::{Session, SessionKey, SignedIn};
use crate::variant::Variant;

/// Where the provider sends the browser back.
pub(crate) const CALLBACK: &str = "/auth/callback";

const AUTHORIZATION_ENDPOINT: &str = "authorization endpoint";

/// The redirect URI that is registered at the provider.
pub(crate) fn callback_of(state: &AppState) -> String {
    format!("{}{CALLBACK}", state.public_url())
}

/// What the request of the app asks of the provider.
#[derive(Default)]
struct Wishes {
    prompt: Vec<&'static str>,
    max_age: Option<i64>,
    login_hint: Option<String>,
}

impl Wishes {
    fn of(state: &AppState, request: &AuthorizationRequest) -> Self {
        let asked = |value: &str| request.prompt.iter().any(|known| known == value);
        let anew = asked("login") || state.variants().has(Variant::SignInEachTime);
        let mut prompt = Vec::new();
        prompt.extend(anew.then_some("login"));
        prompt.extend(asked("select_account").then_some("select_account"));
        Self {
            prompt,
            max_age: request.max_age,
            login_hint: request.login_hint.clone(),
        }
    }
}

/// Sends the browser of a pending request to the provider.
pub(crate) async fn begin(state: &AppState, settings: &IdentityProvider, visit: &Visit) -> Response {
    let wishes = Wishes::of(state, &visit.pending.request);
    begin_with(state, settings, visit, wishes).await
}

async fn begin_with(state: &AppState, settings: &IdentityProvider, visit: &Visit, wishes: Wishes) -> Response {
    let errand = Errand::Request(visit.pending.id.clone());
    match depart(state, settings, visit.session.key, errand, wishes).await {
        Ok(address) => flow::go(state, &address),
        Err(problem) => problem::show(state, &settings.issuer, &problem, Some(&visit.pending)),
    }
}

/// Sends a browser to the provider that wants to see the granted apps.
pub(crate) async fn begin_for_granted_apps(
    state: &AppState,
    settings: &IdentityProvider,
    session: &Session,
) -> Response {
    match depart(state, settings, session.key, Errand::GrantedApps, Wishes::default()).await {
        Ok(address) => flow::go(state, &address),
        Err(problem) => problem::show(state, &settings.issuer, &problem, None),
    }
}

/// The form of the page that tells of a problem: once more, as somebody else, or back to the app.
pub(crate) async fn decide(
    state: &AppState,
    settings: &IdentityProvider,
    visit: &Visit,
    form: &Parameters,
) -> Response {
    if form.get("decision") == Some("deny") {
        return flow::end(state, &visit.pending, Reason::Denied);
    }
    let mut wishes = Wishes::of(state, &visit.pending.request);
    // Whoever is signed in there would come back at once.
    if form.get("decision") == Some("other") && !wishes.prompt.contains(&"login") {
        wishes.prompt.push("login");
        wishes.login_hint = None;
    }
    begin_with(state, settings, visit, wishes).await
}

/// The address of the provider's sign-in; what must come back is kept.
async fn depart(
    state: &AppState,
    settings: &IdentityProvider,
    session: SessionKey,
    errand: Errand,
    wishes: Wishes,
) -> Result<String, Problem> {
    let provider = Provider::discover(state, settings).await?;
    let [own_state, nonce, verifier] = [(); 3].map(|()| state.chance().token::<32>());
    let mut address = provider.authorization_endpoint.clone();
    {
        let mut query = address.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &callback_of(state))
            .append_pair("scope", &settings.scopes)
            .append_pair("state", &own_state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)))
            .append_pair("code_challenge_method", "S256");
        if !wishes.prompt.is_empty() {
            query.append_pair("prompt", &wishes.prompt.join(" "));
        }
        if let Some(max_age) = wishes.max_age {
            query.append_pair("max_age", &max_age.to_string());
        }
        if let Some(hint) = &wishes.login_hint {
            query.append_pair("login_hint", hint);
        }
    }
    let delegated = Delegated {
        session,
        errand,
        provider,
        nonce,
        verifier,
        anew: wishes.prompt.contains(&"login"),
        max_age: wishes.max_age,
        began: state.now(),
        sent: state.clock().elsewhere(),
    };
    state.store().put_delegated(own_state, delegated);
    Ok(address.into())
}

/// `GET /auth/callback`: the browser comes back.
pub(crate) async fn callback(State(state): State<AppState>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Some(settings) = &state.config().identity_provider else {
        return flow::stray(&state, "This server signs its users in by itself.");
    };
    let Ok(parameters) = Parameters::parse(query.unwrap_or_default().as_bytes()) else {
        return flow::stray(&state, "What the browser sent is not UTF-8.");
    };
    let now = state.now();
    let found = flow::session_of(&state, &headers, now).and_then(|(cookie, session)| {
        let own_state = parameters.filled("state")?;
        let delegated = state.store().take_delegated(own_state, session.key, now)?;
        Some((cookie, delegated))
    });
    let Some((cookie, delegated)) = found else {
        return flow::stray(&state, &unexpected(&parameters));
    };
    let pending = match &delegated.errand {
        Errand::GrantedApps => None,
        Errand::Request(id) => match state.store().pending(id, delegated.session, now) {
            Some(pending) => Some(pending),
            None => {
                return flow::stray(
                    &state,
                    "What you signed in for is finished, or it took too long. Start again from the app.",
                );
            }
        },
    };
    match identify(&state, settings, &delegated, &parameters).await {
        Ok(signed_in) => arrived(&state, &cookie, signed_in, pending).await,
        Err(problem) => problem::show(&state, &settings.issuer, &problem, pending.as_ref()),
    }
}

/// Why an answer belongs to nothing. Of what a stranger may have written, no more than an error's code is repeated.
fn unexpected(parameters: &Parameters) -> String {
    let code = |text: &&str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let error = parameters.filled("error").filter(code);
    let error = error.map_or(String::new(), |error| format!(" It came with the error `{error}`."));
    format!(
        "No sign-in at the identity provider is under way here: it is finished, it took too long, or it began in another browser.{error} Start again from the app."
    )
}

/// Somebody signed in: the session gets a new cookie, and the browser goes on with its errand.
async fn arrived(state: &AppState, cookie: &str, signed_in: SignedIn, pending: Option<Pending>) -> Response {
    let renewed = state.chance().token::<32>();
    let (username, at) = (signed_in.username.clone(), signed_in.at);
    let Some(session) = state.store().sign_in(cookie, renewed.clone(), signed_in, state.now()) else {
        return flow::stray(state, "This session ended in the meantime. Start again from the app.");
    };
    let mut response = match pending {
        Some(mut pending) => {
            pending.username = Some(username);
            pending.auth_time = Some(at);
            state.store().put_pending(pending.clone());
            flow::next(state, &session, pending).await
        }
        None => flow::go(state, granted_apps::PATH),
    };
    flow::set_cookie(state, &mut response, &renewed);
    response
}

/// Who it is, by the answer that the browser brought.
async fn identify(
    state: &AppState,
    settings: &IdentityProvider,
    delegated: &Delegated,
    parameters: &Parameters,
) -> Result<SignedIn, Problem> {
    let provider = &delegated.provider;
    let code = code_of(settings, provider, parameters)?;
    let tokens = provider.redeem(state, settings, code, &delegated.verifier).await?;
    let keys = provider.keys(state).await?;
    let now = state.clock().elsewhere();
    let expected = Expected {
        issuer: &settings.issuer,
        client_id: &settings.client_id,
        nonce: &delegated.nonce,
        now: now.as_second(),
        sent: delegated.sent.as_second(),
        anew: delegated.anew,
        max_age: delegated.max_age,
    };
    let mut claims = id_token::verify(&tokens.id_token, &keys, &expected).map_err(Problem::IdToken)?;
    let at = auth_time(state.now(), now, &claims["auth_time"]);
    if claims[&settings.claim].is_null() {
        claims = provider.userinfo(state, &tokens, &claims["sub"]).await?;
    }
    let value = claims[&settings.claim].as_str().filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Problem::NoClaim(settings.claim.clone()))?;
    // OpenID Connect Core §5.1: a boolean, which some providers write as a text. Providers that know no other addresses
    // than their own leave it out.
    let verified = &claims["email_verified"];
    let is_doubted = claims.get("email_verified").is_some() && *verified != true && *verified != "true";
    if settings.claim == "email" && is_doubted {
        return Err(Problem::Unverified(value.to_owned()));
    }
    let user = settings.user(state.config(), value).ok_or_else(|| Problem::Unknown {
        claim: settings.claim.clone(),
        value: value.to_owned(),
    })?;
    Ok(SignedIn {
        username: user.username.clone(),
        at,
        at_provider: Some(AtProvider {
            end_session_endpoint: provider.end_session_endpoint.clone(),
            id_token: tokens.id_token,
        }),
    })
}

/// The code, if the answer is this provider's and no error.
fn code_of<'p>(
    settings: &IdentityProvider,
    provider: &Provider,
    parameters: &'p Parameters,
) -> Result<&'p str, Problem> {
    if let Some((name, times)) = parameters.repeated() {
        return Err(Problem::Response(format!("`{name}` comes {times} times")));
    }
    // RFC 9207 §2.4: an answer of another provider is not for this one's token endpoint.
    match parameters.get("iss") {
        Some(iss) if iss != settings.issuer => {
            return Err(Problem::Response(format!(
                "its `iss` is {iss}, which is another provider"
            )));
        }
        None if provider.names_itself => {
            return Err(Problem::Response(
                "`iss` is missing, which it promised to send".to_owned(),
            ));
        }
        _ => {}
    }
    if let Some(error) = parameters.get("error") {
        return Err(Problem::Refused {
            by: AUTHORIZATION_ENDPOINT,
            error: error.to_owned(),
            description: parameters.filled("error_description").map(str::to_owned),
        });
    }
    parameters
        .filled("code")
        .ok_or_else(|| Problem::Response("there is neither a code nor an error".to_owned()))
}

/// When the user was asked, by this mock's clock; now, where the provider does not say it.
fn auth_time(now: Timestamp, elsewhere: Timestamp, said: &Value) -> Timestamp {
    let ago = seconds(said).map_or(0, |asked| elsewhere.as_second().saturating_sub(asked));
    let ago = SignedDuration::from_secs(ago.max(0));
    now.checked_sub(ago).unwrap_or(now)
}
