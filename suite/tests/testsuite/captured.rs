//! `launchproof test discovery`: documents of our own, written as servers write them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use reports::exit;
use reports::model::Status;

use crate::program::{Ran, run};

fn document(name: &str) -> String {
    format!("{}/tests/captured/{name}", env!("CARGO_MANIFEST_DIR"))
}

async fn judge(arguments: &[&str]) -> Ran {
    let arguments: Vec<&str> = ["test", "discovery", "--out", "."]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    run(&arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_of_a_sound_server_are_judged_together_without_a_network() {
    let files = ["smart-configuration.json", "openid-configuration.json", "metadata.json"].map(document);
    let ran = judge(&[&files[0], &files[1], &files[2]]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["report.html"]);
    for status in [
        Status::Fail,
        Status::Warn,
        Status::Error,
        Status::Blocked,
        Status::Unconfigured,
    ] {
        assert_eq!(ran.count(status), 0, "{status:?}: {}", ran.shown());
    }
    for id in [
        "discovery/openid_agrees",
        "discovery/openid_issuer",
        "discovery/capability_set",
        "discovery/endpoints_https",
    ] {
        assert_eq!(ran.verdict(id).status, Status::Pass, "{id}");
    }
    assert_eq!(
        ran.verdict("discovery/capability_statement_agrees").status,
        Status::Info
    );
    let found = ran.verdict("discovery/found");
    assert_eq!(found.status, Status::Skip);
    assert!(found.reason.is_some_and(|why| why.contains("needs a server")));
    let keys = ran.verdict("discovery/keys_strong");
    assert!(keys.reason.is_some_and(|why| why.contains("no key set was given")));
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_are_found() {
    let ran = judge(&[&document("smart-configuration-contradictory.json"), "--smart", "2.2"]).await;
    ran.assert(exit::BROKEN, &[]);
    for (id, status) in [
        ("discovery/endpoints_absolute", Status::Fail),
        ("discovery/grant_types", Status::Fail),
        ("discovery/s256_listed", Status::Fail),
        ("discovery/plain_not_listed", Status::Fail),
        ("discovery/single_sign_on", Status::Fail),
        ("discovery/context_agrees", Status::Warn),
        ("discovery/capability_set", Status::Warn),
        ("discovery/issuer_is_base", Status::Warn),
        ("discovery/asymmetric_agrees", Status::Warn),
        ("discovery/response_types_old", Status::Warn),
        ("discovery/field_names", Status::Info),
    ] {
        let verdict = ran.verdict(id);
        assert_eq!(verdict.status, status, "{id}: {verdict:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_document_alone_is_judged_as_far_as_it_goes() {
    let ran = judge(&[&document("openid-configuration.json")]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    assert_eq!(ran.verdict("discovery/openid_metadata").status, Status::Pass);
    let issuer = ran.verdict("discovery/openid_issuer");
    assert_eq!(issuer.status, Status::Skip, "nothing says where it was fetched");
    let ran = judge(&[&document("metadata.json"), "--smart", "1.0"]).await;
    assert_eq!(
        ran.verdict("discovery/capability_statement_oauth_uris").status,
        Status::Pass
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brand_bundle_is_judged_as_a_file() {
    let ran = judge(&[&document("brands.json"), "--only", "brands/"]).await;
    ran.assert(exit::BROKEN, &["brands/references"]);
    assert_eq!(ran.verdict("brands/references").status, Status::Fail);
    assert_eq!(ran.verdict("brands/endpoints").status, Status::Pass);
    assert_eq!(ran.verdict("brands/identifier_matches").status, Status::Skip);
    assert_eq!(ran.verdict("brands/etag").status, Status::Skip);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_discovery_document_is_refused_by_name() {
    let smart = document("smart-configuration.json");
    judge(&[&smart, &document("smart-configuration-contradictory.json")])
        .await
        .assert(exit::BAD_INPUT, &["both a smart-configuration"]);
    judge(&[&document("missing.json")])
        .await
        .assert(exit::BAD_INPUT, &["missing.json", "cannot be read"]);
    let here = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    judge(&[&here])
        .await
        .assert(exit::BAD_INPUT, &["Cargo.toml:1:", "not JSON"]);
    judge(&[]).await.assert(exit::USAGE, &["FILE"]);
    judge(&[&smart, "--only", "no-such"])
        .await
        .assert(exit::NOTHING_SELECTED, &["selects nothing"]);
}

#[test]
fn standard_input_is_a_document_too() {
    let out = tempfile::tempdir().expect("a folder for the report");
    let mut child = Command::new(env!("CARGO_BIN_EXE_launchproof"))
        .args(["test", "discovery", "-", "-q", "--out"])
        .arg(out.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let text = std::fs::read(document("smart-configuration.json")).expect("the document is there");
    child
        .stdin
        .take()
        .expect("it has a pipe")
        .write_all(&text)
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let run = std::fs::read_to_string(out.path().join("run.json")).expect("there is a report");
    assert!(run.contains("standard input (smart-configuration)"));
}
