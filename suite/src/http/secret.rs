//! Secrets as a type, and the vault that finds each of them again in any text.

use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::exchange::Exchange;
use super::scrub::Scrubber;

/// A secret: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Every secret of a run. What it writes instead of one says only whether two are the same, and only within the run.
pub struct Vault {
    key: [u8; 32],
    scrubber: Mutex<Scrubber>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// Words that stand where a secret should, in requests that are wrong on purpose: masked there, and nowhere else, since
/// every report is full of them.
const WORDS: &[&str] = &["attacker", "bearer", "basic", "dpop", "launchproof"];

fn is_word(value: &str) -> bool {
    WORDS.iter().any(|word| value.trim().eq_ignore_ascii_case(word))
}

impl Vault {
    /// With a random key, made anew for each run.
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            scrubber: Mutex::default(),
        }
    }

    /// Makes [`Vault::scrub`] find this value from now on. Values under six characters stand in too many innocent
    /// words; they are masked only where they are known to be secrets.
    pub fn register(&self, value: &str) {
        let mask = self.mask(value);
        self.scrubber
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .register(value, &mask);
    }

    /// `hmac:` and twelve hex digits: the same for the same value.
    pub fn mask(&self, value: &str) -> String {
        use std::fmt::Write as _;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(value.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut text = String::from("hmac:");
        for byte in &digest[..6] {
            write!(text, "{byte:02x}").expect("writing to a string");
        }
        text
    }

    /// Masks and registers.
    pub(super) fn hide(&self, value: &str) -> String {
        if !is_word(value) {
            self.register(value);
        }
        self.mask(value)
    }

    /// The text with every registered secret masked: as it stands, percent-encoded, form-encoded, as JSON, in base64.
    pub fn scrub(&self, text: &str) -> String {
        self.scrubber.lock().unwrap_or_else(PoisonError::into_inner).scrub(text)
    }

    /// Registers every secret of the exchange.
    pub fn learn(&self, exchange: &Exchange, full: bool) {
        super::redact::learn(self, exchange, full);
    }

    /// The exchange as it may be kept: secrets masked wherever they stand; unless `full`, identities hashed and
    /// bodies cut to what a judgement needs. `id` is 0, for the caller to set.
    pub fn redact(&self, exchange: &Exchange, full: bool) -> reports::model::Exchange {
        super::redact::redact(self, exchange, full)
    }
}
