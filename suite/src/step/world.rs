//! What every step works with: the target, the ways to it, time, chance, and the recording of everything.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::registrations::Registrations;
use crate::clock::{Chance, Clock};
use crate::http::{Exchange, Failure, Limits, Rate, Request, Response, Transport};
use crate::key_server::KeyServer;
use crate::oauth::jws::SigningKey;
use crate::target::Profile;
use crate::user_agent::UserAgent;

/// Everything that steps share during one run.
pub struct World {
    /// The target's profile.
    pub profile: Arc<Profile>,
    /// The way to the target.
    pub transport: Arc<dyn Transport>,
    /// The user's browser.
    pub agent: Arc<dyn UserAgent>,
    /// Time of day, shifted where the target's clock was advanced.
    pub clock: Arc<dyn Clock>,
    /// Random values of the run.
    pub chance: Chance,
    /// Bounds on what the target sends.
    pub limits: Limits,
    /// The keys of the profile's clients, by the clients' names.
    pub keys: Arc<Keys>,
    /// Where clients that are registered by `jwks_uri` publish their keys.
    pub key_server: KeyServer,
    /// Clients that this run registered.
    pub registrations: Registrations,
    /// Bounds the requests of a second, where it is asked for.
    pub rate: Option<Arc<Rate>>,
    /// Whether clients may be registered off loopback (`--allow registration`).
    pub allow_registration: bool,
    /// A key that nobody registered, for each family.
    pub attacker: &'static AttackerKeys,
    /// Whether this run may wait in real time (`--slow`).
    pub slow: bool,
    /// What the target says of itself, fetched once.
    pub facts: OnceCell<Facts>,
    /// Every exchange of the run.
    pub recorder: Recorder,
    /// Everything that the target issued, for judgements over many values.
    pub issued: Issued,
}

/// Keys that no server knows.
pub struct AttackerKeys {
    /// RSA.
    pub rsa: SigningKey,
    /// P-384.
    pub ec: SigningKey,
}

/// What the target says of itself.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// smart-configuration, where it is there.
    pub smart: Option<Value>,
    /// Why not, where it is not.
    pub smart_problem: Option<String>,
    /// openid-configuration, where an issuer leads to it.
    pub openid: Option<Value>,
    /// The document of RFC 8414, where an issuer leads to it.
    pub oauth: Option<Value>,
    /// CapabilityStatement.
    pub capability: Option<Value>,
    /// Where users are sent.
    pub authorization_endpoint: Option<Url>,
    /// Where codes are redeemed, as spelled: the audience of assertions.
    pub token_endpoint: Option<String>,
    /// RFC 7662.
    pub introspection_endpoint: Option<String>,
    /// RFC 7009.
    pub revocation_endpoint: Option<String>,
    /// The server's keys.
    pub jwks_uri: Option<String>,
    /// The issuer.
    pub issuer: Option<String>,
    /// Where the bundle of user-access brands is.
    pub brand_bundle: Option<String>,
    /// What it claims: discovery, plus and minus what the profile says.
    pub capabilities: Vec<String>,
    /// Exchanges of the discovery, for evidence.
    pub exchanges: Vec<usize>,
}

impl Facts {
    /// What the documents about the authorization server say of this; the first that says anything counts.
    pub fn told(&self, name: &str) -> Option<&Value> {
        let documents = [&self.smart, &self.openid, &self.oauth];
        let told = documents
            .into_iter()
            .flatten()
            .filter_map(|document| document.get(name));
        told.into_iter().find(|value| !value.is_null())
    }
}

/// Every exchange of a run, in order.
pub struct Recorder {
    started: Instant,
    exchanges: Mutex<Vec<Arc<Exchange>>>,
    sign_ins: AtomicU64,
    recent: Mutex<Vec<Instant>>,
}

/// Values that the target issued during the run.
#[derive(Debug, Default)]
pub struct Issued {
    /// Authorization codes.
    pub codes: Mutex<Vec<String>>,
    /// Access tokens.
    pub access_tokens: Mutex<Vec<String>>,
    /// Refresh tokens.
    pub refresh_tokens: Mutex<Vec<String>>,
    /// The `kid` of every id_token.
    pub id_token_kids: Mutex<BTreeSet<String>>,
}

impl Recorder {
    /// Empty, at the start of the run.
    pub fn new(started: Instant) -> Self {
        Self {
            started,
            exchanges: Mutex::default(),
            sign_ins: AtomicU64::new(0),
            recent: Mutex::default(),
        }
    }

    /// Since the start of the run.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Keeps an exchange; its index is its id in the report.
    pub fn keep(&self, exchange: Exchange) -> usize {
        let mut all = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::new(exchange));
        all.len() - 1
    }

    /// The exchange of this id.
    pub fn exchange(&self, id: usize) -> Option<Arc<Exchange>> {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those from this id on.
    pub fn since(&self, id: usize) -> Vec<Arc<Exchange>> {
        let all = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id..).unwrap_or_default().to_vec()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// One more sign-in.
    pub fn signed_in(&self) {
        self.sign_ins.fetch_add(1, Ordering::Relaxed);
        self.recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Instant::now());
    }

    /// How long to wait until there were fewer than `most` sign-ins in the last minute.
    fn until_paced(&self, most: u32) -> Duration {
        const MINUTE: Duration = Duration::from_mins(1);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|at| at.elapsed() < MINUTE);
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        match recent.len().checked_sub(most) {
            Some(over) => MINUTE.saturating_sub(recent[over].elapsed()),
            None => Duration::ZERO,
        }
    }

    /// How many sign-ins there were.
    pub fn sign_ins(&self) -> u64 {
        self.sign_ins.load(Ordering::Relaxed)
    }
}

impl World {
    /// Sends a request once, records it, and gives its id and what came back.
    pub async fn send(&self, step: &str, request: Request) -> (usize, Result<Response, Failure>) {
        let at = self.recorder.elapsed();
        let outcome = self.transport.send(&request, &self.limits).await;
        let answer = outcome.clone();
        let id = self.recorder.keep(Exchange {
            step: step.to_owned(),
            at,
            request,
            outcome,
        });
        (id, answer)
    }

    /// Records what the server under test asked the key server since the last time; the ids.
    pub fn keep_asked(&self) -> Vec<usize> {
        let now = self.recorder.elapsed();
        let asked = self.key_server.take_asked().into_iter();
        asked
            .map(|(ago, mut exchange)| {
                exchange.at = now.saturating_sub(ago);
                self.recorder.keep(exchange)
            })
            .collect()
    }

    /// What steps changed around the target is as it was: the key server, and the clients that were registered.
    pub async fn restore(&self) {
        self.key_server.restore();
        self.registrations.clean(self).await;
    }

    /// Waits where the profile bounds the sign-ins of a minute.
    pub async fn pace(&self) {
        if let Some(most) = self.profile.session.sign_ins_per_minute {
            let wait = self.recorder.until_paced(most);
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Waits until so many requests may go out at one moment: a race that is spread is none.
    pub async fn room_for(&self, requests: usize) {
        if let Some(rate) = &self.rate {
            rate.room_for(requests).await;
        }
    }

    /// The time of day at the target, as far as it is known.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The facts, or nothing of them before discovery.
    pub fn known(&self) -> Option<&Facts> {
        self.facts.get()
    }
}

static ATTACKER: std::sync::LazyLock<Result<AttackerKeys, String>> = std::sync::LazyLock::new(|| {
    let key = |name: &str| {
        let path = format!("keys/attacker_{name}.private.jwk.json");
        let file = fixtures::file(&path).ok_or_else(|| format!("fixtures/{path} is missing"))?;
        SigningKey::from_jwk(file.text).map_err(|error| format!("fixtures/{path}: {error}"))
    };
    Ok(AttackerKeys {
        rsa: key("rs384")?,
        ec: key("es384")?,
    })
});

/// The keys of a profile's clients, read once.
pub type Keys = std::collections::HashMap<String, SigningKey>;

/// The keys of the profile's clients, or which of them cannot be read.
pub fn keys_of(profile: &Profile) -> Result<Keys, String> {
    let mut keys = Keys::new();
    for client in &profile.clients {
        if let crate::target::Credentials::Key(source) = &client.credentials {
            let key = SigningKey::from_jwk(source.jwk.expose())
                .map_err(|error| format!("[clients.{}] key in the profile: {error}", client.name))?;
            keys.insert(client.name.clone(), key);
        }
    }
    Ok(keys)
}

/// What a world is made of.
pub struct Parts {
    /// The target's profile.
    pub profile: Arc<Profile>,
    /// The way to it.
    pub transport: Arc<dyn Transport>,
    /// The user's browser.
    pub agent: Arc<dyn UserAgent>,
    /// Time of day.
    pub clock: Arc<dyn Clock>,
    /// The keys of its clients, from [`keys_of`].
    pub keys: Arc<Keys>,
    /// Where clients publish their keys.
    pub key_server: KeyServer,
    /// The seed of everything random.
    pub seed: u64,
    /// Whether it may wait in real time.
    pub slow: bool,
    /// Start of the run, from which exchanges are timed.
    pub started: Instant,
}

impl World {
    /// A world at the start of a run.
    pub fn new(parts: Parts) -> Result<Self, String> {
        let Parts {
            profile,
            transport,
            agent,
            clock,
            keys,
            key_server,
            seed,
            slow,
            started,
        } = parts;
        let limits = profile.limits;
        Ok(Self {
            profile,
            transport,
            agent,
            clock,
            chance: Chance::new(seed),
            limits,
            keys,
            key_server,
            registrations: Registrations::default(),
            rate: None,
            allow_registration: false,
            attacker: ATTACKER.as_ref().map_err(Clone::clone)?,
            slow,
            facts: OnceCell::new(),
            recorder: Recorder::new(started),
            issued: Issued::default(),
        })
    }
}
