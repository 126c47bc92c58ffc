//! Writes the journal as an HTTP archive that browsers' developer tools read.
//!
//! HAR 1.2: <http://www.softwareishard.com/blog/har-12-spec/>

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Entry;

/// The archive; a page of it is a launch.
pub(crate) fn log(public_url: &str, entries: &[Arc<Entry>]) -> Value {
    let mut first: BTreeMap<u64, &Entry> = BTreeMap::new();
    for entry in entries {
        if let Some(launch) = entry.launch {
            first.entry(launch).or_insert(entry);
        }
    }
    let pages = first.iter().map(|(launch, entry)| {
        json!({
            "startedDateTime": began(entry).to_string(),
            "id": page_id(*launch),
            "title": format!("Launch {launch} of {}", entry.client.as_deref().unwrap_or("an app")),
            "pageTimings": { "onContentLoad": -1, "onLoad": -1 },
        })
    });
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "mock-ehr", "version": env!("CARGO_PKG_VERSION") },
            "pages": pages.collect::<Vec<_>>(),
            "entries": entries.iter().map(|entry| exchange(public_url, entry)).collect::<Vec<_>>(),
            "comment": "Secrets were taken out, and bodies of FHIR answers were not kept.",
        }
    })
}

fn page_id(launch: u64) -> String {
    format!("launch-{launch}")
}

fn began(entry: &Entry) -> Timestamp {
    let took = SignedDuration::try_from_secs_f64(entry.took_ms / 1e3).unwrap_or_default();
    entry.at.checked_sub(took).unwrap_or(entry.at)
}

fn exchange(public_url: &str, entry: &Entry) -> Value {
    let mut out = json!({
        "startedDateTime": began(entry).to_string(),
        "time": entry.took_ms,
        "request": request(public_url, entry),
        "response": response(entry),
        "cache": {},
        "timings": { "send": 0, "wait": entry.took_ms, "receive": 0 },
        "_number": entry.number,
        "_objections": entry.objections,
        "_jwts": entry.jwts,
        "_defects": entry.defects,
        "_variants": entry.variants,
        "_fault": entry.fault,
    });
    if let Some(launch) = entry.launch {
        out["pageref"] = page_id(launch).into();
    }
    out
}

fn request(public_url: &str, entry: &Entry) -> Value {
    let request = &entry.request;
    let mut headers: Vec<_> = request.headers.iter().map(|(name, value)| pair(name, value)).collect();
    if let Some(scheme) = &request.authorization {
        headers.push(pair("authorization", &format!("{scheme} (redacted)")));
    }
    if let Some(origin) = &request.origin {
        headers.push(pair("origin", origin));
    }
    let at = request.at.as_deref().unwrap_or_default();
    let mut url = format!("{public_url}{at}{}", request.path);
    if !request.query.is_empty() {
        url.push('?');
        url.push_str(&encoded(&request.query));
    }
    let mut out = json!({
        "method": request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": pairs(&request.query),
        "headersSize": -1,
        "bodySize": request.body_bytes.map_or(json!(0), |size| json!(size)),
    });
    if !request.form.is_empty() {
        out["postData"] = json!({
            "mimeType": "application/x-www-form-urlencoded",
            "params": pairs(&request.form),
            "text": encoded(&request.form),
        });
    } else if let Some(body) = &request.json {
        out["postData"] = json!({ "mimeType": "application/json", "params": [], "text": body.to_string() });
    }
    out
}

fn response(entry: &Entry) -> Value {
    let response = &entry.response;
    let mut headers: Vec<_> = response.headers.iter().map(|(name, value)| pair(name, value)).collect();
    if let Some(kind) = &response.content_type {
        headers.push(pair("content-type", kind));
    }
    if let Some(address) = &response.redirect {
        headers.push(pair("location", address));
    }
    let mut content = json!({
        "size": response.body_bytes.unwrap_or_default(),
        "mimeType": response.content_type.as_deref().unwrap_or("x-unknown"),
    });
    if let Some(body) = &response.json {
        content["text"] = body.to_string().into();
    }
    let reason = http::StatusCode::from_u16(response.status).ok();
    json!({
        "status": response.status,
        "statusText": reason.and_then(|status| status.canonical_reason()).unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": response.redirect.as_deref().unwrap_or_default(),
        "headersSize": -1,
        "bodySize": response.body_bytes.map_or(json!(-1), |size| json!(size)),
    })
}

fn pair(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn pairs(parameters: &[(String, String)]) -> Vec<Value> {
    parameters.iter().map(|(name, value)| pair(name, value)).collect()
}

fn encoded(parameters: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}
