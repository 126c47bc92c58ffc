//! The picture of a launch: who sent what to whom, drawn from one recorded launch of the run. Texts are strings that the
//! template escapes; numbers are pixels.

use serde_json::Value;

use super::exchange::{near, origin};
use crate::model::{Exchange, Report, Status, Verdict};
use crate::plain::cut;

/// Exchanges of one picture at most.
const MOST: usize = 12;
/// Pixels of a row.
const ROW: usize = 30;
/// Pixels above the first row.
const TOP: usize = 78;

/// Who takes part, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Browser,
    App,
    Authorization,
    Fhir,
}

impl Party {
    const ALL: [Self; 4] = [Self::Browser, Self::App, Self::Authorization, Self::Fhir];

    fn x(self) -> usize {
        [95, 330, 590, 825][self as usize]
    }

    fn name(self) -> &'static str {
        ["Browser", "App (launchproof)", "Authorization server", "FHIR server"][self as usize]
    }
}

/// The picture.
pub(super) struct Sequence {
    /// The verdict whose evidence it is.
    pub(super) id: String,
    pub(super) anchor: String,
    pub(super) height: usize,
    pub(super) parties: Vec<(&'static str, usize)>,
    pub(super) arrows: Vec<Arrow>,
}

/// One message.
pub(super) struct Arrow {
    pub(super) y: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Where its text stands.
    pub(super) middle: usize,
    pub(super) text_y: usize,
    /// The three points of its head.
    pub(super) head: String,
    pub(super) text: String,
    /// The whole, for those who cannot see it: `Browser to App: …`.
    pub(super) said: String,
    pub(super) class: &'static str,
}

/// What an exchange is in a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Discovery,
    Authorize,
    Page,
    Token,
    Fhir,
    Other,
}

impl Sequence {
    /// The shortest recorded launch that has most to show; `None` where nobody signed in.
    pub(super) fn of(report: &Report) -> Option<Self> {
        let launches = report.verdicts.iter().enumerate().filter_map(|(index, verdict)| {
            let exchanges = evidence(report, verdict)?;
            let kinds = |kind| exchanges.iter().any(|exchange| self::kind(exchange, report) == kind);
            let whole = [Kind::Discovery, Kind::Page, Kind::Fhir]
                .into_iter()
                .filter(|kind| kinds(*kind))
                .count();
            let launch = kinds(Kind::Authorize) && kinds(Kind::Token);
            let good = matches!(verdict.status, Status::Pass | Status::Info);
            let rank = (good, whole, std::cmp::Reverse(exchanges.len()));
            launch.then_some((rank, index, verdict, exchanges))
        });
        // The first of equals, so that the picture does not change with what comes after it.
        let (_, index, verdict, exchanges) = launches.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        let mut drawing = Drawing {
            origin: origin(&report.target.fhir_base),
            arrows: Vec::new(),
        };
        for exchange in discovery(report, &exchanges).into_iter().chain(exchanges) {
            drawing.exchange(exchange, kind(exchange, report));
        }
        Some(Self {
            id: cut(&verdict.id(), 160),
            anchor: format!("row-{index}"),
            height: TOP + drawing.arrows.len() * ROW,
            parties: Party::ALL.iter().map(|party| (party.name(), party.x())).collect(),
            arrows: drawing.arrows,
        })
    }
}

fn evidence<'a>(report: &'a Report, verdict: &Verdict) -> Option<Vec<&'a Exchange>> {
    if verdict.evidence.len() > MOST {
        return None;
    }
    verdict.evidence.iter().map(|id| report.exchanges.get(*id)).collect()
}

/// Discovery is done once in a run, before the launch that is drawn.
fn discovery<'a>(report: &'a Report, drawn: &[&Exchange]) -> Option<&'a Exchange> {
    if drawn.iter().any(|exchange| kind(exchange, report) == Kind::Discovery) {
        return None;
    }
    let answered = |exchange: &&Exchange| {
        exchange
            .response
            .as_ref()
            .is_some_and(|response| response.status == 200)
    };
    report
        .exchanges
        .iter()
        .filter(answered)
        .find(|exchange| kind(exchange, report) == Kind::Discovery)
}

fn kind(exchange: &Exchange, report: &Report) -> Kind {
    let url = exchange.request.url.as_str();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let base = report.target.fhir_base.trim_end_matches('/');
    if path.ends_with("/.well-known/smart-configuration") {
        Kind::Discovery
    } else if exchange.step.ends_with(" (page)") || exchange.step == "sign_in" {
        Kind::Page
    } else if query.split('&').any(|pair| pair.starts_with("response_type=")) {
        Kind::Authorize
    } else if exchange
        .request
        .body
        .as_deref()
        .is_some_and(|body| body.contains("grant_type="))
    {
        Kind::Token
    } else if !base.is_empty() && path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/')) {
        Kind::Fhir
    } else {
        Kind::Other
    }
}

struct Drawing<'a> {
    origin: &'a str,
    arrows: Vec<Arrow>,
}

impl Drawing<'_> {
    fn exchange(&mut self, exchange: &Exchange, kind: Kind) {
        let (from, to) = match kind {
            Kind::Discovery | Kind::Fhir => (Party::App, Party::Fhir),
            Kind::Authorize | Kind::Page => (Party::Browser, Party::Authorization),
            Kind::Token | Kind::Other => (Party::App, Party::Authorization),
        };
        if kind == Kind::Authorize {
            self.arrow(Party::App, Party::Browser, "opens the sign-in", "ask");
        }
        let url = near(&exchange.request.url, self.origin);
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let grant = exchange
            .request
            .body
            .as_deref()
            .filter(|_| kind == Kind::Token)
            .and_then(grant_type);
        let grant = grant.map(|grant| format!(", {grant}")).unwrap_or_default();
        self.arrow(from, to, &format!("{} {path}{grant}", exchange.request.method), "ask");
        let Some(response) = &exchange.response else {
            let failure = exchange.failure.as_deref().unwrap_or("no answer");
            self.arrow(to, from, failure, "none");
            return;
        };
        let location = response
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("location"));
        let location = location.map_or("", |(_, value)| value.as_str());
        let back = self.back_to_app(location);
        let answer = match (location.is_empty(), &back) {
            (false, Some(names)) => format!("{} to the app with {names}", response.status),
            (false, None) => {
                let place = near(location, self.origin).split(['?', '#']).next().unwrap_or_default();
                format!("{} to {place}", response.status)
            }
            (true, _) => format!("{} {}", response.status, content(&response.body)),
        };
        self.arrow(to, from, &answer, "answer");
        if let Some(names) = back.filter(|_| from == Party::Browser) {
            let path = location.split(['?', '#']).next().unwrap_or_default();
            self.arrow(Party::Browser, Party::App, &format!("{path} with {names}"), "ask");
        }
    }

    /// The parameters that a redirect brings to the app: with a code or an error it is one.
    fn back_to_app(&self, location: &str) -> Option<String> {
        let (_, query) = location.split_once(['?', '#'])?;
        let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
        let is_back =
            near(location, self.origin) == location && names.iter().any(|name| matches!(*name, "code" | "error"));
        is_back.then(|| cut(&names.join(", "), 60))
    }

    fn arrow(&mut self, from: Party, to: Party, text: &str, class: &'static str) {
        let y = TOP + self.arrows.len() * ROW;
        let (start, end) = (from.x(), to.x());
        let gap = start.abs_diff(end);
        let back = if end > start { end - 8 } else { end + 8 };
        self.arrows.push(Arrow {
            y,
            from: start,
            to: end,
            middle: start.midpoint(end),
            text_y: y - 6,
            head: format!("{end},{y} {back},{} {back},{}", y - 4, y + 4),
            // 12 pixels of a monospaced letter take 7.
            text: cut(text, gap / 7),
            said: format!("{} to {}: {}", from.name(), to.name(), cut(text, 200)),
            class,
        });
    }
}

fn grant_type(body: &str) -> Option<String> {
    let value = body.split('&').find_map(|pair| pair.strip_prefix("grant_type="))?;
    // The long names are URNs of which the end says what they are.
    Some(value.rsplit(['/', ':']).next().unwrap_or(value).to_owned())
}

/// What an answer holds, in a few words.
fn content(body: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(body) else {
        return String::new();
    };
    if let Some(resource) = fields.get("resourceType").and_then(Value::as_str) {
        return resource.to_owned();
    }
    let known = [
        "error",
        "access_token",
        "id_token",
        "refresh_token",
        "patient",
        "authorization_endpoint",
    ];
    let names: Vec<&str> = known.into_iter().filter(|name| fields.contains_key(*name)).collect();
    names.join(", ")
}
