//! One mock in process, a browser with its cookies, and an app that asks correctly until a test alters its request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384};
use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Request, StatusCode, header};
use mock_ehr::fetch::Fetch;
use mock_ehr::launch::LaunchResponse;
use mock_ehr::{Builder, Defect, LaunchRequest, MockEhr, Variant};
use scraper::{Html, Selector};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use crate::shelf::Shelf;

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
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn gives_token(&self) -> bool {
        self.status == StatusCode::OK && self.json()["access_token"].is_string()
    }

    pub(crate) fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }
}

/// Parameters in their order; any of them can be altered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.add(name, value)
    }

    pub(crate) fn omit(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// What the user does.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) username: &'static str,
    pub(crate) patient: &'static str,
    pub(crate) allows: bool,
}

pub(crate) const DOCTOR: Person = Person {
    username: "demo",
    patient: "patient-b",
    allows: true,
};
pub(crate) const DENIER: Person = Person {
    allows: false,
    ..DOCTOR
};

/// Where a walk through the pages ended.
#[derive(Debug, Clone)]
pub(crate) enum Landing {
    /// At an address of another origin.
    App(String),
    /// At a page that leads no further.
    Page(Answer),
}

impl Landing {
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).into_iter().next()
    }

    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let Self::App(address) = self else { return Vec::new() };
        let after = address
            .split_once('?')
            .map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        pairs(after)
            .into_iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::App(address) => address,
            Self::Page(_) => "",
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::App(_) => 0,
            Self::Page(answer) => answer.status.as_u16(),
        }
    }
}

pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
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

    fn built(builder: Builder) -> Self {
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
        Self {
            mock,
            router,
            cookies: Mutex::default(),
            jti: AtomicU64::new(0),
            shelf: Arc::default(),
        }
    }

    /// Another browser at the same mock.
    pub(crate) fn other_browser(&self) -> Self {
        Self::around(self.mock.clone())
    }

    // Requests.

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
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

    pub(crate) fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    pub(crate) async fn browse(&self, path: &str) -> Answer {
        self.get_with(path, &[("cookie", &self.cookie_header())]).await
    }

    pub(crate) async fn submit(&self, path: &str, form: &Form) -> Answer {
        self.post(path, &[("cookie", &self.cookie_header())], form).await
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

    /// Walks with a request through the pages.
    pub(crate) async fn walk(&self, request: &Form, person: &Person) -> Landing {
        let first = self.browse(&format!("/auth/authorize?{}", request.encode())).await;
        self.walk_on(first, person).await
    }

    /// Goes on from an answer.
    pub(crate) async fn walk_on(&self, mut answer: Answer, person: &Person) -> Landing {
        for _ in 0..20 {
            if answer.status.is_redirection() {
                let address = answer.header("location").to_owned();
                if !address.starts_with('/') {
                    return Landing::App(address);
                }
                answer = self.browse(&address).await;
                continue;
            }
            let Some((action, form)) = fill(&answer.body, person) else {
                return Landing::Page(answer);
            };
            let again = answer.status;
            if again != StatusCode::OK {
                return Landing::Page(answer);
            }
            answer = self.submit(&action, &form).await;
        }
        panic!("the pages go round in circles");
    }

    /// Walks only until a page of this path, whose form is given back.
    pub(crate) async fn walk_until(&self, request: &Form, person: &Person, path: &str) -> Form {
        let mut answer = self.browse(&format!("/auth/authorize?{}", request.encode())).await;
        for _ in 0..20 {
            if answer.status.is_redirection() {
                let address = answer.header("location").to_owned();
                answer = self.browse(&address).await;
                continue;
            }
            let (action, form) = fill(&answer.body, person).expect("a form");
            if action == path {
                return form;
            }
            answer = self.submit(&action, &form).await;
        }
        panic!("the page {path} never came");
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

/// A client assertion before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Assertion {
    pub(crate) key: String,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Assertion {
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    pub(crate) fn message(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    pub(crate) fn sign(&self) -> String {
        let message = self.message();
        let signature = sign(&self.key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn jwk(name: &str) -> Value {
    serde_json::from_str(fixtures::file(&format!("keys/{name}.private.jwk.json")).unwrap().text).unwrap()
}

pub(crate) fn kid(key: &str) -> String {
    jwk(key)["kid"].as_str().unwrap().to_owned()
}

/// The public half, as a client would register it.
pub(crate) fn public(key: &str) -> Value {
    let mut jwk = jwk(key);
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().shift_remove(private);
    }
    jwk
}

pub(crate) fn sign(key: &str, message: &[u8]) -> Vec<u8> {
    let jwk = jwk(key);
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let rng = SystemRandom::new();
    if jwk["kty"] == "EC" {
        let point = [vec![4], part("x"), part("y")].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P384_SHA384_FIXED_SIGNING, &part("d"), &point);
        return pair.unwrap().sign(&rng, message).unwrap().as_ref().to_vec();
    }
    let mut integers = der(2, &[0]);
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let mut bytes = part(name);
        if bytes[0] & 0x80 != 0 {
            bytes.insert(0, 0);
        }
        integers.extend(der(2, &bytes));
    }
    let pair = RsaKeyPair::from_der(&der(0x30, &integers)).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA384, &rng, message, &mut signature).unwrap();
    signature
}

/// DER wants the shortest form of a length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        ..128 => vec![tag, low],
        128..256 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

pub(crate) fn redirect_uri(client: &str) -> String {
    let host = match client {
        "app-public-2" => "app-2",
        "app-symmetric" => "symmetric",
        "app-symmetric-2" => "symmetric-2",
        "app-asymmetric" => "asymmetric",
        "app-asymmetric-2" => "asymmetric-2",
        _ => "app",
    };
    format!("https://{host}.example/cb")
}

pub(crate) fn secret(client: &str) -> &'static str {
    if client == "app-symmetric-2" {
        "test-only-another-secret"
    } else {
        "test-only s3cret:+/=%& value"
    }
}

/// Credentials, form-encoded as RFC 6749 §2.3.1 says.
pub(crate) fn basic(client: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    raw_basic(&encode(client), &encode(secret))
}

pub(crate) fn raw_basic(client: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}

/// The first form of a page, filled in.
pub(crate) fn fill(body: &str, person: &Person) -> Option<(String, Form)> {
    let page = Html::parse_document(body);
    let select = |selector: &str| Selector::parse(selector).unwrap();
    let form = page.select(&select("form")).next()?;
    let mut filled = Form::default();
    for input in form.select(&select("input")) {
        let name = input.attr("name").unwrap_or_default();
        let value = input.attr("value").unwrap_or_default();
        filled = match (input.attr("type").unwrap_or("text"), name) {
            (_, "username" | "password") => filled.add(name, person.username),
            ("radio", _) if value != person.patient => filled,
            _ => filled.add(name, value),
        };
    }
    let decision = if person.allows { "allow" } else { "deny" };
    if form.select(&select("button[name=decision]")).next().is_some() {
        filled = filled.add("decision", decision);
    }
    Some((form.attr("action").unwrap_or_default().to_owned(), filled))
}
