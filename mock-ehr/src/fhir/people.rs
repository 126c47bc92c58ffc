//! The people whom a launcher or a patient picker can offer.

use serde_json::Value;

use super::element;
use super::store::{Resource, Store};

/// What a picker shows of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientSummary {
    /// The logical id of the Patient.
    pub id: String,
    /// Given names and family name.
    pub name: String,
    /// `1966-03-14`
    pub birth_date: String,
    /// `female`, `male`, `other` or `unknown`
    pub gender: String,
}

/// What a picker shows of an encounter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncounterSummary {
    /// The logical id of the Encounter.
    pub id: String,
    /// The day on which it began.
    pub date: String,
    /// What it was for.
    pub reason: String,
}

/// What a picker shows of these patients.
pub(crate) fn summaries<'a>(patients: impl Iterator<Item = &'a Resource>) -> Vec<PatientSummary> {
    patients.map(|patient| patient.body.look(summary)).collect()
}

/// Every embedded patient, in the order of their ids.
pub fn patients() -> &'static [PatientSummary] {
    Store::embedded().patients()
}

/// The name of the patient of this id; the id, where there is none.
pub fn name_of(store: &Store, id: &str) -> String {
    let known = store.get("Patient", id).map(|patient| patient.body.look(summary).name);
    known.unwrap_or_else(|| id.to_owned())
}

/// The encounters of a patient, the latest one first.
pub fn encounters(store: &Store, patient: &str) -> Vec<EncounterSummary> {
    let mut found: Vec<_> = store
        .of_patients("Encounter", std::iter::once(patient))
        .map(|encounter| {
            let text = |path| element::text(&encounter.body, path).unwrap_or_default();
            let (reason, kind) = (text("reasonCode.text"), text("type.text"));
            EncounterSummary {
                id: encounter.id.clone(),
                date: text("period.start").chars().take(10).collect(),
                reason: if reason.is_empty() {
                    kind.to_owned()
                } else {
                    format!("{kind}: {reason}")
                },
            }
        })
        .collect();
    found.sort_by(|a, b| b.date.cmp(&a.date));
    found
}

/// The active problems of a patient, each named once.
pub fn problems(store: &Store, patient: &str) -> Vec<String> {
    let mut found = Vec::new();
    for condition in store.of_patients("Condition", std::iter::once(patient)) {
        let name = condition.body.look(|body| {
            let is_active = element::text(body, "clinicalStatus.coding.code") == Some("active");
            element::text(body, "code.text")
                .filter(|_| is_active)
                .map(str::to_owned)
        });
        if let Some(name) = name.filter(|name| !found.contains(name)) {
            found.push(name);
        }
    }
    found
}

fn summary(body: &Value) -> PatientSummary {
    let mut name: Vec<&str> = body
        .pointer("/name/0/given")
        .and_then(|given| given.as_array())
        .into_iter()
        .flatten()
        .filter_map(|part| part.as_str())
        .collect();
    name.extend(body.pointer("/name/0/family").and_then(|family| family.as_str()));
    PatientSummary {
        id: element::text(body, "id").unwrap_or_default().to_owned(),
        name: name.join(" "),
        birth_date: element::text(body, "birthDate").unwrap_or_default().to_owned(),
        gender: element::text(body, "gender").unwrap_or("unknown").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_summarised() {
        let patients = patients();
        assert!(patients.len() >= 12);
        let expected = PatientSummary {
            id: "patient-a".into(),
            name: "Amara Louise Sampleton".into(),
            birth_date: "1966-03-14".into(),
            gender: "female".into(),
        };
        assert_eq!(patients[0], expected);
    }

    #[test]
    fn encounters_come_latest_first() {
        let store = Store::embedded();
        let encounters = encounters(store, "patient-a");
        assert!(encounters.len() > 3);
        assert!(encounters.windows(2).all(|pair| pair[0].date >= pair[1].date));
        assert!(super::encounters(store, "nobody").is_empty());
    }
}
