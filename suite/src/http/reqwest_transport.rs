//! The transport over sockets: pooled connections, no redirects, no cookies, no proxy unless the profile names one.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Failure, Limits, Network, Request, Response, TlsProbe, TlsProbed, Transport};

/// Connections that were idle longer are not used again: many servers close theirs after five seconds, and a POST
/// that meets a closing connection cannot be repeated.
const IDLE: Duration = Duration::from_secs(3);
/// Fields of a response's header; servers with more are cut off by [`Limits::headers`] anyway.
const MOST_FIELDS: usize = 1024;

/// Sends over sockets.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    pooled: reqwest::Client,
    /// For a POST once a kept connection was cut under one: it must not be sent twice, so it gets its own.
    single: reqwest::Client,
    was_cut: Arc<AtomicBool>,
    headers: HeaderMap,
    /// For what is sent by sockets of our own.
    network: Network,
}

/// Why no client can be built.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A file named in `[network]`.
    #[error("[network] {key}: {problem}")]
    Network {
        /// The key in the profile.
        key: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
    /// The TLS library.
    #[error("the HTTP client cannot start: {0}")]
    Client(String),
}

impl ReqwestTransport {
    /// A client for this way to the target.
    pub fn new(network: &Network) -> Result<Self, TransportError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &network.headers {
            let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(value.expose()),
            ) else {
                return Err(TransportError::Network {
                    key: "headers",
                    problem: format!("`{name}` or its value cannot stand in a header"),
                });
            };
            headers.append(name, value);
        }
        Ok(Self {
            pooled: Self::client(network, usize::MAX)?,
            single: Self::client(network, 0)?,
            was_cut: Arc::default(),
            headers,
            network: network.clone(),
        })
    }

    fn client(network: &Network, most_idle: usize) -> Result<reqwest::Client, TransportError> {
        let wrong = |key| move |problem: String| TransportError::Network { key, problem };
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(most_idle)
            .http1_max_headers(MOST_FIELDS);
        if let Some(proxy) = &network.proxy {
            let proxy = reqwest::Proxy::all(proxy.as_str()).map_err(|error| wrong("proxy")(chain(&error)))?;
            builder = builder.proxy(proxy);
        }
        if let Some(path) = &network.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| wrong("ca_file")(format!("cannot read {}: {error}", path.display())))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong("ca_file")(format!("{} is not PEM: {}", path.display(), chain(&error))))?;
            if authorities.is_empty() {
                return Err(wrong("ca_file")(format!("{} holds no certificate", path.display())));
            }
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some(pem) = &network.client_cert {
            let identity = reqwest::Identity::from_pem(pem.expose().as_bytes()).map_err(|_| {
                wrong("client_cert")("needs one PEM text with a certificate and its private key (PKCS#8)".into())
            })?;
            builder = builder.identity(identity);
        }
        if network.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        for (host, address) in &network.resolve {
            builder = builder.resolve(host, *address);
        }
        builder.build().map_err(|error| TransportError::Client(chain(&error)))
    }

    async fn exchange(&self, request: &Request, limits: &Limits) -> Result<Response, Failure> {
        let started = Instant::now();
        let safe = matches!(request.method, Method::GET | Method::HEAD);
        let client = if wants_own(request) || (!safe && self.was_cut.load(Ordering::Relaxed)) {
            &self.single
        } else {
            &self.pooled
        };
        let mut builder = client.request(request.method.clone(), request.url.clone());
        for (name, value) in &self.headers {
            if !request.headers.iter().any(|(own, _)| own == name) {
                builder = builder.header(name, value);
            }
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some((content_type, bytes)) = request.wire_body() {
            if !request.headers.iter().any(|(name, _)| name == CONTENT_TYPE) && !content_type.is_empty() {
                builder = builder.header(CONTENT_TYPE, content_type);
            }
            builder = builder.body(bytes);
        }
        let mut answer = builder.send().await.map_err(|error| failure(&error, limits))?;
        let headers = std::mem::take(answer.headers_mut());
        hold_headers(&headers, limits)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error, limits))? {
            if body.len() + chunk.len() > limits.body {
                return Err(Failure::TooLarge(limits.body));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: answer.status().as_u16(),
            headers: owned(&headers),
            body: Bytes::copy_from_slice(&body),
            elapsed: started.elapsed(),
        })
    }
}

impl Transport for ReqwestTransport {
    fn send<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        async move {
            match tokio::time::timeout(limits.request, self.exchange(request, limits)).await {
                Ok(outcome) => {
                    if matches!(outcome, Err(Failure::Cut(_))) {
                        self.was_cut.store(true, Ordering::Relaxed);
                    }
                    outcome
                }
                Err(_) => Err(Failure::Timeout(limits.request)),
            }
        }
        .boxed()
    }

    fn tls_probe<'a>(&'a self, probe: &'a TlsProbe, limits: &'a Limits) -> BoxFuture<'a, Result<TlsProbed, Failure>> {
        super::tls_probe::probe(&self.network, probe, limits.request).boxed()
    }
}

/// Whether a request says `Connection: close`: then it travels on a connection of its own, as though there were no other.
fn wants_own(request: &Request) -> bool {
    let mut said = request.headers.iter().filter(|(name, _)| name == CONNECTION);
    said.any(|(_, value)| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// The same fields in memory of their own. As they come, each is a slice of the connection's read buffer, and a run that
/// keeps thousands of answers would keep thousands of buffers.
fn owned(headers: &HeaderMap) -> HeaderMap {
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        // What was a value stays one, so nothing is lost here.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            own.append(name, value);
        }
    }
    own
}

/// Holds [`Limits::headers`].
pub(super) fn hold_headers(headers: &HeaderMap, limits: &Limits) -> Result<(), Failure> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if bytes > limits.headers {
        Err(Failure::HeadersTooLarge(limits.headers))
    } else {
        Ok(())
    }
}

/// What went wrong, by the kinds of error in the chain; hyper and rustls say the rest only in words.
fn failure(error: &reqwest::Error, limits: &Limits) -> Failure {
    let text = chain(error);
    let lower = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if error.is_builder() {
        Failure::NotSent(text)
    } else if error.is_timeout() {
        Failure::Timeout(limits.request)
    } else if says(&["message head is too large"]) {
        Failure::HeadersTooLarge(limits.headers)
    } else if says(&["certificate", "handshake", "corrupt message", "fatal alert", "tls"]) {
        Failure::Tls(text)
    } else if error.is_connect() {
        Failure::Connect(text)
    } else if says(&[
        "invalid http",
        "invalid content-length",
        "unexpected transfer-encoding",
        "unexpected message",
    ]) {
        Failure::NotHttp(text)
    } else {
        Failure::Cut(text)
    }
}

/// The causes of an error without the URL, which may hold secrets, outermost first.
fn chain(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last().is_none_or(|last: &String| !last.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    match texts.len() {
        0 if error.is_builder() => "the request cannot be built".to_owned(),
        0 => "no further detail".to_owned(),
        _ => texts.join(": "),
    }
}
