//! The embedded target: a mock EHR of one's own, on a loopback socket or inside the process, with the profile that fits.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use mock_ehr::clock::{Clock as _, ControlledClock};
use mock_ehr::config::IdTokenAlg;
use mock_ehr::fetch::{Fetch, Fetched, Trust};
use mock_ehr::{Config, Defect, MockEhr, Variant};

use url::Url;

use crate::clock::Clock;
use crate::http::in_process::PlayedTls;
use crate::http::{InProcess, Limits, Request, ReqwestTransport, TlsAnswer, TlsVersion, Transport};
use crate::key_server::{self, KeyServer};
use crate::step::World;
use crate::step::world::{Keys, Parts, keys_of};
use crate::target::Profile;
use crate::user_agent::{HttpAgent, Setup, UserAgent};

/// Origin of the mock that runs inside the process; nothing listens there.
const INSIDE: &str = "http://127.0.0.1:8080";

/// Origin of the key server of clients that are registered by `jwks_uri`.
const KEYS: &str = "http://127.0.0.1:8090";

/// Origin of the same keys behind a certificate that nobody vouches for, inside the process.
const KEYS_UNTRUSTED: &str = "https://127.0.0.1:8091";

/// How long the mock of a demo waits for a key set: longer than the slow one of a scenario takes.
const PATIENCE: Duration = Duration::from_millis(350);

/// What the mock of a demo does otherwise than the reference.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Deliberate faults.
    pub defects: Vec<Defect>,
    /// Legal differences.
    pub variants: Vec<Variant>,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The mock does not start.
    #[error("the mock EHR does not start: {0}")]
    Mock(String),
    /// The embedded profile does not load.
    #[error("the embedded profile does not load: {0}")]
    Profile(String),
    /// No transport.
    #[error("no HTTP client can be made: {0}")]
    Transport(String),
}

/// The mock's clock, seen by the suite: what is advanced here is advanced there.
struct SharedClock(Arc<ControlledClock>);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn advance(&self, by: SignedDuration) -> bool {
        self.0.advance(by)
    }
}

/// The mock's way to the key server inside the process.
#[derive(Debug)]
struct Inside(InProcess, KeyServer);

impl Fetch for Inside {
    fn get<'a>(&'a self, url: &'a str, trust: Trust) -> BoxFuture<'a, Result<Fetched, String>> {
        async move {
            let url = Url::parse(url).map_err(|error| error.to_string())?;
            if url.scheme() == "https" && trust == Trust::Authorities {
                let why = "invalid peer certificate: UnknownIssuer";
                self.1.note_refused(Instant::now(), why);
                return Err(why.to_owned());
            }
            let limits = Limits::default();
            let answer = self.0.send(&Request::get(url), &limits).await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            let header = |name: &str| answer.header(name).map(str::to_owned);
            Ok(Fetched {
                status: answer.status,
                content_type: header("content-type"),
                cache_control: header("cache-control"),
                location: header("location"),
                body: answer.body.to_vec(),
            })
        }
        .boxed()
    }
}

/// What the TLS in front of the mock would answer.
#[derive(Debug)]
struct TlsOf(MockEhr);

impl PlayedTls for TlsOf {
    fn answer(&self, version: TlsVersion) -> TlsAnswer {
        let [major, minor] = version.bytes();
        if self.0.accepts_tls((major, minor)) {
            TlsAnswer::Chosen(version)
        } else {
            TlsAnswer::Alert(70)
        }
    }

    fn chosen_suite(&self, offered: &[u16]) -> Option<u16> {
        self.0.chosen_suite(offered)
    }

    fn serves_plain_http(&self) -> bool {
        self.0.serves_plain_http()
    }

    fn certificate_problem(&self) -> Option<String> {
        self.0.certificate_problem().map(str::to_owned)
    }
}

/// The embedded configuration with id_tokens by ES256, which take a tenth of the time of RS256: for the defect matrix.
static QUICK: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let mut config = Config::clone(&Config::embedded());
    config.id_token_alg = IdTokenAlg::ES256;
    Arc::new(config)
});

/// The embedded profile and its keys, read once.
static EMBEDDED: LazyLock<Result<(Profile, Arc<Keys>), String>> = LazyLock::new(|| {
    let profile = profile_at(INSIDE, KEYS)?;
    let keys = keys_of(&profile)?;
    Ok((profile, Arc::new(keys)))
});

/// `fixtures/targets/mock.toml`, with the mock at `origin`, the key server at `keys`, and the keys' texts in place of their files.
pub fn profile_at(origin: &str, keys: &str) -> Result<Profile, String> {
    let file = fixtures::file("targets/mock.toml").ok_or("fixtures/targets/mock.toml is missing")?;
    let mut text = file.text.replace(INSIDE, origin).replace(KEYS, keys);
    for key in fixtures::below("keys") {
        let name = key.path.trim_start_matches("keys/");
        let json = key.text.split_whitespace().collect::<String>();
        text = text.replace(
            &format!("{{ file = \"../keys/{name}\" }}"),
            &format!("{{ test_only = '{json}' }}"),
        );
    }
    let mut profile =
        Profile::parse(&text, "fixtures/targets/mock.toml", Path::new("")).map_err(|error| error.to_string())?;
    // The clock is shared, so nobody has to ask for its advance.
    profile.advance_url = None;
    Ok(profile)
}

fn mock(
    origin: &str,
    config: Arc<Config>,
    manner: &Manner,
    clock: Arc<ControlledClock>,
    seed: u64,
) -> mock_ehr::Builder {
    MockEhr::builder()
        .public_url(origin)
        .config(config)
        .clock(clock)
        .patience(PATIENCE)
        // Another stream of chance than the suite's, which would else guess what the mock issues.
        .seed(seed ^ 0x6d6f_636b_2065_6872)
        .defects(manner.defects.iter().copied())
        .variants(manner.variants.iter().copied())
}

/// A world whose target is a mock inside this process, and that mock: no sockets.
pub fn inside(manner: &Manner, seed: u64) -> Result<(World, MockEhr), DemoError> {
    let clock = Arc::new(ControlledClock::default());
    let (profile, keys) = EMBEDDED.as_ref().map_err(|error| DemoError::Profile(error.clone()))?;
    let key_server = KeyServer::new(profile, keys).untrusted_at(KEYS_UNTRUSTED);
    let keys_served = InProcess::new()
        .mount(KEYS, key_server.router())
        .mount(KEYS_UNTRUSTED, key_server.router());
    let fetch = Inside(keys_served, key_server.clone());
    let mock = mock(INSIDE, Arc::clone(&QUICK), manner, Arc::clone(&clock), seed)
        .fetch(Arc::new(fetch))
        .build()
        .map_err(|error| DemoError::Mock(error.to_string()))?;
    let transport: Arc<dyn Transport> = Arc::new(
        InProcess::new()
            .mount(INSIDE, mock.router())
            .play_tls(Arc::new(TlsOf(mock.clone()))),
    );
    let clock: Arc<dyn Clock> = Arc::new(SharedClock(clock));
    let started = Instant::now();
    let agent: Arc<dyn UserAgent> = Arc::new(HttpAgent::new(
        Arc::clone(&transport),
        Setup::of_profile(profile, Arc::clone(&clock), started),
    ));
    let parts = Parts {
        profile: Arc::new(profile.clone()),
        transport,
        agent,
        clock,
        keys: Arc::clone(keys),
        key_server,
        seed,
        slow: false,
        started,
    };
    World::new(parts).map(|world| (world, mock)).map_err(DemoError::Profile)
}

/// A mock that listens on a loopback port, for as long as this value lives.
pub struct Listening {
    /// What fits it.
    pub profile: Profile,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Where its clients publish their keys.
    pub key_server: KeyServer,
    _serving_keys: key_server::Listening,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a mock on a free loopback port.
pub async fn listening(manner: &Manner, seed: u64) -> Result<Listening, DemoError> {
    let of_mock = |error: std::io::Error| DemoError::Mock(error.to_string());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(of_mock)?;
    let origin = format!("http://{}", listener.local_addr().map_err(of_mock)?);
    let clock = Arc::new(ControlledClock::default());
    let for_keys = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(of_mock)?;
    let keys_at = format!("http://{}", for_keys.local_addr().map_err(of_mock)?);
    let mut config = Config::clone(&Config::embedded());
    for client in &mut config.clients {
        client.jwks_uri = client.jwks_uri.as_ref().map(|uri| uri.replace(KEYS, &keys_at));
    }
    let mock = mock(&origin, Arc::new(config), manner, Arc::clone(&clock), seed)
        .build()
        .map_err(|error| DemoError::Mock(error.to_string()))?;
    let profile = profile_at(&origin, &keys_at).map_err(DemoError::Profile)?;
    let key_server = KeyServer::new(&profile, &keys_of(&profile).map_err(DemoError::Profile)?);
    let (key_server, serving_keys) = key_server::serve_both(for_keys, key_server, true).await;
    let router = mock.router();
    let task = tokio::spawn(async move {
        // An error here ends the task; the suite then sees refused connections and says so.
        let _ = axum::serve(listener, router).await;
    });
    Ok(Listening {
        profile,
        clock: Arc::new(SharedClock(clock)),
        key_server,
        task,
        _serving_keys: serving_keys,
    })
}

/// The transport to a target.
pub fn transport(profile: &Profile) -> Result<Arc<dyn Transport>, DemoError> {
    let transport = ReqwestTransport::new(&profile.network).map_err(|error| DemoError::Transport(error.to_string()))?;
    Ok(Arc::new(transport))
}
