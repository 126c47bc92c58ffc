//! `launchproof doctor`: what is broken on the way to a target, one breakage a test.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn};
use mock_ehr::MockEhr;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use reports::exit;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::program::{Ran, Server, Written, profile, profile_text, run, run_with};

/// The findings of this area in what `--json` printed: status and text with advice.
fn findings(ran: &Ran, area: &str) -> Vec<(String, String)> {
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.shown()));
    assert_eq!(json["exit_code"], ran.code, "{}", ran.shown());
    let all = json["findings"].as_array().cloned().unwrap_or_default();
    let of_area = all.into_iter().filter(|one| one["area"] == area);
    of_area
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            (text("status"), format!("{} → {}", text("what"), text("do")))
        })
        .collect()
}

/// One finding of this area has this status and says each of these words.
fn assert_found(ran: &Ran, area: &str, status: &str, words: &[&str]) {
    let found = findings(ran, area);
    let fits = |(is, text): &(String, String)| is == status && words.iter().all(|word| text.contains(word));
    assert!(
        found.iter().any(fits),
        "no `{status}` of {area} says {words:?} among {found:#?}\n{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_in_good_health_is_said_to_be() {
    let server = Server::mock(&[]).await;
    let target = profile(&server.origin);
    let ran = run(&["doctor", "--target", target.path()]).await;
    ran.assert(
        exit::NOTHING_UNEXPECTED,
        &[
            "0 in the way",
            "launched by http as demo",
            "patient-a",
            "sign-ins at least",
            "exit code 0",
        ],
    );
    let ran = run(&["doctor", "--target", target.path(), "--json", "--every-client"]).await;
    assert_eq!(findings(&ran, "sign-in").len(), 9, "{}", ran.shown());
    assert_found(&ran, "sign-in", "ok", &["backend: the service got a token"]);
    assert_found(&ran, "keys", "ok", &["keys of the server"]);
    assert_found(&ran, "clock", "ok", &[]);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(json["will_run"].as_u64().is_some_and(|count| count > 1000), "{json}");
    assert!(!ran.stdout.contains("test-only s3cret"), "a secret is printed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_port_fails_with_what_to_do() {
    let ran = run(&["doctor", "http://127.0.0.1:9/fhir", "--json"]).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(&ran, "names", "ok", &["127.0.0.1"]);
    assert_found(&ran, "tcp", "fail", &["127.0.0.1:9", "start the server"]);
    assert!(findings(&ran, "discovery").is_empty(), "nothing more was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_fails_the_sign_in() {
    let server = Server::mock(&[]).await;
    let wrong = profile_text(&server.origin).replace(
        "password = { test_only = \"demo\" }",
        "password = { test_only = \"wrong\" }",
    );
    let wrong = Written::new("ehr.toml", &wrong);
    let ran = run(&["doctor", "--target", wrong.path(), "--json"]).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(&ran, "sign-in", "fail", &["public: ", "password"]);
    let ran = run(&["doctor", "--target", wrong.path(), "--no-sign-in"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["--no-sign-in"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_apart_from_a_wrong_password() {
    let server = Server::mock(&[]).await;
    let wrong = profile_text(&server.origin).replace("test-only s3cret:+/=%& value", "test-only-wrong");
    let wrong = Written::new("ehr.toml", &wrong);
    let ran = run(&["doctor", "--target", wrong.path(), "--json", "--every-client"]).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(
        &ran,
        "sign-in",
        "fail",
        &["symmetric: ", "does the secret belong to this client"],
    );
    assert_found(&ran, "sign-in", "ok", &["public: launched"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_client_is_told_with_how_to_register_it() {
    let server = Server::mock(&[]).await;
    let ran = run(&["doctor", &server.fhir(), "--json"]).await;
    assert_eq!(ran.code, i32::from(exit::INCOMPLETE), "{}", ran.shown());
    for words in [
        [
            "public: none",
            "register a public client with redirect_uri",
            "[clients.public]",
        ],
        ["symmetric: none", "client_secret = { env", "[clients.symmetric]"],
        ["asymmetric: none", "public half of a key", "[clients.asymmetric]"],
        ["backend: none", "client_credentials", "[clients.backend]"],
    ] {
        assert_found(&ran, "clients", "warn", &words);
    }
    assert_found(&ran, "plan", "warn", &["cannot be judged", "[accept_missing]"]);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let left = json["left_out"].as_array().expect("a list");
    assert!(
        left.iter()
            .any(|one| one["status"] == "unconfigured" && one["incomplete"] == true),
        "{json}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told() {
    let late = |request: Request, next: Next| async move {
        let mut response = next.run(request).await;
        response
            .headers_mut()
            .insert("date", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        response
    };
    let server = Server::changed(|router| router.layer(from_fn(late))).await;
    let target = profile(&server.origin);
    let ran = run(&["doctor", "--target", target.path(), "--json", "--no-sign-in"]).await;
    assert_found(&ran, "clock", "warn", &["s behind this machine's", "NTP"]);
    assert_eq!(
        ran.code,
        i32::from(exit::NOTHING_UNEXPECTED),
        "a clock alone stops no run"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_cannot_be_read_is_code_3() {
    let wrong = Written::new("ehr.toml", "fhir_bas = \"http://127.0.0.1:9/fhir\"\n");
    let ran = run(&["doctor", "--target", wrong.path(), "--json"]).await;
    assert_eq!(ran.code, i32::from(exit::BAD_INPUT), "{}", ran.shown());
    assert_found(&ran, "profile", "fail", &["ehr.toml:1:1", "`fhir_base`"]);

    let server = Server::mock(&[]).await;
    let missing = profile_text(&server.origin).replace("client_rs384.private.jwk.json", "no-such-file.json");
    let missing = Written::new("ehr.toml", &missing);
    let ran = run(&["doctor", "--target", missing.path()]).await;
    ran.assert(exit::BAD_INPUT, &["no-such-file.json"]);

    let odd = r#"{"kty":"EC","crv":"P-384","kid":"k","x":"AAAA","y":"AAAA","d":"AAAA"}"#;
    let odd = format!(
        "fhir_base = \"{}\"\n[clients.a]\nkind = \"backend\"\nclient_id = \"a\"\nkey = {{ test_only = '{odd}' }}\n",
        server.fhir()
    );
    let odd = Written::new("ehr.toml", &odd);
    let ran = run(&["doctor", "--target", odd.path(), "--json"]).await;
    assert_eq!(ran.code, i32::from(exit::BAD_INPUT), "{}", ran.shown());
    assert_found(&ran, "keys", "fail", &["[clients.a] key", "bytes"]);
    run(&["doctor"]).await.assert(exit::USAGE, &["--target"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_told_and_its_password_is_not() {
    let server = Server::mock(&[]).await;
    let ran = run_with(&["doctor", &server.fhir(), "--json"], |command| {
        command.env("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128");
    })
    .await;
    assert_found(
        &ran,
        "proxy",
        "warn",
        &["HTTPS_PROXY=http://proxy.example:3128", "[network] proxy"],
    );
    assert!(!ran.shown().contains("hunter2"));
}

/// An authority of the tests' own, and what it signed.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    fn root() -> Self {
        let (params, key) = (Self::params("Test Root"), KeyPair::generate().expect("a key"));
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    fn intermediate(&self) -> Self {
        let (params, key) = (Self::params("Test Intermediate"), KeyPair::generate().expect("a key"));
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, name: &str, until: i32) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }
}

struct Https {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Https {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, address) = axum::serve::Listener::accept(&mut self.tcp).await;
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// A mock behind https that sends these certificates; its FHIR base.
async fn https(chain: &[&Certificate], key: &KeyPair) -> String {
    https_for(chain, key, None).await
}

/// The same, that takes only whom this authority knows.
async fn https_for(chain: &[&Certificate], key: &KeyPair, whom: Option<&Authority>) -> String {
    let tcp = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let origin = format!("https://localhost:{}", tcp.local_addr().expect("bound").port());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config = match whom {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider())).build();
            config.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let config = config
        .with_single_cert(
            chain.iter().map(|one| one.der().clone()).collect(),
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a certificate and its key");
    let mock = MockEhr::builder().public_url(&origin).seed(1).build().expect("a mock");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        let _ = axum::serve(Https { tcp, acceptor }, mock.router()).await;
    });
    format!("{origin}/fhir")
}

/// What the doctor says of it, where this root is trusted.
async fn doctor(base: &str, root: &Authority) -> Ran {
    let authorities = Written::new("root.pem", &root.certificate.pem());
    run(&["doctor", base, "--json", "--ca-file", authorities.path()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_chain_is_trusted() {
    let root = Authority::root();
    let middle = root.intermediate();
    let (own, key) = middle.sign("localhost", 2090);
    let base = https(&[&own, &middle.certificate], &key).await;
    let ran = doctor(&base, &root).await;
    assert_found(&ran, "tls", "ok", &["the chain is trusted"]);
    assert_found(&ran, "tls", "ok", &["sent 2 of 2", "CN=Test Intermediate"]);
    assert_eq!(
        ran.code,
        i32::from(exit::INCOMPLETE),
        "no client is registered: {}",
        ran.shown()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_intermediate_is_named() {
    let root = Authority::root();
    let middle = root.intermediate();
    let (own, key) = middle.sign("localhost", 2090);
    let base = https(&[&own], &key).await;
    let ran = doctor(&base, &root).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(
        &ran,
        "tls",
        "fail",
        &["its own certificate alone", "CN=Test Intermediate", "fullchain.pem"],
    );
    assert!(
        findings(&ran, "discovery").is_empty(),
        "nothing is sent over what cannot be trusted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told_with_its_day() {
    let root = Authority::root();
    let (own, key) = root.sign("localhost", 2021);
    let base = https(&[&own], &key).await;
    let ran = doctor(&base, &root).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(&ran, "tls", "fail", &["until 2021-01-01", "it expired", "renew it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_host_is_told_with_its_names() {
    let root = Authority::root();
    let (own, key) = root.sign("ehr.example", 2090);
    let base = https(&[&own], &key).await;
    let ran = doctor(&base, &root).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(&ran, "tls", "fail", &["is not for localhost", "ehr.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_certificate_is_told() {
    let root = Authority::root();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let base = https(&[&made.cert], &made.signing_key).await;
    let ran = doctor(&base, &root).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(&ran, "tls", "fail", &["self-signed", "ca_file"]);
    let ran = run(&["doctor", &base, "--json", "--insecure"]).await;
    assert_found(&ran, "tls", "warn", &["--insecure"]);
    assert_eq!(
        ran.code,
        i32::from(exit::INCOMPLETE),
        "no client is registered: {}",
        ran.shown()
    );
    assert!(!findings(&ran, "discovery").is_empty(), "who does not check may go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_client_certificate_is_told_from_who_does_not() {
    let root = Authority::root();
    let (own, key) = root.sign("localhost", 2090);
    let base = https_for(&[&own], &key, Some(&root)).await;
    let ran = doctor(&base, &root).await;
    assert_eq!(ran.code, i32::from(exit::UNREACHABLE), "{}", ran.shown());
    assert_found(&ran, "tls", "fail", &["asks for a client certificate", "client_cert"]);

    let with = async |until: i32, base: &str| {
        let (client, client_key) = root.sign("client.example", until);
        let pem = format!("{}{}", client.pem(), client_key.serialize_pem());
        let text = format!(
            "fhir_base = \"{base}\"\n[network]\nca_file = \"root.pem\"\nclient_cert = {{ file = \"client.pem\" }}\n"
        );
        let target = Written::new("ehr.toml", &text);
        std::fs::write(target.folder().join("root.pem"), root.certificate.pem()).expect("written");
        std::fs::write(target.folder().join("client.pem"), pem).expect("written");
        run(&["doctor", "--target", target.path(), "--json"]).await
    };
    let ran = with(2090, &base).await;
    assert_found(&ran, "tls", "ok", &["our client certificate", "until 2090-01-01"]);
    assert_found(&ran, "tls", "ok", &["the chain is trusted"]);
    assert_eq!(ran.code, i32::from(exit::INCOMPLETE), "{}", ran.shown());
    let ran = with(2021, &base).await;
    assert_found(&ran, "tls", "fail", &["our client certificate", "it expired"]);

    let open = https(&[&own], &key).await;
    let ran = with(2090, &open).await;
    assert_found(&ran, "tls", "warn", &["does not ask for the client certificate"]);
}
