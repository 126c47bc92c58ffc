//! Breaks an answer on its way: RFC 9112 §8, "Handling Incomplete Messages": <https://www.rfc-editor.org/rfc/rfc9112#section-8>
//!
//! The HTTP server ends a connection whose body fails. Where it fails at once, not even the status line was sent; where
//! it fails after a pause, what came before it was.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, StreamExt as _};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode};

/// Long enough for the server to send what it has.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a body ends before its time.
#[derive(Debug, thiserror::Error)]
#[error("this connection is cut on request")]
struct Cut;

/// Status and headers without the body.
pub(super) fn emptied(response: Response) -> Response {
    let (mut head, _) = response.into_parts();
    head.headers.remove(TRANSFER_ENCODING);
    if has_body(head.status) {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Response::from_parts(head, Body::empty())
}

/// Half of the body, and then the end of the connection.
pub(super) async fn truncated(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if !has_body(head.status) {
        return cut();
    }
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    head.headers.remove(TRANSFER_ENCODING);
    // Of nothing, a byte is missing.
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
    let half = whole.slice(..whole.len() / 2);
    let first = stream::iter((!half.is_empty()).then_some(Ok::<_, Cut>(half)));
    let end = stream::once(async {
        tokio::time::sleep(PAUSE).await;
        Err(Cut)
    });
    Response::from_parts(head, Body::from_stream(first.chain(end)))
}

/// The end of the connection, without a byte of an answer.
pub(super) fn cut() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(Cut)])).into_response()
}

fn has_body(status: StatusCode) -> bool {
    !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}
