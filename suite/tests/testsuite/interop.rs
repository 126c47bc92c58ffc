//! Runs against real servers that others wrote: whatever is not a pass must stand, with its reason, in the server's baseline.
//!
//! Nothing is installed here: `suite/tests/interop/install` does that, which `./test` runs first. A peer that is not there
//! is skipped with a loud line, unless `LAUNCHPROOF_REQUIRE_PEERS` is set, as CI does.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use reports::exit;
use reports::model::Status;
use tokio::sync::Mutex;

use crate::program::{Ran, judge};

/// Keycloak needs half a minute for its first start, more on a busy machine.
const START: Duration = Duration::from_mins(4);
/// The slowest takes two minutes, more on a busy machine.
const RUN: Duration = Duration::from_mins(8);
/// After this long, what was asked to stop is killed.
const STOP: Duration = Duration::from_secs(10);

/// The profiles name ports, and the machine has few cores: one server at a time in this process …
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// … and in any other: locked for as long as the file is open.
fn alone_on_the_machine() -> std::fs::File {
    let path = std::env::temp_dir().join("launchproof-interop.lock");
    let file = std::fs::File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.lock()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file
}

/// A server, and what of it must be installed.
struct Peer {
    name: &'static str,
    /// Below `.peers`.
    installed: &'static str,
}

const OIDC_PROVIDER: Peer = Peer {
    name: "oidc-provider",
    installed: "npm/node_modules/oidc-provider",
};
const OAUTH2_MOCK_SERVER: Peer = Peer {
    name: "oauth2-mock-server",
    installed: "npm/node_modules/oauth2-mock-server",
};
const DJANGO_OAUTH_TOOLKIT: Peer = Peer {
    name: "django-oauth-toolkit",
    installed: "venv/bin/django-admin",
};
const KEYCLOAK: Peer = Peer {
    name: "keycloak",
    installed: "keycloak/current/bin/kc.sh",
};
const ZITADEL: Peer = Peer {
    name: "zitadel",
    installed: "zitadel/server",
};
const SPRING_AUTHORIZATION_SERVER: Peer = Peer {
    name: "spring-authorization-server",
    installed: "spring-authorization-server/target/server.jar",
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// A started server: its process group ends with this value.
struct Running {
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Running {
    /// Starts it and waits for its `ready` line; nothing where it is not installed.
    fn start(peer: &Peer) -> Option<Self> {
        if !root().join(".peers").join(peer.installed).exists() {
            let missing = format!("{} is not installed: run suite/tests/interop/install", peer.name);
            assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_PEERS").is_none(), "{missing}");
            crate::skipped(&missing);
            return None;
        }
        let log = tempfile::NamedTempFile::new().expect("a file for the log");
        let mut child = Command::new(root().join("suite/tests/interop").join(peer.name).join("start"))
            .env_remove("PORT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.reopen().expect("the log"))
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", peer.name));
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let running = Self { child, log };
        let (tell, ready) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads on to the end, lest the pipe fill up.
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let until = Instant::now() + START;
        loop {
            match ready.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.starts_with("ready ") => return Some(running),
                Ok(_) => {}
                Err(why) => panic!("{} did not get ready ({why}):\n{}", peer.name, running.log()),
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        // A negative id names the process group; `kill` has no call in the standard library.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("TERM");
        let until = Instant::now() + STOP;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

/// Starts the server and judges it against its baseline.
async fn run(peer: &Peer, arguments: &[&str]) -> Option<Ran> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let _locked = tokio::task::block_in_place(alone_on_the_machine);
    let running = tokio::task::block_in_place(|| Running::start(peer))?;
    let target = root().join(format!("fixtures/targets/{}.toml", peer.name));
    let baseline = target.with_extension("baseline.toml");
    let path = |path: &Path| path.to_str().expect("the path is text").to_owned();
    let (target, baseline) = (path(&target), path(&baseline));
    let mut all = vec!["--target", &target, "--baseline", &baseline];
    all.extend(arguments);
    let ran = tokio::time::timeout(RUN, judge(&all))
        .await
        .unwrap_or_else(|_| panic!("{} took longer than {RUN:?}:\n{}", peer.name, running.log()));
    tokio::task::block_in_place(|| drop(running));
    Some(ran)
}

/// Nothing but what the baseline explains, and at least so many passes: a run that judged nothing is no proof.
async fn fits(peer: &Peer, passes: usize) {
    let Some(ran) = run(peer, &[]).await else { return };
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    let unexplained: Vec<String> = ran
        .report()
        .verdicts
        .iter()
        .filter(|verdict| {
            let explained = verdict.expected_by_baseline.is_some();
            !explained
                && (verdict.status == Status::Warn || verdict.status == Status::Fail || verdict.status.is_not_run())
        })
        .map(|verdict| format!("{} {}", verdict.status.as_str(), verdict.id()))
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}\n{}", ran.shown());
    assert!(ran.count(Status::Pass) >= passes, "{}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn oidc_provider_deviates_only_where_its_baseline_says_so() {
    fits(&OIDC_PROVIDER, 600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth2_mock_server_deviates_only_where_its_baseline_says_so() {
    fits(&OAUTH2_MOCK_SERVER, 250).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn django_oauth_toolkit_deviates_only_where_its_baseline_says_so() {
    fits(&DJANGO_OAUTH_TOOLKIT, 400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keycloak_deviates_only_where_its_baseline_says_so() {
    fits(&KEYCLOAK, 600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zitadel_deviates_only_where_its_baseline_says_so() {
    fits(&ZITADEL, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spring_authorization_server_deviates_only_where_its_baseline_says_so() {
    fits(&SPRING_AUTHORIZATION_SERVER, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_finds_the_same_at_oidc_provider() {
    let scenarios = [
        "--agent",
        "chrome",
        "--only",
        "state/returned",
        "state/on_denial",
        "state/returned_by_post",
        "pkce/s256_accepted",
        "pkce/verifier_wrong",
        "redirect_uri/unregistered",
        "code/single_use",
    ];
    let Some(ran) = run(&OIDC_PROVIDER, &scenarios).await else {
        return;
    };
    if ran.stderr.contains("Chromium") && !ran.has_report() {
        assert!(
            std::env::var_os("LAUNCHPROOF_REQUIRE_CHROMIUM").is_none(),
            "{}",
            ran.shown()
        );
        crate::skipped(&ran.stderr.trim());
        return;
    }
    ran.assert(exit::NOTHING_UNEXPECTED, &["by chrome"]);
    assert!(ran.count(Status::Pass) >= 10, "{}", ran.shown());
}
