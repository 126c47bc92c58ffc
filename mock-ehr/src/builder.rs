//! Makes a mock: in a test, in the suite's selftest, or behind a listener.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::SignedDuration;

use crate::chance::Chance;
use crate::clock::{Clock, ControlledClock};
use crate::config::{Client, Config, ConfigError};
use crate::defect::Defect;
use crate::fetch::{Fetch, Loopback, PATIENCE};
use crate::fhir::store::Store;
use crate::fhir::upstream;
use crate::launch::{LaunchError, LaunchRequest, LaunchResponse};
use crate::persona::Persona;
use crate::register::first_try;
use crate::serve::ManagementToken;
use crate::state::{AppState, Initial, Parts};
use crate::store::database::Database;
use crate::variant::Variant;
use crate::{management, router};

/// One mock EHR. A clone is the same mock; making one costs microseconds.
#[derive(Debug, Clone)]
pub struct MockEhr {
    state: AppState,
}

/// What a mock is to be.
#[derive(Debug)]
pub struct Builder {
    public_url: String,
    config: Arc<Config>,
    clock: Option<Arc<dyn Clock>>,
    seed: Option<u64>,
    fetch: Option<Arc<dyn Fetch>>,
    patience: Duration,
    initial: Initial,
    data: Option<Arc<Store>>,
    upstream: Option<upstream::Settings>,
    persona: Option<Persona>,
    first_try: Option<(String, String)>,
    keep_documents: bool,
    database: Option<Arc<Database>>,
}

impl MockEhr {
    /// The embedded clients and users, a clock that can be advanced, no defects.
    pub fn builder() -> Builder {
        Builder {
            public_url: "http://127.0.0.1:8080".to_owned(),
            config: Config::embedded(),
            clock: None,
            seed: None,
            fetch: None,
            patience: PATIENCE,
            initial: Initial::default(),
            data: None,
            upstream: None,
            persona: None,
            first_try: None,
            keep_documents: false,
            database: None,
        }
    }

    /// Every public route.
    pub fn router(&self) -> Router {
        router::public(self.state.clone())
    }

    /// Every management route.
    pub fn management_router(&self) -> Router {
        management::router(self.state.clone())
    }

    /// Every management route, for whoever has the token.
    pub fn guarded_management_router(&self, token: ManagementToken) -> Router {
        management::guarded(self.state.clone(), token)
    }

    /// Scheme, host and port; also the OpenID issuer.
    pub fn public_url(&self) -> &str {
        self.state.public_url()
    }

    /// `{public_url}/fhir`
    pub fn fhir_base(&self) -> &str {
        self.state.ordinary_fhir_base()
    }

    /// What the handlers share.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Arms exactly these defects.
    pub fn set_defects(&self, defects: impl IntoIterator<Item = Defect>) {
        self.state.defects().set(defects);
    }

    /// Arms exactly these variants.
    pub fn set_variants(&self, variants: impl IntoIterator<Item = Variant>) {
        self.state.variants().set(variants);
    }

    /// The defects whose hooks were reached since the start or the last [`MockEhr::forget_consulted`]: arming any other
    /// would have changed nothing.
    pub fn consulted_defects(&self) -> Vec<Defect> {
        self.state.defects().consulted()
    }

    /// Starts counting anew which hooks are reached.
    pub fn forget_consulted(&self) {
        self.state.defects().forget();
        self.state.variants().forget();
    }

    /// Forgets sessions, grants, tokens and the journal, and arms what was armed at the start. The clock goes on.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Lets time pass; `false` where the clock cannot.
    pub fn advance(&self, by: SignedDuration) -> bool {
        self.state.clock().advance(by)
    }

    /// Begins an EHR launch.
    pub fn create_launch(&self, request: LaunchRequest) -> Result<LaunchResponse, LaunchError> {
        self.state.create_launch(request)
    }

    /// Serves the public routes until the listener fails.
    pub async fn serve(&self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        axum::serve(listener, self.router()).await
    }
}

impl Builder {
    /// Where clients reach it: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = url.into();
        self
    }

    /// Clients, users, lifetimes.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Where the time comes from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes codes, tokens and identifiers the same each time.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How it fetches the key sets that clients publish and asks an identity provider; the former from loopback addresses
    /// only, where nothing is said.
    #[must_use]
    pub fn fetch(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// How long it waits for the key set of a client; five seconds, where nothing is said.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Arms a defect.
    #[must_use]
    pub fn defect(self, defect: Defect) -> Self {
        self.defects([defect])
    }

    /// Arms several defects.
    #[must_use]
    pub fn defects(mut self, defects: impl IntoIterator<Item = Defect>) -> Self {
        self.initial.defects.extend(defects);
        self
    }

    /// Arms a variant.
    #[must_use]
    pub fn variant(self, variant: Variant) -> Self {
        self.variants([variant])
    }

    /// Arms several variants.
    #[must_use]
    pub fn variants(mut self, variants: impl IntoIterator<Item = Variant>) -> Self {
        self.initial.variants.extend(variants);
        self
    }

    /// Adds the quirks of a real server; its lifetimes stand before those of the configuration.
    #[must_use]
    pub fn persona(mut self, persona: Persona) -> Self {
        self.persona = Some(persona);
        self
    }

    /// The people and their records; the embedded ones, where nothing is said.
    #[must_use]
    pub fn data(mut self, data: impl Into<Arc<Store>>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// A FHIR server that holds the data instead of the mock.
    #[must_use]
    pub fn upstream(mut self, upstream: upstream::Settings) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Registers a public app by its launch URL alone; where else its codes may go, its user is asked at the first sign-in.
    #[must_use]
    pub fn app(mut self, client_id: impl Into<String>, launch_url: impl Into<String>) -> Self {
        self.first_try = Some((client_id.into(), launch_url.into()));
        self
    }

    /// Writes the discovery documents once, and again only while something is armed. The switches behind them are then
    /// not asked each time, and [`MockEhr::consulted_defects`] does not name them.
    #[must_use]
    pub fn keep_documents(mut self) -> Self {
        self.keep_documents = true;
        self
    }

    /// Keeps its records in a database, which other mocks may share; codes and tokens then never come from a seed, since
    /// theirs would be the same.
    #[must_use]
    pub fn database(mut self, database: Database) -> Self {
        self.database = Some(Arc::new(database));
        self
    }

    /// Makes it.
    pub fn build(mut self) -> Result<MockEhr, ConfigError> {
        let wrong = |expected| ConfigError::PublicUrl {
            was: self.public_url.clone(),
            expected,
        };
        let url = url::Url::parse(&self.public_url).map_err(|_| wrong("expected an absolute URL"))?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
            return Err(wrong("expected http:// or https:// and a host"));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(wrong("expected neither query nor fragment nor user information"));
        }
        if url.path() != "/" {
            return Err(wrong(
                "expected no path: links, forms and cookies of the mock's pages stand at the root of a host; give it a host name or a port of its own",
            ));
        }
        if let Some((client_id, launch_url)) = &self.first_try {
            self.initial.first_try = Some(self.first_client(client_id, launch_url)?);
        }
        let provider_fetch = match (&self.fetch, &self.config.identity_provider) {
            (None, Some(provider)) => provider.way()?,
            (Some(given), _) => Arc::clone(given),
            (None, None) => Arc::new(Loopback::default()),
        };
        if let Some(persona) = &self.persona {
            self.initial.defects.extend(persona.defects());
            self.initial.variants.extend(persona.variants());
            persona.settle(Arc::make_mut(&mut self.config));
        }
        let public_url = self.public_url.trim_end_matches('/').to_owned();
        if let Some(upstream) = &self.upstream
            && upstream.base() == format!("{public_url}/fhir")
        {
            return Err(ConfigError::Invalid {
                file: "--fhir-upstream".to_owned(),
                what: "the mock cannot be in front of itself; name another FHIR server".to_owned(),
            });
        }
        // With a server upstream the mock has no people of its own.
        let own = || match self.upstream {
            Some(_) => Arc::default(),
            None => Arc::clone(Store::embedded()),
        };
        let state = AppState::new(Parts {
            data: self.data.unwrap_or_else(own),
            upstream: self.upstream,
            config: self.config,
            provider_fetch,
            public_url,
            clock: self.clock.unwrap_or_else(|| Arc::new(ControlledClock::default())),
            chance: Chance::new(self.seed.filter(|_| self.database.is_none())),
            fetch: self.fetch.unwrap_or_else(|| Arc::new(Loopback::default())),
            patience: self.patience,
            initial: self.initial,
            keep_documents: self.keep_documents,
            database: self.database,
        });
        Ok(MockEhr { state })
    }

    fn first_client(&self, client_id: &str, launch_url: &str) -> Result<Client, ConfigError> {
        let wrong = |what: String| ConfigError::Invalid {
            file: "--app".to_owned(),
            what,
        };
        if self.config.client(client_id).is_some() {
            return Err(wrong(format!(
                "client `{client_id}` is registered already; give another --client-id"
            )));
        }
        first_try::client(client_id, launch_url).map_err(wrong)
    }
}
