//! Reads a fault from JSON; what is wrong is told by the name of its member.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use super::address::{Address, Endpoint};
use super::effect::{Answer, Effect, Http, Instead};
use super::list::{Fault, Times};
use crate::defect::{Defect, nearest};

/// What cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The member, with a point before an inner one's name.
    pub(super) field: String,
    pub(super) what: String,
}

type Read<T> = Result<T, Wrong>;

const MEMBERS: [&str; 8] = ["endpoint", "path", "method", "client", "nth", "times", "defect", "http"];
const OF_HTTP: [&str; 8] = [
    "delay_ms",
    "status",
    "body",
    "content_type",
    "retry_after",
    "empty",
    "truncated",
    "cut",
];
/// The longest delay, in milliseconds.
pub(super) const LONGEST: u64 = 60_000;
/// The longest body of an answer in place of the server's.
const WIDEST: usize = 64 * 1024;
/// Defects of the connection below HTTP, which belong to no request.
const BELOW: [&str; 4] = ["certificate_", "ssl_", "tls_", "token_plain_http"];

fn wrong<T>(field: &str, what: impl Into<String>) -> Read<T> {
    Err(Wrong {
        field: field.to_owned(),
        what: what.into(),
    })
}

pub(super) fn fault(value: &Value) -> Read<Fault> {
    let Value::Object(members) = value else {
        return wrong(
            "(body)",
            "expected an object such as {\"endpoint\": \"token\", \"http\": {\"status\": 503}}",
        );
    };
    known(members, "", &MEMBERS)?;
    let effect = effect(members)?;
    let address = address(members)?;
    let is_broken = matches!(&effect, Effect::Http(http) if !matches!(http.answer, Answer::Whole | Answer::Status(_)));
    if is_broken && address.method.as_deref() == Some("HEAD") {
        return wrong(
            "http",
            "an answer to HEAD has no body that could be left out, cut short or broken off",
        );
    }
    let nth = match members.get("nth") {
        None => 1,
        Some(value) => number("nth", value, 1, u64::from(u32::MAX))?,
    };
    let times = match members.get("times") {
        None => Times::Only(1),
        Some(Value::String(text)) if text == "once" => Times::Only(1),
        Some(Value::String(text)) if text == "always" => Times::Always,
        Some(value @ Value::Number(_)) => Times::Only(number("times", value, 1, u64::from(u32::MAX))?),
        Some(other) => {
            return wrong(
                "times",
                format!("expected \"once\", \"always\" or a number, found {other}"),
            );
        }
    };
    Ok(Fault {
        address,
        nth,
        times,
        effect,
    })
}

fn address(members: &Map<String, Value>) -> Read<Address> {
    let endpoint = text(members, "", "endpoint")?.map(endpoint).transpose()?;
    let path = text(members, "", "path")?;
    if let Some(path) = path
        && !path.starts_with('/')
    {
        return wrong(
            "path",
            format!("expected a path from the root, such as /fhir/Observation, found {path:?}"),
        );
    }
    let method = text(members, "", "method")?;
    if let Some(method) = method
        && (Method::from_bytes(method.as_bytes()).is_err() || method != method.to_ascii_uppercase())
    {
        return wrong("method", format!("expected a method such as POST, found {method:?}"));
    }
    let client = text(members, "", "client")?;
    if client.is_some() {
        let anonymous = endpoint.filter(|endpoint| endpoint.is_anonymous());
        if let Some(endpoint) = anonymous {
            return wrong(
                "client",
                format!("requests to {} do not tell whose they are", endpoint.name()),
            );
        }
        if method == Some("OPTIONS") {
            return wrong("client", "preflights do not tell whose they are");
        }
    }
    Ok(Address {
        endpoint,
        path: path.map(str::to_owned),
        method: method.map(str::to_owned),
        client: client.map(str::to_owned),
    })
}

fn endpoint(name: &str) -> Read<Endpoint> {
    let all = Endpoint::ALL.iter().copied();
    if let Some(endpoint) = all.clone().find(|endpoint| endpoint.name() == name) {
        return Ok(endpoint);
    }
    let names: Vec<_> = all.map(Endpoint::name).collect();
    wrong(
        "endpoint",
        format!("expected one of {}, found {name:?}", names.join(", ")),
    )
}

fn effect(members: &Map<String, Value>) -> Read<Effect> {
    match (text(members, "", "defect")?, members.get("http")) {
        (Some(name), None) => {
            let defect: Defect = name.parse().or_else(|error| wrong("defect", format!("{error}")))?;
            if BELOW.iter().any(|topic| name.starts_with(topic)) {
                return wrong(
                    "defect",
                    format!("{name} belongs to the connection, not to one request"),
                );
            }
            Ok(Effect::Defect(defect))
        }
        (None, Some(Value::Object(members))) => http(members).map(Effect::Http),
        (None, Some(other)) => wrong(
            "http",
            format!("expected an object such as {{\"status\": 503}}, found {other}"),
        ),
        (None, None) => wrong("defect", "expected the name of a defect, or a member http"),
        (Some(_), Some(_)) => wrong("http", "a fault has either a defect or http, not both"),
    }
}

fn http(members: &Map<String, Value>) -> Read<Http> {
    known(members, "http.", &OF_HTTP)?;
    let delay = match members.get("delay_ms") {
        None => None,
        Some(value) => Some(Duration::from_millis(number("http.delay_ms", value, 1, LONGEST)?)),
    };
    let kinds: Vec<_> = ["status", "empty", "truncated", "cut"]
        .into_iter()
        .filter(|kind| members.contains_key(*kind))
        .collect();
    let answer = match kinds.as_slice() {
        [] if delay.is_none() => return wrong("http", "expected one of status, delay_ms, empty, truncated, cut"),
        [] => Answer::Whole,
        ["status"] => Answer::Status(instead(members)?),
        ["empty"] => {
            yes(members, "empty")?;
            Answer::Empty
        }
        ["truncated"] => {
            yes(members, "truncated")?;
            Answer::Truncated
        }
        ["cut"] => match text(members, "http.", "cut")? {
            Some("before") => Answer::Cut { handled: false },
            Some("after") => Answer::Cut { handled: true },
            other => {
                let found = other.unwrap_or_default();
                return wrong(
                    "http.cut",
                    format!("expected \"before\" or \"after\" the request is handled, found {found:?}"),
                );
            }
        },
        several => return wrong("http", format!("one answer cannot be all of {}", several.join(", "))),
    };
    let of_status = ["body", "content_type", "retry_after"];
    let stray = of_status.into_iter().find(|name| members.contains_key(*name));
    if let (Some(name), false) = (stray, matches!(answer, Answer::Status(_))) {
        return wrong(&format!("http.{name}"), "goes with http.status only");
    }
    Ok(Http { delay, answer })
}

fn instead(members: &Map<String, Value>) -> Read<Instead> {
    let status = number("http.status", &members["status"], 200, 599)?;
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status else {
        return wrong("http.status", "expected a status from 200 to 599");
    };
    let body = text(members, "http.", "body")?.map(str::to_owned);
    if body.as_ref().is_some_and(|body| body.len() > WIDEST) {
        return wrong("http.body", format!("expected at most {WIDEST} bytes"));
    }
    let content_type = match text(members, "http.", "content_type")?.map(HeaderValue::from_str) {
        None => None,
        Some(Ok(value)) => Some(value),
        Some(Err(_)) => return wrong("http.content_type", "expected a media type such as text/html"),
    };
    let retry_after = match members.get("retry_after") {
        None => None,
        Some(value) => u32::try_from(number("http.retry_after", value, 0, 86_400)?).ok(),
    };
    Ok(Instead {
        status,
        body,
        content_type,
        retry_after,
    })
}

fn known(members: &Map<String, Value>, within: &str, names: &'static [&'static str]) -> Read<()> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => wrong(
            &format!("{within}{name}"),
            format!(
                "there is no such member; the nearest name is {}",
                nearest(name, names.iter().copied())
            ),
        ),
    }
}

fn text<'a>(members: &'a Map<String, Value>, within: &str, name: &str) -> Read<Option<&'a str>> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() || name == "body" => Ok(Some(text)),
        Some(other) => wrong(&format!("{within}{name}"), format!("expected a text, found {other}")),
    }
}

fn number(field: &str, value: &Value, least: u64, most: u64) -> Read<u64> {
    match value.as_u64().filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(number),
        None => wrong(
            field,
            format!("expected a whole number from {least} to {most}, found {value}"),
        ),
    }
}

fn yes(members: &Map<String, Value>, name: &str) -> Read<()> {
    match &members[name] {
        Value::Bool(true) => Ok(()),
        other => wrong(&format!("http.{name}"), format!("expected true, found {other}")),
    }
}
