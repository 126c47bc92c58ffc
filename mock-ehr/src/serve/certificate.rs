//! The certificate that this server shows: made at the start, or given as files.
//!
//! RFC 5280 §4.2.1.9, §4.2.1.12: <https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.9>

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// How long a certificate of ours is good: who trusts it should not have to for ever.
const DAYS: i64 = 90;

/// A chain and its key.
pub(super) struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// Where the files come from, for errors.
    files: Option<(PathBuf, PathBuf)>,
    /// What clients have to trust, in PEM; nothing where the certificate was given.
    pub(super) authority: Option<String>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: cannot be {verb}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file holds something else.
    #[error("{}: {what}", file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Certificate and key do not work together.
    #[error("{} and {}: {what}", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// No certificate could be made.
    #[error("no certificate can be made for {names}: {what}")]
    Made {
        /// For whom.
        names: String,
        /// What is wrong.
        what: String,
    },
}

impl Certificate {
    /// Makes an authority and a certificate of it for these names, and forgets the authority's key: whoever trusts the
    /// authority trusts this one certificate.
    pub(super) fn made(names: &[String], now: Timestamp) -> Result<Self, TlsError> {
        made(names, now).map_err(|error| TlsError::Made {
            names: names.join(", "),
            what: error.to_string(),
        })
    }

    /// Reads a chain, the server's own certificate first, and its key.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| not_pem(certificate, &error))?;
        if chain.is_empty() {
            return Err(TlsError::Content {
                file: certificate.to_owned(),
                what: "holds no certificate; expected PEM, with `-----BEGIN CERTIFICATE-----`".to_owned(),
            });
        }
        let found = PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(|error| match error {
            PemError::NoItemsFound => TlsError::Content {
                file: key.to_owned(),
                what: "holds no private key that can be used; expected PEM, with `-----BEGIN PRIVATE KEY-----`, not encrypted".to_owned(),
            },
            other => not_pem(key, &other),
        })?;
        Ok(Self {
            chain,
            key: found,
            files: Some((certificate.to_owned(), key.to_owned())),
            authority: None,
        })
    }

    /// As tools print it: SHA-256 of the server's own certificate, in hexadecimal pairs.
    pub(super) fn fingerprint(&self) -> String {
        let own = self.chain.first().map(AsRef::<[u8]>::as_ref).unwrap_or_default();
        let pairs: Vec<_> = Sha256::digest(own).iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    /// What the listeners speak: TLS 1.2 and 1.3.
    pub(super) fn acceptor(self) -> Result<TlsAcceptor, TlsError> {
        let files = self.files;
        let wrong = |error: rustls::Error| {
            let what = match error {
                rustls::Error::InconsistentKeys(_) => "the key is not the certificate's".to_owned(),
                other => other.to_string(),
            };
            match files {
                Some((certificate, key)) => TlsError::Pair { certificate, key, what },
                None => TlsError::Made {
                    names: "this server".to_owned(),
                    what,
                },
            }
        };
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(self.chain, self.key));
        let mut config = config.map_err(wrong)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// The names that a made certificate is good for: this machine's, the listener's, and the public one.
pub(super) fn names(listener: IpAddr, public_host: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let address = (!listener.is_unspecified()).then(|| listener.to_string());
    let public = public_host.map(|host| host.trim_matches(['[', ']']).to_owned());
    for name in address.into_iter().chain(public) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn made(names: &[String], now: Timestamp) -> Result<Certificate, rcgen::Error> {
    let authority_key = KeyPair::generate()?;
    let mut authority = dated(CertificateParams::new(Vec::new())?, now);
    // A name of its own each time: a browser that knows an older one would look for the wrong key.
    let name = format!("Mock EHR for tests, made {}", now.strftime("%Y-%m-%d %H:%M:%S UTC"));
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate()?;
    let mut own = dated(CertificateParams::new(names)?, now);
    own.distinguished_name.push(DnType::CommonName, "Mock EHR");
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    own.use_authority_key_identifier_extension = true;
    let certificate = own.signed_by(&key, &issuer)?;
    Ok(Certificate {
        chain: vec![certificate.der().clone(), authority_certificate.der().clone()],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        files: None,
        authority: Some(authority_certificate.pem()),
    })
}

/// From yesterday, for clocks that are behind, until [`DAYS`] from now.
fn dated(mut params: CertificateParams, now: Timestamp) -> CertificateParams {
    let day = |from_now: i64| {
        let then = now
            .saturating_add(SignedDuration::from_hours(24 * from_now))
            .unwrap_or(now);
        let date = TimeZone::UTC.to_datetime(then).date();
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    params.not_before = day(-1);
    params.not_after = day(DAYS);
    params
}

/// A file's bytes.
fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|error| TlsError::File {
        file: file.to_owned(),
        verb: "read",
        error,
    })
}

fn not_pem(file: &Path, error: &PemError) -> TlsError {
    TlsError::Content {
        file: file.to_owned(),
        what: format!("is not PEM: {error}"),
    }
}
