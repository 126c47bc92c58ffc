//! Which browser a run uses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::Failure;
use crate::clock::Clock;
use crate::http::Transport;
use crate::target::Profile;
use crate::user_agent::{ChromeAgent, ChromeOptions, HttpAgent, ManualAgent, ManualOptions, Setup, UserAgent};

/// How long a person may take for one sign-in.
pub(super) const PATIENCE: Duration = Duration::from_mins(10);

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
    /// How many sign-ins the plan needs: at least, at most.
    pub(super) sign_ins: (u32, u32),
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
    match kind {
        AgentKind::Http => Ok(Arc::new(HttpAgent::new(Arc::clone(transport), setup))),
        AgentKind::Chrome => {
            let options = ChromeOptions {
                assist: options.assist,
                executable: None,
                network: profile.network.clone(),
            };
            ChromeAgent::new(setup, options)
                .map(|agent| Arc::new(agent) as _)
                .map_err(Failure::usage)
        }
        AgentKind::Manual => {
            let (least, most) = options.sign_ins;
            let manual = ManualOptions {
                open: options.open,
                max_sign_ins: options.max_sign_ins,
                patience: PATIENCE,
            };
            let agent = ManualAgent::new(setup, manual);
            let announced = agent.announce(least, most).map_err(Failure::usage)?;
            tell!("{announced}");
            Ok(Arc::new(agent))
        }
    }
}
