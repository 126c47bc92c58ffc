//! The mock's only way out: fetches the key sets that clients publish, and asks the identity provider that is configured.
//!
//! RFC 7517 §5: <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

/// How long somebody else's server may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A document that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// `Content-Type`, where there is one.
    pub content_type: Option<String>,
    /// `Cache-Control`, where there is one.
    pub cache_control: Option<String>,
    /// `Location`, where there is one.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// By whose word a certificate is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// An authority's (RFC 9110 §4.3.4).
    Authorities,
    /// Anybody's: nothing is checked.
    Anyone,
}

/// Fetches a document by GET, without following redirects; what went wrong is told in words.
pub trait Fetch: Send + Sync + fmt::Debug {
    /// One GET.
    fn get<'a>(&'a self, url: &'a str, trust: Trust) -> BoxFuture<'a, Result<Fetched, String>>;

    /// Asks the identity provider, where there is one.
    fn ask<'a>(&'a self, _ask: Ask<'a>) -> BoxFuture<'a, Result<Fetched, String>> {
        async { Err("no identity provider can be asked from here".to_owned()) }.boxed()
    }
}

/// What the mock asks of an identity provider, whose client it is.
pub struct Ask<'a> {
    /// Where.
    pub url: &'a str,
    /// `Authorization`
    pub authorization: Option<String>,
    /// The form of a POST; without one it is a GET.
    pub form: Option<String>,
}

impl<'a> Ask<'a> {
    /// A GET without credentials.
    pub fn get(url: &'a str) -> Self {
        Self {
            url,
            authorization: None,
            form: None,
        }
    }
}

impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The way to the identity provider, wherever it is: whoever configured the mock chose it.
#[derive(Debug)]
pub(crate) struct Outward(reqwest::Client);

/// No document of a provider is longer.
const LONGEST: usize = 1024 * 1024;

impl Outward {
    /// Believes these authorities (PEM) beside the machine's; by the machine's proxy, or directly.
    pub(crate) fn new(authorities: Option<&[u8]>, directly: bool) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE);
        if directly {
            builder = builder.no_proxy();
        }
        if let Some(pem) = authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| told(&error))?;
            if authorities.is_empty() {
                return Err("there is no certificate in it".to_owned());
            }
            builder = builder.tls_certs_merge(authorities);
        }
        Ok(Self(builder.build().map_err(|error| told(&error))?))
    }
}

impl Fetch for Outward {
    fn get<'a>(&'a self, url: &'a str, _trust: Trust) -> BoxFuture<'a, Result<Fetched, String>> {
        self.ask(Ask::get(url))
    }

    fn ask<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Fetched, String>> {
        async move {
            let mut request = match ask.form {
                Some(form) => self
                    .0
                    .post(ask.url)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form),
                None => self.0.get(ask.url),
            };
            request = request.header("accept", "application/json");
            if let Some(authorization) = ask.authorization {
                request = request.header("authorization", authorization);
            }
            let mut answer = request.send().await.map_err(|error| told(&error))?;
            let mut fetched = Fetched::head(&answer);
            while let Some(chunk) = answer.chunk().await.map_err(|error| told(&error))? {
                fetched.body.extend_from_slice(&chunk);
                if fetched.body.len() > LONGEST {
                    return Err("its answer is longer than a mebibyte".to_owned());
                }
            }
            Ok(fetched)
        }
        .boxed()
    }
}

/// An error with its causes: the last one says most.
fn told(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

impl Fetched {
    /// All but the body.
    fn head(answer: &reqwest::Response) -> Self {
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        Self {
            status: answer.status().as_u16(),
            content_type: header("content-type"),
            cache_control: header("cache-control"),
            location: header("location"),
            body: Vec::new(),
        }
    }
}

/// The real way, to loopback addresses only: a mock that everybody may register clients at must not reach into networks.
#[derive(Debug, Default)]
pub struct Loopback {
    careful: OnceLock<reqwest::Client>,
    careless: OnceLock<reqwest::Client>,
}

impl Loopback {
    fn client(&self, trust: Trust) -> Result<reqwest::Client, String> {
        let kept = match trust {
            Trust::Authorities => &self.careful,
            Trust::Anyone => &self.careless,
        };
        if let Some(known) = kept.get() {
            return Ok(known.clone());
        }
        let made = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .tls_danger_accept_invalid_certs(trust == Trust::Anyone)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(kept.get_or_init(|| made).clone())
    }
}

impl Fetch for Loopback {
    fn get<'a>(&'a self, url: &'a str, trust: Trust) -> BoxFuture<'a, Result<Fetched, String>> {
        async move {
            let parsed = url::Url::parse(url).map_err(|error| format!("it is no URL: {error}"))?;
            let loopback = match parsed.host() {
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                Some(url::Host::Domain(name)) => name == "localhost",
                None => false,
            };
            if !loopback {
                return Err("the mock fetches from loopback addresses only".to_owned());
            }
            let answer = self
                .client(trust)?
                .get(parsed)
                .send()
                .await
                .map_err(|error| error.to_string())?;
            let mut fetched = Fetched::head(&answer);
            fetched.body = answer.bytes().await.map_err(|error| error.to_string())?.to_vec();
            Ok(fetched)
        }
        .boxed()
    }
}
