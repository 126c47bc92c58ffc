//! Pages of other origins.

use axum::body::Body;
use http::{Request, StatusCode};
use mock_ehr::{Defect, Variant};

use crate::harness::{Answer, TestEhr};

const ORIGIN: &str = "https://app.example";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let from = [("origin", ORIGIN)];
    let unreadable = async |path: &str| ehr.get_with(path, &from).await.header(ALLOW_ORIGIN).is_empty();
    Some(match defect {
        Defect::MetadataCorsMissing => unreadable("/fhir/metadata").await,
        Defect::OpenidConfigurationCorsMissing => unreadable("/.well-known/openid-configuration").await,
        Defect::JwksCorsMissing => unreadable("/.well-known/jwks.json").await,
        Defect::FhirCorsMissing => preflight(ehr, "/fhir/Patient").await.header(ALLOW_ORIGIN).is_empty(),
        Defect::CorsErrorMissing => unreadable("/fhir/Patient/patient-a").await,
        Defect::CorsOriginTwice => {
            let answer = ehr.get_with("/fhir/metadata", &from).await;
            answer.headers.get_all(ALLOW_ORIGIN).iter().count() == 2
        }
        Defect::CorsWildcardCredentials => {
            let answer = ehr.get_with("/fhir/Patient/patient-a", &from).await;
            answer.header(ALLOW_ORIGIN) == "*" && answer.header("access-control-allow-credentials") == "true"
        }
        Defect::CorsVaryMissing => ehr
            .get_with("/fhir/Patient/patient-a", &from)
            .await
            .header("vary")
            .is_empty(),
        Defect::CorsPreflightRefused => preflight(ehr, "/auth/token").await.status == StatusCode::UNAUTHORIZED,
        Defect::CorsAuthorizationNotAllowed => {
            !allows(&preflight(ehr, "/fhir/Patient").await, "Authorization")
                && allows(&preflight(ehr, "/fhir/Patient").await, "Content-Type")
        }
        Defect::CorsAuthorizationByStar => allows(&preflight(ehr, "/fhir/Patient").await, "*"),
        Defect::AuthorizeCorsAllowed => !unreadable("/auth/authorize").await,
        _ => return None,
    })
}

async fn preflight(ehr: &TestEhr, path: &str) -> Answer {
    let request = Request::options(path)
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    ehr.send(request.body(Body::empty()).unwrap()).await
}

fn allows(answer: &Answer, name: &str) -> bool {
    let allowed = answer.header("access-control-allow-headers");
    allowed.split(", ").any(|one| one == name)
}

#[tokio::test]
async fn data_are_for_registered_origins_and_by_variant_for_every_one() {
    let other = [("origin", "https://other.example")];
    let answer = TestEhr::new().get_with("/fhir/Patient/patient-a", &other).await;
    assert_eq!(answer.header(ALLOW_ORIGIN), "");
    assert_eq!(answer.header("vary"), "Origin");
    let ehr = TestEhr::with_variant(Variant::CorsAnyOrigin);
    let answer = ehr.get_with("/fhir/Patient/patient-a", &other).await;
    assert_eq!(answer.header(ALLOW_ORIGIN), "*");
}
