//! The token endpoint: requests, answers, errors; refresh; launch context; introspection, revocation, data.

use axum::body::Body;
use http::{Request, StatusCode, header};
use jiff::SignedDuration;
use mock_ehr::Defect;
use serde_json::{Map, Value, json};

use crate::harness::*;

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if let Some(answer) = requests(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = errors(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = answers(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = context(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = refresh(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = introspection(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = revocation(ehr, defect).await {
        return Some(answer);
    }
    data(ehr, defect).await
}

async fn requests(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let redeems = async |alter: &dyn Fn(Form) -> Form| {
        let flow = ehr.code(APP).await;
        ehr.redeem(&flow, alter).await.gives_token()
    };
    Some(match defect {
        Defect::TokenGrantTypeMissingAccepted => redeems(&|form| form.omit("grant_type")).await,
        Defect::TokenGrantTypeEmptyAccepted => redeems(&|form| form.set("grant_type", "")).await,
        Defect::TokenGrantTypeUnknownAccepted => redeems(&|form| form.set("grant_type", "magic")).await,
        Defect::TokenGrantTypePasswordAccepted => {
            let form = Form::of(&[
                ("grant_type", "password"),
                ("username", "demo"),
                ("password", "demo"),
                ("client_id", APP),
            ]);
            ehr.token(APP, form).await.gives_token()
        }
        Defect::TokenClientCredentialsPublic => {
            let form = Form::of(&[
                ("grant_type", "client_credentials"),
                ("client_id", APP),
                ("scope", "system/*.rs"),
            ]);
            ehr.token(APP, form).await.gives_token()
        }
        Defect::TokenDuplicateParametersAccepted => redeems(&|form| form.add("code_verifier", "again")).await,
        Defect::TokenQueryAccepted => {
            let form = ehr.exchange(&ehr.code(APP).await);
            ehr.post(&format!("/auth/token?{}", form.encode()), &[], &Form::default())
                .await
                .gives_token()
        }
        Defect::TokenGetAccepted => {
            let form = ehr.exchange(&ehr.code(APP).await);
            ehr.get(&format!("/auth/token?{}", form.encode())).await.gives_token()
        }
        Defect::TokenJsonBodyAccepted => {
            let form = ehr.exchange(&ehr.code(APP).await);
            let members: Map<String, Value> = form.0.into_iter().map(|(name, value)| (name, value.into())).collect();
            ehr.post_json("/auth/token", &Value::Object(members))
                .await
                .gives_token()
        }
        Defect::TokenUnknownParameterRefused => !redeems(&|form| form.add("colour", "red")).await,
        Defect::TokenCorrectRequestRefused => !redeems(&|form| form).await,
        Defect::TokenScopeAtExchangeWidens => {
            let flow = ehr.code(APP).await;
            ehr.redeem(&flow, |form| form.add("scope", "user/*.cruds"))
                .await
                .member("scope")
                == "user/*.cruds"
        }
        _ => return None,
    })
}

async fn errors(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let refused = || async {
        let form = Form::of(&[
            ("grant_type", "authorization_code"),
            ("code", "junk"),
            ("client_id", APP),
        ]);
        ehr.token(APP, form).await
    };
    Some(match defect {
        Defect::TokenErrorHtml => refused().await.body.starts_with("<html>"),
        Defect::TokenErrorStatus200 => refused().await.status == StatusCode::OK,
        Defect::TokenError5xx => refused().await.status.is_server_error(),
        Defect::TokenErrorMissingCode => refused().await.json().get("error").is_none(),
        Defect::TokenErrorCodeWrong => refused().await.error() == "failed",
        Defect::TokenErrorContentType => refused().await.header("content-type") != "application/json",
        Defect::TokenErrorDescriptionCharset => refused().await.member("error_description").contains('"'),
        Defect::TokenErrorCacheable => refused().await.header("cache-control") != "no-store",
        Defect::TokenErrorWithToken => refused().await.json().get("access_token").is_some(),
        _ => return None,
    })
}

async fn answers(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let launched = || ehr.launched(APP);
    Some(match defect {
        Defect::TokenCacheControlMissing => launched().await.header("cache-control").is_empty(),
        Defect::TokenPragmaMissing => launched().await.header("pragma").is_empty(),
        Defect::TokenContentTypeHtml => launched().await.header("content-type") == "text/html",
        Defect::TokenAccessTokenMissing => launched().await.json().get("access_token").is_none(),
        Defect::TokenAccessTokenCharset => !launched().await.member("access_token").is_ascii(),
        Defect::TokenAccessTokenLowEntropy => launched().await.member("access_token").len() < 22,
        Defect::TokenTypeMissing => launched().await.json().get("token_type").is_none(),
        Defect::TokenTypeWrong => launched().await.member("token_type") == "mac",
        Defect::TokenExpiresInMissing => launched().await.json().get("expires_in").is_none(),
        Defect::TokenExpiresInString => launched().await.json()["expires_in"].is_string(),
        Defect::TokenExpiresInZero => launched().await.json()["expires_in"] == 0,
        Defect::TokenScopeMissing => launched().await.json().get("scope").is_none(),
        Defect::TokenScopeArray => launched().await.json()["scope"].is_array(),
        Defect::TokenCorsMissing => {
            let form = Form::of(&[("grant_type", "authorization_code")]);
            let answer = ehr
                .post("/auth/token", &[("origin", "https://app.example")], &form)
                .await;
            answer.header("access-control-allow-origin").is_empty()
        }
        _ => return None,
    })
}

async fn context(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let standalone = || async { ehr.launched(APP).await.json() };
    let from_ehr = || async {
        let launch = ehr.launch(APP, None).launch;
        ehr.launched_with(APP, |form| form.add("launch", &launch)).await.json()
    };
    Some(match defect {
        Defect::ContextPatientMissing => standalone().await.get("patient").is_none(),
        Defect::ContextPatientWrong => standalone().await["patient"] != "patient-b",
        Defect::ContextPatientReference => standalone().await["patient"] == "Patient/patient-b",
        Defect::ContextPatientUnasked => ehr
            .launched_with(APP, |form| form.set("scope", "openid"))
            .await
            .json()
            .get("patient")
            .is_some(),
        Defect::ContextEncounterMissing => from_ehr().await.get("encounter").is_none(),
        Defect::ContextBannerMissing => from_ehr().await.get("need_patient_banner").is_none(),
        Defect::ContextBannerString => from_ehr().await["need_patient_banner"].is_string(),
        Defect::ContextStyleRelative => standalone().await["smart_style_url"] != format!("{BASE}/smart-style.json"),
        Defect::ContextNested => from_ehr().await["context"].is_object(),
        _ => return None,
    })
}

async fn refresh(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let same = |form: Form| form;
    let token = async |client: &'static str| ehr.launched(client).await.member("refresh_token");
    Some(match defect {
        Defect::RefreshMissing => token(APP).await.is_empty(),
        Defect::RefreshWithoutScope => {
            let answer = ehr.launched_with(APP, |form| form.set("scope", "openid")).await;
            !answer.member("refresh_token").is_empty()
        }
        Defect::RefreshUnknownAccepted => {
            token(APP).await;
            ehr.refresh(APP, "unknown-token", same).await.gives_token()
        }
        Defect::RefreshReplayAccepted => {
            let token = token(APP).await;
            assert!(ehr.refresh(APP, &token, same).await.gives_token());
            ehr.refresh(APP, &token, same).await.gives_token()
        }
        Defect::RefreshReplayKeepsFamily => {
            let token = token(APP).await;
            let next = ehr.refresh(APP, &token, same).await.member("refresh_token");
            ehr.refresh(APP, &token, same).await;
            ehr.refresh(APP, &next, same).await.gives_token()
        }
        Defect::RefreshNotBoundToClient => {
            let token = token(APP).await;
            ehr.refresh("app-public-2", &token, |form| form.set("client_id", "app-public-2"))
                .await
                .gives_token()
        }
        Defect::RefreshUnauthenticated => {
            let token = token("app-symmetric").await;
            let form = Form::of(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", &token),
                ("client_id", "app-symmetric"),
            ]);
            ehr.post("/auth/token", &[], &form).await.gives_token()
        }
        Defect::RefreshScopeWidened => {
            let token = token(APP).await;
            let answer = ehr.refresh(APP, &token, |form| form.add("scope", "user/*.cruds")).await;
            answer.member("scope").contains("user/")
        }
        Defect::RefreshGrantsWider => {
            let token = token(APP).await;
            ehr.refresh(APP, &token, same).await.member("scope").contains("user/")
        }
        Defect::RefreshTokenCharset => !token(APP).await.is_ascii(),
        Defect::RefreshTokenLowEntropy => token(APP).await.len() < 22,
        Defect::RefreshScopeIgnored => {
            let token = token(APP).await;
            ehr.refresh(APP, &token, |form| form.add("scope", "openid"))
                .await
                .member("scope")
                != "openid"
        }
        Defect::RefreshNarrowerKept => {
            let token = token(APP).await;
            let narrower = ehr
                .refresh(APP, &token, |form| form.add("scope", "openid offline_access"))
                .await;
            let again = ehr.refresh(APP, &narrower.member("refresh_token"), same).await;
            again.member("scope") == "openid offline_access"
        }
        Defect::RefreshLosesScope => {
            let token = token(APP).await;
            ehr.refresh(APP, &token, same).await.member("scope") != SCOPE
        }
        Defect::RefreshLosesContext => {
            let token = token(APP).await;
            let answer = ehr.refresh(APP, &token, same).await;
            !ehr.is_alive(&answer.member("access_token")).await && answer.json().get("patient").is_none()
        }
        Defect::RefreshCorrectRequestRefused => {
            let token = token(APP).await;
            !ehr.refresh(APP, &token, same).await.gives_token()
        }
        _ => return None,
    })
}

async fn introspection(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let token = || async { ehr.launched(APP).await.member("access_token") };
    let described = || async { ehr.introspect(&token().await).await.json() };
    Some(match defect {
        Defect::IntrospectionOpen => {
            let form = Form::of(&[("token", &token().await)]);
            ehr.post("/auth/introspect", &[], &form).await.status == StatusCode::OK
        }
        Defect::IntrospectionUnknownError => ehr.introspect("junk").await.status != StatusCode::OK,
        Defect::IntrospectionInactiveDetails => {
            let token = token().await;
            ehr.mock.advance(SignedDuration::from_secs(3601));
            ehr.introspect(&token).await.json().get("scope").is_some()
        }
        Defect::IntrospectionExpiredActive => {
            let token = token().await;
            ehr.mock.advance(SignedDuration::from_secs(3601));
            ehr.introspect(&token).await.json()["active"] == true
        }
        Defect::IntrospectionRevokedActive => {
            let token = token().await;
            ehr.call("/auth/revoke", APP, Form::of(&[("token", &token)])).await;
            ehr.introspect(&token).await.json()["active"] == true
        }
        Defect::IntrospectionActiveString => described().await["active"].is_string(),
        Defect::IntrospectionScopeMissing => described().await.get("scope").is_none(),
        Defect::IntrospectionClientIdMissing => described().await.get("client_id").is_none(),
        Defect::IntrospectionExpMissing => described().await.get("exp").is_none(),
        Defect::IntrospectionContextMissing => described().await.get("patient").is_none(),
        Defect::IntrospectionSubMissing => described().await.get("sub").is_none(),
        _ => return None,
    })
}

async fn revocation(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let revoke =
        async |client: &str, token: &str| ehr.call("/auth/revoke", client, Form::of(&[("token", token)])).await;
    Some(match defect {
        Defect::RevocationIgnored => {
            let token = ehr.launched(APP).await.member("access_token");
            assert_eq!(revoke(APP, &token).await.status, StatusCode::OK);
            ehr.is_alive(&token).await
        }
        Defect::RevocationUnknownError => revoke(APP, "junk").await.status != StatusCode::OK,
        Defect::RevocationUnauthenticated => {
            let token = ehr.launched("app-symmetric").await.member("access_token");
            let form = Form::of(&[("token", &token), ("client_id", "app-symmetric")]);
            ehr.post("/auth/revoke", &[], &form).await.status == StatusCode::OK
        }
        Defect::RevocationOtherClient => {
            let token = ehr.launched(APP).await.member("access_token");
            revoke("app-symmetric", &token).await;
            !ehr.is_alive(&token).await
        }
        Defect::RevocationKeepsAccessToken => {
            let answer = ehr.launched(APP).await;
            revoke(APP, &answer.member("refresh_token")).await;
            ehr.is_alive(&answer.member("access_token")).await
        }
        _ => return None,
    })
}

async fn data(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let token = || async { ehr.launched(APP).await.member("access_token") };
    Some(match defect {
        Defect::FhirNoTokenAccepted => ehr.get("/fhir/Patient/patient-b").await.status == StatusCode::OK,
        Defect::FhirExpiredTokenAccepted => {
            let token = token().await;
            ehr.mock.advance(SignedDuration::from_secs(3601));
            ehr.is_alive(&token).await
        }
        Defect::FhirRevokedTokenAccepted => {
            let token = token().await;
            ehr.call("/auth/revoke", APP, Form::of(&[("token", &token)])).await;
            ehr.is_alive(&token).await
        }
        Defect::FhirScopeNotEnforced => {
            let path = "Condition?patient=patient-b";
            let answer = ehr.fhir(path, &token().await).await;
            answer.status == StatusCode::OK && answer.body.contains("\"Condition\"")
        }
        Defect::FhirCompartmentReadLeak => ehr.fhir("Patient/patient-c", &token().await).await.status == StatusCode::OK,
        Defect::FhirCompartmentSearchLeak => ehr
            .fhir("Observation?patient=patient-c", &token().await)
            .await
            .body
            .contains("Patient/patient-c\""),
        Defect::FhirNoWwwAuthenticate => ehr
            .get("/fhir/Patient/patient-b")
            .await
            .header("www-authenticate")
            .is_empty(),
        Defect::Fhir5xxOnJunkToken => ehr.fhir("Patient/patient-b", "junk").await.status.is_server_error(),
        _ => return None,
    })
}

#[tokio::test]
async fn the_token_endpoint_wants_a_posted_form() {
    let ehr = TestEhr::new();
    let answer = ehr.get("/auth/token").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(answer.error(), "invalid_request");
    let answer = ehr.post_json("/auth/token", &json!({})).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request")
    );
    let broken = Request::post("/auth/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("grant_type=%ff"))
        .unwrap();
    assert_eq!(ehr.send(broken).await.error(), "invalid_request");
}

#[tokio::test]
async fn introspection_answers_a_bearer_token_and_no_public_client() {
    let ehr = TestEhr::new();
    let token = ehr.launched(APP).await.member("access_token");
    let form = Form::of(&[("token", &token)]);
    let bearer = format!("Bearer {token}");
    let answer = ehr.post("/auth/introspect", &[("authorization", &bearer)], &form).await;
    assert_eq!(answer.json()["active"], true);
    assert_eq!(answer.json()["fhirUser"], format!("{FHIR}/Practitioner/practitioner-1"));
    let answer = ehr
        .post("/auth/introspect", &[("authorization", "Bearer junk")], &form)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ehr.call("/auth/introspect", APP, form).await.error(), "invalid_client");
}
