//! The `ClientHello` of our own, over sockets: against bytes that a server might send, and against OpenSSL where it is there.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use launchproof::http::{
    Limits, Network, ReqwestTransport, TlsAnswer, TlsOffer, TlsProbe, TlsProbed, TlsVersion, Transport as _, WeakSuites,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

async fn ask(port: u16, version: TlsVersion) -> TlsAnswer {
    probed(port, TlsOffer::Version(version)).await.answer
}

async fn probed(port: u16, offer: TlsOffer) -> TlsProbed {
    let limits = Limits {
        request: Duration::from_secs(3),
        ..Limits::default()
    };
    let probe = TlsProbe {
        url: Url::parse(&format!("https://localhost:{port}/")).unwrap(),
        offer,
        random: [5; 64],
    };
    let network = Network {
        resolve: vec![("localhost".into(), ([127, 0, 0, 1], port).into())],
        ..Network::default()
    };
    let transport = ReqwestTransport::new(&network).unwrap();
    let probed = transport.tls_probe(&probe, &limits).await.unwrap();
    assert_eq!(probed.hop, format!("localhost:{port}"));
    probed
}

/// Answers every connection with these bytes, in two parts, then closes it.
async fn raw(bytes: Vec<u8>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            let _ = socket.read(&mut hello).await;
            let (first, rest) = bytes.split_at(bytes.len() / 2);
            let _ = socket.write_all(first).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = socket.write_all(rest).await;
        }
    });
    port
}

#[tokio::test]
async fn what_a_server_may_say_is_told_apart() {
    let alert = raw(vec![21, 3, 1, 0, 2, 2, 70]).await;
    assert_eq!(ask(alert, TlsVersion::Tls1_0).await, TlsAnswer::Alert(70));
    let closed = raw(Vec::new()).await;
    assert_eq!(ask(closed, TlsVersion::Tls1_0).await, TlsAnswer::Closed);
    let http = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    assert_eq!(ask(http, TlsVersion::Tls1_0).await, TlsAnswer::NotTls);
    let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([9; 32]);
    hello.extend([0, 0xc0, 0x14, 0]);
    let old = raw(hello).await;
    assert_eq!(
        ask(old, TlsVersion::Tls1_0).await,
        TlsAnswer::Chosen(TlsVersion::Tls1_0)
    );
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `openssl s_server` on a free port; nothing where there is no OpenSSL.
async fn openssl(folder: &std::path::Path, more: &[&str]) -> Option<(Server, u16)> {
    let (key, cert) = (folder.join("key.pem"), folder.join("cert.pem"));
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    };
    if !cert.exists() {
        let mut make = Command::new("openssl");
        make.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ]);
        make.arg("-keyout").arg(&key).arg("-out").arg(&cert);
        quiet(&mut make);
        make.status().ok().filter(std::process::ExitStatus::success)?;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut serve = Command::new("openssl");
    serve.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")]);
    serve.arg("-key").arg(&key).arg("-cert").arg(&cert).args(more);
    quiet(&mut serve);
    let server = Server(serve.spawn().ok()?);
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some((server, port));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

#[tokio::test]
async fn openssl_understands_what_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_current, port)) = openssl(folder.path(), &[]).await else {
        eprintln!("no OpenSSL here: only hand-written answers were read");
        return;
    };
    assert_eq!(
        ask(port, TlsVersion::Tls1_3).await,
        TlsAnswer::Chosen(TlsVersion::Tls1_3)
    );
    assert_eq!(
        ask(port, TlsVersion::Tls1_2).await,
        TlsAnswer::Chosen(TlsVersion::Tls1_2)
    );
    for old in [TlsVersion::Ssl3_0, TlsVersion::Tls1_0, TlsVersion::Tls1_1] {
        // protocol_version as a rule; handshake_failure or internal_error where the version is left out in other ways.
        let answer = ask(port, old).await;
        assert!(matches!(answer, TlsAnswer::Alert(_)), "{old:?}: {answer:?}");
    }
    let lax = ["-tls1", "-cipher", "ALL:@SECLEVEL=0"];
    if let Some((_lax, port)) = openssl(folder.path(), &lax).await {
        assert_eq!(
            ask(port, TlsVersion::Tls1_0).await,
            TlsAnswer::Chosen(TlsVersion::Tls1_0)
        );
    }
}

#[tokio::test]
async fn openssl_agrees_to_weak_suites_only_where_it_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_current, port)) = openssl(folder.path(), &[]).await else {
        eprintln!("no OpenSSL here: only hand-written answers were read");
        return;
    };
    let all = [
        WeakSuites::Null,
        WeakSuites::Export,
        WeakSuites::Rc4,
        WeakSuites::Anonymous,
        WeakSuites::TripleDes,
    ];
    for weak in all {
        let answer = probed(port, TlsOffer::Suites(weak)).await;
        assert!(matches!(answer.answer, TlsAnswer::Alert(_)), "{weak:?}: {answer:?}");
        assert_eq!(answer.suite, None, "{weak:?}");
    }
    // What OpenSSL can still be talked into; RC4 and EXPORT are left out of it as it is built today.
    for (weak, words) in [
        (WeakSuites::Null, "eNULL:@SECLEVEL=0"),
        (WeakSuites::Anonymous, "aNULL:@SECLEVEL=0"),
    ] {
        let Some((_lax, port)) = openssl(folder.path(), &["-tls1_2", "-cipher", words]).await else {
            continue;
        };
        let answer = probed(port, TlsOffer::Suites(weak)).await;
        assert_eq!(answer.answer, TlsAnswer::Chosen(TlsVersion::Tls1_2), "{weak:?}");
        let suite = answer.suite.unwrap();
        assert!(weak.numbers().contains(&suite), "{weak:?}: {suite:#06x}");
    }
}
