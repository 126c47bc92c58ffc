//! Interactions that find their resource by a search, and what the faulty ones reach.

use axum::body::Body;
use base64::Engine as _;
use http::{Method, Request, StatusCode};
use mock_ehr::{Defect, Variant};
use serde_json::{Value, json};

use crate::harness::*;

const SCOPE: &str = "launch/patient patient/Patient.rs patient/Observation.cruds";

/// Observations of two patients, each found by its identifier, and a token for the first.
struct Scene<'a> {
    ehr: &'a TestEhr,
    token: String,
    own: String,
    other: String,
}

impl<'a> Scene<'a> {
    async fn new(ehr: &'a TestEhr) -> Self {
        Self::with_scope(ehr, SCOPE).await
    }

    async fn with_scope(ehr: &'a TestEhr, scope: &str) -> Self {
        let mut ids = Vec::new();
        for (patient, value) in [("patient-b", "own"), ("patient-c", "other")] {
            let token = token(ehr, patient, SCOPE).await;
            let body = observation(patient, value);
            let made = send(ehr, Method::POST, "/Observation", &token, "", &body).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
            ids.push(made.member("id"));
        }
        let [own, other] = <[String; 2]>::try_from(ids).unwrap();
        let token = token(ehr, "patient-b", scope).await;
        Self { ehr, token, own, other }
    }

    async fn send(&self, method: Method, by: &str, body: &Value) -> Answer {
        let path = format!("/Observation?identifier={by}");
        send(self.ehr, method, &path, &self.token, "", body).await
    }

    async fn create(&self, by: &str) -> Answer {
        let body = observation("patient-b", by);
        let criteria = format!("identifier={by}");
        send(self.ehr, Method::POST, "/Observation", &self.token, &criteria, &body).await
    }

    /// The record of the other patient, as that one's token sees it.
    async fn other_after(&self) -> Answer {
        let token = token(self.ehr, "patient-c", SCOPE).await;
        self.ehr.fhir(&format!("Observation/{}", self.other), &token).await
    }
}

async fn token(ehr: &TestEhr, patient: &'static str, scope: &str) -> String {
    let person = Person { patient, ..DOCTOR };
    let browser = ehr.other_browser();
    let request = browser.request("app-public").set("scope", scope);
    let landing = browser.walk(&request, &person).await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").unwrap(),
        redirect_uri: request.get("redirect_uri").to_owned(),
    };
    browser.redeem(&flow, |form| form).await.member("access_token")
}

async fn send(ehr: &TestEhr, method: Method, path: &str, token: &str, none_exist: &str, body: &Value) -> Answer {
    let kind = if body.is_array() {
        "application/json-patch+json"
    } else {
        "application/fhir+json"
    };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/fhir{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind);
    if !none_exist.is_empty() {
        request = request.header("if-none-exist", none_exist);
    }
    ehr.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn observation(patient: &str, identifier: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "identifier": [{"system": "https://launchproof.example/probe", "value": identifier}],
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{patient}")},
    })
}

fn amended(patient: &str, identifier: &str) -> Value {
    let mut body = observation(patient, identifier);
    body["status"] = json!("amended");
    body
}

fn replacing() -> Value {
    json!([{"op": "replace", "path": "/status", "value": "amended"}])
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::FhirConditionalCreateLeak => {
            let scene = Scene::new(ehr).await;
            scene.create("other").await.body.contains(&scene.other)
        }
        Defect::FhirConditionalCreateReveals => {
            Scene::new(ehr).await.create("other").await.status != StatusCode::CREATED
        }
        Defect::FhirConditionalUpdateLeak => {
            let scene = Scene::new(ehr).await;
            scene.send(Method::PUT, "other", &amended("patient-c", "other")).await;
            scene.other_after().await.member("status") != "final"
        }
        Defect::FhirConditionalPatchLeak => {
            let scene = Scene::new(ehr).await;
            scene.send(Method::PATCH, "other", &replacing()).await;
            scene.other_after().await.member("status") != "final"
        }
        Defect::FhirConditionalDeleteLeak => {
            let scene = Scene::new(ehr).await;
            scene.send(Method::DELETE, "other", &Value::Null).await;
            scene.other_after().await.status != StatusCode::OK
        }
        _ => return None,
    })
}

pub(crate) async fn shows(ehr: &TestEhr, variant: Variant) -> bool {
    let scene = Scene::new(ehr).await;
    let nothing = scene.send(Method::DELETE, "absent", &Value::Null).await;
    let path = format!("/Observation/{}", scene.other);
    let hidden = send(ehr, Method::DELETE, &path, &scene.token, "", &Value::Null).await;
    assert_eq!(scene.other_after().await.status, StatusCode::OK);
    let done = [nothing.status, hidden.status] == [StatusCode::NO_CONTENT; 2];
    variant == Variant::DeleteOfNothing && done
}

#[tokio::test]
async fn what_the_criteria_find_is_created_changed_or_deleted_once() {
    let ehr = TestEhr::new();
    let scene = Scene::new(&ehr).await;
    let found = scene.create("own").await;
    assert_eq!((found.status, found.member("id")), (StatusCode::OK, scene.own.clone()));
    assert_eq!(found.json()["meta"]["versionId"], "1");
    let changed = scene.send(Method::PUT, "own", &amended("patient-b", "own")).await;
    assert_eq!(
        (changed.status, changed.member("id")),
        (StatusCode::OK, scene.own.clone())
    );
    let made = scene.send(Method::PUT, "new", &observation("patient-b", "new")).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let mut named = observation("patient-b", "own");
    named["id"] = json!("another-id");
    let wrong = scene.send(Method::PUT, "own", &named).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let named = scene.send(Method::PUT, "newer", &named).await;
    assert_eq!(
        (named.status, named.member("id")),
        (StatusCode::CREATED, "another-id".to_owned())
    );
    let patched = scene.send(Method::PATCH, "new", &replacing()).await;
    assert_eq!(patched.member("status"), "amended");
    let nothing = scene.send(Method::PATCH, "absent", &replacing()).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    let gone = scene.send(Method::DELETE, "new", &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let again = scene.send(Method::DELETE, "new", &Value::Null).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn several_matches_and_criteria_that_say_nothing_are_refused() {
    let ehr = TestEhr::new();
    let scene = Scene::new(&ehr).await;
    let second = observation("patient-b", "own");
    send(&ehr, Method::POST, "/Observation", &scene.token, "", &second).await;
    for method in [Method::PUT, Method::DELETE] {
        let answer = scene.send(method, "own", &amended("patient-b", "own")).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    }
    assert_eq!(scene.create("own").await.status, StatusCode::PRECONDITION_FAILED);
    for (path, status) in [
        ("/Observation", StatusCode::METHOD_NOT_ALLOWED),
        ("/Observation?shoe-size=4", StatusCode::BAD_REQUEST),
        ("/Observation?_count=1", StatusCode::BAD_REQUEST),
        ("/Nonsense?identifier=own", StatusCode::FORBIDDEN),
    ] {
        let answer = send(&ehr, Method::DELETE, path, &scene.token, "", &Value::Null).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_search_needs_its_own_letter_and_ends_at_the_compartment() {
    let ehr = TestEhr::new();
    let narrow = Scene::with_scope(&ehr, "launch/patient patient/Observation.cud").await;
    for method in [Method::PUT, Method::DELETE] {
        let answer = narrow.send(method, "own", &amended("patient-b", "own")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(narrow.create("own").await.status, StatusCode::FORBIDDEN);
    let ehr = TestEhr::new();
    let scene = Scene::new(&ehr).await;
    let beyond = scene.send(Method::PUT, "other", &amended("patient-c", "other")).await;
    assert_eq!(beyond.status, StatusCode::FORBIDDEN);
    let made = scene.create("other").await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_ne!(made.member("id"), scene.other);
}

#[tokio::test]
async fn entries_of_a_transaction_may_have_conditions_and_are_taken_back() {
    let ehr = TestEhr::new();
    let scene = Scene::new(&ehr).await;
    let bundle = async |last: &str| {
        let entries = [
            json!({"request": {"method": "DELETE", "url": "Observation?identifier=own"}}),
            json!({
                "request": {"method": "POST", "url": "Observation", "ifNoneExist": "identifier=kept"},
                "resource": observation("patient-b", "kept"),
            }),
            json!({"request": {"method": "GET", "url": last}}),
        ];
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        send(&ehr, Method::POST, "", &scene.token, "", &bundle).await
    };
    let kept = scene.create("kept").await;
    let refused = bundle("Patient/patient-c").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for id in [&scene.own, &kept.member("id")] {
        let read = ehr.fhir(&format!("Observation/{id}"), &scene.token).await;
        assert_eq!(read.status, StatusCode::OK);
    }
    let done = bundle("Patient/patient-b").await.json();
    let statuses: Vec<_> = (0..3)
        .map(|at| done["entry"][at]["response"]["status"].clone())
        .collect();
    assert_eq!(statuses, ["204", "200", "200"]);
    let gone = ehr.fhir(&format!("Observation/{}", scene.own), &scene.token).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

/// A Bundle of these entries, sent with the scene's token.
async fn bundle(scene: &Scene<'_>, kind: &str, entries: &[Value]) -> Answer {
    let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": entries});
    send(scene.ehr, Method::POST, "", &scene.token, "", &bundle).await
}

fn statuses(answer: &Answer) -> Vec<String> {
    let answer = answer.json();
    let entries = answer["entry"].as_array().into_iter().flatten();
    let status = |entry: &Value| entry["response"]["status"].as_str().unwrap_or_default().to_owned();
    entries.map(status).collect()
}

fn creating(by: &str) -> Value {
    json!({
        "request": {"method": "POST", "url": "Observation", "ifNoneExist": format!("identifier={by}")},
        "resource": observation("patient-b", by),
    })
}

#[tokio::test]
async fn a_second_entry_finds_what_the_first_created() {
    let ehr = TestEhr::new();
    for kind in ["batch", "transaction"] {
        let scene = Scene::new(&ehr).await;
        let by = format!("once-{kind}");
        let done = bundle(&scene, kind, &[creating(&by), creating(&by), creating("other")]).await;
        // The other patient's record is none that this token could find.
        assert_eq!(statuses(&done), ["201", "200", "201"], "{kind}: {}", done.body);
        let entries = done.json();
        assert_eq!(
            entries["entry"][0]["resource"]["id"],
            entries["entry"][1]["resource"]["id"]
        );
        assert_eq!(entries["entry"][1]["response"]["etag"], "W/\"1\"");
        let found = ehr
            .fhir(&format!("Observation?identifier={by}"), &scene.token)
            .await
            .json();
        assert_eq!(found["total"], 1);
        scene.send(Method::DELETE, "other", &Value::Null).await;
    }
}

#[tokio::test]
async fn entries_change_patch_and_delete_by_criteria() {
    let ehr = TestEhr::new();
    let patch = || {
        let data = base64::engine::general_purpose::STANDARD.encode(replacing().to_string());
        json!({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data})
    };
    for kind in ["batch", "transaction"] {
        let scene = Scene::new(&ehr).await;
        let by = format!("made-{kind}");
        scene.create(&by).await;
        let entry = |method: &str, by: &str, resource: Value| json!({"request": {"method": method, "url": format!("Observation?identifier={by}")}, "resource": resource});
        let changes = [
            entry("PUT", "own", amended("patient-b", "own")),
            entry("PATCH", &by, patch()),
            entry(
                "PUT",
                &format!("new-{kind}"),
                observation("patient-b", &format!("new-{kind}")),
            ),
        ];
        let done = bundle(&scene, kind, &changes).await;
        assert_eq!(statuses(&done), ["200", "200", "201"], "{kind}: {}", done.body);
        assert_eq!(done.json()["entry"][1]["resource"]["status"], "amended");
        let gone = [entry("DELETE", "own", Value::Null), entry("DELETE", &by, Value::Null)];
        let done = bundle(&scene, kind, &gone).await;
        assert_eq!(statuses(&done), ["204", "204"], "{kind}: {}", done.body);
        // What belongs to somebody else is neither found nor touched.
        let beyond = [entry("DELETE", "other", Value::Null), entry("PATCH", "other", patch())];
        let done = bundle(&scene, kind, &beyond).await;
        if kind == "batch" {
            assert_eq!(statuses(&done), ["404", "404"], "{}", done.body);
        } else {
            assert_eq!(done.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(scene.other_after().await.json()["status"], "final");
    }
}

#[tokio::test]
async fn several_matches_refuse_an_entry_and_the_whole_transaction() {
    let ehr = TestEhr::new();
    let scene = Scene::new(&ehr).await;
    send(
        &ehr,
        Method::POST,
        "/Observation",
        &scene.token,
        "",
        &observation("patient-b", "own"),
    )
    .await;
    let entries = [creating("fresh"), creating("own")];
    let batch = bundle(&scene, "batch", &entries).await;
    assert_eq!(statuses(&batch), ["201", "412"], "{}", batch.body);
    assert_eq!(
        batch.json()["entry"][1]["response"]["outcome"]["issue"][0]["code"],
        "conflict"
    );
    let entries = [creating("fresher"), creating("own")];
    let refused = bundle(&scene, "transaction", &entries).await;
    assert!(refused.status.is_client_error(), "{}", refused.body);
    let found = ehr.fhir("Observation?identifier=fresher", &scene.token).await.json();
    assert_eq!(found["total"], 0, "nothing of a refused transaction is done");
}

#[tokio::test]
async fn conditions_and_if_match_go_together() {
    let ehr = TestEhr::new();
    let scene = Scene::new(&ehr).await;
    let entry = |method: &str, tag: &str| {
        json!({
            "request": {"method": method, "url": "Observation?identifier=own", "ifMatch": tag},
            "resource": amended("patient-b", "own"),
        })
    };
    let done = bundle(
        &scene,
        "batch",
        &[
            entry("PUT", "W/\"9\""),
            entry("PUT", "W/\"1\""),
            entry("DELETE", "W/\"1\""),
            entry("DELETE", "W/\"2\""),
        ],
    )
    .await;
    assert_eq!(statuses(&done), ["412", "200", "412", "204"], "{}", done.body);
}
