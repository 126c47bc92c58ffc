//! What a plan will ask of the target and of the person in front of the browser.

use std::collections::HashSet;

use crate::scenario::model::Given;
use crate::scenario::select::Item;
use crate::scenario::{Check, Step};

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
