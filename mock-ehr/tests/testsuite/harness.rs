//! One mock in process, and an app that asks correctly until a test alters its request.

mod browser;
mod credentials;
mod messages;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, StatusCode, header};
use mock_ehr::fetch::Fetch;
use mock_ehr::launch::LaunchResponse;
use mock_ehr::{Builder, Defect, LaunchRequest, MockEhr, Variant};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use crate::shelf::Shelf;

pub(crate) use browser::*;
pub(crate) use credentials::*;
pub(crate) use messages::*;

pub(crate) const BASE: &str = "http://127.0.0.1:8080";
pub(crate) const FHIR: &str = "http://127.0.0.1:8080/fhir";
pub(crate) const TOKEN_URL: &str = "http://127.0.0.1:8080/auth/token";
pub(crate) const VERIFIER: &str = "verifier-0123456789-0123456789-0123456789-abc";
pub(crate) const STATE: &str = "AbC+d 1%2F&<\"\u{e9}\u{4e16}";
pub(crate) const SCOPE: &str =
    "launch launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A mock under test.
pub(crate) struct TestEhr {
    pub(crate) mock: MockEhr,
    router: Router,
    cookies: Mutex<BTreeMap<String, String>>,
    jti: AtomicU64,
    /// What the mock fetches.
    pub(crate) shelf: Arc<Shelf>,
    /// Every exchange of every browser and app at this mock.
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

/// An exchange: where, and which defects the answer names.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) defects: String,
}

impl Seen {
    pub(crate) fn names(&self, defect: Defect) -> bool {
        self.defects.split(", ").any(|name| name == defect.name())
    }
}

/// A code and all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) client: &'static str,
    pub(crate) code: String,
    pub(crate) redirect_uri: String,
}

impl TestEhr {
    pub(crate) fn new() -> Self {
        Self::built(MockEhr::builder())
    }

    pub(crate) fn with_defect(defect: Defect) -> Self {
        Self::built(MockEhr::builder().defect(defect))
    }

    pub(crate) fn with_variant(variant: Variant) -> Self {
        Self::built(MockEhr::builder().variant(variant))
    }

    pub(crate) fn built(builder: Builder) -> Self {
        let shelf = Arc::new(Shelf::default());
        let fetch: Arc<dyn Fetch> = Arc::clone(&shelf) as _;
        let mock = builder.public_url(BASE).fetch(fetch).build().unwrap();
        Self {
            shelf,
            ..Self::around(mock)
        }
    }

    pub(crate) fn around(mock: MockEhr) -> Self {
        let router = mock.router();
        Self::behind(mock, router)
    }

    /// A mock that is reached by this router, with others perhaps.
    pub(crate) fn behind(mock: MockEhr, router: Router) -> Self {
        Self {
            mock,
            router,
            cookies: Mutex::default(),
            jti: AtomicU64::new(0),
            shelf: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// Another browser at the same mock.
    pub(crate) fn other_browser(&self) -> Self {
        Self {
            seen: Arc::clone(&self.seen),
            ..Self::behind(self.mock.clone(), self.router.clone())
        }
    }

    // Requests.

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        };
        self.seen.lock().unwrap().push(Seen {
            method,
            path,
            defects: answer.header("x-mock-defect").to_owned(),
        });
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], form: &Form) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(form.encode())).unwrap()).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    // The authorization endpoint.

    /// A correct request of this client.
    pub(crate) fn request(&self, client: &str) -> Form {
        Form::of(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", &redirect_uri(client)),
            ("scope", SCOPE),
            ("state", STATE),
            ("aud", self.mock.fhir_base()),
            ("code_challenge", &challenge(VERIFIER)),
            ("code_challenge_method", "S256"),
            ("nonce", "nonce-1"),
        ])
    }

    /// Where a correct request, altered, ends.
    pub(crate) async fn land(&self, client: &str, alter: impl FnOnce(Form) -> Form) -> Landing {
        self.other_browser().walk(&alter(self.request(client)), &DOCTOR).await
    }

    /// Does the altered request get a code?
    pub(crate) async fn gives_code(&self, client: &str, alter: impl FnOnce(Form) -> Form) -> bool {
        self.land(client, alter).await.parameter("code").is_some()
    }

    /// A fresh code of an altered request.
    pub(crate) async fn try_code(&self, client: &'static str, alter: impl FnOnce(Form) -> Form) -> Option<Flow> {
        let request = alter(self.request(client));
        let redirect_uri = request.get("redirect_uri").to_owned();
        let smart = self.get("/fhir/.well-known/smart-configuration").await;
        let oauth = self.get("/.well-known/oauth-authorization-server").await;
        let required = "\"require_pushed_authorization_requests\":true";
        let request = if smart.body.contains(required) || oauth.body.contains(required) {
            let pushed = self.call("/auth/par", client, request).await;
            Form::of(&[("client_id", client), ("request_uri", &pushed.member("request_uri"))])
        } else {
            request
        };
        let landing = self.other_browser().walk(&request, &DOCTOR).await;
        Some(Flow {
            client,
            code: landing.parameter("code")?,
            redirect_uri,
        })
    }

    /// A fresh code.
    pub(crate) async fn code(&self, client: &'static str) -> Flow {
        self.try_code(client, |request| request)
            .await
            .expect("a correct request gets a code")
    }

    // The token endpoint.

    /// A correct exchange, without credentials.
    #[expect(clippy::unused_self, reason = "it stands beside the requests that do need the mock")]
    pub(crate) fn exchange(&self, flow: &Flow) -> Form {
        let form = Form::of(&[
            ("grant_type", "authorization_code"),
            ("code", &flow.code),
            ("redirect_uri", &flow.redirect_uri),
            ("code_verifier", VERIFIER),
        ]);
        if flow.client.starts_with("app-public") {
            form.add("client_id", flow.client)
        } else {
            form
        }
    }

    /// The exchange, altered, with the client's own credentials.
    pub(crate) async fn redeem(&self, flow: &Flow, alter: impl FnOnce(Form) -> Form) -> Answer {
        self.token(flow.client, alter(self.exchange(flow))).await
    }

    /// A token request with the client's own credentials.
    pub(crate) async fn token(&self, client: &str, form: Form) -> Answer {
        self.call("/auth/token", client, form).await
    }

    /// A request of a client to one of its endpoints.
    pub(crate) async fn call(&self, path: &str, client: &str, form: Form) -> Answer {
        match client {
            "app-symmetric" | "app-symmetric-2" => {
                let authorization = basic(client, secret(client));
                self.post(path, &[("authorization", &authorization)], &form).await
            }
            "app-asymmetric" | "app-asymmetric-2" => {
                let assertion = self.assertion(client).sign();
                self.post(
                    path,
                    &[],
                    &form
                        .add("client_assertion_type", JWT_BEARER)
                        .add("client_assertion", &assertion),
                )
                .await
            }
            _ if form.get("client_id").is_empty() && path != "/auth/token" => {
                self.post(path, &[], &form.add("client_id", client)).await
            }
            _ => self.post(path, &[], &form).await,
        }
    }

    /// A whole launch: the token response.
    pub(crate) async fn launched(&self, client: &'static str) -> Answer {
        self.launched_with(client, |request| request).await
    }

    /// A whole launch with an altered request.
    pub(crate) async fn launched_with(&self, client: &'static str, alter: impl FnOnce(Form) -> Form) -> Answer {
        let flow = self.try_code(client, alter).await.expect("a code");
        let answer = self.redeem(&flow, |form| form).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer
    }

    /// A refresh, altered.
    pub(crate) async fn refresh(&self, client: &str, token: &str, alter: impl FnOnce(Form) -> Form) -> Answer {
        let mut form = Form::of(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
        if client.starts_with("app-public") {
            form = form.add("client_id", client);
        }
        self.token(client, alter(form)).await
    }

    /// A correct assertion of this client, to be altered.
    pub(crate) fn assertion(&self, client: &str) -> Assertion {
        let key = if ["app-asymmetric-2", "backend"].contains(&client) {
            "client_2_es384"
        } else {
            "client_es384"
        };
        let now = self.mock.state().now().as_second();
        Assertion {
            key: key.to_owned(),
            header: json!({ "alg": "ES384", "kid": kid(key), "typ": "JWT" }),
            claims: json!({
                "iss": client,
                "sub": client,
                "aud": TOKEN_URL,
                "iat": now,
                "exp": now + 60,
                "jti": format!("jti-{}", self.jti.fetch_add(1, Ordering::Relaxed)),
            }),
        }
    }

    /// Does this assertion redeem a fresh code of app-asymmetric?
    pub(crate) async fn proves(&self, token: &str) -> bool {
        let flow = self.code("app-asymmetric").await;
        let form = self
            .exchange(&flow)
            .add("client_assertion_type", JWT_BEARER)
            .add("client_assertion", token);
        self.post("/auth/token", &[], &form).await.gives_token()
    }

    /// An EHR launch.
    pub(crate) fn launch(&self, client: &str, user: Option<&str>) -> LaunchResponse {
        self.mock
            .create_launch(LaunchRequest {
                client: client.to_owned(),
                user: user.map(str::to_owned),
                patient: Some("patient-c".into()),
                encounter: Some("encounter-c1".into()),
                need_patient_banner: Some(false),
                intent: Some("review".into()),
                ..LaunchRequest::default()
            })
            .unwrap()
    }

    /// Data, with a token.
    pub(crate) async fn fhir(&self, path: &str, token: &str) -> Answer {
        self.get_with(
            &format!("/fhir/{path}"),
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await
    }

    /// What introspection says, asked by app-symmetric.
    pub(crate) async fn introspect(&self, token: &str) -> Answer {
        self.call("/auth/introspect", "app-symmetric", Form::of(&[("token", token)]))
            .await
    }

    /// Is this access token good for anything?
    pub(crate) async fn is_alive(&self, token: &str) -> bool {
        self.fhir("Patient/patient-b", token).await.status == StatusCode::OK
    }
}
