//! Userinfo, and the parts of introspection and revocation that are not in `token`.

use http::StatusCode;
use jiff::SignedDuration;
use mock_ehr::{Defect, Variant};

use crate::harness::{BASE, Form, SCOPE, TestEhr};

const APP: &str = "app-public";
const CONFIDENTIAL: &str = "app-symmetric";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if let Some(answer) = userinfo(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = introspection(ehr, defect).await {
        return Some(answer);
    }
    revocation(ehr, defect).await
}

async fn asked(ehr: &TestEhr, token: &str) -> crate::harness::Answer {
    let bearer = format!("Bearer {token}");
    ehr.get_with("/auth/userinfo", &[("authorization", &bearer)]).await
}

async fn userinfo(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let token = || async { ehr.launched(APP).await.member("access_token") };
    let answer = || async { asked(ehr, &token().await).await };
    Some(match defect {
        Defect::UserinfoNoTokenAccepted => ehr.get("/auth/userinfo").await.status == StatusCode::OK,
        Defect::UserinfoJunkTokenAccepted => asked(ehr, "junk").await.status == StatusCode::OK,
        Defect::UserinfoRevokedTokenAccepted => {
            let token = token().await;
            ehr.call("/auth/revoke", APP, Form::of(&[("token", &token)])).await;
            asked(ehr, &token).await.status == StatusCode::OK
        }
        Defect::UserinfoNoChallenge => asked(ehr, "junk").await.header("www-authenticate").is_empty(),
        Defect::UserinfoWithoutOpenid => {
            let launched = ehr.launched_with(APP, |form| form.set("scope", "patient/*.rs")).await;
            asked(ehr, &launched.member("access_token")).await.status == StatusCode::OK
        }
        Defect::UserinfoSubMissing => answer().await.json().get("sub").is_none(),
        Defect::UserinfoSubDiffers => answer().await.member("sub") == "demo",
        Defect::UserinfoFhirUserDiffers => answer().await.member("fhirUser") == "Practitioner/nobody",
        Defect::UserinfoWrongContentType => answer().await.header("content-type") != "application/json",
        Defect::UserinfoPostRefused => {
            let bearer = format!("Bearer {}", token().await);
            let headers = [("authorization", bearer.as_str())];
            ehr.post("/auth/userinfo", &headers, &Form::default()).await.status != StatusCode::OK
        }
        _ => return None,
    })
}

async fn introspection(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let launched = || async { ehr.launched(APP).await };
    let described = || async { ehr.introspect(&launched().await.member("access_token")).await };
    let ask = async |pairs: &[(&str, &str)]| ehr.call("/auth/introspect", CONFIDENTIAL, Form::of(pairs)).await;
    Some(match defect {
        Defect::IntrospectionExpDisagrees => {
            let exp = described().await.json()["exp"].as_i64().unwrap_or_default();
            exp > (ehr.mock.state().now() + SignedDuration::from_hours(2)).as_second()
        }
        Defect::IntrospectionEncounterMissing | Defect::IntrospectionBannerMissing => {
            let launch = ehr.launch(APP, Some("demo")).launch;
            let launched = ehr.launched_with(APP, |form| form.set("launch", &launch)).await;
            let told = ehr.introspect(&launched.member("access_token")).await.json();
            let name = if defect == Defect::IntrospectionBannerMissing {
                "need_patient_banner"
            } else {
                "encounter"
            };
            assert!(launched.json().get(name).is_some());
            told.get(name).is_none()
        }
        Defect::IntrospectionScopePart => !described().await.member("scope").contains(' '),
        Defect::IntrospectionIssMissing => described().await.json().get("iss").is_none(),
        Defect::IntrospectionSubDiffers => described().await.member("sub") == "demo",
        Defect::IntrospectionScopeRefused | Defect::IntrospectionOwnOnly => {
            let asking = ehr
                .launched_with(CONFIDENTIAL, |form| form.set("scope", "launch/patient __introspect"))
                .await;
            let bearer = format!("Bearer {}", asking.member("access_token"));
            let form = Form::of(&[("token", &launched().await.member("access_token"))]);
            let headers = [("authorization", bearer.as_str())];
            let told = ehr.post("/auth/introspect", &headers, &form).await;
            told.json().get("active") != Some(&serde_json::json!(true))
        }
        Defect::IntrospectionFhirUserMissing => described().await.json().get("fhirUser").is_none(),
        Defect::IntrospectionUnknownDetails => ehr.introspect("junk").await.json().get("reason").is_some(),
        Defect::IntrospectionWrongContentType => described().await.header("content-type") != "application/json",
        Defect::IntrospectionHintBelieved => {
            let token = launched().await.member("access_token");
            let answer = ask(&[("token", &token), ("token_type_hint", "refresh_token")]).await;
            answer.json()["active"] == false
        }
        Defect::IntrospectionTokenMissingActive => ask(&[]).await.json()["active"] == true,
        Defect::IntrospectionPublicClient => {
            let token = launched().await.member("access_token");
            let answer = ehr.call("/auth/introspect", APP, Form::of(&[("token", &token)])).await;
            answer.json()["active"] == true
        }
        _ => return None,
    })
}

async fn revocation(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let token = || async { ehr.launched(APP).await.member("access_token") };
    let revoke = async |pairs: &[(&str, &str)]| ehr.call("/auth/revoke", APP, Form::of(pairs)).await;
    Some(match defect {
        Defect::RevocationHintBelieved => {
            let token = token().await;
            revoke(&[("token", &token), ("token_type_hint", "refresh_token")]).await;
            ehr.is_alive(&token).await
        }
        Defect::RevocationTokenMissingOk => revoke(&[]).await.status == StatusCode::OK,
        Defect::RevocationTwiceError => {
            let token = token().await;
            assert_eq!(revoke(&[("token", &token)]).await.status, StatusCode::OK);
            revoke(&[("token", &token)]).await.status != StatusCode::OK
        }
        Defect::RevocationGetAccepted => {
            let token = token().await;
            ehr.get(&format!("/auth/revoke?token={token}&client_id={APP}")).await;
            !ehr.is_alive(&token).await
        }
        _ => return None,
    })
}

/// Does the mock behave in the way of this variant?
pub(crate) async fn shows(ehr: &TestEhr, variant: Variant) -> bool {
    let launched = ehr
        .launched_with(APP, |form| form.set("scope", SCOPE.trim_start_matches("launch ")))
        .await;
    let (access, refresh) = (launched.member("access_token"), launched.member("refresh_token"));
    let bearer = format!("Bearer {access}");
    match variant {
        Variant::IdTokenEs384 => {
            let configuration = ehr.get("/.well-known/openid-configuration").await.json();
            let listed = configuration["id_token_signing_alg_values_supported"].to_string();
            listed.contains("RS256") && super::openid::part(&launched.member("id_token"), 0)["alg"] == "ES384"
        }
        Variant::IdTokenAudList => {
            super::openid::part(&launched.member("id_token"), 1)["aud"] == serde_json::json!([APP])
        }
        Variant::IdTokenAudSeveral => {
            let claims = super::openid::part(&launched.member("id_token"), 1);
            claims["aud"][1] == format!("{BASE}/fhir") && claims["azp"] == APP
        }
        Variant::UserinfoNotOffered => asked(ehr, &access).await.status == StatusCode::NOT_FOUND,
        Variant::UserinfoWithoutFhirUser => {
            let answer = asked(ehr, &access).await.json();
            answer["sub"].is_string() && answer.get("fhirUser").is_none()
        }
        Variant::IntrospectionOfRefreshTokensInactive => ehr.introspect(&refresh).await.json()["active"] == false,
        Variant::IntrospectionBearerRefused => {
            let form = Form::of(&[("token", &access)]);
            let answer = ehr.post("/auth/introspect", &[("authorization", &bearer)], &form).await;
            answer.status == StatusCode::UNAUTHORIZED
        }
        Variant::IntrospectionGetAccepted => {
            let path = format!("/auth/introspect?token={access}");
            let answer = ehr.get_with(&path, &[("authorization", &bearer)]).await;
            answer.json()["active"] == true
        }
        Variant::RevocationAccessTokenEndsGrant => {
            ehr.call("/auth/revoke", APP, Form::of(&[("token", &access)])).await;
            !ehr.refresh(APP, &refresh, |form| form).await.gives_token()
        }
        other => panic!("{other} is not one of these"),
    }
}
