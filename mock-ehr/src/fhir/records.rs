//! The records of one mock: the embedded people, and what apps wrote since.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::compartment::Bases;
use super::criterion::Criterion;
use super::element;
use super::index::{Key, Position, common, unique};
use super::parameters::{self, Parameter};
use super::span::Span;
use super::store::{Resource, Store};
use crate::store::database::{Database, Entry};
use crate::store::trouble::{Trouble, told};

/// One version that an app wrote; `None` where the resource was deleted.
pub(super) type Version = Option<Resource>;

/// What apps wrote.
#[derive(Debug, Clone, Default)]
struct Written {
    /// By `Type/id`, each with all its versions, oldest first.
    versions: BTreeMap<String, Vec<Kept>>,
    /// What of the store is hidden by it.
    hidden: HashSet<Position>,
    /// The last entry that is in it, of this mock or of the log that replicas share.
    seq: i64,
}

/// One version, with the number of its entry; 0, where it was there from the start.
#[derive(Debug, Clone)]
struct Kept {
    seq: i64,
    version: Option<Arc<Resource>>,
}

/// Where a mock keeps what apps wrote.
#[derive(Debug)]
pub(crate) struct Shelf {
    store: Arc<Store>,
    written: Mutex<Arc<Written>>,
    /// Where replicas tell each other of it.
    log: Option<Arc<Database>>,
    /// The address of the server, below which records name each other.
    public_url: String,
}

/// The records at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    store: Arc<Store>,
    written: Arc<Written>,
}

/// Versions of one resource that are kept, at most.
const VERSIONS: usize = 50;
/// Resources that apps may add, at most.
const RESOURCES: usize = 10_000;
/// How often a write is tried that other replicas are faster with.
const TRIES: usize = 100;

impl Shelf {
    /// A shelf on which nothing lies before these records.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self::with_log(store, None, "")
    }

    /// A shelf on which lies what the log tells, if there is one.
    pub(crate) fn with_log(store: Arc<Store>, log: Option<Arc<Database>>, public_url: &str) -> Self {
        Self {
            store,
            written: Mutex::default(),
            log,
            public_url: public_url.to_owned(),
        }
    }

    /// What was there before anything was written.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The records as they are now.
    pub(crate) fn records(&self) -> Records {
        if let Some(log) = &self.log {
            told(self.catch_up(log));
        }
        self.known()
    }

    /// Writes the next version, if the latest is still the one that `judge` accepts; gives what `judge` made.
    pub(crate) fn write<T, E>(
        &self,
        key: &str,
        mut judge: impl FnMut(&Records) -> Result<(Version, T), E>,
    ) -> Result<T, E> {
        self.settle(|records| {
            let (version, made) = judge(records)?;
            Ok((Some((key.to_owned(), version)), made))
        })
    }

    /// Writes the next version of what `judge` chooses among the records as they are now, or nothing; gives what it made.
    /// Where another replica was faster, `judge` runs again.
    pub(crate) fn settle<T, E>(
        &self,
        mut judge: impl FnMut(&Records) -> Result<(Option<(String, Version)>, T), E>,
    ) -> Result<T, E> {
        if let Some(log) = &self.log {
            return self.settle_among_replicas(log, judge);
        }
        let mut held = self.held();
        let (chosen, made) = judge(&self.at(&held))?;
        if let Some((key, version)) = chosen {
            let mut written = (**held).clone();
            let number = written.seq + 1;
            if written.versions.len() >= RESOURCES {
                written = Written::default();
            }
            written.add(&self.store, key, number, version);
            written.seq = number;
            *held = Arc::new(written);
        }
        Ok(made)
    }

    /// Takes the version of this number back, as though it had never been written. What others wrote since stays.
    pub(crate) fn take_back(&self, key: &str, number: i64) {
        if let Some(log) = &self.log {
            told(self.take_back_among_replicas(log, key, number));
            return;
        }
        let mut held = self.held();
        let mut written = (**held).clone();
        written.take_back(&self.store, key, number);
        *held = Arc::new(written);
    }

    /// Forgets what apps wrote.
    pub(crate) fn clear(&self) {
        if let Some(log) = &self.log {
            told(self.write_down(log, |_| Some(Entry::Clear)));
            return;
        }
        let mut held = self.held();
        *held = Arc::new(Written {
            seq: held.seq,
            ..Written::default()
        });
    }

    fn held(&self) -> MutexGuard<'_, Arc<Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records as far as this process knows.
    fn known(&self) -> Records {
        self.at(&self.held())
    }

    fn at(&self, written: &Arc<Written>) -> Records {
        Records {
            store: Arc::clone(&self.store),
            written: Arc::clone(written),
        }
    }
}

/// With a log that replicas share. An entry has its number by comparing: only who knew all before it gets the next one.
impl Shelf {
    fn settle_among_replicas<T, E>(
        &self,
        log: &Database,
        mut judge: impl FnMut(&Records) -> Result<(Option<(String, Version)>, T), E>,
    ) -> Result<T, E> {
        let mut judged = None;
        let done = self.write_down(log, |records| match judge(records) {
            Ok((Some((key, version)), made)) => {
                judged = Some(Ok(made));
                let is_full = records.written.versions.len() >= RESOURCES;
                let body = version.map(|resource| resource.body.to_string());
                Some(if is_full {
                    Entry::Clear
                } else {
                    Entry::Version { key, body }
                })
            }
            Ok((None, made)) => {
                judged = Some(Ok(made));
                None
            }
            Err(problem) => {
                judged = Some(Err(problem));
                None
            }
        });
        // Without the log nothing was written, and the answer will say so, whatever is made of it here.
        told(done);
        match judged {
            Some(judged) => judged,
            None => judge(&self.known()).map(|(_, made)| made),
        }
    }

    fn take_back_among_replicas(&self, log: &Database, key: &str, number: i64) -> Result<(), Trouble> {
        self.write_down(log, |records| {
            let mut versions = records.written.versions.get(key)?.iter();
            let taken = versions.find(|kept| kept.seq == number)?;
            Some(Entry::Back {
                key: key.to_owned(),
                seq: taken.seq,
            })
        })
    }

    /// Adds the entry that `made` makes of the records as they are now; again, where another replica was faster.
    fn write_down(&self, log: &Database, mut made: impl FnMut(&Records) -> Option<Entry>) -> Result<(), Trouble> {
        for _ in 0..TRIES {
            self.catch_up(log)?;
            let known = self.known();
            let Some(entry) = made(&known) else { return Ok(()) };
            let is_written = log.write_down(known.written.seq + 1, &entry)?;
            // An entry that only made room is followed by what wanted it.
            if is_written && !(matches!(entry, Entry::Clear) && known.written.versions.len() >= RESOURCES) {
                return self.catch_up(log);
            }
        }
        Err(Trouble(format!("others wrote resources {TRIES} times over")))
    }

    /// Reads what other replicas wrote.
    fn catch_up(&self, log: &Database) -> Result<(), Trouble> {
        let known = self.held().seq;
        let news = log.written_after(known)?;
        if news.is_empty() {
            return Ok(());
        }
        let mut held = self.held();
        let has_missed = |(seq, entry): &(i64, Entry)| *entry == Entry::Floor && known != 0 && held.seq < *seq;
        if news.iter().any(has_missed) {
            *held = Arc::default();
            drop(held);
            return self.catch_up(log);
        }
        let mut written = (**held).clone();
        for (seq, entry) in news {
            // Another request of this process may have read it in the meantime.
            if seq > written.seq {
                written.apply(&self.store, Bases::of(&self.public_url), seq, entry)?;
            }
        }
        *held = Arc::new(written);
        Ok(())
    }
}

impl Written {
    fn apply(&mut self, store: &Store, bases: Bases<'_>, seq: i64, entry: Entry) -> Result<(), Trouble> {
        match entry {
            Entry::Version { key, body: Some(body) } => {
                let read = serde_json::from_str(&body).ok();
                let read = read.and_then(|body| Resource::at(bases, body));
                let resource = read.ok_or_else(|| Trouble("a resource there cannot be read".to_owned()))?;
                self.add(store, key, seq, Some(resource));
            }
            Entry::Version { key, body: None } => self.add(store, key, seq, None),
            Entry::Back { key, seq: taken } => self.take_back(store, &key, taken),
            Entry::Clear => *self = Self::default(),
            Entry::Floor => return Ok(()),
        }
        self.seq = seq;
        Ok(())
    }

    fn add(&mut self, store: &Store, key: String, seq: i64, version: Version) {
        let first = store.resolve(&key);
        self.hidden.extend(first.and_then(Resource::position));
        let versions = self.versions.entry(key).or_insert_with(|| {
            let first = first.cloned().map(Arc::new);
            first
                .into_iter()
                .map(|first| Kept {
                    seq: 0,
                    version: Some(first),
                })
                .collect()
        });
        versions.push(Kept {
            seq,
            version: version.map(Arc::new),
        });
        if versions.len() > VERSIONS {
            versions.remove(0);
        }
    }

    fn take_back(&mut self, store: &Store, key: &str, seq: i64) {
        let is_empty = self.versions.get_mut(key).is_some_and(|versions| {
            versions.retain(|kept| kept.seq != seq);
            versions.is_empty()
        });
        if is_empty {
            self.versions.remove(key);
            if let Some(at) = store.resolve(key).and_then(Resource::position) {
                self.hidden.remove(&at);
            }
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Shelf::new(Arc::clone(Store::embedded())).records()
    }
}

impl Records {
    /// The resource of this type and id.
    pub(crate) fn get(&self, kind: &str, id: &str) -> Option<&Resource> {
        self.resolve(&format!("{kind}/{id}"))
    }

    /// The resource behind a relative reference.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&Resource> {
        match self.written.versions.get(reference) {
            Some(versions) => versions.last()?.version.as_deref(),
            None => self.store.resolve(reference),
        }
    }

    /// The number of the entry that is written after these records, if nobody is faster.
    pub(crate) fn next_number(&self) -> i64 {
        self.written.seq + 1
    }

    /// What the next version of it is called: one more than any that was kept, though old ones were thrown away and data
    /// that were loaded count from where they like.
    pub(crate) fn next_version(&self, key: &str) -> usize {
        let last = self.versions(key).into_iter().fold(0_usize, |last, version| {
            let told = version.and_then(|version| version.version.parse().ok());
            last.saturating_add(1).max(told.unwrap_or_default())
        });
        last.saturating_add(1)
    }

    /// Every version of a resource, oldest first; `None` stands for a deletion.
    pub(crate) fn versions(&self, key: &str) -> Vec<Option<&Resource>> {
        match self.written.versions.get(key) {
            Some(versions) => versions.iter().map(|kept| kept.version.as_deref()).collect(),
            None => self.store.resolve(key).map(Some).into_iter().collect(),
        }
    }

    /// All resources of a type.
    pub(crate) fn all<'a, 'k>(&'a self, kind: &'k str) -> impl Iterator<Item = &'a Resource> + use<'a, 'k> {
        self.shown(self.store.positions(kind).iter().copied())
            .chain(self.written(kind))
    }

    /// Resources of a type that belong to one of these patients, and the shared ones.
    pub(crate) fn of_patients(&self, kind: &str, patients: &[&str]) -> Vec<&Resource> {
        self.matching(kind, &[], Some(patients))
    }

    /// Resources of a type that meet all criteria; of these patients and the shared ones only, if some are given.
    pub(crate) fn matching(&self, kind: &str, criteria: &[Criterion], patients: Option<&[&str]>) -> Vec<&Resource> {
        let all = self.store.positions(kind);
        let mut found = patients.map(|ids| self.store.positions_of(kind, ids.iter().copied()));
        let mut unindexed = Vec::new();
        for criterion in criteria {
            match criterion.hits(self.store.index(), kind, all) {
                Some(hits) => {
                    found = Some(match found {
                        Some(found) => common(&found, &hits),
                        None => hits,
                    });
                }
                None => unindexed.push(criterion),
            }
        }
        let meets = |one: &Resource, criteria: &[&Criterion]| {
            criteria.is_empty()
                || one
                    .body
                    .look(|body| criteria.iter().all(|criterion| criterion.matches(body)))
        };
        let mut matching: Vec<&Resource> = self
            .shown(found.unwrap_or_else(|| all.to_vec()).into_iter())
            .filter(|one| meets(one, &unindexed))
            .collect();
        let every: Vec<&Criterion> = criteria.iter().collect();
        matching.extend(
            self.written(kind)
                .filter(|one| patients.is_none_or(|ids| one.membership.reachable_by(ids.iter().copied())))
                .filter(|one| meets(one, &every)),
        );
        matching
    }

    /// Resources of a type among which are all that refer by one of these parameters to one of these, as `Type/id`.
    pub(crate) fn referring<'a>(
        &self,
        kind: &str,
        parameters: &[&Parameter],
        to: impl Iterator<Item = &'a str>,
    ) -> Vec<&Resource> {
        let mut found = Vec::new();
        for (to, id) in to.filter_map(|key| key.split_once('/')) {
            for parameter in parameters {
                found.extend(self.store.index().having((kind, parameter.name), Key::To(to, id)));
            }
        }
        let mut referring: Vec<&Resource> = self.shown(unique(found).into_iter()).collect();
        referring.extend(self.written(kind));
        referring
    }

    /// Tells the first date of each of these resources of a type, if it has any.
    pub(crate) fn first_dates<'a>(
        &'a self,
        kind: &str,
        parameter: &'a Parameter,
    ) -> impl FnMut(&Resource) -> Option<Span> + 'a {
        let mut walk = self.store.index().walk((parameters::known(kind), parameter.name));
        move |resource| match resource.position() {
            Some(at) => walk.first(at),
            None => resource.body.look(|body| {
                let mut values = parameter.paths.iter().flat_map(|path| element::at(body, path));
                values.find_map(Span::of)
            }),
        }
    }

    fn shown<'a>(&'a self, positions: impl Iterator<Item = Position> + 'a) -> impl Iterator<Item = &'a Resource> {
        positions
            .filter(|at| self.written.hidden.is_empty() || !self.written.hidden.contains(at))
            .map(|at| self.store.at(at))
    }

    fn written<'a, 'k>(&'a self, kind: &'k str) -> impl Iterator<Item = &'a Resource> + use<'a, 'k> {
        let latest = self
            .written
            .versions
            .values()
            .filter_map(|versions| versions.last()?.version.as_deref());
        latest.filter(move |one| one.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_hides_what_was_there() {
        let shelf = Shelf::new(Arc::clone(Store::embedded()));
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
        shelf.take_back("Goal/goal-a1", 2);
        assert!(shelf.records().get("Goal", "goal-a1").is_some());
        shelf.clear();
        assert_eq!(shelf.records().versions("Goal/goal-a1").len(), 1);
        let number = shelf
            .write("Goal/new", |records| Ok::<_, ()>((goal("new"), records.next_number())))
            .expect("nothing objects");
        shelf.take_back("Goal/new", number);
        assert!(shelf.records().versions("Goal/new").is_empty());
    }

    fn goal(text: &str) -> Version {
        Resource::new(json!({
            "resourceType": "Goal", "id": "mine", "subject": {"reference": "Patient/patient-a"},
            "description": {"text": text},
        }))
    }

    fn texts(shelf: &Shelf) -> Vec<String> {
        let records = shelf.records();
        let versions = records.versions("Goal/mine").into_iter().flatten();
        versions
            .map(|one| one.body["description"]["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    fn put(shelf: &Shelf, text: &str) -> i64 {
        let made = shelf.write("Goal/mine", |records| Ok::<_, ()>((goal(text), records.next_number())));
        made.expect("nothing objects")
    }

    /// Shelves that share a log, and the folder it is in.
    fn replicas() -> (Shelf, Shelf, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let address = format!("sqlite:{}", folder.path().join("state").display());
        let shelf = || {
            let log = Database::open(&address).expect("a database");
            Shelf::with_log(Arc::clone(Store::embedded()), Some(Arc::new(log)), "")
        };
        (shelf(), shelf(), folder)
    }

    #[test]
    fn what_is_taken_back_is_ones_own_and_not_what_came_after() {
        let (one, other, _folder) = replicas();
        let alone = Shelf::new(Arc::clone(Store::embedded()));
        for (mine, others) in [(&alone, &alone), (&one, &other)] {
            let first = put(mine, "first");
            put(others, "of another");
            mine.take_back("Goal/mine", first);
            assert_eq!(texts(mine), ["of another"]);
            assert_eq!(texts(others), ["of another"]);
            mine.take_back("Goal/mine", first);
            assert_eq!(texts(others), ["of another"], "what is gone is not taken back again");
        }
    }

    #[test]
    fn no_number_is_given_twice_though_its_entry_is_gone() {
        for clears in [false, true] {
            let (one, other, _folder) = replicas();
            put(&other, "known to both");
            let mut is_first = true;
            let made = one.write("Goal/mine", |_| {
                // In between, another replica writes and takes back: the number is free, and known to it.
                if std::mem::take(&mut is_first) {
                    let number = put(&other, "taken back");
                    if clears {
                        other.clear();
                    } else {
                        other.take_back("Goal/mine", number);
                    }
                }
                Ok::<_, ()>((goal("mine"), ()))
            });
            made.expect("nothing objects");
            assert_eq!(texts(&one).last().map(String::as_str), Some("mine"), "{clears}");
            assert_eq!(texts(&other), texts(&one), "{clears}");
        }
    }

    /// A version that is named twice lets two writers pass with one If-Match.
    #[test]
    fn no_version_is_named_twice() {
        let shelf = Shelf::new(Arc::clone(Store::embedded()));
        let key = "Goal/goal-a1";
        let mut last = 0;
        for round in 0..VERSIONS + 20 {
            let next = shelf.records().next_version(key);
            assert!(next > last, "{next} after {last}");
            last = if round == 5 { 1000 } else { next };
            let made = Resource::new(json!({
                "resourceType": "Goal", "id": "goal-a1", "meta": { "versionId": last.to_string() },
                "subject": { "reference": "Patient/patient-a" },
            }));
            let version = made.filter(|_| round != 7);
            shelf
                .write(key, |_| Ok::<_, ()>((version.clone(), ())))
                .expect("nothing objects");
        }
        assert!(
            last > 1000,
            "data that count from where they like are counted on from there"
        );
    }
}
