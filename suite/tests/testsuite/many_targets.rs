//! `launchproof test server --targets DIR`: many profiles, each with its report, and one that is broken stops no other.

use mock_ehr::Defect;
use reports::exit;
use serde_json::Value;

use crate::program::{Ran, Server, Written, profile_text, run};

/// A folder of profiles.
fn folder(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    }
    folder
}

fn summary(ran: &Ran) -> Value {
    let text = std::fs::read_to_string(ran.folder().join("all/targets.json"));
    serde_json::from_str(&text.unwrap_or_else(|error| panic!("{error}: {}", ran.shown()))).expect("it is JSON")
}

fn of<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let all = summary["targets"].as_array().expect("a list");
    all.iter()
        .find(|told| told["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {summary}"))
}

/// Clients that publish keys at a port of their own would wait for each other.
fn without_key_server(origin: &str) -> String {
    let text = profile_text(origin);
    let from = text.find("# Its keys are where").expect("it has one");
    let to = text.find("[patients]").expect("it has patients");
    format!("{}{}", &text[..from], &text[to..])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_target_has_its_report_and_the_worst_code_is_that_of_all() {
    let (good, bad) = (Server::mock(&[]).await, Server::mock(&[Defect::PkceNotVerified]).await);
    let profiles = folder(&[
        ("good.toml", without_key_server(&good.origin)),
        ("bad.toml", without_key_server(&bad.origin)),
        ("dead.toml", "fhir_base = \"http://127.0.0.1:9/fhir\"\n".to_owned()),
        ("broken.toml", "fhir_bas = \"http://127.0.0.1:9/fhir\"\n".to_owned()),
        ("readme.txt", "no profile".to_owned()),
    ]);
    let path = profiles.path().to_str().expect("text");
    let ran = run(&[
        "test",
        "server",
        "--targets",
        path,
        "--out",
        "all",
        "--only",
        "pkce/verifier_wrong",
        "--seed",
        "7",
    ])
    .await;
    ran.assert(exit::BAD_INPUT, &["(broken)", "bad ", "good ", "targets.json"]);
    let summary = summary(&ran);
    assert_eq!(summary["exit_code"], exit::BAD_INPUT);
    assert_eq!(summary["targets"].as_array().map(Vec::len), Some(4));
    let code = |name: &str| of(&summary, name)["exit_code"].as_u64();
    assert_eq!(code("good"), Some(u64::from(exit::NOTHING_UNEXPECTED)));
    assert_eq!(code("bad"), Some(u64::from(exit::BROKEN)));
    assert_eq!(code("dead"), Some(u64::from(exit::UNREACHABLE)));
    assert_eq!(code("broken"), Some(u64::from(exit::BAD_INPUT)));
    let why = of(&summary, "broken")["exit_reason"].as_str().unwrap_or_default();
    assert!(why.contains("broken.toml:1:1") && why.contains("`fhir_base`"), "{why}");
    assert!(of(&summary, "good")["verdicts"]["pass"].as_u64() > Some(2), "{summary}");
    assert!(of(&summary, "bad")["verdicts"]["fail"].as_u64() > Some(0), "{summary}");
    for name in ["good", "bad", "dead"] {
        let report = ran.folder().join("all").join(name);
        assert!(
            report.join("run.json").exists() && report.join("report.html").exists(),
            "{name}"
        );
    }
    assert!(!ran.folder().join("all/broken").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_beside_the_profile_is_that_of_its_target() {
    let bad = Server::mock(&[Defect::PkceNotVerified]).await;
    let entry = |client: &str| {
        format!("[[expect]]\nscenario = \"pkce/verifier_wrong@{client}\"\nverdict = \"fail\"\nreason = \"known\"\n")
    };
    let baseline = ["public", "symmetric", "asymmetric"].map(entry).concat();
    let profiles = folder(&[
        ("bad.toml", without_key_server(&bad.origin)),
        ("bad.baseline.toml", baseline),
    ]);
    let path = profiles.path().to_str().expect("text");
    let ran = run(&[
        "test",
        "server",
        "--targets",
        path,
        "--out",
        "all",
        "--only",
        "pkce/verifier_wrong",
    ])
    .await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["bad"]);
    assert_eq!(summary(&ran)["targets"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_that_publish_keys_at_one_port_wait_for_each_other() {
    let (one, two) = (Server::mock(&[]).await, Server::mock(&[]).await);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("bound")
        .port();
    let at = |origin: &str| profile_text(origin).replace("127.0.0.1:8090", &format!("127.0.0.1:{port}"));
    let profiles = folder(&[("one.toml", at(&one.origin)), ("two.toml", at(&two.origin))]);
    let path = profiles.path().to_str().expect("text");
    let arguments = [
        "test",
        "server",
        "--targets",
        path,
        "--out",
        "all",
        "--only",
        "backend/accepted",
        "--jobs",
        "2",
    ];
    let ran = run(&arguments).await;
    for name in ["one", "two"] {
        let report = std::fs::read_to_string(ran.folder().join("all").join(name).join("run.json")).expect("a report");
        assert!(!report.contains("in use"), "{name} could not listen: {}", ran.shown());
    }
    assert_eq!(summary(&ran)["exit_code"], exit::NOTHING_UNEXPECTED, "{}", ran.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_folders_and_flags_have_their_codes() {
    run(&["test", "server", "--targets", "/nowhere/at/all"])
        .await
        .assert(exit::BAD_INPUT, &["/nowhere/at/all"]);
    let empty = folder(&[]);
    let path = empty.path().to_str().expect("text");
    run(&["test", "server", "--targets", path])
        .await
        .assert(exit::NOTHING_SELECTED, &["holds no profile"]);
    run(&["test", "server", "--targets", path, "--target", "x.toml"])
        .await
        .assert(exit::USAGE, &["--target"]);
    run(&["test", "server", "--jobs", "2"])
        .await
        .assert(exit::USAGE, &["--targets"]);
    run(&["test", "server", "--targets", path, "--jobs", "0"])
        .await
        .assert(exit::USAGE, &["--jobs"]);
    let one = Written::new("a.toml", "fhir_base = \"http://127.0.0.1:9/fhir\"\n");
    let path = one.folder().to_str().expect("text");
    run(&["test", "server", "--targets", path, "--agent", "manual", "--jobs", "2"])
        .await
        .assert(exit::USAGE, &["--jobs"]);
}
