//! The key server of the run: publishes the keys of clients that are registered by `jwks_uri`, rightly or wrongly.
//!
//! SMART App Launch 2.2, "Registering a client (communicating public keys)":
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html>, RFC 7517 §5.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Uri;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use url::Url;

use crate::oauth::jws::SigningKey;
use crate::oauth::weak_key::WeakKey;
use crate::target::{Client, Credentials, Profile};

/// Put behind the path of a jwks_uri: an address of ours that nobody registered.
const ELSEWHERE: &str = "-elsewhere";

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
}

/// The key server; a clone is the same one.
#[derive(Clone)]
pub struct KeyServer {
    usual: Arc<HashMap<String, Publication>>,
    desk: Arc<Mutex<Desk>>,
    /// Why nobody can reach it.
    problem: Option<Arc<str>>,
}

impl KeyServer {
    /// Publishes the keys of every client of the profile that has a `jwks_uri`.
    pub fn new(profile: &Profile, keys: &HashMap<String, SigningKey>) -> Self {
        let mut usual = HashMap::new();
        for client in &profile.clients {
            let Some(url) = &client.jwks_uri else { continue };
            usual.insert(url.path().to_owned(), Publication::of(&public_keys(client, keys)));
        }
        let server = Self {
            usual: Arc::new(usual),
            desk: Arc::default(),
            problem: None,
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

    /// Why nobody can reach it.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Everything as it should be again, asked for by nobody.
    pub fn restore(&self) {
        let mut desk = self.desk();
        desk.next = None;
        desk.weak = None;
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
            desk.weak = WeakKey::generate(kid).map(Arc::new);
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

async fn answer(State(server): State<KeyServer>, uri: Uri) -> Response {
    let publication = server.desk().shelves.get_mut(uri.path()).map(|(publication, times)| {
        *times += 1;
        publication.clone()
    });
    let Some(publication) = publication else {
        let mut nothing = Response::new(Body::empty());
        *nothing.status_mut() = http::StatusCode::NOT_FOUND;
        return nothing;
    };
    if !publication.delay.is_zero() {
        tokio::time::sleep(publication.delay).await;
    }
    let mut builder = Response::builder()
        .status(publication.status)
        .header(CONTENT_TYPE, publication.content_type)
        .header(CACHE_CONTROL, publication.cache_control);
    if let Some(location) = publication.location {
        builder = builder.header(LOCATION, location);
    }
    builder
        .body(Body::from(publication.body))
        .unwrap_or_else(|_| Response::new(Body::empty()))
}

/// Serves for as long as this value lives.
pub struct Listening(tokio::task::JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
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
        [] => return (server, None),
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
            let task = serve(listener, &server);
            (server, Some(task))
        }
        Err(error) => {
            let problem = format!("the key server cannot listen on {address}: {error}");
            (server.out_of_reach(&problem), None)
        }
    }
}

/// Serves on this listener.
pub fn serve(listener: tokio::net::TcpListener, server: &KeyServer) -> Listening {
    let router = server.router();
    Listening(tokio::spawn(async move {
        // An error here ends the task; the target then finds nobody, and its refusals say so.
        let _ = axum::serve(listener, router).await;
    }))
}
