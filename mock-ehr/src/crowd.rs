//! Requests for smart-configuration that come at the same moment: the mock itself answers as many as come.
//!
//! RFC 6585 §4: <https://www.rfc-editor.org/rfc/rfc6585#section-4>

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::defect::Defect;
use crate::state::AppState;
use crate::variant::Variant;

/// So many are answered by whoever minds a crowd.
const MOST: usize = 3;

/// By then all of one moment are here.
const MOMENT: Duration = Duration::from_millis(20);

/// How many requests are here now.
#[derive(Debug, Default)]
pub(crate) struct Crowd(AtomicUsize);

struct Here<'a>(&'a Crowd);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The answer to one too many; nothing where all are welcome.
pub(crate) async fn refusal(state: &AppState) -> Option<Response> {
    let breaks = state.defects().has(Defect::DiscoveryBurst5xx);
    let limits = state.variants().has(Variant::DiscoveryLimited);
    if !breaks && !limits {
        return None;
    }
    let crowd = state.crowd();
    crowd.0.fetch_add(1, Ordering::SeqCst);
    let _here = Here(crowd);
    tokio::time::sleep(MOMENT).await;
    if crowd.0.load(Ordering::SeqCst) <= MOST {
        return None;
    }
    let status = if breaks {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::TOO_MANY_REQUESTS
    };
    Some(status.into_response())
}
