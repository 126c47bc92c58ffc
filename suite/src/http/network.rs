//! How a target is reached: proxy, authorities, client certificate, fixed addresses, further header fields.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::Secret;

/// The way to the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Proxy for every request; without it none is used, whatever the environment says.
    pub proxy: Option<Url>,
    /// PEM file of further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// PEM of a client certificate and its key.
    pub client_cert: Option<Secret>,
    /// Header fields on every request that does not set them itself.
    pub headers: Vec<(String, Secret)>,
    /// Host names with the addresses to use for them.
    pub resolve: Vec<(String, SocketAddr)>,
    /// Certificates are not checked (`--insecure`).
    pub insecure: bool,
}
