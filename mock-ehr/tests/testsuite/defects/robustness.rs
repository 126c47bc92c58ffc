//! Breakdowns, traces, echoes, injected fields and open redirectors.

use axum::body::Body;
use http::{Request, StatusCode};
use mock_ehr::Defect;

use crate::harness::*;

const APP: &str = "app-public";

async fn token(ehr: &TestEhr, kind: &str, body: &str) -> Answer {
    let request = Request::post("/auth/token").header("content-type", kind);
    ehr.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    const FORM: &str = "application/x-www-form-urlencoded";
    Some(match defect {
        Defect::MalformedForm5xx => token(ehr, "application/xml", "<a>").await.status.is_server_error(),
        Defect::Method5xx => ehr.get("/auth/token").await.status.is_server_error(),
        Defect::DiscoveryQuery5xx => {
            let path = "/fhir/.well-known/smart-configuration?a=b";
            ehr.get(path).await.status.is_server_error()
        }
        Defect::FhirMalformed5xx => {
            let launched = ehr.launched(APP).await.json();
            let token = launched["access_token"].as_str().unwrap_or_default();
            ehr.fhir("Patient/%ff", token).await.status.is_server_error()
        }
        Defect::ErrorStackTrace => token(ehr, FORM, "grant_type=x").await.body.contains("Endpoint.java:42"),
        Defect::SecretEchoed => token(ehr, FORM, "client_secret=hush").await.body.contains("hush"),
        Defect::ErrorJsonAsHtml => {
            let answer = token(ehr, FORM, "grant_type=%3Cb%3E").await;
            answer.header("content-type") == "text/html" && answer.body.contains("<b>")
        }
        Defect::HeaderInjection => {
            let request = ehr
                .request(APP)
                .set("state", "x\r\nX-Launchproof: 1")
                .set("response_type", "magic");
            let answer = ehr.browse(&format!("/auth/authorize?{}", request.encode())).await;
            answer.header("x-launchproof") == "1"
        }
        Defect::EndSessionOpenRedirector => {
            let path = "/auth/end-session?post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F";
            ehr.get(path).await.status == StatusCode::SEE_OTHER
        }
        Defect::Ssl30Accepted => ehr.mock.accepts_tls((3, 0)),
        Defect::Tls10Accepted => ehr.mock.accepts_tls((3, 1)),
        Defect::Tls11Accepted => ehr.mock.accepts_tls((3, 2)),
        Defect::Tls12Refused => !ehr.mock.accepts_tls((3, 3)),
        Defect::TlsNullAccepted => ehr.mock.chosen_suite(&[0x003b]).is_some(),
        Defect::TlsExportAccepted => ehr.mock.chosen_suite(&[0x0014]).is_some(),
        Defect::TlsRc4Accepted => ehr.mock.chosen_suite(&[0xc011]).is_some(),
        Defect::TlsAnonymousAccepted => ehr.mock.chosen_suite(&[0xc018]).is_some(),
        Defect::TlsTripleDesAccepted => ehr.mock.chosen_suite(&[0xc012]).is_some(),
        Defect::TokenPlainHttp => ehr.mock.serves_plain_http(),
        Defect::CertificateExpired => ehr.mock.certificate_problem().is_some(),
        _ => return None,
    })
}

#[tokio::test]
async fn a_session_that_ended_is_signed_in_no_more() {
    let ehr = TestEhr::new();
    let landing = ehr.walk(&ehr.request(APP), &DOCTOR).await;
    assert!(landing.parameter("code").is_some());
    assert_eq!(ehr.browse("/auth/end-session").await.status, StatusCode::OK);
    let answer = ehr
        .browse(&format!("/auth/authorize?{}", ehr.request(APP).encode()))
        .await;
    assert!(answer.header("location").starts_with("/auth/sign-in"));
}
