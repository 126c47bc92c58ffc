//! What a client on a socket sees of each HTTP fault.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::place;
use crate::harness::*;

/// Sends one request on a connection of its own, and reads until the connection ends.
async fn bytes(ehr: &TestEhr, request: &str) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = ehr.mock.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    // A reset ends it as well.
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut read))
        .await
        .expect("the connection ends");
    server.abort();
    read
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
}

fn post(path: &str, form: &Form) -> String {
    let body = form.encode();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1:9101\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Head and body of an answer.
fn split(read: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(read);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {text:?}"));
    (head.to_ascii_lowercase(), body.to_owned())
}

fn length(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.expect("content-length").parse().unwrap()
}

const JWKS: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn a_status_comes_in_place_of_the_answer() {
    let ehr = TestEhr::new();
    let flow = ehr.code("app-public").await;
    let asked = json!({ "status": 503, "retry_after": 7, "body": "<h1>Bad</h1>", "content_type": "text/html" });
    place(&ehr, json!({ "endpoint": "token", "http": asked })).await;
    let (head, body) = split(&bytes(&ehr, &post("/auth/token", &ehr.exchange(&flow))).await);
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    for line in ["x-mock-fault: status", "retry-after: 7", "content-type: text/html"] {
        assert!(head.lines().any(|known| known == line), "{line}: {head}");
    }
    assert_eq!(body, "<h1>Bad</h1>");
    let entry = ehr.mock.state().journal().entries().pop().unwrap();
    assert_eq!(
        (entry.response.status, entry.fault.as_deref()),
        (503, Some("status 503"))
    );
    // The request was not handled: the code is as good as it was.
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
}

#[tokio::test]
async fn an_app_in_a_browser_may_read_the_status() {
    let ehr = TestEhr::new();
    let origin = ehr.mock.state().config().client("app-public").unwrap().origins[0].clone();
    place(&ehr, json!({ "endpoint": "token", "http": { "status": 429 } })).await;
    let answer = ehr.post("/auth/token", &[("origin", &origin)], &Form::default()).await;
    assert_eq!(answer.status.as_u16(), 429);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
}

#[tokio::test]
async fn an_answer_comes_late() {
    let ehr = TestEhr::new();
    place(&ehr, json!({ "endpoint": "jwks", "http": { "delay_ms": 300 } })).await;
    let began = Instant::now();
    let (head, body) = split(&bytes(&ehr, &get(JWKS)).await);
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    assert!(head.starts_with("http/1.1 200 ") && body.contains("\"keys\""), "{head}");
    assert!(head.contains("x-mock-fault: delay"), "{head}");
    let entry = ehr.mock.state().journal().entries().pop().unwrap();
    assert!(
        entry.took_ms >= 300.0 && entry.fault.as_deref() == Some("delay 300 ms"),
        "{entry:?}"
    );
}

#[tokio::test]
async fn a_delay_goes_with_another_fault() {
    let ehr = TestEhr::new();
    place(
        &ehr,
        json!({ "endpoint": "jwks", "http": { "delay_ms": 50, "status": 504 } }),
    )
    .await;
    let began = Instant::now();
    let (head, _) = split(&bytes(&ehr, &get(JWKS)).await);
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert!(
        head.starts_with("http/1.1 504 ") && head.contains("x-mock-fault: delay, status"),
        "{head}"
    );
}

#[tokio::test]
async fn an_answer_comes_without_its_body() {
    let ehr = TestEhr::new();
    place(&ehr, json!({ "endpoint": "jwks", "http": { "empty": true } })).await;
    let (head, body) = split(&bytes(&ehr, &get(JWKS)).await);
    assert!(
        head.starts_with("http/1.1 200 ") && head.contains("content-type: application/"),
        "{head}"
    );
    assert!(head.contains("x-mock-fault: empty"), "{head}");
    assert_eq!((length(&head), body.as_str()), (0, ""));
}

#[tokio::test]
async fn half_an_answer_comes_where_all_of_it_was_promised() {
    let ehr = TestEhr::new();
    let whole = ehr.get(JWKS).await.body;
    place(&ehr, json!({ "endpoint": "jwks", "http": { "truncated": true } })).await;
    let (head, body) = split(&bytes(&ehr, &get(JWKS)).await);
    assert!(
        head.starts_with("http/1.1 200 ") && head.contains("x-mock-fault: truncated"),
        "{head}"
    );
    assert_eq!(length(&head), whole.len());
    assert_eq!(body, whole[..whole.len() / 2]);
    assert_eq!(
        ehr.mock.state().journal().entries().pop().unwrap().fault.as_deref(),
        Some("truncated")
    );
}

#[tokio::test]
async fn of_an_answer_without_a_body_a_byte_is_missing() {
    let ehr = TestEhr::new();
    place(&ehr, json!({ "endpoint": "authorize", "http": { "truncated": true } })).await;
    let request = format!("/auth/authorize?{}", ehr.request("app-public").encode());
    let (head, body) = split(&bytes(&ehr, &get(&request)).await);
    assert!(length(&head) > body.len(), "{head}");
}

#[tokio::test]
async fn a_connection_is_cut_before_the_request_is_handled() {
    let ehr = TestEhr::new();
    let flow = ehr.code("app-public").await;
    place(&ehr, json!({ "endpoint": "token", "http": { "cut": "before" } })).await;
    assert_eq!(bytes(&ehr, &post("/auth/token", &ehr.exchange(&flow))).await, b"");
    let entry = ehr.mock.state().journal().entries().pop().unwrap();
    assert_eq!(
        (entry.response.status, entry.fault.as_deref()),
        (0, Some("cut before it was handled"))
    );
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
    let page = ehr.get("/inspect").await.body;
    assert!(page.contains("Fault on request: cut before it was handled") && page.contains("Not answered"));
}

#[tokio::test]
async fn a_connection_is_cut_after_the_request_was_handled() {
    let ehr = TestEhr::new();
    let flow = ehr.code("app-public").await;
    place(&ehr, json!({ "endpoint": "token", "http": { "cut": "after" } })).await;
    assert_eq!(bytes(&ehr, &post("/auth/token", &ehr.exchange(&flow))).await, b"");
    let entry = ehr.mock.state().journal().entries().pop().unwrap();
    assert_eq!(
        (entry.response.status, entry.fault.as_deref()),
        (200, Some("cut after it was handled"))
    );
    // The code is spent, and the app has nothing.
    assert_eq!(ehr.redeem(&flow, |form| form).await.error(), "invalid_grant");
}

#[tokio::test]
async fn other_connections_live_on() {
    let ehr = TestEhr::new();
    place(&ehr, json!({ "endpoint": "jwks", "http": { "cut": "before" } })).await;
    assert_eq!(bytes(&ehr, &get(JWKS)).await, b"");
    let (head, body) = split(&bytes(&ehr, &get(JWKS)).await);
    assert!(
        head.starts_with("http/1.1 200 ") && !head.contains("x-mock-fault"),
        "{head}"
    );
    assert_eq!(body.len(), length(&head));
}
