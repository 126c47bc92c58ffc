//! The answer as a form in a real Chromium: an app may send its user on to another origin.

use axum::Router;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use mock_ehr::Config;
use tokio::net::TcpListener;

use crate::clients::ONE_CHROMIUM_AT_A_TIME;
use crate::clients::served::Served;
use crate::clients::window::Window;
use crate::harness::*;

async fn served(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// The app's page, at one origin, and its callback, at another, which takes the form and leads to the page.
async fn serve_app() -> String {
    let page = "<!doctype html><title>App</title><p id=\"query\"></p>\
        <script>document.getElementById('query').textContent = location.search.slice(1)</script>";
    let home = served(Router::new().route("/home", get(move || async move { Html(page) }))).await;
    let take = move |body: String| async move { Redirect::to(&format!("{home}/home?{body}")) };
    served(Router::new().route("/cb", post(take))).await
}

/// Browsers hold `form-action` of a page's policy against every redirect after its form; see `authorize::form_post`.
#[tokio::test(flavor = "multi_thread")]
async fn the_callback_may_lead_on_to_another_origin() {
    let one = ONE_CHROMIUM_AT_A_TIME.lock().await;
    let Some(window) = tokio::task::block_in_place(|| Window::open("form-post")) else {
        return;
    };
    let app = serve_app().await;
    let registration = format!(
        "[[clients]]\nclient_id = 'bare'\nname = 'Bare'\nkind = 'public'\nredirect_uris = ['{app}/cb']\nscopes = 'launch/patient patient/*.rs'\n"
    );
    let mut config = Config::embedded().as_ref().clone();
    config
        .clients
        .extend(Config::parse(&registration, "bare.toml").unwrap().clients);
    let ehr = Served::new(|mock| mock.config(config)).await;
    let request = Form::of(&[
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("client_id", "bare"),
        ("redirect_uri", &format!("{app}/cb")),
        ("scope", "launch/patient patient/Patient.rs"),
        ("state", STATE),
        ("aud", ehr.mock.fhir_base()),
        ("code_challenge", &challenge(VERIFIER)),
        ("code_challenge_method", "S256"),
    ]);
    let given = tokio::task::block_in_place(|| {
        window.go(&format!(
            "{}/auth/authorize?{}",
            ehr.mock.public_url(),
            request.encode()
        ));
        window.sign_in();
        window.choose("patient-b");
        window.decide("allow");
        Form(pairs(&window.text("#query:not(:empty)")))
    });
    assert_eq!(given.get("state"), STATE);
    assert!(!given.get("code").is_empty(), "{given:?}");
    drop(one);
}
