//! The launcher page in a real Chromium, by keyboard alone.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_ehr::Config;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::clients::ONE_CHROMIUM_AT_A_TIME;
use crate::clients::served::Served;
use crate::clients::window::Window;
use crate::harness::{Form, pairs};

/// An app that shows what it was opened with.
async fn serve_app() -> String {
    let page = "<!doctype html><title>App</title><p id=\"query\"></p>\
        <script>document.getElementById('query').textContent = location.search.slice(1)</script>";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/launch", get(move || async move { Html(page) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// What the app was opened with; then, of its launch value, what that says.
fn opened(window: &Window) -> (Form, Value) {
    let query = Form(pairs(&window.text("#query:not(:empty)")));
    let claims = query.get("launch").split('.').nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims = serde_json::from_slice(&claims).unwrap_or_default();
    (query, claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_chosen_launched_and_copied_by_keyboard_alone() {
    let one = ONE_CHROMIUM_AT_A_TIME.lock().await;
    let Some(window) = tokio::task::block_in_place(|| Window::open("launcher")) else {
        return;
    };
    let app = serve_app().await;
    let registration = format!(
        "[[clients]]\nclient_id = 'keys'\nname = 'Zither'\nkind = 'public'\nredirect_uris = ['{app}/']\nlaunch_url = '{app}/launch'\nscopes = 'launch patient/*.rs'\n"
    );
    let mut config = Config::embedded().as_ref().clone();
    config
        .clients
        .extend(Config::parse(&registration, "keys.toml").unwrap().clients);
    let ehr = Served::new(|mock| mock.config(config)).await;
    let url = ehr.mock.public_url().to_owned();
    tokio::task::block_in_place(|| {
        choose_and_launch(&window, &url);
        let (query, claims) = opened(&window);
        assert_eq!(query.get("iss"), ehr.mock.fhir_base());
        assert_eq!(
            (&claims["client"], &claims["ctx"]["patient"]),
            (&"keys".into(), &"patient-c".into())
        );

        // The page remembers it, and its link does the same again.
        window.go(&url);
        let told = window.text(".notice");
        assert!(told.contains("your last launch"), "{told}");
        assert_eq!(
            window.asks("form.elements.client.value + ' ' + form.elements.patient.value"),
            "keys patient-c"
        );
        window.tab_to("[data-copy='#launch-link']");
        window.press("Enter");
        assert_eq!(window.text("#told:not(:empty)"), "Copied.");
        let link = window.clipboard(&url);
        assert_eq!(
            link,
            format!("{url}/launch?client=keys&type=ehr&patient=patient-c&banner=yes")
        );
        window.go(&link);
        assert_eq!(opened(&window).1["ctx"]["patient"], "patient-c");

        // A standalone launch: its FHIR base, told by the server.
        window.go(&url);
        window.tab_to("[name=type]");
        window.press("ArrowDown");
        window.press("ArrowDown");
        assert_eq!(window.asks("form.elements.type.value"), "standalone");
        window.tab_to("#tell-base");
        window.press("Enter");
        let base = window.text("#own-base:not(:empty)");
        assert!(
            base.starts_with(&format!("{url}/l/")) && base.ends_with("/fhir"),
            "{base}"
        );
        assert_eq!(window.text("#told:not(:empty)"), "Copied.");
        assert_eq!(window.clipboard(&url), base);
        window.tab_to("#go");
        window.press("Enter");
        assert_eq!(Form(pairs(&window.text("#query:not(:empty)"))).get("iss"), base);
        look(&window, &url);
    });
    drop(one);
}

fn choose_and_launch(window: &Window, url: &str) {
    window.go(url);
    window.tab_to("#client");
    window.letters("Zither");
    window.tab_to("#find");
    window.letters("mockridge");
    assert_eq!(window.text("#found"), "1 shown");
    window.tab_to("[name=patient]");
    window.press("ArrowDown");
    assert_eq!(window.asks("form.elements.patient.value"), "patient-c");
    window.tab_to("#go");
    window.press("Enter");
}

/// On a phone's width nothing is cut off, by day and by night.
fn look(window: &Window, url: &str) {
    for is_dark in [false, true] {
        window.as_a_phone(is_dark);
        window.go(&format!(
            "{url}/?type=standalone&client=keys&patient=patient-c&fault=token_expires_in_string"
        ));
        window.text("#own-base:not(:empty)");
        let wide = window.asks("document.documentElement.scrollWidth + ' of ' + innerWidth");
        assert_eq!(wide, "390 of 390");
        let ground = window.asks("getComputedStyle(document.body).backgroundColor");
        assert_eq!(ground == "rgb(18, 22, 27)", is_dark, "{ground}");
        window.asks("document.querySelector('.own').scrollIntoView(), ''");
        window.picture_called(if is_dark {
            "launcher-phone-dark"
        } else {
            "launcher-phone"
        });
    }
}
