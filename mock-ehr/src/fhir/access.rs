//! What a token lets its bearer see: scope by type, interaction and constraint, then the patient compartment.
//!
//! SMART App Launch 2.2, "Scopes for requesting FHIR resources":
//! <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use super::criterion::Criterion;
use super::store::Resource;
use crate::defect::Defect;
use crate::scope::{Context, ResourceScope, Scope, misread};
use crate::switches::Switches;

/// What the rules need to know of a token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Token<'a> {
    /// The granted scopes.
    pub scopes: &'a [Scope],
    /// The patient in context.
    pub patient: Option<&'a str>,
    /// The user who signed in; `None` for a client that acts on its own behalf.
    pub user: Option<&'a str>,
    /// The patients whom this user may see; `None` for all.
    pub allowed_patients: Option<&'a [String]>,
    /// The request asks for leniency: `Prefer: handling=lenient`.
    pub lenient: bool,
}

/// What is done with a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// read, vread and the history of one resource
    Read,
    /// search, and the history of a type or of all
    Search,
    /// create
    Create,
    /// update
    Update,
    /// delete
    Delete,
}

/// No granted scope allows the interaction with the type at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsufficientScope {
    /// The type.
    pub kind: String,
    /// The letter that was needed.
    pub letter: char,
    /// The scope that would have been enough.
    pub wanted: Option<String>,
}

/// What can be seen of one type in one interaction.
///
/// Every scope is a grant by itself: a resource is seen if one of them alone allows it. So the type of one scope
/// never joins with the reach of another.
#[derive(Debug)]
pub struct View {
    grants: Vec<Grant>,
}

/// How far one scope goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach<'v> {
    /// Whose records, beside what is nobody's; everybody's, where it is `None`.
    pub(crate) patients: Option<&'v [String]>,
    /// What they must meet, as search parameters.
    pub(crate) constraints: &'v [(String, String)],
}

#[derive(Debug)]
struct Grant {
    whose: Whose,
    /// The constraints as the scope has them.
    query: Vec<(String, String)>,
    /// All must be met; `None` if one of them cannot be understood, so that nothing meets them.
    constraints: Option<Vec<Criterion>>,
}

#[derive(Debug)]
enum Whose {
    Everyone,
    Patients(Vec<String>),
}

impl View {
    /// What a token lets be seen of a type, or that it lets nothing be seen.
    pub fn of(
        token: Token<'_>,
        kind: &str,
        interaction: Interaction,
        base: &str,
        defects: &Switches<Defect>,
    ) -> Result<Self, InsufficientScope> {
        if defects.has(Defect::FhirScopeNotEnforced) {
            return Ok(Self::without_scope(token));
        }
        if defects.has(Defect::FhirContextsMixed) && token.scopes.iter().any(is_of_user) {
            return Ok(Self::everything());
        }
        let grants: Vec<Grant> = token
            .scopes
            .iter()
            .filter_map(|scope| match scope {
                Scope::Resource(scope) => Some(scope),
                _ => None,
            })
            .filter(|scope| scope.speaks_of(kind) && interaction.is_in(scope, defects))
            .filter(|scope| misread::opens(defects, scope, kind))
            .filter_map(|scope| Grant::of(scope, token, kind, interaction, base, defects))
            .collect();
        if grants.is_empty() {
            return Err(InsufficientScope::new(token, kind, interaction));
        }
        Ok(Self { grants })
    }

    /// Everything, for a bearer who was let in without a token.
    pub(crate) fn everything() -> Self {
        Self {
            grants: vec![Grant {
                whose: Whose::Everyone,
                query: Vec::new(),
                constraints: Some(Vec::new()),
            }],
        }
    }

    /// Nothing, for a server that answers a refusal with an empty Bundle.
    pub(crate) fn nothing() -> Self {
        Self { grants: Vec::new() }
    }

    /// May this resource be seen?
    pub fn shows(&self, resource: &Resource) -> bool {
        self.grants.iter().any(|grant| grant.shows(resource))
    }

    /// The patients beyond whose records nothing but shared data can be seen; `None` if there is no such limit.
    pub fn patients(&self) -> Option<Vec<&str>> {
        let mut all = Vec::new();
        for grant in &self.grants {
            match &grant.whose {
                Whose::Everyone => return None,
                Whose::Patients(patients) => all.extend(patients.iter().map(String::as_str)),
            }
        }
        Some(all)
    }

    /// Each scope's criteria and patients: a search within each finds, together, what the view shows and nothing else.
    pub(crate) fn parts(&self) -> Vec<(&[Criterion], Option<Vec<&str>>)> {
        let parts = self.grants.iter().filter_map(|grant| {
            let constraints = grant.constraints.as_deref()?;
            let patients = match &grant.whose {
                Whose::Everyone => None,
                Whose::Patients(patients) => Some(patients.iter().map(String::as_str).collect()),
            };
            Some((constraints, patients))
        });
        parts.collect()
    }

    /// How far each of the scopes goes, as far as another does not go as far: what somebody else's server is to be asked.
    pub(crate) fn reaches(&self) -> Vec<Reach<'_>> {
        let all = || {
            self.grants
                .iter()
                .enumerate()
                .filter(|(_, grant)| grant.shows_something())
        };
        all()
            .filter(|(at, grant)| {
                let within = |(other_at, other): (usize, &Grant)| {
                    other_at != *at && grant.is_within(other) && (other_at < *at || !other.is_within(grant))
                };
                !all().any(within)
            })
            .map(|(_, grant)| grant.reach())
            .collect()
    }

    /// Whether a search by these parameters repeats the constraints of one of the scopes; all do where it has none.
    pub(crate) fn is_repeated_by(&self, asked: &[&str]) -> bool {
        let repeated = |grant: &Grant| {
            let constraints = grant.constraints.as_deref();
            constraints.is_some_and(|all| all.iter().all(|one| asked.contains(&one.name())))
        };
        self.grants.is_empty() || self.grants.iter().any(repeated)
    }

    // The faulty server looks at no scope, but still keeps to the patients whom the token stands for.
    fn without_scope(token: Token<'_>) -> Self {
        let whose = match (token.patient, token.allowed_patients) {
            (Some(patient), _) => Whose::Patients(vec![patient.to_owned()]),
            (None, Some(patients)) => Whose::Patients(patients.to_vec()),
            (None, None) => Whose::Everyone,
        };
        Self {
            grants: vec![Grant {
                whose,
                query: Vec::new(),
                constraints: Some(Vec::new()),
            }],
        }
    }
}

impl Grant {
    fn of(
        scope: &ResourceScope,
        token: Token<'_>,
        kind: &str,
        interaction: Interaction,
        base: &str,
        defects: &Switches<Defect>,
    ) -> Option<Self> {
        let whose = match scope.context {
            // A patient scope without a patient in context reaches nobody.
            Context::Patient if token.patient.is_none() && defects.has(Defect::FhirNoPatientOpensAll) => {
                Whose::Everyone
            }
            Context::Patient => {
                let patient = token.patient?.to_owned();
                if defects.has(interaction.leak()) {
                    Whose::Everyone
                } else {
                    Whose::Patients(vec![patient])
                }
            }
            // A user scope reaches as far as the user does, so it needs one.
            Context::User => {
                token.user?;
                token
                    .allowed_patients
                    .map_or(Whose::Everyone, |ids| Whose::Patients(ids.to_vec()))
            }
            // A system scope is for clients that act on their own behalf: a user's token never widens by it.
            Context::System => {
                if token.user.is_some() {
                    return None;
                }
                Whose::Everyone
            }
        };
        // SMART 2.2 "Finer-grained resource constraints": each narrows the scope that carries it. One that this
        // server does not understand cannot be enforced, so such a scope shows nothing.
        let ignored = defects.has(Defect::FhirGranularIgnored)
            || (interaction == Interaction::Read && defects.has(Defect::FhirGranularReadIgnored))
            || (token.lenient && defects.has(Defect::FhirGranularLenientIgnored));
        let unknown_ignored = defects.has(Defect::FhirGranularUnknownIgnored);
        let read = |(name, value): &(String, String)| Criterion::parse(kind, name, value, base).ok();
        let query: Vec<_> = scope.query.iter().filter(|_| !ignored).cloned().collect();
        let query: Vec<_> = query
            .into_iter()
            .filter(|pair| !unknown_ignored || read(pair).is_some())
            .collect();
        let constraints = query.iter().map(read).collect();
        Some(Self {
            whose,
            query,
            constraints,
        })
    }

    fn shows_something(&self) -> bool {
        let somebody = !matches!(&self.whose, Whose::Patients(patients) if patients.is_empty());
        somebody && self.constraints.is_some()
    }

    /// Whether the other shows all that this one shows.
    fn is_within(&self, other: &Self) -> bool {
        let reached = match (&self.whose, &other.whose) {
            (_, Whose::Everyone) => true,
            (Whose::Everyone, Whose::Patients(_)) => false,
            (Whose::Patients(own), Whose::Patients(others)) => own.iter().all(|patient| others.contains(patient)),
        };
        reached && other.query.iter().all(|pair| self.query.contains(pair))
    }

    fn reach(&self) -> Reach<'_> {
        Reach {
            patients: match &self.whose {
                Whose::Everyone => None,
                Whose::Patients(patients) => Some(patients),
            },
            constraints: &self.query,
        }
    }

    fn shows(&self, resource: &Resource) -> bool {
        let reached = match &self.whose {
            Whose::Everyone => true,
            Whose::Patients(patients) => resource.membership.reachable_by(patients.iter().map(String::as_str)),
        };
        let met = |constraints: &Vec<Criterion>| {
            constraints.is_empty()
                || resource
                    .body
                    .look(|body| constraints.iter().all(|one| one.matches(body)))
        };
        reached && self.constraints.as_ref().is_some_and(met)
    }
}

impl Interaction {
    fn is_in(self, scope: &ResourceScope, defects: &Switches<Defect>) -> bool {
        let of = scope.permissions;
        let reads = of.read || of.search;
        let writes = of.create || of.update || of.delete;
        let by_letter = match self {
            Self::Read => of.read,
            Self::Search => of.search,
            Self::Create => of.create,
            Self::Update => of.update,
            Self::Delete => of.delete,
        };
        by_letter
            || match self {
                Self::Read | Self::Search => reads && defects.has(Defect::FhirReadLetterNotChecked),
                _ => writes && defects.has(Defect::FhirWriteLetterNotChecked),
            }
    }

    fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Search => 's',
            Self::Create => 'c',
            Self::Update => 'u',
            Self::Delete => 'd',
        }
    }

    /// The interaction in a word.
    pub(crate) fn word(letter: char) -> &'static str {
        match letter {
            'r' => "read",
            's' => "search",
            'c' => "create",
            'u' => "update",
            _ => "delete",
        }
    }

    fn leak(self) -> Defect {
        match self {
            Self::Read => Defect::FhirCompartmentReadLeak,
            Self::Search => Defect::FhirCompartmentSearchLeak,
            Self::Create | Self::Update | Self::Delete => Defect::FhirWriteBeyondCompartment,
        }
    }
}

fn is_of_user(scope: &Scope) -> bool {
    matches!(scope, Scope::Resource(scope) if scope.context == Context::User)
}

impl InsufficientScope {
    fn new(token: Token<'_>, kind: &str, interaction: Interaction) -> Self {
        let context = match (token.patient, token.user) {
            (Some(_), _) => Context::Patient,
            (None, Some(_)) => Context::User,
            (None, None) => Context::System,
        };
        let letter = interaction.letter();
        // The name comes from the address, so it goes into a header only if it is a plain name.
        let plain = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        let wanted = plain.then(|| format!("{}/{kind}.{letter}", context.name()));
        Self {
            kind: kind.to_owned(),
            letter,
            wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::store::Store;

    const BASE: &str = "http://ehr.example/fhir";

    struct Case<'a> {
        scopes: &'a str,
        patient: Option<&'a str>,
        user: Option<&'a str>,
        allowed: Option<Vec<String>>,
        defects: Vec<Defect>,
    }

    fn app(scopes: &str) -> Case<'_> {
        Case {
            scopes,
            patient: Some("patient-a"),
            user: Some("user-1"),
            allowed: None,
            defects: Vec::new(),
        }
    }

    impl Case<'_> {
        fn view(&self, kind: &str, interaction: Interaction) -> Result<View, InsufficientScope> {
            let scopes = Scope::parse_list(self.scopes);
            let token = Token {
                scopes: &scopes,
                patient: self.patient,
                user: self.user,
                allowed_patients: self.allowed.as_deref(),
                lenient: false,
            };
            let switches = Switches::default();
            switches.set(self.defects.iter().copied());
            View::of(token, kind, interaction, BASE, &switches)
        }

        fn reads(&self, kind: &str, id: &str) -> bool {
            let resource = Store::embedded().get(kind, id).expect(id);
            self.view(kind, Interaction::Read)
                .is_ok_and(|view| view.shows(resource))
        }

        fn searches(&self, kind: &str, id: &str) -> bool {
            let resource = Store::embedded().get(kind, id).expect(id);
            self.view(kind, Interaction::Search)
                .is_ok_and(|view| view.shows(resource))
        }
    }

    #[test]
    fn type_and_interaction_must_be_granted() {
        let case = app("patient/Observation.r launch/patient openid");
        assert!(case.reads("Observation", "observation-a1"));
        assert!(!case.searches("Observation", "observation-a1"));
        assert!(!case.reads("Condition", "condition-a1"));
        let refusal = case.view("Condition", Interaction::Search).unwrap_err();
        assert_eq!(refusal.wanted.as_deref(), Some("patient/Condition.s"));
        assert!(!app("patient/Observation.cud").reads("Observation", "observation-a1"));
        assert!(app("patient/*.read").searches("Condition", "condition-a1"));
    }

    #[test]
    fn a_patient_scope_ends_at_the_compartment() {
        let case = app("patient/*.rs");
        assert!(!case.reads("Observation", "observation-b1"));
        assert!(!case.searches("Patient", "patient-b"));
        assert!(case.reads("Patient", "patient-a"));
        assert!(case.reads("Practitioner", "practitioner-1"));
        assert!(!app("patient/Observation.rs").reads("Practitioner", "practitioner-1"));
    }

    #[test]
    fn without_a_patient_in_context_a_patient_scope_reaches_nobody() {
        let case = Case {
            patient: None,
            ..app("patient/*.rs")
        };
        assert!(case.view("Observation", Interaction::Read).is_err());
        assert!(case.view("Practitioner", Interaction::Read).is_err());
    }

    #[test]
    fn a_user_scope_reaches_as_far_as_the_user() {
        assert!(app("user/Observation.rs").reads("Observation", "observation-b1"));
        let guardian = Case {
            allowed: Some(vec!["patient-b".into()]),
            ..app("user/Observation.rs")
        };
        assert!(guardian.reads("Observation", "observation-b1"));
        assert!(!guardian.reads("Observation", "observation-a1"));
        let nobody = Case {
            user: None,
            ..app("user/*.rs")
        };
        assert!(nobody.view("Observation", Interaction::Read).is_err());
    }

    #[test]
    fn a_system_scope_needs_a_client_on_its_own() {
        let service = Case {
            user: None,
            patient: None,
            ..app("system/*.rs")
        };
        assert!(service.reads("Observation", "observation-b1"));
        assert!(!app("system/*.rs").reads("Observation", "observation-a1"));
    }

    #[test]
    fn contexts_never_join() {
        let case = app("patient/*.rs user/Patient.r");
        assert!(case.reads("Patient", "patient-b"), "the user's own reach");
        assert!(!case.searches("Patient", "patient-b"), "the user's scope has no s");
        assert!(
            !case.reads("Observation", "observation-b1"),
            "the user's scope is on Patient only"
        );
    }

    #[test]
    fn constraints_hold_for_reads_too() {
        let case = app("patient/Observation.rs?category=laboratory");
        let category = |id: &str| {
            let body = &Store::embedded().get("Observation", id).expect(id).body;
            body.pointer("/category/0/coding/0/code")
                .and_then(|code| code.as_str())
                .map(str::to_owned)
        };
        let mut seen = [0, 0];
        for n in 1..30 {
            let id = format!("observation-a{n}");
            let laboratory = category(&id).as_deref() == Some("laboratory");
            assert_eq!(case.reads("Observation", &id), laboratory, "{id}");
            seen[usize::from(laboratory)] += 1;
        }
        assert!(seen[0] > 3 && seen[1] > 3);
        assert!(!app("patient/Observation.rs?shoe-size=4").reads("Observation", "observation-a1"));
        let both = app("patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs");
        assert!(both.reads("Observation", "observation-a2"));
        assert!(!both.reads("Observation", "observation-b1") && !both.reads("Observation", "observation-a1"));
    }

    #[test]
    fn each_defect_opens_its_own_door_only() {
        let armed = |defect| Case {
            defects: vec![defect],
            ..app("patient/Observation.rs")
        };
        let read = armed(Defect::FhirCompartmentReadLeak);
        assert!(read.reads("Observation", "observation-b1"));
        assert!(!read.searches("Observation", "observation-b1"));
        assert!(!read.reads("Condition", "condition-a1"));
        let search = armed(Defect::FhirCompartmentSearchLeak);
        assert!(!search.reads("Observation", "observation-b1"));
        assert!(search.searches("Observation", "observation-b1"));
        let scope = armed(Defect::FhirScopeNotEnforced);
        assert!(scope.reads("Condition", "condition-a1"));
        assert!(!scope.reads("Observation", "observation-b1"));
    }

    #[test]
    fn an_odd_type_name_never_reaches_the_header() {
        let refusal = app("openid").view("X\", y=\"", Interaction::Read).unwrap_err();
        assert_eq!(refusal.wanted, None);
    }
}
