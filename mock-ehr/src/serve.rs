//! Serves a mock on loopback: `mock-ehr`, and `launchproof serve`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use crate::builder::MockEhr;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, ConfigError};
use crate::defect::Defect;
use crate::fhir::data::{self, DataError};
use crate::fhir::population;
use crate::fhir::store::Store;
use crate::register::first_try;
use crate::variant::Variant;

/// What to serve, and where.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address for apps and browsers; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address for management: defects, clock, journal, reset; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub management: SocketAddr,
    /// The address that apps see, where something stands in front.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Clients and users of your own, instead of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Serve these data beside the built-in people: a folder of Bundles (Synthea's, for instance), resources or NDJSON.
    #[arg(long, value_name = "DIR")]
    pub fhir_data: Option<PathBuf>,
    /// An app of yours to try, by its launch URL: registered as a public client; the first sign-in asks for the rest.
    #[arg(long, value_name = "URL")]
    pub app: Option<String>,
    /// The client_id of the app in --app.
    #[arg(long, value_name = "ID", default_value = first_try::CLIENT_ID, requires = "app")]
    pub client_id: String,
    /// Misbehave in this way; may be given several times.
    #[arg(long = "defect", value_name = "NAME")]
    pub defects: Vec<Defect>,
    /// Behave in this other, legal way; may be given several times.
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<Variant>,
    /// Add so many invented people with coherent records; the same number and `--seed` make the same people.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub population: Option<u32>,
    /// Make codes and tokens, and the people of `--population`, the same each time.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// Why it cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The mock knows passwords and keys that everybody can read, so it must not be reachable from elsewhere.
    #[error(
        "{address} is not a loopback address; the mock EHR's passwords and keys are public, so it serves this machine only: use 127.0.0.1 or [::1]"
    )]
    NotLoopback {
        /// What was asked for.
        address: SocketAddr,
    },
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
    /// The listener broke.
    #[error("serving ended: {0}")]
    Serve(#[from] std::io::Error),
}

/// Serves until it is interrupted.
pub async fn run(args: ServeArgs) -> Result<(), ServeError> {
    let public = bind(args.listen, "--listen").await?;
    let management = bind(args.management, "--management").await?;
    let mut builder = MockEhr::builder()
        .public_url(match &args.public_url {
            Some(url) => url.clone(),
            None => format!("http://{}", public.local_addr()?),
        })
        .defects(args.defects)
        .variants(args.variants);
    if let Some(path) = &args.config {
        builder = builder.config(Config::read(path)?);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let (data, told) = people(
        args.fhir_data.as_deref(),
        args.population,
        args.seed.unwrap_or_default(),
    )?;
    if let Some(data) = data {
        builder = builder.data(data);
    }
    if let Some(app) = &args.app {
        builder = builder.app(&args.client_id, app);
    }
    let mock = builder.build()?;
    // Nobody needs to read this: a closed pipe must not end the server.
    let _ = announce(&mock, management.local_addr()?, &told);
    let (for_apps, for_control) = (mock.router(), mock.management_router());
    tokio::select! {
        ended = axum::serve(public, for_apps) => ended?,
        ended = axum::serve(management, for_control) => ended?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
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
            "{count} invented people with {resources} resources, seed {seed}"
        ));
    }
    if let Some(path) = data {
        told.extend(data::read(&mut store, path, SystemClock.now())?.told(path));
    }
    store.seal();
    Ok((Some(store), told))
}

async fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    TcpListener::bind(address)
        .await
        .map_err(|error| ServeError::Bind { address, option, error })
}

fn announce(mock: &MockEhr, management: SocketAddr, data: &[String]) -> std::io::Result<()> {
    let state = mock.state();
    let config = state.config();
    let mut out = std::io::stdout().lock();
    writeln!(out, "Launcher:    {}/", mock.public_url())?;
    writeln!(out, "Inspector:   {}/inspect", mock.public_url())?;
    writeln!(out, "FHIR base:   {}", mock.fhir_base())?;
    writeln!(out, "Management:  http://{management}/")?;
    let clients: Vec<_> = config.clients.iter().map(|client| client.client_id.as_str()).collect();
    writeln!(out, "Clients:     {}", clients.join(", "))?;
    let users: Vec<_> = config.users.iter().map(|user| user.username.as_str()).collect();
    writeln!(
        out,
        "Users:       {} (the built-in ones' passwords are their names)",
        users.join(", ")
    )?;
    for line in data {
        writeln!(out, "Data:        {line}")?;
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
    out.flush()
}
