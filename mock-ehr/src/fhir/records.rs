//! The records of one mock: the embedded people, and what apps wrote since.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::compartment::Membership;
use super::store::{Resource, Store};

/// One version that an app wrote; `None` where the resource was deleted.
pub(super) type Version = Option<Resource>;

/// What apps wrote, by `Type/id`, each with all its versions, oldest first.
#[derive(Debug, Clone, Default)]
struct Written(BTreeMap<String, Vec<Version>>);

/// Where a mock keeps what apps wrote.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Arc<Written>>);

/// The records at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records(Arc<Written>);

/// Versions of one resource that are kept, at most.
const VERSIONS: usize = 50;
/// Resources that apps may add, at most.
const RESOURCES: usize = 10_000;

impl Shelf {
    /// The records as they are now.
    pub(crate) fn records(&self) -> Records {
        Records(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Writes the next version, if the latest is still the one that `judge` accepts; gives what `judge` made.
    pub(crate) fn write<T, E>(
        &self,
        key: &str,
        judge: impl FnOnce(&Records) -> Result<(Version, T), E>,
    ) -> Result<T, E> {
        self.settle(|records| {
            let (version, made) = judge(records)?;
            Ok((Some((key.to_owned(), version)), made))
        })
    }

    /// Writes the next version of what `judge` chooses among the records as they are now, or nothing; gives what it made.
    pub(crate) fn settle<T, E>(
        &self,
        judge: impl FnOnce(&Records) -> Result<(Option<(String, Version)>, T), E>,
    ) -> Result<T, E> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = Records(Arc::clone(&held));
        let (chosen, made) = judge(&before)?;
        let Some((key, version)) = chosen else {
            return Ok(made);
        };
        let mut written = (**held).clone();
        if written.0.len() >= RESOURCES {
            written.0.clear();
        }
        let versions = written.0.entry(key.clone()).or_insert_with(|| {
            let first = Store::embedded().resolve(&key).cloned();
            first.into_iter().map(Some).collect()
        });
        versions.push(version);
        if versions.len() > VERSIONS {
            versions.remove(0);
        }
        *held = Arc::new(written);
        Ok(made)
    }

    /// Takes the latest version of one resource back, as though it had never been written.
    pub(crate) fn take_back(&self, key: &str) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = (**held).clone();
        let empty = written.0.get_mut(key).is_some_and(|versions| {
            versions.pop();
            versions.is_empty()
        });
        if empty {
            written.0.remove(key);
        }
        *held = Arc::new(written);
    }

    /// Forgets what apps wrote.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }
}

impl Records {
    /// The resource of this type and id.
    pub(crate) fn get(&self, kind: &str, id: &str) -> Option<&Resource> {
        self.resolve(&format!("{kind}/{id}"))
    }

    /// The resource behind a relative reference.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&Resource> {
        match self.0.0.get(reference) {
            Some(versions) => versions.last()?.as_ref(),
            None => Store::embedded().resolve(reference),
        }
    }

    /// Every version of a resource, oldest first; `None` stands for a deletion.
    pub(crate) fn versions(&self, key: &str) -> Vec<Option<&Resource>> {
        match self.0.0.get(key) {
            Some(versions) => versions.iter().map(Option::as_ref).collect(),
            None => Store::embedded().resolve(key).map(Some).into_iter().collect(),
        }
    }

    /// All resources of a type.
    pub(crate) fn all<'a, 'k>(&'a self, kind: &'k str) -> impl Iterator<Item = &'a Resource> + use<'a, 'k> {
        let embedded = Store::embedded().all(kind).filter(|one| self.is_untouched(one));
        embedded.chain(self.written(kind))
    }

    /// Resources of a type that belong to one of these patients, and the shared ones.
    pub(crate) fn of_patients(&self, kind: &str, patients: &[&str]) -> Vec<&Resource> {
        let mut found: Vec<&Resource> = Store::embedded()
            .of_patients(kind, patients.iter().copied())
            .filter(|one| self.is_untouched(one))
            .collect();
        let own = |membership: &Membership| membership.reachable_by(patients.iter().copied());
        found.extend(self.written(kind).filter(|one| own(&one.membership)));
        found
    }

    fn written<'a, 'k>(&'a self, kind: &'k str) -> impl Iterator<Item = &'a Resource> + use<'a, 'k> {
        let latest = self.0.0.values().filter_map(|versions| versions.last()?.as_ref());
        latest.filter(move |one| one.kind == kind)
    }

    fn is_untouched(&self, resource: &Resource) -> bool {
        self.0.0.is_empty() || !self.0.0.contains_key(&resource.key())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_hides_what_was_there() {
        let shelf = Shelf::default();
        let goal = |text: &str| {
            Resource::new(json!({
                "resourceType": "Goal", "id": "goal-a1", "subject": {"reference": "Patient/patient-a"},
                "description": {"text": text},
            }))
        };
        let before = shelf.records();
        shelf
            .write("Goal/goal-a1", |_| Ok::<_, ()>((goal("new"), ())))
            .expect("nothing objects");
        let after = shelf.records();
        assert_eq!(after.all("Goal").count(), before.all("Goal").count());
        assert_eq!(
            after
                .get("Goal", "goal-a1")
                .map(|one| one.body["description"]["text"] == "new"),
            Some(true)
        );
        assert_eq!(after.versions("Goal/goal-a1").len(), 2);
        shelf
            .write("Goal/goal-a1", |_| Ok::<_, ()>((None, ())))
            .expect("nothing objects");
        let gone = shelf.records();
        assert!(gone.get("Goal", "goal-a1").is_none());
        assert!(
            gone.of_patients("Goal", &["patient-a"])
                .iter()
                .all(|one| one.id != "goal-a1")
        );
        shelf.take_back("Goal/goal-a1");
        assert!(shelf.records().get("Goal", "goal-a1").is_some());
        shelf.clear();
        assert_eq!(shelf.records().versions("Goal/goal-a1").len(), 1);
        shelf
            .write("Goal/new", |_| Ok::<_, ()>((goal("new"), ())))
            .expect("nothing objects");
        shelf.take_back("Goal/new");
        assert!(shelf.records().versions("Goal/new").is_empty());
    }
}
