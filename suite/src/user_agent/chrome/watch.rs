//! Watches what a tab's main frame loads: records it, and ends the walk before a callback or a foreign address is
//! reached, so that nothing need listen there.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use headless_chrome::Tab;
use headless_chrome::browser::tab::RequestPausedDecision;
use headless_chrome::browser::transport::{SessionId, Transport};
use headless_chrome::protocol::cdp::Fetch::events::{RequestPausedEvent, RequestPausedEventParams};
use headless_chrome::protocol::cdp::Fetch::{FailRequest, RequestPattern, RequestStage};
use headless_chrome::protocol::cdp::Network::events::{LoadingFailedEventParams, ResponseReceivedExtraInfoEventParams};
use headless_chrome::protocol::cdp::Network::{Enable, ErrorReason, ResourceType};
use headless_chrome::protocol::cdp::Target::DisposeBrowserContext;
use headless_chrome::protocol::cdp::types::Event;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::http::{Exchange, Failure, Request, RequestBody, Response};
use crate::target::sign_in::SignIn;
use crate::user_agent::route::{follow_location, landing_at};
use crate::user_agent::{Landing, Visit};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) landing: Option<Landing>,
    /// A document is on its way.
    pub(super) in_flight: bool,
    /// Documents that arrived.
    pub(super) documents: usize,
    /// Status of the last of them.
    pub(super) status: u16,
    asked: HashMap<String, (Instant, Request)>,
    /// Network ids of the main frame's documents.
    on_their_way: HashSet<String>,
    /// Network ids of the exchanges, in their order.
    ids: Vec<Option<String>>,
    /// Id, status and `Set-Cookie` lines, which Chromium tells apart from the other header fields.
    cookies: Vec<(String, u16, Vec<String>)>,
}

impl Seen {
    /// The exchanges with their cookies.
    pub(super) fn take_exchanges(&mut self) -> Vec<Exchange> {
        let mut exchanges = std::mem::take(&mut self.exchanges);
        let mut ids = std::mem::take(&mut self.ids);
        for (id, status, lines) in std::mem::take(&mut self.cookies) {
            let place = exchanges.iter().zip(&ids).position(|(exchange, other)| {
                other.as_ref() == Some(&id) && exchange.response().is_some_and(|response| response.status == status)
            });
            let Some(place) = place else { continue };
            // A chain of redirects has one id; each is met once.
            ids[place] = None;
            if let Ok(response) = &mut exchanges[place].outcome {
                for value in lines.iter().filter_map(|line| HeaderValue::from_str(line).ok()) {
                    response.headers.append(http::header::SET_COOKIE, value);
                }
            }
        }
        exchanges
    }
}

/// A watched tab.
pub(super) struct Watch {
    seen: Mutex<Seen>,
    visit: Visit,
    sign_in: SignIn,
    started: Instant,
    hops: usize,
    frame: String,
    pub(super) transport: OnceLock<Arc<Transport>>,
}

impl Watch {
    /// Begins to watch.
    pub(super) fn over(
        tab: &Tab,
        visit: &Visit,
        sign_in: &SignIn,
        started: Instant,
        hops: usize,
    ) -> Result<Arc<Self>, String> {
        let watch = Arc::new(Self {
            seen: Mutex::default(),
            visit: visit.clone(),
            sign_in: sign_in.clone(),
            started,
            hops,
            frame: tab.get_target_id().clone(),
            transport: OnceLock::new(),
        });
        let watching = Arc::clone(&watch);
        tab.enable_request_interception(Arc::new(
            move |transport: Arc<Transport>, _: SessionId, event: RequestPausedEvent| {
                watching.transport.get_or_init(|| transport);
                watching.paused(&event.params)
            },
        ))
        .map_err(|error| error.to_string())?;
        let listening = Arc::clone(&watch);
        tab.add_event_listener(Arc::new(move |event: &Event| match event {
            Event::NetworkResponseReceivedExtraInfo(event) => listening.cookies_came(&event.params),
            Event::NetworkLoadingFailed(event) => listening.failed(&event.params),
            _ => {}
        }))
        .map_err(|error| error.to_string())?;
        tab.call_method(network_enable()).map_err(|error| error.to_string())?;
        let stage = |stage| RequestPattern {
            url_pattern: Some("*".into()),
            resource_Type: Some(ResourceType::Document),
            request_stage: Some(stage),
        };
        tab.enable_fetch(
            Some(&[stage(RequestStage::Request), stage(RequestStage::Response)]),
            None,
        )
        .map_err(|error| error.to_string())?;
        Ok(watch)
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cookies_came(&self, event: &ResponseReceivedExtraInfoEventParams) {
        let Some(serde_json::Value::Object(fields)) = &event.headers.0 else {
            return;
        };
        let cookies = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        // Several cookies come as lines of one value.
        let lines: Vec<String> = cookies
            .filter_map(|(_, value)| value.as_str())
            .flat_map(|value| value.split('\n').map(str::to_owned))
            .collect();
        let status = u16::try_from(event.status_code).unwrap_or_default();
        self.seen().cookies.push((event.request_id.clone(), status, lines));
    }

    /// What Chromium gives up by itself: too many redirects, a Location that is no URL, a certificate.
    fn failed(&self, event: &LoadingFailedEventParams) {
        let mut seen = self.seen();
        if event.canceled == Some(true) || !seen.in_flight || !seen.on_their_way.contains(&event.request_id) {
            return;
        }
        let text = &event.error_text;
        let landing = if text.contains("REDIRECT") {
            let way: Vec<String> = seen
                .exchanges
                .iter()
                .rev()
                .take(4)
                .map(|exchange| exchange.request.url.path().to_owned())
                .collect();
            let reason = format!(
                "Chromium gave up with {text}; the last paths, newest first: {}",
                way.join(", ")
            );
            Landing::Stuck {
                reason,
                screenshot: None,
            }
        } else {
            Landing::Failed(failure(text))
        };
        seen.in_flight = false;
        seen.landing.get_or_insert(landing);
    }

    fn paused(&self, event: &RequestPausedEventParams) -> RequestPausedDecision {
        let go_on = RequestPausedDecision::Continue(None);
        if event.frame_id != self.frame || event.resource_Type != ResourceType::Document {
            return go_on;
        }
        let mut seen = self.seen();
        let answered = event.response_status_code.is_some() || event.response_error_reason.is_some();
        let landing = if answered {
            self.answered(&mut seen, event)
        } else {
            self.asked(&mut seen, event)
        };
        match landing {
            None => go_on,
            Some(landing) => {
                seen.in_flight = false;
                seen.landing.get_or_insert(landing);
                let request_id = event.request_id.clone();
                RequestPausedDecision::Fail(FailRequest {
                    request_id,
                    error_reason: ErrorReason::Aborted,
                })
            }
        }
    }

    fn asked(&self, seen: &mut Seen, event: &RequestPausedEventParams) -> Option<Landing> {
        let request = request_of(event)?;
        let is_first = seen.exchanges.is_empty() && seen.asked.is_empty();
        if let Some(landing) = landing_at(&self.visit, &self.sign_in, &request.url).filter(|_| !is_first) {
            return Some(match (landing, &request.body) {
                // response_mode=form_post: what is posted to the callback stands in the body.
                (Landing::Callback(mut url), RequestBody::Raw { bytes, .. }) => {
                    url.query_pairs_mut().extend_pairs(url::form_urlencoded::parse(bytes));
                    Landing::Callback(url)
                }
                (landing, _) => landing,
            });
        }
        if seen.exchanges.len() > self.hops {
            let reason = format!(
                "after {} redirects and pages the walk had not ended, and it goes on to {}. Is it a redirect loop? If \
                 not, raise hops in [limits]",
                self.hops,
                crate::user_agent::page::without_query(&request.url)
            );
            return Some(Landing::Stuck {
                reason,
                screenshot: None,
            });
        }
        seen.in_flight = true;
        seen.on_their_way.extend(event.network_id.clone());
        seen.asked.insert(event.request_id.clone(), (Instant::now(), request));
        None
    }

    fn answered(&self, seen: &mut Seen, event: &RequestPausedEventParams) -> Option<Landing> {
        let (asked, request) = match seen.asked.remove(&event.request_id) {
            Some(asked) => asked,
            None => (Instant::now(), request_of(event)?),
        };
        let step = if seen.exchanges.is_empty() {
            self.visit.step.clone()
        } else {
            format!("{} (page)", self.visit.step)
        };
        let at = asked.saturating_duration_since(self.started);
        if let Some(reason) = &event.response_error_reason {
            let failure = failure(&format!("{reason:?}"));
            seen.ids.push(None);
            seen.exchanges.push(Exchange {
                step,
                at,
                request,
                outcome: Err(failure.clone()),
            });
            return Some(Landing::Failed(failure));
        }
        let status = event
            .response_status_code
            .and_then(|code| u16::try_from(code).ok())
            .unwrap_or_default();
        let headers = headers_of(event);
        let location = headers.get("location").cloned();
        let url = request.url.clone();
        let response = Response {
            status,
            headers,
            body: bytes::Bytes::new(),
            elapsed: asked.elapsed(),
        };
        seen.ids.push(event.network_id.clone());
        seen.exchanges.push(Exchange {
            step,
            at,
            request,
            outcome: Ok(response),
        });
        if matches!(status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = location
        {
            // Also where Chromium would not send anything, as to the scheme of a native app.
            return landing_at(&self.visit, &self.sign_in, &follow_location(&url, location.as_bytes())?);
        }
        seen.in_flight = false;
        seen.documents += 1;
        seen.status = status;
        None
    }
}

fn network_enable() -> Enable {
    Enable {
        max_total_buffer_size: None,
        max_resource_buffer_size: None,
        max_post_data_size: None,
        report_direct_socket_traffic: None,
        enable_durable_messages: None,
    }
}

fn request_of(event: &RequestPausedEventParams) -> Option<Request> {
    let request = &event.request;
    let fragment = request.url_fragment.as_deref().unwrap_or_default();
    let url = Url::parse(&format!("{}{fragment}", request.url)).ok()?;
    let mut headers = Vec::new();
    if let Some(serde_json::Value::Object(fields)) = &request.headers.0 {
        for (name, value) in fields {
            let value = value.as_str().unwrap_or_default();
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                headers.push((name, value));
            }
        }
    }
    let content_type = headers.iter().find(|(name, _)| name == http::header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|(_, value)| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = match &request.post_data {
        Some(data) => RequestBody::Raw {
            content_type,
            bytes: data.clone().into(),
        },
        None => RequestBody::Empty,
    };
    Some(Request {
        method: Method::from_bytes(request.method.as_bytes()).ok()?,
        url,
        headers,
        body,
    })
}

fn headers_of(event: &RequestPausedEventParams) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for entry in event.response_headers.iter().flatten() {
        let name = HeaderName::from_bytes(entry.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(entry.value.as_bytes())) {
            headers.append(name, value);
        }
    }
    headers
}

/// By Chromium's words: `ConnectionRefused` where it is asked, `net::ERR_CONNECTION_REFUSED` where it reports.
fn failure(reason: &str) -> Failure {
    let words = format!("Chromium says {reason}");
    let plain = reason.to_ascii_lowercase().replace('_', "");
    let says = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
    if says(&["cert", "ssl"]) || plain == "failed" {
        Failure::Tls(format!("{words}; it knows only the system's certificate authorities"))
    } else if says(&[
        "connectionclosed",
        "connectionreset",
        "connectionaborted",
        "emptyresponse",
        "contentlength",
    ]) {
        Failure::Cut(words)
    } else if says(&["invalidhttp", "invalidresponse", "invalidchunked", "responseheaders"]) {
        Failure::NotHttp(words)
    } else {
        Failure::Connect(words)
    }
}

/// Throws a context away, with its tabs and cookies; a page's own session may not ask for that.
pub(super) fn dispose(transport: &Transport, context: &str) {
    let browser_context_id = context.to_owned();
    // What cannot be thrown away goes with its browser.
    let _ = transport.call_method_on_browser(DisposeBrowserContext { browser_context_id });
}
