//! People of any number with coherent records, made by a small generator: the same number and seed make the same people.
//!
//! Person *n* of a seed is the same however many there are. All of it is invented; dates end with [`END`], whatever day it is.

mod catalogue;
mod chart;
mod dice;
mod life;
mod measure;
mod person;

use jiff::civil::{Date, date};

use self::chart::Chart;
use self::dice::Dice;
use super::store::Store;

/// The last day of which records tell.
const END: Date = date(2024, 12, 31);

/// Adds `count` people with their records; how many resources that are.
pub fn fill(store: &mut Store, count: usize, seed: u64) -> Result<usize, String> {
    let mut made = 0;
    for number in 1..=count {
        for resource in one(number, seed) {
            store.add(resource)?;
            made += 1;
        }
    }
    Ok(made)
}

/// One person with their records.
fn one(number: usize, seed: u64) -> Vec<serde_json::Value> {
    let mut chart = Chart::new(number, Dice::new(seed, number));
    person::describe(&mut chart);
    life::live(&mut chart);
    chart.into_entries()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use serde_json::Value;

    use super::*;
    use crate::fhir::element;

    #[test]
    fn the_same_seed_makes_the_same_people_and_another_one_others() {
        assert_eq!(one(7, 1), one(7, 1));
        assert_ne!(one(7, 1), one(7, 2));
        assert_ne!(one(7, 1)[0]["birthDate"], one(8, 1)[0]["birthDate"]);
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_happens_before_birth_or_after_the_end() {
        fn walk<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("reference").and_then(Value::as_str));
                    members.values().for_each(|value| walk(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let mut kinds = BTreeMap::<String, usize>::new();
        for number in 1..=60 {
            let made = one(number, 3);
            let own: HashSet<String> = made
                .iter()
                .map(|one| {
                    format!(
                        "{}/{}",
                        one["resourceType"].as_str().unwrap(),
                        one["id"].as_str().unwrap()
                    )
                })
                .collect();
            assert_eq!(own.len(), made.len(), "ids differ");
            let birth = made[0]["birthDate"].as_str().unwrap();
            for resource in &made {
                let mut references = Vec::new();
                walk(resource, &mut references);
                for to in references {
                    assert!(own.contains(to) || Store::embedded().resolve(to).is_some(), "{to}");
                }
                for path in [
                    "effectiveDateTime",
                    "period.start",
                    "onsetDateTime",
                    "authoredOn",
                    "occurrenceDateTime",
                ] {
                    if let Some(day) = element::text(resource, path) {
                        assert!((birth..="2024-12-31").contains(&&day[..10]), "{birth} {resource}");
                    }
                }
                *kinds
                    .entry(resource["resourceType"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
        }
        for kind in [
            "Condition",
            "MedicationRequest",
            "Immunization",
            "DiagnosticReport",
            "RelatedPerson",
            "Goal",
        ] {
            assert!(kinds.contains_key(kind), "{kinds:?}");
        }
        let all: usize = kinds.values().sum();
        assert!((60 * 40..60 * 200).contains(&all), "{all}: {kinds:?}");
    }

    #[test]
    fn what_is_measured_fits_together() {
        for number in 1..=60 {
            for resource in one(number, 5).iter().filter(|one| one["resourceType"] == "Observation") {
                let Some(value) = resource["valueQuantity"]["value"].as_f64() else {
                    continue;
                };
                let flag = element::text(resource, "interpretation.coding.code");
                let range = &resource["referenceRange"][0];
                let expected = range.is_object().then(|| {
                    let beyond = |end: &str, above: bool| {
                        range[end]["value"]
                            .as_f64()
                            .is_some_and(|limit| if above { value > limit } else { value < limit })
                    };
                    if beyond("high", true) {
                        "H"
                    } else if beyond("low", false) {
                        "L"
                    } else {
                        "N"
                    }
                });
                assert_eq!(flag, expected, "{resource}");
            }
        }
    }
}
