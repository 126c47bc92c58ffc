//! https, with a certificate made at the start or a given one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use reqwest::{Certificate, Client, StatusCode, tls};
use sha2::{Digest as _, Sha256};

use super::program::{Program, refused};

fn trusting(pem: &str) -> Client {
    let root = Certificate::from_pem(pem.as_bytes()).unwrap();
    Client::builder().tls_certs_only([root]).tls_info(true).build().unwrap()
}

/// A certificate for `localhost` and its key, as files.
fn pair(folder: &Path, name: &str) -> (String, String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    (text(certificate), text(key), made.cert.pem())
}

#[tokio::test]
async fn a_made_certificate_is_trusted_by_its_authority_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let program = Program::start(&["--tls", "--tls-write-ca", file.to_str().unwrap()]);
    let pem = std::fs::read_to_string(&file).unwrap();
    let base = program.said("FHIR base");
    assert_eq!(base, format!("https://{}/fhir", program.address()));
    let url = format!("{base}/.well-known/smart-configuration");

    let answer = trusting(&pem).get(&url).send().await.unwrap();
    let shown = answer.extensions().get::<tls::TlsInfo>().unwrap();
    let digest = Sha256::digest(shown.peer_certificate().unwrap());
    let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(program.said("Certificate"), format!("SHA-256 {}", pairs.join(":")));
    let document: serde_json::Value = answer.json().await.unwrap();
    let token = document["token_endpoint"].as_str().unwrap();
    assert_eq!(token, format!("https://{}/auth/token", program.address()));

    let stranger = Client::builder().build().unwrap();
    assert!(stranger.get(&url).send().await.unwrap_err().is_connect());
    // By name too, and with each version that RFC 9325 wants.
    let by_name = url.replace("127.0.0.1", "localhost");
    for version in [tls::Version::TLS_1_2, tls::Version::TLS_1_3] {
        let root = Certificate::from_pem(pem.as_bytes()).unwrap();
        let client = Client::builder()
            .tls_certs_only([root])
            .tls_version_min(version)
            .tls_version_max(version);
        let answer = client.build().unwrap().get(&by_name).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn the_name_of_the_public_url_is_in_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let program = Program::start(&[
        "--tls",
        "--tls-write-ca",
        file.to_str().unwrap(),
        "--public-url",
        "https://ehr.example",
    ]);
    let root = Certificate::from_pem(&std::fs::read(&file).unwrap()).unwrap();
    let at = program.address().parse().unwrap();
    let client = Client::builder()
        .tls_certs_only([root])
        .resolve("ehr.example", at)
        .build()
        .unwrap();
    let url = format!("https://ehr.example:{}/", at.port());
    assert_eq!(client.get(url).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_given_certificate_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key, pem) = pair(folder.path(), "own");
    let program = Program::start(&["--tls-certificate", &certificate, "--tls-key", &key]);
    let url = format!("{}/.well-known/smart-configuration", program.said("FHIR base"));
    assert_eq!(trusting(&pem).get(url).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_slow_handshake_keeps_nobody_waiting_and_plain_http_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key, pem) = pair(folder.path(), "own");
    let program = Program::start(&["--tls-certificate", &certificate, "--tls-key", &key]);
    let _silent: Vec<_> = (0..8).map(|_| TcpStream::connect(program.address()).unwrap()).collect();
    let url = format!("{}/.well-known/smart-configuration", program.said("FHIR base"));
    let asked = trusting(&pem)
        .get(url)
        .timeout(std::time::Duration::from_secs(2))
        .send()
        .await;
    assert_eq!(asked.unwrap().status(), StatusCode::OK);

    let mut plain = TcpStream::connect(program.address()).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    plain.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.ends_with("say https:// in the URL.\n"),
        "{answer}"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key, _) = pair(folder.path(), "one");
    let (_, other_key, _) = pair(folder.path(), "two");
    let missing = folder.path().join("missing.pem").to_str().unwrap().to_owned();
    let with = |certificate: &str, key: &str| {
        refused(&[
            "--listen",
            "127.0.0.1:0",
            "--management",
            "127.0.0.1:0",
            "--tls-certificate",
            certificate,
            "--tls-key",
            key,
        ])
    };
    let said = with(&missing, &key);
    assert!(said.contains(&format!("{missing}: cannot be read")), "{said}");
    let said = with(&key, &key);
    assert!(said.contains(&format!("{key}: holds no certificate")), "{said}");
    let said = with(&certificate, &certificate);
    assert!(said.contains(&format!("{certificate}: holds no private key")), "{said}");
    let said = with(&certificate, &other_key);
    assert!(
        said.contains(&format!(
            "{certificate} and {other_key}: the key is not the certificate's"
        )),
        "{said}"
    );
    let nowhere = folder.path().join("none/ca.pem").to_str().unwrap().to_owned();
    let said = refused(&[
        "--listen",
        "127.0.0.1:0",
        "--management",
        "127.0.0.1:0",
        "--tls",
        "--tls-write-ca",
        &nowhere,
    ]);
    assert!(said.contains(&format!("{nowhere}: cannot be written")), "{said}");
    // Half a pair is a mistake of the command line.
    assert!(refused(&["--tls-certificate", &certificate]).contains("--tls-key"));
}
