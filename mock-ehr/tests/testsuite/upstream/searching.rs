//! Search: narrowed before it goes upstream, judged on return, in pages that are bound to the token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use serde_json::{Value, json};

use super::servers::*;
use crate::harness::*;

const WHOLE: &str = "launch/patient patient/*.rs";

/// The same search, at a mock with records of its own and at one in front of them.
#[tokio::test]
async fn an_honest_server_upstream_changes_nothing() {
    let server = Server::honest().await;
    let (own, front) = (TestEhr::new(), server.front());
    let searches = [
        "Patient",
        "Patient?name=o",
        "Patient?_id=patient-a,patient-b",
        "Observation?_count=100",
        "Observation?patient=patient-b&_count=100&_sort=-date",
        "Observation?patient=patient-a",
        "Observation?subject=Patient/patient-b,Patient/patient-a&category=laboratory",
        "Observation?code=4548-4&_sort=date",
        "Observation?_summary=count",
        "Observation?_count=0",
        "Observation?_count=4&_offset=3",
        "Observation?_include=Observation:subject&_include=Observation:performer&_count=100",
        "Observation?_include=*&_count=100",
        "Patient?_revinclude=Observation:patient&_revinclude=Provenance:target",
        "Patient?_include=Patient:general-practitioner&_revinclude=Condition:patient",
        "Observation?patient.name=o&_count=100",
        "Observation?performer:Practitioner.name=a&_count=100",
        "Observation?encounter:Encounter.status=finished&_count=100",
        "Patient?_has:Observation:patient:code=4548-4",
        "Patient?_has:Condition:patient:code=44054006",
        "Practitioner?_count=100",
        "Device?_count=100",
        "Device?patient=patient-b",
        "Provenance?_count=100",
        "Basic?_count=100",
        "Condition?patient=patient-b&clinical-status=active",
        "Encounter?date=ge2020&_sort=-date&_count=100",
        "DocumentReference?_count=100",
        "Observation?date=soon",
        "Observation?shoe-size=4",
        "Patient?_elements=name,nonsense&_revinclude=Provenance:target",
        "Observation?_summary=true&_count=100",
        "Observation?_summary=text&_count=100",
        "Observation?_summary=text&_include=Observation:subject",
        "Observation?_include=Observation:nonsense",
    ];
    let scopes = [
        WHOLE,
        "launch/patient patient/Observation.rs?category=laboratory patient/Patient.rs",
        "launch/patient patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs patient/*.r",
        "launch/patient patient/Patient.s user/Observation.rs",
        "user/*.rs",
        "launch/patient user/*.s",
    ];
    for scope in scopes {
        let (of_own, of_front) = (token(&own, scope).await, token(&front, scope).await);
        for search in searches {
            let (one, other) = (own.fhir(search, &of_own).await, front.fhir(search, &of_front).await);
            let about = format!(
                "{scope}: {search}: {}",
                other.body.chars().take(300).collect::<String>()
            );
            if search.contains("shoe-size") {
                // What only the server upstream could know goes there; this one ignores it.
                assert_eq!(other.status, one.status, "{about}");
                continue;
            }
            assert_eq!(other.status, one.status, "{about}");
            let (one, other) = (one.json(), other.json());
            for mode in ["match", "include"] {
                let (mut one, mut other) = (keys(&one, mode), keys(&other, mode));
                if mode == "include" || !search.contains("_sort") {
                    one.sort();
                    other.sort();
                }
                assert_eq!(other, one, "{mode} of {about}");
            }
            let bodies = |bundle: &Value| {
                let entries = bundle["entry"].as_array().into_iter().flatten();
                let mut bodies: Vec<_> = entries.map(|entry| entry["resource"].to_string()).collect();
                bodies.sort();
                bodies
            };
            if other["resourceType"] == "Bundle" {
                assert_eq!(bodies(&other), bodies(&one), "{about}");
            }
            if !other["total"].is_null() {
                assert_eq!(other["total"], one["total"], "{about}");
            }
            assert!(!other.to_string().contains(&server.base), "{about}");
        }
    }
}

#[tokio::test]
async fn pages_are_followed_to_the_end_through_the_mock() {
    let server = Server::honest().await;
    let ehr = server.front();
    for scope in [
        WHOLE,
        "launch/patient patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs",
        "user/*.rs",
    ] {
        let token = token(&ehr, scope).await;
        let all = ehr
            .fhir("Observation?_count=250&patient=patient-b&_sort=date", &token)
            .await
            .json();
        let all = keys(&all, "match");
        assert!(all.len() > 7, "{all:?}");
        let (mut found, mut next) = (
            Vec::new(),
            Some("Observation?_count=7&patient=patient-b&_sort=date".to_owned()),
        );
        let mut before = None;
        while let Some(at) = next {
            assert!(found.len() <= all.len(), "it never ends");
            let page = ehr.fhir(&at, &token).await;
            assert_eq!(page.status, StatusCode::OK, "{at}: {}", page.body);
            let page = page.json();
            let here = keys(&page, "match");
            assert!(!here.is_empty() && here.len() <= 7);
            if let Some(previous) = link(&page, "previous") {
                assert_eq!(
                    keys(&ehr.fhir(&previous, &token).await.json(), "match"),
                    before.unwrap()
                );
            }
            before = Some(here.clone());
            found.extend(here);
            next = link(&page, "next");
        }
        assert_eq!(found, all);
    }
}

/// A server with opaque links: each page has two of patient-a's and whatever else the test wants.
async fn paged(foreign: bool) -> Server {
    Server::scripted(move |seen| {
        let base = format!("http://{}/fhir", seen.header("host"));
        if seen.target.contains("/Patient/") {
            return Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"}));
        }
        let at = seen
            .parameter("_getpagesoffset")
            .and_then(|at| at.parse().ok())
            .unwrap_or(0);
        let mut entries = vec![
            ("match", observation(&format!("o{at}"), "patient-a")),
            ("match", observation(&format!("o{}", at + 1), "patient-a")),
        ];
        if foreign && at > 0 {
            entries.push(("match", observation(&format!("x{at}"), "patient-b")));
            entries.push(("include", json!({"resourceType": "Patient", "id": "patient-b"})));
        }
        let next = format!(
            "{base}?_getpages=5a1f-77&_getpagesoffset={}&_count=2&_pretty=true&_bundletype=searchset",
            at + 2
        );
        let links = [("self", "http://elsewhere.example/"), ("next", next.as_str())];
        Reply::Json(200, searchset(&entries, if at < 4 { &links } else { &links[..1] }))
    })
    .await
}

#[tokio::test]
async fn opaque_pages_come_back_through_the_mock_and_belong_to_the_token() {
    for foreign in [false, true] {
        let server = paged(foreign).await;
        let ehr = server.front();
        let token = own_token(&ehr, WHOLE).await;
        server.seen();
        let mut page = ehr.fhir("Observation?code=1&_count=2", &token).await.json();
        assert_eq!(page["total"], Value::Null, "what upstream counts is not believed");
        let mut found = keys(&page, "match");
        let first = link(&page, "next").expect("a next page");
        assert!(!first.contains("5a1f"), "{first}");
        while let Some(next) = link(&page, "next") {
            page = ehr.fhir(&next, &token).await.json();
            assert!(!page.to_string().contains("patient-b"), "{page}");
            assert_eq!(link(&page, "self").as_deref(), Some(next.as_str()));
            found.extend(keys(&page, "match"));
        }
        assert_eq!(
            found,
            [
                "Observation/o0",
                "Observation/o1",
                "Observation/o2",
                "Observation/o3",
                "Observation/o4",
                "Observation/o5"
            ]
        );
        let seen: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
        assert_eq!(seen[0], "/fhir/Observation?code=1&patient=patient-a&_count=2");
        assert_eq!(
            seen[1],
            "/fhir?_getpages=5a1f-77&_getpagesoffset=2&_count=2&_pretty=true&_bundletype=searchset"
        );
        assert_eq!(seen.len(), 3);
        // Another token of the same app, user, patient and scopes opens it; any other does not, and asks nobody.
        let again = own_token(&ehr, WHOLE).await;
        assert_eq!(ehr.fhir(&first, &again).await.status, StatusCode::OK);
        let narrower = own_token(&ehr, "launch/patient patient/Observation.rs").await;
        server.seen();
        let sealed = first.split_once('?').unwrap().1.to_owned();
        let refused = [
            ehr.fhir(&first, &narrower).await,
            ehr.fhir(&format!("{first}x"), &token).await,
            ehr.fhir("Observation?_page=", &token).await,
            ehr.fhir("Observation?_page=%2e%2e", &token).await,
            ehr.fhir(&format!("Condition?{sealed}"), &token).await,
            server.front().fhir(&first, &token).await,
        ];
        let statuses: Vec<_> = refused.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [410, 410, 410, 410, 410, 401]);
        assert!(
            refused
                .iter()
                .all(|answer| answer.json()["resourceType"] == "OperationOutcome")
        );
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn pages_of_one_patient_open_for_no_other() {
    let server = Server::honest().await;
    let ehr = server.front();
    let of_b = token(&ehr, "launch/patient patient/*.rs").await;
    let page = ehr.fhir("Observation?_count=2", &of_b).await.json();
    let next = link(&page, "next").expect("a next page");
    assert_eq!(ehr.fhir(&next, &of_b).await.status, StatusCode::OK);
    let of_a = own_token(&ehr, "launch/patient patient/*.rs").await;
    assert_eq!(ehr.fhir(&next, &of_a).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn links_that_lead_elsewhere_are_not_handed_on() {
    let server = Server::scripted(|seen| {
        let links = [
            ("next", "http://evil.example/fhir?_getpages=1"),
            ("previous", "http://evil.example/fhir/Patient"),
        ];
        if seen.target.contains("/Patient/") {
            return Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"}));
        }
        Reply::Json(200, searchset(&[("match", observation("o", "patient-a"))], &links))
    })
    .await;
    let ehr = server.front();
    let token = own_token(&ehr, WHOLE).await;
    let page = ehr.fhir("Observation", &token).await.json();
    assert_eq!(keys(&page, "match"), ["Observation/o"]);
    assert_eq!((link(&page, "next"), link(&page, "previous")), (None, None));
    assert!(!page.to_string().contains("evil.example"));
    assert_eq!(page["total"], Value::Null);
    let remark = page["entry"][1]["resource"]["issue"][0]["diagnostics"]
        .as_str()
        .unwrap();
    assert!(remark.contains("leads away"), "{remark}");
}

/// Upstream ignores every parameter: all of everybody comes back, and only the patient's own gets through, without a trace of
/// how many others there were.
#[tokio::test]
async fn a_server_that_does_not_narrow_tells_nothing_through_the_mock() {
    let hidden = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hidden);
    let server = Server::scripted(move |seen| {
        let base = format!("http://{}/fhir", seen.header("host"));
        if seen.target.contains("/Patient/") {
            return Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"}));
        }
        let at: usize = seen.parameter("page").and_then(|at| at.parse().ok()).unwrap_or(0);
        let total = count.load(Ordering::Relaxed);
        let mut entries = Vec::new();
        if at == 0 {
            entries.push(("match", observation("own", "patient-a")));
            entries.push(("include", json!({"resourceType": "Practitioner", "id": "of-nobody"})));
            entries.push((
                "outcome",
                json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "patient-b has HIV"}]}),
            ));
            entries.push((
                "match",
                json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/patient-a"}}),
            ));
            entries.push(("match", json!({"no": "type"})));
        }
        if at < total {
            entries.push(("match", observation(&format!("x{at}"), "patient-b")));
            entries.push(("include", json!({"resourceType": "Patient", "id": "patient-b"})));
        }
        let next = format!("{base}/Observation?page={}", at + 1);
        let links = [("next", next.as_str())];
        Reply::Json(200, searchset(&entries, if at + 1 < total { &links } else { &[] }))
    })
    .await;
    let ehr = server.front();
    let token = own_token(&ehr, WHOLE).await;
    for search in [
        "Observation?_count=1&code=HIV",
        "Observation?code=HIV",
        "Observation?_summary=count",
        "Observation?_include=*",
    ] {
        let mut told = Vec::new();
        for others in [0, 1, 5] {
            hidden.store(others, Ordering::Relaxed);
            let answer = ehr.fhir(search, &token).await;
            assert!(
                !answer.body.contains("patient-b") && !answer.body.contains("of-nobody"),
                "{}",
                answer.body
            );
            assert_eq!(answer.json()["total"], 1, "{search}: {}", answer.body);
            told.push(answer.body);
        }
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{search}: {told:#?}");
    }
}

#[tokio::test]
async fn searches_are_bounded_and_said_to_be() {
    let server = Server::scripted(|seen| {
        let base = format!("http://{}/fhir", seen.header("host"));
        if seen.target.contains("/Patient/") {
            return Reply::Json(200, json!({"resourceType": "Patient", "id": "patient-a"}));
        }
        let next = format!("{base}/Observation?page=again");
        Reply::Json(
            200,
            searchset(&[("match", observation("x", "patient-b"))], &[("next", &next)]),
        )
    })
    .await;
    let ehr = server.front();
    let token = own_token(&ehr, WHOLE).await;
    server.seen();
    let answer = ehr.fhir("Observation", &token).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.body.contains("narrow the search") && !answer.body.contains("patient-b"),
        "{}",
        answer.body
    );
    assert_eq!(
        (answer.json()["total"].clone(), link(&answer.json(), "next")),
        (Value::Null, None)
    );
    assert!(server.seen().len() < 60);
}

#[tokio::test]
async fn long_and_posted_searches_go_upstream_too() {
    let server = Server::honest().await;
    let ehr = server.front();
    let token = token(&ehr, WHOLE).await;
    let authorization = format!("Bearer {token}");
    let fields = [("authorization", authorization.as_str())];
    let form = Form::of(&[("status", "final"), ("_count", "250")]);
    let posted = ehr.post("/fhir/Observation/_search", &fields, &form).await.json();
    let got = ehr.fhir("Observation?status=final&_count=250", &token).await.json();
    assert!(!keys(&got, "match").is_empty());
    assert_eq!(keys(&posted, "match"), keys(&got, "match"));
    server.seen();
    let codes = vec!["final"; 400].join(",");
    let long = ehr
        .post(
            "/fhir/Observation/_search",
            &fields,
            &Form::of(&[("status", &codes), ("_count", "250")]),
        )
        .await;
    assert_eq!(keys(&long.json(), "match"), keys(&got, "match"));
    let seen = server.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/fhir/Observation/_search")
    );
    assert!(seen[0].body.contains("patient=patient-b") && !seen[0].body.contains(&token));
    let strict = [
        ("authorization", authorization.as_str()),
        ("prefer", "handling=strict, respond-async"),
    ];
    ehr.get_with("/fhir/Observation?code=1", &strict).await;
    assert_eq!(server.seen()[0].header("prefer"), "handling=strict");
}
