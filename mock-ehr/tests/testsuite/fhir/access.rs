//! What holds for every combination of scopes, patient and resource.

use mock_ehr::fhir::access::{Interaction, Token, View};
use mock_ehr::fhir::compartment::Membership;
use mock_ehr::fhir::people;
use mock_ehr::fhir::store::{Resource, Store};
use mock_ehr::scope::Scope;
use mock_ehr::switches::Switches;
use proptest::prelude::*;

const KINDS: [&str; 6] = [
    "Patient",
    "Observation",
    "Encounter",
    "Provenance",
    "Practitioner",
    "Device",
];

fn scopes(contexts: &'static [&'static str]) -> impl Strategy<Value = Vec<Scope>> {
    let one = (
        prop::sample::select(contexts),
        prop::sample::select(vec!["*", "Patient", "Observation", "Encounter", "Practitioner"]),
        prop::sample::select(vec!["r", "s", "rs", "cud", "cruds"]),
        prop::sample::select(vec![
            "",
            "",
            "?category=laboratory",
            "?_id=observation-a1",
            "?nonsense=1",
        ]),
    )
        .prop_map(|(context, kind, letters, query)| Scope::parse(&format!("{context}/{kind}.{letters}{query}")));
    prop::collection::vec(one, 0..5)
}

fn patient() -> impl Strategy<Value = &'static str> {
    prop::sample::select(people::patients().iter().map(|one| one.id.as_str()).collect::<Vec<_>>())
}

fn interaction() -> impl Strategy<Value = Interaction> {
    prop::sample::select(vec![Interaction::Read, Interaction::Search])
}

fn seen(token: Token<'_>, kind: &'static str, interaction: Interaction) -> Vec<&'static Resource> {
    let Ok(view) = View::of(token, kind, interaction, "", &Switches::default()) else {
        return Vec::new();
    };
    Store::embedded()
        .all(kind)
        .filter(|resource| view.shows(resource))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn patient_scopes_never_leave_the_compartment(
        scopes in scopes(&["patient"]), patient in patient(), kind in prop::sample::select(&KINDS[..]), interaction in interaction(),
    ) {
        let token = Token { scopes: &scopes, patient: Some(patient), user: Some("user"), allowed_patients: None, lenient: false };
        for resource in seen(token, kind, interaction) {
            let inside = match &resource.membership {
                Membership::Shared => true,
                Membership::Patients(own) => own.iter().any(|id| id == patient),
            };
            prop_assert!(inside, "{} was shown to {patient}", resource.key());
        }
    }

    #[test]
    fn nothing_beyond_the_users_patients_is_shown_by_user_scopes(
        scopes in scopes(&["user", "system"]), own in patient(), kind in prop::sample::select(&KINDS[..]), interaction in interaction(),
    ) {
        let allowed = vec![own.to_owned()];
        let token = Token { scopes: &scopes, patient: None, user: Some("user"), allowed_patients: Some(&allowed), lenient: false };
        for resource in seen(token, kind, interaction) {
            prop_assert!(resource.membership.reachable_by(std::iter::once(own)), "{} was shown", resource.key());
        }
    }

    #[test]
    fn scopes_together_show_what_each_shows_alone(
        scopes in scopes(&["patient", "user", "system"]), patient in patient(), kind in prop::sample::select(&KINDS[..]), interaction in interaction(),
    ) {
        let token = |scopes| Token { scopes, patient: Some(patient), user: Some("user"), allowed_patients: None, lenient: false };
        let mut alone: Vec<String> = scopes
            .iter()
            .flat_map(|scope| seen(token(std::slice::from_ref(scope)), kind, interaction))
            .map(Resource::key)
            .collect();
        let mut together: Vec<String> = seen(token(&scopes), kind, interaction).into_iter().map(Resource::key).collect();
        alone.sort();
        alone.dedup();
        together.sort();
        prop_assert_eq!(alone, together);
    }
}
