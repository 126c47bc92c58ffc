//! The cookie of the sign-in at the FHIR API, where it opens nothing.

use http::StatusCode;
use mock_ehr::Defect;

use crate::harness::*;

const PATIENT: &str = "/fhir/Patient/patient-b";
const SITE: &str = "https://another-site.example";

/// The answer to a page of another site, in a browser whose user signed in.
async fn asked(ehr: &TestEhr, token: Option<&str>) -> Answer {
    ehr.walk(&ehr.request("app-public"), &DOCTOR).await;
    let cookies = ehr.cookie_header();
    let mut headers = vec![("cookie", cookies.as_str()), ("origin", SITE)];
    headers.extend(token.map(|token| ("authorization", token)));
    ehr.get_with(PATIENT, &headers).await
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::FhirSessionCookieAccepted => asked(ehr, None).await.status == StatusCode::OK,
        Defect::FhirSessionCookieReadable => {
            let answer = asked(ehr, None).await;
            let allows = answer.header("access-control-allow-credentials") == "true";
            answer.status == StatusCode::OK && allows && answer.header("access-control-allow-origin") == SITE
        }
        Defect::FhirSessionCookieBesideToken => asked(ehr, Some("Bearer x")).await.status == StatusCode::OK,
        _ => return None,
    })
}
