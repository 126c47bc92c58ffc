//! The user's browser: walks from the authorization request through sign-in, picker and consent to where it ends.
//!
//! All agents interpret the same [`crate::target::sign_in`] script and decide at each hop, *before* it is followed,
//! whether the walk is over.

pub mod chrome;
mod control;
mod decide;
mod foreign;
mod form;
pub mod http;
pub mod manual;
mod meaning;
mod page;
mod passwords;
mod recognise;
mod route;
mod script;
mod setup;
mod tamper;

pub use chrome::{ChromeAgent, ChromeOptions};
pub use http::HttpAgent;
pub use manual::{ManualAgent, ManualOptions};
pub use setup::Setup;
pub use tamper::{Altered, Change, FormKind, Tamper};

use futures::future::BoxFuture;
use url::Url;

use crate::http::{Exchange, Failure, Request};

/// Who sits in front of the browser, and what they will decide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Persona {
    /// Key in `[users]` of the profile.
    pub user: String,
    /// Id of the patient to pick, where a picker asks.
    pub patient: Option<String>,
    /// Allow or deny at the consent page.
    pub allow: bool,
}

/// Which cookies the walk starts with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Session {
    /// An empty jar, thrown away afterwards.
    Fresh,
    /// The jar of this name, kept for the run.
    Shared(String),
}

/// One walk to make.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The authorization request: GET with its query, or a form POST.
    pub start: Request,
    /// Addresses at which a walk ends as [`Landing::Callback`]: the registered redirect_uris and the one asked for.
    /// Compared by scheme, host, port and path, as a browser would arrive there.
    pub callbacks: Vec<Url>,
    /// Origins that belong to the target (`https://host:port`); any other ends the walk as [`Landing::Foreign`].
    pub own_origins: Vec<String>,
    /// Who signs in.
    pub persona: Persona,
    /// With which cookies.
    pub session: Session,
    /// Label of the step, for the recorded exchanges.
    pub step: String,
    /// What is altered in one form on the way; only the http agent can.
    pub tamper: Option<Tamper>,
}

/// Where a walk ended.
#[derive(Debug, Clone)]
pub enum Landing {
    /// At a callback address, not followed; query and fragment are there as they came.
    Callback(Url),
    /// At an origin that is not the target's, not followed.
    Foreign(Url),
    /// A page that refuses: a 4xx, what `[sign_in] error` describes, or (then `inferred`) a page without forms that
    /// no accepted walk ever met.
    Refused {
        /// Status of the page.
        status: u16,
        /// Readable text of the page, cut.
        text: String,
        /// Whether the refusal was inferred rather than seen as a 4xx or by the profile's `error`.
        inferred: bool,
    },
    /// A 5xx or 429 of the target.
    Trouble {
        /// The status.
        status: u16,
        /// Readable text of the page, cut.
        text: String,
    },
    /// A page that nobody understands: not a refusal, not an acceptance.
    Stuck {
        /// What was tried and what the page holds: title, forms, what to put into `[sign_in] script`.
        reason: String,
        /// PNG of the page, where the agent can take one.
        screenshot: Option<Vec<u8>>,
    },
    /// There was no answer at some hop.
    Failed(Failure),
}

/// A finished walk.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Where it ended.
    pub landing: Landing,
    /// Every exchange on the way, oldest first; the redirect that ended it is the last one's Location.
    pub exchanges: Vec<Exchange>,
    /// Whether a password was typed on the way.
    pub signed_in: bool,
    /// Whether something was pressed that denies.
    pub denied: bool,
    /// What became of [`Visit::tamper`].
    pub altered: Altered,
}

/// A user's browser.
pub trait UserAgent: Send + Sync {
    /// `http`, `chrome` or `manual`.
    fn name(&self) -> &'static str;

    /// Walks from the request to its end.
    fn walk<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Walk>;

    /// Walks several at once in one browser session: one hop of each in turn. `None` where this agent cannot.
    fn walk_interleaved<'a>(&'a self, visits: &'a [Visit]) -> BoxFuture<'a, Option<Vec<Walk>>>;

    /// The cookies that this session sends to an address when a page of another site asks it to, as a `Cookie` header;
    /// `None` where this agent cannot tell.
    fn cookies_across_sites(&self, _session: &Session, _url: &Url) -> Option<String> {
        None
    }

    /// Forgets every session (cookies); the next walk signs in again.
    fn forget(&self);

    /// Ends what the agent started (a browser). Called on every way out.
    fn close(&self) -> BoxFuture<'_, ()>;
}
