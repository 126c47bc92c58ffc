//! Faults on request: whom they strike and how often, and what they do to an answer.

mod addressed;
mod launch;
mod wire;

use http::{Method, Request, StatusCode};
use mock_ehr::Defect;
use serde_json::{Value, json};

use crate::harness::*;
use crate::management::ask;

/// Places a fault; gives back its id.
pub(crate) async fn place(ehr: &TestEhr, fault: Value) -> u64 {
    let (status, placed) = ask(ehr, "POST", "/faults", Some(fault)).await;
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    placed["id"].as_u64().unwrap()
}

async fn fault(ehr: &TestEhr, id: u64) -> Value {
    ask(ehr, "GET", &format!("/faults/{id}"), None).await.1
}

const DISCOVERY: &str = "/fhir/.well-known/smart-configuration";

/// Which of six requests for discovery are struck.
async fn struck(extra: Value) -> Vec<usize> {
    let ehr = TestEhr::new();
    let mut asked = json!({ "endpoint": "discovery", "http": { "status": 503 } });
    asked
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    place(&ehr, asked).await;
    let mut struck = Vec::new();
    for number in 1..=6 {
        // Others are not counted.
        ehr.get("/.well-known/jwks.json").await;
        if ehr.get(DISCOVERY).await.status == StatusCode::SERVICE_UNAVAILABLE {
            struck.push(number);
        }
    }
    struck
}

#[tokio::test]
async fn the_nth_request_is_struck_once_so_often_or_always() {
    assert_eq!(struck(json!({})).await, [1]);
    assert_eq!(struck(json!({ "nth": 3 })).await, [3]);
    assert_eq!(struck(json!({ "nth": 3, "times": "once" })).await, [3]);
    assert_eq!(struck(json!({ "nth": 2, "times": 2 })).await, [2, 3]);
    assert_eq!(struck(json!({ "nth": 4, "times": "always" })).await, [4, 5, 6]);
}

#[tokio::test]
async fn a_defect_strikes_its_request_only_and_is_named() {
    let ehr = TestEhr::new();
    let id = place(
        &ehr,
        json!({ "endpoint": "token", "client": "app-public", "nth": 2, "defect": "token_expires_in_string" }),
    )
    .await;
    for (client, is_struck) in [
        ("app-public", false),
        ("app-symmetric", false),
        ("app-asymmetric", false),
        ("app-public", true),
        ("app-public", false),
    ] {
        let answer = ehr.launched(client).await;
        assert_eq!(answer.json()["expires_in"].is_string(), is_struck, "{client}");
        let named = answer.header("x-mock-defect");
        assert_eq!(named == "token_expires_in_string", is_struck, "{client}: {named}");
    }
    let shown = fault(&ehr, id).await;
    assert_eq!(
        (&shown["matched"], &shown["struck"], &shown["reached"], &shown["spent"]),
        (&json!(2), &json!(1), &json!(1), &json!(true))
    );
    let journal = ehr.mock.state().journal().entries();
    let noted = journal.iter().filter(|entry| !entry.defects.is_empty());
    assert_eq!(
        noted.map(|entry| entry.request.path.as_str()).collect::<Vec<_>>(),
        ["/auth/token"]
    );
}

/// What a hook sees in a request that is not struck must not depend on those that are under way at the same moment.
#[tokio::test]
async fn requests_at_the_same_moment_are_struck_one_by_one() {
    let ehr = TestEhr::new();
    place(&ehr, json!({ "path": DISCOVERY, "nth": 2, "defect": "discovery_404" })).await;
    place(
        &ehr,
        json!({ "path": DISCOVERY, "times": "always", "http": { "delay_ms": 30 } }),
    )
    .await;
    let answers = futures::future::join_all((0..4).map(|_| ehr.get(DISCOVERY))).await;
    let missing = answers.iter().filter(|answer| answer.status == StatusCode::NOT_FOUND);
    assert_eq!(missing.count(), 1);
    assert!(ehr.mock.state().defects().armed().is_empty());
}

#[tokio::test]
async fn a_defect_whose_hook_is_elsewhere_is_told_apart() {
    let ehr = TestEhr::new();
    let id = place(&ehr, json!({ "endpoint": "jwks", "defect": "state_dropped" })).await;
    let answer = ehr.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("x-mock-defect"), "");
    let shown = fault(&ehr, id).await;
    assert_eq!((&shown["struck"], &shown["reached"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn several_defects_strike_one_request() {
    let ehr = TestEhr::new();
    for defect in ["token_expires_in_string", "token_cache_control_missing"] {
        place(&ehr, json!({ "endpoint": "token", "defect": defect })).await;
    }
    let answer = ehr.launched("app-public").await;
    assert!(answer.json()["expires_in"].is_string());
    assert_eq!(answer.header("cache-control"), "");
    let mut named: Vec<_> = answer.header("x-mock-defect").split(", ").collect();
    named.sort_unstable();
    assert_eq!(named, ["token_cache_control_missing", "token_expires_in_string"]);
}

/// Also where nothing is journalled.
#[tokio::test]
async fn what_is_armed_for_all_is_named_where_it_had_its_say() {
    for journal_entries in [0, 1000] {
        let config = mock_ehr::Config {
            journal_entries,
            ..mock_ehr::Config::clone(&mock_ehr::Config::embedded())
        };
        let builder = mock_ehr::MockEhr::builder().public_url(BASE).config(config);
        let ehr = TestEhr::around(builder.build().unwrap());
        ehr.mock.set_defects([
            Defect::TokenExpiresInString,
            Defect::TokenPragmaMissing,
            Defect::StateDropped,
        ]);
        let first = ehr
            .browse(&format!("/auth/authorize?{}", ehr.request("app-public").encode()))
            .await;
        assert_eq!(first.header("x-mock-defect"), "", "{first:?}");
        let answer = ehr.launched("app-public").await;
        let mut named: Vec<_> = answer.header("x-mock-defect").split(", ").collect();
        named.sort_unstable();
        assert_eq!(named, ["token_expires_in_string", "token_pragma_missing"]);
        let refused = ehr.token("app-public", Form::of(&[("client_id", "app-public")])).await;
        assert_eq!(refused.header("x-mock-defect"), "", "{refused:?}");
        let data = ehr.fhir("Patient/patient-b", &answer.member("access_token")).await;
        assert_eq!((data.status, data.header("x-mock-defect")), (StatusCode::OK, ""));
        ehr.mock.set_defects([]);
        assert_eq!(ehr.launched("app-public").await.header("x-mock-defect"), "");
    }
}

/// The journal asks once more what a strict server would have said: that look names nothing.
#[tokio::test]
async fn a_second_look_names_nothing() {
    let ehr = TestEhr::with_defect(Defect::PkceNotVerified);
    ehr.mock
        .set_defects([Defect::PkceNotVerified, Defect::CodeReplayAccepted]);
    let flow = ehr.code("app-public").await;
    let answer = ehr
        .redeem(&flow, |form| form.set("code_verifier", &"x".repeat(43)))
        .await;
    assert!(answer.gives_token(), "{answer:?}");
    assert_eq!(answer.header("x-mock-defect"), "pkce_not_verified");
}

/// Each way in which a request tells whose it is.
#[tokio::test]
async fn a_client_is_known_by_what_it_sends() {
    let ehr = TestEhr::new();
    let token = ehr.launched("app-public").await;
    let (access, refresh) = (token.member("access_token"), token.member("refresh_token"));
    let bearer = format!("Bearer {access}");
    let pushed = ehr
        .call("/auth/par", "app-public", ehr.request("app-public").omit("client_id"))
        .await
        .member("request_uri");
    let page = ehr
        .other_browser()
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/sign-in")
        .await;
    let by_code = ehr.code("app-public").await.code;
    let assertion = ehr.assertion("app-public").sign();
    let form = |pairs: &[(&str, &str)]| Form::of(pairs).encode();
    let posted = [
        ("/auth/token", "", form(&[("client_id", "app-public")])),
        ("/auth/token", "", form(&[("code", &by_code)])),
        ("/auth/token", "", form(&[("refresh_token", &refresh)])),
        ("/auth/token", "", form(&[("client_assertion", &assertion)])),
        ("/auth/revoke", "", form(&[("token", &access)])),
        ("/auth/sign-in", "", form(&[("request", page.get("request"))])),
        ("/auth/token", &basic("app-public", "whatever"), String::new()),
        ("/fhir/Observation", &bearer, String::new()),
        ("/auth/userinfo", &bearer, String::new()),
    ];
    let asked = [
        (format!("/auth/authorize?{}", ehr.request("app-public").encode()), ""),
        (format!("/auth/authorize?{}", form(&[("request_uri", &pushed)])), ""),
        (
            format!("/auth/consent?{}", form(&[("request", page.get("request"))])),
            "",
        ),
        ("/fhir/Patient/patient-b".to_owned(), &bearer),
        ("/launch?client=app-public".to_owned(), ""),
        ("/auth/register/app-public".to_owned(), ""),
    ];
    let posted = posted
        .iter()
        .map(|(path, by, body)| (Method::POST, *path, *by, body.clone()));
    let asked = asked
        .iter()
        .map(|(path, by)| (Method::GET, path.as_str(), *by, String::new()));
    for (method, path, by, body) in posted.chain(asked) {
        for (client, expected) in [("app-public", true), ("app-symmetric", false)] {
            place(&ehr, json!({ "client": client, "http": { "status": 599 } })).await;
            let mut request = Request::builder()
                .method(method.clone())
                .uri(path)
                .header("content-type", "application/x-www-form-urlencoded");
            if !by.is_empty() {
                request = request.header("authorization", by);
            }
            let answer = ehr.send(request.body(body.clone().into()).unwrap()).await;
            assert_eq!(
                answer.status.as_u16() == 599,
                expected,
                "{method} {path} {body}: {client}"
            );
            ask(&ehr, "DELETE", "/faults", None).await;
        }
    }
}

#[tokio::test]
async fn who_is_not_known_is_not_struck() {
    let ehr = TestEhr::new();
    let id = place(&ehr, json!({ "client": "app-public", "http": { "status": 599 } })).await;
    for path in [
        DISCOVERY,
        "/fhir/Patient/patient-b",
        "/auth/authorize",
        "/auth/sign-in?request=none",
    ] {
        assert_ne!(ehr.get(path).await.status.as_u16(), 599, "{path}");
    }
    assert_eq!(fault(&ehr, id).await["matched"], 0);
}

#[tokio::test]
async fn preflights_and_head_count_only_by_name() {
    let ehr = TestEhr::new();
    let preflight = || {
        Request::options("/auth/token")
            .header("origin", "http://127.0.0.1:9101")
            .header("access-control-request-method", "POST")
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let head = || Request::head(DISCOVERY).body(axum::body::Body::empty()).unwrap();
    let id = place(&ehr, json!({ "http": { "status": 503 } })).await;
    assert_eq!(ehr.send(preflight()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ehr.send(head()).await.status, StatusCode::OK);
    assert_eq!(fault(&ehr, id).await["matched"], 0);
    ask(&ehr, "DELETE", "/faults", None).await;
    place(&ehr, json!({ "method": "OPTIONS", "http": { "status": 503 } })).await;
    place(&ehr, json!({ "method": "HEAD", "http": { "status": 502 } })).await;
    assert_eq!(ehr.send(preflight()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ehr.send(head()).await.status, StatusCode::BAD_GATEWAY);
    // A defect of preflights is one for that method.
    place(
        &ehr,
        json!({ "method": "OPTIONS", "defect": Defect::CorsPreflightRefused.name() }),
    )
    .await;
    assert_eq!(ehr.send(preflight()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ehr.send(preflight()).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_name() {
    let ehr = TestEhr::new();
    for (fault, field, told) in [
        (json!([]), "(body)", "object"),
        (json!({}), "defect", "http"),
        (json!({ "defect": "state_droped" }), "defect", "`state_dropped`"),
        (json!({ "defect": "tls_1_0_accepted" }), "defect", "connection"),
        (
            json!({ "defect": "state_dropped", "http": { "status": 503 } }),
            "http",
            "both",
        ),
        (
            json!({ "endpont": "token", "http": { "status": 503 } }),
            "endpont",
            "endpoint",
        ),
        (
            json!({ "endpoint": "tokens", "http": { "status": 503 } }),
            "endpoint",
            "introspect",
        ),
        (
            json!({ "endpoint": 7, "http": { "status": 503 } }),
            "endpoint",
            "found 7",
        ),
        (json!({ "path": "fhir", "http": { "status": 503 } }), "path", "root"),
        (
            json!({ "method": "get", "http": { "status": 503 } }),
            "method",
            "\"get\"",
        ),
        (
            json!({ "endpoint": "jwks", "client": "a", "http": { "status": 503 } }),
            "client",
            "whose",
        ),
        (json!({ "nth": 0, "http": { "status": 503 } }), "nth", "found 0"),
        (
            json!({ "times": "twice", "http": { "status": 503 } }),
            "times",
            "\"twice\"",
        ),
        (json!({ "times": 0, "http": { "status": 503 } }), "times", "found 0"),
        (json!({ "http": 503 }), "http", "found 503"),
        (json!({ "http": {} }), "http", "delay_ms"),
        (
            json!({ "http": { "status": 503, "empty": true } }),
            "http",
            "status, empty",
        ),
        (json!({ "http": { "status": 199 } }), "http.status", "199"),
        (json!({ "http": { "stauts": 503 } }), "http.stauts", "status"),
        (json!({ "http": { "delay_ms": 60_001 } }), "http.delay_ms", "60000"),
        (
            json!({ "http": { "delay_ms": 1, "retry_after": 1 } }),
            "http.retry_after",
            "status",
        ),
        (
            json!({ "http": { "status": 503, "retry_after": -1 } }),
            "http.retry_after",
            "-1",
        ),
        (
            json!({ "http": { "status": 503, "content_type": "a\nb" } }),
            "http.content_type",
            "media",
        ),
        (
            json!({ "http": { "status": 503, "body": "x".repeat(70_000) } }),
            "http.body",
            "65536",
        ),
        (json!({ "http": { "truncated": false } }), "http.truncated", "false"),
        (json!({ "http": { "cut": true } }), "http.cut", "true"),
        (json!({ "http": { "cut": "during" } }), "http.cut", "during"),
        (json!({ "method": "HEAD", "http": { "cut": "before" } }), "http", "HEAD"),
    ] {
        let (status, error) = ask(&ehr, "POST", "/faults", Some(fault.clone())).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{fault}");
        assert_eq!(error["field"], field, "{fault}: {error}");
        let text = error["error"].as_str().unwrap();
        assert!(text.starts_with(field) && text.contains(told), "{fault}: {text}");
    }
    assert_eq!(ask(&ehr, "GET", "/faults", None).await.1, json!([]));
}

#[tokio::test]
async fn faults_are_listed_taken_away_and_bounded() {
    let ehr = TestEhr::new();
    let asked = json!({
        "endpoint": "fhir",
        "path": "/fhir/Observation",
        "method": "GET",
        "client": "app-public",
        "nth": 2,
        "times": "always",
        "http": { "delay_ms": 10, "status": 429, "body": "slow down", "content_type": "text/plain", "retry_after": 3 },
    });
    let id = place(&ehr, asked.clone()).await;
    let shown = fault(&ehr, id).await;
    for (name, value) in asked.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    assert_eq!(ask(&ehr, "GET", "/faults", None).await.1, json!([shown]));
    assert_eq!(
        ask(&ehr, "DELETE", &format!("/faults/{id}"), None).await.0,
        StatusCode::NO_CONTENT
    );
    for path in [format!("/faults/{id}"), "/faults/x".to_owned()] {
        assert_eq!(
            ask(&ehr, "DELETE", &path, None).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(ask(&ehr, "GET", &path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for _ in 0..64 {
        place(&ehr, json!({ "endpoint": "jwks", "http": { "status": 503 } })).await;
    }
    let one_more = json!({ "endpoint": "discovery", "http": { "status": 503 } });
    let (status, _) = ask(&ehr, "POST", "/faults", Some(one_more.clone())).await;
    assert_eq!(status, StatusCode::CONFLICT);
    // Of several HTTP faults one strikes a request; what is spent makes room.
    ehr.get("/.well-known/jwks.json").await;
    place(&ehr, one_more).await;
    assert_eq!(ask(&ehr, "GET", "/faults", None).await.1.as_array().unwrap().len(), 64);
    assert_eq!(ask(&ehr, "POST", "/reset", None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ask(&ehr, "GET", "/faults", None).await.1, json!([]));
    assert_eq!(ehr.get(DISCOVERY).await.status, StatusCode::OK);
}
