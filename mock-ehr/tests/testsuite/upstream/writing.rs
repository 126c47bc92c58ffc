//! create, update, patch, delete, their conditional forms, and batches: judged here, carried out upstream.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::servers::*;
use crate::harness::*;

const WRITES: &str = "launch/patient patient/*.cruds";

fn goal(id: Option<&str>, patient: &str, text: &str) -> Value {
    let mut goal = json!({
        "resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": text},
        "identifier": [{"system": "urn:x", "value": text}],
        "subject": {"reference": format!("Patient/{patient}")},
    });
    if let Some(id) = id {
        goal["id"] = json!(id);
    }
    goal
}

/// Token, method, address, header fields, body, and the status of the refusal.
type Case<'a> = (&'a str, Method, &'a str, &'a [(&'a str, &'a str)], Value, u16);

/// Only the writes of what was seen.
fn writes(server: &Server) -> Vec<Noted> {
    let reads = |seen: &Noted| seen.method == Method::GET || seen.target.ends_with("/_search");
    server.seen().into_iter().filter(|seen| !reads(seen)).collect()
}

#[tokio::test]
async fn writes_within_reach_are_carried_out_upstream() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, WRITES).await;
    let mut sent = goal(Some("chosen-by-the-app"), "patient-b", "walk");
    sent["subject"]["reference"] = json!(format!("{FHIR}/Patient/patient-b"));
    server.seen();
    let made = write(&ehr, &token, Method::POST, "Goal", &[("x-api-key", "secret")], &sent).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let location = made.header("location").to_owned();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{FHIR}/Goal/{id}/_history/1"));
    assert_ne!(id, "chosen-by-the-app");
    let seen = writes(&server);
    assert_eq!((seen.len(), seen[0].target.as_str()), (1, "/fhir/Goal"));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(
        body["subject"]["reference"],
        format!("{}/Patient/patient-b", server.base)
    );
    assert_eq!((body["id"].clone(), body["meta"].clone()), (Value::Null, Value::Null));
    assert!(seen[0].header("x-api-key").is_empty() && seen[0].header("authorization").is_empty());
    // An update, and one that knows an old version.
    let path = format!("Goal/{id}");
    let changed = goal(Some(&id), "patient-b", "run");
    let tag = made.header("etag").to_owned();
    let first = write(&ehr, &token, Method::PUT, &path, &[("if-match", &tag)], &changed).await;
    assert_eq!((first.status, first.header("etag")), (StatusCode::OK, "W/\"2\""));
    assert_eq!(writes(&server)[0].header("if-match"), tag);
    let late = write(&ehr, &token, Method::PUT, &path, &[("if-match", &tag)], &changed).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert!(writes(&server).is_empty());
    // A patch goes upstream as the update that it comes to.
    let operations = json!([{"op": "replace", "path": "/description/text", "value": "swim"}]);
    let fields = [("content-type", "application/json-patch+json")];
    let patched = write(&ehr, &token, Method::PATCH, &path, &fields, &operations).await;
    assert_eq!(
        (patched.status, patched.json()["description"]["text"].as_str()),
        (StatusCode::OK, Some("swim"))
    );
    let seen = writes(&server);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].header("if-match")),
        ("PUT", "W/\"2\"")
    );
    let history = ehr.fhir(&format!("{path}/_history"), &token).await.json();
    assert_eq!(history["entry"].as_array().map(Vec::len), Some(3), "{history}");
    // An id that is new.
    let fresh = write(
        &ehr,
        &token,
        Method::PUT,
        "Goal/mine",
        &[],
        &goal(Some("mine"), "patient-b", "x"),
    )
    .await;
    assert_eq!(fresh.status, StatusCode::CREATED, "{}", fresh.body);
    assert_eq!(writes(&server)[0].header("if-none-match"), "*");
    assert_eq!(ehr.fhir("Goal/mine", &token).await.status, StatusCode::OK);
    let gone = write(&ehr, &token, Method::DELETE, &path, &[], &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(writes(&server)[0].header("if-match"), "W/\"3\"");
    assert_eq!(ehr.fhir(&path, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn writes_beyond_reach_do_not_leave_the_mock() {
    let server = Server::honest().await;
    let ehr = server.front();
    let of_b = token(&ehr, WRITES).await;
    let reads = token(&ehr, "launch/patient patient/*.rs").await;
    let laboratory = token(&ehr, "launch/patient patient/Observation.cruds?category=laboratory").await;
    let own = write(&ehr, &of_b, Method::POST, "Goal", &[], &goal(None, "patient-b", "own")).await;
    let own = format!("Goal/{}", own.member("id"));
    server.seen();
    let foreign = || goal(Some("goal-a1"), "patient-a", "x");
    let mut vital = observation("new", "patient-b");
    vital["category"] = json!([{"coding": [{"code": "vital-signs"}]}]);
    let changes = json!([{"op": "replace", "path": "/subject/reference", "value": "Patient/patient-a"}]);
    let own_id = own.rsplit('/').next().unwrap().to_owned();
    let json_patch = [("content-type", "application/json-patch+json")];
    let criteria = [("if-none-exist", "status=active&nonsense=1")];
    let cases: [Case<'_>; 16] = [
        (&of_b, Method::POST, "Goal", &[], goal(None, "patient-a", "x"), 403),
        (&of_b, Method::PUT, "Goal/goal-a1", &[], foreign(), 404),
        (
            &of_b,
            Method::PUT,
            "Goal/goal-a1",
            &[],
            goal(Some("goal-a1"), "patient-b", "x"),
            404,
        ),
        (&of_b, Method::DELETE, "Goal/goal-a1", &[], Value::Null, 404),
        (&of_b, Method::PATCH, "Goal/goal-a1", &json_patch, changes.clone(), 404),
        (
            &of_b,
            Method::PUT,
            "Goal/new",
            &[],
            goal(Some("new"), "patient-a", "x"),
            403,
        ),
        (
            &of_b,
            Method::PUT,
            "Goal/new",
            &[],
            goal(Some("other"), "patient-b", "x"),
            400,
        ),
        (
            &of_b,
            Method::PUT,
            &own,
            &[],
            goal(Some(&own_id), "patient-a", "moved"),
            403,
        ),
        (&of_b, Method::PATCH, &own, &json_patch, changes, 403),
        (
            &of_b,
            Method::POST,
            "Goal",
            &criteria,
            goal(None, "patient-b", "x"),
            400,
        ),
        (&of_b, Method::DELETE, "Goal", &[], Value::Null, 405),
        (&of_b, Method::POST, "Goal", &[], json!("no resource"), 400),
        (&reads, Method::POST, "Goal", &[], goal(None, "patient-b", "x"), 403),
        (&reads, Method::DELETE, &own, &[], Value::Null, 403),
        (&laboratory, Method::POST, "Observation", &[], vital, 403),
        ("wrong", Method::POST, "Goal", &[], goal(None, "patient-b", "x"), 401),
    ];
    for (token, method, path, fields, body, status) in &cases {
        let answer = write(&ehr, token, method.clone(), path, fields, body).await;
        assert_eq!(answer.status.as_u16(), *status, "{method} {path}: {}", answer.body);
        assert!(writes(&server).is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn conditional_writes_find_what_the_token_finds() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, WRITES).await;
    let everywhere = own_token(&ehr, WRITES).await;
    // The same identifier in the records of two patients.
    for (token, patient) in [(&token, "patient-b"), (&everywhere, "patient-a")] {
        let made = write(&ehr, token, Method::POST, "Goal", &[], &goal(None, patient, "twin")).await;
        assert_eq!(made.status, StatusCode::CREATED);
    }
    server.seen();
    let twin = "identifier=urn:x|twin";
    let again = write(
        &ehr,
        &token,
        Method::POST,
        "Goal",
        &[("if-none-exist", twin)],
        &goal(None, "patient-b", "twin"),
    )
    .await;
    assert_eq!(
        (again.status, again.json()["subject"]["reference"].as_str()),
        (StatusCode::OK, Some("Patient/patient-b"))
    );
    assert!(writes(&server).is_empty());
    let new = write(
        &ehr,
        &token,
        Method::POST,
        "Goal",
        &[("if-none-exist", "identifier=urn:x|new")],
        &goal(None, "patient-b", "new"),
    )
    .await;
    assert_eq!(new.status, StatusCode::CREATED, "{}", new.body);
    let criteria = writes(&server)[0].header("if-none-exist").to_owned();
    assert!(
        criteria.contains("patient=patient-b"),
        "it is narrowed upstream, too: {criteria}"
    );
    let path = format!("Goal?{}", twin.replace('|', "%7C"));
    let updated = write(&ehr, &token, Method::PUT, &path, &[], &goal(None, "patient-b", "twin")).await;
    assert_eq!(
        (updated.status, updated.json()["id"].clone()),
        (StatusCode::OK, again.json()["id"].clone())
    );
    let changes = json!([{"op": "add", "path": "/startDate", "value": "2026-01-01"}]);
    let patched = write(
        &ehr,
        &token,
        Method::PATCH,
        &path,
        &[("content-type", "application/json-patch+json")],
        &changes,
    )
    .await;
    assert_eq!(
        (patched.status, patched.json()["startDate"].as_str()),
        (StatusCode::OK, Some("2026-01-01"))
    );
    let deleted = write(&ehr, &token, Method::DELETE, &path, &[], &Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    // The other patient's twin is still there, and means nothing to this token.
    for method in [Method::DELETE, Method::PATCH] {
        let fields = [("content-type", "application/json-patch+json")];
        let answer = write(&ehr, &token, method.clone(), &path, &fields, &changes).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
    }
    let found = ehr.fhir(&path, &everywhere).await.json();
    assert_eq!(keys(&found, "match").len(), 1);
    let made = write(&ehr, &token, Method::PUT, &path, &[], &goal(None, "patient-b", "twin")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let second = write(
        &ehr,
        &token,
        Method::POST,
        "Goal",
        &[],
        &goal(None, "patient-b", "twin"),
    )
    .await;
    assert_eq!(second.status, StatusCode::CREATED);
    let several = write(&ehr, &token, Method::DELETE, &path, &[], &Value::Null).await;
    assert_eq!(several.status, StatusCode::PRECONDITION_FAILED, "{}", several.body);
}

#[tokio::test]
async fn a_batch_is_judged_entry_by_entry_and_a_transaction_is_refused() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, WRITES).await;
    server.seen();
    let entry = |method: &str, url: &str, resource: Value| {
        let mut entry = json!({"request": {"method": method, "url": url}});
        if !resource.is_null() {
            entry["resource"] = resource;
        }
        entry
    };
    let mut unless = entry("POST", "Goal", goal(None, "patient-b", "one"));
    unless["request"]["ifNoneExist"] = json!("identifier=urn:x|one");
    let entries = json!([
        entry("POST", "Goal", goal(None, "patient-b", "one")),
        entry("POST", "Goal", goal(None, "patient-a", "foreign")),
        entry("GET", "Patient/patient-b", Value::Null),
        entry("GET", "Patient/patient-a", Value::Null),
        entry("GET", "Observation?patient=patient-a", Value::Null),
        entry("GET", "http://evil.example/fhir/Patient/patient-b", Value::Null),
        unless,
        entry("DELETE", "Goal/goal-a1", Value::Null),
        entry("POST", "Patient/$match", json!({"resourceType": "Parameters"})),
    ]);
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": entries});
    let answer = write(&ehr, &token, Method::POST, "", &[], &batch).await.json();
    let statuses: Vec<_> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["response"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["201", "403", "200", "404", "200", "404", "200", "404", "405"],
        "{answer}"
    );
    assert_eq!(answer["entry"][4]["resource"]["total"], 0);
    assert!(!answer.to_string().contains(&server.base));
    assert_eq!(writes(&server).len(), 1);
    let transaction = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let answer = write(&ehr, &token, Method::POST, "", &[], &transaction).await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert!(answer.body.contains("send a batch"), "{}", answer.body);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_upstream_makes_of_a_write_is_judged_as_well() {
    let server = Server::scripted(|seen| {
        let base = format!("http://{}/fhir", seen.header("host"));
        let created = |id: &str| vec![("location", format!("{base}/Goal/{id}/_history/7"))];
        let existing = json!({"resourceType": "Goal", "id": "old", "meta": {"versionId": "4"}, "subject": {"reference": "Patient/patient-a"}});
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        match (seen.method.as_str(), body["description"]["text"].as_str().unwrap_or_default()) {
            ("GET", _) if seen.target.ends_with("Goal/old") => Reply::Json(200, existing),
            ("GET", _) if seen.target.contains("/Goal/") => Reply::Json(404, Value::Null),
            ("GET", _) => Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"})),
            // Only where it is.
            ("POST", "quiet") => Reply::With(201, created("quiet-1"), Value::Null),
            // Somebody else's.
            ("POST", "foreign") => Reply::With(201, created("foreign-1"), json!({"resourceType": "Goal", "id": "foreign-1", "subject": {"reference": "Patient/patient-b"}, "note": "secret"})),
            ("POST", "nowhere") => Reply::With(201, vec![("location", "http://evil.example/x".to_owned())], Value::Null),
            ("POST", "invalid") => Reply::Json(422, json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Goal.category is missing"}]})),
            ("POST", "moved") => Reply::With(307, vec![("location", format!("{base}/Goal"))], Value::Null),
            ("PUT", "raced") => Reply::Json(412, json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "patient-b changed it"}]})),
            ("PUT", "closed") => Reply::Json(405, Value::Null),
            ("DELETE", _) => Reply::Json(409, json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "CarePlan/of-patient-b refers to it"}]})),
            _ => Reply::Json(500, Value::Null),
        }
    })
    .await;
    let ehr = server.front();
    let token = own_token(&ehr, WRITES).await;
    let create =
        async |text: &str| write(&ehr, &token, Method::POST, "Goal", &[], &goal(None, "patient-a", text)).await;
    let quiet = create("quiet").await;
    assert_eq!(
        (quiet.status, quiet.json()["id"].as_str(), quiet.header("etag")),
        (StatusCode::CREATED, Some("quiet-1"), "W/\"7\"")
    );
    assert_eq!(quiet.header("location"), format!("{FHIR}/Goal/quiet-1/_history/7"));
    let foreign = create("foreign").await;
    assert_eq!(foreign.status, StatusCode::CREATED);
    assert!(
        !foreign.body.contains("secret") && !foreign.body.contains("patient-b"),
        "{}",
        foreign.body
    );
    for (text, status, says) in [
        ("nowhere", 502, "does not say what was made"),
        ("invalid", 422, "Goal.category is missing"),
        ("moved", 502, "redirects"),
        ("broken", 502, "500"),
    ] {
        let answer = create(text).await;
        assert_eq!(answer.status.as_u16(), status, "{text}");
        assert!(answer.body.contains(says), "{text}: {}", answer.body);
    }
    for (text, status) in [("raced", 412), ("closed", 405)] {
        let answer = write(
            &ehr,
            &token,
            Method::PUT,
            "Goal/old",
            &[],
            &goal(Some("old"), "patient-a", text),
        )
        .await;
        assert_eq!(answer.status.as_u16(), status, "{text}");
        assert!(!answer.body.contains("patient-b"));
    }
    let deleted = write(&ehr, &token, Method::DELETE, "Goal/old", &[], &Value::Null).await;
    assert_eq!(deleted.status, StatusCode::CONFLICT);
    assert!(!deleted.body.contains("patient-b"), "{}", deleted.body);
}

#[tokio::test]
async fn ids_that_are_none_lead_nowhere_upstream() {
    let server = Server::scripted(|_| Reply::Json(200, searchset(&[], &[]))).await;
    let ehr = front(mock_ehr::MockEhr::builder().upstream(server.settings().authorization("Bearer own").unwrap()));
    let token = own_token(&ehr, WRITES).await;
    let long = "x".repeat(65);
    for id in ["../../admin", "..", "a/b", "a?b=c", "", &long] {
        let body = goal(Some(id), "patient-a", "x");
        let address = format!(
            "Goal/{}",
            id.replace('/', "%2F").replace('?', "%3F").replace("..", "%2e%2e")
        );
        for path in [address.as_str(), "Goal?identifier=urn:x|x"] {
            server.seen();
            let answer = write(&ehr, &token, Method::PUT, path, &[], &body).await;
            let refused = [400, 404, 405].contains(&answer.status.as_u16());
            assert!(refused, "{path} {id}: {} {}", answer.status, answer.body);
            let seen = writes(&server);
            assert!(seen.is_empty(), "{path} {id}: {seen:?}");
        }
    }
}

/// A server that keeps versions in its ETag alone, if at all, and knows no If-None-Match.
#[tokio::test]
async fn writes_are_guarded_as_far_as_upstream_can_be_asked_to() {
    let server = Server::scripted(|seen| {
        let (_, id) = seen.target.rsplit_once('/').unwrap_or_default();
        let body = json!({"resourceType": "Goal", "id": id, "subject": {"reference": "Patient/patient-a"}});
        match (seen.method.as_str(), id) {
            ("GET", "tagged") => Reply::With(200, vec![("etag", "\"abc-7\"".to_owned())], body),
            ("GET", "bare") => Reply::Json(200, body),
            ("GET", "taken" | "free") => Reply::Json(404, Value::Null),
            ("GET", _) => Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"})),
            ("PUT", "free") => Reply::Json(201, body),
            _ => Reply::Json(200, body),
        }
    })
    .await;
    let ehr = server.front();
    let token = own_token(&ehr, WRITES).await;
    let put = async |id: &str| {
        let path = format!("Goal/{id}");
        write(&ehr, &token, Method::PUT, &path, &[], &goal(Some(id), "patient-a", "x")).await
    };
    for (id, status, tag) in [("tagged", 200, "\"abc-7\""), ("bare", 200, "")] {
        server.seen();
        assert_eq!(put(id).await.status.as_u16(), status, "{id}");
        assert_eq!(writes(&server)[0].header("if-match"), tag, "{id}");
    }
    let deleted = write(&ehr, &token, Method::DELETE, "Goal/tagged", &[], &Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.body);
    assert_eq!(writes(&server)[0].header("if-match"), "\"abc-7\"");
    assert_eq!(put("free").await.status, StatusCode::CREATED);
    assert_eq!(writes(&server)[0].header("if-none-match"), "*");
    let replaced = put("taken").await;
    assert_eq!(replaced.status, StatusCode::CONFLICT, "{}", replaced.body);
    let issue = &replaced.json()["issue"][0];
    assert_eq!(issue["code"], "conflict");
    assert!(
        issue["diagnostics"].as_str().unwrap().contains("If-None-Match"),
        "{issue}"
    );
}

#[tokio::test]
async fn a_body_is_read_of_whom_it_may_come_and_not_beyond_its_limit() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, WRITES).await;
    let large = goal(None, "patient-b", &"x".repeat(2 * 1024 * 1024));
    server.seen();
    for (token, status, says) in [("wrong", 401, "token"), (token.as_str(), 413, "2097152 bytes")] {
        let answer = write(&ehr, token, Method::POST, "Goal", &[], &large).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert!(answer.body.contains(says), "{}", answer.body);
    }
    assert!(writes(&server).is_empty());
}
