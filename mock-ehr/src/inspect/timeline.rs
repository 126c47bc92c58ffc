//! Puts exchanges together to timelines, and says of each what a person wants to know.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::explain::{Meaning, Place, meaning};
use super::{rules, steps};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::journal::{Entry, Objection, Summary};
use crate::variant::Variant;

/// How many timelines a page shows.
const TIMELINES: usize = 25;

/// How many exchanges a timeline shows, unless it is asked for alone.
const ROWS: usize = 120;

/// A launch, or what belongs to none.
pub(super) struct Timeline {
    pub(super) id: String,
    pub(super) launch: Option<u64>,
    pub(super) title: String,
    pub(super) client: Option<String>,
    pub(super) began: String,
    pub(super) refused: usize,
    pub(super) let_pass: usize,
    pub(super) rows: Vec<Row>,
    /// Earlier ones that are not shown.
    pub(super) left_out: usize,
}

/// One exchange.
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) since: String,
    pub(super) took: String,
    pub(super) title: &'static str,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: u16,
    /// For its colour: `ok`, `on` for a redirect, `no`.
    pub(super) tone: &'static str,
    pub(super) objections: Vec<Objection>,
    pub(super) defects: Vec<Fault>,
    pub(super) variants: Vec<(&'static str, &'static str)>,
    /// What became of the answer on its way, on request.
    pub(super) broken: Option<String>,
    pub(super) hint: Option<&'static str>,
    pub(super) asked: Vec<Part>,
    pub(super) answered: Vec<Part>,
}

/// A defect that had its say.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// What a good app does.
    pub(super) app: &'static str,
    pub(super) level: &'static str,
    pub(super) rule: &'static str,
    pub(super) url: String,
    pub(super) requirement: &'static str,
}

/// Names and values under a heading.
pub(super) struct Part {
    pub(super) heading: String,
    pub(super) lines: Vec<Line>,
}

/// A name, its value, and what it means.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) meaning: Option<Meaning>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nobody,
    App(String),
    Launch(u64),
}

/// Launches, the latest first, then apps, then the rest; and how many timelines are left out.
pub(super) fn of(entries: &[Arc<Entry>], alone: bool) -> (Vec<Timeline>, usize) {
    let mut groups: BTreeMap<Key, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let key = match (entry.launch, &entry.client) {
            (Some(launch), _) => Key::Launch(launch),
            (None, Some(client)) => Key::App(client.clone()),
            (None, None) => Key::Nobody,
        };
        groups.entry(key).or_default().push(entry);
    }
    let left_out = groups.len().saturating_sub(TIMELINES);
    let rows = if alone { usize::MAX } else { ROWS };
    let shown = groups.iter().rev().take(TIMELINES);
    (
        shown.map(|(key, entries)| timeline(key, entries, rows)).collect(),
        left_out,
    )
}

fn timeline(key: &Key, entries: &[&Entry], at_most: usize) -> Timeline {
    let began = entries.first().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
    let left_out = entries.len().saturating_sub(at_most);
    let (id, title, launch) = match key {
        Key::Launch(number) => (
            format!("launch-{number}"),
            launch_title(*number, entries),
            Some(*number),
        ),
        Key::App(client) => (format!("app-{client}"), "Outside any launch".to_owned(), None),
        Key::Nobody => (
            "nobody".to_owned(),
            "Nobody's: discovery, keys, and what cannot be told".to_owned(),
            None,
        ),
    };
    let objections = || entries.iter().flat_map(|entry| &entry.objections);
    Timeline {
        id,
        launch,
        title,
        client: entries.iter().rev().find_map(|entry| entry.client.clone()),
        began: began.strftime("%F %T UTC").to_string(),
        refused: objections().filter(|objection| !objection.let_pass).count(),
        let_pass: objections().filter(|objection| objection.let_pass).count(),
        rows: entries[left_out..].iter().map(|entry| row(entry, began)).collect(),
        left_out,
    }
}

fn launch_title(number: u64, entries: &[&Entry]) -> String {
    let from_ehr = entries.iter().any(|entry| {
        let asked = || entry.request.query.iter().chain(&entry.request.form);
        ["/launch", "/launches", "/rpc"].contains(&entry.request.path.as_str())
            || (["/auth/authorize", "/auth/par"].contains(&entry.request.path.as_str())
                && asked().any(|(name, _)| name == "launch"))
    });
    let kind = if from_ehr { "EHR launch" } else { "Standalone launch" };
    format!("{kind} {number}")
}

fn row(entry: &Entry, began: Timestamp) -> Row {
    let (request, response) = (&entry.request, &entry.response);
    let since = entry.at.duration_since(began).as_secs_f64();
    Row {
        number: entry.number,
        since: if since < 60.0 {
            format!("+{since:.3} s")
        } else {
            format!("+{:.1} min", since / 60.0)
        },
        took: format!("{:.1} ms", entry.took_ms),
        title: steps::title(entry),
        method: request.method.clone(),
        // The choices of a standalone launch make a long address; HAR has it whole.
        path: match request.at {
            Some(_) => format!("/l/\u{2026}{}", request.path),
            None => request.path.clone(),
        },
        status: response.status,
        tone: match response.status {
            200..=299 => "ok",
            300..=399 => "on",
            _ => "no",
        },
        objections: entry.objections.clone(),
        defects: entry.defects.iter().filter_map(|name| fault(name)).collect(),
        variants: entry.variants.iter().filter_map(|name| variant(name)).collect(),
        broken: entry.fault.clone(),
        hint: hint(entry),
        asked: asked(entry),
        answered: answered(entry),
    }
}

fn fault(name: &str) -> Option<Fault> {
    let defect = name.parse::<Defect>().ok()?;
    let rule = rules::rule(defect.requirement());
    Some(Fault {
        name: defect.name(),
        about: defect.doc(),
        app: defect.app(),
        requirement: defect.requirement(),
        level: rule.map_or("", |rule| rule.level),
        rule: rule.map_or("", |rule| rule.text),
        url: rule.map(|rule| rule.url.clone()).unwrap_or_default(),
    })
}

fn variant(name: &str) -> Option<(&'static str, &'static str)> {
    let variant = name.parse::<Variant>().ok()?;
    Some((variant.name(), variant.doc()))
}

/// A slip that the answer itself cannot name.
fn hint(entry: &Entry) -> Option<&'static str> {
    Some(match entry.request.bearer? {
        "id_token" => "What was sent as bearer token is the id_token: send the access_token.",
        "refresh_token" => "What was sent as bearer token is a refresh token: it goes to the token endpoint only.",
        "code" => "What was sent as bearer token is the authorization code: exchange it for a token first.",
        "launch" => "What was sent as bearer token is the launch value: it goes to the authorization endpoint only.",
        _ => return None,
    })
}

fn asked(entry: &Entry) -> Vec<Part> {
    let request = &entry.request;
    let place = match request.path.as_str() {
        "/auth/authorize" | "/auth/par" => Place::Authorize,
        "/auth/token" | "/auth/introspect" | "/auth/revoke" | "/auth/end-session" => Place::Token,
        "/launch" | "/launches" | "/rpc" => Place::Launch,
        path if path.starts_with("/fhir") => Place::Fhir,
        _ => Place::Page,
    };
    let mut parts = vec![
        part("Parameters in the address", &request.query, Some(place)),
        part("Form", &request.form, Some(place)),
    ];
    if let Some(Value::Object(members)) = &request.json {
        parts.push(of_members("JSON body", members, place));
    }
    parts.push(of_headers(request.headers.iter(), |lines| {
        if let Some(scheme) = &request.authorization {
            let what = match request.bearer {
                Some("unknown") => "a token that this server does not know",
                Some(kind) => kind,
                None => "credentials",
            };
            lines.push(plain("authorization", &format!("{scheme} ({what}, redacted)")));
        }
        if let Some(origin) = &request.origin {
            lines.push(plain("origin", origin));
        }
    }));
    let of_request = |name: &str| !["access_token", "id_token"].contains(&name) || entry.response.json.is_none();
    parts.extend(jwts(entry, of_request));
    parts.retain(|part| !part.lines.is_empty());
    parts
}

fn answered(entry: &Entry) -> Vec<Part> {
    let response = &entry.response;
    let mut parts = Vec::new();
    if let Some(address) = &response.redirect {
        parts.extend(redirect(address));
    }
    if let Some(Value::Object(members)) = &response.json {
        parts.push(of_members("JSON body", members, Place::Answer));
    }
    if let Some(summary) = &response.fhir {
        parts.push(Part {
            heading: "FHIR, in short".to_owned(),
            lines: in_short(summary),
        });
    }
    if response.json.is_some() {
        parts.extend(jwts(entry, |name| ["access_token", "id_token"].contains(&name)));
    }
    parts.push(of_headers(response.headers.iter(), |lines| {
        if let Some(kind) = &response.content_type {
            lines.push(plain("content-type", kind));
        }
        if let Some(size) = response.body_bytes {
            lines.push(plain("size", &format!("{size} bytes")));
        }
    }));
    parts.retain(|part| !part.lines.is_empty());
    parts
}

fn in_short(summary: &Summary) -> Vec<Line> {
    let mut lines = vec![plain("resourceType", &summary.resource_type)];
    let numbers = [
        ("total", summary.total.map(|total| total.to_string())),
        ("entries", summary.entries.map(|count| count.to_string())),
    ];
    let texts = [("id", summary.id.clone()), ("type", summary.kind.clone())];
    lines.extend(
        texts
            .into_iter()
            .chain(numbers)
            .filter_map(|(name, value)| Some(plain(name, &value?))),
    );
    lines
}

fn redirect(address: &str) -> Vec<Part> {
    let mut pieces = address.split(['?', '#']);
    let target = pieces.next().unwrap_or_default();
    let mut parts = vec![Part {
        heading: "The browser goes on".to_owned(),
        lines: vec![plain("to", target)],
    }];
    for piece in pieces {
        let pairs: Vec<(String, String)> = Parameters::parse(piece.as_bytes())
            .unwrap_or_default()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        parts.push(part("With", &pairs, Some(Place::Callback)));
    }
    parts
}

fn jwts(entry: &Entry, wanted: impl Fn(&str) -> bool) -> Vec<Part> {
    let chosen = entry.jwts.iter().filter(|jwt| wanted(&jwt.name));
    chosen
        .flat_map(|jwt| {
            [
                of_members(&format!("{}, decoded: header", jwt.name), &jwt.header, Place::Jwt),
                of_members(&format!("{}, decoded: claims", jwt.name), &jwt.claims, Place::Jwt),
            ]
        })
        .collect()
}

fn of_members(heading: &str, members: &Map<String, Value>, place: Place) -> Part {
    Part {
        heading: heading.to_owned(),
        lines: members
            .iter()
            .map(|(name, value)| Line {
                name: name.clone(),
                value: written(name, value),
                meaning: meaning(place, name),
            })
            .collect(),
    }
}

/// A value; of a point in time also what the clock showed.
fn written(name: &str, value: &Value) -> String {
    let is_time = ["exp", "iat", "nbf", "auth_time"].contains(&name);
    let time = value
        .as_i64()
        .filter(|_| is_time)
        .and_then(|second| Timestamp::from_second(second).ok());
    match (value, time) {
        (Value::String(text), _) => text.clone(),
        (_, Some(time)) => format!("{value} ({})", time.strftime("%F %T UTC")),
        (Value::Object(_) | Value::Array(_), _) => serde_json::to_string_pretty(value).unwrap_or_default(),
        _ => value.to_string(),
    }
}

fn of_headers<'a>(
    headers: impl Iterator<Item = &'a (&'static str, String)>,
    more: impl FnOnce(&mut Vec<Line>),
) -> Part {
    let mut lines: Vec<Line> = headers.map(|(name, value)| plain(name, value)).collect();
    more(&mut lines);
    Part {
        heading: "Headers".to_owned(),
        lines,
    }
}

fn part(heading: &str, pairs: &[(String, String)], place: Option<Place>) -> Part {
    Part {
        heading: heading.to_owned(),
        lines: pairs
            .iter()
            .map(|(name, value)| Line {
                name: name.clone(),
                value: value.clone(),
                meaning: place.and_then(|place| meaning(place, name)),
            })
            .collect(),
    }
}

fn plain(name: &str, value: &str) -> Line {
    Line {
        name: name.to_owned(),
        value: value.to_owned(),
        meaning: None,
    }
}
