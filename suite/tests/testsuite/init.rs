//! `launchproof init`: what it writes can be used as it is, and what a server says cannot do harm in it.

use std::path::Path;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use launchproof::target::{ClientKind, Profile};
use reports::exit;
use reports::model::Status;

use crate::program::{Server, Written, judge, judge_with, run, run_with};

/// The profile that `init` leaves in the folder of its run.
fn written(ran: &crate::program::Ran) -> String {
    std::fs::read_to_string(ran.folder().join("ehr.toml"))
        .unwrap_or_else(|error| panic!("no profile ({error}):\n{}", ran.shown()))
}

/// The text with its gaps filled in as the file says: the `#` taken away where no space follows it.
fn filled(text: &str) -> String {
    let open = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(open).collect::<Vec<_>>().join("\n")
}

fn parse(text: &str, folder: &Path) -> Profile {
    let env = |name: &str| name.starts_with("EHR_").then(|| "a-secret".to_owned());
    Profile::parse_with_env(text, "ehr.toml", folder, &env).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_accepted_as_it_is_and_its_gaps_teach() {
    let server = Server::mock(&[]).await;
    let ran = run(&["init", &server.fhir(), "--keys"]).await;
    ran.assert(
        exit::NOTHING_UNEXPECTED,
        &["ehr.toml: written", "launchproof doctor --target ehr.toml"],
    );
    let text = written(&ran);
    for word in [
        "Register a public client",
        "redirect_uri http://127.0.0.1:4567/callback",
        "and put its id here",
        "grant_types_supported  ",
        "SMART 2.2 inferred",
        "smart-configuration  found",
        "jwks {\"keys\":[{\"kty\":\"EC\"",
        "#[ehr_launch]",
    ] {
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
    let path = ran.folder().join("ehr.toml");
    let judged = judge(&[
        "--target",
        path.to_str().expect("text"),
        "--only",
        "discovery/",
        "pkce/",
    ])
    .await;
    judged.assert(exit::INCOMPLETE, &["unconfigured"]);
    assert!(judged.count(Status::Pass) > 20, "{}", judged.shown());
    assert_eq!(judged.count(Status::Fail), 0, "{}", judged.shown());

    std::fs::write(ran.folder().join("authorities.pem"), "").expect("it can be written");
    let whole = parse(&filled(&text), ran.folder());
    for kind in [
        ClientKind::Public,
        ClientKind::Symmetric,
        ClientKind::Asymmetric,
        ClientKind::Backend,
    ] {
        assert_eq!(whole.clients_of(kind).count(), 1, "{kind:?}\n{text}");
    }
    assert!(whole.ehr_launch.is_some() && whole.users.len() == 1 && whole.patients.len() == 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::mock(&[]).await;
    let ran = run(&["init", &server.fhir(), "--register"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["registered: 8 clients"]);
    let text = written(&ran);
    let mut secret = 0;
    for entry in std::fs::read_dir(ran.folder()).expect("the folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mode = entry.metadata().expect("it is there").permissions().mode() & 0o777;
        if name == "ehr.toml" {
            assert_eq!(mode, 0o644, "{name}");
            continue;
        }
        assert_eq!(mode, 0o600, "{name}");
        let kept = std::fs::read_to_string(entry.path()).expect("it is text");
        assert!(!text.contains(kept.trim()), "the profile holds what is in {name}");
        assert!(!ran.shown().contains(kept.trim()), "what is in {name} was printed");
        secret += 1;
    }
    // Two secrets, four keys, eight registrations that can be ended.
    assert_eq!(secret, 14, "{}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_it_registered_are_launched() {
    let server = Server::mock(&[]).await;
    let ran = run(&["init", &server.fhir(), "--register"]).await;
    let mut text = written(&ran);
    text.push_str(
        "[patients]\na = \"patient-a\"\nb = \"patient-b\"\n[users.clinician]\nusername = \"demo\"\npassword = { env = \
         \"EHR_PASSWORD\" }\npatients = [\"a\", \"b\"]\n",
    );
    let path = ran.folder().join("ehr.toml");
    std::fs::write(&path, &text).expect("it can be written");
    let arguments = [
        "--target",
        path.to_str().expect("text"),
        "--only",
        "pkce/s256_accepted",
        "code/of_other_client",
        "client_auth_asymmetric/accepted",
        "backend/accepted",
        "redirect_uri/delivered_to_it",
    ];
    let judged = judge_with(&arguments, |command| {
        command.env("EHR_PASSWORD", "demo");
    })
    .await;
    assert_eq!(judged.count(Status::Unconfigured), 0, "{}", judged.shown());
    assert_eq!(
        judged.count(Status::Blocked) + judged.count(Status::Fail),
        0,
        "{}",
        judged.shown()
    );
    assert!(judged.count(Status::Pass) >= 6, "{}", judged.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_or_registered_unasked() {
    let server = Server::mock(&[]).await;
    let there = Written::new("mine.toml", "mine = true\n");
    let ran = run(&["init", &server.fhir(), "--out", there.path()]).await;
    ran.assert(exit::USAGE, &["is there already", "--force"]);
    assert_eq!(std::fs::read_to_string(there.path()).expect("text"), "mine = true\n");
    run(&["init", &server.fhir(), "--out", there.path(), "--force"])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &[]);
    assert!(
        std::fs::read_to_string(there.path())
            .expect("text")
            .contains("fhir_base")
    );

    // RFC 2606: nobody has this name, and nothing is sent.
    run(&["init", "https://ehr.example/fhir", "--register"])
        .await
        .assert(exit::USAGE, &["--allow registration"]);
    run(&["init", &server.fhir(), "--register", "--out", "-"])
        .await
        .assert(exit::USAGE, &["--out FILE"]);
    run(&[
        "init",
        &server.fhir(),
        "--register",
        "--registration-token",
        "NO_SUCH_VARIABLE",
    ])
    .await
    .assert(exit::USAGE, &["NO_SUCH_VARIABLE"]);
    // Said before anybody is registered whose secret could not be kept.
    run(&["init", &server.fhir(), "--register", "--out", "no/such/folder/ehr.toml"])
        .await
        .assert(exit::USAGE, &["no/such/folder is no folder"]);
    run(&["init", "ehr.example"])
        .await
        .assert(exit::USAGE, &["ehr.example"]);

    let nowhere = run(&["init", "http://127.0.0.1:9/fhir"]).await;
    nowhere.assert(exit::UNREACHABLE, &["127.0.0.1:9", "no profile was written"]);
    assert!(!nowhere.folder().join("ehr.toml").exists());
}

/// A mock whose documents are changed on their way.
async fn changed(change: fn(&str, &str) -> Option<Response>) -> Server {
    let answer = move |request: Request, next: Next| async move {
        let path = request.uri().path().to_owned();
        let host = request.headers()["host"].to_str().expect("text").to_owned();
        match change(&path, &host) {
            Some(response) => response,
            None => next.run(request).await,
        }
    };
    Server::changed(|router| router.layer(from_fn(answer))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_server_writes_no_line_of_the_profile() {
    let server = changed(|path, host| {
        let evil = "x\"\n[users.evil]\nusername = \"evil\"\npassword = { command = \"echo pwned\" }\r\n#";
        match path {
            "/fhir/metadata" => Some(
                axum::Json(serde_json::json!({
                    "resourceType": "CapabilityStatement", "fhirVersion": evil, "software": { "name": evil },
                }))
                .into_response(),
            ),
            "/fhir/.well-known/smart-configuration" => Some(
                axum::Json(serde_json::json!({
                    "authorization_endpoint": format!("http://{host}/authorize"),
                    "token_endpoint": evil, "registration_endpoint": evil, "jwks_uri": evil, "issuer": evil,
                    "capabilities": ["client-public", "permission-v2", evil],
                    "scopes_supported": [evil, "patient/Patient.rs"], "grant_types_supported": [evil],
                    "token_endpoint_auth_signing_alg_values_supported": [evil],
                }))
                .into_response(),
            ),
            _ => None,
        }
    })
    .await;
    let ran = run(&["init", &server.fhir()]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    let text = written(&ran);
    let profile = parse(&text, ran.folder());
    assert!(profile.users.is_empty() && profile.clients.is_empty(), "{text}");
    assert!(
        profile.name.contains("[users.evil]"),
        "it is a name and no more: {text}"
    );
    std::fs::write(ran.folder().join("authorities.pem"), "").expect("it can be written");
    let gaps = parse(&filled(&text), ran.folder());
    assert!(!gaps.users.contains_key("evil"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_stand_elsewhere_come_into_the_profile() {
    let server = changed(|path, host| match path {
        "/fhir/.well-known/smart-configuration" | "/fhir/metadata" => Some(StatusCode::NOT_FOUND.into_response()),
        "/.well-known/oauth-authorization-server/fhir" => Some(
            axum::Json(serde_json::json!({
                "issuer": format!("http://{host}"),
                "authorization_endpoint": format!("http://{host}/auth/authorize"),
                "token_endpoint": format!("http://{host}/auth/token"),
            }))
            .into_response(),
        ),
        _ => None,
    })
    .await;
    let ran = run(&["init", &server.fhir()]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    let profile = parse(&written(&ran), ran.folder());
    let token = profile.endpoints.token_endpoint.map(String::from);
    assert_eq!(token, Some(format!("{}/auth/token", server.origin)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_fails_is_told_and_the_profile_is_written_all_the_same() {
    let server = changed(|path, _| (path == "/auth/register").then(|| StatusCode::UNAUTHORIZED.into_response())).await;
    let ran = run_with(&["init", &server.fhir(), "--register"], |_| {}).await;
    ran.assert(
        exit::INCOMPLETE,
        &["--registration-token NAME", "no public client was registered"],
    );
    assert!(written(&ran).contains("#[clients.public]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_client_id_is_no_client_and_the_profile_is_written_all_the_same() {
    let server = changed(|path, _| {
        let json = [("content-type", "application/json")];
        (path == "/auth/register").then(|| (StatusCode::CREATED, json, r#"{"client_id": ""}"#).into_response())
    })
    .await;
    let ran = run_with(&["init", &server.fhir(), "--register"], |_| {}).await;
    ran.assert(exit::INCOMPLETE, &["the answer has no client_id, or an empty one"]);
    assert!(written(&ran).contains("#[clients.public]"));
}
