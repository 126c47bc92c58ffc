//! The pages of the sign-in: whose form it is, what becomes of the session, what is shown, what `prompt` asks for.

use http::StatusCode;
use mock_ehr::{Defect, Variant};

use crate::harness::*;

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::FormOfOtherBrowserAccepted => {
            let other = ehr.other_browser();
            other.walk_until(&ehr.request(APP), &DOCTOR, "/auth/consent").await;
            let form = ehr.walk_until(&ehr.request(APP), &DOCTOR, "/auth/consent").await;
            let answer = other.submit("/auth/consent", &form.set("decision", "allow")).await;
            answer.status.is_redirection()
        }
        Defect::SessionNotRenewed => {
            let first = ehr.browse(&address(&ehr.request(APP))).await;
            let planted = first
                .header("set-cookie")
                .split(';')
                .next()
                .unwrap_or_default()
                .to_owned();
            ehr.walk_on(first, &DOCTOR).await;
            let later = ehr.get_with(&address(&ehr.request(APP)), &[("cookie", &planted)]).await;
            later.header("location").starts_with("/auth/patient")
        }
        Defect::SignInAnyPassword => wrong_password(ehr).await.status.is_redirection(),
        Defect::SignInEchoesPassword => {
            let answer = wrong_password(ehr).await;
            answer.status == StatusCode::BAD_REQUEST && answer.body.contains("not-this-one")
        }
        Defect::LoginHintUnescaped => {
            let hinted = ehr.request(APP).set("login_hint", "\"><b>");
            let form = ehr.walk_until(&hinted, &DOCTOR, "/auth/sign-in").await;
            let page = ehr
                .browse(&format!("/auth/sign-in?request={}", form.get("request")))
                .await;
            page.body.contains("value=\"\"><b>\"")
        }
        Defect::PromptNoneIgnored => ehr.gives_code(APP, |form| form.set("prompt", "none")).await,
        Defect::PromptLoginIgnored => {
            ehr.walk(&ehr.request(APP), &DOCTOR).await;
            let mut passed = true;
            for (name, value) in [("prompt", "login"), ("max_age", "0")] {
                let again = ehr.browse(&address(&ehr.request(APP).set(name, value))).await;
                passed &= !again.header("location").starts_with("/auth/sign-in");
            }
            passed
        }
        _ => return None,
    })
}

fn address(request: &Form) -> String {
    format!("/auth/authorize?{}", request.encode())
}

async fn wrong_password(ehr: &TestEhr) -> Answer {
    let form = ehr.walk_until(&ehr.request(APP), &DOCTOR, "/auth/sign-in").await;
    ehr.submit("/auth/sign-in", &form.set("password", "not-this-one")).await
}

pub(crate) async fn shows(ehr: &TestEhr, variant: Variant) -> bool {
    match variant {
        Variant::PromptPassedOver => {
            let openid = ehr.get("/.well-known/openid-configuration").await.json();
            let untold = openid["prompt_values_supported"].is_null()
                && !openid["claims_supported"].to_string().contains("auth_time");
            untold && ehr.gives_code(APP, |form| form.set("prompt", "none")).await
        }
        Variant::DiscoveryLimited => at_once(ehr).await.contains(&StatusCode::TOO_MANY_REQUESTS),
        Variant::JwksPlainText => ehr.get("/.well-known/jwks.json").await.header("content-type") == "text/plain",
        _ => ehr
            .get("/.well-known/jwks.json")
            .await
            .header("cache-control")
            .contains("max-age"),
    }
}

/// The statuses of five requests for smart-configuration at the same moment.
pub(super) async fn at_once(ehr: &TestEhr) -> [StatusCode; 5] {
    let ask = || async { ehr.get("/fhir/.well-known/smart-configuration").await.status };
    tokio::join!(ask(), ask(), ask(), ask(), ask()).into()
}
