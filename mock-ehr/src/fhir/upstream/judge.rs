//! Judges what upstream found, entry by entry: whatever it says, nothing leaves that the token does not reach.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::super::access::{Interaction, View};
use super::super::app_state;
use super::super::bearer::Bearer;
use super::super::include::Views as _;
use super::super::query::Include;
use super::super::store::Resource;
use crate::state::AppState;

/// Who asks for what.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) state: &'a AppState,
    pub(super) bearer: &'a Bearer<'a>,
    pub(super) view: &'a View,
    pub(super) kind: &'a str,
    pub(super) includes: &'a [Include],
    /// What upstream does not understand is an error.
    pub(super) strict: bool,
}

/// A Bundle of upstream's, judged.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) matches: Vec<Resource>,
    pub(super) included: Vec<Resource>,
    /// Matches that may not be seen, or are none.
    pub(super) dropped: usize,
    pub(super) total: Option<u64>,
    /// The next page, below upstream's base.
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
    /// A next page that is not upstream's own: it is not followed, and not handed on.
    pub(super) leads_elsewhere: bool,
}

impl Asking<'_> {
    /// Keeps what may be seen.
    pub(super) fn judge(&self, mut bundle: Value) -> Judged {
        let mut judged = Judged {
            total: bundle["total"].as_u64(),
            ..Judged::default()
        };
        self.follow(&bundle, &mut judged);
        let Value::Array(entries) = bundle["entry"].take() else {
            return judged;
        };
        let mut views = HashMap::new();
        for mut entry in entries {
            let mode = entry["search"]["mode"].as_str().unwrap_or_default().to_owned();
            // An entry that is no object has none.
            let body = entry.get_mut("resource").map(Value::take).unwrap_or_default();
            // What upstream remarks could speak of what may not be seen.
            if mode == "outcome" || body["resourceType"] == "OperationOutcome" {
                continue;
            }
            let Some(resource) = Resource::at(self.state.bases(), body) else {
                judged.dropped += 1;
                continue;
            };
            let is_match = mode == "match" || (mode.is_empty() && resource.kind == self.kind);
            if !is_match {
                let view = views
                    .entry(resource.kind.clone())
                    .or_insert_with(|| self.bearer.included(&resource.kind, self.how_included(&resource.kind)));
                let shown = view.as_ref().is_some_and(|view| view.shows(&resource));
                if shown && self.may_read(&resource) {
                    judged.included.push(resource);
                }
            } else if resource.kind == self.kind && self.view.shows(&resource) && self.may_read(&resource) {
                judged.matches.push(resource);
            } else {
                judged.dropped += 1;
            }
        }
        judged
    }

    fn may_read(&self, resource: &Resource) -> bool {
        app_state::may_read(self.state, self.bearer, resource)
    }

    /// An include is a read, a reverse include a search.
    fn how_included(&self, kind: &str) -> Interaction {
        let reverse = self
            .includes
            .iter()
            .any(|include| include.reverse && include.from == kind);
        if reverse {
            Interaction::Search
        } else {
            Interaction::Read
        }
    }

    fn follow(&self, bundle: &Value, judged: &mut Judged) {
        let Some(upstream) = self.state.upstream() else { return };
        for link in bundle["link"].as_array().into_iter().flatten() {
            let url = link["url"].as_str().unwrap_or_default();
            // Links came with the mock's addresses, as everything did.
            let links = upstream.links();
            let at = links.below(&links.outward_text(url));
            match link["relation"].as_str() {
                Some("next") => {
                    judged.leads_elsewhere = at.is_none();
                    judged.next = at;
                }
                Some("previous" | "prev") => judged.previous = at,
                _ => {}
            }
        }
    }
}

/// What of the included belongs to these matches, directly or by others that are included: what hangs on something that
/// may not be seen would tell of it.
pub(super) fn connected<'r>(base: &str, page: &[&Resource], included: &'r [Resource]) -> Vec<&'r Resource> {
    let of = |resource: &Resource| {
        let mut found = HashSet::new();
        references(base, &resource.body, &mut found);
        found
    };
    let mut names: HashSet<String> = page.iter().map(|one| one.key()).collect();
    let mut referred: HashSet<String> = page.iter().flat_map(|one| of(one)).collect();
    let mut rest: Vec<(&Resource, HashSet<String>)> = included.iter().map(|one| (one, of(one))).collect();
    rest.retain(|(one, _)| !names.contains(&one.key()));
    let mut kept = Vec::new();
    loop {
        let hangs = |(one, refers): &(&Resource, HashSet<String>)| {
            referred.contains(&one.key()) || refers.iter().any(|to| names.contains(to))
        };
        let (found, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(hangs);
        rest = others;
        if found.is_empty() {
            return kept;
        }
        for (one, refers) in found {
            referred.extend(refers);
            if names.insert(one.key()) {
                kept.push(one);
            }
        }
    }
}

/// Every reference in it, as `Type/id`.
fn references(base: &str, value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("reference") {
                let local = reference
                    .strip_prefix(base)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .unwrap_or(reference);
                let plain = local.split_once("/_history/").map_or(local, |(plain, _)| plain);
                found.insert(plain.to_owned());
            }
            members.values().for_each(|value| references(base, value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(base, item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource(kind: &str, id: &str, refers: &[&str]) -> Resource {
        let refers: Vec<_> = refers.iter().map(|to| json!({"reference": to})).collect();
        Resource::new(json!({"resourceType": kind, "id": id, "link": refers})).expect(id)
    }

    #[test]
    fn what_hangs_on_nothing_that_is_seen_is_left_out() {
        let matched = resource(
            "Observation",
            "1",
            &["Encounter/hidden", "http://ehr.example/fhir/Patient/a/_history/2"],
        );
        let included = [
            resource("Practitioner", "of-hidden", &[]),
            resource("Patient", "a", &["Organization/o"]),
            resource("Organization", "o", &[]),
            resource("Provenance", "p", &["Observation/1"]),
            resource("Provenance", "of-other", &["Observation/2"]),
            resource("Observation", "1", &[]),
        ];
        let kept = connected("http://ehr.example/fhir", &[&matched], &included);
        let keys: Vec<_> = kept.into_iter().map(Resource::key).collect();
        assert_eq!(keys, ["Patient/a", "Provenance/p", "Organization/o"]);
    }
}
