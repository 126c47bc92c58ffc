//! A file outlives the process.

use http::StatusCode;
use serde_json::{Value, json};

use super::replica;
use crate::serve::program::{Program, refused};

fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("state.db").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_tokens_and_resources_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let scope = "launch/patient openid offline_access patient/*.cruds";
    let (first, id) = {
        let ehr = replica(&file(&folder));
        let first = ehr
            .launched_with("app-public", |request| request.set("scope", scope))
            .await;
        let bearer = format!("Bearer {}", first.member("access_token"));
        let body = json!({
            "resourceType": "Observation", "status": "final", "code": { "text": "kept" },
            "subject": { "reference": "Patient/patient-b" },
        });
        let request = http::Request::post("/fhir/Observation")
            .header("authorization", bearer)
            .header("content-type", "application/fhir+json")
            .body(body.to_string().into())
            .unwrap();
        let made = ehr.send(request).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        (first, made.member("id"))
    };
    let ehr = replica(&file(&folder));
    assert!(ehr.is_alive(&first.member("access_token")).await);
    let second = ehr
        .refresh("app-public", &first.member("refresh_token"), |form| form)
        .await;
    assert!(second.gives_token(), "{second:?}");
    let kept = ehr
        .fhir(&format!("Observation/{id}"), &second.member("access_token"))
        .await;
    assert_eq!(kept.json()["code"]["text"], "kept");
    // It was rotated, and is known for what it is after another start.
    let ehr = replica(&file(&folder));
    let replayed = ehr
        .refresh("app-public", &first.member("refresh_token"), |form| form)
        .await;
    assert_eq!(replayed.error(), "invalid_grant");
    assert!(!ehr.is_alive(&second.member("access_token")).await, "the family ended");
}

/// The program itself, with its flag.
#[tokio::test]
async fn a_registration_outlives_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let address = file(&folder);
    let program = Program::start(&["--database", &address, "--app", "http://localhost:3000/launch.html"]);
    assert_eq!(
        program.said("Database"),
        format!("SQLite in {}", &address["sqlite:".len()..])
    );
    let metadata = json!({ "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none" });
    let registered = client
        .post(format!("http://{}/auth/register", program.address()))
        .body(metadata.to_string())
        .send();
    let told: Value = registered.await.unwrap().json().await.unwrap();
    program.signal("TERM");
    let (good, said) = program.ended();
    assert!(good, "{said}");
    let program = Program::start(&["--database", &address]);
    let path = format!("/auth/register/{}", told["client_id"].as_str().unwrap());
    let read = client
        .get(format!("http://{}{path}", program.address()))
        .bearer_auth(told["registration_access_token"].as_str().unwrap())
        .send();
    let read: Value = read.await.unwrap().json().await.unwrap();
    assert_eq!(read["redirect_uris"], metadata["redirect_uris"]);
}

#[test]
fn what_cannot_be_used_is_told_without_the_password() {
    for (address, why) in [
        ("sqlite:/nowhere/at/all.db", "/nowhere/at/all.db cannot be used"),
        (
            "postgres://me:loud-secret@127.0.0.1:1/x",
            "127.0.0.1:1/x cannot be reached",
        ),
        (
            "postgres://me:loud-secret@127.0.0.1/x?sslmode=require",
            "sslmode=require is not supported",
        ),
        (
            "oracle://me:loud-secret@127.0.0.1/x",
            "expected sqlite:FILE or postgres://",
        ),
    ] {
        let said = refused(&[
            "--listen",
            "127.0.0.1:0",
            "--management",
            "127.0.0.1:0",
            "--database",
            address,
        ]);
        assert!(said.contains("--database") && said.contains(why), "{said}");
        assert!(!said.contains("loud-secret"), "{said}");
    }
}
