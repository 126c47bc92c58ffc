//! `_include` and `_revinclude`: what belongs to a page of matches, as far as the bearer may see it.
//!
//! FHIR R4 search, "Including other resources in result": <https://hl7.org/fhir/R4/search.html#include>

use std::collections::{HashMap, HashSet};

use super::access::{Interaction, View};
use super::bearer::Bearer;
use super::element;
use super::parameters::{self, Kind, Parameter};
use super::query::Include;
use super::records::Records;
use super::store::Resource;
use crate::defect::Defect;

/// More than this is never included.
const LIMIT: usize = 1000;

/// Who may see what: asked once for every type and interaction.
pub(crate) trait Views {
    /// The view, or nothing where the scopes allow nothing.
    fn view(&self, kind: &str, interaction: Interaction) -> Option<View>;

    /// The view of what an include adds.
    fn included(&self, kind: &str, interaction: Interaction) -> Option<View> {
        self.view(kind, interaction)
    }
}

impl Views for Bearer<'_> {
    fn view(&self, kind: &str, interaction: Interaction) -> Option<View> {
        Bearer::view(self, kind, interaction).ok()
    }

    fn included(&self, kind: &str, interaction: Interaction) -> Option<View> {
        let leak = if interaction == Interaction::Read {
            Defect::FhirIncludeLeak
        } else {
            Defect::FhirRevincludeLeak
        };
        if self.has(leak) {
            return Some(View::everything());
        }
        Bearer::view(self, kind, interaction).ok()
    }
}

/// The resources that the includes add to the matches. What may not be seen is left out without a word.
pub(crate) fn follow<'a>(
    store: &'a Records,
    matches: &[&'a Resource],
    includes: &[Include],
    views: &impl Views,
) -> Vec<&'a Resource> {
    let mut walk = Walk {
        store,
        views,
        known: HashMap::new(),
        seen: matches.iter().map(|resource| resource.key()).collect(),
        included: Vec::new(),
    };
    let mut frontier = matches.to_vec();
    let mut first = true;
    while !frontier.is_empty() {
        let before = walk.included.len();
        for include in includes.iter().filter(|include| first || include.iterate) {
            walk.take(include, &frontier);
        }
        frontier = walk.included[before..].to_vec();
        first = false;
    }
    walk.included
}

struct Walk<'a, 'v, V> {
    store: &'a Records,
    views: &'v V,
    known: HashMap<(String, bool), Option<View>>,
    seen: HashSet<String>,
    included: Vec<&'a Resource>,
}

impl<'a, V: Views> Walk<'a, '_, V> {
    fn take(&mut self, include: &Include, frontier: &[&'a Resource]) {
        let fits = |resource: &Resource| include.to.as_ref().is_none_or(|to| *to == resource.kind);
        let store = self.store;
        if include.reverse {
            let wanted: HashSet<String> = frontier
                .iter()
                .filter(|resource| fits(resource))
                .map(|resource| resource.key())
                .collect();
            let parameters: Vec<_> = followed(include).collect();
            for resource in store.referring(&include.from, &parameters, wanted.iter().map(String::as_str)) {
                if references(include, resource).any(|reference| wanted.contains(reference)) {
                    self.add(resource, Interaction::Search);
                }
            }
        } else {
            for resource in frontier.iter().filter(|resource| resource.kind == include.from) {
                let targets: Vec<_> = references(include, resource)
                    .filter_map(|reference| store.resolve(reference))
                    .collect();
                for target in targets.into_iter().filter(|target| fits(target)) {
                    self.add(target, Interaction::Read);
                }
            }
        }
    }

    // An include is a read, a reverse include a search, by the scopes of the type that is included.
    fn add(&mut self, resource: &'a Resource, interaction: Interaction) {
        let views = self.views;
        let view = self
            .known
            .entry((resource.kind.clone(), interaction == Interaction::Read))
            .or_insert_with(|| views.included(&resource.kind, interaction));
        let shown = view.as_ref().is_some_and(|view| view.shows(resource));
        if shown && self.included.len() < LIMIT && self.seen.insert(resource.key()) {
            self.included.push(resource);
        }
    }
}

/// The parameters that an include speaks of.
fn followed(include: &Include) -> impl Iterator<Item = &'static Parameter> {
    let all = parameters::of(&include.from)
        .into_iter()
        .flatten()
        .filter(|_| include.parameter.is_none());
    include
        .parameter
        .into_iter()
        .chain(all)
        .filter(|parameter| parameter.kind == Kind::Reference)
}

/// The references of a resource that an include speaks of.
fn references<'r>(include: &'r Include, resource: &'r Resource) -> impl Iterator<Item = &'r str> {
    followed(include).flat_map(|parameter| targets(parameter, resource))
}

fn targets<'r>(parameter: &'static Parameter, resource: &'r Resource) -> impl Iterator<Item = &'r str> {
    parameter
        .paths
        .iter()
        .flat_map(|path| element::references(&resource.body, path))
        .filter(|reference| {
            let kind = reference.split_once('/').map(|(kind, _)| kind);
            parameter.target.is_none() || parameter.target == kind
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::access::Token;
    use crate::fhir::query::Query;
    use crate::scope::Scope;
    use crate::switches::Switches;

    struct App(Vec<Scope>);

    impl Views for App {
        fn view(&self, kind: &str, interaction: Interaction) -> Option<View> {
            let token = Token {
                scopes: &self.0,
                patient: Some("patient-a"),
                user: Some("u"),
                allowed_patients: None,
                lenient: false,
            };
            View::of(token, kind, interaction, "", &Switches::<Defect>::default()).ok()
        }
    }

    fn included(scopes: &str, matched: &str, includes: &str) -> Vec<String> {
        let records = Records::default();
        let store = &records;
        let matched = store.resolve(matched).expect(matched);
        let pairs = url::form_urlencoded::parse(includes.as_bytes()).into_owned();
        let query = Query::parse(&matched.kind, pairs, "", true).expect(includes);
        let app = App(Scope::parse_list(scopes));
        let mut found: Vec<_> = follow(store, &[matched], &query.includes, &app)
            .into_iter()
            .map(Resource::key)
            .collect();
        found.sort();
        found
    }

    #[test]
    fn includes_follow_references_as_far_as_scopes_go() {
        let one = "_include=Observation:subject";
        assert_eq!(
            included("patient/*.rs", "Observation/observation-a1", one),
            ["Patient/patient-a"]
        );
        assert!(included("patient/Observation.rs", "Observation/observation-a1", one).is_empty());
        assert!(included("patient/*.s", "Observation/observation-a1", one).is_empty());
        let all = included("patient/*.rs", "Observation/observation-a1", "_include=*");
        assert_eq!(
            all,
            [
                "Encounter/encounter-a1",
                "Patient/patient-a",
                "Practitioner/practitioner-1"
            ]
        );
    }

    #[test]
    fn includes_stop_at_the_compartment() {
        // Another patient's record cannot be a match, but were it one, nothing would leak through it.
        let shared = "Practitioner/practitioner-1";
        let patients = included("patient/*.rs", shared, "_revinclude=Patient:general-practitioner");
        assert_eq!(patients, ["Patient/patient-a"]);
        let observations = included("patient/*.rs", shared, "_revinclude=Observation:performer");
        assert!(observations.len() > 3);
        assert!(
            observations
                .iter()
                .all(|key| key.starts_with("Observation/observation-a"))
        );
    }

    #[test]
    fn iteration_goes_on_from_what_was_included() {
        let start = "Observation/observation-a1";
        let query = "_include=Observation:subject&_include:iterate=Patient:general-practitioner";
        assert_eq!(
            included("patient/*.rs", start, query),
            ["Patient/patient-a", "Practitioner/practitioner-1"]
        );
        let once = "_include=Observation:subject&_include=Observation:encounter:Patient";
        assert_eq!(included("patient/*.rs", start, once), ["Patient/patient-a"]);
        assert_eq!(
            included("patient/*.rs", "Patient/patient-a", "_revinclude=Provenance:target").len(),
            1
        );
    }
}
