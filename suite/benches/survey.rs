//! The figure of `launchproof survey`: two thousand FHIR bases, which this process imitates, some slow, some broken, asked by
//! the real binary in 30 seconds with 200 MiB at most. `cargo bench --package launchproof --bench survey`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::{Value, json};

const BASES: usize = 2000;
const HOSTS: usize = 250;
const SECONDS: f64 = 30.0;
const MEBIBYTES: u64 = 200;

/// What a base is like, by its number: of a hundred so many each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    Old,
    Large,
    Slow,
    Crawling,
    Silent,
    Page,
    Broken,
    Closed,
}

fn kind(number: usize) -> Kind {
    match number * 37 % 100 {
        0..=71 => Kind::Good,
        72..=81 => Kind::Old,
        82..=83 => Kind::Large,
        84..=88 => Kind::Slow,
        89..=91 => Kind::Crawling,
        92..=93 => Kind::Silent,
        94..=95 => Kind::Page,
        96..=97 => Kind::Broken,
        _ => Kind::Closed,
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = folder.path().join("urls.txt");
    let bases = runtime.block_on(serve());
    std::fs::write(&list, bases.join("\n")).expect("the list can be written");
    let out = folder.path().join("survey.ndjson");
    let began = Instant::now();
    let mut child = survey(&list, &out);
    let peak = watch(&mut child);
    let took = began.elapsed().as_secs_f64();
    let lines = std::fs::read_to_string(&out).expect("it was written");
    let (judged, requests) = count(&lines);
    println!(
        "{BASES} bases ({judged} judged) with {requests} requests in {took:.1} s, {peak} MiB at most; \
         wanted: {SECONDS} s, {MEBIBYTES} MiB"
    );
    assert_eq!(lines.lines().count(), BASES, "each base has its line");
    assert!(took <= SECONDS && peak <= MEBIBYTES, "the figure is missed");
}

fn survey(list: &Path, out: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_launchproof"))
        .arg("survey")
        .arg(list)
        .arg("--out")
        .arg(out)
        .args(["--timeout", "3"])
        .stdin(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

/// Waits for its end; the most memory that it had, in MiB, as Linux counts it.
fn watch(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or_default() / 1024);
        match child.try_wait().expect("it can be waited for") {
            Some(status) => {
                assert!(status.success(), "the survey ended with {status}");
                return peak;
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn count(lines: &str) -> (usize, u64) {
    let all = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    all.fold((0, 0), |(judged, requests), line| {
        let one = usize::from(line["error"].is_null());
        (judged + one, requests + line["requests"].as_u64().unwrap_or_default())
    })
}

/// Many hosts on addresses of this machine, each with several bases.
async fn serve() -> Vec<String> {
    let mut origins = Vec::new();
    for host in 0..HOSTS {
        let last = u8::try_from(host + 1).expect("few enough");
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 1, last), 0))
            .await
            .expect("a free port");
        origins.push(format!("http://{}", listener.local_addr().expect("it is bound")));
        tokio::spawn(async move {
            let _ = axum::serve(listener, Router::new().fallback(answer)).await;
        });
    }
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("it is bound"))
    };
    (0..BASES)
        .map(|number| {
            let origin = match kind(number) {
                Kind::Closed => &closed,
                _ => &origins[number % HOSTS],
            };
            format!("{origin}/{number}/fhir")
        })
        .collect()
}

async fn answer(request: Request) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let path = request.uri().path().to_owned();
    let number = path.split('/').find_map(|part| part.parse::<usize>().ok());
    let Some(number) = number else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = kind(number);
    match kind {
        Kind::Slow => tokio::time::sleep(Duration::from_millis(300)).await,
        Kind::Crawling => tokio::time::sleep(Duration::from_secs(1)).await,
        Kind::Silent => tokio::time::sleep(Duration::from_mins(1)).await,
        Kind::Page => return Html("<title>Portal</title><h1>Sign in</h1>").into_response(),
        Kind::Broken => return (StatusCode::INTERNAL_SERVER_ERROR, "no database").into_response(),
        _ => {}
    }
    let base = format!("http://{host}/{number}");
    let document = if path.ends_with("/.well-known/smart-configuration") {
        smart(&base, kind)
    } else if path.ends_with("/metadata") {
        capability(&base, kind)
    } else if path.contains("/.well-known/openid-configuration") {
        openid(&base)
    } else if path.ends_with("/jwks") {
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }] })
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], axum::Json(document)).into_response()
}

fn smart(base: &str, kind: Kind) -> Value {
    let mut document = json!({
        "issuer": base,
        "jwks_uri": format!("{base}/jwks"),
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "capabilities": ["launch-standalone", "client-public", "sso-openid-connect", "context-standalone-patient"],
    });
    if kind != Kind::Old {
        document["grant_types_supported"] = json!(["authorization_code", "refresh_token"]);
        document["code_challenge_methods_supported"] = json!(["S256"]);
        document["scopes_supported"] =
            json!(["openid", "fhirUser", "launch/patient", "offline_access", "patient/*.rs"]);
        document["response_types_supported"] = json!(["code"]);
        document["capabilities"] = json!([
            "launch-standalone",
            "launch-ehr",
            "client-public",
            "client-confidential-symmetric",
            "sso-openid-connect",
            "context-standalone-patient",
            "context-ehr-patient",
            "permission-offline",
            "permission-patient",
            "permission-v2",
        ]);
    }
    document
}

fn capability(base: &str, kind: Kind) -> Value {
    // Of 1.5 MB, as some publish it, or of 100 kB.
    let types = if kind == Kind::Large { 6000 } else { 400 };
    let resources: Vec<Value> = (0..types)
        .map(|number| {
            json!({ "type": format!("Type{number}"), "interaction": [{ "code": "read" }, { "code": "search-type" }],
                "searchParam": [{ "name": "_id", "type": "token" }, { "name": "patient", "type": "reference" },
                    { "name": "date", "type": "date" }] })
        })
        .collect();
    json!({
        "resourceType": "CapabilityStatement", "status": "active", "kind": "instance", "fhirVersion": "4.0.1",
        "format": ["json"], "software": { "name": "Imitation" },
        "rest": [{
            "mode": "server",
            "security": {
                "service": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR" }] }],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [{ "url": "authorize", "valueUri": format!("{base}/authorize") },
                        { "url": "token", "valueUri": format!("{base}/token") }],
                }],
            },
            "resource": resources,
        }],
    })
}

fn openid(base: &str) -> Value {
    json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    })
}
