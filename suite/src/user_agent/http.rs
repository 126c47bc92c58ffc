//! The `http` agent: a browser without scripts that keeps cookies, follows redirects, and fills forms.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::CookieStore;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{ACCEPT, COOKIE, HeaderName, ORIGIN, REFERER, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, Method};
use url::Url;

use super::decide::{Decision, Deed, Sight, Tried, asks_for_password, decide, words};
use super::foreign::{self, Foreign};
use super::page::without_query;
use super::route::{follow_location, landing_at};
use super::tamper::{self, Altered, Change, Typed};
use super::{FormKind, Landing, Session, Setup, UserAgent, Visit, Walk};
use crate::http::{Exchange, Failure, Request, RequestBody, Response, Transport};
use crate::target::profile::is_loopback;

type Jar = Arc<Mutex<CookieStore>>;

/// Behind the name of a session: its cookies as they were before the password was sent.
pub const BEFORE: &str = "@before";

/// A browser without scripts.
pub struct HttpAgent {
    transport: Arc<dyn Transport>,
    setup: Setup,
    jars: Mutex<HashMap<String, Jar>>,
    /// Addresses of pages that accepted walks met.
    known_pages: Mutex<HashSet<String>>,
}

impl HttpAgent {
    /// An agent without sessions.
    pub fn new(transport: Arc<dyn Transport>, setup: Setup) -> Self {
        Self {
            transport,
            setup,
            jars: Mutex::default(),
            known_pages: Mutex::default(),
        }
    }

    fn jar(&self, session: &Session) -> Jar {
        match session {
            Session::Fresh => Jar::default(),
            Session::Shared(name) => lock(&self.jars).entry(name.clone()).or_default().clone(),
        }
    }

    async fn to_the_end(&self, mut walker: Walker<'_>) -> Walk {
        let landing = self.land(&mut walker).await;
        self.finish(walker, landing)
    }

    async fn land(&self, walker: &mut Walker<'_>) -> Landing {
        let deadline = tokio::time::Instant::now() + self.setup.limits.step;
        loop {
            match tokio::time::timeout_at(deadline, walker.hop()).await {
                Ok(None) => {}
                Ok(Some(landing)) => return landing,
                Err(_) => return Landing::Failed(Failure::Timeout(self.setup.limits.step)),
            }
        }
    }

    /// Two browsers: the other one comes to the form and goes no further; this one sends it at the same place.
    async fn with_form_of(&self, others: &Visit, visit: &Visit) -> Walk {
        let mut other = Walker::new(self, others, Jar::default());
        let landing = self.land(&mut other).await;
        let Some(request) = other.kept.take() else {
            return self.finish(other, landing);
        };
        let own = foreign::own(visit);
        let mut walker = Walker::new(self, &own, self.jar(&visit.session));
        let (theirs, mine) = (self.secrets(&others.persona.user), self.secrets(&visit.persona.user));
        walker.foreign = Some(Foreign::new(request, theirs.into_iter().zip(mine).collect()));
        let mut walk = self.to_the_end(walker).await;
        walk.exchanges.splice(0..0, other.exchanges);
        walk.signed_in |= other.signed_in;
        if walk.altered == Altered::Sent && foreign::finished_own(&walk.landing) {
            let why = "the server went by the browser's own session, whatever the form of the other one said";
            walk.altered = Altered::Impossible(why.to_owned());
        }
        walk
    }

    /// What a user types to sign in.
    fn secrets(&self, user: &str) -> Vec<String> {
        let Some(user) = self.setup.users.get(user) else {
            return Vec::new();
        };
        let password = user.password.as_ref().map_or("", crate::http::Secret::expose);
        vec![user.username.clone(), password.to_owned()]
    }

    fn finish(&self, walker: Walker<'_>, landing: Landing) -> Walk {
        let accepted = matches!(&landing, Landing::Callback(url) if url.query_pairs().any(|(name, _)| name == "code"));
        if accepted {
            lock(&self.known_pages).extend(walker.met);
            self.setup.passwords.taken(&walker.visit.persona.user);
        }
        Walk {
            landing,
            exchanges: walker.exchanges,
            signed_in: walker.signed_in,
            denied: walker.denied,
            altered: walker.altered,
        }
    }
}

impl UserAgent for HttpAgent {
    fn name(&self) -> &'static str {
        "http"
    }

    fn walk<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Walk> {
        async move {
            match foreign::others(visit) {
                Some(others) => self.with_form_of(&others, visit).await,
                None => {
                    self.to_the_end(Walker::new(self, visit, self.jar(&visit.session)))
                        .await
                }
            }
        }
        .boxed()
    }

    fn walk_interleaved<'a>(&'a self, visits: &'a [Visit]) -> BoxFuture<'a, Option<Vec<Walk>>> {
        async move {
            let Some(first) = visits.first() else {
                return Some(Vec::new());
            };
            let jar = self.jar(&first.session);
            let mut walkers: Vec<(Walker<'_>, Option<Landing>)> = visits
                .iter()
                .map(|visit| (Walker::new(self, visit, jar.clone()), None))
                .collect();
            let deadline = tokio::time::Instant::now() + self.setup.limits.step;
            while walkers.iter().any(|(_, landing)| landing.is_none()) {
                for (walker, landing) in walkers.iter_mut().filter(|(_, landing)| landing.is_none()) {
                    *landing = match tokio::time::timeout_at(deadline, walker.hop()).await {
                        Ok(landing) => landing,
                        Err(_) => Some(Landing::Failed(Failure::Timeout(self.setup.limits.step))),
                    };
                }
            }
            let walks = walkers
                .into_iter()
                .filter_map(|(walker, landing)| Some(self.finish(walker, landing?)));
            Some(walks.collect())
        }
        .boxed()
    }

    fn cookies_across_sites(&self, session: &Session, url: &Url) -> Option<String> {
        Some(cookie_header(&self.jar(session), url, true))
    }

    fn forget(&self) {
        lock(&self.jars).clear();
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        futures::future::ready(()).boxed()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Browsers take a loopback host as trustworthy: `Secure` cookies are kept there without TLS.
fn as_jar_sees(url: &Url) -> Url {
    let mut seen = url.clone();
    if is_loopback(url) {
        // Between two special schemes this cannot fail; were it to, the cookie is only not kept.
        let _ = seen.set_scheme("https");
    }
    seen
}

/// RFC 6265bis §5.5: whether a browser sends this cookie with a form of another site. What a cookie without `SameSite`
/// does depends on the browser; here it is sent.
fn crosses_sites(cookie: &cookie_store::Cookie<'_>) -> bool {
    cookie.same_site().is_none_or(|same_site| same_site.is_none())
}

/// The cookies for an address, as a `Cookie` header; those alone that go with requests of other sites, where it is one.
fn cookie_header(jar: &Jar, url: &Url, of_other_site: bool) -> String {
    let cookies: Vec<String> = lock(jar)
        .matches(&as_jar_sees(url))
        .into_iter()
        .filter(|cookie| !of_other_site || crosses_sites(cookie))
        .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
        .collect();
    cookies.join("; ")
}

/// One walk under way.
struct Walker<'a> {
    agent: &'a HttpAgent,
    visit: &'a Visit,
    jar: Jar,
    next: Request,
    /// The page on which the next request was made, for `Referer`.
    from: Option<Url>,
    exchanges: Vec<Exchange>,
    met: HashSet<String>,
    tried: Tried,
    forced_rule: Option<usize>,
    signed_in: bool,
    denied: bool,
    altered: Altered,
    /// The form that another browser shall send.
    kept: Option<Request>,
    /// The form that another browser was given.
    foreign: Option<Foreign>,
}

impl<'a> Walker<'a> {
    fn new(agent: &'a HttpAgent, visit: &'a Visit, jar: Jar) -> Self {
        Self {
            agent,
            visit,
            jar,
            next: visit.start.clone(),
            from: None,
            exchanges: Vec::new(),
            met: HashSet::new(),
            tried: Tried::default(),
            forced_rule: None,
            signed_in: false,
            denied: false,
            altered: Altered::NotMet,
            kept: None,
            foreign: None,
        }
    }

    /// Sends the next request and decides where to go from its answer; `Some` ends the walk.
    async fn hop(&mut self) -> Option<Landing> {
        if self.exchanges.len() > self.agent.setup.limits.hops {
            return Some(Landing::Stuck {
                reason: self.went_in_circles(),
                screenshot: None,
            });
        }
        let mut request = self.next.clone();
        self.dress(&mut request);
        let at = self.agent.setup.started.elapsed();
        let outcome = self.agent.transport.send(&request, &self.agent.setup.limits).await;
        let step = if self.exchanges.is_empty() {
            self.visit.step.clone()
        } else {
            format!("{} (page)", self.visit.step)
        };
        let url = request.url.clone();
        self.exchanges.push(Exchange {
            step,
            at,
            request,
            outcome: outcome.clone(),
        });
        match outcome {
            Err(failure) => Some(Landing::Failed(failure)),
            Ok(response) => {
                self.keep_cookies(&url, &response.headers);
                self.after(&url, &response)
            }
        }
    }

    /// What a browser adds: cookies, where it comes from, what it reads.
    fn dress(&self, request: &mut Request) {
        let has = |request: &Request, name: &HeaderName| request.headers.iter().any(|(own, _)| own == name);
        let mut add = |name: HeaderName, value: &str| {
            if !has(request, &name) {
                request.header(name, value);
            }
        };
        add(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        add(USER_AGENT, concat!("launchproof/", env!("CARGO_PKG_VERSION")));
        let forged = tamper::is_forged(request);
        if let Some(from) = self.from.as_ref().filter(|_| !forged) {
            let origin = from.origin().ascii_serialization();
            let same = from.origin() == request.url.origin();
            let downgraded = from.scheme() == "https" && request.url.scheme() == "http";
            let mut page = from.clone();
            page.set_fragment(None);
            if same {
                request.header(REFERER, page.as_str());
            } else if !downgraded {
                request.header(REFERER, &format!("{origin}/"));
            }
            if request.method == Method::POST {
                request.header(ORIGIN, &origin);
            }
        }
        let cookies = cookie_header(&self.jar, &request.url, forged);
        if !cookies.is_empty() {
            request.header(COOKIE, &cookies);
        }
    }

    fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        let (mut jar, url) = (lock(&self.jar), as_jar_sees(url));
        for cookie in headers.get_all(SET_COOKIE) {
            // A cookie that a browser would refuse is not kept, as there.
            let _ = jar.parse(&String::from_utf8_lossy(cookie.as_bytes()), &url);
        }
    }

    fn after(&mut self, url: &Url, response: &Response) -> Option<Landing> {
        let text = || words(&response.text(), 400);
        match response.status {
            301 | 302 | 303 | 307 | 308 => self.redirected(url, response),
            status @ (408 | 429 | 500..) => Some(Landing::Trouble { status, text: text() }),
            // A sign-in page may come with 401, and comes back with any 4xx where the password was wrong: neither says
            // anything of the authorization request.
            status @ 400..500 if (status == 401 || self.signed_in) && asks_for_password(&response.text()) => {
                self.on_page(url, response)
            }
            status @ 400..500 => Some(Landing::Refused {
                status,
                text: text(),
                inferred: false,
            }),
            _ => self.on_page(url, response),
        }
    }

    fn redirected(&mut self, url: &Url, response: &Response) -> Option<Landing> {
        let Some(location) = response.headers.get("location") else {
            return Some(stuck(format!(
                "{} answered {} without a Location",
                without_query(url),
                response.status
            )));
        };
        let Some(to) = follow_location(url, location.as_bytes()) else {
            let location = String::from_utf8_lossy(location.as_bytes());
            return Some(stuck(format!(
                "{} redirects to `{location}`, which is not a URL",
                without_query(url)
            )));
        };
        let sent = self.exchanges.last().map_or(&self.next, |exchange| &exchange.request);
        // Fetch, "HTTP-redirect fetch" step 12: 303, and 301 or 302 to a POST, are followed by a GET.
        let becomes_get =
            response.status == 303 || (matches!(response.status, 301 | 302) && sent.method == Method::POST);
        let request = if becomes_get {
            Request::get(to)
        } else {
            Request {
                method: self.next.method.clone(),
                url: to,
                headers: Vec::new(),
                body: self.next.body.clone(),
            }
        };
        self.go(request, None)
    }

    /// Takes the next request, unless its address ends the walk.
    fn go(&mut self, request: Request, from: Option<Url>) -> Option<Landing> {
        if let Some(landing) = landing_at(self.visit, &self.agent.setup.sign_in, &request.url) {
            return Some(match landing {
                // response_mode=form_post: what is posted to the callback stands in the body.
                Landing::Callback(mut url) => {
                    if let RequestBody::Form(pairs) = &request.body {
                        url.query_pairs_mut().extend_pairs(pairs);
                    }
                    Landing::Callback(url)
                }
                other => other,
            });
        }
        if from.is_some() {
            self.from = from;
        }
        self.next = request;
        None
    }

    fn on_page(&mut self, url: &Url, response: &Response) -> Option<Landing> {
        let page = format!("{} {}", url.origin().ascii_serialization(), url.path());
        let html = response.text();
        let setup = &self.agent.setup;
        let persona = &self.visit.persona;
        let totp = setup.totp(&persona.user);
        let sight = Sight {
            url,
            html: &html,
            persona,
            user: setup.users.get(&persona.user),
            totp: totp.as_deref(),
            sign_in: &setup.sign_in,
            tried: &self.tried,
            forced_rule: self.forced_rule.take(),
            runs_scripts: false,
        };
        let refused = |inferred| Landing::Refused {
            status: response.status,
            text: words(&html, 400),
            inferred,
        };
        let decision = decide(&sight);
        let met_before = !self.met.insert(page.clone());
        match decision {
            Decision::Act(deed) => self.act(url, *deed, response),
            Decision::Go(to) => self.go(Request::get(to), Some(url.clone())),
            Decision::Submit(request) => self.go(*request, Some(url.clone())),
            Decision::Frame {
                src: Some(src), rule, ..
            } => {
                self.forced_rule = Some(rule);
                self.go(Request::get(src), Some(url.clone()))
            }
            Decision::Frame { css, .. } => Some(stuck(format!("the frame `{css}` has no src"))),
            Decision::Refused => Some(refused(false)),
            Decision::Formless if met_before || lock(&self.agent.known_pages).contains(&page) => Some(stuck(format!(
                "the page at {} has nothing to fill or press, although an accepted walk went through it; it says “{}”",
                without_query(url),
                words(&html, 200)
            ))),
            Decision::Formless => Some(refused(true)),
            // After an altered sign-in the page that comes back is the answer to it.
            Decision::Stuck(_) if self.sent_altered_sign_in() && asks_for_password(&html) => Some(refused(true)),
            Decision::Stuck(reason) => {
                if self.tried.password() && asks_for_password(&html) {
                    setup.passwords.refused(&persona.user);
                }
                Some(stuck(reason))
            }
        }
    }

    fn sent_altered_sign_in(&self) -> bool {
        let form = self.visit.tamper.as_ref().map(|tamper| tamper.form);
        self.altered == Altered::Sent && form == Some(FormKind::SignIn)
    }

    /// Why a password is not typed once more.
    fn spent(&self, deed: &Deed) -> Option<String> {
        let typed = deed.typed_password.then_some(&self.visit.persona.user)?;
        self.agent.setup.passwords.spent(typed)
    }

    fn act(&mut self, url: &Url, mut deed: Deed, response: &Response) -> Option<Landing> {
        if let Some(reason) = self.spent(&deed) {
            return Some(stuck(reason));
        }
        if let Some(landing) = self.tamper(&mut deed, response) {
            return Some(landing);
        }
        self.tried.note(&deed);
        if deed.typed_password {
            self.keep_as_before();
        }
        self.signed_in |= deed.typed_password;
        self.denied |= deed.denies;
        match deed.request {
            Some(request) => self.go(request, Some(url.clone())),
            None => Some(stuck(format!(
                "what is to be pressed at {} works only by a script, and the http agent runs none: use --agent chrome",
                without_query(url)
            ))),
        }
    }

    /// Keeps the cookies of a named session as they are before the password is sent, as a session of its own.
    fn keep_as_before(&self) {
        if let Session::Shared(name) = &self.visit.session
            && !name.ends_with(BEFORE)
        {
            let before = Arc::new(Mutex::new(lock(&self.jar).clone()));
            lock(&self.agent.jars).insert(format!("{name}{BEFORE}"), before);
        }
    }

    /// Alters the form that the visit wants altered, once. The same form again is the server's refusal.
    fn tamper(&mut self, deed: &mut Deed, response: &Response) -> Option<Landing> {
        let (wanted, request) = (self.visit.tamper.as_ref()?, deed.request.as_ref()?);
        let persona = &self.visit.persona;
        let users = &self.agent.setup.users;
        let user = users.get(&persona.user);
        let typed = Typed {
            persona,
            username: user.map_or("", |user| user.username.as_str()),
            password: user
                .and_then(|user| user.password.as_ref())
                .map_or("", crate::http::Secret::expose),
        };
        let html = response.text();
        let foreign = self.foreign.as_ref();
        let altered = tamper::alter(wanted, typed, &html, deed.typed_password, request, foreign)?;
        match (&self.altered, altered) {
            (Altered::Sent, _) => Some(Landing::Refused {
                status: response.status,
                text: words(&html, 400),
                inferred: true,
            }),
            (_, Ok(request)) if foreign.is_none() && matches!(wanted.change, Change::OtherBrowser(_)) => {
                self.kept = Some(request);
                Some(stuck("this form was kept for another browser".to_owned()))
            }
            (_, Ok(request)) => {
                self.altered = Altered::Sent;
                deed.request = Some(request);
                None
            }
            (_, Err(why)) => {
                self.altered = Altered::Impossible(why);
                None
            }
        }
    }

    fn went_in_circles(&self) -> String {
        let last: Vec<String> = self
            .exchanges
            .iter()
            .rev()
            .take(4)
            .map(|exchange| {
                let status = exchange.response().map_or(0, |response| response.status);
                format!(
                    "{} {} → {status}",
                    exchange.request.method,
                    without_query(&exchange.request.url)
                )
            })
            .collect();
        let hops = self.agent.setup.limits.hops;
        format!(
            "after {hops} redirects and forms the walk had not ended: is it a redirect loop? If not, raise hops in \
             [limits]. The last, newest first: {}",
            last.join("; ")
        )
    }
}

fn stuck(reason: String) -> Landing {
    Landing::Stuck {
        reason,
        screenshot: None,
    }
}
