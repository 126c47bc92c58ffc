//! Transports against servers that misbehave.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::routing::{any, get};
use launchproof::http::{Failure, InProcess, Limits, Network, Request, RequestBody, ReqwestTransport, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

/// Serves a router on a free port of this machine until the test's runtime ends.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

/// Answers every connection with these bytes, then closes it.
async fn raw(bytes: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    origin
}

fn over_sockets() -> ReqwestTransport {
    ReqwestTransport::new(&Network::default()).unwrap()
}

fn limits() -> Limits {
    Limits {
        body: 1000,
        headers: 2000,
        request: Duration::from_millis(700),
        ..Limits::default()
    }
}

async fn get_from(transport: &dyn Transport, url: &str) -> Result<u16, Failure> {
    let request = Request::get(Url::parse(url).unwrap());
    transport
        .send(&request, &limits())
        .await
        .map(|response| response.status)
}

fn odd() -> Router {
    let endless =
        || async { Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 64]))) };
    let flood = || async {
        let mut headers = HeaderMap::new();
        for n in 0..60 {
            headers.append("x-flood", format!("{n:0>60}").parse().unwrap());
        }
        headers
    };
    let slow = || async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        "late"
    };
    let panics = || async {
        assert!(!std::hint::black_box(true), "on purpose");
    };
    let moved = || async { (axum::http::StatusCode::FOUND, [("location", "//elsewhere/%zz?a=b|c")]) };
    let echo = |method: axum::http::Method, uri: axum::http::Uri, headers: HeaderMap, body: String| async move {
        let shown = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        format!(
            "{method} {uri} [{}] [{}] [{}] {body}",
            shown("host"),
            shown("content-type"),
            shown("content-length")
        )
    };
    Router::new()
        .route("/endless", get(endless))
        .route("/flood", get(flood))
        .route("/slow", get(slow))
        .route("/panics", get(panics))
        .route("/moved", get(moved))
        .fallback(any(echo))
}

#[tokio::test]
async fn both_transports_hold_the_limits() {
    let origin = serve(odd()).await;
    let in_process = InProcess::new().mount(&origin, odd());
    let sockets = over_sockets();
    for transport in [&in_process as &dyn Transport, &sockets] {
        assert_eq!(
            get_from(transport, &format!("{origin}/endless")).await,
            Err(Failure::TooLarge(1000))
        );
        assert_eq!(
            get_from(transport, &format!("{origin}/flood")).await,
            Err(Failure::HeadersTooLarge(2000))
        );
        let timeout = Err(Failure::Timeout(Duration::from_millis(700)));
        assert_eq!(get_from(transport, &format!("{origin}/slow")).await, timeout);
        assert!(matches!(
            get_from(transport, &format!("{origin}/panics")).await,
            Err(Failure::Cut(_))
        ));
    }
}

#[tokio::test]
async fn both_transports_send_the_same_and_follow_nothing() {
    let origin = serve(odd()).await;
    let in_process = InProcess::new().mount(&origin, odd());
    let sockets = over_sockets();
    let bodies = [
        RequestBody::Empty,
        RequestBody::Form(vec![("a".into(), "1".into()), ("a".into(), "ü &".into())]),
        RequestBody::Raw {
            content_type: "application/json".into(),
            bytes: "{not json".into(),
        },
    ];
    for body in bodies {
        let url = Url::parse(&format!("{origin}/a/../b/%2e%2E/c%2fd?x=ü&y=|{{}}'&y=a b#fragment")).unwrap();
        let request = Request {
            method: http::Method::POST,
            url,
            headers: Vec::new(),
            body,
        };
        let mut answers = Vec::new();
        for transport in [&in_process as &dyn Transport, &sockets] {
            let response = transport.send(&request, &Limits::default()).await.unwrap();
            answers.push(response.text().into_owned());
        }
        assert_eq!(answers[0], answers[1]);
        assert!(
            answers[0].contains("/c%2fd?x=%C3%BC&y=|{}%27&y=a%20b "),
            "{}",
            answers[0]
        );
    }
    for transport in [&in_process as &dyn Transport, &sockets] {
        let request = Request::get(Url::parse(&format!("{origin}/moved")).unwrap());
        let response = transport.send(&request, &Limits::default()).await.unwrap();
        assert_eq!(
            (response.status, response.header("location")),
            (302, Some("//elsewhere/%zz?a=b|c"))
        );
    }
}

#[tokio::test]
async fn what_is_not_a_whole_http_answer_is_named() {
    let sockets = over_sockets();
    let cut = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort").await;
    assert!(matches!(get_from(&sockets, &cut).await, Err(Failure::Cut(_))));
    let silent = raw(b"").await;
    assert!(matches!(get_from(&sockets, &silent).await, Err(Failure::Cut(_))));
    let ssh = raw(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let outcome = get_from(&sockets, &ssh).await;
    assert!(matches!(outcome, Err(Failure::NotHttp(_))), "{outcome:?}");
    let outcome = get_from(&sockets, &ssh.replace("http://", "https://")).await;
    assert!(matches!(outcome, Err(Failure::Tls(_))), "{outcome:?}");
    let outcome = get_from(&sockets, "http://127.0.0.1:1/").await;
    assert!(matches!(outcome, Err(Failure::Connect(_))), "{outcome:?}");
    let outcome = get_from(&sockets, "http://no-such-host.invalid/").await;
    assert!(
        matches!(outcome, Err(Failure::Connect(_) | Failure::Timeout(_))),
        "{outcome:?}"
    );
    let outcome = get_from(&InProcess::new(), "http://127.0.0.1:1/").await;
    assert!(matches!(outcome, Err(Failure::Connect(_))), "{outcome:?}");
}

#[test]
fn a_network_that_cannot_be_used_says_which_key() {
    let network = Network {
        ca_file: Some("no/such.pem".into()),
        ..Network::default()
    };
    let message = ReqwestTransport::new(&network).unwrap_err().to_string();
    assert!(
        message.contains("ca_file") && message.contains("no/such.pem"),
        "{message}"
    );
}
