//! Serves a mock: `mock-ehr`, and `launchproof serve`.

mod certificate;
mod reach;
mod stop;
mod tls_listener;

use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use self::certificate::Certificate;
use self::stop::Signals;
use self::tls_listener::TlsListener;
use crate::builder::MockEhr;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, ConfigError};
use crate::defect::Defect;
use crate::fhir::data::{self, DataError};
use crate::fhir::population;
use crate::fhir::store::Store;
use crate::fhir::upstream;
use crate::identity_provider;
use crate::persona::Persona;
use crate::register::first_try;
use crate::store::database::{Database, DatabaseAddress, DatabaseError};
use crate::variant::Variant;

pub use self::certificate::TlsError;
pub use self::reach::{ManagementToken, ReachError};

/// What to serve, and where.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address for apps and browsers; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address for management: defects, clock, journal, reset; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub management: SocketAddr,
    /// The address that apps see, where something stands in front; without a path.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Serve https, with a certificate made at the start unless one is given.
    #[arg(long)]
    pub tls: bool,
    /// Serve https with this certificate (PEM, then those of its authorities).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The key of `--tls-certificate` (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Write what clients have to trust (PEM) to this file, where the certificate is made at the start.
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "tls_certificate")]
    pub tls_write_ca: Option<PathBuf>,
    /// Let other machines reach it, although its passwords and keys are public.
    #[arg(long)]
    pub i_know_this_is_a_mock: bool,
    /// Management answers only who sends the token in this file (`Authorization: Bearer …`), and may then be reached
    /// from other machines.
    #[arg(long, value_name = "FILE")]
    pub management_token_file: Option<PathBuf>,
    /// When it is told to stop, open requests have so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub stop_within: u64,
    /// Clients and users of your own, instead of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Serve these data beside the built-in people: a folder of Bundles (Synthea's, for instance), resources or NDJSON.
    #[arg(long, value_name = "DIR")]
    pub fhir_data: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for the description of the command")]
    pub upstream: upstream::Options,
    /// Keep sessions, tokens, registrations and what apps write in sqlite:FILE, over restarts, or in
    /// postgres://USER:PASSWORD@HOST:PORT/NAME, which replicas share; defects, faults, clock and journal stay with each.
    #[arg(long, value_name = "ADDRESS")]
    pub database: Option<DatabaseAddress>,
    /// An app of yours to try, by its launch URL: registered as a public client; the first sign-in asks for the rest.
    #[arg(long, value_name = "URL")]
    pub app: Option<String>,
    /// The client_id of the app in --app.
    #[arg(long, value_name = "ID", default_value = first_try::CLIENT_ID, requires = "app")]
    pub client_id: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for the description of the command")]
    pub identity_provider: identity_provider::Options,
    /// Have the quirks of a real server, each with a source: aidbox, athenahealth, epic, keycloak, medplum, oracle-health
    /// or smart-launcher.
    #[arg(long, value_name = "NAME")]
    pub persona: Option<Persona>,
    /// Misbehave in this way; may be given several times.
    #[arg(long = "defect", value_name = "NAME")]
    pub defects: Vec<Defect>,
    /// Behave in this other, legal way; may be given several times.
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<Variant>,
    /// Add so many invented people with coherent records; the same number and `--seed` make the same people.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub population: Option<u32>,
    /// Make codes and tokens, and the people of `--population`, the same each time; with `--database`, the people alone.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// So long the server upstream may take to say what it is, before others are served.
const GREETING: Duration = Duration::from_secs(2);

/// Why it cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could reach it.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The certificate is not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {error}; choose another with {option}, or port 0 for a free one")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// Which option says so.
        option: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data are not usable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database is not usable.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The listener broke.
    #[error("serving ended: {0}")]
    Serve(#[from] std::io::Error),
}

/// Serves until it is told to stop.
pub async fn run(args: ServeArgs) -> Result<(), ServeError> {
    let token = args.management_token_file.as_deref().map(ManagementToken::read);
    let token = token.transpose()?;
    reach::check(args.listen, args.management, token.as_ref(), args.i_know_this_is_a_mock)?;
    let is_tls = args.tls || args.tls_certificate.is_some();
    if args.listen.ip().is_unspecified() && args.public_url.is_none() {
        return Err(ReachError::Unspecified(args.listen).into());
    }
    let public = bind(args.listen, "--listen").await?;
    let management = bind(args.management, "--management").await?;
    let scheme = if is_tls { "https" } else { "http" };
    let public_url = match &args.public_url {
        Some(url) => url.clone(),
        None => format!("{scheme}://{}", public.local_addr()?),
    };
    let (mock, mut told) = built(&args, public_url)?;
    if let Some(upstream) = mock.state().upstream() {
        // Requests are told of it anyway: the start does not wait for a server that hangs.
        let greeting = tokio::time::timeout(GREETING, upstream::greeting(upstream)).await;
        let greeting = greeting.unwrap_or_else(|_| format!("not there yet: no answer within {} s", GREETING.as_secs()));
        told.push(format!("Upstream:    {} ({greeting})", upstream.base()));
        if upstream.is_open() {
            told.push("Note:        the credential for the server upstream travels in the clear; use https".to_owned());
        }
    }
    let acceptor = if is_tls {
        let (certificate, lines) = certificate_of(&args, mock.public_url())?;
        told.extend(lines);
        Some(certificate.acceptor()?)
    } else {
        None
    };
    // Management beyond this machine is not spoken in the clear, where there is a certificate.
    let for_management = acceptor.clone().filter(|_| !args.management.ip().is_loopback());
    if !args.management.ip().is_loopback() && for_management.is_none() {
        told.push("Note:        the management token travels in the clear; --tls encrypts it".to_owned());
    }
    let signals = Signals::caught()?;
    let management_scheme = if for_management.is_some() { "https" } else { "http" };
    let management_url = format!("{management_scheme}://{}/", management.local_addr()?);
    // Nobody needs to read this: a closed pipe must not end the server.
    let _ = announce(&mock, &management_url, &told, public.local_addr()?);
    let control = match token {
        Some(token) => mock.guarded_management_router(token),
        None => mock.management_router(),
    };
    let (stop, stopping) = watch::channel(false);
    let doors = both(
        door(public, acceptor, mock.router(), stopping.clone())?,
        door(management, for_management, control, stopping)?,
    );
    let within = Duration::from_secs(args.stop_within);
    let journal = mock.state().journal();
    stop::serve(doors, stop, signals, within, || journal.end()).await?;
    Ok(())
}

/// The mock that the options describe, with what is to be said of it.
fn built(args: &ServeArgs, public_url: String) -> Result<(MockEhr, Vec<String>), ServeError> {
    let mut builder = MockEhr::builder()
        .keep_documents()
        .public_url(public_url)
        .defects(args.defects.iter().copied())
        .variants(args.variants.iter().copied());
    let mut config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::embedded().as_ref().clone(),
    };
    args.identity_provider.put_into(&mut config)?;
    builder = builder.config(config);
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let (data, mut told) = people(
        args.fhir_data.as_deref(),
        args.population,
        args.seed.unwrap_or_default(),
    )?;
    if let Some(data) = data {
        builder = builder.data(data);
    }
    if let Some(upstream) = args.upstream.settings()? {
        builder = builder.upstream(upstream);
    }
    if let Some(persona) = &args.persona {
        builder = builder.persona(persona.clone());
        told.push(told_of(persona));
    }
    if let Some(address) = &args.database {
        let database = Database::open(address.as_str())?;
        told.push(format!("Database:    {database}"));
        builder = builder.database(database);
    }
    if let Some(app) = &args.app {
        builder = builder.app(&args.client_id, app);
    }
    Ok((builder.build()?, told))
}

fn told_of(persona: &Persona) -> String {
    format!(
        "Persona:     {}, modelled on {}; `launchproof list personas` tells the sources of its {} quirks",
        persona.name(),
        persona.modelled_on(),
        persona.quirks().len()
    )
}

/// The certificate, with what is to be said of it; who is to trust it is written where that was asked for.
fn certificate_of(args: &ServeArgs, public_url: &str) -> Result<(Certificate, Vec<String>), TlsError> {
    let certificate = if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        Certificate::read(certificate, key)?
    } else {
        let public = url::Url::parse(public_url).ok();
        let host = public.as_ref().and_then(url::Url::host_str);
        Certificate::made(&certificate::names(args.listen.ip(), host), SystemClock.now())?
    };
    let mut told = vec![format!("Certificate: SHA-256 {}", certificate.fingerprint())];
    match (&certificate.authority, &args.tls_write_ca) {
        (Some(pem), Some(file)) => {
            std::fs::write(file, pem).map_err(|error| TlsError::File {
                file: file.clone(),
                verb: "written",
                error,
            })?;
            told.push(format!("Trust:       {}", file.display()));
        }
        (Some(_), None) => told
            .push("Trust:       made for this start; --tls-write-ca FILE writes what clients have to trust".to_owned()),
        (None, _) => {}
    }
    Ok((certificate, told))
}

/// One listener, with or without TLS.
fn door(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: axum::Router,
    stopping: watch::Receiver<bool>,
) -> std::io::Result<BoxFuture<'static, std::io::Result<()>>> {
    Ok(match acceptor {
        Some(acceptor) => stop::door(TlsListener::new(listener, acceptor)?, router, stopping).boxed(),
        None => stop::door(listener, router, stopping).boxed(),
    })
}

async fn both(
    one: impl Future<Output = std::io::Result<()>>,
    other: impl Future<Output = std::io::Result<()>>,
) -> std::io::Result<()> {
    tokio::try_join!(one, other).map(|_| ())
}

/// The people whom the options ask for, with what is to be said of them; nothing where the built-in ones are enough.
fn people(data: Option<&Path>, population: Option<u32>, seed: u64) -> Result<(Option<Store>, Vec<String>), DataError> {
    let mut told = Vec::new();
    if data.is_none() && population.is_none() {
        return Ok((None, told));
    }
    let mut store = Store::unsealed();
    if let Some(count) = population {
        let resources = population::fill(&mut store, count as usize, seed).map_err(DataError::Full)?;
        told.push(format!(
            "Data:        {count} invented people with {resources} resources, seed {seed}"
        ));
    }
    if let Some(path) = data {
        let read = data::read(&mut store, path, SystemClock.now())?.told(path);
        told.extend(read.iter().map(|line| format!("Data:        {line}")));
    }
    store.seal();
    Ok((Some(store), told))
}

async fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| ServeError::Bind { address, option, error })
}

fn announce(mock: &MockEhr, management: &str, told: &[String], listening: SocketAddr) -> std::io::Result<()> {
    let state = mock.state();
    let config = state.config();
    let mut out = std::io::stdout().lock();
    writeln!(out, "Launcher:    {}/", mock.public_url())?;
    writeln!(out, "Inspector:   {}/inspect", mock.public_url())?;
    writeln!(out, "FHIR base:   {}", mock.fhir_base())?;
    writeln!(out, "Management:  {management}")?;
    let clients: Vec<_> = config.clients.iter().map(|client| client.client_id.as_str()).collect();
    writeln!(out, "Clients:     {}", clients.join(", "))?;
    let users: Vec<_> = config.users.iter().map(|user| user.username.as_str()).collect();
    writeln!(
        out,
        "Users:       {} (the built-in ones' passwords are their names)",
        users.join(", ")
    )?;
    if let Some(provider) = &config.identity_provider {
        let redirect_uri = identity_provider::callback_of(state);
        writeln!(
            out,
            "Sign-in:     {} (there, register {redirect_uri} for `{}`)",
            provider.issuer, provider.client_id
        )?;
    }
    for line in told {
        writeln!(out, "{line}")?;
    }
    if let Some(app) = state.first_try() {
        writeln!(
            out,
            "App:         {} (public, client_id `{}`)",
            app.redirect_uris.join(", "),
            app.client_id
        )?;
    }
    for defect in state.defects().armed() {
        writeln!(out, "Defect:      {defect}: {}", defect.doc())?;
    }
    for variant in state.variants().armed() {
        writeln!(out, "Variant:     {variant}: {}", variant.doc())?;
    }
    // The last line: whoever waits for it can begin.
    writeln!(out, "Listening:   {listening}")?;
    out.flush()
}
