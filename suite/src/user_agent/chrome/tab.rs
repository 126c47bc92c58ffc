//! One walk in one tab: looks at the page as it is, decides as the `http` agent does, and acts by script.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headless_chrome::Tab;
use headless_chrome::browser::transport::Transport;
use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption;
use url::Url;

use super::page_script::{self, Snapshot};
use super::watch::Watch;
use crate::http::{Failure, RequestBody};
use crate::user_agent::decide::{Decision, Deed, Sight, Tried, asks_for_password, decide, words};
use crate::user_agent::form::Entry;
use crate::user_agent::page::without_query;
use crate::user_agent::{Altered, Landing, Setup, Visit, Walk};

/// A page with scripts is looked at once it has been still for so long.
const STILL: Duration = Duration::from_millis(150);
/// It is understood to be what it will remain once it has been still for so long.
const SETTLED: Duration = Duration::from_millis(1200);
/// What was pressed has had no effect after so long.
const NO_EFFECT: Duration = Duration::from_secs(3);

/// What a turn came to.
pub(super) enum Progress {
    /// Nothing to be done yet.
    Waiting,
    /// A page was filled.
    Acted,
    /// It ended.
    Landed(Landing),
}

/// A walk under way.
pub(super) struct TabWalk {
    setup: Setup,
    visit: Visit,
    tab: Arc<Tab>,
    watch: Arc<Watch>,
    deadline: Instant,
    tried: Tried,
    signed_in: bool,
    denied: bool,
    met: HashSet<String>,
    last: Option<(Snapshot, Instant)>,
    /// The page on which something was pressed, and when.
    acted_on: Option<(Snapshot, Instant)>,
    frame: Option<(String, usize)>,
    documents_met: usize,
    /// With `--assist`: whether a person was asked for help, and may be.
    asked_person: bool,
    assist: bool,
}

impl TabWalk {
    pub(super) fn begin(setup: &Setup, assist: bool, visit: &Visit, tab: Arc<Tab>) -> Result<Self, String> {
        let watch = Watch::over(&tab, visit, &setup.sign_in, setup.started, setup.limits.hops)?;
        let script = match &visit.start.body {
            RequestBody::Empty => page_script::go(visit.start.url.as_str()),
            RequestBody::Form(pairs) => page_script::post(visit.start.url.as_str(), pairs),
            RequestBody::Raw { bytes, .. } => {
                let pairs: Vec<_> = url::form_urlencoded::parse(bytes)
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect();
                page_script::post(visit.start.url.as_str(), &pairs)
            }
        };
        watch.seen().in_flight = true;
        tab.evaluate(&script, false).map_err(|error| error.to_string())?;
        Ok(Self {
            setup: setup.clone(),
            visit: visit.clone(),
            watch,
            tab,
            deadline: Instant::now() + setup.limits.step,
            tried: Tried::default(),
            signed_in: false,
            denied: false,
            met: HashSet::new(),
            last: None,
            acted_on: None,
            frame: None,
            documents_met: 0,
            asked_person: false,
            assist,
        })
    }

    pub(super) fn turn(&mut self, known_pages: &HashSet<String>) -> Result<Progress, String> {
        let (in_flight, documents, status) = {
            let mut seen = self.watch.seen();
            if let Some(landing) = seen.landing.take() {
                return Ok(Progress::Landed(landing));
            }
            (seen.in_flight, seen.documents, seen.status)
        };
        if Instant::now() > self.deadline {
            return Ok(Progress::Landed(self.too_late()));
        }
        if in_flight || documents == 0 {
            return Ok(Progress::Waiting);
        }
        let Some((snapshot, still)) = self.look()? else {
            return Ok(Progress::Waiting);
        };
        if snapshot.ready == "loading" || snapshot.url == "about:blank" || (snapshot.scripted && still < STILL) {
            return Ok(Progress::Waiting);
        }
        if documents > self.documents_met {
            self.documents_met = documents;
            self.keep_body(&snapshot);
            if let Some(landing) = refused_by_status(status, &snapshot, self.signed_in) {
                return Ok(Progress::Landed(landing));
            }
        }
        self.consider(known_pages, status, snapshot, still)
    }

    /// The page as it is now, and for how long it has been so. None while documents change places.
    fn look(&mut self) -> Result<Option<(Snapshot, Duration)>, String> {
        let frame = self.frame.as_ref().map(|(css, _)| css.as_str());
        let evaluated = match self.tab.evaluate(&page_script::snapshot(frame), false) {
            Ok(evaluated) => evaluated,
            Err(error) if is_alive(&self.tab) => {
                let _ = error;
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        let text = evaluated
            .value
            .as_ref()
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        let Ok(snapshot) = serde_json::from_str::<Snapshot>(text) else {
            return Ok(None);
        };
        if snapshot.html.len() > self.setup.limits.body {
            return Err(Failure::TooLarge(self.setup.limits.body).to_string());
        }
        let since = match &self.last {
            Some((last, since)) if *last == snapshot => *since,
            _ => Instant::now(),
        };
        self.last = Some((snapshot.clone(), since));
        Ok(Some((snapshot, since.elapsed())))
    }

    fn consider(
        &mut self,
        known_pages: &HashSet<String>,
        status: u16,
        snapshot: Snapshot,
        still: Duration,
    ) -> Result<Progress, String> {
        if let Some((before, when)) = &self.acted_on
            && *before == snapshot
            && when.elapsed() < NO_EFFECT
        {
            return Ok(Progress::Waiting);
        }
        let Ok(url) = Url::parse(&snapshot.url) else {
            return Ok(Progress::Waiting);
        };
        if snapshot.closed_frame {
            let css = self.frame.take().map(|(css, _)| css).unwrap_or_default();
            let reason = format!(
                "the frame `{css}` is missing, or is of another origin: {}",
                without_query(&url)
            );
            return Ok(Progress::Landed(self.stuck(reason)));
        }
        let page = format!("{} {}", url.origin().ascii_serialization(), url.path());
        let totp = self.setup.totp(&self.visit.persona.user);
        let decision = decide(&Sight {
            url: &url,
            html: &snapshot.html,
            persona: &self.visit.persona,
            user: self.setup.users.get(&self.visit.persona.user),
            totp: totp.as_deref(),
            sign_in: &self.setup.sign_in,
            tried: &self.tried,
            forced_rule: self.frame.as_ref().map(|(_, rule)| *rule),
            runs_scripts: true,
        });
        let settled = still >= SETTLED || !snapshot.scripted;
        let text = || words(&snapshot.html, 400);
        match decision {
            Decision::Act(deed) => self.act(&deed, snapshot, page),
            Decision::Frame { css, rule, .. } => {
                self.frame = Some((css, rule));
                self.last = None;
                Ok(Progress::Waiting)
            }
            // A browser with scripts goes on by itself.
            Decision::Go(_) | Decision::Submit(_) => Ok(Progress::Waiting),
            Decision::Refused => Ok(Progress::Landed(Landing::Refused {
                status,
                text: text(),
                inferred: false,
            })),
            Decision::Formless | Decision::Stuck(_) if !settled => Ok(Progress::Waiting),
            _ if self.waits_for_person() => Ok(Progress::Waiting),
            Decision::Formless if known_pages.contains(&page) || self.met.contains(&page) => {
                let reason = format!(
                    "the page at {} has nothing to fill or press, although an accepted walk went through it; it says “{}”",
                    without_query(&url),
                    words(&snapshot.html, 200)
                );
                Ok(Progress::Landed(self.stuck(reason)))
            }
            Decision::Formless => Ok(Progress::Landed(Landing::Refused {
                status,
                text: text(),
                inferred: true,
            })),
            Decision::Stuck(reason) => {
                if self.tried.password() && asks_for_password(&snapshot.html) {
                    self.setup.passwords.refused(&self.visit.persona.user);
                }
                Ok(Progress::Landed(self.stuck(reason)))
            }
        }
    }

    fn act(&mut self, deed: &Deed, snapshot: Snapshot, page: String) -> Result<Progress, String> {
        let user = &self.visit.persona.user;
        if let Some(reason) = self.setup.passwords.spent(user).filter(|_| deed.typed_password) {
            return Ok(Progress::Landed(self.stuck(reason)));
        }
        self.tried.note(deed);
        self.signed_in |= deed.typed_password;
        self.denied |= deed.denies;
        self.met.insert(page);
        let frame = self.frame.take().map(|(css, _)| css);
        for set in deed.sets.iter().filter(|set| set.by_keys) {
            if let (Some(handle), Entry::Text(text)) = (&set.handle, &set.entry) {
                let focus = page_script::focus(handle, frame.as_deref());
                self.tab.evaluate(&focus, false).map_err(|error| error.to_string())?;
                self.tab.type_str(text).map_err(|error| error.to_string())?;
            }
        }
        self.acted_on = Some((snapshot, Instant::now()));
        let script = page_script::perform(deed, frame.as_deref());
        match self.tab.evaluate(&script, false) {
            Ok(_) => Ok(Progress::Acted),
            Err(error) if is_alive(&self.tab) => {
                let _ = error;
                Ok(Progress::Waiting)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The body of the last document is the page as it was first seen.
    fn keep_body(&mut self, snapshot: &Snapshot) {
        let mut seen = self.watch.seen();
        if let Some(exchange) = seen.exchanges.last_mut()
            && let Ok(response) = &mut exchange.outcome
        {
            response.body = snapshot.html.clone().into();
        }
    }

    fn waits_for_person(&mut self) -> bool {
        if self.assist && !self.asked_person {
            self.asked_person = true;
            self.deadline = Instant::now() + super::ASSIST;
            tell!(
                "launchproof: please go on in the Chromium window, as user `{}`; there are {} minutes.",
                self.visit.persona.user,
                super::ASSIST.as_secs() / 60
            );
        }
        self.asked_person
    }

    fn too_late(&self) -> Landing {
        if self.asked_person {
            return self.stuck("nobody went on in the Chromium window".into());
        }
        match &self.last {
            // A page is there, and what was done on it led nowhere.
            Some((snapshot, _)) if self.acted_on.is_some() => {
                let text = words(&snapshot.html, 200);
                let step = self.setup.limits.step;
                self.stuck(format!("the walk did not end within {step:?}; the page says “{text}”"))
            }
            _ => Landing::Failed(Failure::Timeout(self.setup.limits.step)),
        }
    }

    fn stuck(&self, reason: String) -> Landing {
        let screenshot = self
            .tab
            .capture_screenshot(CaptureScreenshotFormatOption::Png, None, None, true)
            .ok();
        Landing::Stuck { reason, screenshot }
    }

    /// The connection to Chromium, once anything was asked for.
    pub(super) fn transport(&self) -> Option<Arc<Transport>> {
        self.watch.transport.get().cloned()
    }

    /// Ends the walk; the pages of an accepted one come back with it.
    pub(super) fn finish(self, landing: Landing) -> (Walk, HashSet<String>) {
        let exchanges = self.watch.seen().take_exchanges();
        // A tab that cannot be closed goes with its browser.
        let _ = self.tab.close_target();
        let accepted = matches!(&landing, Landing::Callback(url) if url.query_pairs().any(|(name, _)| name == "code"));
        if accepted {
            self.setup.passwords.taken(&self.visit.persona.user);
        }
        let met = if accepted { self.met } else { HashSet::new() };
        (
            Walk {
                landing,
                exchanges,
                signed_in: self.signed_in || self.asked_person,
                denied: self.denied || self.asked_person,
                altered: Altered::NotMet,
            },
            met,
        )
    }
}

fn refused_by_status(status: u16, snapshot: &Snapshot, signed_in: bool) -> Option<Landing> {
    let text = || words(&snapshot.html, 400);
    match status {
        408 | 429 | 500.. => Some(Landing::Trouble { status, text: text() }),
        400..500 if (status == 401 || signed_in) && asks_for_password(&snapshot.html) => None,
        400..500 => Some(Landing::Refused {
            status,
            text: text(),
            inferred: false,
        }),
        _ => None,
    }
}

/// Whether Chromium still answers: an evaluation also fails while one document takes another's place.
fn is_alive(tab: &Tab) -> bool {
    tab.get_target_info().is_ok()
}
