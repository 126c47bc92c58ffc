//! read, vread, history, `$everything`, operations, the CapabilityStatement; and what goes upstream of a request.

use http::{Method, StatusCode};
use mock_ehr::Defect;
use serde_json::{Value, json};

use super::servers::*;
use crate::harness::*;

const WHOLE: &str = "launch/patient patient/*.rs";

#[tokio::test]
async fn nothing_of_the_apps_request_goes_upstream() {
    let server = Server::scripted(|seen| match seen.method {
        Method::GET if seen.target.contains("/Patient/") => {
            Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"}))
        }
        _ => Reply::Json(200, searchset(&[], &[])),
    })
    .await;
    let ehr =
        front(mock_ehr::MockEhr::builder().upstream(server.settings().authorization("Bearer own-credential").unwrap()));
    let token = own_token(&ehr, WHOLE).await;
    server.seen();
    let fields = [
        ("authorization", format!("Bearer {token}")),
        ("cookie", "session=secret-cookie".to_owned()),
        ("proxy-authorization", "Basic secret-proxy".to_owned()),
        ("x-api-key", "secret-key".to_owned()),
        ("origin", "https://app.example".to_owned()),
        ("referer", "https://app.example/secret-page".to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("/fhir/Patient/patient-a?access_token={token}");
    assert_eq!(ehr.get_with(&path, &fields).await.status, StatusCode::OK);
    ehr.get_with(&format!("/fhir/Patient?access_token={token}"), &fields)
        .await;
    let form = Form::of(&[("access_token", &token), ("name", "x")]);
    ehr.post("/fhir/Patient/_search", &fields, &form).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    for one in seen {
        let whole = format!("{one:?}");
        assert_eq!(one.header("authorization"), "Bearer own-credential");
        for secret in [
            token.as_str(),
            "secret-cookie",
            "secret-proxy",
            "secret-key",
            "app.example",
            "access_token",
        ] {
            assert!(!whole.contains(secret), "{secret}: {whole}");
        }
    }
    let journal = format!("{:?}", ehr.mock.state().journal());
    assert!(!journal.contains("own-credential"));
}

#[tokio::test]
async fn upstream_is_not_asked_where_the_answer_is_no_anyway() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, "launch/patient patient/Patient.rs user/Observation.s").await;
    server.seen();
    for (path, token, status) in [
        ("Patient/patient-b", "wrong", 401),
        ("Patient", "wrong", 401),
        ("Condition/condition-b1", token.as_str(), 403),
        ("Condition", token.as_str(), 403),
        ("Observation/observation-b1", token.as_str(), 403),
        ("Patient?_id=patient-a", token.as_str(), 200),
        ("Patient/%2e%2e", token.as_str(), 404),
        ("Patient/..%2fObservation", token.as_str(), 404),
        ("Patient/$match", token.as_str(), 404),
        ("Nothing/x", token.as_str(), 403),
    ] {
        assert_eq!(ehr.fhir(path, token).await.status.as_u16(), status, "{path}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_is_refused_looks_the_same_whether_it_exists_or_not() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(
        &ehr,
        "launch/patient patient/Patient.rs patient/Observation.rs?category=laboratory",
    )
    .await;
    let own = ehr.fhir("Patient/patient-b", &token).await;
    assert_eq!(own.status, StatusCode::OK);
    let upstream = server.mock.as_ref().unwrap().state().data();
    let vital = upstream.all("Observation").find(|one| {
        one.membership.reachable_by(std::iter::once("patient-b")) && one.body.to_string().contains("vital-signs")
    });
    let vital = format!("Observation/{}", vital.unwrap().id);
    for (there, absent) in [
        ("Patient/patient-a", "Patient/patient-x"),
        ("Observation/observation-a1", "Observation/observation-x1"),
        (vital.as_str(), "Observation/observation-x1"),
        ("Patient/patient-a/_history", "Patient/patient-x/_history"),
        ("Patient/patient-a/_history/1", "Patient/patient-x/_history/1"),
        ("Patient/patient-a/$everything", "Patient/patient-x/$everything"),
        ("Patient?_id=patient-a", "Patient?_id=patient-x"),
        ("Observation?_id=observation-a1", "Observation?_id=observation-x1"),
        ("Observation?patient=patient-a", "Observation?patient=patient-x"),
        (
            "Observation?patient=patient-a&_summary=count",
            "Observation?patient=patient-x&_summary=count",
        ),
    ] {
        let plain = |answer: Answer, path: &str| {
            let id = path.rsplit('/').find(|part| part.contains('-')).unwrap_or(path);
            let id = id.rsplit(['=', '/']).next().unwrap();
            let text = answer.body.replace(id, "ID").replace(path, "PATH");
            (
                answer.status,
                text.replace("patient-a", "ID")
                    .replace("patient-x", "ID")
                    .replace("observation-a1", "ID")
                    .replace("observation-x1", "ID"),
            )
        };
        let (one, other) = (ehr.fhir(there, &token).await, ehr.fhir(absent, &token).await);
        assert_eq!(plain(one, there), plain(other, absent), "{there}");
    }
}

#[tokio::test]
async fn a_record_is_read_with_the_mocks_addresses() {
    let server = Server::scripted(|seen| {
        let base = format!("http://{}/fhir", seen.header("host"));
        let mut resource = observation("o", "patient-b");
        resource["performer"] = json!([{"reference": format!("{base}/Practitioner/p")}]);
        resource["text"] = json!({"div": format!("<a href=\"{base}/Observation/o\">o</a>")});
        resource["subject"] = json!({"reference": format!("{base}/Patient/patient-b")});
        Reply::With(
            200,
            vec![("etag", "W/\"upstream\"".to_owned()), ("set-cookie", "a=b".to_owned())],
            resource,
        )
    })
    .await;
    let ehr = front(
        mock_ehr::MockEhr::builder()
            .upstream(server.settings())
            .defect(Defect::FhirNoTokenAccepted),
    );
    let answer = ehr.get("/fhir/Observation/o").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.body.contains(&server.base), "{}", answer.body);
    assert_eq!(
        answer.json()["performer"][0]["reference"],
        format!("{FHIR}/Practitioner/p")
    );
    assert_eq!(answer.header("etag"), "W/\"3\"");
    assert_eq!(answer.header("set-cookie"), "");
    let known = ehr
        .get_with("/fhir/Observation/o", &[("if-none-match", "W/\"3\"")])
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn what_upstream_says_is_not_believed() {
    let script = |seen: &Noted| match seen.target.trim_start_matches("/fhir/") {
        // Another one than was asked for.
        "Observation/swapped" => Reply::Json(200, observation("other", "patient-a")),
        "Observation/list" => Reply::Json(200, json!(["Observation"])),
        "Observation/empty" => Reply::Raw(200, "application/fhir+json", Vec::new()),
        "Observation/own" | "Observation/own/_history/3" => Reply::Json(200, observation("own", "patient-a")),
        // A patient of another server, who has the same id there.
        "Observation/elsewhere" => {
            let mut one = observation("elsewhere", "patient-a");
            one["subject"]["reference"] = json!("https://other.example/fhir/Patient/patient-a");
            Reply::Json(200, one)
        }
        "Observation/here" => {
            let mut one = observation("here", "patient-a");
            one["subject"]["reference"] = json!(format!("http://{}/fhir/Patient/patient-a", seen.header("host")));
            Reply::Json(200, one)
        }
        "Observation/foreign" | "Observation/foreign/_history/3" => {
            Reply::Json(200, observation("foreign", "patient-b"))
        }
        "Observation/own/_history?_count=50" => {
            let versions = [
                observation("own", "patient-b"),
                observation("own", "patient-a"),
                observation("foreign", "patient-a"),
            ];
            Reply::Json(200, searchset(&versions.map(|one| ("", one)), &[]))
        }
        // What `Observation/retyped` gets as well.
        _ => Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"})),
    };
    let server = Server::scripted(script).await;
    let ehr = server.front();
    let token = own_token(&ehr, WHOLE).await;
    for (path, status) in [
        ("Observation/own", 200),
        ("Observation/here", 200),
        ("Observation/elsewhere", 404),
        ("Observation/own/_history/3", 200),
        ("Observation/own/_history/4", 502),
        ("Observation/foreign", 404),
        ("Observation/foreign/_history/3", 404),
        ("Observation/swapped", 502),
        ("Observation/retyped", 502),
        ("Observation/list", 502),
        ("Observation/empty", 502),
    ] {
        let answer = ehr.fhir(path, &token).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert!(!answer.body.contains("HIV") || status == 200, "{path}");
    }
    // One version was somebody else's, and another resource is none of its versions.
    let history = ehr.fhir("Observation/own/_history", &token).await.json();
    assert_eq!(history["entry"].as_array().map(Vec::len), Some(1), "{history}");
}

#[tokio::test]
async fn versions_and_everything_are_those_of_the_patient() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, WHOLE).await;
    let all = ehr.fhir("Patient/patient-b/$everything", &token).await.json();
    let entries = all["entry"].as_array().unwrap();
    assert!(entries.len() > 20);
    for entry in entries {
        let text = entry["resource"].to_string();
        assert!(text.contains("patient-b"), "{text}");
        assert!(entry["fullUrl"].as_str().unwrap().starts_with(FHIR));
    }
    let types: std::collections::BTreeSet<_> = entries
        .iter()
        .map(|entry| entry["resource"]["resourceType"].to_string())
        .collect();
    assert!(types.len() > 5, "{types:?}");
    let history = ehr.fhir("Patient/patient-b/_history", &token).await.json();
    assert_eq!(history["entry"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        ehr.fhir("Patient/patient-b/_history/1", &token).await.status,
        StatusCode::OK
    );
    assert_eq!(
        ehr.fhir("Patient/patient-b/_history/9", &token).await.status,
        StatusCode::NOT_FOUND
    );
    for refused in ["_history", "Patient/_history"] {
        let answer = ehr.fhir(refused, &token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{refused}");
        assert!(answer.body.contains("not supported"), "{}", answer.body);
    }
}

#[tokio::test]
async fn operations_that_are_not_judged_do_not_exist() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, "launch/patient patient/*.cruds").await;
    server.seen();
    let parameters = json!({"resourceType": "Parameters"});
    for (method, path) in [
        (Method::POST, "Patient/$match"),
        (Method::POST, "$graphql"),
        (Method::GET, "$export"),
        (Method::GET, "Patient/patient-b/$graph"),
        (Method::POST, "Patient/patient-b/$everything"),
        (Method::POST, "$process-message"),
        (Method::GET, "?_getpages=abc"),
        (Method::POST, "_search"),
    ] {
        let answer = write(&ehr, &token, method.clone(), path, &[], &parameters).await;
        assert!(
            [404, 405].contains(&answer.status.as_u16()),
            "{method} {path}: {answer:?}"
        );
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{method} {path}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_statement_is_what_both_can_do() {
    let server = Server::honest().await;
    let ehr = server.front();
    let statement = ehr.get("/fhir/metadata").await.json();
    let rest = &statement["rest"][0];
    assert_eq!(rest["interaction"], json!([{"code": "batch"}]));
    let addresses = rest["security"]["extension"][0]["extension"].as_array().unwrap();
    assert!(
        addresses
            .iter()
            .all(|one| one["valueUri"].as_str().unwrap().starts_with(BASE))
    );
    let patient = rest["resource"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == "Patient")
        .unwrap();
    assert!(!patient["interaction"].to_string().contains("history-type"));
    assert!(patient["interaction"].to_string().contains("history-instance"));
    assert!(!statement.to_string().contains(&server.base));
    ehr.get("/fhir/metadata").await;
    assert_eq!(server.seen().len(), 1, "the statement is kept for a while");
    let none = Value::Null;
    assert_ne!(ehr.get("/fhir/.well-known/smart-configuration").await.json(), none);
    assert!(server.seen().is_empty());
}

/// A server whose pages hold one resource each and never end.
async fn endless() -> Server {
    Server::scripted(|seen| {
        let base = format!("http://{}/fhir", seen.header("host"));
        let page = seen
            .parameter("page")
            .and_then(|page| page.parse::<usize>().ok())
            .unwrap_or_default();
        let next = format!("{base}/Observation?page={}", page + 1);
        let one = observation(&format!("o{page}"), "patient-a");
        match seen.target.trim_start_matches("/fhir/") {
            "metadata" => Reply::Json(
                200,
                json!({"resourceType": "CapabilityStatement", "rest": [{"resource": [{"type": "Observation"}]}]}),
            ),
            "Observation/o/_history?_count=50" => {
                let versions: Vec<_> = (0..50).map(|_| ("", observation("o", "patient-a"))).collect();
                Reply::Json(200, searchset(&versions, &[("next", &next)]))
            }
            // Its count alone tells that there are more.
            "Observation/p/_history?_count=50" => {
                Reply::Json(200, searchset(&[("", observation("p", "patient-a"))], &[]))
            }
            target if target.starts_with("Observation?") => {
                Reply::Json(200, searchset(&[("match", one)], &[("next", &next)]))
            }
            _ => Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"})),
        }
    })
    .await
}

#[tokio::test]
async fn what_is_cut_is_said_to_be() {
    let server = endless().await;
    let ehr = server.front();
    let token = own_token(&ehr, WHOLE).await;
    // So many pages are looked at, and so many resources were on them.
    let everything = ehr.fhir("Patient/patient-a/$everything", &token).await.json();
    assert_eq!(everything["total"], Value::Null, "{everything}");
    let entries = everything["entry"].as_array().unwrap();
    let last = &entries.last().unwrap();
    assert_eq!(
        (&last["search"]["mode"], &last["resource"]["issue"][0]["code"]),
        (&json!("outcome"), &json!("incomplete"))
    );
    let told = last["resource"]["issue"][0]["diagnostics"].as_str().unwrap();
    assert!(told.contains("only 41 resources"), "{told}");
    assert_eq!(entries.len(), 42);
    let found = ehr.fhir("Observation?_sort=code&_offset=2", &token).await.json();
    assert_eq!(found["total"], Value::Null, "{found}");
    assert!(found.to_string().contains("only the first 40 resources"), "{found}");
    for (path, versions) in [("Observation/o/_history", 50), ("Observation/p/_history", 1)] {
        let history = ehr.fhir(path, &token).await.json();
        assert_eq!(history["total"], Value::Null, "{history}");
        let entries = history["entry"].as_array().unwrap();
        assert_eq!(entries.len(), versions);
        let outcome = &entries.last().unwrap()["response"]["outcome"];
        assert_eq!(outcome["issue"][0]["code"], "incomplete", "{outcome}");
    }
}
