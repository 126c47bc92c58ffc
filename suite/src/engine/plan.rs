//! What a plan will ask of the target and of the person in front of the browser, and what of it will not be run.

use std::collections::HashSet;

use reports::model::Status;

use crate::scenario::model::Given;
use crate::scenario::needs::{self, Allow, Need};
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
