//! Launch context: what an EHR launch gives, in which form, and what a launch is refused for.

use mock_ehr::Defect;
use serde_json::{Value, json};

use crate::harness::*;

const APP: &str = "app-public";
const EHR_SCOPE: &str = "launch openid fhirUser offline_access patient/*.rs";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let of_ehr = async || launched(ehr, EHR_SCOPE).await;
    let last = async || {
        let answer = of_ehr().await;
        answer["fhirContext"]
            .as_array()
            .and_then(|entries| entries.last().cloned())
            .unwrap_or_default()
    };
    Some(match defect {
        Defect::ContextEncounterReference => of_ehr().await["encounter"] == "Encounter/encounter-a1",
        Defect::ContextIntentArray => of_ehr().await["intent"].is_array(),
        Defect::ContextTenantNumber => of_ehr().await["tenant"].is_number(),
        Defect::ContextPatientOnlyByName => {
            let answer = ehr.launched_with(APP, |form| form.set("scope", "patient/*.rs")).await;
            answer.json().get("patient").is_none()
        }
        Defect::ContextLostWhenSignedIn => {
            of_ehr().await;
            of_ehr().await.get("patient").is_none()
        }
        Defect::ContextStyleMissing => of_ehr().await.get("smart_style_url").is_none(),
        Defect::StyleDocumentMissing => ehr.get("/smart-style.json").await.status == 404,
        Defect::FhirContextMissing => of_ehr().await.get("fhirContext").is_none(),
        Defect::FhirContextTexts => of_ehr().await["fhirContext"][0].is_string(),
        Defect::FhirContextPatient => last().await["reference"] == "Patient/patient-a",
        Defect::FhirContextNothingNamed => last().await == json!({ "type": "Location" }),
        Defect::FhirContextReferenceObject => last().await["reference"].is_object(),
        Defect::FhirContextRoleEmpty => last().await["role"] == "",
        Defect::FhirContextRoleRelative => last().await["role"] == "ward",
        Defect::FhirContextTypeMissing => last().await.get("canonical").is_some(),
        Defect::AuthorizationDetailsMalformed => of_ehr().await["authorization_details"][0]["locations"].is_string(),
        Defect::LaunchIssElsewhere => begin(ehr).await["iss"] != FHIR,
        Defect::LaunchRoleRefused => {
            let scope = format!("{EHR_SCOPE} launch/encounter?role=https://example.org/role");
            launched(ehr, &scope).await.get("access_token").is_none()
        }
        Defect::RefreshContextChanges => {
            let first = of_ehr().await;
            let token = first["refresh_token"].as_str().unwrap_or_default().to_owned();
            let second = ehr.refresh(APP, &token, |form| form).await;
            second.member("patient") != "patient-a"
        }
        _ => return None,
    })
}

async fn begin(ehr: &TestEhr) -> Value {
    let choices = json!({
        "client": APP,
        "patient": "patient-a",
        "encounter": "encounter-a1",
        "intent": "summary",
        "need_patient_banner": false,
        "fhirContext": [{ "reference": "Location/location-1" }],
    });
    ehr.post_json("/launches", &choices).await.json()
}

/// The token response of an EHR launch in the browser of before; null where it was refused.
async fn launched(ehr: &TestEhr, scope: &str) -> Value {
    let launch = begin(ehr).await["launch"].as_str().unwrap_or_default().to_owned();
    let request = ehr.request(APP).set("scope", scope).set("launch", &launch);
    let landing = ehr.walk(&request, &DOCTOR).await;
    let Some(code) = landing.parameter("code") else {
        return Value::Null;
    };
    let flow = Flow {
        client: APP,
        code,
        redirect_uri: redirect_uri(APP),
    };
    ehr.redeem(&flow, |form| form).await.json()
}

#[tokio::test]
async fn what_is_open_in_the_ehr_comes_with_the_token() {
    let ehr = TestEhr::new();
    let scope = format!("{EHR_SCOPE} launch/location launch/group");
    let answer = launched(&ehr, &scope).await;
    assert_eq!(answer["encounter"], "encounter-a1");
    assert_eq!(answer["need_patient_banner"], false);
    assert_eq!(answer["tenant"], "mock-hospital");
    let scope = answer["scope"].as_str().unwrap();
    assert!(
        scope.contains("launch/location") && !scope.contains("launch/group"),
        "{scope}"
    );
}

#[tokio::test]
async fn a_standalone_app_gets_the_latest_encounter_of_the_chosen_patient() {
    let ehr = TestEhr::new();
    let scope = "launch/patient launch/encounter patient/*.rs";
    let answer = ehr.launched_with(APP, |form| form.set("scope", scope)).await;
    assert!(answer.member("encounter").starts_with("encounter-b"), "{}", answer.body);
}
