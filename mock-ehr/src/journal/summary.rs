//! What a FHIR answer holds, in short: the records themselves are not kept.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A resource, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its type.
    #[serde(rename = "resourceType")]
    pub resource_type: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What kind of Bundle it is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many a search found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many entries a Bundle has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<usize>,
}

#[derive(Deserialize)]
struct Outline {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(default)]
    id: Option<String>,
    // Other resources than a Bundle have a `type` of another shape.
    #[serde(default, rename = "type")]
    kind: Option<Text>,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    entry: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Is(String),
    IsNot(IgnoredAny),
}

impl Summary {
    /// Of a JSON body; `None` where it is no resource.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let outline: Outline = serde_json::from_slice(body).ok()?;
        let is_bundle = outline.resource_type == "Bundle";
        Some(Self {
            resource_type: outline.resource_type,
            id: outline.id,
            kind: match outline.kind {
                Some(Text::Is(kind)) if is_bundle => Some(kind),
                _ => None,
            },
            total: outline.total,
            entries: outline.entry.map(|entries| entries.len()).or(is_bundle.then_some(0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_counted_and_a_resource_is_named() {
        let bundle = Summary::of(br#"{"resourceType":"Bundle","type":"searchset","total":7,"entry":[{},{"a":[1]}]}"#)
            .expect("a Bundle");
        assert_eq!(
            (bundle.total, bundle.entries, bundle.kind.as_deref()),
            (Some(7), Some(2), Some("searchset"))
        );
        let encounter = Summary::of(br#"{"resourceType":"Encounter","id":"e","type":[{"text":"x"}]}"#).expect("one");
        assert_eq!((encounter.id.as_deref(), encounter.kind), (Some("e"), None));
        assert_eq!(Summary::of(b"[]"), None);
    }
}
