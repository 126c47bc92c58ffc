//! Backend services.

use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::Defect;

use crate::harness::*;

const APP: &str = "backend";

/// A correct token request of a client that signs assertions, altered.
async fn ask(ehr: &TestEhr, client: &str, scope: &str, alter: impl FnOnce(Form) -> Form) -> Answer {
    let form = Form::of(&[("grant_type", "client_credentials"), ("scope", scope)]);
    let form = form
        .add("client_assertion_type", JWT_BEARER)
        .add("client_assertion", &ehr.assertion(client).sign());
    ehr.post("/auth/token", &[], &alter(form)).await
}

async fn token(ehr: &TestEhr, scope: &str) -> Answer {
    ask(ehr, APP, scope, |form| form).await
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::BackendCorrectRequestRefused => !token(ehr, "system/*.rs").await.gives_token(),
        Defect::BackendScopeIgnored => token(ehr, "system/Patient.rs").await.member("scope") == "system/*.rs",
        Defect::BackendScopeUnbounded => token(ehr, "system/*.cruds").await.member("scope") == "system/*.cruds",
        Defect::BackendExpiresLate => token(ehr, "system/*.rs").await.json()["expires_in"] != 300,
        Defect::BackendRefreshToken => !token(ehr, "system/*.rs").await.member("refresh_token").is_empty(),
        Defect::BackendAnyClient => ask(ehr, "app-asymmetric", "system/*.rs", |form| form)
            .await
            .gives_token(),
        Defect::BackendTokenOnce => {
            let token = token(ehr, "system/*.rs").await.member("access_token");
            assert_eq!(ehr.fhir("Patient/patient-a", &token).await.status, StatusCode::OK);
            ehr.fhir("Patient/patient-a", &token).await.status == StatusCode::UNAUTHORIZED
        }
        Defect::DiscoveryBackendGrantMissing => !ehr
            .get("/fhir/.well-known/smart-configuration")
            .await
            .body
            .contains("client_credentials"),
        _ => return None,
    })
}

#[tokio::test]
async fn a_service_gets_a_short_token_for_what_it_is_registered_for() {
    let ehr = TestEhr::new();
    let answer = token(&ehr, "system/Patient.rs patient/*.rs nonsense").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let body = answer.json();
    assert_eq!(
        (&body["scope"], &body["expires_in"], &body["token_type"]),
        (&"system/Patient.rs".into(), &300.into(), &"Bearer".into())
    );
    for absent in [
        "refresh_token",
        "id_token",
        "patient",
        "need_patient_banner",
        "smart_style_url",
    ] {
        assert!(body.get(absent).is_none(), "{absent}: {body}");
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.member("access_token");
    assert_eq!(ehr.fhir("Patient/patient-b", &token).await.status, StatusCode::OK);
    assert_eq!(
        ehr.fhir("Observation/observation-a1", &token).await.status,
        StatusCode::FORBIDDEN
    );
    ehr.mock.advance(SignedDuration::from_secs(301));
    assert_eq!(
        ehr.fhir("Patient/patient-b", &token).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn each_refusal_has_the_code_that_it_should_have() {
    let ehr = TestEhr::new();
    let refused = async |answer: Answer, status: u16, code: &str| {
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, code),
            "{answer:?}"
        );
    };
    refused(token(&ehr, "").await, 400, "invalid_scope").await;
    refused(token(&ehr, "patient/*.rs").await, 400, "invalid_scope").await;
    refused(token(&ehr, "system/*.cud").await, 400, "invalid_scope").await;
    let other = ask(&ehr, "app-asymmetric", "system/*.rs", |form| form).await;
    refused(other, 400, "unauthorized_client").await;
    let unknown = ask(&ehr, APP, "system/*.rs", |form| form.set("grant_type", "x")).await;
    refused(unknown, 400, "unsupported_grant_type").await;
    let code = ask(&ehr, APP, "system/*.rs", |form| {
        form.set("grant_type", "authorization_code")
    })
    .await;
    refused(code, 400, "invalid_request").await;
    let nobody = ask(&ehr, APP, "system/*.rs", |form| {
        form.omit("client_assertion")
            .omit("client_assertion_type")
            .add("client_id", APP)
    })
    .await;
    refused(nobody, 401, "invalid_client").await;
}
