//! The transport without sockets: hands each request to the router that is mounted at its origin.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use bytes::BytesMut;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::{Position, Url};

use super::reqwest_transport::hold_headers;
use super::{Failure, Limits, Request, Response, TlsAnswer, TlsOffer, TlsProbe, TlsProbed, TlsVersion, Transport};

/// Routers by origin.
#[derive(Debug, Clone, Default)]
pub struct InProcess {
    routers: HashMap<String, Router>,
    tls: Option<Arc<dyn PlayedTls>>,
}

/// What the TLS in front of a target inside this process would answer.
pub trait PlayedTls: Send + Sync + std::fmt::Debug {
    /// To a `ClientHello` that offers this version.
    fn answer(&self, version: TlsVersion) -> TlsAnswer;

    /// Which of these cipher suites it would choose, where a `ClientHello` offers no other.
    fn chosen_suite(&self, offered: &[u16]) -> Option<u16>;

    /// What a careful client says of the certificate; nothing where it is good.
    fn certificate_problem(&self) -> Option<String>;

    /// Whether the endpoints answer by plain http too.
    fn serves_plain_http(&self) -> bool;
}

impl InProcess {
    /// No origin yet: every request fails to connect.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers requests to this origin (`http://127.0.0.1:1`; a path is ignored) by this router.
    /// A text that is no URL is never matched.
    pub fn mount(mut self, origin: &str, router: Router) -> Self {
        let origin = Url::parse(origin).map_or_else(|_| origin.to_owned(), |url| url.origin().ascii_serialization());
        self.routers.insert(origin, router);
        self
    }

    /// Answers for TLS at every origin.
    pub fn play_tls(mut self, tls: Arc<dyn PlayedTls>) -> Self {
        self.tls = Some(tls);
        self
    }

    async fn exchange(&self, request: &Request, limits: &Limits) -> Result<Response, Failure> {
        let started = Instant::now();
        let origin = request.url.origin().ascii_serialization();
        let Some(router) = self.routers.get(&origin) else {
            return Err(Failure::Connect(format!("nothing is mounted at {origin}")));
        };
        let request = wire(request)?;
        let answered = AssertUnwindSafe(router.clone().oneshot(request)).catch_unwind().await;
        let Ok(Ok(answer)) = answered else {
            return Err(Failure::Cut("the handler panicked".into()));
        };
        let (parts, mut stream) = answer.into_parts();
        hold_headers(&parts.headers, limits)?;
        let mut body = BytesMut::new();
        loop {
            let Ok(frame) = AssertUnwindSafe(stream.frame()).catch_unwind().await else {
                return Err(Failure::Cut("the handler panicked".into()));
            };
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| Failure::Cut(error.to_string()))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if body.len() + chunk.len() > limits.body {
                return Err(Failure::TooLarge(limits.body));
            }
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (parts.status.as_u16(), parts.headers);
        Ok(Response {
            status,
            headers,
            body: body.freeze(),
            elapsed: started.elapsed(),
        })
    }
}

impl Transport for InProcess {
    fn send<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        async move {
            match tokio::time::timeout(limits.request, self.exchange(request, limits)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Failure::Timeout(limits.request)),
            }
        }
        .boxed()
    }

    fn tls_probe<'a>(&'a self, probe: &'a TlsProbe, _limits: &'a Limits) -> BoxFuture<'a, Result<TlsProbed, Failure>> {
        let played = self.tls.as_ref().ok_or_else(|| Failure::NotSent(NO_TLS.to_owned()));
        let probed = played.map(|tls| {
            let (answer, suite) = match probe.offer {
                TlsOffer::Version(version) => (tls.answer(version), None),
                TlsOffer::Suites(weak) => match tls.chosen_suite(weak.numbers()) {
                    Some(suite) => (TlsAnswer::Chosen(TlsVersion::Tls1_2), Some(suite)),
                    None => (TlsAnswer::Alert(HANDSHAKE_FAILURE), None),
                },
            };
            let hop = probe.url[Position::BeforeHost..Position::AfterPort].to_owned();
            TlsProbed { hop, answer, suite }
        });
        futures::future::ready(probed).boxed()
    }

    fn certificate<'a>(&'a self, _url: &'a Url, _limits: &'a Limits) -> BoxFuture<'a, Result<(), Failure>> {
        let problem = match &self.tls {
            Some(tls) => tls.certificate_problem().map(Failure::Tls),
            None => Some(Failure::NotSent(NO_TLS.to_owned())),
        };
        futures::future::ready(problem.map_or(Ok(()), Err)).boxed()
    }

    fn plain_http<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        match &self.tls {
            Some(tls) if tls.serves_plain_http() => self.send(request, limits),
            Some(_) => futures::future::ready(Err(Failure::Connect("connection refused".to_owned()))).boxed(),
            None => futures::future::ready(Err(Failure::NotSent(NO_TLS.to_owned()))).boxed(),
        }
    }

    fn plays_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// RFC 5246 §7.2.2: no suite that both have.
const HANDSHAKE_FAILURE: u8 = 40;

const NO_TLS: &str = "nothing here answers for TLS";

/// The request as a server would receive it: origin form, `Host`, `Content-Length`.
fn wire(request: &Request) -> Result<http::Request<Body>, Failure> {
    let not_sent = |error: http::Error| Failure::NotSent(error.to_string());
    let target = &request.url[Position::BeforePath..Position::AfterQuery];
    let host = &request.url[Position::BeforeHost..Position::AfterPort];
    let mut builder = http::Request::builder()
        .method(request.method.clone())
        .uri(target)
        .header(HOST, host);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let Some((content_type, bytes)) = request.wire_body() else {
        return builder.body(Body::empty()).map_err(not_sent);
    };
    if !request.headers.iter().any(|(name, _)| name == CONTENT_TYPE) && !content_type.is_empty() {
        builder = builder.header(CONTENT_TYPE, content_type);
    }
    builder
        .header(CONTENT_LENGTH, bytes.len())
        .body(Body::from(bytes))
        .map_err(not_sent)
}
