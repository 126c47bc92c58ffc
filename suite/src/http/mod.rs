//! Sending requests and recording what came back, with limits on everything that a target sends.

pub mod exchange;
pub mod limits;
pub mod secret;
pub mod transport;

pub use exchange::{Exchange, Failure, Request, RequestBody, Response};
pub use limits::Limits;
pub use secret::{Secret, Vault};
pub use transport::Transport;
