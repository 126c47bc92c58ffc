//! The world of a command that asks a target without judging it: `init`, `doctor`, `survey`.

use std::sync::Arc;
use std::time::Instant;

use super::Failure;
use crate::clock::{Clock, SystemClock};
use crate::http::Transport;
use crate::key_server::KeyServer;
use crate::step::World;
use crate::step::world::{Keys, Parts};
use crate::target::Profile;
use crate::user_agent::{HttpAgent, Setup};

/// A target at this way, with a browser that nobody sends anywhere.
pub(super) fn world(profile: Profile, transport: Arc<dyn Transport>, seed: u64) -> Result<World, Failure> {
    let started = Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = Keys::new();
    let setup = Setup::of_profile(&profile, Arc::clone(&clock), started);
    let agent = HttpAgent::new(Arc::clone(&transport), setup);
    World::new(Parts {
        key_server: KeyServer::new(&profile, &keys),
        profile: Arc::new(profile),
        transport,
        agent: Arc::new(agent),
        clock,
        keys: Arc::new(keys),
        seed,
        slow: false,
        started,
    })
    .map_err(Failure::internal)
}
