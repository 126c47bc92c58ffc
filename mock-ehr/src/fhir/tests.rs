//! The FHIR server on the wire: tokens are put into the store, requests go through the whole router.

use std::sync::Arc;

use axum::body::Body;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, LAST_MODIFIED, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::builder::MockEhr;
use crate::defect::Defect;
use crate::scope::Scope;
use crate::store::grant::{Grant, NewGrant};
use crate::store::tokens::AccessToken;
use crate::variant::Variant;

struct Ehr(MockEhr);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Ehr {
    fn new() -> Self {
        Self(MockEhr::builder().build().expect("the default is a mock"))
    }

    fn with_defect(defect: Defect) -> Self {
        Self(
            MockEhr::builder()
                .defect(defect)
                .build()
                .expect("the default is a mock"),
        )
    }

    fn with_variant(variant: Variant) -> Self {
        Self(
            MockEhr::builder()
                .variant(variant)
                .build()
                .expect("the default is a mock"),
        )
    }

    /// A token for the first patient, valid for an hour.
    fn token(&self, scopes: &str) -> String {
        self.token_of(scopes, true)
    }

    fn token_of(&self, scopes: &str, aud_ok: bool) -> String {
        let state = self.0.state();
        let now = state.now();
        let scopes = Scope::parse_list(scopes);
        let grant = Grant::new(NewGrant {
            client_id: "app-public".into(),
            username: "demo".into(),
            scopes: scopes.clone(),
            patient: Some("patient-a".into()),
            launch: None,
            encounter: None,
            nonce: None,
            auth_time: now,
            since: now,
            asked_age: false,
            aud_ok,
            faults: crate::launch::fault::Riders::default(),
        });
        let token = AccessToken {
            grant: Arc::new(grant),
            scopes,
            patient: Some("patient-a".into()),
            issued: now,
            expires: now + SignedDuration::from_hours(1),
            revoked: false,
        };
        state.store().put_access_token("token".into(), token);
        "Bearer token".to_owned()
    }

    async fn get(&self, path: &str, authorization: &str) -> Answer {
        self.send(Request::get(format!("/fhir/{path}")), authorization, Body::empty())
            .await
    }

    async fn send(&self, request: http::request::Builder, authorization: &str, body: Body) -> Answer {
        let request = if authorization.is_empty() {
            request
        } else {
            request.header(AUTHORIZATION, authorization)
        };
        let request = request.body(body).expect("a request");
        let response = self.0.router().oneshot(request).await.expect("a router never fails");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

impl Answer {
    fn header(&self, name: http::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn is_outcome(&self, status: StatusCode, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["resourceType"], "OperationOutcome");
        assert_eq!(self.body["issue"][0]["code"], code);
        assert_eq!(self.header(CONTENT_TYPE), "application/fhir+json");
    }

    fn ids(&self) -> Vec<&str> {
        let entries = self.body["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| entry["resource"]["id"].as_str())
            .collect()
    }
}

#[tokio::test]
async fn metadata_and_smart_configuration_need_no_token() {
    let ehr = Ehr::new();
    let metadata = ehr.get("metadata", "").await;
    assert_eq!(metadata.status, StatusCode::OK);
    assert_eq!(metadata.body["fhirVersion"], "4.0.1");
    assert_eq!(
        ehr.get(".well-known/smart-configuration", "").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_read_is_answered_with_its_headers() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/*.rs");
    let patient = ehr.get("Patient/patient-a", &token).await;
    assert_eq!(patient.status, StatusCode::OK);
    assert_eq!(patient.body["id"], "patient-a");
    assert_eq!(patient.header(CONTENT_TYPE), "application/fhir+json");
    assert_eq!(patient.header(CACHE_CONTROL), "no-store");
    assert_eq!(patient.header(ETAG), "W/\"1\"");
    assert!(patient.header(LAST_MODIFIED).ends_with("GMT"));
    assert_eq!(
        ehr.get("Patient/patient-a/_history/1", &token).await.status,
        StatusCode::OK
    );
    ehr.get("Patient/patient-a/_history/2", &token)
        .await
        .is_outcome(StatusCode::NOT_FOUND, "not-found");
    assert_eq!(
        ehr.get("Patient/patient-a?_format=json", "bearer token").await.status,
        StatusCode::OK
    );
    ehr.get("Patient/patient-a?_format=xml", &token)
        .await
        .is_outcome(StatusCode::NOT_ACCEPTABLE, "not-supported");
}

#[tokio::test]
async fn without_a_token_in_the_header_nothing_is_served() {
    let ehr = Ehr::new();
    ehr.token("patient/*.rs");
    for path in [
        "Patient/patient-a",
        "Patient/patient-a?access_token=token",
        "Observation",
        "nothing/here/at/all",
        "Spaceship/1",
    ] {
        let answer = ehr.get(path, "").await;
        answer.is_outcome(StatusCode::UNAUTHORIZED, "login");
        assert_eq!(answer.header(WWW_AUTHENTICATE), "Bearer realm=\"fhir\"");
    }
    let form = Request::post("/fhir/Patient/_search").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = ehr.send(form, "", Body::from("access_token=token")).await;
    answer.is_outcome(StatusCode::UNAUTHORIZED, "login");
}

#[tokio::test]
async fn a_token_that_allows_nothing_is_invalid() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/*.rs");
    assert_eq!(
        ehr.get("Patient/patient-a", &token).await.status,
        StatusCode::OK,
        "the control"
    );
    for wrong in ["Bearer nonsense", "Bearer", "Basic dG9rZW46", "token"] {
        let answer = ehr.get("Patient/patient-a", wrong).await;
        answer.is_outcome(StatusCode::UNAUTHORIZED, "login");
        assert!(
            answer.header(WWW_AUTHENTICATE).contains("error=\"invalid_token\""),
            "{wrong}"
        );
    }
    ehr.0.advance(SignedDuration::from_hours(2));
    let expired = ehr.get("Patient/patient-a", &token).await;
    expired.is_outcome(StatusCode::UNAUTHORIZED, "login");
    assert!(expired.header(WWW_AUTHENTICATE).contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn a_revoked_token_is_invalid() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/*.rs");
    ehr.0.state().store().revoke_access_token("token");
    ehr.get("Patient/patient-a", &token)
        .await
        .is_outcome(StatusCode::UNAUTHORIZED, "login");
}

#[tokio::test]
async fn a_type_beyond_the_scopes_is_forbidden() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/Observation.rs");
    for (path, letter) in [
        ("Condition/condition-a1", 'r'),
        ("Condition?patient=patient-a", 's'),
        ("Condition/no-such", 'r'),
    ] {
        let answer = ehr.get(path, &token).await;
        answer.is_outcome(StatusCode::FORBIDDEN, "forbidden");
        let expected =
            format!("Bearer realm=\"fhir\", error=\"insufficient_scope\", scope=\"patient/Condition.{letter}\"");
        assert_eq!(answer.header(WWW_AUTHENTICATE), expected);
    }
}

#[tokio::test]
async fn another_patients_record_looks_like_one_that_does_not_exist() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/*.rs");
    let hidden = ehr.get("Observation/observation-b1", &token).await;
    let absent = ehr.get("Observation/observation-x1", &token).await;
    hidden.is_outcome(StatusCode::NOT_FOUND, "not-found");
    assert_eq!(hidden.status, absent.status);
    assert_eq!(hidden.body.to_string().replace("-b1", "-x1"), absent.body.to_string());
    let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&hidden), names(&absent));
    for query in [
        "Observation?patient=patient-b",
        "Observation?_id=observation-b1",
        "Observation?patient=no-such",
    ] {
        let answer = ehr.get(query, &token).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            (&answer.body["total"], answer.ids().len()),
            (&Value::from(0), 0),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_search_is_paged_by_its_links() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/Observation.s");
    let mut path = "Observation?code=4548-4&_sort=-date&_count=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = ehr.get(&path, &token).await;
        seen.extend(page.ids().into_iter().map(str::to_owned));
        let links = page.body["link"].as_array().expect("links");
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else {
            break;
        };
        let next = next["url"].as_str().expect("an address");
        path = next
            .strip_prefix(ehr.0.fhir_base())
            .expect("our own")
            .trim_start_matches('/')
            .to_owned();
    }
    assert_eq!(seen.len(), 8);
    let form = Request::post("/fhir/Observation/_search").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let posted = ehr.send(form, &token, Body::from("code=4548-4&_sort=-date")).await;
    assert_eq!(posted.ids(), seen);
}

#[tokio::test]
async fn what_the_server_does_not_do_is_said_as_an_outcome() {
    let ehr = Ehr::new();
    let token = ehr.token("patient/*.cruds");
    ehr.send(Request::put("/fhir/Patient"), &token, Body::from("{}"))
        .await
        .is_outcome(StatusCode::METHOD_NOT_ALLOWED, "not-supported");
    let patch = Request::patch("/fhir/Patient/patient-a").header(CONTENT_TYPE, "text/plain");
    ehr.send(patch, &token, Body::from("{}"))
        .await
        .is_outcome(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid");
    let json = Request::post("/fhir/Patient/_search").header(CONTENT_TYPE, "application/json");
    ehr.send(json, &token, Body::from("{}"))
        .await
        .is_outcome(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid");
    ehr.get("Observation/observation-a1/$everything", &token)
        .await
        .is_outcome(StatusCode::NOT_FOUND, "not-supported");
    ehr.get("Spaceship/1", &token)
        .await
        .is_outcome(StatusCode::NOT_FOUND, "not-supported");
    ehr.get("Patient/%FF", &token)
        .await
        .is_outcome(StatusCode::BAD_REQUEST, "invalid");
    ehr.get("Patient?birthdate=soon", &token)
        .await
        .is_outcome(StatusCode::BAD_REQUEST, "invalid");
    let strict = Request::get("/fhir/Patient?shoe-size=4").header("prefer", "handling=strict");
    ehr.send(strict, &token, Body::empty())
        .await
        .is_outcome(StatusCode::BAD_REQUEST, "invalid");
    assert_eq!(ehr.get("Patient?shoe-size=4", &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn each_defect_shows_on_the_wire() {
    let ehr = Ehr::with_defect(Defect::FhirNoTokenAccepted);
    assert_eq!(ehr.get("Patient/patient-b", "").await.status, StatusCode::OK);
    assert_eq!(
        ehr.get("Patient/patient-b", "Bearer nonsense").await.status,
        StatusCode::UNAUTHORIZED
    );

    let ehr = Ehr::with_defect(Defect::FhirExpiredTokenAccepted);
    let token = ehr.token("patient/*.rs");
    ehr.0.advance(SignedDuration::from_hours(2));
    assert_eq!(ehr.get("Patient/patient-a", &token).await.status, StatusCode::OK);

    let ehr = Ehr::with_defect(Defect::FhirRevokedTokenAccepted);
    let token = ehr.token("patient/*.rs");
    ehr.0.state().store().revoke_access_token("token");
    assert_eq!(ehr.get("Patient/patient-a", &token).await.status, StatusCode::OK);

    let ehr = Ehr::with_defect(Defect::FhirScopeNotEnforced);
    let token = ehr.token("patient/Observation.rs");
    assert_eq!(ehr.get("Condition/condition-a1", &token).await.status, StatusCode::OK);
    assert_eq!(
        ehr.get("Condition/condition-b1", &token).await.status,
        StatusCode::NOT_FOUND
    );

    let ehr = Ehr::with_defect(Defect::FhirCompartmentReadLeak);
    let token = ehr.token("patient/*.rs");
    assert_eq!(ehr.get("Patient/patient-b", &token).await.status, StatusCode::OK);
    assert_eq!(ehr.get("Patient?_id=patient-b", &token).await.ids(), [""; 0]);

    let ehr = Ehr::with_defect(Defect::FhirCompartmentSearchLeak);
    let token = ehr.token("patient/*.rs");
    assert_eq!(ehr.get("Patient/patient-b", &token).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ehr.get("Patient?_id=patient-b", &token).await.ids(), ["patient-b"]);

    let ehr = Ehr::with_defect(Defect::FhirNoWwwAuthenticate);
    let answer = ehr.get("Patient/patient-a", "").await;
    assert_eq!(
        (answer.status, answer.header(WWW_AUTHENTICATE)),
        (StatusCode::UNAUTHORIZED, "")
    );

    let ehr = Ehr::with_defect(Defect::Fhir5xxOnJunkToken);
    let answer = ehr.get("Patient/patient-a", "Bearer nonsense").await;
    answer.is_outcome(StatusCode::INTERNAL_SERVER_ERROR, "exception");
    assert_eq!(ehr.get("Patient/patient-a", "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_variant_shows_on_the_wire() {
    let ehr = Ehr::with_variant(Variant::DeniedAs404);
    let token = ehr.token("patient/Observation.rs");
    for path in ["Condition/condition-a1", "Condition?patient=patient-a"] {
        ehr.get(path, &token)
            .await
            .is_outcome(StatusCode::NOT_FOUND, "not-found");
    }
    let ehr = Ehr::with_variant(Variant::DeniedAsEmptyBundle);
    let token = ehr.token("patient/Observation.rs");
    let found = ehr.get("Condition?patient=patient-a", &token).await;
    assert_eq!((found.status, &found.body["total"]), (StatusCode::OK, &Value::from(0)));
    assert_eq!(
        ehr.get("Condition/condition-a1", &token).await.status,
        StatusCode::FORBIDDEN
    );

    let ehr = Ehr::with_variant(Variant::AudRefusedAtFhir);
    let token = ehr.token_of("patient/*.rs", false);
    ehr.get("Patient/patient-a", &token)
        .await
        .is_outcome(StatusCode::UNAUTHORIZED, "login");
}
