//! Sending requests and recording what came back, with limits on everything that a target sends.

pub mod certificate_chain;
pub mod client_hello;
pub mod exchange;
pub mod in_process;
pub mod limits;
mod mask;
pub mod network;
pub mod rate;
mod redact;
pub mod reqwest_transport;
mod scrub;
pub mod secret;
pub mod tls_probe;
pub mod transport;
pub mod weak_suites;

pub use client_hello::{TlsAnswer, TlsOffer, TlsVersion};
pub use exchange::{Exchange, Failure, Request, RequestBody, Response};
pub use in_process::InProcess;
pub use limits::Limits;
pub use network::Network;
pub use rate::{Paced, Rate};
pub use reqwest_transport::{ReqwestTransport, TransportError};
pub use secret::{Secret, Vault};
pub use tls_probe::{TlsProbe, TlsProbed};
pub use transport::Transport;
pub use weak_suites::WeakSuites;
