//! Nobody opens a mock to others by mistake.

use reqwest::StatusCode;

use super::program::{Program, refused};

const TOKEN: &str = "a-token-for-management-0123";

fn token_file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{TOKEN}\n")).unwrap();
    file
}

#[test]
fn it_refuses_to_listen_beyond_this_machine() {
    let said = refused(&["--listen", "0.0.0.0:0", "--management", "127.0.0.1:0"]);
    assert!(
        said.contains("0.0.0.0:0 is not a loopback address") && said.contains("--i-know-this-is-a-mock"),
        "{said}"
    );
    // What is said of the one listener opens the other to nobody.
    let said = refused(&[
        "--listen",
        "127.0.0.1:0",
        "--management",
        "0.0.0.0:0",
        "--i-know-this-is-a-mock",
    ]);
    assert!(
        said.contains("--management 0.0.0.0:0") && said.contains("--management-token-file"),
        "{said}"
    );
}

#[test]
fn an_address_that_nobody_can_go_to_wants_a_public_url() {
    let said = refused(&[
        "--listen",
        "0.0.0.0:9",
        "--management",
        "127.0.0.1:0",
        "--i-know-this-is-a-mock",
    ]);
    assert!(said.contains("--public-url http://ehr.example:9"), "{said}");
}

#[test]
fn a_token_that_can_be_guessed_is_refused_by_its_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "short\n").unwrap();
    let path = file.path().to_str().unwrap();
    let said = refused(&["--management-token-file", path]);
    assert!(said.contains(path) && said.contains("at least 16"), "{said}");
}

#[tokio::test]
async fn who_knows_that_it_is_a_mock_may_open_it() {
    let open = [
        "--listen",
        "0.0.0.0:0",
        "--public-url",
        "http://ehr.example",
        "--i-know-this-is-a-mock",
    ];
    let program = Program::with_listener(&open);
    let port = program.address().rsplit_once(':').unwrap().1;
    let url = format!("http://127.0.0.1:{port}/fhir/.well-known/smart-configuration");
    assert_eq!(reqwest::get(url).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn management_for_others_wants_its_token() {
    let file = token_file();
    let path = file.path().to_str().unwrap();
    let program = Program::with_listener(&[
        "--listen",
        "127.0.0.1:0",
        "--management",
        "0.0.0.0:0",
        "--management-token-file",
        path,
    ]);
    assert!(program.said("Note").contains("in the clear; --tls"));
    let port = program
        .said("Management")
        .trim_end_matches('/')
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned();
    let url = format!("http://127.0.0.1:{port}/defects");
    let client = reqwest::Client::builder().build().unwrap();
    for refused in [
        None,
        Some("Bearer another-token-0123456789"),
        Some("Basic a-token-for-management-0123"),
        Some("Bearer "),
    ] {
        let mut request = client.get(&url);
        if let Some(value) = refused {
            request = request.header("authorization", value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{refused:?}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
    let answer = client
        .get(&url)
        .bearer_auth(TOKEN)
        .header("host", "ehr.example")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
