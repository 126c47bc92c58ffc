//! The launcher, the launch API and the pickers, whose people are upstream's.

use http::StatusCode;
use mock_ehr::fhir::upstream::Settings;
use mock_ehr::{LaunchRequest, MockEhr};
use serde_json::{Value, json};

use super::servers::*;
use crate::harness::*;

#[tokio::test]
async fn the_launcher_searches_upstream() {
    let server = Server::honest().await;
    let ehr = server.front();
    let page = ehr.get("/").await.body;
    assert!(
        page.contains("Amara Louise Sampleton") && page.contains("value=\"patient-c\""),
        "{page}"
    );
    assert!(
        page.contains("value=\"encounter-a1\""),
        "encounters come with their patients"
    );
    server.seen();
    let page = ehr.get("/?find=sampleton+1966&patient=patient-c").await.body;
    let seen = server.seen();
    assert!(
        seen[0]
            .target
            .starts_with("/fhir/Patient?name=sampleton&birthdate=1966&_count=50"),
        "{seen:?}"
    );
    assert!(
        page.contains("value=\"patient-a\"") && !page.contains("value=\"patient-b\""),
        "{page}"
    );
    assert!(page.contains("value=\"patient-c\" checked"), "the chosen one stays");
    let by_id = ehr.get("/?find=patient-d").await.body;
    assert!(by_id.contains("value=\"patient-d\"") && !by_id.contains("value=\"patient-a\""));
    assert!(
        ehr.get("/?find=nobody+at+all")
            .await
            .body
            .contains("Nobody fits this search.")
    );
}

#[tokio::test]
async fn more_than_a_page_is_said_as_far_as_it_is_known() {
    for (total, says) in [(json!(1000), "999 more fit"), (Value::Null, "some more fit")] {
        let server = Server::scripted(move |seen| {
            let mut page = searchset(
                &[(
                    "match",
                    json!({"resourceType": "Patient", "id": "p1", "name": [{"family": "<b>Bold</b>"}]}),
                )],
                &[("next", "x")],
            );
            page["total"] = total.clone();
            if seen.target.contains("/Patient?") {
                Reply::Json(200, page)
            } else {
                Reply::Json(500, Value::Null)
            }
        })
        .await;
        let page = server.front().get("/").await.body;
        assert!(page.contains(says), "{page}");
        assert!(!page.contains("<b>Bold"), "names are escaped");
    }
}

#[tokio::test]
async fn launches_name_people_who_are_there() {
    let server = Server::honest().await;
    let ehr = server.front();
    let launch = async |context: Value| {
        let mut request = json!({"client": "app-public"});
        for (name, value) in context.as_object().unwrap() {
            request[name] = value.clone();
        }
        ehr.post_json("/launches", &request).await
    };
    assert_eq!(
        launch(json!({"patient": "patient-a", "encounter": "encounter-a1"}))
            .await
            .status,
        StatusCode::CREATED
    );
    for (context, says) in [
        (json!({"patient": "patient-x"}), "there is no Patient `patient-x`"),
        (json!({"patient": "../metadata"}), "there is no Patient"),
        (
            json!({"patient": "patient-b", "encounter": "encounter-a1"}),
            "is one of Patient `patient-a`",
        ),
        (json!({"user": "patient", "patient": "patient-b"}), "may not open"),
    ] {
        let answer = launch(context).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(says), "{}", answer.body);
    }
    let embedded = launch(json!({"patient": "patient-a", "type": "embedded"}))
        .await
        .member("uri");
    assert!(
        ehr.get(&embedded[BASE.len()..])
            .await
            .body
            .contains("Amara Louise Sampleton")
    );
    // Whoever embeds the mock in a test is not asked to wait for another server.
    let request = LaunchRequest {
        client: "app-public".to_owned(),
        patient: Some("patient-x".to_owned()),
        ..LaunchRequest::default()
    };
    assert!(ehr.mock.create_launch(request).is_ok());
}

#[tokio::test]
async fn the_picker_and_the_consent_page_ask_upstream() {
    let server = Server::honest().await;
    let ehr = server.front();
    let request = ehr.request("app-public").set("scope", "launch/patient patient/*.rs");
    let form = ehr.walk_until(&request, &DOCTOR, "/auth/patient").await;
    let address = format!("/auth/patient?request={}", form.get("request"));
    let page = ehr.browse(&address).await.body;
    assert!(page.contains("Amara Louise Sampleton"), "{page}");
    let found = ehr.browse(&format!("{address}&find=1966-03-14")).await.body;
    assert!(found.contains("patient-a") && !found.contains("patient-b"), "{found}");
    let stray = ehr
        .submit("/auth/patient", &form.clone().set("patient", "patient-x"))
        .await;
    assert_eq!(stray.status, StatusCode::BAD_REQUEST);
    let chosen = ehr.submit("/auth/patient", &form.set("patient", "patient-a")).await;
    let consent = ehr.browse(chosen.header("location")).await.body;
    assert!(consent.contains("Amara Louise Sampleton"), "{consent}");
    // The latest encounter comes with the patient, as it does without a server upstream.
    let scope = "launch/patient launch/encounter patient/*.rs";
    let (own, of_upstream) = (TestEhr::new(), server.front());
    let mut told = Vec::new();
    for ehr in [&own, &of_upstream] {
        let answer = ehr.launched_with("app-public", |form| form.set("scope", scope)).await;
        told.push(answer.member("encounter"));
    }
    assert!(told[0].starts_with("encounter-b") && told[0] == told[1], "{told:?}");
    // Also where consent is remembered, so that its page is not shown.
    let request = of_upstream.request("app-public").set("scope", scope);
    let form = of_upstream.walk_until(&request, &DOCTOR, "/auth/consent").await;
    of_upstream.submit("/auth/consent", &form.add("remember", "yes")).await;
    let landing = of_upstream.walk(&request, &DOCTOR).await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").expect("a code"),
        redirect_uri: redirect_uri("app-public"),
    };
    let answer = of_upstream.redeem(&flow, |form| form).await;
    assert_eq!(answer.member("encounter"), told[0]);
    // A nurse is offered three, and no others whom she searches for.
    let nurse = Person {
        username: "nurse",
        ..DOCTOR
    };
    let form = ehr.other_browser();
    let asked = form.walk_until(&request, &nurse, "/auth/patient").await;
    let address = format!("/auth/patient?request={}", asked.get("request"));
    for find in ["", "patient-d", "1966"] {
        let page = form.browse(&format!("{address}&find={find}")).await.body;
        assert!(!page.contains("name=\"patient\" value=\"patient-d\""), "{find}: {page}");
    }
    let beyond = form.submit("/auth/patient", &asked.set("patient", "patient-d")).await;
    assert_eq!(beyond.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pages_say_that_upstream_is_down() {
    let settings = Settings::new("http://127.0.0.1:1/fhir").unwrap();
    let ehr = front(MockEhr::builder().upstream(settings));
    let page = ehr.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body
            .contains("Nobody can be looked up: the FHIR server behind this one cannot be reached"),
        "{}",
        page.body
    );
    let launch = json!({"client": "app-public", "patient": "patient-a"});
    let refused = ehr.post_json("/launches", &launch).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("cannot be looked up"), "{}", refused.body);
    let request = ehr.request("app-public").set("scope", "launch/patient patient/*.rs");
    let first = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
    let sign_in = ehr.browse(first.header("location")).await;
    let (action, form) = fill(&sign_in.body, &DOCTOR).expect("a form");
    let picker = ehr.submit(&action, &form).await;
    let address = picker.header("location").to_owned();
    let picker = ehr.browse(&address).await;
    assert!(picker.body.contains("Nobody can be looked up"), "{}", picker.body);
    let (_, form) = fill(&picker.body, &DOCTOR).expect("a form to search by");
    assert!(form.get("csrf").is_empty(), "there is nobody to choose");
}
