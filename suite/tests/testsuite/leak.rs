//! No secret of a run is in anything that it leaves behind: a whole run, overheard at the server, then every file and
//! both streams of the program searched for each secret that went over the wire.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use base64::Engine as _;
use mock_ehr::MockEhr;
use mock_ehr::clock::ControlledClock;
use mock_ehr::config::Config;
use serde_json::Value;

use crate::program::{Ran, Server, Written, judge, profile_text};

/// Fields of forms, queries and JSON whose values are secrets.
const SECRET_FIELDS: [&str; 11] = [
    "code",
    "access_token",
    "refresh_token",
    "id_token",
    "token",
    "client_secret",
    "client_assertion",
    "code_verifier",
    "password",
    "launch",
    "id_token_hint",
];

/// A password that stands in no text by chance.
const PASSWORD: &str = "plumbago-Trapeze-9151";

/// What was overheard: the secret, and where it was.
#[derive(Clone, Default)]
struct Overheard(Arc<Mutex<HashMap<String, String>>>);

impl Overheard {
    fn keep(&self, value: &str, what: &str) {
        // A shorter value is a deliberately wrong one, and stands in ordinary words; so does a client's id in the place
        // of its secret.
        if value.len() >= 12 && !value.starts_with("app-") {
            self.0
                .lock()
                .expect("no test panics while it holds it")
                .entry(value.to_owned())
                .or_insert_with(|| what.to_owned());
        }
        // The signature alone would do to put a decoded JWT together again.
        let parts: Vec<&str> = value.split('.').collect();
        if let ["header", "payload", signature] | [_, _, signature] = parts[..]
            && value.starts_with("eyJ")
        {
            self.keep(signature, &format!("signature of {what}"));
        }
    }

    fn pairs(&self, text: &str, what: &str) {
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if SECRET_FIELDS.contains(&&*name) {
                self.keep(&value, &format!("{name} in {what}"));
            }
        }
    }

    fn headers(&self, headers: &HeaderMap) {
        for value in headers
            .get_all(header::AUTHORIZATION)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            let Some((scheme, credentials)) = value.split_once(' ') else {
                continue;
            };
            self.keep(credentials, &format!("{scheme} credentials"));
            if let Ok(decoded) = base64::engine::general_purpose::STANDARD.decode(credentials)
                && let Ok(decoded) = String::from_utf8(decoded)
                && let Some((_, secret)) = decoded.split_once(':')
            {
                self.keep(secret, "secret in Basic, as encoded");
            }
        }
        for value in headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            for (_, value) in value.split("; ").filter_map(|pair| pair.split_once('=')) {
                self.keep(value, "Cookie");
            }
        }
        for value in headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            if let Some((_, value)) = value.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.keep(value, "Set-Cookie");
            }
        }
        if let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) {
            let behind = location.split_once(['?', '#']).map_or("", |(_, behind)| behind);
            self.pairs(behind, "Location");
        }
    }

    fn json(&self, value: &Value, what: &str) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if SECRET_FIELDS.contains(&name.as_str()) && !text.contains(' ') => {
                            self.keep(text, &format!("{name} in {what}"));
                        }
                        Value::String(text) if name == "uri" => {
                            self.pairs(text.split_once('?').map_or("", |(_, query)| query), what);
                        }
                        other => self.json(other, what),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.json(item, what)),
            _ => {}
        }
    }

    async fn exchange(self, request: Request, next: Next) -> Response {
        const MOST: usize = 16 * 1024 * 1024;
        let path = request.uri().path().to_owned();
        self.pairs(request.uri().query().unwrap_or_default(), &path);
        self.headers(request.headers());
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MOST).await.unwrap_or_default();
        self.pairs(&String::from_utf8_lossy(&body), &path);
        let response = next.run(Request::from_parts(parts, Body::from(body))).await;
        self.headers(response.headers());
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, MOST).await.unwrap_or_default();
        // FHIR data also has members that are called `code`.
        if !path.starts_with("/fhir")
            && path != "/brands.json"
            && let Ok(json) = serde_json::from_slice::<Value>(&body)
        {
            self.json(&json, &path);
        }
        Response::from_parts(parts, Body::from(body))
    }
}

/// A whole run, and what was overheard.
async fn overheard_run(evidence: &str) -> (Ran, HashMap<String, String>) {
    let overheard = Overheard::default();
    let clock = Arc::new(ControlledClock::default());
    let mut config = Config::embedded().as_ref().clone();
    for user in &mut config.users {
        PASSWORD.clone_into(&mut user.password);
    }
    let mut management = None;
    let server = Server::start(|origin| {
        let builder = MockEhr::builder()
            .public_url(origin)
            .seed(1)
            .clock(clock)
            .config(config);
        let mock = builder.build().expect("the mock is built");
        management = Some(mock.management_router());
        let ear = overheard.clone();
        mock.router()
            .layer(from_fn(move |request, next| ear.clone().exchange(request, next)))
    });
    let server = server.await;
    let management = management.expect("the mock was made");
    let management = Server::start(|_| management).await;
    let text = profile_text(&server.origin).replace("test_only = \"demo\"", &format!("test_only = \"{PASSWORD}\""));
    let profile = Written::new(
        "ehr.toml",
        &format!(
            "{text}\n[clock]\nadvance_url = \"{}/clock/advance\"\n",
            management.origin
        ),
    );
    let ran = judge(&["--target", profile.path(), "--evidence", evidence]).await;
    let mut secrets = overheard.0.lock().expect("the run is over").clone();
    for (secret, what) in [
        (PASSWORD, "the password"),
        ("test-only s3cret:+/=%& value", "a client secret"),
        ("test-only-another-secret", "a client secret"),
    ] {
        secrets.insert(secret.to_owned(), what.to_owned());
    }
    (ran, secrets)
}

/// Which secrets stand in a text, found by their first bytes.
fn found_in<'s>(text: &str, secrets: &'s HashMap<String, String>) -> BTreeSet<(&'s str, &'s str)> {
    const FIRST: usize = 8;
    let mut by_first: HashMap<&[u8], Vec<(&str, &str)>> = HashMap::new();
    for (secret, what) in secrets {
        by_first
            .entry(&secret.as_bytes()[..FIRST])
            .or_default()
            .push((secret, what));
    }
    let bytes = text.as_bytes();
    let mut found = BTreeSet::new();
    for at in 0..(bytes.len() + 1).saturating_sub(FIRST) {
        for (secret, what) in by_first.get(&bytes[at..at + FIRST]).into_iter().flatten() {
            if bytes[at..].starts_with(secret.as_bytes()) {
                found.insert((*what, *secret));
            }
        }
    }
    found
}

#[test]
fn a_secret_is_found_wherever_it_stands() {
    let secrets = HashMap::from([("s3cret-0123456789".to_owned(), "it".to_owned())]);
    assert_eq!(found_in("x=s3cret-0123456789", &secrets).len(), 1);
    assert_eq!(found_in("s3cret-0123456789 and s3cret-", &secrets).len(), 1);
    assert_eq!(found_in("s3cret-012345678", &secrets).len(), 0);
}

fn outputs(ran: &Ran) -> Vec<(&'static str, String)> {
    let file = |name: &'static str| {
        let text = std::fs::read_to_string(ran.folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!text.is_empty(), "{name} is empty");
        (name, text)
    };
    let mut all = ["run.json", "report.html", "junit.xml", "events.jsonl"]
        .map(file)
        .to_vec();
    all.extend([("stdout", ran.stdout.clone()), ("stderr", ran.stderr.clone())]);
    all
}

fn assert_silent(ran: &Ran, secrets: &HashMap<String, String>) {
    let mut leaks = Vec::new();
    for (name, text) in outputs(ran) {
        for (what, secret) in found_in(&text, secrets) {
            let at = text.find(secret).unwrap_or_default();
            let around: String = text[..at]
                .chars()
                .rev()
                .take(60)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            leaks.push(format!("{name}: {what}: …{around}[{secret}]"));
        }
    }
    let shown: Vec<&String> = leaks.iter().take(20).collect();
    assert!(leaks.is_empty(), "{} leaks, among them {shown:#?}", leaks.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_run_is_in_what_it_leaves_behind() {
    let (ran, secrets) = overheard_run("redacted").await;
    // Were nothing overheard, the test would prove nothing.
    assert!(secrets.len() > 500, "only {} secrets were overheard", secrets.len());
    for kind in [
        "access_token",
        "refresh_token",
        "id_token",
        "code in",
        "Cookie",
        "code_verifier",
        "client_assertion",
        "launch in",
        "Basic",
    ] {
        assert!(
            secrets.values().any(|what| what.contains(kind)),
            "no {kind} was overheard"
        );
    }
    assert!(ran.report().verdicts.len() > 300, "{}", ran.shown());
    assert_silent(&ran, &secrets);
    // People: nobody's name stands in a report.
    let people: HashMap<String, String> = names_of_people();
    assert_silent(&ran, &people);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_evidence_keeps_bodies_and_no_secret() {
    let (ran, secrets) = overheard_run("full").await;
    assert!(ran.report().run.full_evidence);
    assert_silent(&ran, &secrets);
}

/// Family names and birth dates of the synthetic patients, as far as they are no everyday words.
fn names_of_people() -> HashMap<String, String> {
    let mut names = HashMap::new();
    for file in fixtures::below("people") {
        let Ok(bundle) = serde_json::from_str::<Value>(file.text) else {
            continue;
        };
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        for patient in entries
            .iter()
            .map(|entry| &entry["resource"])
            .filter(|resource| resource["resourceType"] == "Patient")
        {
            let given = patient["name"][0]["given"][0].as_str().unwrap_or_default();
            let family = patient["name"][0]["family"].as_str().unwrap_or_default();
            let whole = format!("{given} {family}");
            if whole.len() >= 8 {
                names.insert(whole, "the name of a patient".to_owned());
            }
            if let Some(born) = patient["birthDate"].as_str().filter(|born| born.len() >= 10) {
                names.insert(born.to_owned(), "the birth date of a patient".to_owned());
            }
        }
    }
    assert!(names.len() > 10, "{names:?}");
    names
}
