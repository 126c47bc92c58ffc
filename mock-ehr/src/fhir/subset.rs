//! `_summary` and `_elements`: a part of each resource, marked as one.
//!
//! FHIR R4 search, "Summary" and "Elements": <https://hl7.org/fhir/R4/search.html#summary>

mod table;

use serde_json::{Map, Value, json};

use self::table::ELEMENTS;

/// How much of a resource is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Subset {
    /// All of it.
    #[default]
    Whole,
    /// `_summary=true`
    Summary,
    /// `_summary=text`
    Text,
    /// `_summary=data`
    Data,
    /// `_elements`
    Elements(Vec<String>),
}

/// What every resource keeps: without these it could not be read, or be misread.
const ALWAYS: [&str; 5] = ["resourceType", "id", "meta", "implicitRules", "modifierExtension"];
/// The code that marks a part: <https://hl7.org/fhir/R4/resource.html#tag-partial>
const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
const CODE: &str = "SUBSETTED";

impl Subset {
    /// Of a value of `_summary`; nothing for `count`, which is no part of resources, and for what means nothing.
    pub(crate) fn of_summary(value: &str) -> Option<Self> {
        Some(match value {
            "true" => Self::Summary,
            "text" => Self::Text,
            "data" => Self::Data,
            "false" => Self::Whole,
            _ => return None,
        })
    }

    /// Of a value of `_elements`; nothing where it names none.
    pub(crate) fn of_elements(value: &str) -> Option<Self> {
        let name = |text: &str| text.trim().split('.').next().unwrap_or_default().to_owned();
        let names: Vec<_> = value.split(',').map(name).filter(|name| !name.is_empty()).collect();
        (!names.is_empty()).then_some(Self::Elements(names))
    }

    /// Of the query of a read. What means nothing asks for nothing.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        pairs
            .filter_map(|(name, value)| match &*name {
                "_summary" => Self::of_summary(&value),
                "_elements" => Self::of_elements(&value),
                _ => None,
            })
            .last()
            .unwrap_or_default()
    }

    /// Of an included resource: elements are named of the type that is searched.
    pub(crate) fn of_included(&self) -> Self {
        match self {
            Self::Elements(_) => Self::Whole,
            other => other.clone(),
        }
    }

    /// The part of a resource; nothing where it is sent as it is.
    pub(crate) fn part(&self, body: &Value) -> Option<Value> {
        let members = body.as_object().filter(|_| *self != Self::Whole)?;
        let kind = members.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let known = ELEMENTS.iter().find(|(name, _, _)| *name == kind);
        let (mandatory, summary) = known.map_or(("", ""), |(_, mandatory, summary)| (*mandatory, *summary));
        let is_asked = |name: &str| match self {
            Self::Whole => true,
            Self::Data => name != "text",
            Self::Text => name == "text",
            Self::Summary => names(summary, name),
            Self::Elements(asked) => asked.iter().any(|asked| asked == name || is_choice(asked, name)),
        };
        // `_birthDate` extends `birthDate`, and goes with it.
        let plain = |name: &'_ str| name.strip_prefix('_').map_or(name.to_owned(), str::to_owned);
        let kept = |name: &str| {
            let name = plain(name);
            ALWAYS.contains(&name.as_str()) || names(mandatory, &name) || is_asked(&name)
        };
        let part: Map<String, Value> = members
            .iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Some(marked(part))
    }
}

/// Whether a list of the table names the element.
fn names(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace()
        .any(|one| one == name || one.strip_suffix("[x]").is_some_and(|stem| is_choice(stem, name)))
}

/// Whether `valueQuantity` is a choice of `value`.
fn is_choice(stem: &str, name: &str) -> bool {
    let rest = name.strip_prefix(stem);
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// "Servers SHOULD mark": who sends it back as the whole would lose the rest.
fn marked(mut part: Map<String, Value>) -> Value {
    let meta = part.entry("meta").or_insert_with(|| json!({}));
    let is_there = |tag: &Value| tag["system"] == SYSTEM && tag["code"] == CODE;
    let tags = meta["tag"].as_array().cloned().unwrap_or_default();
    if meta.is_object() && !tags.iter().any(is_there) {
        let mut tags = tags;
        tags.push(json!({"system": SYSTEM, "code": CODE}));
        meta["tag"] = Value::Array(tags);
    }
    Value::Object(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::parameters;
    use crate::fhir::store::Store;

    fn part(subset: &Subset, kind: &str, id: &str) -> Value {
        let resource = Store::embedded().get(kind, id).expect(id);
        subset.part(&resource.body).expect("it is a part")
    }

    fn members(value: &Value) -> Vec<&str> {
        let mut names: Vec<_> = value
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_type_has_its_elements() {
        for kind in parameters::types() {
            assert!(ELEMENTS.iter().any(|(name, _, _)| *name == kind), "{kind}");
        }
        for (_, mandatory, summary) in ELEMENTS {
            assert!(mandatory.split_whitespace().all(|name| !names(summary, name)));
        }
    }

    #[test]
    fn elements_come_with_what_is_mandatory() {
        let asked = Subset::of_elements("value, note,nonsense,subject.reference").expect("names");
        let found = part(&asked, "Observation", "observation-a1");
        let expected = [
            "code",
            "id",
            "meta",
            "resourceType",
            "status",
            "subject",
            "valueCodeableConcept",
        ];
        assert_eq!(members(&found), expected);
        assert_eq!(found["meta"]["tag"], json!([{"system": SYSTEM, "code": CODE}]));
        assert!(found["meta"]["lastUpdated"].is_string(), "what stood there stays");
        assert_eq!(Subset::of_elements(" ,"), None);
    }

    #[test]
    fn summaries_are_those_of_the_type() {
        let summary = part(&Subset::Summary, "Patient", "patient-a");
        assert!(summary["name"].is_array() && summary["birthDate"].is_string());
        assert!(summary.get("communication").is_none() && summary.get("generalPractitioner").is_none());
        let body = json!({"resourceType": "Goal", "id": "1", "text": {"div": "x"}, "note": [], "lifecycleStatus": "active",
            "description": {}, "subject": {}, "_startDate": {}, "startDate": "2026", "meta": {"tag": [{"code": "a"}]}});
        let of = |subset: Subset| subset.part(&body).expect("it is a part");
        assert_eq!(
            members(&of(Subset::Text)),
            [
                "description",
                "id",
                "lifecycleStatus",
                "meta",
                "resourceType",
                "subject",
                "text"
            ]
        );
        assert_eq!(of(Subset::Text)["meta"]["tag"].as_array().map(Vec::len), Some(2));
        assert!(of(Subset::Data).get("text").is_none() && of(Subset::Data).get("note").is_some());
        assert!(of(Subset::Summary).get("_startDate").is_some());
        assert_eq!(Subset::Whole.part(&body), None);
        assert_eq!(
            marked(of(Subset::Data).as_object().expect("it").clone()),
            of(Subset::Data)
        );
    }

    #[test]
    fn a_read_asks_by_its_query() {
        assert_eq!(Subset::of_query(Some("_summary=true&x=y")), Subset::Summary);
        assert_eq!(Subset::of_query(Some("_summary=count")), Subset::Whole);
        assert_eq!(Subset::of_query(None), Subset::Whole);
    }
}
