//! What a run with this profile will leave out, and why: the plan of a dry run, with its reasons.

use reports::exit::AcceptedGap;
use reports::model::{Level, Status};

use super::finding::{Examination, Finding, LeftOut};
use crate::engine::{plan, version};
use crate::scenario::load::Loaded;
use crate::scenario::needs::Allow;
use crate::scenario::select::{Item, Selection};
use crate::step::World;
use crate::step::world::Facts;

/// Fills in the plan; a line where a run would be incomplete.
pub(super) async fn foresee(world: &World, facts: &Facts, scenarios: &[Loaded], found: &mut Examination) {
    let items = Selection::default().items(scenarios, &world.profile);
    let (smart, _) = version::infer(None, &world.profile, facts);
    let allow = Allow {
        lockout: false,
        writes: false,
    };
    let gaps = gaps(world);
    let mut runs: Vec<Item<'_>> = Vec::new();
    for item in items {
        match plan::not_run(world, &item, smart, allow).await {
            None => runs.push(item),
            Some((status, reason)) => {
                let duty = matches!(item.loaded.scenario.level, Level::Shall | Level::ShallNot);
                let accepted = gaps
                    .iter()
                    .any(|gap| gap.covers_item(&item.loaded.id, item.case, item.client_word));
                let incomplete = duty && status == Status::Unconfigured && !accepted;
                note(&mut found.left_out, status, reason, incomplete, item.id());
            }
        }
    }
    found
        .left_out
        .sort_by_key(|left| (left.status == "skip", std::cmp::Reverse(left.ids.len())));
    found.sign_ins = plan::sign_ins(&runs);
    found.will_run = runs.len();
    let open: usize = found
        .left_out
        .iter()
        .filter(|left| left.incomplete)
        .map(|left| left.ids.len())
        .sum();
    if open > 0 {
        found.add([Finding::incomplete(
            "plan",
            format!("{open} duties of the server (SHALL) cannot be judged with this profile"),
            "add what the list below names, or say in the profile why it may be missing: [accept_missing]",
        )]);
    }
}

fn gaps(world: &World) -> Vec<AcceptedGap> {
    let accepted = world.profile.accept_missing.iter();
    accepted
        .map(|(scope, reason)| AcceptedGap {
            scope: scope.clone(),
            reason: reason.clone(),
        })
        .collect()
}

fn note(left_out: &mut Vec<LeftOut>, status: Status, reason: String, incomplete: bool, id: String) {
    let status = status.as_str();
    let same = left_out
        .iter_mut()
        .find(|left| left.status == status && left.reason == reason && left.incomplete == incomplete);
    if let Some(left) = same {
        left.ids.push(id);
        return;
    }
    left_out.push(LeftOut {
        status,
        reason,
        incomplete,
        ids: vec![id],
    });
}
