//! One request and response as HTML, and the choice of those that fit into the page.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use askama::Template;

use super::curl;
use crate::model::{Exchange, Report, Request, Response, Status};
use crate::plain::{cut, head, visible};
use crate::tally::{duration, grouped};

/// Bytes of a body that are shown.
const BODY: usize = 2_048;
/// Characters of a URL or of a header field that are shown.
const FIELD: usize = 1_024;
/// Bytes of HTML that all exchanges together may take; the rest stays in `run.json`.
const BUDGET: usize = 800_000;

#[derive(Template)]
#[template(path = "exchange.html")]
struct Block {
    request: String,
    response: Option<String>,
    failure: Option<String>,
    jwts: Vec<Jwt>,
    curl: String,
    placeholders: Vec<String>,
}

struct Jwt {
    name: String,
    header: String,
    claims: String,
}

/// One line of evidence below a verdict.
pub(super) struct Step {
    /// The index of the exchange.
    pub(super) id: usize,
    /// `exchange (second)`.
    pub(super) name: String,
    /// `POST https://…`.
    pub(super) line: String,
    /// `400`, or why there is none.
    pub(super) outcome: String,
    /// There was no response, or the server broke down. No other status code has a colour: a 400 may be the right
    /// answer and a 200 the wrong one.
    pub(super) broken: bool,
    /// How long it took, where there was a response.
    pub(super) elapsed: Option<String>,
    /// What is below the line.
    pub(super) body: StepBody,
    /// The one that was judged: it stands open.
    pub(super) judged: bool,
}

/// What is shown of an exchange.
pub(super) enum StepBody {
    /// The whole, as HTML that is escaped already.
    Full(String),
    /// It stands whole further up.
    Above,
    /// Only the line.
    LineOnly,
}

/// The exchanges that are shown whole, each once: at the first verdict that names it.
pub(super) struct Evidence<'a> {
    exchanges: HashMap<usize, &'a Exchange>,
    rendered: HashMap<usize, String>,
    /// `https://ehr.example`, which lines leave out.
    origin: &'a str,
    shown: HashSet<usize>,
    /// How many did not fit.
    pub(super) left_out: usize,
}

impl<'a> Evidence<'a> {
    /// Chooses what is shown: the judged exchanges first, failures before all else, until the budget is spent.
    pub(super) fn choose(report: &'a Report) -> Self {
        let exchanges: HashMap<usize, &Exchange> = report.exchanges.iter().map(|e| (e.id, e)).collect();
        let mut wanted: Vec<(u8, usize)> = Vec::new();
        for verdict in &report.verdicts {
            let Some(rank) = rank(verdict.status) else { continue };
            let last = verdict.evidence.len().saturating_sub(1);
            for (index, id) in verdict.evidence.iter().enumerate() {
                wanted.push((if index == last { rank } else { rank + 4 }, *id));
            }
        }
        wanted.sort_by_key(|(rank, _)| *rank);

        let mut evidence = Self {
            exchanges,
            rendered: HashMap::new(),
            origin: origin(&report.target.fhir_base),
            shown: HashSet::new(),
            left_out: 0,
        };
        let mut refused = HashSet::new();
        let mut spent = 0;
        for (_, id) in wanted {
            let Some(exchange) = evidence.exchanges.get(&id) else {
                continue;
            };
            if evidence.rendered.contains_key(&id) || refused.contains(&id) {
                continue;
            }
            let html = if spent < BUDGET {
                block(exchange, report.run.insecure)
            } else {
                String::new()
            };
            if html.is_empty() || spent + html.len() > BUDGET {
                refused.insert(id);
                continue;
            }
            spent += html.len();
            evidence.rendered.insert(id, html);
        }
        evidence.left_out = refused.len();
        evidence
    }

    /// The evidence of one verdict that did not pass.
    pub(super) fn steps(&mut self, ids: &[usize]) -> Vec<Step> {
        let last = ids.last().copied();
        let mut steps = Vec::with_capacity(ids.len());
        for &id in ids {
            let Some(exchange) = self.exchanges.get(&id).copied() else {
                continue;
            };
            let body = match self.rendered.get(&id) {
                Some(_) if !self.shown.insert(id) => StepBody::Above,
                Some(html) => StepBody::Full(html.clone()),
                None => StepBody::LineOnly,
            };
            steps.push(step(exchange, self.origin, body, Some(id) == last));
        }
        steps
    }

    /// The judged exchange of a verdict that passed, as a line.
    pub(super) fn last_line(&self, ids: &[usize]) -> Option<Step> {
        let exchange = ids.last().and_then(|id| self.exchanges.get(id))?;
        Some(step(exchange, self.origin, StepBody::LineOnly, true))
    }
}

/// Scheme and authority of an address.
pub(super) fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |at| authority + at);
    &url[..end]
}

/// The address without the origin that it shares with the target.
pub(super) fn near<'a>(url: &'a str, origin: &str) -> &'a str {
    match url.strip_prefix(origin) {
        Some(path) if path.starts_with('/') => path,
        _ => url,
    }
}

fn rank(status: Status) -> Option<u8> {
    match status {
        Status::Fail => Some(0),
        Status::Warn => Some(1),
        Status::Error | Status::Blocked | Status::Unconfigured => Some(2),
        Status::Info | Status::Skip => Some(3),
        Status::Pass => None,
    }
}

fn step(exchange: &Exchange, origin: &str, body: StepBody, judged: bool) -> Step {
    let (outcome, broken) = match &exchange.response {
        Some(response) => (response.status.to_string(), response.status >= 500),
        None => (cut(exchange.failure.as_deref().unwrap_or("no answer"), 120), true),
    };
    Step {
        id: exchange.id,
        name: cut(&exchange.step, 60),
        line: cut(
            &format!("{} {}", exchange.request.method, near(&exchange.request.url, origin)),
            120,
        ),
        outcome,
        broken,
        elapsed: exchange.response.as_ref().map(|response| duration(response.elapsed_ms)),
        body,
        judged,
    }
}

fn block(exchange: &Exchange, insecure: bool) -> String {
    let command = curl::command(&exchange.request, insecure);
    let (shown, rest) = head(&command, 2 * BODY);
    let block = Block {
        request: request(&exchange.request),
        response: exchange.response.as_ref().map(response),
        failure: exchange.failure.as_deref().map(|failure| cut(failure, FIELD)),
        jwts: exchange
            .decoded
            .iter()
            .map(|jwt| Jwt {
                name: cut(&jwt.name, 60),
                header: json(&jwt.header),
                claims: json(&jwt.claims),
            })
            .collect(),
        placeholders: curl::placeholders(&command),
        // Half a command must not look like a whole one.
        curl: if rest == 0 {
            visible(shown).into_owned()
        } else {
            String::new()
        },
    };
    block.render().expect("the template only formats strings into memory")
}

/// The request, its parameters one a line, so that they can be compared by eye.
fn request(request: &Request) -> String {
    let url = match request.url.split_once('?') {
        Some((path, query)) => format!("{path}\n  ?{}", query.replace('&', "\n  &")),
        None => request.url.clone(),
    };
    let (url, rest) = head(&url, 2 * FIELD);
    let mut text = format!("{} {url}{}\n", request.method, missing(rest));
    headers(&mut text, &request.headers);
    if let Some(body) = &request.body {
        let form = header(&request.headers, "content-type").is_some_and(|t| t.contains("x-www-form-urlencoded"));
        let body = if form { body.replace('&', "\n&") } else { body.clone() };
        append_body(&mut text, &body, 0);
    }
    visible(&text).into_owned()
}

fn response(response: &Response) -> String {
    let mut text = format!("{}\n", response.status);
    headers(&mut text, &response.headers);
    let pretty = serde_json::from_str::<serde_json::Value>(&response.body)
        .ok()
        .filter(|value| value.is_object() || value.is_array())
        .map(|value| json(&value));
    let kept = response.body.len() as u64;
    append_body(
        &mut text,
        pretty.as_deref().unwrap_or(&response.body),
        response.body_bytes.saturating_sub(kept),
    );
    visible(&text).into_owned()
}

fn headers(text: &mut String, headers: &[(String, String)]) {
    for (name, value) in headers {
        let (value, rest) = head(value, FIELD);
        let _ = writeln!(text, "{name}: {value}{}", missing(rest));
    }
}

fn append_body(text: &mut String, body: &str, not_kept: u64) {
    let (shown, rest) = head(body, BODY);
    if shown.is_empty() && not_kept == 0 {
        return;
    }
    text.push('\n');
    text.push_str(shown);
    let missing = rest as u64 + not_kept;
    if missing > 0 {
        let _ = write!(text, "\n… {} more bytes", grouped(missing));
    }
}

fn missing(rest: usize) -> String {
    if rest == 0 {
        String::new()
    } else {
        format!("… {} more bytes", grouped(rest as u64))
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn json(value: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let (shown, rest) = head(&text, BODY);
    visible(&format!("{shown}{}", missing(rest))).into_owned()
}
