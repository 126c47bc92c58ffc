//! The way to one of many bases: nobody is asked the same twice, and no host by too many at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Method;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::http::{Failure, Limits, Request, RequestBody, Response, TlsProbe, TlsProbed, Transport};

/// How many may ask a host at the same moment, over all bases that it serves.
pub(super) struct Hosts {
    at_once: usize,
    places: Mutex<Semaphores>,
    turns: Mutex<Semaphores>,
}

type Semaphores = HashMap<String, Weak<Semaphore>>;

impl Hosts {
    /// So many each.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            places: Mutex::default(),
            turns: Mutex::default(),
        }
    }

    /// The turn of a base at its host. Whoever waits for it has not begun, so that no bound on time holds yet.
    pub(super) async fn turn(&self, base: &Url) -> Option<OwnedSemaphorePermit> {
        self.one_of(&self.turns, base).await
    }

    /// A place at this host, as soon as one is free.
    async fn place(&self, url: &Url) -> Option<OwnedSemaphorePermit> {
        self.one_of(&self.places, url).await
    }

    async fn one_of(&self, all: &Mutex<Semaphores>, url: &Url) -> Option<OwnedSemaphorePermit> {
        let host = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
        let places = {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() > 4096 {
                all.retain(|_, places| places.strong_count() > 0);
            }
            let known = all.get(&host).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let places = Arc::new(Semaphore::new(self.at_once));
                all.insert(host, Arc::downgrade(&places));
                places
            })
        };
        places.acquire_owned().await.ok()
    }
}

type Kept<T> = Mutex<HashMap<String, Arc<OnceCell<Result<T, Failure>>>>>;

/// The way to one base. What looks and changes nothing is asked once, whoever wants to know.
pub(super) struct Polite {
    way: Arc<dyn Transport>,
    hosts: Arc<Hosts>,
    answers: Kept<Response>,
    probes: Kept<TlsProbed>,
    sent: AtomicU64,
}

impl Polite {
    /// Over the way that all share.
    pub(super) fn new(way: Arc<dyn Transport>, hosts: Arc<Hosts>) -> Self {
        Self {
            way,
            hosts,
            answers: Mutex::default(),
            probes: Mutex::default(),
            sent: AtomicU64::new(0),
        }
    }

    /// How many requests and handshakes were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    async fn really(&self, request: &Request, limits: &Limits) -> Result<Response, Failure> {
        let _place = self.hosts.place(&request.url).await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.way.send(request, limits).await
    }
}

fn cell<T>(kept: &Kept<T>, key: String) -> Arc<OnceCell<Result<T, Failure>>> {
    let mut all = kept.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry(key).or_default())
}

/// What makes two requests the same; nothing, where each has to be sent.
fn key(request: &Request) -> Option<String> {
    if request.method != Method::GET || !matches!(request.body, RequestBody::Empty) {
        return None;
    }
    let mut fields: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    fields.sort();
    Some(format!("{}\n{}", request.url, fields.join("\n")))
}

impl Transport for Polite {
    fn send<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        async move {
            let Some(key) = key(request) else {
                return self.really(request, limits).await;
            };
            let cell = cell(&self.answers, key);
            cell.get_or_init(|| self.really(request, limits)).await.clone()
        }
        .boxed()
    }

    fn tls_probe<'a>(&'a self, probe: &'a TlsProbe, limits: &'a Limits) -> BoxFuture<'a, Result<TlsProbed, Failure>> {
        async move {
            let key = format!("{} {:?}", probe.url.origin().ascii_serialization(), probe.offer);
            let cell = cell(&self.probes, key);
            let ask = async || {
                let _place = self.hosts.place(&probe.url).await;
                self.sent.fetch_add(1, Ordering::Relaxed);
                self.way.tls_probe(probe, limits).await
            };
            cell.get_or_init(ask).await.clone()
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn as_many_bases_begin_at_a_host_as_may_ask_it() {
        let hosts = Hosts::new(1);
        let url = |text| Url::parse(text).expect("a URL");
        let first = hosts.turn(&url("https://a.example/one")).await;
        assert!(first.is_some());
        assert!(hosts.turn(&url("https://a.example/two")).now_or_never().is_none());
        assert!(hosts.turn(&url("https://b.example/one")).now_or_never().is_some());
        assert!(
            hosts.place(&url("https://a.example/one")).now_or_never().is_some(),
            "whose turn it is can ask"
        );
        drop(first);
        assert!(hosts.turn(&url("https://a.example/two")).now_or_never().is_some());
    }
}
