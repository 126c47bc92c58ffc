//! `preflight`: the question that a browser asks before it lets a page of another origin send a request.
//!
//! Fetch, "CORS-preflight fetch": <https://fetch.spec.whatwg.org/#cors-preflight-fetch>

use http::header::{ACCEPT, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::context::{Context, Deed, Halt};
use super::discover::answered;
use crate::http::{Request, RequestBody};
use crate::value::Template;

/// `preflight`: OPTIONS with `Origin` and what the request itself would be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreflightArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// Absolute URL of the request that would follow.
    pub url: Template,
    /// The page's origin; the client's first one where absent.
    #[serde(default)]
    pub origin: Option<Template>,
    /// Method of the request that would follow.
    pub method: String,
    /// Names of its header fields that need permission, in lower case.
    #[serde(default)]
    pub headers: Vec<String>,
}

/// Asks.
pub async fn preflight(context: &Context<'_>, args: &PreflightArgs) -> Result<Deed, Halt> {
    let none = |_: &str| None;
    let url = context.fill(&args.url, &none)?;
    let url = Url::parse(&url).map_err(|error| Halt::Scenario(format!("`{url}` is not an absolute URL: {error}")))?;
    let origin = if let Some(origin) = &args.origin {
        context.fill(origin, &none)?
    } else {
        let own = context.own_client()?.origins.first();
        own.cloned()
            .ok_or_else(|| Halt::Skip("the profile names no `origins` of this client".to_owned()))?
    };
    let mut request = Request {
        method: http::Method::OPTIONS,
        url,
        headers: Vec::new(),
        body: RequestBody::Empty,
    };
    // Fetch: a browser sends the names sorted and in lower case, without spaces.
    let mut names = args.headers.clone();
    names.sort();
    let sent = request.header(ORIGIN, &origin)
        && request.header(ACCEPT, "*/*")
        && request.header(ACCESS_CONTROL_REQUEST_METHOD, &args.method)
        && (names.is_empty() || request.header(ACCESS_CONTROL_REQUEST_HEADERS, &names.join(",")));
    if !sent {
        return Err(Halt::Scenario("a preflight that no header field can carry".to_owned()));
    }
    let client = context.client.map(|client| client.name.clone()).unwrap_or_default();
    Ok(answered(
        context.world,
        "preflight",
        args.label.clone(),
        client,
        false,
        request,
        None,
    )
    .await)
}
