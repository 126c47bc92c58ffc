//! A listener whose connections have finished their TLS handshake; nobody waits for another's.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A handshake that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many handshakes may be under way at once.
const AT_MOST: usize = 256;

/// For whoever speaks plain http to this port.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 47\r\nConnection: close\r\n\r\nThis port speaks TLS: say https:// in the URL.\n";

/// Handshakes go on beside each other; it ends with this value.
pub(super) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    local: SocketAddr,
    accepting: JoinHandle<()>,
}

impl TlsListener {
    pub(super) fn new(tcp: TcpListener, acceptor: TlsAcceptor) -> io::Result<Self> {
        let local = tcp.local_addr()?;
        let (done, ready) = mpsc::channel(1);
        Ok(Self {
            ready,
            local,
            accepting: tokio::spawn(accept(tcp, acceptor, done)),
        })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // Only where the task is gone; nobody comes any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.local)
    }
}

async fn accept(mut tcp: TcpListener, acceptor: TlsAcceptor, done: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>) {
    let mut handshakes = JoinSet::new();
    loop {
        while handshakes.try_join_next().is_some() {}
        if handshakes.len() >= AT_MOST {
            handshakes.join_next().await;
        }
        let (socket, address) = axum::serve::Listener::accept(&mut tcp).await;
        let (acceptor, done) = (acceptor.clone(), done.clone());
        handshakes.spawn(async move {
            if let Ok(Some(stream)) = tokio::time::timeout(PATIENCE, handshake(socket, &acceptor)).await {
                // Nobody takes it, where the server has stopped.
                let _ = done.send((stream, address)).await;
            }
        });
    }
}

/// Nothing, where the other side gave up, or wanted something else.
async fn handshake(mut socket: TcpStream, acceptor: &TlsAcceptor) -> Option<TlsStream<TcpStream>> {
    let mut first = [0];
    socket.peek(&mut first).await.ok()?;
    // A handshake begins with 22 (RFC 8446 §5.1), a method of HTTP with a letter.
    if first[0].is_ascii_uppercase() {
        let _ = socket.write_all(PLAIN.as_bytes()).await;
        let _ = socket.shutdown().await;
        // What was sent has to be read, or the answer is lost with a reset.
        let mut rest = [0; 4096];
        while matches!(socket.read(&mut rest).await, Ok(1..)) {}
        return None;
    }
    acceptor.accept(socket).await.ok()
}
