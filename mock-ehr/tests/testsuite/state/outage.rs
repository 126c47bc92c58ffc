//! A database that goes away: 503, a line in the log without secrets, and afterwards all goes on.

use http::StatusCode;
use serde_json::Value;

use super::{cluster, replica};
use crate::harness::*;
use crate::serve::program::Program;

/// What every kind of request is told meanwhile.
async fn is_out(ehr: &TestEhr, flow: &Flow, token: &str) {
    let data = ehr.fhir("Patient/patient-b", token).await;
    assert_eq!(data.status, StatusCode::SERVICE_UNAVAILABLE, "{data:?}");
    assert_eq!(data.json()["resourceType"], "OperationOutcome");
    assert_eq!(data.json()["issue"][0]["code"], "transient");
    let exchanged = ehr.redeem(flow, |form| form).await;
    assert_eq!(exchanged.status, StatusCode::SERVICE_UNAVAILABLE, "{exchanged:?}");
    assert_eq!(exchanged.error(), "temporarily_unavailable");
    assert_eq!(exchanged.header("retry-after"), "1");
    let path = format!("/auth/authorize?{}", ehr.request("app-public").encode());
    let page = ehr.get_with(&path, &[("accept", "text/html")]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{page:?}");
    assert!(page.header("content-type").starts_with("text/html") && page.body.contains("temporarily_unavailable"));
    // What needs no records is answered.
    let discovery = ehr.get("/fhir/.well-known/smart-configuration").await;
    assert_eq!(discovery.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_went_away_and_came_back() {
    let Some(mut cluster) = cluster::own() else { return };
    let ehr = replica(&cluster.database("outage"));
    let token = ehr.launched("app-public").await.member("access_token");
    let flow = ehr.code("app-public").await;
    cluster.stop();
    is_out(&ehr, &flow, &token).await;
    cluster.start_again();
    assert!(ehr.is_alive(&token).await);
    assert!(
        ehr.redeem(&flow, |form| form).await.gives_token(),
        "the code was not spent"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_lost_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let ehr = replica(&format!("sqlite:{}", file.display()));
    let token = ehr.launched("app-public").await.member("access_token");
    let flow = ehr.code("app-public").await;
    let other = rusqlite::Connection::open(&file).unwrap();
    let rename = |from: &str, to: &str| {
        other
            .execute(&format!("ALTER TABLE {from} RENAME TO {to}"), [])
            .unwrap()
    };
    rename("launchproof_rows", "elsewhere");
    is_out(&ehr, &flow, &token).await;
    rename("elsewhere", "launchproof_rows");
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
}

#[tokio::test]
async fn the_log_names_the_trouble_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let program = Program::start(&["--database", &format!("sqlite:{}", file.display())]);
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute("DROP TABLE launchproof_rows", []).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = client
        .get(format!("http://{}/fhir/Patient/patient-a", program.address()))
        .bearer_auth("loud-token");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let outcome: Value = answer.json().await.unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let form = "grant_type=authorization_code&code=loud-code&client_id=app-public";
    let exchanged = client
        .post(format!("http://{}/auth/token", program.address()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    assert_eq!(
        exchanged.send().await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    program.signal("TERM");
    let (good, said) = program.ended();
    assert!(good, "{said}");
    let lines = said.lines().filter(|line| line.starts_with("database: ")).count();
    assert_eq!(lines, 2, "one line a request: {said}");
    assert!(
        said.contains("no such table: launchproof_rows") && !said.contains("loud-"),
        "{said}"
    );
}
