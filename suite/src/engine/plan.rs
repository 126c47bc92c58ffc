//! What a plan will ask of the target and of the person in front of the browser, and what of it will not be run.

use std::collections::{HashMap, HashSet};

use reports::model::Status;

use crate::scenario::fault;
use crate::scenario::model::{Given, Scenario};
use crate::scenario::needs::{self, Allow, Need};
use crate::scenario::precautions;
use crate::scenario::select::Item;
use crate::scenario::{Check, Step};
use crate::step::{World, discover};
use crate::target::SmartVersion;

/// Why an item is not run at all, as far as the profile and discovery tell.
pub async fn not_run(world: &World, item: &Item<'_>, smart: SmartVersion, allow: Allow) -> Option<(Status, String)> {
    let scenario = &item.loaded.scenario;
    let version = smart.as_str();
    if !scenario.applies.is_empty() && !scenario.applies.iter().any(|one| one == version) {
        let which = scenario.applies.join(", ");
        return Some((
            Status::Skip,
            format!("holds in SMART {which}; the target is judged by {version}"),
        ));
    }
    let facts = discover::facts(world).await;
    if let Some((kind, missing)) = &item.missing {
        return Some(match kind.and_then(|kind| needs::unclaimed(facts, kind)) {
            Some(reason) => (Status::Skip, reason),
            None => (Status::Unconfigured, missing.clone()),
        });
    }
    let case = item.case.and_then(|name| scenario.cases.get(name));
    let of_case = case.into_iter().flat_map(|case| &case.needs);
    for need in scenario.needs.iter().chain(of_case) {
        match needs::judge(world, facts, item.client, allow, need) {
            Need::Met => {}
            Need::Skip(reason) => return Some((Status::Skip, reason)),
            Need::Unconfigured(reason) => return Some((Status::Unconfigured, reason)),
        }
    }
    None
}

/// Items in the order in which a run takes them.
pub fn in_order<'i, 'a>(items: &'i [Item<'a>]) -> Vec<&'i Item<'a>> {
    let mut order: Vec<&Item<'_>> = items.iter().collect();
    order.sort_by_key(|item| {
        (
            last(&item.loaded.scenario),
            item.client.map(|client| client.name.as_str()),
            item.id(),
        )
    });
    order
}

/// Scenarios that let time pass, that judge many values, or that may lock a client out, come last, in this order.
fn last(scenario: &Scenario) -> u8 {
    if scenario.needs.iter().any(|need| need == "lockout") {
        3
    } else if waits(&scenario.when) {
        2
    } else {
        u8::from(scenario.then.iter().any(Check::is_of_the_whole_run))
    }
}

pub(super) fn waits(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Wait(_)))
}

/// Wrong secrets that a client stands in a run off loopback: its account is worth more than a verdict.
const MOST_WRONG_SECRETS: usize = 3;

/// Ids of the items that would send more wrong secrets than that. Asked of the whole run, whatever part of it is made here,
/// since all parts come to the same accounts.
pub async fn spared(world: &World, whole: &[Item<'_>], smart: SmartVersion, allow: Allow) -> HashSet<String> {
    let mut spared = HashSet::new();
    if precautions::may_lock_out(world, discover::facts(world).await, allow) {
        return spared;
    }
    let mut sent: HashMap<&str, usize> = HashMap::new();
    for item in in_order(whole).into_iter().filter(|item| sends_wrong_secret(item)) {
        let Some(client) = item.client else { continue };
        if not_run(world, item, smart, allow).await.is_some() {
            continue;
        }
        let sent = sent.entry(&client.name).or_default();
        *sent += 1;
        if *sent > MOST_WRONG_SECRETS {
            spared.insert(item.id());
        }
    }
    spared
}

/// What is said of an item that is spared.
pub(super) fn spared_why() -> (Status, String) {
    let why = format!("{MOST_WRONG_SECRETS} wrong secrets are sent for a client in a run; more with --allow lockout");
    (Status::Skip, why)
}

/// Whether an item sends a secret that is not its client's.
pub(super) fn sends_wrong_secret(item: &Item<'_>) -> bool {
    item.loaded.scenario.when.iter().any(fault::sends_wrong_secret)
}

/// How many walks through sign-in the items need: at least, where the target remembers a session and every early refusal
/// costs none; at most, where each walk signs in and each refusal needs a control of its own.
pub fn sign_ins(items: &[Item<'_>]) -> (u32, u32) {
    let mut clients = HashSet::new();
    let mut most = 0;
    for item in items.iter().filter(|item| item.missing.is_none()) {
        let scenario = &item.loaded.scenario;
        let given = match scenario.given {
            Given::Nothing | Given::Discovered => 0,
            Given::Authorized | Given::Launched | Given::LaunchedAlone | Given::BackendToken | Given::Refreshed => 1,
        };
        let walks = given + scenario.when.iter().map(walks).sum::<u32>();
        if walks == 0 {
            continue;
        }
        clients.insert(item.client.map(|client| client.name.as_str()));
        let refusal = scenario.then.iter().any(|check| matches!(check, Check::RefusedBy(_)));
        most += walks * if refusal { 2 } else { 1 };
    }
    (u32::try_from(clients.len()).unwrap_or(u32::MAX), most)
}

fn walks(step: &Step) -> u32 {
    match step {
        Step::Authorize(_) | Step::Flow(_) => 1,
        Step::Interleaved(args) => u32::try_from(args.authorize.len()).unwrap_or(u32::MAX),
        Step::Together(steps) => steps.iter().map(walks).sum(),
        Step::Discover(_)
        | Step::Publish(_)
        | Step::Push(_)
        | Step::Register(_)
        | Step::Manage(_)
        | Step::Launch(_)
        | Step::Exchange(_)
        | Step::Backend(_)
        | Step::Refresh(_)
        | Step::Introspect(_)
        | Step::Revoke(_)
        | Step::Fhir(_)
        | Step::Userinfo(_)
        | Step::Jwks(_)
        | Step::Request(_)
        | Step::Preflight(_)
        | Step::Tls(_)
        | Step::Wait(_) => 0,
    }
}
