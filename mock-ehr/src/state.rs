//! What every handler of one mock shares: configuration, clock, records, switches, journal.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::{Client, Config};
use crate::crowd::Crowd;
use crate::defect::Defect;
use crate::discovery::Documents;
use crate::faults::{self, Faults};
use crate::fetch::Fetch;
use crate::fhir;
use crate::fhir::compartment::Bases;
use crate::fhir::people::PatientSummary;
use crate::fhir::records::{Records, Shelf};
use crate::fhir::upstream::{Scratch, Upstream};
use crate::journal::Journal;
use crate::launch::fault::Riders;
use crate::store::Store;
use crate::store::database::Database;
use crate::store::registered::Known;
use crate::switches::Switches;
use crate::variant::Variant;

/// One mock's state; a clone is the same mock.
#[derive(Clone)]
pub struct AppState(Arc<Inner>, Option<Arc<Scratch>>);

struct Inner {
    config: Arc<Config>,
    public_url: String,
    fhir_base: String,
    clock: Arc<dyn Clock>,
    chance: Chance,
    defects: Switches<Defect>,
    variants: Switches<Variant>,
    initial: Initial,
    store: Store,
    fetch: Arc<dyn Fetch>,
    provider_fetch: Arc<dyn Fetch>,
    patience: Duration,
    journal: Journal,
    shelf: Shelf,
    upstream: Option<Upstream>,
    crowd: Crowd,
    faults: Faults,
    carried_faults: AtomicBool,
    keep_documents: bool,
    documents: Documents,
}

/// What a mock is made of.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) public_url: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) provider_fetch: Arc<dyn Fetch>,
    pub(crate) patience: Duration,
    pub(crate) initial: Initial,
    pub(crate) keep_documents: bool,
    pub(crate) data: Arc<fhir::store::Store>,
    pub(crate) upstream: Option<fhir::upstream::Settings>,
    /// Where its records are, if not in memory.
    pub(crate) database: Option<Arc<Database>>,
}

/// The switches that are armed at the start, and again after a reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Initial {
    pub(crate) defects: Vec<Defect>,
    pub(crate) variants: Vec<Variant>,
    /// The app that is registered by its address alone.
    pub(crate) first_try: Option<Client>,
}

impl AppState {
    pub(crate) fn new(parts: Parts) -> Self {
        let defects = Switches::default();
        defects.set(parts.initial.defects.iter().copied());
        let variants = Switches::default();
        variants.set(parts.initial.variants.iter().copied());
        let store = parts
            .database
            .as_ref()
            .map_or_else(Store::default, |database| Store::in_database(Arc::clone(database)));
        register_first(&store, &parts.initial, &parts.chance, parts.clock.now());
        let fhir_base = format!("{}/fhir", parts.public_url);
        let upstream = parts
            .upstream
            .map(|settings| Upstream::new(settings, &fhir_base, &parts.chance));
        let shelf = Shelf::with_log(parts.data, parts.database.clone(), &parts.public_url);
        let inner = Arc::new(Inner {
            public_url: parts.public_url,
            journal: Journal::new(parts.config.journal_entries),
            config: parts.config,
            clock: parts.clock,
            chance: parts.chance,
            defects,
            variants,
            initial: parts.initial,
            keep_documents: parts.keep_documents,
            documents: Documents::default(),
            store,
            shelf,
            upstream,
            fetch: parts.fetch,
            provider_fetch: parts.provider_fetch,
            crowd: Crowd::default(),
            faults: Faults::default(),
            // Those of other replicas are not told here.
            carried_faults: AtomicBool::new(parts.database.is_some()),
            patience: parts.patience,
            fhir_base,
        });
        Self(inner, None)
    }

    /// The same mock, for one request whose records were brought from upstream.
    pub(crate) fn with_scratch(&self, scratch: Arc<Scratch>) -> Self {
        Self(Arc::clone(&self.0), Some(scratch))
    }

    /// What was brought from upstream for this request.
    pub(crate) fn scratch(&self) -> Option<&Scratch> {
        self.1.as_deref()
    }

    /// The FHIR server that holds the data, where it is not the mock itself.
    pub(crate) fn upstream(&self) -> Option<&Upstream> {
        self.0.upstream.as_ref()
    }

    /// Clients, users and lifetimes.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The client of this id, whether it was configured or registered itself.
    pub(crate) fn client(&self, client_id: &str) -> Option<Known<'_>> {
        let configured = self.0.config.client(client_id).map(Known::Configured);
        configured.or_else(|| self.0.store.registration(client_id).map(Known::Registered))
    }

    /// The app that is registered by its address alone, as it was at the start.
    pub(crate) fn first_try(&self) -> Option<&Client> {
        self.0.initial.first_try.as_ref()
    }

    /// Scheme, host and port, without a slash at the end. Also the OpenID issuer.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// `{public_url}/fhir`, or what stands in its place for the launch to which the present request belongs.
    pub fn fhir_base(&self) -> Cow<'_, str> {
        match faults::base() {
            Some(base) => Cow::Owned(base.as_ref().to_owned()),
            None => Cow::Borrowed(self.ordinary_fhir_base()),
        }
    }

    /// `{public_url}/fhir`
    pub fn ordinary_fhir_base(&self) -> &str {
        &self.0.fhir_base
    }

    /// Where references lead that name records here.
    pub(crate) fn bases(&self) -> Bases<'_> {
        Bases::of(self.public_url())
    }

    /// The address of the token endpoint, which client assertions name as their audience.
    pub fn token_url(&self) -> String {
        format!("{}/auth/token", self.public_url())
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock itself.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The armed defects.
    pub fn defects(&self) -> &Switches<Defect> {
        &self.0.defects
    }

    /// The armed variants.
    pub fn variants(&self) -> &Switches<Variant> {
        &self.0.variants
    }

    /// What was asked and answered.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(crate) fn chance(&self) -> &Chance {
        &self.0.chance
    }

    /// The next of consecutive numbers, for the defects that hand out guessable values.
    pub(crate) fn count(&self) -> u64 {
        self.0.store.next_value()
    }

    /// How long somebody else's server may take.
    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }

    pub(crate) fn fetch(&self) -> &dyn Fetch {
        &*self.0.fetch
    }

    /// How the identity provider is asked.
    pub(crate) fn provider_fetch(&self) -> &dyn Fetch {
        &*self.0.provider_fetch
    }

    /// The records, with what apps wrote, as they are now.
    pub(crate) fn records(&self) -> Records {
        self.shelf().records()
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        self.scratch().map_or(&self.0.shelf, |scratch| &scratch.shelf)
    }

    /// The records that were there at the start.
    pub fn data(&self) -> &fhir::store::Store {
        self.0.shelf.store()
    }

    /// The patients whom a launcher or a picker can offer, in the order of their ids.
    pub fn patients(&self) -> &[PatientSummary] {
        self.data().patients()
    }

    /// Discovery documents, as far as they are kept.
    pub(crate) fn documents(&self) -> &Documents {
        &self.0.documents
    }

    pub(crate) fn keeps_documents(&self) -> bool {
        self.0.keep_documents
    }

    /// Does a switch stand otherwise than in a strict mock, for all or for the present request?
    pub(crate) fn is_anything_armed(&self) -> bool {
        self.0.defects.are_any_armed() || self.0.variants.are_any_armed() || crate::faults::is_planned()
    }

    /// Who waits for smart-configuration.
    pub(crate) fn crowd(&self) -> &Crowd {
        &self.0.crowd
    }

    /// The faults that somebody asked for.
    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Remembers that there are launches that carry faults of their own, if these are any.
    pub(crate) fn carries_faults(&self, riders: &Riders) {
        if !riders.is_empty() {
            self.0.carried_faults.store(true, Ordering::Relaxed);
        }
    }

    /// Was there ever a launch with faults of its own?
    pub(crate) fn has_carried_faults(&self) -> bool {
        self.0.carried_faults.load(Ordering::Relaxed)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Forgets sessions, grants, tokens and the journal, and arms what was armed at the start.
    pub(crate) fn reset(&self) {
        self.0.store.clear();
        self.0.shelf.clear();
        register_first(&self.0.store, &self.0.initial, &self.0.chance, self.now());
        self.0.journal.reset();
        self.0.faults.clear();
        self.0.defects.set(self.0.initial.defects.iter().copied());
        self.0.variants.set(self.0.initial.variants.iter().copied());
        self.0.defects.forget();
        self.0.variants.forget();
    }
}

fn register_first(store: &Store, initial: &Initial, chance: &Chance, now: Timestamp) {
    if let Some(client) = &initial.first_try {
        store.register_first(client, &chance.token::<32>(), now);
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState")
            .field("public_url", &self.0.public_url)
            .field("defects", &self.0.defects)
            .field("variants", &self.0.variants)
            .finish_non_exhaustive()
    }
}
