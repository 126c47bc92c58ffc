//! Bounds on everything that comes from a target.

use std::time::Duration;

/// The bounds; each can be set on the command line or in the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body.
    pub body: usize,
    /// Bytes of one response's header fields.
    pub headers: usize,
    /// Redirects (and forms) followed in one walk.
    pub hops: usize,
    /// One request.
    pub request: Duration,
    /// One step: a whole walk through sign-in.
    pub step: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 2 * 1024 * 1024,
            headers: 64 * 1024,
            hops: 20,
            request: Duration::from_secs(10),
            step: Duration::from_secs(30),
        }
    }
}
