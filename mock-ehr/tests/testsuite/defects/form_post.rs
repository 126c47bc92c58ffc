//! The answer as a form that the browser posts, request objects, and what the page of granted apps is found by.

use http::StatusCode;
use mock_ehr::Defect;

use crate::harness::*;
use crate::shelf::key_set;

const APP: &str = "app-public";

/// The answer to the user's decision, with `response_mode=form_post`.
pub(crate) async fn answered(ehr: &TestEhr, decision: &str, state: &str) -> Answer {
    let request = ehr.request(APP).set("response_mode", "form_post").set("state", state);
    let browser = ehr.other_browser();
    let form = browser.walk_until(&request, &DOCTOR, "/auth/consent").await;
    browser.submit("/auth/consent", &form.set("decision", decision)).await
}

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    const MARKUP: &str = "\"><b>";
    let allowed = || answered(ehr, "allow", MARKUP);
    Some(match defect {
        Defect::FormPostAnsweredByRedirect => allowed().await.header("location").contains("code="),
        Defect::FormPostErrorsByRedirect => answered(ehr, "deny", MARKUP).await.status.is_redirection(),
        Defect::FormPostByGet => allowed().await.body.contains("method=\"get\""),
        Defect::FormPostCodeInAddress => {
            let (action, _) = fill(&allowed().await.body, &DOCTOR)?;
            action.contains("code=")
        }
        Defect::FormPostCacheable => allowed().await.header("cache-control").is_empty(),
        Defect::FormPostUnescaped => allowed().await.body.contains(MARKUP),
        Defect::FormPostEscapedTwice => {
            let (_, form) = fill(&allowed().await.body, &DOCTOR)?;
            form.get("state") != MARKUP
        }
        Defect::RequestObjectUnsignedRead => {
            // {"alg":"none"} . {"state":"other"} .
            let object = "eyJhbGciOiJub25lIn0.eyJzdGF0ZSI6Im90aGVyIn0.";
            let landing = ehr.land(APP, |form| form.set("request", object)).await;
            landing.parameter("state").as_deref() == Some("other")
        }
        Defect::RequestUriFetched => {
            let address = "http://127.0.0.1:8090/launchproof-probe";
            ehr.shelf.put(address, key_set(&[]));
            ehr.land(APP, |form| form.set("request_uri", address)).await;
            ehr.shelf.fetched(address) > 0
        }
        Defect::RequestRepeatedUnescaped => {
            let landing = ehr.land(APP, |form| form.set("prompt", MARKUP)).await;
            matches!(landing, Landing::Page(page) if page.body.contains(MARKUP))
        }
        Defect::DiscoveryManagementEndpointMissing => {
            let smart = ehr.get("/fhir/.well-known/smart-configuration").await.json();
            smart["management_endpoint"].is_null()
        }
        Defect::ManagementEndpoint404 => ehr.get("/auth/apps").await.status == StatusCode::NOT_FOUND,
        Defect::ManagementEndpointJson => ehr.get("/auth/apps").await.header("content-type").contains("json"),
        _ => return None,
    })
}
