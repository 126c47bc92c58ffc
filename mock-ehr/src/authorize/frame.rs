//! An app in a frame of the launcher sends its frame here: a detour, so that the browser sends our cookies.
//!
//! A browser keeps `SameSite=Lax` cookies from a frame that another site sent on its way, although the page around it is
//! ours (RFC 6265bis §5.2: <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.2>). From a page
//! of our own in that frame they come along. A page of another site around it cannot show this one either.

use askama::Template;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::page;
use crate::state::AppState;

#[derive(Template)]
#[template(path = "frame_detour.html")]
struct Detour<'a> {
    query: &'a str,
}

/// The page that goes the same way again, from here.
pub(crate) fn detour(app: &AppState, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let is = |name: &str, value: &str| {
        headers
            .get(name)
            .is_some_and(|found| found.as_bytes() == value.as_bytes())
    };
    // Fetch Metadata: <https://www.w3.org/TR/fetch-metadata/>
    if method != Method::GET || !is("sec-fetch-dest", "iframe") || !is("sec-fetch-site", "cross-site") {
        return None;
    }
    let page = Detour { query: uri.query()? };
    Some(page::html(app, StatusCode::OK, page::render(&page)))
}
