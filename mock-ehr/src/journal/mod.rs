//! What was asked and answered, with every secret taken out before it is kept.

pub(crate) mod record;
pub(crate) mod redact;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// The latest exchanges of one mock.
#[derive(Debug)]
pub struct Journal {
    entries: Mutex<Entries>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Entry>,
    last_number: u64,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counts from 1, through every reset of the list.
    pub number: u64,
    /// When it was answered.
    pub at: jiff::Timestamp,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
}

/// The request's side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    /// GET, POST, …
    pub method: String,
    /// Without query.
    pub path: String,
    /// Parameters of the query, secrets taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Parameters of a form body, secrets taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<(String, String)>,
    /// The scheme of the Authorization header, without its credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// Which page a browser sent it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// The answer's side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Response {
    /// The status code.
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
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: Mutex::default(),
            capacity,
        }
    }

    /// Does it keep anything?
    pub(crate) fn is_on(&self) -> bool {
        self.capacity > 0
    }

    /// Everything that is kept, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().kept.iter().cloned().collect()
    }

    /// Forgets what was kept.
    pub fn clear(&self) {
        self.lock().kept.clear();
    }

    pub(crate) fn add(&self, at: jiff::Timestamp, request: Request, response: Response) {
        let mut entries = self.lock();
        entries.last_number += 1;
        let number = entries.last_number;
        if entries.kept.len() >= self.capacity {
            entries.kept.pop_front();
        }
        entries.kept.push_back(Entry {
            number,
            at,
            request,
            response,
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
