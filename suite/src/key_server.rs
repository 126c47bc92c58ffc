//! The key server of the run: publishes the keys of clients that are registered by `jwks_uri`, rightly or wrongly.
//!
//! SMART App Launch 2.2, "Registering a client (communicating public keys)":
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html>, RFC 7517 §5.

mod untrusted;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use url::Url;

use crate::http::{Exchange, Failure, Request, Response};
use crate::oauth::jws::SigningKey;
use crate::oauth::weak_key::WeakKey;
use crate::target::{Client, Credentials, Profile};

/// Put behind the path of a jwks_uri: an address of ours that nobody registered.
const ELSEWHERE: &str = "-elsewhere";

/// Path of the keys behind a certificate that no authority signed.
pub const UNTRUSTED: &str = "/untrusted/jwks.json";

/// Path of what nobody has any reason to fetch.
pub const PROBE: &str = "/launchproof-probe";

/// So many requests are kept until somebody looks.
const MOST_ASKED: usize = 50;

/// What is answered at one path.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// `Cache-Control`.
    pub cache_control: String,
    /// `Location`.
    pub location: Option<String>,
    /// How long the answer is held back.
    pub delay: Duration,
    /// Whoever asks gets no answer at all.
    pub silent: bool,
    /// The body.
    pub body: String,
}

impl Publication {
    /// These keys, as they should be published; kept by nobody.
    pub fn of(keys: &[Value]) -> Self {
        Self {
            status: 200,
            content_type: "application/json".to_owned(),
            cache_control: "no-store".to_owned(),
            location: None,
            delay: Duration::ZERO,
            silent: false,
            body: json!({ "keys": keys }).to_string(),
        }
    }
}

#[derive(Default)]
struct Desk {
    /// By path: what is answered, and how often it was asked for.
    shelves: HashMap<String, (Publication, usize)>,
    /// The key that is taken up during a scenario.
    next: Option<Arc<SigningKey>>,
    /// The one that is too short.
    weak: Option<Arc<WeakKey>>,
    /// Who asked since somebody looked.
    asked: Vec<Asked>,
    /// Whether anybody ever asked anything.
    reached: bool,
}

/// Somebody asked, as a rule the server under test.
struct Asked {
    when: Instant,
    request: Request,
    outcome: Result<Response, Failure>,
}

/// What stands as the step of an exchange that the server under test began.
pub const ASKED: &str = "jwks_uri (asked by the server under test)";

/// The key server; a clone is the same one.
#[derive(Clone)]
pub struct KeyServer {
    usual: Arc<HashMap<String, Publication>>,
    desk: Arc<Mutex<Desk>>,
    /// Why nobody can reach it.
    problem: Option<Arc<str>>,
    /// Scheme, host and port of it.
    origin: Option<Url>,
    /// Where the same keys stand behind a certificate that no authority signed.
    untrusted: Option<Url>,
}

impl std::fmt::Debug for KeyServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyServer")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl KeyServer {
    /// Publishes the keys of every client of the profile that has a `jwks_uri`.
    pub fn new(profile: &Profile, keys: &HashMap<String, SigningKey>) -> Self {
        let mut usual = HashMap::new();
        for client in &profile.clients {
            let Some(url) = &client.jwks_uri else { continue };
            usual.insert(url.path().to_owned(), Publication::of(&public_keys(client, keys)));
        }
        // Asked for by nobody, as long as nobody is led astray.
        for path in [PROBE, UNTRUSTED] {
            usual.insert(path.to_owned(), Publication::of(&[]));
        }
        let server = Self {
            usual: Arc::new(usual),
            desk: Arc::default(),
            problem: None,
            origin: profile.clients.iter().find_map(|client| client.jwks_uri.clone()),
            untrusted: None,
        };
        server.restore();
        server
    }

    /// The same server, that cannot be reached.
    #[must_use]
    pub fn out_of_reach(self, problem: &str) -> Self {
        Self {
            problem: Some(problem.into()),
            ..self
        }
    }

    /// The same server, that answers at this https origin too, where nobody vouches for it.
    #[must_use]
    pub fn untrusted_at(self, origin: &str) -> Self {
        let untrusted = Url::parse(origin).and_then(|url| url.join(UNTRUSTED)).ok();
        Self { untrusted, ..self }
    }

    /// The address of what nobody has any reason to fetch, where anybody could.
    pub fn probe(&self) -> Option<Url> {
        let reachable = self.origin.as_ref().filter(|_| self.problem.is_none());
        reachable.and_then(|origin| origin.join(PROBE).ok())
    }

    /// The same server, that answers at this origin.
    #[must_use]
    fn at(self, origin: &str) -> Self {
        Self {
            origin: Url::parse(origin).ok(),
            ..self
        }
    }

    /// The address of keys behind a certificate that no authority signed.
    pub fn untrusted(&self) -> Option<&Url> {
        self.untrusted.as_ref()
    }

    /// Who asked since the last time, as exchanges: how long ago each began, and the exchange.
    pub fn take_asked(&self) -> Vec<(Duration, Exchange)> {
        let asked = std::mem::take(&mut self.desk().asked);
        asked
            .into_iter()
            .map(|asked| {
                let exchange = Exchange {
                    step: ASKED.to_owned(),
                    at: Duration::ZERO,
                    request: asked.request,
                    outcome: asked.outcome,
                };
                (asked.when.elapsed(), exchange)
            })
            .collect()
    }

    /// Keeps that somebody came by https and ended the handshake; that counts as having asked.
    pub fn note_refused(&self, when: Instant, error: &str) {
        self.desk().reached = true;
        if let Some(url) = self.untrusted.clone() {
            if let Some((_, times)) = self.desk().shelves.get_mut(UNTRUSTED) {
                *times += 1;
            }
            let outcome = Err(Failure::Tls(format!(
                "whoever asked the key server of launchproof ended the handshake: {error}"
            )));
            self.keep(Asked {
                when,
                request: Request::get(url),
                outcome,
            });
        }
    }

    fn keep(&self, asked: Asked) {
        let mut desk = self.desk();
        if desk.asked.len() < MOST_ASKED {
            desk.asked.push(asked);
        }
    }

    /// Keeps what was asked and what is answered.
    fn note(&self, when: Instant, parts: &http::request::Parts, outcome: Result<Response, Failure>) {
        let base = if parts.uri.path() == UNTRUSTED {
            &self.untrusted
        } else {
            &self.origin
        };
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let Some(url) = base.as_ref().and_then(|base| base.join(path).ok()) else {
            return;
        };
        let mut request = Request::get(url);
        request.method = parts.method.clone();
        let headers = parts.headers.iter();
        request.headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.keep(Asked { when, request, outcome });
    }

    /// Why nobody can reach it.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Everything as it should be again, asked for by nobody.
    pub fn restore(&self) {
        let mut desk = self.desk();
        desk.next = None;
        desk.weak = None;
        desk.asked.clear();
        desk.shelves = self
            .usual
            .iter()
            .map(|(path, publication)| (path.clone(), (publication.clone(), 0)))
            .collect();
    }

    /// Answers so at this path from now on.
    pub fn publish(&self, path: &str, publication: Publication) {
        self.desk().shelves.insert(path.to_owned(), (publication, 0));
    }

    /// Whether anybody asked for anything in this run: else the target may not reach it at all.
    pub fn is_reached(&self) -> bool {
        self.desk().reached
    }

    /// How often this path was asked for since it was published.
    pub fn fetched(&self, path: &str) -> usize {
        self.desk().shelves.get(path).map_or(0, |(_, times)| *times)
    }

    /// The key that is taken up now; `make` makes it, where there is none yet.
    pub fn next_key(&self, make: impl FnOnce() -> Option<SigningKey>) -> Option<Arc<SigningKey>> {
        let mut desk = self.desk();
        if let Some(known) = &desk.next {
            return Some(Arc::clone(known));
        }
        let fresh = Arc::new(make()?);
        desk.next = Some(Arc::clone(&fresh));
        Some(fresh)
    }

    /// The key of this scenario that is too short; nothing where this machine makes none.
    pub fn weak_key(&self, kid: &str) -> Option<Arc<WeakKey>> {
        let mut desk = self.desk();
        if desk.weak.is_none() {
            desk.weak = WeakKey::named(kid).map(Arc::new);
        }
        desk.weak.clone()
    }

    /// Where it answers.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address beside a registered one.
pub fn elsewhere(registered: &Url) -> Url {
    let mut url = registered.clone();
    url.set_path(&format!("{}{ELSEWHERE}", registered.path()));
    url
}

/// The public halves of a client's keys.
fn public_keys(client: &Client, keys: &HashMap<String, SigningKey>) -> Vec<Value> {
    let Credentials::Key(source) = &client.credentials else {
        return Vec::new();
    };
    let others = source
        .others
        .iter()
        .filter_map(|jwk| SigningKey::from_jwk(jwk.expose()).ok());
    let first = keys.get(&client.name).map(SigningKey::public_jwk);
    first.into_iter().chain(others.map(|key| key.public_jwk())).collect()
}

async fn answer(State(server): State<KeyServer>, request: http::Request<Body>) -> axum::response::Response {
    let when = Instant::now();
    let (parts, _) = request.into_parts();
    server.desk().reached = true;
    let publication = server
        .desk()
        .shelves
        .get_mut(parts.uri.path())
        .map(|(publication, times)| {
            *times += 1;
            publication.clone()
        });
    if publication.as_ref().is_some_and(|publication| publication.silent) {
        let none = Failure::NotSent("the key server of launchproof gave no answer, on purpose".to_owned());
        server.note(when, &parts, Err(none));
        return futures::future::pending().await;
    }
    let (delay, answer) = match publication {
        Some(publication) => (publication.delay, written(publication)),
        None => (Duration::ZERO, with_status(http::StatusCode::NOT_FOUND)),
    };
    let (head, body) = answer.into_parts();
    let noted = Response {
        status: head.status.as_u16(),
        headers: head.headers.clone(),
        body: body.clone(),
        elapsed: delay,
    };
    server.note(when, &parts, Ok(noted));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    axum::response::Response::from_parts(head, Body::from(body))
}

fn with_status(status: http::StatusCode) -> http::Response<Bytes> {
    let mut answer = http::Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

fn written(publication: Publication) -> http::Response<Bytes> {
    let mut builder = http::Response::builder()
        .status(publication.status)
        .header(CONTENT_TYPE, publication.content_type)
        .header(CACHE_CONTROL, publication.cache_control);
    if let Some(location) = publication.location {
        builder = builder.header(LOCATION, location);
    }
    builder
        .body(Bytes::from(publication.body))
        .unwrap_or_else(|_| http::Response::new(Bytes::new()))
}

/// Serves for as long as this value lives.
pub struct Listening(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Listens where the profile's clients say that their keys are. A key server that cannot be reached says why.
#[expect(
    clippy::implicit_hasher,
    reason = "the keys of a profile are one map, made in one place"
)]
pub async fn listen(profile: &Profile, keys: &HashMap<String, SigningKey>) -> (KeyServer, Option<Listening>) {
    let server = KeyServer::new(profile, keys);
    let mut origins: Vec<&Url> = profile
        .clients
        .iter()
        .filter_map(|client| client.jwks_uri.as_ref())
        .collect();
    origins.dedup_by_key(|url| url.origin());
    let address = match origins.as_slice() {
        [] => return for_probes(profile, server).await,
        [one] => match profile.listening_at(one) {
            Ok(address) => address,
            Err(problem) => return (server.out_of_reach(&problem), None),
        },
        _ => {
            return (
                server.out_of_reach("the jwks_uris of the profile's clients are not all at one origin"),
                None,
            );
        }
    };
    match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => {
            // A target elsewhere does not reach the port of the second.
            let (server, tasks) = serve_both(listener, server, profile.is_loopback()).await;
            (server, Some(tasks))
        }
        Err(error) => {
            let problem = format!("the key server cannot listen on {address}: {error}");
            (server.out_of_reach(&problem), None)
        }
    }
}

/// Listens where no client has its keys, for the addresses that the target should not fetch.
async fn for_probes(profile: &Profile, server: KeyServer) -> (KeyServer, Option<Listening>) {
    let address = match &profile.public_url {
        Some(_) => profile.bind,
        None if profile.is_loopback() => std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        None => return (server, None),
    };
    let Ok(listener) = tokio::net::TcpListener::bind(address).await else {
        // Nothing else needs it: what would have been asked here is skipped.
        return (server, None);
    };
    let origin = match (&profile.public_url, listener.local_addr()) {
        (Some(public), _) => public.origin().ascii_serialization(),
        (None, Ok(address)) => format!("http://{address}"),
        (None, Err(_)) => return (server, None),
    };
    let (server, tasks) = serve_both(listener, server.at(&origin), profile.is_loopback()).await;
    (server, Some(tasks))
}

/// Serves on this listener, and behind a certificate that no authority signed, where this machine can make one.
pub async fn serve_both(listener: tokio::net::TcpListener, server: KeyServer, near: bool) -> (KeyServer, Listening) {
    let second = if near { untrusted::listen(&server).await } else { None };
    let (server, untrusted) = match second {
        Some((server, task)) => (server, Some(task)),
        None => (server, None),
    };
    let tasks = std::iter::once(serve(listener, &server)).chain(untrusted).collect();
    (server, Listening(tasks))
}

fn serve(listener: tokio::net::TcpListener, server: &KeyServer) -> tokio::task::JoinHandle<()> {
    let router = server.router();
    tokio::spawn(async move {
        // An error here ends the task; the target then finds nobody, and its refusals say so.
        let _ = axum::serve(listener, router).await;
    })
}
