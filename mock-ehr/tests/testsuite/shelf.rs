//! What the mock finds when it fetches the key set of a client: documents on a shelf instead of a network.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use mock_ehr::fetch::{Fetch, Fetched, Trust};
use serde_json::{Value, json};

/// Where `backend-by-url` has its keys.
pub(crate) const KEYS_AT: &str = "http://127.0.0.1:8090/backend-by-url/jwks.json";

/// Documents by address, how long each takes, and how often each was fetched.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<HashMap<String, (Fetched, Duration, usize)>>);

impl Shelf {
    pub(crate) fn put(&self, url: &str, document: Fetched) {
        self.put_slow(url, document, Duration::ZERO);
    }

    pub(crate) fn put_slow(&self, url: &str, document: Fetched, takes: Duration) {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.insert(url.to_owned(), (document, takes, 0));
    }

    pub(crate) fn fetched(&self, url: &str) -> usize {
        let documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.get(url).map_or(0, |(_, _, times)| *times)
    }
}

impl Fetch for Shelf {
    fn get<'a>(&'a self, url: &'a str, trust: Trust) -> BoxFuture<'a, Result<Fetched, String>> {
        async move {
            let found = {
                let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                documents.get_mut(url).map(|(document, takes, times)| {
                    *times += 1;
                    (document.clone(), *takes)
                })
            };
            // Nobody vouches for a certificate here.
            if url.starts_with("https://127.0.0.1") && trust == Trust::Authorities {
                return Err("invalid peer certificate: UnknownIssuer".to_owned());
            }
            let (document, takes) = found.ok_or_else(|| "nobody answers".to_owned())?;
            tokio::time::sleep(takes).await;
            Ok(document)
        }
        .boxed()
    }
}

/// A key set as it should be, kept by nobody.
pub(crate) fn key_set(keys: &[Value]) -> Fetched {
    Fetched {
        status: 200,
        content_type: Some("application/json".to_owned()),
        cache_control: Some("no-store".to_owned()),
        location: None,
        body: json!({ "keys": keys }).to_string().into_bytes(),
    }
}
