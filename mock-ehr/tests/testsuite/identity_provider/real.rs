//! Real providers: npm `oidc-provider` and Keycloak, with a person in front of a real Chromium.
//!
//! Skipped with a loud line where a provider or Chromium is not installed, unless `LAUNCHPROOF_REQUIRE_PEERS` or
//! `LAUNCHPROOF_REQUIRE_CHROMIUM` is set, as CI does. `suite/tests/interop/install` brings the providers.

use std::fs::File;
use std::net::TcpListener as Port;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::RawQuery;
use axum::response::Html;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_ehr::Config;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard};

use crate::clients::served::Served;
use crate::clients::window::Window;
use crate::clients::{ONE_CHROMIUM_AT_A_TIME, root};
use crate::harness::*;

/// Keycloak builds itself at its first start.
const START: Duration = Duration::from_mins(4);
/// After this long, what was asked to stop is killed.
const STOP: Duration = Duration::from_secs(10);

/// A server that others made.
struct Real {
    script: &'static str,
    /// Below `.peers`.
    installed: &'static str,
    /// What follows the port in its issuer.
    path: &'static str,
    /// What the mock is told of it beside its issuer.
    config: &'static str,
}

const OIDC_PROVIDER: Real = Real {
    script: "oidc-provider.mjs",
    installed: "npm/node_modules/oidc-provider",
    path: "",
    config: "client_id = 'mock-ehr'",
};
const KEYCLOAK: Real = Real {
    script: "keycloak.mjs",
    installed: "keycloak/current/bin/kc.sh",
    path: "/realms/hospital",
    config: "client_id = 'mock-ehr'\nclient_secret = 'test-only-secret-of-mock'",
};

/// A provider, a mock that signs its users in there, an app, and a window.
struct Desk {
    app: String,
    ehr: Served,
    window: Window,
    provider: Running,
    _alone: [MutexGuard<'static, ()>; 2],
    _locked: File,
}

/// A started provider: its process group ends with this value.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(real: &Real, port: u16, redirect_uri: &str) -> Self {
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(real.script)
            .with_extension("log");
        let child = Command::new("node")
            .arg(root().join("mock-ehr/tests/identity_provider").join(real.script))
            .env("PORT", port.to_string())
            .env("REDIRECT_URI", redirect_uri)
            .env("SIGNED_OUT_URI", redirect_uri.replace("/callback", "/signed-out"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}"));
        Self { child, log }
    }

    /// Waits until it says who it is.
    async fn ready(&mut self, issuer: &str) {
        let until = Instant::now() + START;
        let url = format!("{issuer}/.well-known/openid-configuration");
        while !client()
            .get(&url)
            .send()
            .await
            .is_ok_and(|answer| answer.status() == 200)
        {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "not ready ({ended:?}); see {}",
                self.log.display()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn signal(&self, signal: &str) {
        // A negative id names the process group; `kill` has no call in the standard library.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .stderr(Stdio::null())
            .status();
    }

    fn stop(&mut self) {
        self.signal("TERM");
        let until = Instant::now() + STOP;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// In this process and in any other, as the suite's tests with real servers are: locked for as long as the file is open.
fn alone_on_the_machine() -> File {
    let path = std::env::temp_dir().join("launchproof-interop.lock");
    let file = File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.lock()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file
}

/// Shows what it was given.
async fn serve_app() -> String {
    let page = |RawQuery(query): RawQuery| async {
        let query = query.unwrap_or_default();
        let query = query.replace('&', "&amp;").replace('<', "&lt;");
        Html(format!("<!doctype html><title>App</title><p id=\"query\">{query}</p>"))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/cb", get(page));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/cb")
}

static ONE_PROVIDER_AT_A_TIME: Mutex<()> = Mutex::const_new(());

impl Desk {
    async fn new(test: &'static str, real: &Real) -> Option<Self> {
        if !root().join(".peers").join(real.installed).exists() {
            let missing = format!("{} is not installed: run suite/tests/interop/install", real.installed);
            assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_PEERS").is_none(), "{missing}");
            crate::skipped(&missing);
            return None;
        }
        let alone = ONE_PROVIDER_AT_A_TIME.lock().await;
        let locked = tokio::task::block_in_place(alone_on_the_machine);
        let app = serve_app().await;
        let port = Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let issuer = format!("http://127.0.0.1:{port}{}", real.path);
        let registration = format!(
            r#"
            [identity_provider]
            issuer = "{issuer}"
            {}
            [[clients]]
            client_id = "bare"
            name = "Bare App"
            kind = "public"
            redirect_uris = ["{app}"]
            scopes = "launch/patient openid fhirUser patient/*.rs"
            "#,
            real.config
        );
        let mut config = Config::parse(&registration, "bare.toml").unwrap();
        config.users.clone_from(&Config::embedded().users);
        let ehr = Served::new(|mock| mock.config(config)).await;
        let redirect_uri = format!("{}/auth/callback", ehr.mock.public_url());
        let mut provider = Running::start(real, port, &redirect_uri);
        provider.ready(&issuer).await;
        let one = ONE_CHROMIUM_AT_A_TIME.lock().await;
        let window = tokio::task::block_in_place(|| Window::open(test))?;
        Some(Self {
            app,
            ehr,
            window,
            provider,
            _alone: [alone, one],
            _locked: locked,
        })
    }

    /// Opens the app's request.
    fn ask(&self, prompt: &str) {
        let request = Form::of(&[
            ("response_type", "code"),
            ("client_id", "bare"),
            ("redirect_uri", &self.app),
            ("scope", "launch/patient openid fhirUser patient/Patient.rs"),
            ("state", "state-0123456789"),
            ("aud", self.ehr.mock.fhir_base()),
            ("code_challenge", &challenge(VERIFIER)),
            ("code_challenge_method", "S256"),
            ("prompt", prompt),
        ]);
        let url = self.ehr.mock.public_url();
        self.window.go(&format!("{url}/auth/authorize?{}", request.encode()));
    }

    /// Signs out here, and at the provider.
    fn sign_out(&self, confirm: Option<&str>) {
        let url = self.ehr.mock.public_url();
        self.window.go(&format!("{url}/auth/end-session"));
        if let Some(confirm) = confirm {
            self.window.click(confirm);
        }
        let told = self.window.text("h1 + p");
        assert!(told.contains("as well"), "{told}");
        let ended = self.ehr.sent("GET", "/auth/signed-out", "state");
        assert_eq!(ended.len(), 1, "{ended:?}");
    }

    /// What the app was given.
    fn given(&self) -> Form {
        Form(pairs(&self.window.text("#query")))
    }

    /// The claims of the id_token for the code that the app was given.
    async fn claims(&self, given: &Form) -> Value {
        let exchange = Form::of(&[
            ("grant_type", "authorization_code"),
            ("code", given.get("code")),
            ("redirect_uri", &self.app),
            ("code_verifier", VERIFIER),
            ("client_id", "bare"),
        ]);
        let answer = client()
            .post(self.ehr.mock.state().token_url())
            .form(&exchange.0)
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        let claims = answer["id_token"].as_str().and_then(|token| token.split('.').nth(1));
        let claims = claims.unwrap_or_else(|| panic!("{answer}"));
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_npm_oidc_provider_or_does_not() {
    let Some(at) = Desk::new("oidc-provider", &OIDC_PROVIDER).await else {
        return;
    };
    let window = &at.window;
    let sign_in = |name: &str| {
        window.type_into("input[name=login]", name);
        window.type_into("input[name=password]", "any");
        window.click("form:has(input[value=login]) button");
        window.click("form:has(input[value=consent]) button");
    };
    let given = tokio::task::block_in_place(|| {
        at.ask("");
        sign_in("demo");
        window.choose("patient-b");
        window.decide("allow");
        at.given()
    });
    let claims = at.claims(&given).await;
    let base = at.ehr.mock.fhir_base();
    assert_eq!(claims["fhirUser"], format!("{base}/Practitioner/practitioner-1"));
    tokio::task::block_in_place(|| {
        // Asked again, though signed in at both; and it is somebody whom the mock does not know.
        at.ask("login");
        sign_in("stranger");
        let told = window.text("#problem");
        assert!(told.contains("stranger") && told.contains("no user here"), "{told}");
        window.picture();
        // Once more: the user says no at the provider, and the app learns it.
        window.click("button[value=other]");
        window.click("a[href$='/abort']");
        let told = window.text("#problem");
        assert!(told.contains("access_denied"), "{told}");
        window.click("button[value=deny]");
        assert_eq!(at.given().get("error"), "access_denied");
        // Whoever signs out is asked again there.
        at.sign_out(Some("button[name=logout]"));
        at.ask("");
        window.type_into("input[name=login]", "demo");
    });
    let sent = at.ehr.sent("GET", "/auth/callback", "iss");
    assert!(
        sent.len() == 3 && sent.iter().all(|iss| iss.starts_with("http://127.0.0.1:")),
        "{sent:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_keycloak_or_does_not() {
    let Some(mut at) = Desk::new("keycloak", &KEYCLOAK).await else {
        return;
    };
    let sign_in = |window: &Window, name: &str| {
        window.type_into("#username", name);
        window.type_into("#password", "test-only-at-keycloak");
        window.click("#kc-login");
    };
    let given = tokio::task::block_in_place(|| {
        at.ask("");
        sign_in(&at.window, "visitor");
        let told = at.window.text("#problem");
        assert!(told.contains("visitor") && told.contains("no user here"), "{told}");
        // Keycloak asks for the password of the same user, unless one begins anew.
        at.window.click("button[value=other]");
        at.window.click("#reset-login");
        sign_in(&at.window, "nurse");
        at.window.choose("patient-a");
        at.window.decide("allow");
        at.given()
    });
    let claims = at.claims(&given).await;
    let base = at.ehr.mock.fhir_base();
    assert_eq!(claims["fhirUser"], format!("{base}/Practitioner/practitioner-2"));
    tokio::task::block_in_place(|| {
        // Whoever signs out is asked again there.
        at.sign_out(None);
        at.ask("");
        at.window.type_into("#username", "nurse");
        at.provider.stop();
        at.ask("login");
        let told = at.window.text("#problem");
        assert!(told.contains("openid-configuration cannot be used"), "{told}");
        at.window.click("button[value=deny]");
        assert_eq!(at.given().get("error"), "access_denied");
    });
}
