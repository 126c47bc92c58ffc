//! Off loopback nothing is written, registered or locked out unless it is allowed: read off the scenarios' steps, and
//! overheard at a target whose base is a host name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use base64::Engine as _;
use launchproof::scenario::load::{Loaded, load};
use launchproof::scenario::{Step, fault};
use launchproof::step::arguments::{FhirArgs, Method as Verb};
use mock_ehr::MockEhr;
use mock_ehr::clock::ControlledClock;
use reports::exit;
use reports::model::Status;
use serde_json::Value;

use crate::program::{Ran, Server, Written, judge_with, profile_text};

/// A batch or a transaction that only reads.
fn only_reads(bundle: &Value) -> bool {
    let entries = bundle["entry"].as_array();
    entries.is_some_and(|entries| entries.iter().all(|entry| entry["request"]["method"] == "GET"))
}

fn writes(verb: Verb, path: &str, body: Option<&Value>) -> bool {
    match verb {
        Verb::Put | Verb::Patch | Verb::Delete => true,
        Verb::Post => {
            !path.split('?').next().is_some_and(|path| path.ends_with("_search")) && !body.is_some_and(only_reads)
        }
        Verb::Usual | Verb::Get | Verb::Head | Verb::Options => false,
    }
}

fn fhir_writes(args: &FhirArgs) -> bool {
    let path = args.path.as_ref().map_or("", |path| path.source());
    writes(args.method, path, args.resource.as_ref())
}

/// Whether a step creates, changes or deletes at the FHIR API, with the values of any row of the table.
fn step_writes(step: &Step, loaded: &Loaded) -> bool {
    match step {
        Step::Fhir(args) => fhir_writes(args),
        Step::Flow(args) => args.fhir.as_ref().is_some_and(fhir_writes),
        Step::Together(steps) => steps.iter().any(|step| step_writes(step, loaded)),
        Step::Request(args) => {
            let url = args.url.source();
            let aims_at_fhir = url.contains("{fhir_base}")
                || (url.contains("{case.")
                    && loaded
                        .scenario
                        .cases
                        .values()
                        .any(|case| case.set.values().any(|value| value.source().contains("{fhir_base}"))));
            aims_at_fhir && writes(args.method, url, None)
        }
        _ => false,
    }
}

fn steps(loaded: &Loaded) -> impl Iterator<Item = &Step> {
    let scenario = &loaded.scenario;
    scenario.when.iter().chain(&scenario.control).chain(&scenario.clean_up)
}

fn registers(step: &Step) -> bool {
    match step {
        Step::Register(_) | Step::Manage(_) => true,
        Step::Together(steps) => steps.iter().any(registers),
        _ => false,
    }
}

fn sends_wrong_password(step: &Step) -> bool {
    match step {
        Step::Authorize(args) => args.tamper.as_ref().is_some_and(|tamper| tamper.password.is_some()),
        Step::Flow(args) => {
            let tamper = args.authorize.tamper.as_ref();
            tamper.is_some_and(|tamper| tamper.password.is_some())
        }
        _ => false,
    }
}

/// Whether the scenario, or each of its rows that does it, has the need.
fn needs(loaded: &Loaded, need: &str, row_does: impl Fn(&str) -> bool) -> bool {
    let scenario = &loaded.scenario;
    let has = |needs: &[String]| needs.iter().any(|one| one == need);
    has(&scenario.needs)
        || (!scenario.cases.is_empty()
            && scenario.cases.values().all(|case| {
                let does = case.set.values().any(|value| row_does(value.source()));
                !does || has(&case.needs)
            }))
}

#[test]
fn each_scenario_that_could_do_harm_says_so() {
    let scenarios = load(None).expect("the scenarios load");
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for loaded in &scenarios {
        let mut judge = |does: bool, need: &'static str, needed: bool| {
            if does {
                seen.entry(need).or_default().insert(&loaded.id);
                if !needed {
                    wrong.push(format!("{} lacks `needs: [{need}]`", loaded.id));
                }
            }
        };
        let at_fhir = |value: &str| value.contains("{fhir_base}");
        let does = steps(loaded).any(|step| step_writes(step, loaded));
        judge(does, "writes", needs(loaded, "writes", at_fhir));
        let does = steps(loaded).any(registers);
        judge(does, "registration", needs(loaded, "registration", |_| true));
        let does = steps(loaded).any(sends_wrong_password);
        judge(does, "lockout", needs(loaded, "lockout", |_| true));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let count = |need: &str| seen.get(need).map_or(0, BTreeSet::len);
    // Were none found, the test would prove nothing.
    assert!(count("writes") > 30 && count("registration") > 10, "{seen:#?}");
    assert!(count("lockout") >= 2, "{seen:#?}");
}

/// What came over the wire that could do harm.
#[derive(Debug, Default)]
struct Harm {
    writes: Vec<String>,
    registrations: Vec<String>,
    wrong_passwords: Vec<String>,
    /// By client.
    wrong_secrets: BTreeMap<String, usize>,
    requests: usize,
}

/// Of the users and clients of the profile.
const PASSWORDS: [&str; 2] = ["demo", "nurse"];
const SECRETS: [&str; 2] = ["test-only s3cret:+/=%& value", "test-only-another-secret"];

impl Harm {
    fn hear(&mut self, request: &axum::http::request::Parts, body: &[u8]) {
        self.requests += 1;
        let path = request.uri.path();
        let line = format!("{} {path}", request.method);
        let changes = matches!(request.method, Method::PUT | Method::PATCH | Method::DELETE);
        let posts = request.method == Method::POST;
        if let Some(below) = path.strip_prefix("/fhir") {
            let json: Value = serde_json::from_slice(body).unwrap_or_default();
            if changes || (posts && !below.ends_with("/_search") && !only_reads(&json)) {
                self.writes.push(line.clone());
            }
        }
        if path.contains("/register") && (posts || changes) {
            self.registrations.push(line.clone());
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let signs_in = !path.starts_with("/fhir") && !form.contains_key("grant_type");
        if posts
            && signs_in
            && form
                .get("password")
                .is_some_and(|password| !PASSWORDS.contains(&password.as_str()))
        {
            self.wrong_passwords.push(line);
        }
        if let Some((client, secret)) = credentials(request, &form)
            && !SECRETS.contains(&secret.as_str())
        {
            *self.wrong_secrets.entry(client).or_default() += 1;
        }
    }
}

/// Client id and secret, by HTTP Basic or in the form.
fn credentials(request: &axum::http::request::Parts, form: &BTreeMap<String, String>) -> Option<(String, String)> {
    if let (Some(client), Some(secret)) = (form.get("client_id"), form.get("client_secret")) {
        return Some((client.clone(), secret.clone()));
    }
    let value = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (client, secret) = text.split_once(':')?;
    // RFC 6749 §2.3.1: both are encoded as in a form.
    let decoded = |text: &str| {
        let pair = format!("x={text}");
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let secret = if SECRETS.contains(&secret) {
        secret.to_owned()
    } else {
        decoded(secret)
    };
    Some((decoded(client), secret))
}

/// The profile with each secret behind a variable, and the variables.
fn by_environment(text: &str) -> (String, Vec<(String, String)>) {
    const BEFORE: &str = "{ test_only = \"";
    let mut secrets = Vec::new();
    let mut parts = text.split(BEFORE);
    let mut changed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (secret, rest) = part.split_once("\" }").expect("the profile is well formed");
        let name = format!("LAUNCHPROOF_TEST_SECRET_{}", secrets.len());
        let _ = write!(changed, "{{ env = \"{name}\" }}{rest}");
        secrets.push((name, secret.to_owned()));
    }
    assert!(secrets.len() > 3, "{secrets:?}");
    (changed, secrets)
}

/// A whole run against a mock that is reached by a host name, and what was overheard.
async fn off_loopback(more: &[&str]) -> (Ran, Harm) {
    let harm: Arc<Mutex<Harm>> = Arc::default();
    let ear = Arc::clone(&harm);
    let server = Server::start(|origin| {
        let mock = MockEhr::builder()
            .public_url(origin.replace("127.0.0.1", "ehr.test"))
            .seed(1)
            .clock(Arc::new(ControlledClock::default()))
            .build()
            .expect("the mock is built");
        mock.router().layer(from_fn(move |request: Request, next: Next| {
            let ear = Arc::clone(&ear);
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 16 * 1024 * 1024).await.unwrap_or_default();
                ear.lock()
                    .expect("no test panics while it holds it")
                    .hear(&parts, &body);
                let response: Response = next.run(Request::from_parts(parts, Body::from(body))).await;
                response
            }
        }))
    })
    .await;
    let address = server.origin.trim_start_matches("http://").to_owned();
    // Off loopback no secret may stand in the profile itself.
    let text = profile_text(&server.origin.replace("127.0.0.1", "ehr.test"));
    let (text, secrets) = by_environment(&text);
    let text = format!(
        "{text}\n[network]\nresolve = {{ \"ehr.test\" = \"{address}\" }}\n[session]\nsign_ins_per_minute = 1000000\n"
    );
    let profile = Written::new("ehr.toml", &text);
    let arguments: Vec<&str> = ["--target", profile.path(), "--quiet", "--fail-on", "never"]
        .iter()
        .chain(more)
        .copied()
        .collect();
    let ran = judge_with(&arguments, |command| {
        command.envs(secrets);
    })
    .await;
    let harm = std::mem::take(&mut *harm.lock().expect("the run is over"));
    (ran, harm)
}

#[tokio::test(flavor = "multi_thread")]
async fn off_loopback_no_harm_comes_over_the_wire() {
    let (ran, harm) = off_loopback(&[]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    assert!(harm.requests > 1000, "only {} requests came", harm.requests);
    assert!(harm.writes.is_empty(), "{:#?}", harm.writes);
    assert!(harm.registrations.is_empty(), "{:#?}", harm.registrations);
    assert!(harm.wrong_passwords.is_empty(), "{:#?}", harm.wrong_passwords);
    assert!(
        !harm.wrong_secrets.is_empty(),
        "three are sent for each client, so that something is learned"
    );
    for (client, times) in &harm.wrong_secrets {
        assert!(*times <= 3, "{times} wrong secrets of {client}");
    }
    let report = ran.report();
    let scenarios = load(None).expect("the scenarios load");
    for loaded in &scenarios {
        let scenario = &loaded.scenario;
        for (need, words) in [
            ("writes", "--allow writes"),
            ("registration", "--allow registration"),
            ("lockout", "--allow lockout"),
        ] {
            if !scenario.needs.iter().any(|one| one == need) {
                continue;
            }
            for verdict in report.verdicts.iter().filter(|verdict| verdict.scenario == loaded.id) {
                let reason = verdict.reason.clone().unwrap_or_default();
                let idle = matches!(verdict.status, Status::Skip | Status::Unconfigured);
                assert!(idle, "{} was run: {:?} {reason}", verdict.id(), verdict.status);
                // It may lack something else besides, which is then named first.
                let only = scenario.needs.len() == 1 && scenario.applies.is_empty();
                assert!(!only || reason.contains(words), "{}: {reason}", verdict.id());
            }
        }
        let too_many = scenario.when.iter().any(fault::sends_wrong_secret);
        if too_many && scenario.needs.is_empty() {
            let found = report.verdicts.iter().filter(|verdict| verdict.scenario == loaded.id);
            assert!(found.count() > 0, "{} has no verdict", loaded.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_parts_of_a_run_together_send_three_wrong_secrets() {
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for part in ["1/3", "2/3", "3/3"] {
        let (_, harm) = off_loopback(&[
            "--only",
            "client_auth_symmetric/",
            "introspection/",
            "revocation/",
            "refresh/",
            "--partition",
            part,
        ])
        .await;
        for (client, times) in harm.wrong_secrets {
            *sent.entry(client).or_default() += times;
        }
    }
    assert!(!sent.is_empty(), "nothing was tried");
    assert!(sent.values().all(|times| *times <= 3), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_comes_and_is_heard() {
    let (ran, harm) = off_loopback(&["--allow", "writes,registration,lockout"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &[]);
    assert!(harm.writes.len() > 50, "{}", harm.writes.len());
    assert!(harm.registrations.len() > 20, "{}", harm.registrations.len());
    assert!(harm.wrong_passwords.len() >= 2, "{:?}", harm.wrong_passwords);
    assert!(
        harm.wrong_secrets.values().any(|times| *times > 3),
        "{:?}",
        harm.wrong_secrets
    );
}
