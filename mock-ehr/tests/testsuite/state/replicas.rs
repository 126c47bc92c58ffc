//! What is begun at one replica goes on at another: launches, registrations, resources, the reset.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{balanced, cluster, replica};
use crate::harness::*;

const WRITING: &str = "launch/patient openid offline_access patient/*.cruds";

/// A request with a body, as an app sends it.
async fn send(ehr: &TestEhr, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("content-type", "application/fhir+json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    ehr.send(request.body(body).unwrap()).await
}

fn observation(text: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "code": { "text": text },
        "subject": { "reference": "Patient/patient-b" },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_launch_goes_on_at_whichever_replica_is_asked() {
    let Some(cluster) = cluster::shared() else { return };
    let ehr = balanced(&cluster.database("balanced"));
    for client in ["app-public", "app-symmetric", "app-asymmetric"] {
        // In the browser itself, so that its session is remembered at both.
        let landing = ehr.walk(&ehr.request(client), &DOCTOR).await;
        let flow = Flow {
            client,
            code: landing.parameter("code").expect("a code"),
            redirect_uri: redirect_uri(client),
        };
        let first = ehr.redeem(&flow, |form| form).await;
        let access = first.member("access_token");
        for _ in 0..2 {
            assert!(ehr.is_alive(&access).await);
            assert_eq!(ehr.introspect(&access).await.json()["active"], true);
        }
        let second = ehr.refresh(client, &first.member("refresh_token"), |form| form).await;
        let form = Form::of(&[("token", &second.member("refresh_token"))]);
        assert_eq!(ehr.call("/auth/revoke", client, form).await.status, StatusCode::OK);
        for _ in 0..2 {
            assert!(!ehr.is_alive(&second.member("access_token")).await);
        }
    }
    // Somebody is signed in, so that nobody is asked who it is.
    let pushed = ehr.call("/auth/par", "app-public", ehr.request("app-public")).await;
    let by_reference = Form::of(&[
        ("client_id", "app-public"),
        ("request_uri", &pushed.member("request_uri")),
    ]);
    assert!(ehr.walk(&by_reference, &DOCTOR).await.parameter("code").is_some());
    for _ in 0..2 {
        let granted = ehr.browse("/auth/apps").await;
        assert_eq!(granted.status, StatusCode::OK);
        assert!(!granted.body.contains("type=\"password\""), "{granted:?}");
    }
}

/// Does a request of this app, with the address that it registered first, get a code?
async fn asks(ehr: &TestEhr, id: &str) -> bool {
    let request = ehr
        .request("app-public")
        .set("client_id", id)
        .set("redirect_uri", "https://app.example/cb");
    let landing = ehr.other_browser().walk(&request, &DOCTOR).await;
    landing.parameter("code").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_registration_is_known_changed_and_gone_at_every_replica() {
    let Some(cluster) = cluster::shared() else { return };
    let address = cluster.database("registration");
    let (one, other) = (replica(&address), replica(&address));
    let metadata = json!({
        "client_name": "Registered", "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "none", "scope": "openid patient/*.rs launch/patient",
    });
    let told = one.post_json("/auth/register", &metadata).await.json();
    let id = told["client_id"].as_str().unwrap();
    let path = format!("/auth/register/{id}");
    let bearer = format!("Bearer {}", told["registration_access_token"].as_str().unwrap());
    let read = other.get_with(&path, &[("authorization", &bearer)]).await;
    assert_eq!(read.json()["client_name"], "Registered", "{read:?}");
    assert!(asks(&other, id).await);
    let mut changed = metadata.clone();
    changed["client_id"] = id.into();
    changed["redirect_uris"] = json!(["https://app.example/other"]);
    let headers = [("authorization", bearer.as_str())];
    let put = send(&other, "PUT", &path, &headers, &changed).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    assert!(!asks(&one, id).await, "the address is not registered any more");
    let gone = send(&one, "DELETE", &path, &headers, &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let read = other.get_with(&path, &[("authorization", &bearer)]).await;
    assert_eq!(read.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_app_writes_is_read_at_every_replica_and_if_match_holds() {
    let Some(cluster) = cluster::shared() else { return };
    let address = cluster.database("written");
    let (one, other) = (replica(&address), replica(&address));
    let launched = one
        .launched_with("app-public", |request| request.set("scope", WRITING))
        .await;
    let token = launched.member("access_token");
    let bearer = format!("Bearer {token}");
    let with = |more: Option<&'static str>| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(more.map(|tag| ("if-match", tag)));
        headers
    };
    let made = send(&one, "POST", "/fhir/Observation", &with(None), &observation("first")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let id = made.member("id");
    let also = send(&other, "POST", "/fhir/Observation", &with(None), &observation("also")).await;
    assert_ne!(also.member("id"), id, "two replicas never give one id");
    let path = format!("Observation/{id}");
    assert_eq!(other.fhir(&path, &token).await.json()["code"]["text"], "first");
    let found = other.fhir(&format!("Observation?_id={id}"), &token).await.json();
    assert_eq!(found["total"], 1, "{found}");

    // Both change the first version; one of them is too late.
    let whole = format!("/fhir/{path}");
    let mut changed = observation("second");
    changed["id"] = id.as_str().into();
    let first = with(Some("W/\"1\""));
    let statuses = tokio::join!(
        send(&one, "PUT", &whole, &first, &changed),
        send(&other, "PUT", &whole, &first, &changed),
    );
    let mut statuses = [statuses.0.status.as_u16(), statuses.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(one.fhir(&path, &token).await.json()["meta"]["versionId"], "2");
    assert_eq!(
        other.fhir(&format!("{path}/_history/1"), &token).await.json()["code"]["text"],
        "first"
    );

    // A transaction that fails is taken back at both.
    let entry = |resource: Value, url: &str, method: &str| json!({ "resource": resource, "request": { "method": method, "url": url } });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        entry(observation("never"), "Observation", "POST"),
        entry(json!({ "resourceType": "Observation" }), "Observation/absent", "GET"),
    ] });
    let before = other.fhir("Observation?_summary=count", &token).await.json()["total"].clone();
    assert!(before.is_u64(), "{before}");
    let refused = send(&one, "POST", "/fhir", &with(None), &bundle).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert_eq!(
        other.fhir("Observation?_summary=count", &token).await.json()["total"],
        before
    );

    let gone = send(&other, "DELETE", &whole, &with(None), &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    assert_eq!(one.fhir(&path, &token).await.status, StatusCode::NOT_FOUND);
    // A replica that begins now knows it all.
    let third = replica(&address);
    assert_eq!(third.fhir(&path, &token).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        third
            .fhir(&format!("Observation/{}", also.member("id")), &token)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reset_at_one_replica_forgets_for_all() {
    let Some(cluster) = cluster::shared() else { return };
    let address = cluster.database("reset");
    let (one, other) = (replica(&address), replica(&address));
    let launched = one
        .launched_with("app-public", |request| request.set("scope", WRITING))
        .await;
    let token = launched.member("access_token");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let made = send(&one, "POST", "/fhir/Observation", &headers, &observation("first")).await;
    assert!(other.is_alive(&token).await);
    let reset = Request::post("/reset").body(Body::empty()).unwrap();
    let reset = one.mock.management_router().oneshot(reset).await.unwrap();
    assert_eq!(reset.status(), StatusCode::NO_CONTENT);
    assert!(!other.is_alive(&token).await);
    let again = other.launched("app-public").await.member("access_token");
    let path = format!("Observation/{}", made.member("id"));
    assert_eq!(one.fhir(&path, &again).await.status, StatusCode::NOT_FOUND);
}
