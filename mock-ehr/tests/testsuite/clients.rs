//! Apps of a few lines around client libraries that others wrote: what a mock must satisfy to be of use to anybody.
//!
//! The apps are in `mock-ehr/tests/clients`. Nothing is installed here: `install` there does that, which `./test` runs first.
//! A client that is not there is skipped with a loud line, unless `LAUNCHPROOF_REQUIRE_PEERS` is set, as CI does.

mod chromium;
pub(crate) mod served;
pub(crate) mod window;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mock_ehr::{Builder, Defect, Variant};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;

use self::served::Served;

/// Each Chromium takes a core and a hundred mebibytes.
pub(crate) static ONE_CHROMIUM_AT_A_TIME: Mutex<()> = Mutex::const_new(());
/// They take a second, more on a busy machine.
const RUN: Duration = Duration::from_mins(1);
/// What the app asks for twice at its end, wrongly on purpose.
const ASKED_WRONGLY: &str = "GET /auth/authorize invalid_request";
const BENNO: &str = "Benno Testwood";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// Where something that `install` brings is; nothing, and a loud line, where it is missing.
fn installed(below_peers: &str) -> Option<PathBuf> {
    let path = root().join(".peers").join(below_peers);
    if path.exists() {
        return Some(path);
    }
    let missing = format!("{below_peers} is not installed: run mock-ehr/tests/clients/install");
    assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_PEERS").is_none(), "{missing}");
    crate::skipped(&missing);
    None
}

/// Observations of the built-in person.
fn observations_of(patient: &str) -> usize {
    let file = format!("people/{patient}.json");
    let file = fixtures::below("people").find(|known| known.path == file);
    let bundle: Value = serde_json::from_str(file.expect("the person").text).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    entries
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == "Observation")
        .count()
}

/// An app that has ended.
struct Ran {
    ehr: Served,
    succeeded: bool,
    stdout: String,
    stderr: String,
}

/// Runs an app against a mock of its own. Nothing where its library is not installed.
async fn run(app: &str, alter: impl FnOnce(Builder) -> Builder) -> Option<Ran> {
    let is_python = Path::new(app).extension().is_some_and(|kind| kind == "py");
    let program = if is_python {
        installed("clients-venv/.installed")?.with_file_name("bin/python")
    } else {
        installed("clients/.installed")?;
        PathBuf::from("node")
    };
    let ehr = Served::new(alter).await;
    let child = Command::new(&program)
        .arg(root().join("mock-ehr/tests/clients").join(app))
        .arg(ehr.mock.fhir_base())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(RUN, child)
        .await
        .unwrap_or_else(|_| panic!("{app} took longer than {RUN:?}"))
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    Some(Ran {
        ehr,
        succeeded: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

impl Ran {
    /// It told exactly this, and how its two wrong requests were answered.
    fn told(&self, expected: &Value) {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert!(self.succeeded, "{stdout}{stderr}");
        let mut facts: Value = serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        for (asked, named) in [("aud", "aud"), ("plain", "code_challenge_method")] {
            let answer = facts[asked].take();
            let answer = answer.as_str().unwrap_or_default();
            assert!(
                answer.starts_with("invalid_request: ") && answer.contains(named),
                "{asked}: {answer}"
            );
            facts.as_object_mut().unwrap().remove(asked);
        }
        assert_eq!(&facts, expected, "{stderr}");
    }

    /// Who the user is, as the mock calls them.
    fn user(&self) -> String {
        format!("{}/Practitioner/practitioner-1", self.ehr.mock.fhir_base())
    }

    /// It always asked by S256, except once wrongly on purpose, and proved it in each exchange of a code.
    fn proved_by_s256(&self, exchanges: usize) {
        let mut methods = self.ehr.sent("GET", "/auth/authorize", "code_challenge_method");
        methods.extend(self.ehr.sent("POST", "/auth/par", "code_challenge_method"));
        let count = |wanted| methods.iter().filter(|method| *method == wanted).count();
        assert!(count("plain") == 1 && count("S256") > exchanges, "{methods:?}");
        let grants = self.ehr.sent("POST", "/auth/token", "grant_type");
        let verifiers = self.ehr.sent("POST", "/auth/token", "code_verifier");
        let is_exchange: Vec<bool> = grants.iter().map(|grant| grant == "authorization_code").collect();
        let has_verifier: Vec<bool> = verifiers.iter().map(|verifier| !verifier.is_empty()).collect();
        assert_eq!(is_exchange, has_verifier, "{grants:?}");
        assert_eq!(is_exchange.iter().filter(|is| **is).count(), exchanges, "{grants:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_fhirclient_launches_reads_every_page_and_refreshes_in_node() {
    let Some(ran) = run("fhirclient.mjs", |mock| mock).await else {
        return;
    };
    ran.told(&json!({
        "patient": "patient-b",
        "user": "Practitioner/practitioner-1",
        "name": BENNO,
        "observations": observations_of("patient-b"),
        "of_the_patient": true,
        "refreshed": true,
        "name_after_refresh": BENNO,
    }));
    ran.proved_by_s256(1);
    assert_eq!(
        ran.ehr.sent("POST", "/auth/token", "client_id"),
        ["app-public", ""],
        "the refresh token alone says whose it is"
    );
    assert_eq!(ran.ehr.refused(), [ASKED_WRONGLY, ASKED_WRONGLY]);
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_finds_launches_pushes_and_revokes() {
    let Some(ran) = run("openid_client.mjs", |mock| mock).await else {
        return;
    };
    ran.told(&json!({
        "patient": "patient-b",
        "user": ran.user(),
        "name": BENNO,
        "userinfo_agrees": true,
        "refreshed": true,
        "name_after_refresh": BENNO,
        "revoked": 401,
        "pushed_without_parameters": true,
        "name_by_push": BENNO,
    }));
    ran.proved_by_s256(2);
    let exchanges = ran.ehr.asked("POST", "/auth/token");
    let by_secret = |entry: &mock_ehr::journal::Entry| entry.request.authorization.as_deref() == Some("Basic");
    assert!(exchanges.len() == 3 && exchanges.iter().all(by_secret), "{exchanges:?}");
    assert_eq!(ran.ehr.asked("GET", "/.well-known/openid-configuration").len(), 1);
    assert_eq!(ran.ehr.sent("POST", "/auth/par", "code_challenge_method"), ["S256"]);
    // What it asked with the revoked token.
    let revoked = "GET /fhir/Patient/patient-b 401";
    assert_eq!(ran.ehr.refused(), [revoked, ASKED_WRONGLY, ASKED_WRONGLY]);
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_launches_with_a_key_and_its_assertion_for_another_server_is_refused() {
    let Some(ran) = run("oauth4webapi.mjs", |mock| mock).await else {
        return;
    };
    ran.told(&json!({
        "patient": "patient-b",
        "user": ran.user(),
        "name": BENNO,
        "refreshed": true,
        "name_after_refresh": BENNO,
        "assertion_for_another_server": "invalid_client",
    }));
    ran.proved_by_s256(2);
    let assertions = ran.ehr.sent("POST", "/auth/token", "client_assertion");
    assert!(
        assertions.len() == 3 && assertions.iter().all(|sent| !sent.is_empty()),
        "{assertions:?}"
    );
    assert_eq!(ran.ehr.asked("GET", "/.well-known/oauth-authorization-server").len(), 1);
    assert_eq!(
        ran.ehr.refused(),
        ["POST /auth/token 401", ASKED_WRONGLY, ASKED_WRONGLY]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn medplum_core_launches_and_its_downgrade_to_plain_is_refused() {
    let Some(ran) = run("medplum.mjs", |mock| mock).await else {
        return;
    };
    ran.told(&json!({
        "state_came_back": true,
        "name": BENNO,
        "observations": 3,
        "refreshed": true,
        "name_after_refresh": BENNO,
        "downgraded_to": "plain",
    }));
    ran.proved_by_s256(1);
    assert_eq!(ran.ehr.refused(), [ASKED_WRONGLY, ASKED_WRONGLY]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_fhirclient_finds_the_endpoints_in_the_capability_statement_alone() {
    let Some(ran) = run("fhirclient_legacy.py", |mock| mock).await else {
        return;
    };
    ran.told(&json!({
        "patient": "patient-b",
        "name": BENNO,
        "observations": 3,
        "of_the_patient": true,
        "refreshed": true,
        "name_after_refresh": BENNO,
    }));
    ran.proved_by_s256(1);
    assert!(!ran.ehr.asked("GET", "/fhir/metadata").is_empty());
    assert!(ran.ehr.asked("GET", "/fhir/.well-known/smart-configuration").is_empty());
    assert_eq!(ran.ehr.refused(), [ASKED_WRONGLY, ASKED_WRONGLY]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_refuse_what_a_faulty_server_answers() {
    // Which of its requests each does not send any more, since the answer before was wrong.
    let faults = [
        ("fhirclient.mjs", Defect::StateReplaced, "No state found", "/auth/token"),
        (
            "fhirclient_legacy.py",
            Defect::StateReplaced,
            "Invalid state",
            "/auth/token",
        ),
        ("openid_client.mjs", Defect::StateReplaced, "\"state\"", "/auth/token"),
        ("openid_client.mjs", Defect::ResponseIssWrong, "\"iss\"", "/auth/token"),
        (
            "oauth4webapi.mjs",
            Defect::IdTokenNonceWrong,
            "\"nonce\"",
            "/fhir/Patient/patient-b",
        ),
        (
            "oauth4webapi.mjs",
            Defect::TokenTypeWrong,
            "token_type",
            "/fhir/Patient/patient-b",
        ),
    ];
    for (app, defect, words, never_asked) in faults {
        let Some(ran) = run(app, |mock| mock.defect(defect)).await else {
            return;
        };
        assert!(!ran.succeeded, "{app} takes {defect}: {}", ran.stdout);
        assert!(ran.stderr.contains(words), "{app} with {defect}: {}", ran.stderr);
        assert!(
            !ran.ehr.asked("GET", "/auth/authorize").is_empty(),
            "{app} with {defect}: {}",
            ran.stderr
        );
        for method in ["GET", "POST"] {
            let asked = ran.ehr.asked(method, never_asked);
            assert!(asked.is_empty(), "{app} with {defect}: {asked:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_fhirclient_as_it_comes_is_told_by_a_stricter_ehr_that_a_refresh_needs_a_client_id() {
    let strict = |mock: Builder| mock.variant(Variant::RefreshClientIdRequired);
    let Some(ran) = run("fhirclient.mjs", strict).await else {
        return;
    };
    assert!(!ran.succeeded && ran.stderr.contains("client_id"), "{}", ran.stderr);
    assert_eq!(ran.ehr.refused(), ["POST /auth/token 401"]);
}
