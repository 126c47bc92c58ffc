//! Who may reach the listeners: this machine, unless somebody said that they know what they open.
//!
//! RFC 6750 §2.1: <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What opens the management listener; only its hash is kept.
#[derive(Clone)]
pub struct ManagementToken([u8; 32]);

/// A shorter one could be guessed.
const SHORTEST: usize = 16;

impl ManagementToken {
    /// At least sixteen visible characters.
    pub fn new(text: &str) -> Result<Self, ReachError> {
        let is_long = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_long
            .then(|| Self(Sha256::digest(text).into()))
            .ok_or(ReachError::ShortToken)
    }

    /// Reads it from a file, where white space around it does not count.
    pub(super) fn read(file: &Path) -> Result<Self, ReachError> {
        let text = std::fs::read_to_string(file).map_err(|error| ReachError::TokenFile {
            file: file.to_owned(),
            what: format!("cannot be read: {error}"),
        })?;
        Self::new(text.trim()).map_err(|error| ReachError::TokenFile {
            file: file.to_owned(),
            what: error.to_string(),
        })
    }

    /// Whether a request carries it. How long the answer takes tells nothing of it.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = sent
            .and_then(|value| value.split_once(' '))
            .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token));
        let digest: [u8; 32] = Sha256::digest(token.unwrap_or_default()).into();
        self.0.ct_eq(&digest).into()
    }
}

impl fmt::Debug for ManagementToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagementToken(…)")
    }
}

/// Why it does not listen there.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// Passwords and keys of the mock are public.
    #[error(
        "{0} is not a loopback address, and the mock EHR's passwords and keys are public: whoever reaches it has everything in it. Use 127.0.0.1 or [::1]; or say --i-know-this-is-a-mock, or give a --management-token-file"
    )]
    Public(SocketAddr),
    /// Management arms defects and reads the journal.
    #[error(
        "--management {0} is not a loopback address: management is given to others only with a token; give a --management-token-file"
    )]
    Management(SocketAddr),
    /// Nobody can go to 0.0.0.0.
    #[error(
        "--listen {0} means every address of this machine, and apps need one: give --public-url, for instance --public-url http://ehr.example:{port}", port = .0.port()
    )]
    Unspecified(SocketAddr),
    /// It could be guessed.
    #[error("a management token has at least {SHORTEST} visible ASCII characters and no white space")]
    ShortToken,
    /// The token's file is not usable.
    #[error("{}: {what}", file.display())]
    TokenFile {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// Refuses what nobody should open by mistake.
pub(super) fn check(
    public: SocketAddr,
    management: SocketAddr,
    token: Option<&ManagementToken>,
    is_known: bool,
) -> Result<(), ReachError> {
    if !management.ip().is_loopback() && token.is_none() {
        return Err(ReachError::Management(management));
    }
    if !public.ip().is_loopback() && token.is_none() && !is_known {
        return Err(ReachError::Public(public));
    }
    Ok(())
}
