//! How often the target fetched the key set of a client, or what it had no reason to fetch.

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::Finding;
use crate::step::Context;
use crate::step::publish::{PublishedAt, path_of};

/// `fetched`: since the last `publish` at that address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchedArgs {
    /// At which address.
    #[serde(default)]
    pub at: PublishedAt,
    /// At least so often.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// At most so often.
    #[serde(default)]
    pub at_most: Option<usize>,
    /// Whether what follows rests on it: a set that was kept, and not fetched, leaves nothing to judge.
    #[serde(default)]
    pub basis: bool,
}

/// `fetched`.
pub fn fetched(context: &Context<'_>, args: &FetchedArgs) -> Finding {
    let registered = context.client.and_then(|client| client.jwks_uri.as_ref());
    let path = match (args.at.of_nobody(), registered) {
        (Some(path), _) => path.to_owned(),
        (None, Some(url)) => path_of(url, args.at),
        (None, None) => return Finding::Unreached("the client has no jwks_uri".to_owned()),
    };
    let times = context.world.key_server.fetched(&path);
    let fits = args.at_least.is_none_or(|least| times >= least) && args.at_most.is_none_or(|most| times <= most);
    if args.basis && !fits {
        return Finding::Unreached(format!(
            "the target fetched {path} {times} times since this was published there: its answer says nothing of it"
        ));
    }
    let expected = match (args.at_least, args.at_most) {
        (Some(least), Some(most)) => format!("{path} fetched {least} to {most} times"),
        (Some(least), None) => format!("{path} fetched at least {least} times"),
        (None, Some(most)) => format!("{path} fetched at most {most} times"),
        (None, None) => "any number of fetches".to_owned(),
    };
    if fits && times == 0 && !context.world.key_server.is_reached() {
        return Finding::Holds(Some(
            "nothing of the target reached launchproof in this run: it may be out of its reach".to_owned(),
        ));
    }
    Finding::when(fits, expected, format!("{times} times"))
}
