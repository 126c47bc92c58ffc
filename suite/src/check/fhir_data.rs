//! Whose resources an answer of the FHIR API holds, of which types, and what a token response grants of them.
//!
//! SMART App Launch 2.2, "Scopes for requesting FHIR Resources":
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>; FHIR R4, Patient compartment:
//! <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::finding::{Finding, decided_answer};
use super::refusal::describe_answer;
use crate::oauth::scope::{Clinical, ScopeSet};
use crate::step::{Context, Halt};
use crate::value::Template;

/// `data`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// No resource of another patient than this one, by its id.
    #[serde(default)]
    pub patient: Option<Template>,
    /// No resource of any other type than these.
    #[serde(default)]
    pub only: Vec<Template>,
    /// No resource of these types.
    #[serde(default)]
    pub lacks: Vec<Template>,
    /// At least one resource of each of these types.
    #[serde(default)]
    pub shows: Vec<Template>,
    /// Each resource holds the code; with a type, each of that type: `Observation.category=laboratory`.
    #[serde(default)]
    pub coded: Option<Template>,
}

/// `granted`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedArgs {
    /// Label of the token response; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Each of these scopes lies within what was granted.
    #[serde(default)]
    pub allows: Vec<Template>,
    /// No granted scope, of whatever context, allows this: `Observation.s`.
    #[serde(default)]
    pub nothing_of: Vec<Template>,
    /// Every granted scope that speaks of these types carries a constraint.
    #[serde(default)]
    pub narrowed: Vec<Template>,
}

/// `data`.
pub fn data(context: &Context<'_>, args: &DataArgs) -> Finding {
    let answer = match decided_answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let wanted = match Wanted::of(context, args) {
        Ok(wanted) => wanted,
        Err(halt) => return Finding::Unreached(format!("{halt:?}")),
    };
    let found = answer.json.as_ref().map(resources).unwrap_or_default();
    wanted.judge(&found, &describe_answer(answer))
}

/// The arguments with their placeholders filled.
#[derive(Debug, Default)]
struct Wanted {
    patient: Option<String>,
    only: Vec<String>,
    lacks: Vec<String>,
    shows: Vec<String>,
    coded: Option<String>,
}

impl Wanted {
    fn of(context: &Context<'_>, args: &DataArgs) -> Result<Self, Halt> {
        let fill = |template: &Template| context.fill(template, &|_: &str| None);
        let all = |templates: &[Template]| templates.iter().map(fill).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            patient: args.patient.as_ref().map(fill).transpose()?,
            only: all(&args.only)?,
            lacks: all(&args.lacks)?,
            shows: all(&args.shows)?,
            coded: args.coded.as_ref().map(fill).transpose()?,
        })
    }

    fn judge(&self, found: &[&Value], words: &str) -> Finding {
        for resource in found {
            if let Some(broken) = self.leak(resource) {
                return broken;
            }
        }
        for kind in &self.shows {
            if !found.iter().any(|resource| is_kind(resource, kind)) {
                return Finding::broken(format!("at least one {kind} in the answer"), words);
            }
        }
        let kinds = counted(found);
        Finding::Holds(Some(if kinds.is_empty() {
            format!("no data: {words}")
        } else {
            format!("the answer holds {kinds}")
        }))
    }

    fn leak(&self, resource: &Value) -> Option<Finding> {
        let kind = kind_of(resource);
        let name = || format!("a {kind} ({})", resource["id"].as_str().unwrap_or("without id"));
        if let Some(patient) = &self.patient
            && let Some(other) = other_patient(resource, patient)
        {
            return Some(Finding::broken(
                format!("no data of another patient than `{patient}`"),
                format!("{} of the patient `{other}`", name()),
            ));
        }
        if !self.only.is_empty() && !self.only.iter().any(|one| one == kind) {
            let expected = format!("no other data than {}", self.only.join(", "));
            return Some(Finding::broken(expected, name()));
        }
        if self.lacks.iter().any(|one| one == kind) {
            return Some(Finding::broken(format!("no {}", self.lacks.join(" and no ")), name()));
        }
        match &self.coded {
            Some(code) if !holds_code(resource, code) => Some(Finding::broken(
                format!("no data beyond {code}"),
                format!("{} without that code", name()),
            )),
            _ => None,
        }
    }
}

/// `granted`.
pub fn granted(context: &Context<'_>, args: &GrantedArgs) -> Finding {
    let fill = |template: &Template| context.fill(template, &|_: &str| None);
    // RFC 6749 §5.1: without `scope` in the answer, what was asked for was granted.
    let text = context.member(args.of.as_deref(), "scope").or_else(|| {
        let asked = context.authorization(None)?;
        asked.sent.scope.clone()
    });
    let Some(text) = text else {
        return Finding::Unreached("it is not known which scopes were granted".to_owned());
    };
    let set = ScopeSet::parse(&text);
    let observed = || format!("granted: `{text}`");
    for template in &args.allows {
        match fill(template) {
            Ok(scope) if ScopeSet::parse(&scope).is_subset_of(&set) => {}
            Ok(scope) => return Finding::broken(format!("a grant of `{scope}`"), observed()),
            Err(halt) => return Finding::Unreached(format!("{halt:?}")),
        }
    }
    for template in &args.nothing_of {
        let beyond = match fill(template) {
            Ok(beyond) => beyond,
            Err(halt) => return Finding::Unreached(format!("{halt:?}")),
        };
        let asked = ScopeSet::parse(&format!("patient/{beyond}"));
        let touched = asked
            .clinical()
            .any(|asked| set.clinical().any(|scope| touches(scope, asked)));
        if touched {
            return Finding::broken(format!("a grant without `{beyond}`"), observed());
        }
    }
    for template in &args.narrowed {
        let kind = match fill(template) {
            Ok(kind) => kind,
            Err(halt) => return Finding::Unreached(format!("{halt:?}")),
        };
        let wide = |scope: &Clinical| speaks_of(scope, &kind) && scope.narrowed_by.is_empty();
        if set.clinical().any(wide) {
            return Finding::broken(format!("only constrained scopes on {kind}"), observed());
        }
    }
    Finding::holds()
}

fn speaks_of(scope: &Clinical, kind: &str) -> bool {
    scope.resource == "*" || scope.resource == kind
}

/// Whether a scope allows any of the interactions with any resource of the type.
fn touches(scope: &Clinical, asked: &Clinical) -> bool {
    (speaks_of(scope, &asked.resource) || asked.resource == "*")
        && asked.interactions.each().any(|one| one.within(scope.interactions))
}

/// Every resource of an answer: itself, or those of its Bundle, Bundles within included. What only reports is left out.
fn resources(document: &Value) -> Vec<&Value> {
    match document["resourceType"].as_str() {
        None | Some("OperationOutcome" | "CapabilityStatement") => Vec::new(),
        Some("Bundle") => {
            let entries = document["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
            entries.iter().flat_map(|entry| resources(&entry["resource"])).collect()
        }
        Some(_) => vec![document],
    }
}

fn kind_of(resource: &Value) -> &str {
    resource["resourceType"].as_str().unwrap_or_default()
}

fn is_kind(resource: &Value, kind: &str) -> bool {
    kind_of(resource) == kind
}

fn counted(found: &[&Value]) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for resource in found {
        let kind = kind_of(resource);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let words: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    words.join(", ")
}

/// Elements that say whose record a resource is.
const OWNERS: [&str; 4] = ["subject", "patient", "beneficiary", "for"];

/// The patient to whom a resource belongs, where that is another one and the resource never names this one.
fn other_patient<'v>(resource: &'v Value, patient: &str) -> Option<&'v str> {
    if names(resource, patient) {
        return None;
    }
    if is_kind(resource, "Patient") {
        return Some(resource["id"].as_str().unwrap_or("without id")).filter(|id| *id != patient);
    }
    OWNERS
        .iter()
        .filter_map(|element| resource[element]["reference"].as_str())
        .find_map(patient_id)
        .filter(|id| *id != patient)
}

/// `a` of `Patient/a`, also at the end of an absolute address or before a version.
fn patient_id(reference: &str) -> Option<&str> {
    let reference = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
    let (rest, id) = reference.rsplit_once('/')?;
    (rest == "Patient" || rest.ends_with("/Patient")).then_some(id)
}

/// Whether any reference of the resource leads to this patient: it may then be in the compartment by that.
fn names(value: &Value, patient: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| {
            let here = name == "reference" && member.as_str().and_then(patient_id) == Some(patient);
            here || names(member, patient)
        }),
        Value::Array(items) => items.iter().any(|item| names(item, patient)),
        _ => false,
    }
}

/// Whether `category=laboratory` holds of the resource: of a code, a coding, or a CodeableConcept, in a list or alone.
fn holds_code(resource: &Value, code: &str) -> bool {
    let Some((element, code)) = code.split_once('=') else {
        return false;
    };
    let element = match element.split_once('.') {
        Some((kind, _)) if !is_kind(resource, kind) => return true,
        Some((_, element)) => element,
        None => element,
    };
    let code = code.rsplit('|').next().unwrap_or(code);
    has_code(&resource[element], code)
}

fn has_code(value: &Value, code: &str) -> bool {
    match value {
        Value::String(text) => text == code,
        Value::Array(items) => items.iter().any(|item| has_code(item, code)),
        Value::Object(members) => members.get("coding").map_or_else(
            || members.get("code").is_some_and(|value| value == code),
            |codings| has_code(codings, code),
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(wanted: &Wanted, document: &Value) -> bool {
        matches!(wanted.judge(&resources(document), "words"), Finding::Holds(_))
    }

    fn bundle(resources: &[Value]) -> Value {
        let entries: Vec<Value> = resources.iter().map(|resource| json!({"resource": resource})).collect();
        json!({"resourceType": "Bundle", "entry": entries})
    }

    fn observation(patient: &str, category: &str) -> Value {
        json!({
            "resourceType": "Observation",
            "id": "o",
            "subject": {"reference": format!("https://e.example/fhir/Patient/{patient}")},
            "category": [{"coding": [{"system": "s", "code": category}]}],
        })
    }

    #[test]
    fn another_patients_data_is_a_leak() {
        let of_a = Wanted {
            patient: Some("a".into()),
            ..Wanted::default()
        };
        let (a, b) = (observation("a", "x"), observation("b", "x"));
        assert!(judge(&of_a, &bundle(std::slice::from_ref(&a))));
        assert!(!judge(&of_a, &bundle(&[a.clone(), b.clone()])));
        assert!(
            !judge(&of_a, &bundle(&[bundle(std::slice::from_ref(&b))])),
            "a Bundle within"
        );
        assert!(!judge(&of_a, &json!({"resourceType": "Patient", "id": "b"})));
        assert!(judge(&of_a, &json!({"resourceType": "Patient", "id": "a"})));
        assert!(judge(&of_a, &json!({"resourceType": "Practitioner", "id": "b"})));
        let performer = json!({
            "resourceType": "Observation",
            "subject": {"reference": "Patient/b"},
            "performer": [{"reference": "Patient/a"}],
        });
        assert!(judge(&of_a, &performer), "in the compartment by its performer");
        assert!(judge(&of_a, &json!({"resourceType": "OperationOutcome"})));
    }

    #[test]
    fn types_are_limited_and_wanted() {
        let wanted = |only: &[&str], lacks: &[&str], shows: &[&str]| Wanted {
            only: only.iter().map(|one| (*one).to_owned()).collect(),
            lacks: lacks.iter().map(|one| (*one).to_owned()).collect(),
            shows: shows.iter().map(|one| (*one).to_owned()).collect(),
            ..Wanted::default()
        };
        let found = bundle(&[observation("a", "x"), json!({"resourceType": "Encounter"})]);
        assert!(judge(
            &wanted(&["Observation", "Encounter"], &[], &["Encounter"]),
            &found
        ));
        assert!(!judge(&wanted(&["Observation"], &[], &[]), &found));
        assert!(!judge(&wanted(&[], &["Encounter"], &[]), &found));
        assert!(!judge(&wanted(&[], &[], &["Patient"]), &found));
    }

    #[test]
    fn codes_are_compared_in_each_form() {
        let coded = Wanted {
            coded: Some("category=http://t.example|laboratory".into()),
            ..Wanted::default()
        };
        assert!(judge(&coded, &bundle(&[observation("a", "laboratory")])));
        assert!(!judge(&coded, &bundle(&[observation("a", "vital-signs")])));
        let observations = Wanted {
            coded: Some("Observation.category=laboratory".into()),
            ..Wanted::default()
        };
        assert!(judge(&observations, &json!({"resourceType": "Patient"})));
        assert!(!judge(&observations, &bundle(&[observation("a", "vital-signs")])));
    }

    #[test]
    fn a_scope_touches_what_it_allows() {
        let touched = |granted: &str, asked: &str| {
            let (granted, asked) = (ScopeSet::parse(granted), ScopeSet::parse(asked));
            asked
                .clinical()
                .any(|asked| granted.clinical().any(|scope| touches(scope, asked)))
        };
        assert!(touched("user/*.read", "patient/Observation.s"));
        assert!(touched("patient/Observation.rs?category=x", "patient/Observation.s"));
        assert!(!touched("patient/Observation.r", "patient/Observation.s"));
        assert!(!touched("patient/Condition.rs openid", "patient/Observation.s"));
    }
}
