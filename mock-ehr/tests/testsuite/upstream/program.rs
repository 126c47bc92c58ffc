//! The options of `serve` for a server upstream, right and wrong.

use std::process::Command;
use std::time::{Duration, Instant};

use super::servers::*;
use crate::serve::program::{Program, refused};

/// Listeners that nobody else has.
const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"];

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_what_is_upstream() {
    let server = Server::honest().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization");
    std::fs::write(&file, "Bearer own-credential\n").unwrap();
    let arguments = [
        "--fhir-upstream",
        &server.base,
        "--fhir-upstream-authorization-file",
        file.to_str().unwrap(),
    ];
    let program = tokio::task::block_in_place(|| Program::start(&arguments));
    let said = program.said("Upstream");
    assert!(said.starts_with(&server.base), "{said}");
    // The other mock refuses a token that it did not issue: the credential was sent, and is not said.
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization") == "Bearer own-credential")
    );
    assert!(!said.contains("own-credential"), "{said}");
    let plain = tokio::task::block_in_place(|| Program::start(&["--fhir-upstream", &server.base]));
    assert!(
        plain.said("Upstream").contains("launchproof mock EHR"),
        "{}",
        plain.said("Upstream")
    );
    let away = tokio::task::block_in_place(|| Program::start(&["--fhir-upstream", "http://127.0.0.1:1/fhir"]));
    assert!(
        away.said("Upstream").contains("not there yet"),
        "{}",
        away.said("Upstream")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_keeps_nobody_waiting_at_the_start() {
    let server = Server::scripted(|_| Reply::Hangs).await;
    let since = Instant::now();
    let program = tokio::task::block_in_place(|| Program::start(&["--fhir-upstream", &server.base]));
    let said = program.said("Upstream");
    assert!(said.contains("not there yet: no answer within 2 s"), "{said}");
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
}

#[test]
fn wrong_options_are_refused_with_what_to_do() {
    let base = "http://127.0.0.1:1/fhir";
    for (arguments, says) in [
        (vec!["--fhir-upstream", "somewhere"], "`somewhere` is no URL"),
        (
            vec!["--fhir-upstream", "http://user:pw@127.0.0.1/fhir"],
            "user information",
        ),
        (vec!["--fhir-upstream", "http://127.0.0.1/fhir?x=1"], "query"),
        (
            vec!["--fhir-upstream", base, "--population", "3"],
            "cannot be used with",
        ),
        (vec!["--fhir-upstream-authorization-env", "X"], "--fhir-upstream <URL>"),
        (
            vec![
                "--fhir-upstream",
                base,
                "--fhir-upstream-authorization-env",
                "NOT_SET_AT_ALL",
            ],
            "`NOT_SET_AT_ALL` is not set",
        ),
        (
            vec![
                "--fhir-upstream",
                base,
                "--fhir-upstream-authorization-file",
                "/not/there",
            ],
            "/not/there: cannot be read",
        ),
        (
            vec![
                "--fhir-upstream",
                base,
                "--fhir-upstream-authorization-file",
                "/dev/null",
            ],
            "whole value of the header",
        ),
        (
            vec!["--fhir-upstream", base, "--fhir-upstream-within", "0"],
            "0 is not in 1..=300",
        ),
    ] {
        let told = refused(&[&FREE[..], &arguments].concat());
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
    let own = [
        "--public-url",
        "http://ehr.example",
        "--fhir-upstream",
        "http://ehr.example/fhir",
    ];
    assert!(refused(&[&FREE[..], &own].concat()).contains("in front of itself"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-ehr"));
    command.env("UP_AUTH", "hidden-credential");
    let arguments = ["--fhir-upstream", base, "--fhir-upstream-authorization-env", "UP_AUTH"];
    let output = command.args(FREE).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("whole value") && !told.contains("hidden-credential"),
        "{told}"
    );
}
