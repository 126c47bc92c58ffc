//! Both grammars, what lies within what, and what holds for any set.

use proptest::prelude::*;

use super::*;

fn within(narrow: &str, wide: &str) -> bool {
    ScopeSet::parse(narrow).is_subset_of(&ScopeSet::parse(wide))
}

#[test]
fn both_grammars_say_the_same() {
    for (old, new) in [
        ("patient/Observation.read", "patient/Observation.rs"),
        ("patient/Observation.write", "patient/Observation.cud"),
        ("user/*.*", "user/*.cruds"),
    ] {
        assert!(within(old, new) && within(new, old), "{old} {new}");
    }
}

#[test]
fn what_is_narrower_lies_within() {
    for (narrow, wide) in [
        ("", "openid"),
        ("openid fhirUser", "fhirUser openid launch"),
        ("profile", "fhirUser"),
        ("patient/Observation.r", "patient/*.rs"),
        ("patient/Observation.rs", "patient/Observation.r patient/*.s"),
        ("patient/Observation.rs?category=laboratory", "patient/Observation.rs"),
        (
            "patient/Observation.rs?category=laboratory&code=x",
            "patient/Observation.rs?category=laboratory",
        ),
        (
            "patient/Observation.rs?category=a",
            "patient/Observation.rs?category=b,a",
        ),
        (
            "patient/Observation.rs?category=http%3A%2F%2Fx%7Ca",
            "patient/Observation.rs?category=http://x|a",
        ),
        ("custom:thing", "custom:thing"),
    ] {
        assert!(within(narrow, wide), "{narrow} in {wide}");
    }
}

#[test]
fn what_is_wider_does_not() {
    for (wide, narrow) in [
        ("openid", ""),
        ("patient/*.rs", "patient/Observation.rs"),
        ("patient/Observation.crs", "patient/Observation.rs"),
        ("user/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.rs", "user/Observation.rs"),
        ("patient/Observation.rs", "patient/Observation.rs?category=laboratory"),
        (
            "patient/Observation.rs",
            "patient/Observation.rs?category=a patient/Observation.rs?category=b",
        ),
        (
            "patient/Observation.rs?category=a,b",
            "patient/Observation.rs?category=a",
        ),
        (
            "patient/Observation.rs?code:not=a",
            "patient/Observation.rs?code:not=a,b",
        ),
        ("offline_access", "online_access"),
        ("launch", "launch/patient"),
    ] {
        assert!(!within(wide, narrow), "{wide} in {narrow}");
    }
}

#[test]
fn what_is_outside_the_grammar_means_nothing() {
    for text in [
        "patient/Observation.sr",
        "patient/Observation.rr",
        "patient/Observation.",
        "patient/Observation",
        "patient/observation.rs",
        "patient/.rs",
        "patient/Observation.read?category=x",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "launch/patient",
        "practitioner/Observation.rs",
    ] {
        assert!(ScopeSet::parse(text).clinical().next().is_none(), "{text}");
        assert!(within(text, text));
    }
    assert!(!ScopeSet::parse("a\"b").iter().next().unwrap().is_in_grammar());
    assert!(
        ScopeSet::parse("patient/Observation.rs?a=b|c")
            .iter()
            .all(Scope::is_in_grammar)
    );
}

#[test]
fn what_a_set_asks_for() {
    let all = ScopeSet::parse(" launch/patient  openid fhirUser offline_access patient/*.rs ");
    assert!(all.has_patient_scope() && all.wants_patient() && all.wants_refresh() && all.wants_id_token());
    assert_eq!(
        all.to_string(),
        "launch/patient openid fhirUser offline_access patient/*.rs"
    );
    let none = ScopeSet::parse("user/*.rs launch");
    assert!(!none.has_patient_scope() && !none.wants_patient() && !none.wants_refresh() && !none.wants_id_token());
    let beyond = ScopeSet::parse("openid user/*.cruds");
    let texts: Vec<&str> = beyond.beyond(&none).map(Scope::text).collect();
    assert_eq!(texts, ["openid", "user/*.cruds"]);
}

fn scope() -> impl Strategy<Value = String> {
    let interactions = prop::sample::subsequence(vec!["c", "r", "u", "d", "s"], 1..=5).prop_map(|l| l.concat());
    let clinical = (
        prop::sample::select(vec!["patient", "user", "system"]),
        prop::sample::select(vec!["*", "Observation", "Patient"]),
        prop_oneof![
            interactions,
            Just("read".to_owned()),
            Just("write".to_owned()),
            Just("*".to_owned())
        ],
    )
        .prop_map(|(context, resource, what)| format!("{context}/{resource}.{what}"));
    prop_oneof![
        clinical,
        prop::sample::select(vec!["openid", "launch"]).prop_map(str::to_owned)
    ]
}

fn scopes() -> impl Strategy<Value = String> {
    prop::collection::vec(scope(), 0..5).prop_map(|scopes| scopes.join(" "))
}

proptest! {
    #[test]
    fn a_set_lies_within_itself_and_within_what_adds_to_it(a in scopes(), b in scopes()) {
        prop_assert!(within(&a, &a));
        let more = format!("{b} {a}");
        prop_assert!(within(&a, &more));
    }

    #[test]
    fn lying_within_is_transitive(a in scopes(), b in scopes(), c in scopes()) {
        if within(&a, &b) && within(&b, &c) {
            prop_assert!(within(&a, &c));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(a in "\\PC*", b in "(patient/[A-Z%?&=.*a-z]{0,20} ?){0,3}") {
        let _ = within(&a, &b);
    }
}

#[test]
fn sets_overlap_where_some_data_can_be_reached_by_both() {
    let overlap = |one: &str, two: &str| ScopeSet::parse(one).overlaps(&ScopeSet::parse(two));
    for (one, two) in [
        ("patient/*.rs", "patient/Patient.r"),
        ("patient/Patient.read", "patient/Patient.s"),
        ("openid patient/Observation.rs?category=a", "patient/*.cruds"),
        ("launch/patient", "launch/patient"),
    ] {
        assert!(overlap(one, two) && overlap(two, one), "{one} {two}");
    }
    for (one, two) in [
        ("patient/*.rs", "user/*.rs"),
        ("patient/Patient.cud", "patient/Patient.rs"),
        ("patient/Condition.rs", "patient/Patient.rs"),
        ("patient/Patient.sr", "patient/Patient.rs"),
        ("", "patient/Patient.rs"),
    ] {
        assert!(!overlap(one, two) && !overlap(two, one), "{one} {two}");
    }
}
