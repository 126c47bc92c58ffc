//! Holds the records that a mock is born with, indexed by type, id, patient and search parameter.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use jiff::Timestamp;
use serde_json::Value;

use super::body::Body;
use super::compartment::{Bases, Membership};
use super::index::{Index, Position, unique};
use super::people::{self, PatientSummary};
use super::{criterion, element};

/// One version of one resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its type.
    pub kind: String,
    /// Its logical id.
    pub id: String,
    /// `meta.versionId`.
    pub version: String,
    /// `meta.lastUpdated`.
    pub last_updated: Timestamp,
    /// To which patients it belongs.
    pub membership: Membership,
    /// The resource itself.
    pub body: Body,
    /// Where it stands in a [`Store`], if it does.
    position: Option<Position>,
}

/// All records that a server begins with.
#[derive(Debug, Default)]
pub struct Store {
    resources: Vec<Resource>,
    by_type: HashMap<String, Vec<Position>>,
    by_key: HashMap<String, Position>,
    by_patient: HashMap<String, HashMap<String, Vec<Position>>>,
    shared: HashMap<String, Vec<Position>>,
    index: Index,
    patients: OnceLock<Vec<PatientSummary>>,
}

/// Why data could not be loaded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Not JSON at all.
    #[error("{file} is not JSON: {reason}")]
    NotJson {
        /// The file.
        file: String,
        /// What the parser objects to.
        reason: String,
    },
    /// JSON without resources in Bundle entries.
    #[error("{file} is no Bundle with entries")]
    NotABundle {
        /// The file.
        file: String,
    },
    /// A resource without a type or id.
    #[error("{file}: entry {entry} has no resourceType or no id")]
    Nameless {
        /// The file.
        file: String,
        /// Its entry, counted from 1.
        entry: usize,
    },
    /// One type and id twice.
    #[error("{file}: {key} is already there")]
    Twice {
        /// The file.
        file: String,
        /// `Type/id`.
        key: String,
    },
}

static EMBEDDED: LazyLock<Arc<Store>> = LazyLock::new(|| {
    let mut store = Store::unsealed();
    store.seal();
    Arc::new(store)
});

impl Store {
    /// The synthetic people that every mock is born with.
    pub fn embedded() -> &'static Arc<Self> {
        &EMBEDDED
    }

    /// The same people, in a store to which others can be added before it is sealed.
    pub fn unsealed() -> Self {
        let mut store = Self::default();
        for file in fixtures::below("people") {
            // A test loads every embedded file, so none of them can be refused here.
            store
                .load(file.path, file.text)
                .expect("embedded people are well formed");
        }
        store
    }

    /// Makes the index ready, once all data are there.
    pub fn seal(&mut self) {
        self.index.seal();
        self.resources.shrink_to_fit();
    }

    /// Adds a resource that has a type and an id, and packs it; its key, where that is taken or not there.
    pub(crate) fn add(&mut self, body: Value) -> Result<(), String> {
        self.add_at(Bases::default(), body)
    }

    /// The same, where references may be absolute ones below these bases.
    pub(crate) fn add_at(&mut self, bases: Bases<'_>, body: Value) -> Result<(), String> {
        let resource = Resource::at(bases, body).ok_or_else(|| "a resource without type or id".to_owned())?;
        self.insert(resource)?;
        if let Some(last) = self.resources.last_mut() {
            last.body.pack();
        }
        Ok(())
    }

    /// Adds every resource of a Bundle.
    pub fn load(&mut self, file: &str, text: &str) -> Result<(), LoadError> {
        let mut bundle: Value = serde_json::from_str(text).map_err(|error| LoadError::NotJson {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
        let Some(Value::Array(entries)) = bundle.get_mut("entry").map(Value::take) else {
            return Err(LoadError::NotABundle { file: file.to_owned() });
        };
        for (index, mut entry) in entries.into_iter().enumerate() {
            let body = entry.get_mut("resource").map(Value::take).unwrap_or_default();
            let nameless = || LoadError::Nameless {
                file: file.to_owned(),
                entry: index + 1,
            };
            let resource = Resource::new(body).ok_or_else(nameless)?;
            self.insert(resource).map_err(|key| LoadError::Twice {
                file: file.to_owned(),
                key,
            })?;
        }
        Ok(())
    }

    /// The resource of this type and id.
    pub fn get(&self, kind: &str, id: &str) -> Option<&Resource> {
        self.resolve(&format!("{kind}/{id}"))
    }

    /// The resource behind a relative reference.
    pub fn resolve(&self, reference: &str) -> Option<&Resource> {
        self.by_key.get(reference).map(|at| self.at(*at))
    }

    /// All resources of a type, in the order in which they came.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Resource> {
        self.positions(kind).iter().map(|at| self.at(*at))
    }

    /// Resources of a type that belong to one of these patients, and the shared ones, in the order in which they came.
    pub fn of_patients<'a>(
        &self,
        kind: &str,
        patients: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = &Resource> {
        self.positions_of(kind, patients).into_iter().map(|at| self.at(at))
    }

    /// Every patient, in the order of their ids.
    pub fn patients(&self) -> &[PatientSummary] {
        self.patients.get_or_init(|| people::summaries(self.all("Patient")))
    }

    /// The resource at this place.
    pub(crate) fn at(&self, at: Position) -> &Resource {
        &self.resources[at as usize]
    }

    /// The places of all resources of a type, in order.
    pub(crate) fn positions(&self, kind: &str) -> &[Position] {
        self.by_type.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// The places of what [`Store::of_patients`] gives, in order.
    pub(crate) fn positions_of<'a>(&self, kind: &str, patients: impl Iterator<Item = &'a str>) -> Vec<Position> {
        let mut found = self.shared.get(kind).cloned().unwrap_or_default();
        for patient in patients {
            let own = self.by_patient.get(patient).and_then(|types| types.get(kind));
            found.extend(own.into_iter().flatten());
        }
        unique(found)
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    fn insert(&mut self, mut resource: Resource) -> Result<(), String> {
        let key = resource.key();
        let Ok(at) = Position::try_from(self.resources.len()) else {
            return Err(key);
        };
        if self.by_key.contains_key(&key) {
            return Err(key);
        }
        resource.position = Some(at);
        self.by_key.insert(key, at);
        list(&mut self.by_type, &resource.kind, at);
        match &resource.membership {
            Membership::Shared => list(&mut self.shared, &resource.kind, at),
            Membership::Patients(patients) => {
                for patient in patients {
                    list(self.by_patient.entry(patient.clone()).or_default(), &resource.kind, at);
                }
            }
        }
        resource
            .body
            .look(|body| criterion::note(&mut self.index, &resource.kind, body, at));
        self.resources.push(resource);
        Ok(())
    }
}

fn list(lists: &mut HashMap<String, Vec<Position>>, kind: &str, at: Position) {
    match lists.get_mut(kind) {
        Some(list) => list.push(at),
        None => {
            lists.insert(kind.to_owned(), vec![at]);
        }
    }
}

impl Resource {
    /// One of data that know no address of this server: references are relative.
    pub(crate) fn new(body: Value) -> Option<Self> {
        Self::at(Bases::default(), body)
    }

    /// One whose references may also be absolute ones below these bases.
    pub(crate) fn at(bases: Bases<'_>, body: Value) -> Option<Self> {
        let kind = element::text(&body, "resourceType")?.to_owned();
        let id = element::text(&body, "id")?.to_owned();
        let version = element::text(&body, "meta.versionId").unwrap_or("1").to_owned();
        let last_updated = element::text(&body, "meta.lastUpdated")
            .and_then(|text| text.parse().ok())
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let membership = Membership::of(bases, &kind, &id, &body);
        Some(Self {
            kind,
            id,
            version,
            last_updated,
            membership,
            body: body.into(),
            position: None,
        })
    }

    /// Where it stands in the store it comes from.
    pub(crate) fn position(&self) -> Option<Position> {
        self.position
    }

    /// `Type/id`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_person_is_loaded() {
        let store = Store::embedded();
        assert!(store.all("Patient").count() >= 12);
        assert!(store.get("Practitioner", "practitioner-1").is_some());
        for patient in store.all("Patient") {
            let encounters = store
                .of_patients("Encounter", std::iter::once(patient.id.as_str()))
                .count();
            assert!(encounters > 0, "{} was never seen by anybody", patient.id);
        }
    }

    #[test]
    fn every_reference_of_the_embedded_people_leads_somewhere() {
        fn walk(store: &Store, key: &str, value: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(reference)) = members.get("reference") {
                        assert!(store.resolve(reference).is_some(), "{key} refers to {reference}");
                    }
                    members.values().for_each(|value| walk(store, key, value));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(store, key, value)),
                _ => {}
            }
        }
        let store = Store::embedded();
        for resource in &store.resources {
            walk(store, &resource.key(), &resource.body);
        }
    }

    #[test]
    fn bad_data_are_refused_by_name() {
        let mut store = Store::default();
        let file = || "f.json".to_owned();
        assert!(matches!(store.load("f.json", "{"), Err(LoadError::NotJson { .. })));
        assert_eq!(store.load("f.json", "{}"), Err(LoadError::NotABundle { file: file() }));
        let nameless = r#"{"entry":[{"resource":{"resourceType":"Patient"}}]}"#;
        assert_eq!(
            store.load("f.json", nameless),
            Err(LoadError::Nameless { file: file(), entry: 1 })
        );
        let twice = r#"{"entry":[{"resource":{"resourceType":"Patient","id":"a"}},{"resource":{"resourceType":"Patient","id":"a"}}]}"#;
        assert_eq!(
            store.load("f.json", twice),
            Err(LoadError::Twice {
                file: file(),
                key: "Patient/a".into()
            })
        );
    }

    #[test]
    fn a_patients_records_and_shared_ones_are_found_by_the_index() {
        let store = Store::embedded();
        let one = || std::iter::once("patient-a");
        assert!(
            store
                .of_patients("Observation", one())
                .all(|o| o.id.starts_with("observation-a"))
        );
        assert_eq!(
            store.of_patients("Practitioner", one()).count(),
            store.all("Practitioner").count()
        );
        assert_eq!(store.of_patients("Observation", std::iter::once("nobody")).count(), 0);
    }
}
