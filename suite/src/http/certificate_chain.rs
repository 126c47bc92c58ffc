//! Shakes hands as any client does and keeps what the server sent, whether or not it can be trusted.
//!
//! RFC 8446 §4.4.2: <https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2>

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{ClientConfig, ResolvesClientCert};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};
use url::Url;

use super::tls_probe::connect;
use super::{Failure, Network};

/// What a server presented.
#[derive(Debug, Clone, Default)]
pub struct Presented {
    /// The certificates in DER, in the order sent: its own first.
    pub chain: Vec<Vec<u8>>,
    /// Whether it asked for a certificate of ours.
    pub asks_for_certificate: bool,
    /// Whether the handshake came to its end; else what ended it.
    pub ended: Option<String>,
}

/// What a server presents at this https address.
pub async fn presented(network: &Network, url: &Url, limit: Duration) -> Result<Presented, Failure> {
    let asked = tokio::time::timeout(limit, ask(network, url)).await;
    asked.unwrap_or(Err(Failure::Timeout(limit)))
}

async fn ask(network: &Network, url: &Url) -> Result<Presented, Failure> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|error| Failure::NotSent(error.to_string()))?;
    let provider = Arc::new(default_provider());
    let watch = Arc::new(Watch {
        provider: Arc::clone(&provider),
        chain: Mutex::default(),
        asked: AtomicBool::new(false),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&watch) as _)
        .with_no_client_auth();
    config.client_auth_cert_resolver = Arc::clone(&watch) as _;
    let (_, socket) = connect(network, url).await?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, socket).await;
    let chain = watch.chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shaken {
        Err(error) if chain.is_empty() => Err(Failure::Tls(error.to_string())),
        shaken => Ok(Presented {
            chain,
            asks_for_certificate: watch.asked.load(Ordering::SeqCst),
            ended: shaken.err().map(|error| error.to_string()),
        }),
    }
}

/// Trusts whatever comes, since nothing is sent over this connection, and remembers it.
#[derive(Debug)]
struct Watch {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<Vec<u8>>>,
    asked: AtomicBool,
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all.map(|one| one.to_vec()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Watch {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _sigschemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::SeqCst);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}
