//! The mock's only way out: fetches the key sets that clients publish.
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
            let header = |name: &str| {
                let value = answer.headers().get(name)?;
                value.to_str().ok().map(str::to_owned)
            };
            let mut fetched = Fetched {
                status: answer.status().as_u16(),
                content_type: header("content-type"),
                cache_control: header("cache-control"),
                location: header("location"),
                body: Vec::new(),
            };
            fetched.body = answer.bytes().await.map_err(|error| error.to_string())?.to_vec();
            Ok(fetched)
        }
        .boxed()
    }
}
