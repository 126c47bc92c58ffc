//! Tells an open page of every change, by server-sent events.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::watch;

use crate::state::AppState;

/// How many pages may listen at once.
const AT_MOST: usize = 64;

/// A comment keeps the connection alive, and shows when its other end is gone.
const QUIET: Duration = Duration::from_secs(15);

/// `GET /inspect/events`
pub(super) async fn stream(State(state): State<AppState>) -> Response {
    let Some(changes) = state.journal().subscribe(AT_MOST) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages listen already\n").into_response();
    };
    let first = Bytes::from_static(b"retry: 1000\n\n");
    let events = stream::unfold((Some(first), changes), |(first, mut changes)| async move {
        let event = match first {
            Some(first) => first,
            None => next(&mut changes).await?,
        };
        Some((Ok::<_, Infallible>(event), (None, changes)))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// `None`: the mock is gone, or stops.
async fn next(changes: &mut watch::Receiver<Option<u64>>) -> Option<Bytes> {
    (*changes.borrow())?;
    match tokio::time::timeout(QUIET, changes.changed()).await {
        Ok(Ok(())) => {
            let count = (*changes.borrow_and_update())?;
            Some(Bytes::from(format!("event: change\ndata: {count}\n\n")))
        }
        Ok(Err(_)) => None,
        Err(_) => Some(Bytes::from_static(b": quiet\n\n")),
    }
}
