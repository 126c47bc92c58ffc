//! The authorization endpoint: parameters, state, PKCE's first half, aud, launch, scope, pages.

use axum::body::Body;
use http::{Request, StatusCode};
use jiff::SignedDuration;
use mock_ehr::Defect;

use crate::harness::*;

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if let Some(answer) = parameters(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = answers(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = pages(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = state(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = pkce(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = aud(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = launch(ehr, defect).await {
        return Some(answer);
    }
    scope(ehr, defect).await
}

async fn first(ehr: &TestEhr, alter: impl FnOnce(Form) -> Form) -> Answer {
    ehr.other_browser()
        .browse(&format!("/auth/authorize?{}", alter(ehr.request(APP)).encode()))
        .await
}

async fn parameters(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::ClientIdMissingAccepted => ehr.gives_code(APP, |form| form.omit("client_id")).await,
        Defect::ClientUnknownAccepted => ehr.gives_code(APP, |form| form.set("client_id", "nobody")).await,
        Defect::ClientUnknownRedirects => {
            let landing = ehr.land(APP, |form| form.set("client_id", "nobody")).await;
            landing.address().starts_with("https://app.example/cb?error")
        }
        Defect::ResponseTypeMissingAccepted => ehr.gives_code(APP, |form| form.omit("response_type")).await,
        Defect::ResponseTypeEmptyAccepted => ehr.gives_code(APP, |form| form.set("response_type", "")).await,
        Defect::ResponseTypeUnknownAccepted => ehr.gives_code(APP, |form| form.set("response_type", "magic")).await,
        Defect::ResponseTypeTokenAccepted => {
            let landing = ehr.land(APP, |form| form.set("response_type", "token")).await;
            landing.address().contains("#access_token=")
        }
        Defect::ResponseModeUnchecked => {
            let alter = |form: Form| {
                form.add("response_mode", "x")
                    .set("redirect_uri", "https://evil.example/")
            };
            ehr.gives_code(APP, alter).await
        }
        Defect::RequestObjectUnchecked => {
            ehr.gives_code(APP, |form| form.add("request", "x.y.z").omit("code_challenge"))
                .await
        }
        Defect::DuplicateParametersAccepted => ehr.gives_code(APP, |form| form.add("scope", "openid")).await,
        Defect::DuplicateRedirectUriFirstChecked => {
            let landing = ehr
                .land(APP, |form| form.add("redirect_uri", "https://evil.example/"))
                .await;
            landing.address().starts_with("https://evil.example/?code=")
        }
        Defect::DuplicateRedirectUriLastChecked => {
            let alter = |form: Form| {
                form.set("redirect_uri", "https://evil.example/")
                    .add("redirect_uri", &redirect_uri(APP))
            };
            ehr.land(APP, alter)
                .await
                .address()
                .starts_with("https://evil.example/?code=")
        }
        Defect::AuthorizeGetRefused => first(ehr, |form| form).await.status == StatusCode::METHOD_NOT_ALLOWED,
        Defect::AuthorizePostRefused => {
            let answer = ehr.submit("/auth/authorize", &ehr.request(APP)).await;
            answer.status == StatusCode::METHOD_NOT_ALLOWED
        }
        Defect::AuthorizeUnknownParameterRefused => !ehr.gives_code(APP, |form| form.add("colour", "red")).await,
        Defect::AuthorizeLongValue5xx => first(ehr, |form| form.set("state", &"x".repeat(600)))
            .await
            .status
            .is_server_error(),
        Defect::AuthorizeNonUtf85xx => {
            let path = format!(
                "/auth/authorize?{}&state=%FF%FE",
                ehr.request(APP).omit("state").encode()
            );
            ehr.browse(&path).await.status.is_server_error()
        }
        Defect::AuthorizeCorrectRequest5xx => first(ehr, |form| form).await.status.is_server_error(),
        _ => return None,
    })
}

async fn answers(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let refused = || ehr.land(APP, |form| form.omit("response_type"));
    Some(match defect {
        Defect::AuthorizeErrorCodeWrong => refused().await.parameter("error").as_deref() == Some("failed"),
        Defect::AuthorizeErrorMissing => refused().await.parameter("error").is_none(),
        Defect::AuthorizeErrorWithCode => refused().await.parameter("code").is_some(),
        Defect::AuthorizeErrorDescriptionCharset => {
            let description = refused().await.parameter("error_description").unwrap_or_default();
            description.contains('"')
        }
        Defect::ErrorPageUnescaped => {
            let answer = first(ehr, |form| form.set("client_id", "<b>x</b>")).await;
            answer.status == StatusCode::BAD_REQUEST && answer.body.contains("<b>x</b>")
        }
        Defect::ErrorRedirectToUnregistered => {
            let landing = ehr
                .land(APP, |form| form.set("redirect_uri", "https://evil.example/"))
                .await;
            landing.address().starts_with("https://evil.example/?error=")
        }
        Defect::Response307 => {
            let form = ehr.walk_until(&ehr.request(APP), &DOCTOR, "/auth/consent").await;
            ehr.submit("/auth/consent", &form).await.status == StatusCode::TEMPORARY_REDIRECT
        }
        Defect::SignIn307 => {
            let form = ehr.walk_until(&ehr.request(APP), &DOCTOR, "/auth/sign-in").await;
            let form = form.set("username", "demo").set("password", "demo");
            ehr.submit("/auth/sign-in", &form).await.status == StatusCode::TEMPORARY_REDIRECT
        }
        Defect::ResponseIssMissing => ehr.land(APP, |form| form).await.parameter("iss").is_none(),
        Defect::ResponseIssMissingInErrors => {
            let landing = ehr.land(APP, |form| form.set("response_type", "x")).await;
            landing.parameter("error").is_some() && landing.parameter("iss").is_none()
        }
        Defect::ResponseIssWrong => ehr
            .land(APP, |form| form)
            .await
            .parameter("iss")
            .is_some_and(|iss| iss != BASE),
        Defect::ResponseInFragment => ehr.land(APP, |form| form).await.address().contains("#code="),
        Defect::ResponseLosesQuery => {
            let landing = ehr
                .land(APP, |form| form.set("redirect_uri", "https://app.example/cb?tenant=7"))
                .await;
            landing.parameter("code").is_some() && landing.parameter("tenant").is_none()
        }
        Defect::DeniedGivesCode => denied(ehr).await.parameter("code").is_some(),
        Defect::DeniedErrorCodeWrong => denied(ehr).await.parameter("error").as_deref() == Some("invalid_request"),
        _ => return None,
    })
}

async fn denied(ehr: &TestEhr) -> Landing {
    ehr.other_browser().walk(&ehr.request(APP), &DENIER).await
}

async fn pages(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let page = async |path: &str| ehr.walk_until(&ehr.request(APP), &DOCTOR, path).await;
    Some(match defect {
        Defect::PagesFrameable => {
            let form = page("/auth/sign-in").await;
            let answer = ehr
                .browse(&format!("/auth/sign-in?request={}", form.get("request")))
                .await;
            !answer.header("content-security-policy").contains("frame-ancestors")
        }
        Defect::PagesCacheable => {
            let form = page("/auth/sign-in").await;
            let answer = ehr
                .browse(&format!("/auth/sign-in?request={}", form.get("request")))
                .await;
            answer.header("cache-control") != "no-store"
        }
        Defect::PagesThirdParty => {
            let form = page("/auth/sign-in").await;
            let answer = ehr
                .browse(&format!("/auth/sign-in?request={}", form.get("request")))
                .await;
            answer.body.contains("https://stats.example/") && answer.header("referrer-policy").is_empty()
        }
        Defect::CookieUnguarded => !first(ehr, |form| form).await.header("set-cookie").contains("HttpOnly"),
        Defect::CsrfNotChecked => {
            let form = page("/auth/consent").await.set("csrf", "guessed");
            ehr.submit("/auth/consent", &form).await.status.is_redirection()
        }
        Defect::PickerPatientNotOfferedAccepted => {
            let nurse = Person {
                username: "nurse",
                patient: "patient-a",
                allows: true,
            };
            let form = ehr.walk_until(&ehr.request(APP), &nurse, "/auth/patient").await;
            let form = form.set("patient", "patient-d");
            ehr.submit("/auth/patient", &form).await.status.is_redirection()
        }
        Defect::ConsentScopeNotOfferedAccepted => {
            let form = page("/auth/consent").await.add("scope", "user/*.cruds");
            ehr.submit("/auth/consent", &form).await.status.is_redirection()
        }
        Defect::SessionsMixed => {
            let one = page("/auth/consent").await;
            let other = ehr.request(APP).set("state", "other");
            ehr.walk_until(&other, &DOCTOR, "/auth/consent").await;
            let answer = ehr.submit("/auth/consent", &one).await;
            Landing::App(answer.header("location").to_owned())
                .parameter("state")
                .as_deref()
                != Some(STATE)
        }
        _ => return None,
    })
}

async fn state(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let returned = async |state: &str| ehr.land(APP, |form| form.set("state", state)).await.parameters("state");
    Some(match defect {
        Defect::StateDropped => returned("x").await.is_empty(),
        Defect::StateDroppedOnError => ehr
            .land(APP, |form| form.omit("response_type"))
            .await
            .parameters("state")
            .is_empty(),
        Defect::StateDroppedOnDenial => denied(ehr).await.parameters("state").is_empty(),
        Defect::StateReencoded => returned("a b").await == ["a%20b"],
        Defect::StatePlusAsSpace => returned("a+b").await == ["a b"],
        Defect::StateTruncated => returned(&"x".repeat(300)).await == ["x".repeat(255)],
        Defect::StateLowercased => returned("AbC").await == ["abc"],
        Defect::StateDoubled => returned("x").await == ["x", "x"],
        Defect::StateTrimmed => returned(" x ").await == ["x"],
        Defect::StateHtmlEscaped => returned("a&b").await == ["a&amp;b"],
        Defect::StateNonAsciiMangled => returned("\u{e9}").await == ["?"],
        Defect::StateReplaced => returned("x").await != ["x"],
        _ => return None,
    })
}

async fn pkce(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let redeems = async |client: &'static str, ask: &dyn Fn(Form) -> Form, redeem: &dyn Fn(Form) -> Form| match ehr
        .try_code(client, ask)
        .await
    {
        Some(flow) => ehr.redeem(&flow, redeem).await.gives_token(),
        None => false,
    };
    let same = |form: Form| form;
    let no_verifier = |form: Form| form.omit("code_verifier");
    let method = |name: &'static str| move |form: Form| form.set("code_challenge_method", name);
    Some(match defect {
        Defect::PkceNotRequired => redeems(APP, &|form| form.omit("code_challenge"), &no_verifier).await,
        Defect::PkceDowngrade => redeems(APP, &|form| form.omit("code_challenge"), &same).await,
        Defect::PkceOnlyPublic => redeems("app-symmetric", &|form| form.omit("code_challenge"), &no_verifier).await,
        Defect::PkceEmptyChallengeAccepted => redeems(APP, &|form| form.set("code_challenge", ""), &no_verifier).await,
        Defect::PkceS256Refused => ehr.land(APP, |form| form).await.parameter("error").is_some(),
        Defect::PkcePlainAccepted => {
            let ask = |form: Form| {
                form.set("code_challenge", VERIFIER)
                    .set("code_challenge_method", "plain")
            };
            redeems(APP, &ask, &same).await
        }
        Defect::PkcePlainAnyCase => {
            let ask = |form: Form| {
                form.set("code_challenge", VERIFIER)
                    .set("code_challenge_method", "PLAIN")
            };
            redeems(APP, &ask, &same).await
        }
        Defect::PkceMethodUnknownAccepted => redeems(APP, &method("S512"), &same).await,
        Defect::PkceMethodLowercaseAccepted => redeems(APP, &method("s256"), &same).await,
        Defect::PkceMissingMethodAsPlain => {
            let ask = |form: Form| form.set("code_challenge", VERIFIER).omit("code_challenge_method");
            redeems(APP, &ask, &same).await
        }
        Defect::PkceMissingMethodAsS256 => redeems(APP, &|form| form.omit("code_challenge_method"), &same).await,
        Defect::PkceMalformedChallenge => redeems(APP, &|form| form.set("code_challenge", "short"), &same).await,
        Defect::PkceNotVerified => redeems(APP, &same, &|form| form.set("code_verifier", &"y".repeat(50))).await,
        Defect::PkceMissingVerifierAccepted => redeems(APP, &same, &no_verifier).await,
        Defect::PkceEmptyVerifierAccepted => redeems(APP, &same, &|form| form.set("code_verifier", "")).await,
        Defect::PkceChallengeAsVerifier => {
            redeems(APP, &same, &|form| form.set("code_verifier", &challenge(VERIFIER))).await
        }
        Defect::PkceShortVerifier => with_verifier(ehr, &"v".repeat(42)).await,
        Defect::PkceLongVerifier => with_verifier(ehr, &"v".repeat(129)).await,
        Defect::PkceBadAlphabet => with_verifier(ehr, &format!("{}!", "v".repeat(50))).await,
        Defect::PkceVerifierOfAnyFlow => {
            let other = "w".repeat(50);
            ehr.try_code(APP, |form| form.set("code_challenge", &challenge(&other)))
                .await
                .unwrap();
            redeems(APP, &same, &|form| form.set("code_verifier", &other)).await
        }
        _ => return None,
    })
}

async fn with_verifier(ehr: &TestEhr, verifier: &str) -> bool {
    let flow = ehr
        .try_code(APP, |form| form.set("code_challenge", &challenge(verifier)))
        .await
        .unwrap();
    ehr.redeem(&flow, |form| form.set("code_verifier", verifier))
        .await
        .gives_token()
}

async fn aud(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let takes = async |aud: &str| ehr.gives_code(APP, |form| form.set("aud", aud)).await;
    Some(match defect {
        Defect::AudNotChecked => takes("urn:anything").await,
        Defect::AudMissingAccepted => ehr.gives_code(APP, |form| form.omit("aud")).await,
        Defect::AudEmptyAccepted => takes("").await,
        Defect::AudHostIgnored => takes("http://evil.example:8080/fhir").await,
        Defect::AudPortIgnored => takes("http://127.0.0.1:9/fhir").await,
        Defect::AudSchemeIgnored => takes("https://127.0.0.1:8080/fhir").await,
        Defect::AudPathPrefix => takes("http://127.0.0.1:8080/fhir-evil").await,
        Defect::AudPathParent => takes("http://127.0.0.1:8080/").await,
        Defect::AudPathCase => takes("http://127.0.0.1:8080/FHIR").await,
        Defect::AudUserinfo => takes("http://user@127.0.0.1:8080/fhir").await,
        Defect::AudQueryIgnored => takes("http://127.0.0.1:8080/fhir?x").await,
        Defect::AudArrayFirst => takes("https://evil.example/fhir http://127.0.0.1:8080/fhir").await,
        _ => return None,
    })
}

async fn launch(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let takes = async |launch: &str| ehr.gives_code(APP, |form| form.add("launch", launch)).await;
    Some(match defect {
        Defect::LaunchUnknownAccepted => takes("junk").await,
        Defect::LaunchEmptyAccepted => takes("").await,
        Defect::LaunchAlteredAccepted => {
            let launch = ehr.launch(APP, None).launch;
            let cut = launch.rfind('.').unwrap();
            takes(&format!("{}.{}", &launch[..cut], "A".repeat(86))).await
        }
        Defect::LaunchExpiredAccepted => {
            let launch = ehr.launch(APP, None).launch;
            ehr.mock.advance(SignedDuration::from_secs(301));
            takes(&launch).await
        }
        Defect::LaunchForeignClientAccepted => takes(&ehr.launch("app-public-2", None).launch).await,
        Defect::LaunchForeignUserAccepted => takes(&ehr.launch(APP, Some("nurse")).launch).await,
        _ => return None,
    })
}

async fn scope(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let granted =
        async |client: &'static str, scope: &str| match ehr.try_code(client, |form| form.set("scope", scope)).await {
            Some(flow) => ehr.redeem(&flow, |form| form).await.member("scope"),
            None => String::new(),
        };
    Some(match defect {
        Defect::ScopeMissingAcceptedWithEverything => ehr.gives_code(APP, |form| form.omit("scope")).await,
        Defect::ScopeUnknownGranted => granted(APP, "openid nonsense").await.contains("nonsense"),
        Defect::ScopeOnlyUnknownAccepted => granted(APP, "nonsense").await == "nonsense",
        Defect::ScopeWiderGranted => granted(APP, "openid").await != "openid",
        Defect::ScopeNotRegisteredGranted => granted(APP, "openid system/*.rs").await.contains("system"),
        Defect::ScopeV1Refused => !granted(APP, "openid patient/*.read").await.contains("patient"),
        Defect::ScopeV2Refused => !granted(APP, "openid patient/*.rs").await.contains("patient"),
        _ => return None,
    })
}

#[tokio::test]
async fn only_get_and_post_are_known() {
    let request = Request::put("/auth/authorize").body(Body::empty()).unwrap();
    assert_eq!(
        TestEhr::new().send(request).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
