//! What was sent and what came back, unredacted, as the checks judge it; redaction happens when it is recorded.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

/// A request, before any transport touched it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Absolute URL; its serialisation is what is sent.
    pub url: Url,
    /// Fields in the order sent; the transport adds `Host` and `Content-Length` only.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: RequestBody,
}

/// The body of a request.
#[derive(Debug, Clone, Default)]
pub enum RequestBody {
    /// None.
    #[default]
    Empty,
    /// `application/x-www-form-urlencoded`, in this order; a name may stand several times. Sets Content-Type.
    Form(Vec<(String, String)>),
    /// Any bytes with their Content-Type.
    Raw {
        /// Content-Type.
        content_type: String,
        /// The bytes.
        bytes: Bytes,
    },
}

impl Request {
    /// A GET without headers.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: RequestBody::Empty,
        }
    }

    /// A form POST without headers.
    pub fn form(url: Url, form: Vec<(String, String)>) -> Self {
        Self {
            method: Method::POST,
            url,
            headers: Vec::new(),
            body: RequestBody::Form(form),
        }
    }

    /// With one more header. A value that no header can carry is left out and `false` comes back.
    pub fn header(&mut self, name: HeaderName, value: &str) -> bool {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.push((name, value));
                true
            }
            Err(_) => false,
        }
    }

    /// The body as it is sent: content type and bytes.
    pub fn wire_body(&self) -> Option<(String, Bytes)> {
        match &self.body {
            RequestBody::Empty => None,
            RequestBody::Form(pairs) => {
                let text = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish();
                Some(("application/x-www-form-urlencoded".to_owned(), Bytes::from(text)))
            }
            RequestBody::Raw { content_type, bytes } => Some((content_type.clone(), bytes.clone())),
        }
    }
}

/// A whole response, within the limits.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Time from sending to the last byte.
    pub elapsed: Duration,
}

impl Response {
    /// The first field of this name, where it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text, lossily.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON, whatever its Content-Type.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Name not found, connection refused, no route.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// Certificate or protocol of TLS.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No whole answer in time.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// Connection cut before the answer was whole.
    #[error("the connection was cut before the answer was complete: {0}")]
    Cut(String),
    /// The body went past the limit.
    #[error("the answer is larger than the limit of {0} bytes")]
    TooLarge(usize),
    /// The header went past the limit.
    #[error("the answer's header is larger than the limit of {0} bytes")]
    HeadersTooLarge(usize),
    /// What came back is not HTTP.
    #[error("the answer is not HTTP: {0}")]
    NotHttp(String),
    /// A URL that this transport does not send to.
    #[error("not sent: {0}")]
    NotSent(String),
}

/// One recorded exchange.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Which step sent it: `authorize`, `sign_in`, `exchange`.
    pub step: String,
    /// Since the start of the run.
    pub at: Duration,
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub outcome: Result<Response, Failure>,
}

impl Exchange {
    /// The response, where there is one.
    pub fn response(&self) -> Option<&Response> {
        self.outcome.as_ref().ok()
    }
}
