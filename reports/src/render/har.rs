//! `evidence.har`: every recorded exchange for browsers' developer tools and proxies (HTTP Archive 1.2). What was redacted
//! when it was captured is redacted here.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::{Exchange, Report, Request, Response};
use crate::plain::line;
use crate::uri;

/// Verdicts that are named at one exchange.
const NAMED: usize = 20;
/// The model does not know it; browsers write the same where they do not.
const HTTP_VERSION: &str = "unknown";

#[derive(Serialize)]
struct Har<'a> {
    log: Log<'a>,
}

#[derive(Serialize)]
struct Log<'a> {
    version: &'static str,
    creator: Creator,
    entries: Vec<Entry<'a>>,
    comment: String,
}

#[derive(Serialize)]
struct Creator {
    name: &'static str,
    version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    started_date_time: String,
    time: u64,
    request: HarRequest<'a>,
    response: HarResponse<'a>,
    cache: Empty,
    timings: Timings,
    comment: String,
    /// HAR 1.2 §Custom fields: their names start with an underscore. Chromium writes this one.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(rename = "_verdicts", skip_serializing_if = "Vec::is_empty")]
    verdicts: Vec<String>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Timings {
    send: u64,
    wait: u64,
    receive: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest<'a> {
    method: &'a str,
    url: String,
    http_version: &'static str,
    cookies: Vec<Cookie>,
    headers: Vec<Pair<'a>>,
    query_string: Vec<Decoded>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData<'a>>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse<'a> {
    status: u16,
    status_text: &'static str,
    http_version: &'static str,
    cookies: Vec<Cookie>,
    headers: Vec<Pair<'a>>,
    content: Content<'a>,
    #[serde(rename = "redirectURL")]
    redirect_url: &'a str,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Decoded {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Cookie {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'a> {
    mime_type: &'a str,
    params: Vec<Decoded>,
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    size: u64,
    mime_type: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// The recorded exchanges as HAR, with a line feed at the end.
pub fn render(report: &Report) -> String {
    let mut named: HashMap<usize, Vec<String>> = HashMap::new();
    for verdict in &report.verdicts {
        for id in &verdict.evidence {
            let ids = named.entry(*id).or_default();
            if ids.len() < NAMED {
                ids.push(line(&verdict.id()).into_owned());
            }
        }
    }
    let started = report
        .run
        .started
        .parse::<jiff::Timestamp>()
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let (name, version) = report.tool.split_once(' ').unwrap_or((&report.tool, "unknown"));
    let har = Har {
        log: Log {
            version: "1.2",
            creator: Creator {
                name: "launchproof",
                version: if name == "launchproof" { version } else { &report.tool }.to_owned(),
            },
            entries: report
                .exchanges
                .iter()
                .map(|exchange| entry(exchange, started, named.remove(&exchange.id).unwrap_or_default()))
                .collect(),
            comment: format!(
                "Redacted by launchproof: hmac:… stands for a secret under a key of the run that was not kept. Target: {}",
                line(&report.target.name)
            ),
        },
    };
    let mut text = serde_json::to_string(&har).expect("the archive has string keys and finite numbers only");
    text.push('\n');
    text
}

fn entry(exchange: &Exchange, started: jiff::Timestamp, verdicts: Vec<String>) -> Entry<'_> {
    let elapsed = exchange.response.as_ref().map_or(0, |response| response.elapsed_ms);
    let after = i64::try_from(exchange.at_ms).unwrap_or(i64::MAX);
    let at = started
        .checked_add(jiff::SignedDuration::from_millis(after))
        .unwrap_or(started);
    Entry {
        started_date_time: at.to_string(),
        time: elapsed,
        request: request(&exchange.request),
        response: exchange.response.as_ref().map_or_else(no_response, response),
        cache: Empty {},
        timings: Timings {
            send: 0,
            wait: elapsed,
            receive: 0,
        },
        comment: line(&exchange.step).into_owned(),
        error: exchange.failure.as_deref(),
        verdicts,
    }
}

fn request(request: &Request) -> HarRequest<'_> {
    let query = request.url.split('#').next().and_then(|url| url.split_once('?'));
    HarRequest {
        method: &request.method,
        url: uri::of(&request.url).unwrap_or_else(|| "about:blank#unreadable".to_owned()),
        http_version: HTTP_VERSION,
        cookies: all(&request.headers, "cookie")
            .flat_map(|value| value.split(';').filter_map(cookie))
            .collect(),
        headers: headers(&request.headers),
        query_string: query.map_or_else(Vec::new, |(_, query)| form(query)),
        post_data: request.body.as_deref().map(|text| {
            let mime_type = all(&request.headers, "content-type").next().unwrap_or("");
            PostData {
                mime_type,
                params: if mime_type.contains("x-www-form-urlencoded") {
                    form(text)
                } else {
                    Vec::new()
                },
                text,
            }
        }),
        headers_size: -1,
        body_size: request
            .body
            .as_deref()
            .map_or(0, |body| i64::try_from(body.len()).unwrap_or(-1)),
    }
}

fn response(response: &Response) -> HarResponse<'_> {
    let missing = response.body_bytes.saturating_sub(response.body.len() as u64);
    HarResponse {
        status: response.status,
        status_text: "",
        http_version: HTTP_VERSION,
        cookies: all(&response.headers, "set-cookie")
            .filter_map(|value| cookie(value.split(';').next().unwrap_or_default()))
            .collect(),
        headers: headers(&response.headers),
        content: Content {
            size: response.body_bytes,
            mime_type: all(&response.headers, "content-type").next().unwrap_or(""),
            text: &response.body,
            comment: (missing > 0).then(|| format!("{missing} more bytes were not kept")),
        },
        redirect_url: all(&response.headers, "location").next().unwrap_or(""),
        headers_size: -1,
        body_size: i64::try_from(response.body_bytes).unwrap_or(-1),
    }
}

/// As browsers write it: status 0, and the reason in `_error`.
fn no_response<'a>() -> HarResponse<'a> {
    HarResponse {
        status: 0,
        status_text: "",
        http_version: HTTP_VERSION,
        cookies: Vec::new(),
        headers: Vec::new(),
        content: Content {
            size: 0,
            mime_type: "",
            text: "",
            comment: None,
        },
        redirect_url: "",
        headers_size: -1,
        body_size: -1,
    }
}

fn all<'a>(headers: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let of_name = headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
    of_name.map(|(_, value)| value.as_str())
}

fn headers(headers: &[(String, String)]) -> Vec<Pair<'_>> {
    headers.iter().map(|(name, value)| Pair { name, value }).collect()
}

fn form(text: &str) -> Vec<Decoded> {
    url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| Decoded {
            name: name.into_owned(),
            value: value.into_owned(),
        })
        .collect()
}

fn cookie(text: &str) -> Option<Cookie> {
    let (name, value) = text.trim().split_once('=')?;
    Some(Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}
