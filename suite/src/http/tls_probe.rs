//! Sends a `ClientHello` of our own over a socket, through the profile's proxy where there is one, and reads the answer.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::client_hello::{TlsAnswer, TlsOffer, chosen_suite, client_hello, read_answer, whole};
use super::{Failure, Network};

/// What is asked of which address.
#[derive(Debug, Clone)]
pub struct TlsProbe {
    /// Any https URL there.
    pub url: Url,
    /// What is offered.
    pub offer: TlsOffer,
    /// Random bytes of the message.
    pub random: [u8; 64],
}

/// What was asked, as a person would name it, and what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsProbed {
    /// `ehr.example:443`, and through which proxy.
    pub hop: String,
    /// The answer.
    pub answer: TlsAnswer,
    /// The cipher suite that was chosen.
    pub suite: Option<u16>,
}

/// An answer's first record; a ServerHello is far shorter.
const MOST: usize = 5 + 16 * 1024;

/// Asks over a socket of its own.
pub(super) async fn probe(network: &Network, probe: &TlsProbe, limit: Duration) -> Result<TlsProbed, Failure> {
    let asked = tokio::time::timeout(limit, ask(network, probe)).await;
    asked.unwrap_or(Err(Failure::Timeout(limit)))
}

async fn ask(network: &Network, probe: &TlsProbe) -> Result<TlsProbed, Failure> {
    let (hop, mut socket) = connect(network, &probe.url).await?;
    let host = probe.url.host_str().unwrap_or_default();
    let hello = client_hello(probe.offer, host, &probe.random);
    socket
        .write_all(&hello)
        .await
        .map_err(|error| Failure::Connect(format!("{hop}: {error}")))?;
    let record = first_record(&mut socket).await;
    Ok(TlsProbed {
        hop,
        answer: read_answer(&record),
        suite: chosen_suite(&record),
    })
}

/// A socket to the host of this address, by the profile's proxy and addresses; and how a person would name the way.
pub(super) async fn connect(network: &Network, url: &Url) -> Result<(String, TcpStream), Failure> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Failure::NotSent("the address has no host".to_owned()));
    };
    let hop = format!("{host}:{port}");
    if let Some(proxy) = &network.proxy {
        let hop = format!("{hop}, through the proxy {}", named(proxy));
        return Ok((hop, tunnel(proxy, host, port).await?));
    }
    let fixed = network.resolve.iter().find(|(name, _)| name == host);
    let connected = match fixed {
        Some((_, address)) => TcpStream::connect((address.ip(), port)).await,
        None => TcpStream::connect((host.trim_matches(['[', ']']), port)).await,
    };
    let socket = connected.map_err(|error| Failure::Connect(format!("{hop}: {error}")))?;
    Ok((hop, socket))
}

/// As much as came of the first record; a server that refuses may simply close.
async fn first_record(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut part = [0; 2048];
    while whole(&bytes).is_none_or(|length| bytes.len() < length) && bytes.len() < MOST {
        match socket.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
        }
    }
    bytes
}

fn named(proxy: &Url) -> String {
    let host = proxy.host_str().unwrap_or_default();
    format!("{host}:{}", proxy.port_or_known_default().unwrap_or_default())
}

/// RFC 9110 §9.3.6: CONNECT.
async fn tunnel(proxy: &Url, host: &str, port: u16) -> Result<TcpStream, Failure> {
    if proxy.scheme() != "http" {
        let scheme = proxy.scheme();
        return Err(Failure::NotSent(format!(
            "a proxy of the kind {scheme} is not asked for a tunnel by this probe"
        )));
    }
    let through = named(proxy);
    let wrong = |error: std::io::Error| Failure::Connect(format!("the proxy {through}: {error}"));
    let mut socket = TcpStream::connect(&through).await.map_err(wrong)?;
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if !proxy.username().is_empty() {
        let credentials = STANDARD.encode(format!("{}:{}", proxy.username(), proxy.password().unwrap_or_default()));
        let _ = write!(request, "Proxy-Authorization: Basic {credentials}\r\n");
    }
    request.push_str("\r\n");
    socket.write_all(request.as_bytes()).await.map_err(wrong)?;
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        if socket.read(&mut byte).await.map_err(wrong)? == 0 {
            break;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    if head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
        Ok(socket)
    } else {
        let line = head.lines().next().unwrap_or("nothing").to_owned();
        Err(Failure::Connect(format!("the proxy {through} gives no tunnel: {line}")))
    }
}
