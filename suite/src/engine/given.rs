//! Brings an item to its starting state. States that only look are shared; a state that is spent is made fresh.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::check::refusal::{GIVEN, Reaction};
use crate::scenario::Step;
use crate::scenario::model::{Given, With};
use crate::step::arguments::{AuthorizeArgs, ExchangeArgs, RefreshArgs};
use crate::step::backend::BackendArgs;
use crate::step::context::Outcome;
use crate::step::{Context, Deed, Halt, discover};
use crate::target::ClientKind;

/// What makes two starting states the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    client: String,
    given: Given,
    with: With,
}

/// For so many states that are reached a shared one serves: servers keep what they issued for a while, and not for ever.
const SERVES: usize = 100;

/// A state that is shared, and since when.
struct Shared {
    deeds: Vec<Arc<Deed>>,
    made: Instant,
    /// How long its token can be trusted to work: half of what the server said.
    lives: Duration,
    reached: usize,
}

impl Shared {
    fn is_fresh(&self, reached: usize) -> bool {
        reached - self.reached <= SERVES && self.made.elapsed() < self.lives
    }
}

/// Shared starting states, and those that cannot be reached.
#[derive(Default)]
pub struct Givens {
    shared: HashMap<Key, Shared>,
    unreachable: HashMap<Key, Halt>,
    reached: usize,
}

impl Givens {
    /// Brings the context to the state; a state that could not be reached twice is not tried again.
    pub async fn reach(&mut self, context: &mut Context<'_>, given: Given) -> Result<(), Halt> {
        if given == Given::Nothing {
            return Ok(());
        }
        discover::facts(context.world).await;
        let Some(client) = context.client else {
            let nobody = steps(given, ClientKind::Public).is_empty();
            return if nobody { Ok(()) } else { context.own_client().map(drop) };
        };
        let steps = steps(given, client.kind);
        if steps.is_empty() {
            return Ok(());
        }
        let client = client.name.clone();
        let key = Key {
            client,
            given,
            with: context.with.clone(),
        };
        if let Some(halt) = self.unreachable.get(&key) {
            return Err(halt.clone());
        }
        self.reached += 1;
        if let Some(shared) = self.shared.get(&key).filter(|shared| shared.is_fresh(self.reached)) {
            context.deeds.extend(shared.deeds.iter().cloned());
            return Ok(());
        }
        let mut made = make(context, &steps).await;
        if made.is_err() {
            context.world.agent.forget();
            made = make(context, &steps).await;
        }
        match made {
            Ok(()) => {
                if matches!(given, Given::Launched | Given::BackendToken) {
                    let shared = Shared {
                        deeds: context.deeds.clone(),
                        made: Instant::now(),
                        lives: lifetime(context) / 2,
                        reached: self.reached,
                    };
                    self.shared.insert(key, shared);
                }
                Ok(())
            }
            Err(halt) => {
                self.unreachable.insert(key, halt.clone());
                Err(halt)
            }
        }
    }

    /// Forgets shared states: time has passed, or what they hold was spent.
    pub fn forget(&mut self) {
        self.shared.clear();
    }
}

/// `expires_in` of the last token response; RFC 6749 §5.1 leaves it open, and a minute is what nobody goes below.
fn lifetime(context: &Context<'_>) -> Duration {
    const SHORTEST: Duration = Duration::from_mins(1);
    let told = context.deeds.iter().rev().find_map(|deed| match &deed.outcome {
        Outcome::Answered(answer) => answer.json.as_ref()?.get("expires_in")?.as_u64(),
        _ => None,
    });
    told.map_or(SHORTEST, Duration::from_secs)
}

async fn make(context: &mut Context<'_>, steps: &[Step]) -> Result<(), Halt> {
    for step in steps {
        super::steps::run(context, std::slice::from_ref(step)).await?;
        accepted(context)?;
    }
    Ok(())
}

/// The last deed was done as asked.
pub fn accepted(context: &Context<'_>) -> Result<(), Halt> {
    let Some(deed) = context.deeds.last() else {
        return Ok(());
    };
    match Reaction::of(deed) {
        Reaction::Accepted(_) => Ok(()),
        other => Err(Halt::Blocked(format!(
            "a correct {} was not accepted: {}",
            deed.verb,
            other.words()
        ))),
    }
}

/// The steps that lead a client of this kind to a state, each without anything wrong in it.
pub fn steps(given: Given, kind: ClientKind) -> Vec<Step> {
    let label = || Some(GIVEN.to_owned());
    let authorize = Step::Authorize(AuthorizeArgs {
        label: label(),
        ..AuthorizeArgs::default()
    });
    let exchange = Step::Exchange(ExchangeArgs {
        label: label(),
        ..ExchangeArgs::default()
    });
    let refresh = Step::Refresh(RefreshArgs {
        label: label(),
        ..RefreshArgs::default()
    });
    let backend = Step::Backend(BackendArgs {
        label: label(),
        ..BackendArgs::default()
    });
    match given {
        Given::BackendToken => vec![backend],
        Given::Authorized if kind == ClientKind::Backend => Vec::new(),
        Given::Launched | Given::LaunchedAlone if kind == ClientKind::Backend => vec![backend],
        Given::Nothing | Given::Discovered => Vec::new(),
        Given::Authorized => vec![authorize],
        Given::Launched | Given::LaunchedAlone => vec![authorize, exchange],
        Given::Refreshed => vec![authorize, exchange, refresh],
    }
}
