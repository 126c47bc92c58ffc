//! Narrows a search to what its token reaches, before it goes upstream.

use super::super::access::{Reach, View};
use super::super::{app_state, compartment, parameters};

/// What upstream is asked in place of one search.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Narrowed {
    /// One search for each reach of the token; none where nothing could be found.
    pub(super) searches: Vec<Vec<(String, String)>>,
    /// Whether a server that searches rightly finds what may be seen and nothing else, so that its pages are the app's.
    pub(super) is_exact: bool,
    /// Whether nothing is kept from the bearer.
    pub(super) is_whole: bool,
}

impl Narrowed {
    pub(super) fn of(view: &View, kind: &str, plain: &[(String, String)], base: &str) -> Self {
        let reaches = view.reaches();
        let is_judged_alone = kind == app_state::KIND;
        let mut is_exact = reaches.len() == 1 && !is_judged_alone;
        let is_whole = is_exact && reaches[0].patients.is_none() && reaches[0].constraints.is_empty();
        let mut searches = Vec::new();
        for Reach { patients, constraints } in reaches {
            let mut pairs = plain.to_vec();
            if let Some(patients) = patients {
                match to_patients(kind, patients, &mut pairs, base) {
                    To::These => {}
                    To::Anybody => is_exact = false,
                    To::Nobody => continue,
                }
            }
            let further = constraints.iter().filter(|pair| !plain.contains(pair));
            pairs.extend(further.cloned());
            searches.push(pairs);
        }
        Self {
            searches,
            is_exact,
            is_whole,
        }
    }
}

enum To {
    /// The parameters name these patients only.
    These,
    /// No parameter can say it: what comes back is judged all the same.
    Anybody,
    Nobody,
}

/// Narrows to these patients. Where the app names patients itself, only those of them are left that it reaches.
fn to_patients(kind: &str, patients: &[String], pairs: &mut Vec<(String, String)>, base: &str) -> To {
    if compartment::is_shared(kind) {
        return To::These;
    }
    let names: &[&str] = if kind == "Patient" {
        &["_id"]
    } else {
        &["patient", "subject"]
    };
    let names: Vec<_> = names
        .iter()
        .filter(|name| parameters::find(kind, name).is_some())
        .collect();
    let mut is_named = false;
    for (name, value) in pairs.iter_mut() {
        let word = name.strip_suffix(":Patient").unwrap_or(name);
        if !names.iter().any(|known| **known == word) {
            continue;
        }
        let own: Vec<&str> = value
            .split(',')
            .filter(|one| names_one_of(one, patients, base))
            .collect();
        if own.is_empty() {
            return To::Nobody;
        }
        let own = own.join(",");
        *value = own;
        is_named = true;
    }
    if is_named {
        return To::These;
    }
    let (Some(name), false) = (names.first(), kind == "Device") else {
        // A device may be nobody's, which no parameter asks for.
        return To::Anybody;
    };
    let prefix = if **name == "subject" { "Patient/" } else { "" };
    let all: Vec<String> = patients.iter().map(|patient| format!("{prefix}{patient}")).collect();
    pairs.push(((**name).to_owned(), all.join(",")));
    To::These
}

/// `a`, `Patient/a` or the whole address.
fn names_one_of(value: &str, patients: &[String], base: &str) -> bool {
    let local = value
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(value);
    let id = local.strip_prefix("Patient/").unwrap_or(local);
    patients.iter().any(|patient| patient == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::Defect;
    use crate::fhir::access::{Interaction, Token};
    use crate::scope::Scope;
    use crate::switches::Switches;

    const BASE: &str = "http://ehr.example/fhir";

    fn narrowed(scopes: &str, allowed: Option<&[String]>, kind: &str, asked: &str) -> Narrowed {
        let scopes = Scope::parse_list(scopes);
        let token = Token {
            scopes: &scopes,
            patient: Some("a"),
            user: Some("u"),
            allowed_patients: allowed,
            lenient: false,
        };
        let view = View::of(token, kind, Interaction::Search, BASE, &Switches::<Defect>::default()).expect(kind);
        let asked: Vec<_> = url::form_urlencoded::parse(asked.as_bytes()).into_owned().collect();
        Narrowed::of(&view, kind, &asked, BASE)
    }

    fn texts(narrowed: &Narrowed) -> Vec<String> {
        let text = |pairs: &Vec<(String, String)>| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join("&")
        };
        narrowed.searches.iter().map(text).collect()
    }

    #[test]
    fn a_search_is_narrowed_to_the_patient() {
        for (kind, asked, expected) in [
            ("Observation", "code=1", "code=1&patient=a"),
            ("Observation", "patient=a", "patient=a"),
            ("Observation", "patient=Patient/b,Patient/a", "patient=Patient/a"),
            (
                "Observation",
                "subject=http://ehr.example/fhir/Patient/a",
                "subject=http://ehr.example/fhir/Patient/a",
            ),
            ("Observation", "subject:Patient=a", "subject:Patient=a"),
            (
                "Observation",
                "subject:missing=false",
                "subject:missing=false&patient=a",
            ),
            ("Patient", "name=x", "name=x&_id=a"),
            ("Practitioner", "name=x", "name=x"),
            ("Device", "patient=a", "patient=a"),
        ] {
            let found = narrowed("patient/*.rs", None, kind, asked);
            assert_eq!(texts(&found), [expected], "{kind}?{asked}");
            assert!(found.is_exact && !found.is_whole, "{kind}?{asked}");
        }
        for asked in [
            "patient=b",
            "subject=Group/a",
            "patient=a&subject=Patient/b",
            "patient=http://other.example/fhir/Patient/a",
        ] {
            assert!(
                texts(&narrowed("patient/*.rs", None, "Observation", asked)).is_empty(),
                "{asked}"
            );
        }
        let devices = narrowed("patient/*.rs", None, "Device", "type=x");
        assert_eq!((texts(&devices), devices.is_exact), (vec!["type=x".to_owned()], false));
        assert!(!narrowed("patient/*.rs", None, "Basic", "").is_exact);
    }

    #[test]
    fn constraints_are_asked_too_and_several_scopes_are_several_searches() {
        let one = narrowed(
            "patient/Observation.rs?category=laboratory",
            None,
            "Observation",
            "code=1",
        );
        assert_eq!(texts(&one), ["code=1&patient=a&category=laboratory"]);
        assert!(one.is_exact);
        let repeated = narrowed(
            "patient/Observation.rs?category=laboratory",
            None,
            "Observation",
            "category=laboratory",
        );
        assert_eq!(texts(&repeated), ["category=laboratory&patient=a"]);
        let two = "patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs";
        let two = narrowed(two, None, "Observation", "");
        assert_eq!(texts(&two).len(), 2);
        assert!(!two.is_exact);
        let wider = "patient/Observation.rs?category=laboratory patient/*.rs patient/Observation.s";
        assert_eq!(texts(&narrowed(wider, None, "Observation", "")), ["patient=a"]);
        let nonsense = narrowed("patient/Observation.rs?nonsense=1", None, "Observation", "");
        assert!(nonsense.searches.is_empty() && !nonsense.is_exact);
    }

    #[test]
    fn users_reach_as_far_as_they_may() {
        let whole = narrowed("user/*.rs", None, "Observation", "code=1");
        assert_eq!(texts(&whole), ["code=1"]);
        assert!(whole.is_whole && whole.is_exact);
        let own = ["a".to_owned(), "b".to_owned()];
        let own = narrowed("user/*.rs patient/*.rs", Some(&own), "Observation", "code=1");
        assert_eq!(texts(&own), ["code=1&patient=a,b"]);
        assert!(!own.is_whole);
        assert!(narrowed("user/*.rs", Some(&[]), "Observation", "").searches.is_empty());
        let mixed = narrowed("user/*.rs patient/*.rs?_id=1", None, "Observation", "");
        assert!(mixed.is_whole);
    }
}
