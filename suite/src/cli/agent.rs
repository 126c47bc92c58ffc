//! Which browser a run uses.

use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;

use super::Failure;
use crate::clock::Clock;
use crate::http::Transport;
use crate::target::Profile;
use crate::user_agent::{HttpAgent, Setup, UserAgent};

/// A kind of user agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AgentKind {
    /// Follows redirects and fills forms by itself; no JavaScript.
    Http,
    /// Drives a real Chromium.
    Chrome,
    /// Prints the URL and waits for a person.
    Manual,
}

/// How the agent works.
#[derive(Debug, Clone, Default)]
pub(super) struct AgentOptions {
    /// Show the browser, for a person to sign in once.
    pub(super) assist: bool,
    /// Open each URL in the default browser.
    pub(super) open: bool,
    /// Stop asking after so many.
    pub(super) max_sign_ins: Option<u32>,
    /// Without a window.
    pub(super) headless: bool,
}

pub(super) fn agent(
    kind: AgentKind,
    options: &AgentOptions,
    profile: &Profile,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    started: Instant,
) -> Result<Arc<dyn UserAgent>, Failure> {
    let setup = Setup::of_profile(profile, Arc::clone(clock), started);
    let _ = options;
    match kind {
        AgentKind::Http => Ok(Arc::new(HttpAgent::new(Arc::clone(transport), setup))),
        AgentKind::Chrome | AgentKind::Manual => Err(Failure::usage("this agent is not built in yet")),
    }
}
