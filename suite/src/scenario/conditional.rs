//! Whether a server claims interactions that find their resource by a search.
//!
//! FHIR R4, CapabilityStatement: <https://hl7.org/fhir/R4/capabilitystatement.html>

use serde_json::Value;

use super::needs::Need;
use crate::step::world::Facts;

/// The type with which scenarios try it.
const KIND: &str = "Observation";
/// By which parameter they find what they made. A server that does not know it might find everything.
const BY: &str = "identifier";

/// Judges `conditional_create`, `conditional_update` and `conditional_delete`.
pub(super) fn claimed(facts: &Facts, need: &str) -> Need {
    let Some(statement) = &facts.capability else {
        return Need::Skip("there is no CapabilityStatement at /metadata that would claim it".to_owned());
    };
    let (field, claims): (&str, fn(&Value) -> bool) = match need {
        "conditional_create" => ("conditionalCreate", |value| value == true),
        "conditional_update" => ("conditionalUpdate", |value| value == true),
        _ => ("conditionalDelete", |value| value == "single" || value == "multiple"),
    };
    let kinds = of_kind(statement);
    if !kinds.iter().any(|kind| claims(&kind[field])) {
        return Need::Skip(format!(
            "the CapabilityStatement does not claim {field} of the type {KIND}"
        ));
    }
    let by = |kind: &&Value| items(&kind["searchParam"]).any(|parameter| parameter["name"] == BY);
    if kinds.iter().any(by) {
        Need::Met
    } else {
        Need::Skip(format!(
            "the CapabilityStatement does not list the search parameter {BY} of the type {KIND}"
        ))
    }
}

fn of_kind(statement: &Value) -> Vec<&Value> {
    items(&statement["rest"])
        .filter(|rest| rest["mode"] == "server")
        .flat_map(|rest| items(&rest["resource"]))
        .filter(|resource| resource["type"] == KIND)
        .collect()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn need(word: &str, mut observation: Value) -> Need {
        observation["type"] = json!("Observation");
        let capability = json!({"rest": [{"mode": "server", "resource": [{"type": "Patient"}, observation]}]});
        claimed(
            &Facts {
                capability: Some(capability),
                ..Facts::default()
            },
            word,
        )
    }

    #[test]
    fn what_is_claimed_counts_for_observations_found_by_identifier() {
        let by = json!([{"name": "code"}, {"name": "identifier"}]);
        let all = json!({
            "conditionalCreate": true, "conditionalUpdate": true, "conditionalDelete": "single", "searchParam": by,
        });
        let none = json!({
            "conditionalCreate": false, "conditionalDelete": "not-supported", "searchParam": by,
        });
        let blind = json!({"conditionalCreate": true, "conditionalUpdate": true, "conditionalDelete": "multiple"});
        for word in ["conditional_create", "conditional_update", "conditional_delete"] {
            assert_eq!(need(word, all.clone()), Need::Met, "{word}");
            assert!(matches!(need(word, none.clone()), Need::Skip(_)), "{word}");
            assert!(matches!(need(word, blind.clone()), Need::Skip(_)), "{word}");
            assert!(matches!(claimed(&Facts::default(), word), Need::Skip(_)), "{word}");
        }
    }
}
