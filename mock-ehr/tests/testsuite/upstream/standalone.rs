//! Standalone launches with choices, whose patient is upstream's.

use http::StatusCode;
use serde_json::{Value, json};

use super::servers::*;
use crate::harness::*;

/// A base that nobody made here: whoever reads the source can.
fn by_hand(choices: &Value) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let text = choices.to_string();
    let check = encode(&sha2::Sha256::digest(&text)[..6]);
    format!("/l/{}.{check}/fhir", encode(text.as_bytes()))
}

#[tokio::test]
async fn an_id_that_is_none_never_becomes_a_path() {
    let server = Server::honest().await;
    let ehr = server.front();
    for (choices, told) in [
        (
            json!({ "user": "demo", "patient": "../../../admin/x" }),
            "there is no Patient",
        ),
        (
            json!({ "patient": "patient-a", "encounter": ".." }),
            "there is no Encounter",
        ),
    ] {
        let base = by_hand(&choices);
        server.seen();
        let answer = ehr.get(&format!("{base}/.well-known/smart-configuration")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
        assert!(answer.body.contains(told), "{answer:?}");
        let landing = ehr
            .land("app-public", |form| form.set("aud", &format!("{BASE}{base}")))
            .await;
        assert_eq!(
            landing.parameter("error").as_deref(),
            Some("invalid_request"),
            "{landing:?}"
        );
        let strays: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
        assert!(
            strays
                .iter()
                .all(|target| !target.contains("..") && !target.contains("admin")),
            "{strays:?}"
        );
    }
    // An id is one, whoever has the record.
    let base = by_hand(&json!({ "patient": "patient-a" }));
    let answer = ehr.get(&format!("{base}/.well-known/smart-configuration")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn a_standalone_launch_names_people_who_are_there() {
    let server = Server::honest().await;
    let ehr = server.front();
    let launch = async |context: Value| {
        let mut request = json!({ "client": "app-public", "type": "standalone" });
        request
            .as_object_mut()
            .unwrap()
            .extend(context.as_object().unwrap().clone());
        ehr.post_json("/launches", &request).await
    };
    let made = launch(json!({ "patient": "patient-a", "encounter": "encounter-a1" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    for (context, says) in [
        (json!({ "patient": "patient-x" }), "there is no Patient `patient-x`"),
        (
            json!({ "encounter": "encounter-x" }),
            "there is no Encounter `encounter-x`",
        ),
        (
            json!({ "patient": "patient-b", "encounter": "encounter-a1" }),
            "is one of Patient `patient-a`",
        ),
    ] {
        let answer = launch(context).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
        assert!(answer.body.contains(says), "{answer:?}");
    }
}
