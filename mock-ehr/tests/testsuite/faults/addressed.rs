//! Every defect by address: placed for an endpoint, a client and the n-th request, it shows there, is named there, and
//! shows nowhere else. What makes it show are the probes of `defects`, with the defect placed instead of armed for all.

mod nobody;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use mock_ehr::{Defect, MockEhr};
use serde_json::{Value, json};

use super::place;
use crate::defects::misbehaves;
use crate::harness::*;
use crate::management::ask;

/// Belongs to a connection: there is no request to address.
const OF_CONNECTIONS: [&str; 4] = ["certificate_", "ssl_", "tls_", "token_plain_http"];

/// By path; what is not here stands for itself below `/auth/`.
const ENDPOINTS: [(&str, &str); 21] = [
    ("/", "launcher"),
    ("/launch", "launcher"),
    ("/launches", "launcher"),
    ("/rpc", "launcher"),
    ("/embedded", "launcher"),
    ("/fhir/.well-known/smart-configuration", "discovery"),
    ("/fhir/metadata", "metadata"),
    ("/.well-known/openid-configuration", "openid_configuration"),
    ("/.well-known/oauth-authorization-server", "oauth_metadata"),
    ("/.well-known/jwks.json", "jwks"),
    ("/smart-style.json", "style"),
    ("/brands.json", "brands"),
    ("/auth/apps", "granted_apps"),
    ("/auth/apps/sign-in", "granted_apps"),
    ("/auth/end-session", "end_session"),
    ("/auth/authorize", "authorize"),
    ("/auth/par", "par"),
    ("/auth/token", "token"),
    ("/auth/introspect", "introspect"),
    ("/auth/revoke", "revoke"),
    ("/auth/userinfo", "userinfo"),
];

/// No request to these tells whose it is, so no fault at them can be for a client.
const ANONYMOUS: [&str; 6] = [
    "discovery",
    "openid_configuration",
    "oauth_metadata",
    "jwks",
    "style",
    "brands",
];

/// An endpoint, and a method where requests are addressed only by it.
type Kind = (&'static str, &'static str);

fn kind(seen: &Seen) -> Kind {
    let path = seen.path.as_str();
    let known = ENDPOINTS.iter().find(|(known, _)| *known == path);
    let endpoint = match path {
        _ if path.starts_with("/auth/register") => "register",
        _ if path.starts_with("/auth/") => "pages",
        _ if path.starts_with("/fhir") => "fhir",
        _ => "none",
    };
    let method = match seen.method.as_str() {
        "OPTIONS" => "OPTIONS",
        "HEAD" => "HEAD",
        _ => "",
    };
    (known.map_or(endpoint, |(_, endpoint)| endpoint), method)
}

fn every_kind() -> impl Iterator<Item = Kind> {
    let known = ENDPOINTS.iter().map(|(_, endpoint)| *endpoint);
    let endpoints: BTreeSet<_> = known.chain(["register", "pages", "fhir"]).collect();
    endpoints
        .into_iter()
        .flat_map(|endpoint| ["", "OPTIONS", "HEAD"].map(|method| (endpoint, method)))
}

fn at((endpoint, method): Kind, more: &Value) -> Value {
    let mut address = json!({ "endpoint": endpoint });
    if !method.is_empty() {
        address["method"] = json!(method);
    }
    address
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    address
}

/// What came of one run of a probe.
struct Run {
    shows: bool,
    seen: Vec<Seen>,
    /// Every client that had its say.
    clients: BTreeSet<String>,
    matched: u64,
}

impl Run {
    fn named(&self, defect: Defect) -> Vec<Kind> {
        let named = self.seen.iter().filter(|seen| seen.names(defect));
        named.map(kind).collect()
    }

    /// The place of the first named answer among those of its kind, counted from 1.
    fn first(&self, defect: Defect) -> Option<(Kind, usize)> {
        let mut counts = BTreeMap::<Kind, usize>::new();
        self.seen.iter().find_map(|seen| {
            let count = counts.entry(kind(seen)).or_default();
            *count += 1;
            seen.names(defect).then_some((kind(seen), *count))
        })
    }
}

/// Runs the probe with the defect placed at these addresses. Identifiers are the same in each run.
async fn run(defect: Defect, times: &str, addresses: &[Value]) -> Run {
    let ehr = TestEhr::built(MockEhr::builder().seed(1));
    for address in addresses {
        let mut fault = json!({ "defect": defect.name(), "times": times });
        fault
            .as_object_mut()
            .unwrap()
            .extend(address.as_object().unwrap().clone());
        place(&ehr, fault).await;
    }
    let shows = misbehaves(&ehr, defect).await;
    assert!(ehr.mock.state().defects().armed().is_empty(), "{defect}");
    let faults = ask(&ehr, "GET", "/faults", None).await.1;
    let matched = faults
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fault| fault["matched"].as_u64());
    let journal = ehr.mock.state().journal().entries();
    let configured = ehr
        .mock
        .state()
        .config()
        .clients
        .iter()
        .map(|client| client.client_id.clone());
    let seen = ehr.seen.lock().unwrap().clone();
    Run {
        shows,
        seen,
        clients: journal
            .into_iter()
            .filter_map(|entry| entry.client)
            .chain(configured)
            .collect(),
        matched: matched.sum(),
    }
}

/// What is wrong with this defect by address.
async fn judge(defect: Defect) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |right: bool, what: &str| {
        if !right {
            wrong.push(format!("{defect}: {what}"));
        }
    };
    let everywhere = [json!({}), json!({ "method": "OPTIONS" }), json!({ "method": "HEAD" })];
    let free = run(defect, "always", &everywhere).await;
    let named: BTreeSet<_> = free.named(defect).into_iter().collect();
    expect(free.shows && !named.is_empty(), "does not show, or is not named");
    let Some((first, nth)) = free.first(defect) else {
        return wrong;
    };

    // Where none of its hooks is, it changes nothing.
    let others: Vec<_> = every_kind()
        .filter(|kind| !named.contains(kind))
        .map(|kind| at(kind, &json!({})))
        .collect();
    let elsewhere = run(defect, "always", &others).await;
    expect(!elsewhere.shows, "shows although it is placed elsewhere");
    expect(
        elsewhere.named(defect).is_empty(),
        "is named although it is placed elsewhere",
    );

    // Of a client: his requests, and nobody else's.
    let mut of_clients = Vec::new();
    let mut strangers = Vec::new();
    for kind in &named {
        if ANONYMOUS.contains(&kind.0) || kind.1 == "OPTIONS" {
            of_clients.push(at(*kind, &json!({})));
        } else {
            of_clients.extend(
                free.clients
                    .iter()
                    .map(|client| at(*kind, &json!({ "client": client }))),
            );
            strangers.push(at(*kind, &json!({ "client": "somebody-else" })));
        }
    }
    let placed = run(defect, "always", &of_clients).await;
    if nobody::SENT.contains(&defect.name()) {
        expect(!placed.shows, "shows for the client after all");
        let here: Vec<_> = named.iter().map(|kind| at(*kind, &json!({}))).collect();
        expect(
            run(defect, "always", &here).await.shows,
            "does not show at its endpoint",
        );
    } else {
        expect(placed.shows, "does not show for the client");
    }
    expect(
        placed.named(defect).iter().all(|kind| named.contains(kind)),
        "is named elsewhere",
    );
    if !strangers.is_empty() {
        let quiet = run(defect, "always", &strangers).await;
        expect(
            !quiet.shows || strangers.len() < named.len(),
            "shows for another client",
        );
        expect(
            quiet.named(defect).is_empty() && quiet.matched == 0,
            "is named for another client",
        );
    }
    // The n-th request alone.
    let once = run(defect, "once", &[at(first, &json!({ "nth": nth }))]).await;
    expect(once.named(defect).len() == 1, "is not named once");
    // Of requests at the same moment any may be the first.
    let is_race = defect == Defect::CodeRace;
    expect(
        is_race || once.first(defect) == Some((first, nth)),
        "is named at another request than the n-th",
    );
    wrong
}

/// Each run has a mock of its own, so they go side by side.
fn judge_all(defects: &[Defect]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                let runtime = builder.enable_all().build().unwrap();
                while let Some(defect) = defects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = runtime.block_on(judge(*defect));
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

#[test]
fn every_defect_shows_where_it_is_placed_and_nowhere_else() {
    let defects: Vec<_> = Defect::ALL
        .iter()
        .copied()
        .filter(|defect| !is_of_connections(*defect))
        .collect();
    assert!(defects.len() > 600, "{}", defects.len());
    let wrong = judge_all(&defects);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

fn is_of_connections(defect: Defect) -> bool {
    OF_CONNECTIONS.iter().any(|topic| defect.name().starts_with(topic))
}

#[tokio::test]
async fn every_defect_is_taken_at_every_endpoint_but_those_of_connections() {
    let ehr = TestEhr::new();
    for defect in Defect::ALL {
        let mut taken = BTreeSet::new();
        for (endpoint, _) in every_kind().filter(|kind| kind.1.is_empty()) {
            let fault = json!({ "endpoint": endpoint, "nth": 3, "defect": defect.name() });
            let (status, answer) = ask(&ehr, "POST", "/faults", Some(fault.clone())).await;
            taken.insert(status);
            if status == StatusCode::UNPROCESSABLE_ENTITY {
                assert_eq!(answer["field"], "defect", "{defect}");
                assert!(answer["error"].as_str().unwrap().contains("connection"), "{answer}");
            }
            if is_of_connections(*defect) {
                continue;
            }
            let mut fault = fault;
            fault["client"] = json!("app-public");
            let (with_client, answer) = ask(&ehr, "POST", "/faults", Some(fault)).await;
            if ANONYMOUS.contains(&endpoint) {
                assert_eq!(
                    (with_client, &answer["field"]),
                    (StatusCode::UNPROCESSABLE_ENTITY, &json!("client")),
                    "{defect}"
                );
            } else {
                assert_eq!(with_client, status, "{defect} at {endpoint}");
            }
        }
        let expected = if is_of_connections(*defect) {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::CREATED
        };
        assert_eq!(taken, BTreeSet::from([expected]), "{defect}");
        ask(&ehr, "DELETE", "/faults", None).await;
    }
}
