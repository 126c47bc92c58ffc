//! The keys again, by https and behind a certificate that no authority signed, made at the start of the run.
//!
//! RFC 7515 §4.1.2, RFC 9110 §4.3.4: <https://www.rfc-editor.org/rfc/rfc9110#section-4.3.4>

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

use super::KeyServer;

/// A handshake that takes longer is given up, so that the next one has its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Listens on a free loopback port; nothing, where this machine makes no certificate or has no port.
pub(super) async fn listen(server: &KeyServer) -> Option<(KeyServer, JoinHandle<()>)> {
    let acceptor = acceptor()?;
    let tcp = TcpListener::bind(("127.0.0.1", 0)).await.ok()?;
    let origin = format!("https://{}", tcp.local_addr().ok()?);
    let server = server.clone().untrusted_at(&origin);
    let (router, noting) = (server.router(), server.clone());
    let task = tokio::spawn(async move {
        let listener = Handshakes {
            tcp,
            acceptor,
            server: noting,
        };
        let _ = axum::serve(listener, router).await;
    });
    Some((server, task))
}

fn acceptor() -> Option<TlsAcceptor> {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).ok()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .ok()?;
    Some(TlsAcceptor::from(Arc::new(config)))
}

/// Connections whose handshake succeeded: of those who do not look at the certificate.
struct Handshakes {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    server: KeyServer,
}

impl axum::serve::Listener for Handshakes {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, address) = axum::serve::Listener::accept(&mut self.tcp).await;
            let when = Instant::now();
            match tokio::time::timeout(PATIENCE, self.acceptor.accept(socket)).await {
                Ok(Ok(stream)) => return (stream, address),
                // Who looks at the certificate ends it here, and the report shows that.
                Ok(Err(error)) => self.server.note_refused(when, &error.to_string()),
                Err(_) => {}
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
