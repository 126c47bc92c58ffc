//! What was asked and answered, with every secret taken out before it is kept.

pub(crate) mod har;
mod jwt;
mod leads;
pub(crate) mod notes;
pub(crate) mod record;
pub(crate) mod redact;
mod summary;
mod thread;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use self::notes::Taken;
use self::thread::{Thread, Threads};

pub use self::jwt::Jwt;
pub use self::notes::{Objection, Used};
pub use self::summary::Summary;

/// About how many bytes of entries are kept at most, whatever their number.
const HEAVIEST: usize = 32 * 1024 * 1024;

/// The latest exchanges of one mock.
#[derive(Debug)]
pub struct Journal {
    entries: Mutex<Entries>,
    capacity: usize,
    threads: Threads,
    /// Counts changes; nothing more comes after `None`.
    changes: watch::Sender<Option<u64>>,
}

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Arc<Entry>>,
    last_number: u64,
    weight: usize,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counts from 1, through every reset of the list.
    pub number: u64,
    /// When it was answered.
    pub at: jiff::Timestamp,
    /// How long the answer took, in milliseconds.
    pub took_ms: f64,
    /// Which launch it belongs to; launches count from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch: Option<u64>,
    /// The app, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
    /// What the JWTs in it say, without their signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jwts: Vec<Jwt>,
    /// What a strict EHR objects to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<Objection>,
    /// Names of the armed defects that had their say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<&'static str>,
    /// Names of the armed variants that had their say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<&'static str>,
    /// What became of the answer on its way, on request; the answer is told as the server gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    #[serde(skip)]
    weight: usize,
}

/// The request's side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    /// GET, POST, …
    pub method: String,
    /// What stood before the path, where the request came to the FHIR base of a standalone launch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Without query.
    pub path: String,
    /// Parameters of the query, secrets taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Parameters of a form body, secrets taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<(String, String)>,
    /// A JSON body that registers a client or creates a launch, secrets taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The scheme of the Authorization header, without its credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// What this server issued the bearer token as: `access_token`, where an app does it right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<&'static str>,
    /// Which page a browser sent it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Other headers that say something about the exchange.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(&'static str, String)>,
    /// The body's length, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
}

/// The answer's side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Response {
    /// The status code; 0 where the connection was cut before the request was handled.
    pub status: u16,
    /// Content-Type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Location, secrets taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// A JSON body of the authorization server, secrets taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// What FHIR answered, in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fhir: Option<Summary>,
    /// Other headers that say something about the exchange.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(&'static str, String)>,
    /// The body's length, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// Location as an address that can be parsed, secrets taken out.
    #[serde(skip)]
    pub redirect: Option<String>,
}

/// What is added.
pub(crate) struct Exchange {
    pub(crate) at: jiff::Timestamp,
    pub(crate) took_ms: f64,
    pub(crate) thread: Thread,
    pub(crate) request: Request,
    pub(crate) response: Response,
    pub(crate) jwts: Vec<Jwt>,
    pub(crate) taken: Taken,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: Mutex::default(),
            capacity,
            threads: Threads::default(),
            changes: watch::Sender::new(Some(0)),
        }
    }

    /// Does it keep anything?
    pub(crate) fn is_on(&self) -> bool {
        self.capacity > 0
    }

    /// Everything that is kept, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().kept.iter().map(|entry| Entry::clone(entry)).collect()
    }

    /// The same without copies.
    pub(crate) fn shared(&self) -> Vec<Arc<Entry>> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Forgets what was kept.
    pub fn clear(&self) {
        let mut entries = self.lock();
        entries.kept.clear();
        entries.weight = 0;
        drop(entries);
        self.changed();
    }

    /// Forgets also which values belong to which launch.
    pub(crate) fn reset(&self) {
        self.threads.clear();
        self.clear();
    }

    /// Tells of every change, as long as fewer than `at_most` listen.
    pub(crate) fn subscribe(&self, at_most: usize) -> Option<watch::Receiver<Option<u64>>> {
        (self.changes.receiver_count() < at_most).then(|| self.changes.subscribe())
    }

    pub(crate) fn add(&self, exchange: Exchange) {
        let weight = weight(&exchange);
        let taken = exchange.taken;
        let mut entries = self.lock();
        entries.last_number += 1;
        let number = entries.last_number;
        while entries.kept.len() >= self.capacity || entries.weight + weight > HEAVIEST {
            let Some(oldest) = entries.kept.pop_front() else { break };
            entries.weight -= oldest.weight;
        }
        entries.weight += weight;
        entries.kept.push_back(Arc::new(Entry {
            number,
            at: exchange.at,
            took_ms: exchange.took_ms,
            launch: exchange.thread.launch,
            client: exchange.thread.client,
            request: exchange.request,
            response: if taken.unanswered {
                Response::default()
            } else {
                exchange.response
            },
            jwts: exchange.jwts,
            objections: taken.objections,
            defects: taken.defects.into_iter().map(crate::Defect::name).collect(),
            variants: taken.variants.into_iter().map(crate::Variant::name).collect(),
            fault: taken.fault,
            weight,
        }));
        drop(entries);
        self.changed();
    }

    /// Whoever is told of changes hears that there will be none any more.
    pub(crate) fn end(&self) {
        self.changes.send_replace(None);
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.map(|count| count + 1));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About how many bytes an entry takes.
fn weight(exchange: &Exchange) -> usize {
    let pairs = |pairs: &[(String, String)]| {
        pairs
            .iter()
            .map(|(name, value)| name.len() + value.len() + 48)
            .sum::<usize>()
    };
    let (request, response) = (&exchange.request, &exchange.response);
    let values = [request.json.as_ref(), response.json.as_ref()];
    let claims = exchange
        .jwts
        .iter()
        .flat_map(|jwt| jwt.header.values().chain(jwt.claims.values()));
    1024 + request.path.len()
        + pairs(&request.query)
        + pairs(&request.form)
        + values.into_iter().flatten().chain(claims).map(size).sum::<usize>()
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 32 + text.len(),
        Value::Array(items) => 32 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => {
            32 + members
                .iter()
                .map(|(name, member)| 64 + name.len() + size(member))
                .sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
    }
}
