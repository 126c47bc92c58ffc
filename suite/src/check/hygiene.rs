//! Whether an answer to odd input is an ordinary one: no breakdown, no trace of the code behind, nothing given away,
//! nobody led astray.
//!
//! RFC 6749 §10.14 and §10.15, RFC 9700 §4.11; CWE-209, CWE-113, CWE-601.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::finding::{Finding, answer, deed};
use super::refusal::describe_answer;
use super::traces::trace_in;
use crate::http::{Exchange, Failure};
use crate::step::Context;
use crate::value::Template;

/// `answered`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnsweredArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The answer must be a 4xx, not only below 500.
    #[serde(default)]
    pub refused: bool,
}

/// `no_stack_trace`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
}

/// `not_echoed`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Texts that no answer of the step holds, in its body or its header.
    pub texts: Vec<Template>,
    /// Only answers count that a browser shows as HTML, and only the texts as they stand.
    #[serde(default)]
    pub as_markup: bool,
}

/// `no_field`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFieldArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// A header field that no answer of the step has.
    pub name: String,
}

/// `not_sent_to`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotSentToArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// A host to which no redirect of the step leads.
    pub host: String,
}

/// Beyond this a server may close the connection instead of reading on (RFC 9110 §15.5.14).
const LONG: usize = 4096;

/// `answered`: a status below 500; 501 and 505 say that something is not supported, and are no breakdown.
pub fn answered(context: &Context<'_>, args: &AnsweredArgs) -> Finding {
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let words = describe_answer(answer);
    match answer.outcome() {
        Ok(response) => match response.status {
            408 | 429 => Finding::Undecided(words),
            // RFC 9110 §15.6: what stands before the server says that it did not answer.
            500 | 502..=504 | 506.. => Finding::ServerError(words),
            status if args.refused && status < 400 => Finding::broken("a refusal (4xx)", words),
            _ => Finding::Holds(Some(words)),
        },
        Err(Failure::Cut(why)) if is_long(&answer.exchange) => {
            Finding::Holds(Some(format!("the connection was closed while the request came: {why}")))
        }
        Err(Failure::Timeout(limit)) => Finding::ServerError(format!("no complete answer within {limit:?}")),
        Err(failure) => Finding::Undecided(failure.to_string()),
    }
}

fn is_long(exchange: &Exchange) -> bool {
    let body = exchange.request.wire_body().map_or(0, |(_, bytes)| bytes.len());
    exchange.request.url.as_str().len().max(body) > LONG
}

/// Every exchange of the step.
fn exchanges(context: &Context<'_>, of: Option<&str>) -> Result<Vec<Arc<Exchange>>, Finding> {
    let deed = deed(context, of)?;
    let all: Vec<_> = deed
        .exchanges
        .iter()
        .filter_map(|id| context.world.recorder.exchange(*id))
        .collect();
    if all.iter().any(|exchange| exchange.response().is_some()) {
        return Ok(all);
    }
    let why = all.last().and_then(|exchange| exchange.outcome.as_ref().err());
    Err(Finding::Undecided(
        why.map_or_else(|| "nothing came back".to_owned(), ToString::to_string),
    ))
}

macro_rules! found {
    ($looked:expr) => {
        match $looked {
            Ok(value) => value,
            Err(finding) => return finding,
        }
    };
}

/// `no_stack_trace`: judged on what a refusal or a breakdown says.
pub fn no_stack_trace(context: &Context<'_>, args: &TraceArgs) -> Finding {
    for exchange in found!(exchanges(context, args.of.as_deref())) {
        let Some(response) = exchange.response() else { continue };
        if let Some(trace) = trace_in(&response.text()) {
            return Finding::broken(
                "an error that says what was wrong with the request, and nothing of the code behind",
                format!("status {} with {trace}", response.status),
            );
        }
    }
    Finding::holds()
}

/// `not_echoed`.
pub fn not_echoed(context: &Context<'_>, args: &EchoArgs) -> Finding {
    let all = found!(exchanges(context, args.of.as_deref()));
    for template in &args.texts {
        let Ok(text) = context.fill(template, &|_: &str| None) else {
            continue;
        };
        if text.len() < 6 {
            continue;
        }
        for exchange in &all {
            let Some(response) = exchange.response() else { continue };
            let body = response.text();
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let seen = if args.as_markup {
                is_html(response.header("content-type"), &body) && body.contains(&text)
            } else {
                let fields = response.headers.values().map(http::HeaderValue::as_bytes);
                let in_fields = fields
                    .map(String::from_utf8_lossy)
                    .any(|value| value.contains(&text) || value.contains(&encoded));
                let in_json = serde_json::to_string(&text).unwrap_or_default();
                in_fields || body.contains(&text) || body.contains(&encoded) || body.contains(in_json.trim_matches('"'))
            };
            if seen {
                return Finding::broken(
                    format!("an answer without {template}"),
                    format!("status {} with {template} in it, as it was sent", response.status),
                );
            }
        }
    }
    Finding::holds()
}

/// What a browser shows as a page: by its media type, or by its look where it has none.
fn is_html(kind: Option<&str>, body: &str) -> bool {
    match kind {
        Some(kind) => kind.contains("html"),
        None => body.trim_start().starts_with('<'),
    }
}

/// `no_field`.
pub fn no_field(context: &Context<'_>, args: &NoFieldArgs) -> Finding {
    for exchange in found!(exchanges(context, args.of.as_deref())) {
        let Some(response) = exchange.response() else { continue };
        if let Some(value) = response.headers.get(&args.name) {
            return Finding::broken(
                format!("no header field {}, which stood in a parameter", args.name),
                format!("{}: {}", args.name, String::from_utf8_lossy(value.as_bytes())),
            );
        }
    }
    Finding::holds()
}

/// `not_sent_to`.
pub fn not_sent_to(context: &Context<'_>, args: &NotSentToArgs) -> Finding {
    for exchange in found!(exchanges(context, args.of.as_deref())) {
        let Some(response) = exchange.response() else { continue };
        if response.status >= 500 {
            return Finding::ServerError(format!("status {}", response.status));
        }
        let Some(to) = response
            .header("location")
            .and_then(|to| exchange.request.url.join(to).ok())
        else {
            continue;
        };
        if leads_to(&to, &args.host) {
            return Finding::broken(
                format!("no redirect to {}", args.host),
                format!("status {} to {}", response.status, to.origin().ascii_serialization()),
            );
        }
    }
    Finding::holds()
}

fn leads_to(url: &Url, host: &str) -> bool {
    url.host_str()
        .is_some_and(|own| own == host || own.ends_with(&format!(".{host}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_html_by_its_type_first() {
        assert!(is_html(Some("text/html; charset=utf-8"), ""));
        assert!(!is_html(Some("application/json"), "<b>"));
        assert!(is_html(None, " <b>"));
    }

    #[test]
    fn subdomains_of_a_host_are_the_host() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(leads_to(&url("https://a.attacker.example/"), "attacker.example"));
        assert!(!leads_to(&url("https://notattacker.example/"), "attacker.example"));
        assert!(!leads_to(
            &url("https://ehr.example/?to=attacker.example"),
            "attacker.example"
        ));
    }
}
