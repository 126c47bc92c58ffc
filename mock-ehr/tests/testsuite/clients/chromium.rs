//! npm `fhirclient` in a real Chromium: a person launches the app, signs in, chooses, allows, and sees the data.
//!
//! Skipped with a loud line where Chromium is not installed, unless `LAUNCHPROOF_REQUIRE_CHROMIUM` is set, as CI does.
//! What the window showed at the end of each test lies in `target/tmp`.

use std::path::PathBuf;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use mock_ehr::config::Client;
use mock_ehr::{Builder, Config, Defect};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::MutexGuard;

use super::served::Served;
use super::window::Window;
use super::{ONE_CHROMIUM_AT_A_TIME, installed, observations_of, root};

mod first_app;

/// The app, at an origin of its own, and an EHR that knows it.
struct Launchable {
    app: String,
    ehr: Served,
    window: Window,
    _alone: MutexGuard<'static, ()>,
}

impl Launchable {
    /// With the app registered. Nothing where Chromium or the library is not installed.
    async fn new(test: &'static str) -> Option<Self> {
        Self::with(test, |_, _| {}).await
    }

    /// Alters what is registered of the app, and the rest of the configuration.
    async fn with(test: &'static str, alter: impl FnOnce(&mut Client, &mut Config)) -> Option<Self> {
        let registered = |app: &str, mock: Builder| {
            let registration = format!(
                r#"
                [[clients]]
                client_id = "chart"
                name = "Vital Signs Chart"
                kind = "public"
                redirect_uris = ["{app}/index.html"]
                launch_url = "{app}/launch.html"
                origins = ["{app}"]
                scopes = "launch launch/patient openid fhirUser offline_access patient/*.rs user/*.rs"
                "#
            );
            let mut client = Config::parse(&registration, "chart.toml").unwrap().clients.remove(0);
            let mut config = Config::embedded().as_ref().clone();
            alter(&mut client, &mut config);
            config.clients.push(client);
            mock.config(config)
        };
        Self::at(test, registered).await
    }

    async fn at(test: &'static str, alter: impl FnOnce(&str, Builder) -> Builder) -> Option<Self> {
        let library = installed("clients/node_modules/fhirclient/build/fhir-client.min.js")?;
        let alone = ONE_CHROMIUM_AT_A_TIME.lock().await;
        let window = tokio::task::block_in_place(|| Window::open(test))?;
        let app = serve_app(library).await;
        let ehr = Served::new(|mock| alter(&app, mock)).await;
        Some(Self {
            app,
            ehr,
            window,
            _alone: alone,
        })
    }

    /// Where a person who opens the app by themselves begins.
    fn standalone(&self) -> String {
        format!("{}/launch.html?iss={}", self.app, self.ehr.mock.fhir_base())
    }

    /// Where the EHR sends the browser: what its launch API says.
    async fn launch_of(&self, patient: &str) -> String {
        let launch: Value = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!("{}/launches", self.ehr.mock.public_url()))
            .json(&json!({ "client": "chart", "user": "demo", "patient": patient }))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .unwrap()
            .json()
            .await
            .unwrap();
        launch["uri"].as_str().unwrap().to_owned()
    }

    /// What pages of the app asked of the FHIR server by `method`, each as the origin it came from.
    fn origins(&self, method: &str, path: &str) -> Vec<String> {
        let entries = self.ehr.asked(method, path);
        entries
            .into_iter()
            .map(|entry| entry.request.origin.unwrap_or_default())
            .collect()
    }
}

/// Serves the app's two pages and the library that they load.
async fn serve_app(library: PathBuf) -> String {
    let page = |name: &str| {
        let file = root().join("mock-ehr/tests/clients/chart").join(name);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        get(|| async { Html(text) })
    };
    let library = std::fs::read_to_string(library).unwrap();
    let router = Router::new()
        .route("/launch.html", page("launch.html"))
        .route("/index.html", page("index.html"))
        .route(
            "/fhir-client.min.js",
            get(|| async { ([(CONTENT_TYPE, "text/javascript")], library) }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirclient_in_chromium_launches_standalone_shows_every_page_and_refreshes() {
    let Some(at) = Launchable::new("standalone").await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(&at.standalone());
        window.sign_in();
        window.choose("patient-b");
        window.decide("allow");
        let benno = ("Benno Testwood".to_owned(), observations_of("patient-b"));
        assert_eq!(window.chart(), benno);
        assert_eq!(window.text("#user"), "Born 2019-04-02. Seen by Rosalind Examplar.");
        window.click("#renew");
        assert_eq!(window.text("#renewed"), "renewed");
        assert_eq!(window.chart(), benno);
        // The app finds its session again, without the EHR's pages.
        window.reload();
        assert_eq!(window.chart(), benno);
        window.picture();
    });
    let ehr = &at.ehr;
    assert_eq!(ehr.sent("GET", "/auth/authorize", "code_challenge_method"), ["S256"]);
    assert_eq!(ehr.sent("GET", "/auth/authorize", "aud"), [ehr.mock.fhir_base()]);
    let grants = ehr.sent("POST", "/auth/token", "grant_type");
    assert_eq!(grants, ["authorization_code", "refresh_token"]);
    assert_eq!(at.origins("POST", "/auth/token"), [at.app.as_str(), &at.app]);
    // Three times drawn, three a page.
    let pages = at.origins("GET", "/fhir/Observation");
    assert_eq!(pages.len(), 3 * observations_of("patient-b").div_ceil(3), "{pages:?}");
    assert!(pages.iter().all(|origin| *origin == at.app), "{pages:?}");
    assert!(
        !at.origins("OPTIONS", "/fhir/Observation").is_empty(),
        "the browser asks before it sends a token"
    );
    assert_eq!(ehr.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirclient_in_chromium_is_launched_by_the_ehr_with_the_patient_of_the_open_record() {
    let Some(at) = Launchable::new("from-ehr").await else {
        return;
    };
    let by_api = at.launch_of("patient-c").await;
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(&by_api);
        window.sign_in();
        // Nobody is asked whose record it is.
        window.decide("allow");
        let (name, count) = window.chart();
        assert_eq!(
            (name.as_str(), count),
            ("Clara Mockridge", observations_of("patient-c"))
        );
        window.picture();
    });
    let launches = at.ehr.sent("GET", "/auth/authorize", "launch");
    assert!(launches.len() == 1 && !launches[0].is_empty(), "{launches:?}");
    assert_eq!(at.ehr.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_of_another_origin_than_registered_gets_no_token_in_chromium() {
    let elsewhere = |client: &mut Client, _: &mut Config| client.origins = vec!["http://127.0.0.1:9".to_owned()];
    let Some(at) = Launchable::with("unregistered-origin", elsewhere).await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(&at.standalone());
        window.sign_in();
        window.choose("patient-b");
        window.decide("allow");
        assert_eq!(window.text("#problem, #count"), "Network request failed");
        window.picture();
    });
    // The server gave a token; the browser kept the answer from the page.
    let exchanges = at.ehr.asked("POST", "/auth/token");
    assert!(
        exchanges.len() == 1 && exchanges[0].response.status == 200,
        "{exchanges:?}"
    );
    assert_eq!(at.origins("POST", "/auth/token"), [at.app.as_str()]);
    assert!(at.origins("GET", "/fhir/Patient/patient-b").is_empty());
    assert_eq!(at.ehr.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirclient_in_chromium_tells_a_denial_and_takes_no_answer_with_another_state() {
    let Some(at) = Launchable::new("refused").await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(&at.standalone());
        window.sign_in();
        window.choose("patient-b");
        window.decide("deny");
        let problem = window.text("#problem, #count");
        assert!(problem.starts_with("access_denied"), "{problem}");

        at.ehr.mock.set_defects([Defect::StateReplaced]);
        window.go(&at.standalone());
        // Who signed in a moment ago is not asked again.
        window.choose("patient-b");
        window.decide("allow");
        let problem = window.text("#problem, #count");
        assert!(problem.starts_with("No state found"), "{problem}");
        window.picture();
    });
    assert_eq!(at.ehr.asked("POST", "/auth/token").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirclient_in_chromium_renews_by_itself_a_token_that_is_about_to_expire() {
    // It renews ten seconds before the end: here before whatever it reads.
    let short = |_: &mut Client, config: &mut Config| config.access_token_lifetime_seconds = 5;
    let Some(at) = Launchable::with("short-lived", short).await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(&at.standalone());
        window.sign_in();
        window.choose("patient-b");
        window.decide("allow");
        let (name, count) = window.chart();
        assert_eq!((name.as_str(), count), ("Benno Testwood", observations_of("patient-b")));
        window.picture();
    });
    let grants = at.ehr.sent("POST", "/auth/token", "grant_type");
    let reads = 2 + observations_of("patient-b").div_ceil(3);
    assert_eq!(grants[0], "authorization_code");
    assert_eq!(grants[1..], vec!["refresh_token"; reads], "{grants:?}");
    assert_eq!(at.ehr.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirclient_in_chromium_is_launched_from_the_launcher_page_into_its_frame() {
    let Some(at) = Launchable::new("launcher").await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(at.ehr.mock.public_url());
        window.click("input[name=type][value=embedded]");
        window.select("#client", "Vital");
        window.select("#user", "Dr. D");
        window.click("input[name=patient][value=patient-c]");
        window.click("#go");
        // From here on, all is in the frame.
        window.sign_in();
        window.decide("allow");
        let (name, count) = window.chart();
        assert_eq!(
            (name.as_str(), count),
            ("Clara Mockridge", observations_of("patient-c"))
        );
        window.picture();
    });
    assert_eq!(at.ehr.refused(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn fhirclient_in_chromium_is_tried_with_no_registration_but_its_address() {
    let by_address = |app: &str, mock: Builder| mock.app("chart", format!("{app}/launch.html"));
    let Some(at) = Launchable::at("first-try", by_address).await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let window = &at.window;
        window.go(&at.standalone());
        // Its codes go to another page than it is launched at: a person agrees, once.
        assert_eq!(window.text("#redirect-uri"), format!("{}/index.html", at.app));
        window.click("form button");
        window.sign_in();
        window.choose("patient-b");
        window.decide("allow");
        assert_eq!(window.chart().0, "Benno Testwood");
        window.picture();
        window.go(&at.standalone());
        window.choose("patient-c");
        window.decide("allow");
        assert_eq!(window.chart().0, "Clara Mockridge");
    });
    assert_eq!(at.ehr.refused(), Vec::<String>::new());
}
