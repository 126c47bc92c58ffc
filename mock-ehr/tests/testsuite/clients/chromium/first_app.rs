//! The app of `docs/first-app.md`, as it stands there: it works as the text says.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

use crate::clients::served::Served;
use crate::clients::window::Window;
use crate::clients::{ONE_CHROMIUM_AT_A_TIME, installed, root};

/// The pages of the document, in their order.
fn pages() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/first-app.md")).unwrap();
    let blocks = text.split("```html\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

async fn serve_app(library: String) -> String {
    let mut pages = pages().into_iter();
    let mut page = || {
        let text = pages.next().expect("a page");
        get(move || async move { Html(text) })
    };
    let router = Router::new()
        .route("/launch.html", page())
        .route("/index.html", page())
        .route(
            "/fhir-client.min.js",
            get(|| async { ([(CONTENT_TYPE, "text/javascript")], library) }),
        );
    assert!(pages.next().is_none(), "the document has another page");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_app_of_the_documents_shows_data_from_the_ehr_and_at_a_base_of_its_own() {
    let Some(library) = installed("clients/node_modules/fhirclient/build/fhir-client.min.js") else {
        return;
    };
    let one = ONE_CHROMIUM_AT_A_TIME.lock().await;
    let Some(window) = tokio::task::block_in_place(|| Window::open("first-app")) else {
        return;
    };
    let app = serve_app(std::fs::read_to_string(library).unwrap()).await;
    let ehr = Served::new(|mock| mock.app("my-app", format!("{app}/launch.html"))).await;
    let url = ehr.mock.public_url();
    tokio::task::block_in_place(|| {
        window.go(url);
        window.click("[name=patient][value=patient-a]");
        window.click("#go");
        window.click("form[action='/auth/first-try'] button");
        window.sign_in();
        window.decide("allow");
        assert_eq!(window.text("#name:not(:empty)"), "Sampleton, born 1966-03-14");
        assert!(window.text("#list").lines().count() == 5, "{}", window.text("#list"));

        // Standalone: the patient is picked, and the first token request is answered late.
        let chosen = "type=standalone&patient=patient-b&user=demo&fault=token%3Adelay-100";
        window.go(&format!("{url}/launch?client=my-app&{chosen}"));
        window.decide("allow");
        assert_eq!(window.text("#name:not(:empty)"), "Testwood, born 2019-04-02");
        window.picture();
    });
    let read = ehr.asked("GET", "/fhir/Patient/patient-b");
    let at: Vec<_> = read.iter().map(|entry| entry.request.at.is_some()).collect();
    assert_eq!(at, [true]);
    let faults = ehr.asked("POST", "/auth/token");
    assert_eq!(faults.iter().filter(|entry| entry.fault.is_some()).count(), 1);
    drop(one);
}
