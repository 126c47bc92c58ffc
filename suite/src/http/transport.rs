//! The way to a target: no redirects followed, no cookies kept, limits held.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use url::Url;

use super::{Failure, Limits, Request, Response, TlsProbe, TlsProbed};

/// Sends one request and gives the whole answer.
pub trait Transport: Send + Sync {
    /// Sends it exactly once; holds `limits.body`, `limits.headers` and `limits.request`.
    fn send<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>>;

    /// Asks for a version of TLS by a `ClientHello` of our own.
    fn tls_probe<'a>(&'a self, _probe: &'a TlsProbe, _limits: &'a Limits) -> BoxFuture<'a, Result<TlsProbed, Failure>> {
        futures::future::ready(Err(Failure::NotSent("this way to the target has no TLS".to_owned()))).boxed()
    }

    /// What the ordinary client says of the certificate of this address; whatever else goes wrong is none of it.
    fn certificate<'a>(&'a self, url: &'a Url, limits: &'a Limits) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            match self.send(&Request::get(url.clone()), limits).await {
                Err(failure) => Err(failure),
                Ok(_) => Ok(()),
            }
        }
        .boxed()
    }

    /// Sends a request by plain http to a host that has https.
    fn plain_http<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        self.send(request, limits)
    }

    /// Whether it answers for TLS at addresses of plain http too, as a target inside this process does.
    fn plays_tls(&self) -> bool {
        false
    }
}
