//! The way to a target: no redirects followed, no cookies kept, limits held.

use futures::future::BoxFuture;

use super::{Failure, Limits, Request, Response};

/// Sends one request and gives the whole answer.
pub trait Transport: Send + Sync {
    /// Sends it exactly once; holds `limits.body`, `limits.headers` and `limits.request`.
    fn send<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>>;
}
