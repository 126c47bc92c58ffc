//! Refusals count only between two accepted controls; what comes after a fault proves nothing.

use std::sync::Arc;

use launchproof::demo::{self, Manner};
use launchproof::engine::events::Silent;
use launchproof::engine::{self, Judged, Options};
use launchproof::http::{Failure, Limits, Request, Response, Transport};
use launchproof::scenario::load::{Loaded, load, parse};
use launchproof::scenario::select::Selection;
use launchproof::target::SmartVersion;
use reports::model::Status;
use tokio::sync::watch;

/// The way to the mock, which answers every POST to the token endpoint with 401 after the first so many.
struct LockedAfter {
    inner: Arc<dyn Transport>,
    left: std::sync::atomic::AtomicI64,
}

impl Transport for LockedAfter {
    fn send<'a>(
        &'a self,
        request: &'a Request,
        limits: &'a Limits,
    ) -> futures::future::BoxFuture<'a, Result<Response, Failure>> {
        let is_token = request.url.path() == "/auth/token";
        let locked = is_token && self.left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0;
        if !locked {
            return self.inner.send(request, limits);
        }
        Box::pin(async {
            Ok(Response {
                status: 401,
                headers: http::HeaderMap::new(),
                body: r#"{"error":"invalid_client"}"#.into(),
                elapsed: std::time::Duration::from_millis(1),
            })
        })
    }
}

/// The way to the mock, on which one request makes this program panic.
struct Panicking(Arc<dyn Transport>);

impl Transport for Panicking {
    fn send<'a>(
        &'a self,
        request: &'a Request,
        limits: &'a Limits,
    ) -> futures::future::BoxFuture<'a, Result<Response, Failure>> {
        assert!(request.url.path() != "/auth/revoke", "on purpose, in a test");
        self.0.send(request, limits)
    }
}

#[tokio::test]
async fn a_panic_costs_one_verdict_and_not_the_run() {
    let (mut world, _mock) = demo::inside(&Manner::default(), 1).expect("the embedded mock starts");
    world.transport = Arc::new(Panicking(Arc::clone(&world.transport)));
    let profile = Arc::clone(&world.profile);
    let scenarios = load(None).expect("the scenarios load");
    let selection = Selection {
        ids: ["revocation/refresh_token", "pkce/verifier_wrong", "state/returned"]
            .map(str::to_owned)
            .to_vec(),
        ..Selection::default()
    };
    let items = selection.items(&scenarios, &profile);
    let (_keep, cancel) = watch::channel(false);
    let options = Options {
        smart: SmartVersion::V2_2,
        allow: launchproof::scenario::needs::Allow {
            lockout: true,
            writes: true,
        },
        spared: std::collections::HashSet::new(),
        cancel,
        enough: Arc::default(),
    };
    let outcome = engine::run(&world, &items, &options, &Silent).await;
    assert!(outcome.complete);
    assert!(!outcome.panicked.is_empty());
    assert_eq!(outcome.judged.len(), items.len(), "each item has its verdict");
    for judged in &outcome.judged {
        if judged.scenario == "revocation/refresh_token" {
            assert!(outcome.panicked.contains(&judged.id), "{judged:?}");
            assert_eq!(judged.status, Status::Error);
            assert!(
                judged
                    .reason
                    .as_deref()
                    .is_some_and(|why| why.contains("a bug of ours"))
            );
        } else {
            assert_eq!(judged.status, Status::Pass, "{judged:?}");
        }
    }
}

async fn judge(scenarios: &[Loaded], locked_after: Option<i64>) -> Vec<Judged> {
    let (mut world, _mock) = demo::inside(&Manner::default(), 1).expect("the embedded mock starts");
    if let Some(left) = locked_after {
        let inner = Arc::clone(&world.transport);
        world.transport = Arc::new(LockedAfter {
            inner,
            left: left.into(),
        });
    }
    let profile = Arc::clone(&world.profile);
    let items = Selection::default().items(scenarios, &profile);
    let (_keep, cancel) = watch::channel(false);
    let options = Options {
        smart: SmartVersion::V2_2,
        allow: launchproof::scenario::needs::Allow {
            lockout: true,
            writes: true,
        },
        spared: std::collections::HashSet::new(),
        cancel,
        enough: Arc::default(),
    };
    engine::run(&world, &items, &options, &Silent).await.judged
}

fn scenario(id: &str, text: &str) -> Loaded {
    let scenario = parse(text, id).expect("the scenario parses");
    Loaded {
        id: id.to_owned(),
        origin: id.to_owned(),
        scenario,
        text: String::new(),
    }
}

const WRONG_VERIFIER: &str = "
title: A wrong verifier is refused
about: Redeems with another verifier.
level: SHALL
requirements: [rfc7636/4.6]
clients: public
given: authorized
when:
  - exchange: { code_verifier: '{another_verifier}' }
then:
  - refused_by: exchange
";

#[tokio::test]
async fn a_refusal_between_two_accepted_controls_passes() {
    let judged = judge(&[scenario("x/wrong", WRONG_VERIFIER)], None).await;
    assert_eq!(judged.len(), 1);
    assert_eq!(judged[0].status, Status::Pass, "{judged:?}");
}

#[tokio::test]
async fn a_refusal_whose_later_control_is_refused_is_blocked_and_never_a_pass() {
    // The control before, then the lock-out: the probe and all that follows are refused.
    let judged = judge(&[scenario("x/wrong", WRONG_VERIFIER)], Some(1)).await;
    let verdict = judged.iter().find(|judged| judged.id == "x/wrong").expect("a verdict");
    assert_eq!(verdict.status, Status::Blocked, "{judged:?}");
    assert!(
        verdict
            .reason
            .as_deref()
            .is_some_and(|reason| reason.contains("control lost")),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn a_server_that_refuses_everything_passes_nothing() {
    let scenarios = load(None).expect("the embedded scenarios load");
    let about_tokens: Vec<Loaded> = scenarios
        .into_iter()
        .filter(|loaded| ["code", "pkce", "client_auth_symmetric", "token"].contains(&loaded.area()))
        .collect();
    let judged = judge(&about_tokens, Some(0)).await;
    let refusals: Vec<&Judged> = judged
        .iter()
        .filter(|judged| {
            let loaded = about_tokens.iter().find(|loaded| loaded.id == judged.scenario);
            loaded.is_some_and(|loaded| loaded.text.contains("refused_by: exchange"))
        })
        .collect();
    assert!(
        refusals.len() > 40,
        "only {} verdicts judge a refusal of the exchange",
        refusals.len()
    );
    let passed: Vec<&&Judged> = refusals.iter().filter(|judged| judged.status == Status::Pass).collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[tokio::test]
async fn what_follows_a_fault_or_a_replay_is_no_control() {
    // The second exchange of one code and the exchange behind a faulty authorization look correct by themselves.
    let replay = "
title: A code works once
about: Redeems twice.
level: SHALL
requirements: [rfc6749/4.1.2-single-use]
clients: public
given: authorized
when:
  - exchange: { as: first }
  - exchange: { as: second }
control:
  - exchange: {}
then:
  - refused_by: exchange
";
    let judged = judge(
        &[scenario("x/a_wrong", WRONG_VERIFIER), scenario("x/b_replay", replay)],
        None,
    )
    .await;
    let statuses: Vec<Status> = judged.iter().map(|judged| judged.status).collect();
    assert_eq!(statuses, [Status::Pass, Status::Pass], "{judged:?}");
}
