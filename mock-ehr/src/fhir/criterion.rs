//! One criterion of a search, as it stands in a query or in a granular scope: does a resource meet it?
//!
//! FHIR R4 search: <https://hl7.org/fhir/R4/search.html>

mod indexed;

use serde_json::Value;

pub(super) use self::indexed::note;
use super::element;
use super::parameters::{self, Kind, Parameter};
use super::span::{Comparison, Span};

/// A parameter with the values of which one must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Criterion {
    parameter: &'static Parameter,
    test: Test,
}

/// Why a criterion cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// The type has no such parameter.
    #[error("{kind} has no search parameter `{name}`")]
    Unknown { kind: String, name: String },
    /// The parameter has no such modifier.
    #[error("the search parameter `{name}` does not support the modifier `{modifier}`")]
    Modifier { name: String, modifier: String },
    /// The value does not fit the parameter.
    #[error("the search parameter `{name}` expects {expected}")]
    Value { name: String, expected: &'static str },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Missing(bool),
    Token { not: bool, any: Vec<Token> },
    Date(Vec<(Comparison, Span)>),
    String { how: Text, any: Vec<String> },
    Reference(Vec<Reference>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Begins,
    Contains,
    Exact,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    /// `None`: any; empty: none.
    system: Option<String>,
    /// `None`: any code of the system.
    code: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    kind: Option<String>,
    id: String,
}

impl Criterion {
    /// Reads `name[:modifier]=value` for a type. `base` is the server's own address, which references may carry.
    pub(crate) fn parse(kind: &str, name: &str, value: &str, base: &str) -> Result<Self, Unusable> {
        let (name, modifier) = match name.split_once(':') {
            Some((name, modifier)) => (name, Some(modifier)),
            None => (name, None),
        };
        let parameter = parameters::find(kind, name).ok_or_else(|| Unusable::Unknown {
            kind: kind.to_owned(),
            name: name.to_owned(),
        })?;
        let test = match (parameter.kind, modifier) {
            (_, Some("missing")) => Test::Missing(boolean(name, value)?),
            (Kind::Token, None) => Test::Token {
                not: false,
                any: tokens(value),
            },
            (Kind::Token, Some("not")) => Test::Token {
                not: true,
                any: tokens(value),
            },
            (Kind::Date, None) => Test::Date(dates(name, value)?),
            (Kind::String, None) => texts(Text::Begins, value),
            (Kind::String, Some("contains")) => texts(Text::Contains, value),
            (Kind::String, Some("exact")) => texts(Text::Exact, value),
            (Kind::Reference, None) => Test::Reference(references(value, None, base)),
            (Kind::Reference, Some(target)) if parameters::of(target).is_some() => {
                Test::Reference(references(value, Some(target), base))
            }
            (_, Some(modifier)) => {
                return Err(Unusable::Modifier {
                    name: name.to_owned(),
                    modifier: modifier.to_owned(),
                });
            }
        };
        Ok(Self { parameter, test })
    }

    /// The name of its parameter.
    pub(crate) fn name(&self) -> &'static str {
        self.parameter.name
    }

    /// Does the resource meet the criterion?
    pub(crate) fn matches(&self, body: &Value) -> bool {
        let values = || self.parameter.paths.iter().flat_map(|path| element::at(body, path));
        match &self.test {
            Test::Missing(missing) => values().next().is_none() == *missing,
            Test::Token { not, any } => {
                let system = telecom_system(self.parameter.name);
                values().any(|value| any.iter().any(|token| token.matches(value, system))) != *not
            }
            Test::Date(any) => values()
                .filter_map(Span::of)
                .any(|has| any.iter().any(|(comparison, asked)| comparison.holds(has, *asked))),
            Test::String { how, any } => values()
                .flat_map(parts)
                .any(|part| any.iter().any(|asked| how.matches(part, asked))),
            Test::Reference(any) => values()
                .filter_map(|value| value.get("reference")?.as_str())
                .filter(|has| self.parameter.target.is_none_or(|target| is_of(has, target)))
                .any(|has| any.iter().any(|asked| asked.matches(has))),
        }
    }
}

impl Token {
    fn matches(&self, value: &Value, telecom: Option<&str>) -> bool {
        match value {
            // A plain code or boolean carries its system by definition, so a system that is asked for is believed.
            Value::String(code) => self.code.as_deref().is_none_or(|asked| asked == code),
            Value::Bool(flag) => self.code.as_deref() == Some(if *flag { "true" } else { "false" }),
            Value::Object(members) => {
                let text = |name| members.get(name).and_then(Value::as_str);
                if let Some(telecom) = telecom {
                    return text("system") == Some(telecom) && self.code.as_deref() == text("value");
                }
                if let Some(Value::Array(codings)) = members.get("coding") {
                    return codings.iter().any(|coding| self.matches(coding, None));
                }
                let code = if members.contains_key("code") {
                    text("code")
                } else {
                    text("value")
                };
                let system = match self.system.as_deref() {
                    None => true,
                    Some("") => text("system").is_none(),
                    Some(asked) => text("system") == Some(asked),
                };
                system && self.code.as_deref().is_none_or(|asked| code == Some(asked))
            }
            _ => false,
        }
    }
}

impl Text {
    fn matches(self, has: &str, asked: &str) -> bool {
        match self {
            Self::Exact => has == asked,
            Self::Begins => has.to_lowercase().starts_with(&asked.to_lowercase()),
            Self::Contains => has.to_lowercase().contains(&asked.to_lowercase()),
        }
    }
}

impl Reference {
    fn matches(&self, has: &str) -> bool {
        let Some((kind, id)) = split_reference(has) else {
            return false;
        };
        id == self.id && self.kind.as_deref().is_none_or(|asked| asked == kind)
    }
}

fn is_of(reference: &str, kind: &str) -> bool {
    split_reference(reference).is_some_and(|(has, _)| has == kind)
}

/// Type and id. An absolute reference ends as a relative one does.
fn split_reference(reference: &str) -> Option<(&str, &str)> {
    let (rest, id) = reference.rsplit_once('/')?;
    Some((rest.rsplit('/').next().unwrap_or(rest), id))
}

fn telecom_system(name: &str) -> Option<&'static str> {
    match name {
        "email" => Some("email"),
        "phone" => Some("phone"),
        _ => None,
    }
}

/// The texts of a string, a HumanName or an Address.
fn parts(value: &Value) -> Vec<&str> {
    const SEARCHED: [&str; 10] = [
        "text",
        "family",
        "given",
        "prefix",
        "suffix",
        "line",
        "city",
        "state",
        "postalCode",
        "country",
    ];
    match value {
        Value::String(text) => vec![text],
        Value::Object(_) => SEARCHED
            .iter()
            .flat_map(|name| element::at(value, name))
            .filter_map(Value::as_str)
            .collect(),
        _ => Vec::new(),
    }
}

fn boolean(name: &str, value: &str) -> Result<bool, Unusable> {
    value.parse().map_err(|_| Unusable::Value {
        name: name.to_owned(),
        expected: "true or false",
    })
}

fn tokens(value: &str) -> Vec<Token> {
    split(value, ',')
        .map(|alternative| {
            let mut pieces = split(alternative, '|');
            let first = pieces.next().map(unescape).unwrap_or_default();
            match pieces.next() {
                None => Token {
                    system: None,
                    code: Some(first),
                },
                Some(code) => Token {
                    system: Some(first),
                    code: Some(unescape(code)).filter(|code| !code.is_empty()),
                },
            }
        })
        .collect()
}

fn dates(name: &str, value: &str) -> Result<Vec<(Comparison, Span)>, Unusable> {
    let expected = "a date such as 2024, 2024-05, 2024-05-06 or 2024-05-06T10:00:00Z, perhaps after eq, ne, gt, lt, ge, le, sa, eb or ap";
    split(value, ',')
        .map(|alternative| {
            let (comparison, date) = Comparison::split(alternative);
            Some((comparison, Span::parse(date)?))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Unusable::Value {
            name: name.to_owned(),
            expected,
        })
}

fn texts(how: Text, value: &str) -> Test {
    Test::String {
        how,
        any: split(value, ',').map(unescape).collect(),
    }
}

fn references(value: &str, kind: Option<&str>, base: &str) -> Vec<Reference> {
    split(value, ',')
        .map(|alternative| {
            let text = unescape(alternative);
            let own = text
                .strip_prefix(base)
                .and_then(|rest| rest.strip_prefix('/'))
                .unwrap_or(&text);
            match own.split_once('/') {
                Some((named, id)) => Reference {
                    kind: Some(named.to_owned()),
                    id: id.to_owned(),
                },
                None => Reference {
                    kind: kind.map(str::to_owned),
                    id: own.to_owned(),
                },
            }
        })
        .collect()
}

/// Splits at a separator that is not escaped by a backslash.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c| {
        let here = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        here
    })
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::fhir::store::Store;

    const BASE: &str = "http://ehr.example/fhir";

    fn count(kind: &str, name: &str, value: &str) -> usize {
        let criterion = Criterion::parse(kind, name, value, BASE).expect(name);
        Store::embedded()
            .all(kind)
            .filter(|resource| criterion.matches(&resource.body))
            .count()
    }

    #[test]
    fn tokens_are_matched_with_and_without_system() {
        let all = count("Observation", "code", "4548-4");
        assert!(all >= 8);
        assert_eq!(count("Observation", "code", "http://loinc.org|4548-4"), all);
        assert_eq!(count("Observation", "code", "http://snomed.info/sct|4548-4"), 0);
        assert_eq!(count("Observation", "code", "|4548-4"), 0);
        assert!(count("Observation", "code", "http://loinc.org|") > all);
        assert!(count("Observation", "code", "4548-4,85354-9") > all);
        assert!(count("Observation", "code:not", "4548-4") > all);
        assert!(count("Observation", "category", "laboratory") > all);
        assert_eq!(
            count("Patient", "identifier", "https://people.example/mrn|MRN-100737"),
            1
        );
        assert_eq!(count("Patient", "gender", "other"), 1);
        assert!(count("Patient", "active", "true") > 12);
        assert_eq!(count("Patient", "phone", "555-0101"), 1);
        assert_eq!(count("Patient", "email", "555-0101"), 0);
    }

    #[test]
    fn references_are_matched_in_every_form() {
        let all = count("Observation", "patient", "patient-a");
        assert!(all > 20);
        for value in ["Patient/patient-a", "http://ehr.example/fhir/Patient/patient-a"] {
            assert_eq!(count("Observation", "patient", value), all);
            assert_eq!(count("Observation", "subject", value), all);
        }
        assert_eq!(count("Observation", "subject:Patient", "patient-a"), all);
        assert_eq!(
            count(
                "Observation",
                "subject",
                "http://elsewhere.example/fhir/Patient/patient-a"
            ),
            0
        );
        assert_eq!(count("Observation", "subject:Device", "patient-a"), 0);
        assert!(count("Observation", "subject", "patient-a,patient-b") > all);
        assert_eq!(count("Provenance", "patient", "patient-a"), 1);
    }

    #[test]
    fn strings_and_dates_are_matched() {
        assert_eq!(count("Patient", "name", "ama"), 1);
        assert_eq!(count("Patient", "family:exact", "sampleton"), 0);
        assert_eq!(count("Patient", "family:contains", "PLETON"), 1);
        assert_eq!(count("Patient", "birthdate", "1966-03"), 1);
        assert!(count("Patient", "birthdate", "lt1960") >= 3);
        assert_eq!(count("Patient", "death-date:missing", "false"), 1);
        assert!(count("Encounter", "date", "ge2024") > 5);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let unusable = |name, value| Criterion::parse("Patient", name, value, BASE).unwrap_err();
        assert!(matches!(unusable("shoe-size", "4"), Unusable::Unknown { .. }));
        assert!(matches!(unusable("name:phonetic", "x"), Unusable::Modifier { .. }));
        assert!(matches!(unusable("birthdate", "soon"), Unusable::Value { .. }));
        assert!(matches!(unusable("active:missing", "perhaps"), Unusable::Value { .. }));
    }

    #[test]
    fn separators_can_be_escaped() {
        let criterion = Criterion::parse("Organization", "name", r"a\,b", BASE).expect("it is a name");
        assert!(criterion.matches(&json!({"name": "A,B and sons"})));
        assert!(!criterion.matches(&json!({"name": "a"})));
    }

    proptest! {
        #[test]
        fn nothing_panics(name in "(code|subject|date|_id|status)(:[a-zA-Z]{0,8})?", value in "\\PC{0,20}") {
            if let Ok(criterion) = Criterion::parse("Observation", &name, &value, BASE) {
                Store::embedded().all("Observation").take(3).for_each(|resource| { criterion.matches(&resource.body); });
            }
        }
    }
}
