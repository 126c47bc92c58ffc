//! Each variant shows on the wire, and a whole launch still succeeds with it.

use http::StatusCode;
use mock_ehr::Variant;
use serde_json::json;

use crate::harness::*;

const APP: &str = "app-public";

/// Without the scope that only an EHR launch needs.
fn standalone(form: Form) -> Form {
    form.set("scope", SCOPE.trim_start_matches("launch "))
}

/// Does the mock behave in the way of this variant?
pub(crate) async fn shows(ehr: &TestEhr, variant: Variant) -> bool {
    if let Some(answer) = at_authorize(ehr, variant).await {
        return answer;
    }
    if let Some(answer) = at_token(ehr, variant).await {
        return answer;
    }
    match variant {
        Variant::DeniedAs404 | Variant::DeniedAsEmptyBundle => {
            // Data are the FHIR server's part: see src/fhir/tests.rs.
            let scoped = ehr
                .launched_with(APP, |form| form.set("scope", "launch/patient patient/Patient.rs"))
                .await;
            let token = scoped.member("access_token");
            let search = ehr.fhir("Observation?patient=patient-b", &token).await;
            let read = ehr.fhir("Observation/observation-b1", &token).await;
            match variant {
                Variant::DeniedAs404 => read.status == StatusCode::NOT_FOUND,
                _ => search.status == StatusCode::OK && search.json()["resourceType"] == "Bundle",
            }
        }
        Variant::IdTokenEs384
        | Variant::IdTokenAudList
        | Variant::IdTokenAudSeveral
        | Variant::UserinfoNotOffered
        | Variant::UserinfoWithoutFhirUser
        | Variant::IntrospectionOfRefreshTokensInactive
        | Variant::IntrospectionBearerRefused
        | Variant::IntrospectionGetAccepted
        | Variant::RevocationAccessTokenEndsGrant => crate::defects::about_token::shows(ehr, variant).await,
        Variant::PromptPassedOver | Variant::DiscoveryLimited | Variant::JwksPlainText | Variant::JwksCacheable => {
            crate::defects::pages::shows(ehr, variant).await
        }
        Variant::JwksUriRedirectFollowed | Variant::JwksUriTextRefused | Variant::JwksUriAlgBound => {
            crate::defects::jwks_uri::shows(ehr, variant).await
        }
        Variant::RefusedReadWithoutOutcome => {
            let answer = ehr.get("/fhir/Patient/patient-b").await;
            answer.status == StatusCode::UNAUTHORIZED && answer.body.is_empty()
        }
        Variant::ScopeWildcardExpanded | Variant::ScopeSplit => {
            let answer = ehr
                .launched_with(APP, |form| form.set("scope", "launch/patient patient/*.rs"))
                .await;
            let scope = answer.member("scope");
            match variant {
                Variant::ScopeSplit => scope == "launch/patient patient/*.r patient/*.s",
                _ => scope.contains("patient/Condition.rs") && !scope.contains('*'),
            }
        }
        Variant::ScopeRefusedWhole => {
            let landing = ehr
                .land(APP, |form| form.set("scope", "patient/*.rs patient/*.everything"))
                .await;
            landing.parameter("error").as_deref() == Some("invalid_scope")
        }
        Variant::ScopeOfflineNotForPublic => {
            let public = ehr.launched(APP).await;
            assert!(
                ehr.launched("app-symmetric")
                    .await
                    .json()
                    .get("refresh_token")
                    .is_some()
            );
            public.json().get("refresh_token").is_none() && !public.member("scope").contains("offline_access")
        }
        Variant::JwksEncryptionKeyListed => {
            let keys = ehr.get("/.well-known/jwks.json").await.json();
            keys["keys"][0]["use"] == "enc" && keys["keys"][1]["use"] == "sig"
        }
        Variant::ClientCredentialsWithSecret => {
            let form = Form::of(&[("grant_type", "client_credentials"), ("scope", "system/*.rs")]);
            let authorization = basic("app-symmetric", secret("app-symmetric"));
            ehr.post("/auth/token", &[("authorization", &authorization)], &form)
                .await
                .gives_token()
        }
        Variant::GranularSearchRefused => {
            let scope = "launch/patient patient/Observation.rs?category=laboratory";
            let scoped = ehr.launched_with(APP, |form| form.set("scope", scope)).await;
            let token = scoped.member("access_token");
            let wide = ehr.fhir("Observation", &token).await.status;
            let within = ehr.fhir("Observation?category=laboratory", &token).await.status;
            wide == StatusCode::FORBIDDEN && within == StatusCode::OK
        }
        Variant::FhirReadsOnly => {
            let scoped = ehr
                .launched_with(APP, |form| form.set("scope", "launch/patient patient/*.rs"))
                .await;
            let token = scoped.member("access_token");
            let history = ehr.fhir("Patient/patient-b/_history", &token).await.status;
            history == StatusCode::NOT_FOUND && ehr.fhir("Patient/patient-b", &token).await.status == StatusCode::OK
        }
        Variant::ScopesListedInPart
        | Variant::SsoNotClaimed
        | Variant::AssociatedEndpointsListed
        | Variant::RegistrationEndpointUnlisted
        | Variant::AuthMethodsAlsoMisnamed => {
            let smart = ehr.get("/fhir/.well-known/smart-configuration").await.json();
            match variant {
                Variant::ScopesListedInPart => smart["scopes_supported"] == json!(["launch", "patient/*.rs"]),
                Variant::SsoNotClaimed => !smart["capabilities"].to_string().contains("sso-openid-connect"),
                Variant::AssociatedEndpointsListed => smart["associated_endpoints"].is_array(),
                Variant::RegistrationEndpointUnlisted => smart["registration_endpoint"].is_null(),
                _ => smart["token_endpoint_auth_methods"].is_array(),
            }
        }
        Variant::DeleteOfNothing => crate::defects::conditional::shows(ehr, variant).await,
        Variant::SessionCookieNarrow => {
            let address = format!("/auth/authorize?{}", ehr.request(APP).encode());
            let cookie = ehr.browse(&address).await.header("set-cookie").to_owned();
            cookie.ends_with("; Path=/auth; HttpOnly; SameSite=Lax")
        }
        Variant::ParRequired => {
            let landing = ehr.walk(&standalone(ehr.request(APP)), &DOCTOR).await;
            landing.parameter("code").is_none()
        }
        Variant::ParRequiredToldOnce => {
            let landing = ehr.walk(&standalone(ehr.request(APP)), &DOCTOR).await;
            let told = async |path| ehr.get(path).await.json()["require_pushed_authorization_requests"] == true;
            landing.parameter("code").is_none()
                && told("/.well-known/oauth-authorization-server").await
                && !told("/.well-known/openid-configuration").await
                && !told("/fhir/.well-known/smart-configuration").await
        }
        Variant::RegistrationReadOnly => crate::defects::registration_management::is_read_only(ehr).await,
        Variant::RegistrationWeakKeyRefused => {
            crate::defects::assertion::register_weak_key(ehr).await.status == StatusCode::BAD_REQUEST
        }
        Variant::OpenidOptionsListed => {
            let openid = ehr.get("/.well-known/openid-configuration").await.json();
            openid["claims_parameter_supported"] == true
        }
        Variant::OauthMetadataMissing => {
            ehr.get("/.well-known/oauth-authorization-server").await.status == StatusCode::NOT_FOUND
        }
        Variant::SecurityServiceUntold => {
            let statement = ehr.get("/fhir/metadata").await.json();
            statement.pointer("/rest/0/security/service").is_none()
        }
        Variant::BrandsUndated => {
            let bundle = ehr.get("/brands.json").await.json();
            bundle.pointer("/entry/0/resource/meta").is_none()
        }
        Variant::CorsAnyOrigin => {
            let headers = [("origin", "https://stranger.example")];
            let answer = ehr.get_with("/fhir/Patient/patient-a", &headers).await;
            answer.header("access-control-allow-origin") == "*"
        }
        // Without a probe it cannot show, and the test names it among those that do not.
        _ => false,
    }
}

async fn at_authorize(ehr: &TestEhr, variant: Variant) -> Option<bool> {
    let refused = || ehr.land(APP, |form| form.omit("response_type"));
    let discovered = || async { ehr.get("/fhir/.well-known/smart-configuration").await.body };
    Some(match variant {
        Variant::CapabilityUnknownListed => discovered().await.contains("\"launch-kiosk\""),
        Variant::AuthMethodNoneNotListed => !discovered().await.contains("\"none\""),
        Variant::ErrorPageInsteadOfRedirect => refused().await.status() == 400,
        Variant::ErrorHtmlPage200 => refused().await.status() == 200,
        Variant::ErrorNoDescription => refused().await.parameter("error_description").is_none(),
        Variant::Redirect302 => {
            let answer = ehr
                .browse(&format!("/auth/authorize?{}", ehr.request(APP).encode()))
                .await;
            answer.status == StatusCode::FOUND
        }
        Variant::ResponseIssNotSent => {
            let landing = ehr.land(APP, |form| form).await;
            landing.parameter("code").is_some()
                && landing.parameter("iss").is_none()
                && !discovered()
                    .await
                    .contains("authorization_response_iss_parameter_supported")
        }
        Variant::ConsentNotAsked => ehr.walk(&ehr.request(APP), &DENIER).await.parameter("code").is_some(),
        Variant::SignInEachTime => {
            ehr.walk(&ehr.request(APP), &DOCTOR).await;
            let path = format!("/auth/authorize?{}", ehr.request(APP).encode());
            ehr.browse(&path).await.header("location").starts_with("/auth/sign-in")
        }
        Variant::ThreePageSignIn => {
            let form = ehr.walk_until(&ehr.request(APP), &DOCTOR, "/auth/sign-in").await;
            form.get("username") == "demo" && form.get("password").is_empty()
        }
        Variant::SessionReused => {
            ehr.walk(&ehr.request(APP), &DOCTOR).await;
            let answer = ehr
                .browse(&format!("/auth/authorize?{}", ehr.request(APP).encode()))
                .await;
            answer.header("location").starts_with("https://app.example/cb?code=")
        }
        Variant::StateOptional => {
            let landing = ehr.land(APP, |form| form.omit("state")).await;
            landing.parameter("code").is_some() && landing.parameter("state").is_none()
        }
        Variant::ScopeDefault => ehr.gives_code(APP, |form| form.omit("scope")).await,
        Variant::TrailingSlashAudRefused => !ehr.gives_code(APP, |form| form.set("aud", &format!("{FHIR}/"))).await,
        Variant::LoopbackPortStrict => {
            !ehr.gives_code(APP, |form| form.set("redirect_uri", "http://127.0.0.1:9999/callback"))
                .await
        }
        Variant::AudRefusedAtExchange => match wrong_aud(ehr).await {
            Some(flow) => ehr.redeem(&flow, |form| form).await.error() == "invalid_grant",
            None => false,
        },
        Variant::AudRefusedAtFhir => match wrong_aud(ehr).await {
            Some(flow) => {
                let token = ehr.redeem(&flow, |form| form).await.member("access_token");
                !token.is_empty() && !ehr.is_alive(&token).await
            }
            None => false,
        },
        Variant::PkceMissingRefusedAtExchange => match ehr.try_code(APP, |form| form.omit("code_challenge")).await {
            Some(flow) => ehr.redeem(&flow, |form| form).await.error() == "invalid_grant",
            None => false,
        },
        Variant::LaunchUnknownIgnored => match ehr.try_code(APP, |form| form.add("launch", "junk")).await {
            Some(flow) => ehr.redeem(&flow, |form| form).await.json()["patient"] == "patient-b",
            None => false,
        },
        Variant::LaunchSingleUse => {
            let launch = ehr.launch(APP, None).launch;
            assert!(ehr.gives_code(APP, |form| form.add("launch", &launch)).await);
            !ehr.gives_code(APP, |form| form.add("launch", &launch)).await
        }
        Variant::LaunchScopeAloneRefused => !ehr.gives_code(APP, |form| form).await,
        Variant::LaunchEncounterByName => {
            let launch = ehr.launch(APP, None).launch;
            let answer = ehr
                .launched_with(APP, |form| form.add("launch", &launch).set("scope", "launch"))
                .await;
            answer.json()["patient"] == "patient-c" && answer.json().get("encounter").is_none()
        }
        Variant::LaunchContextWithoutScope => {
            let launch = ehr.launch(APP, None).launch;
            let alter = |form: Form| form.add("launch", &launch).set("scope", "launch/patient");
            ehr.launched_with(APP, alter).await.json()["patient"] == "patient-c"
        }
        _ => return None,
    })
}

async fn wrong_aud(ehr: &TestEhr) -> Option<Flow> {
    ehr.try_code(APP, |form| form.set("aud", "https://other.example/fhir"))
        .await
}

async fn at_token(ehr: &TestEhr, variant: Variant) -> Option<bool> {
    let launched = || ehr.launched(APP);
    Some(match variant {
        Variant::JwtAccessToken => {
            let answer = launched().await;
            let refreshed = ehr.refresh(APP, &answer.member("refresh_token"), |form| form).await;
            assert!(refreshed.gives_token());
            let is_jwt = |name: &str| answer.member(name).split('.').count() == 3;
            is_jwt("access_token") && is_jwt("refresh_token")
        }
        Variant::LowercaseBearer => launched().await.member("token_type") == "bearer",
        Variant::RefreshClientIdRequired => {
            let token = launched().await.member("refresh_token");
            let refused = ehr.refresh(APP, &token, |form| form.omit("client_id")).await;
            refused.status == StatusCode::UNAUTHORIZED
        }
        Variant::NoRefreshToken => launched().await.json().get("refresh_token").is_none(),
        Variant::NoRefreshRotation => {
            let token = launched().await.member("refresh_token");
            ehr.refresh(APP, &token, |form| form).await;
            ehr.refresh(APP, &token, |form| form).await.gives_token()
        }
        Variant::ExtraMembers => {
            let landing = ehr.land(APP, |form| form).await;
            let error = ehr.land(APP, |form| form.omit("response_type")).await;
            let answer = launched().await;
            let claims = crate::defects::openid::part(&answer.member("id_token"), 1);
            answer.json().get("x_vendor").is_some()
                && claims.get("sid").is_some()
                && landing.parameter("session_state").is_some()
                && error.parameter("error_uri").is_some()
        }
        Variant::ReorderedJson => {
            let answer = launched().await;
            let scope = answer.member("scope");
            !answer.body.starts_with("{\"access_token\"") && scope.split(' ').rev().eq(SCOPE.split(' '))
        }
        Variant::JsonHeadersLonger => {
            let answer = launched().await;
            let unkept = answer.header("cache-control");
            answer.header("content-type") == "application/json;charset=UTF-8"
                && unkept.starts_with("no-cache, no-store")
        }
        Variant::InvalidClient400 => {
            let form = Form::of(&[("grant_type", "authorization_code"), ("client_id", "app-symmetric")]);
            ehr.post("/auth/token", &[], &form).await.status == StatusCode::BAD_REQUEST
        }
        Variant::BasicRawAccepted => {
            let form = ehr.exchange(&ehr.code("app-symmetric").await);
            let authorization = raw_basic("app-symmetric", secret("app-symmetric"));
            ehr.post("/auth/token", &[("authorization", &authorization)], &form)
                .await
                .gives_token()
        }
        Variant::AssertionIssuerAudienceAccepted => {
            ehr.proves(&ehr.assertion("app-asymmetric").claim("aud", json!(BASE)).sign())
                .await
        }
        Variant::AssertionFutureIatRefused => {
            let ahead = ehr.mock.state().now().as_second() + 60;
            !ehr.proves(&ehr.assertion("app-asymmetric").claim("iat", ahead).sign())
                .await
        }
        Variant::AssertionSkewOfAMinute => {
            let late = ehr.mock.state().now().as_second() - 30;
            ehr.proves(&ehr.assertion("app-asymmetric").claim("exp", late).sign())
                .await
        }
        Variant::TokenJsonAccepted => {
            let flow = ehr.code(APP).await;
            let body = json!({
                "grant_type": "authorization_code",
                "code": flow.code,
                "redirect_uri": flow.redirect_uri,
                "code_verifier": VERIFIER,
                "client_id": APP,
            });
            ehr.post_json("/auth/token", &body).await.gives_token()
        }
        Variant::PublicSecretIgnored => {
            let flow = ehr.code(APP).await;
            ehr.redeem(&flow, |form| form.add("client_secret", "x"))
                .await
                .gives_token()
        }
        Variant::FhirUserRelative => {
            let token = launched().await.member("access_token");
            ehr.introspect(&token).await.member("fhirUser") == "Practitioner/practitioner-1"
        }
        Variant::IntrospectionOfOthersInactive => {
            let token = launched().await.member("access_token");
            ehr.introspect(&token).await.json()["active"] == false
        }
        _ => return None,
    })
}

#[tokio::test]
async fn every_variant_shows_and_launches_succeed_all_the_same() {
    let mut wrong = Vec::new();
    for variant in Variant::ALL {
        let is_denial = matches!(variant, Variant::DeniedAs404 | Variant::DeniedAsEmptyBundle);
        if !is_denial && shows(&TestEhr::new(), *variant).await {
            wrong.push(format!("{variant}: shows without being armed"));
        }
        if !shows(&TestEhr::with_variant(*variant), *variant).await {
            wrong.push(format!("{variant}: does not show, or has no probe"));
        }
        for client in ["app-public", "app-symmetric", "app-asymmetric"] {
            let ehr = TestEhr::with_variant(*variant);
            let answer = ehr.launched_with(client, standalone).await;
            if !ehr.is_alive(&answer.member("access_token")).await {
                wrong.push(format!("{variant}: {client} gets no access"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        Variant::ALL.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn all_variants_at_once_still_launch() {
    let quarrelsome = [
        Variant::AudRefusedAtExchange,
        Variant::NoRefreshToken,
        Variant::ErrorHtmlPage200,
        // The document that alone says so is left out by another.
        Variant::ParRequiredToldOnce,
    ];
    let ehr = TestEhr::new();
    ehr.mock.set_variants(
        Variant::ALL
            .iter()
            .copied()
            .filter(|variant| !quarrelsome.contains(variant)),
    );
    let answer = ehr.launched_with("app-symmetric", standalone).await;
    assert!(ehr.is_alive(&answer.member("access_token")).await);
}
