//! Scopes: what is granted of what was asked, how it is told, and what it opens.

use mock_ehr::Defect;

use crate::harness::*;

const APP: &str = "app-public";
const LABORATORY: &str =
    "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if let Some(answer) = grants(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = super::launch_context::probe(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = bypasses(ehr, defect).await {
        return Some(answer);
    }
    let opens = async |scope: &str, path: &str| {
        let token = asked(ehr, scope).await.member("access_token");
        ehr.fhir(path, &token).await.status.is_success()
    };
    Some(match defect {
        Defect::FhirV1ScopePowerless => !opens("launch/patient patient/Patient.read", "Patient/patient-b").await,
        Defect::FhirSingleLetterPowerless => !opens("launch/patient patient/Patient.r", "Patient/patient-b").await,
        Defect::FhirWildcardPowerless => !opens("launch/patient patient/*.rs", "Condition?patient=patient-b").await,
        _ => return None,
    })
}

async fn bypasses(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::ResponseModeSkipsPkce => {
            let alter = |form: Form| form.add("response_mode", "query").omit("code_challenge");
            ehr.gives_code(APP, alter).await
        }
        Defect::RequestObjectRedirectUnchecked => {
            // {"redirect_uri":"https://evil.example/"}
            let object = "e30.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ.";
            let landing = ehr.land(APP, |form| form.add("request", object)).await;
            landing.parameter("code").is_some() && landing.address().starts_with("https://evil.example/")
        }
        Defect::AudAtExchangeHeals => {
            let alter = |form: Form| form.set("aud", "https://evil.example/fhir");
            let flow = ehr.try_code(APP, alter).await;
            match flow {
                Some(flow) => ehr.redeem(&flow, |form| form.add("aud", FHIR)).await.gives_token(),
                None => false,
            }
        }
        Defect::TokenQueryOverrides => {
            let flow = ehr.code(APP).await;
            let form = ehr.exchange(&flow).set("code", "wrong");
            let path = format!("/auth/token?code={}", flow.code);
            ehr.post(&path, &[], &form).await.gives_token()
        }
        Defect::TokenScopeHidesOffline => {
            let answer = asked(ehr, "launch/patient offline_access").await;
            !answer.member("refresh_token").is_empty() && answer.member("scope") == "launch/patient"
        }
        Defect::RefreshOnlineMissing => {
            let answer = asked(ehr, "launch/patient online_access").await.json();
            answer.get("refresh_token").is_none()
        }
        _ => return None,
    })
}

async fn grants(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let granted = async |scope: &str| {
        let answer = asked(ehr, &format!("launch/patient {scope}")).await;
        answer.json()["scope"].as_str().unwrap_or_default().to_owned()
    };
    Some(match defect {
        Defect::ScopeGranularRefused => granted(LABORATORY).await == "launch/patient",
        Defect::ScopeConstraintDropped => granted(LABORATORY).await.ends_with("patient/Observation.rs"),
        Defect::ScopeUserRefused => granted("user/Patient.rs").await == "launch/patient",
        Defect::ScopePatientAsUser => granted("patient/Patient.rs").await.contains("user/Patient.rs"),
        Defect::ScopeReadAsRd => granted("patient/Patient.read").await.contains("patient/Patient.rd"),
        Defect::ScopeOutOfOrderGranted => granted("patient/Patient.sr").await.contains("patient/Patient.sr"),
        Defect::ScopeCaseIgnored => granted("PATIENT/patient.RS").await.contains("patient/Patient.rs"),
        Defect::ScopeLastOverlooked => {
            let answer = asked(ehr, "patient/Patient.rs launch/patient").await;
            answer.json()["scope"] == "patient/Patient.rs"
        }
        Defect::TokenScopeCommas => granted("openid").await == "launch/patient,openid",
        Defect::TokenScopeBlanks => granted("openid").await.starts_with(' '),
        Defect::TokenGrowsWithScopes => asked(ehr, "launch/patient openid").await.member("access_token").len() > 200,
        _ => return None,
    })
}

async fn asked(ehr: &TestEhr, scope: &str) -> Answer {
    ehr.launched_with(APP, |form| form.set("scope", scope)).await
}
