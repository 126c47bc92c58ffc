//! What works once works once, though two replicas are asked at the same moment, each on a port of its own.

use http::StatusCode;
use mock_ehr::MockEhr;

use super::{cluster, mock_at};
use crate::harness::*;

/// Two replicas that listen.
struct Two {
    /// The flows of the first one.
    one: TestEhr,
    other: TestEhr,
    addresses: [String; 2],
    client: reqwest::Client,
}

/// What came of one racer.
struct Outcome {
    status: StatusCode,
    body: serde_json::Value,
}

impl Outcome {
    fn won(&self) -> bool {
        self.status == StatusCode::OK && self.body["access_token"].is_string()
    }

    fn member(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }
}

async fn listening(mock: &MockEhr) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mock = mock.clone();
    tokio::spawn(async move { mock.serve(listener).await });
    address
}

impl Two {
    async fn at(database: &str) -> Self {
        let (one, other) = (mock_at(database), mock_at(database));
        Self {
            addresses: [listening(&one).await, listening(&other).await],
            one: TestEhr::around(one),
            other: TestEhr::around(other),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Eight times the same request to the token endpoints, at the same moment, to both in turn.
    async fn race(&self, form: &Form) -> Vec<Outcome> {
        let racers: Vec<_> = (0..8)
            .map(|at| {
                let request = self
                    .client
                    .post(format!("{}/auth/token", self.addresses[at % 2]))
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.encode());
                tokio::spawn(async move {
                    let answer = request.send().await.unwrap();
                    Outcome {
                        status: answer.status(),
                        body: answer.json().await.unwrap(),
                    }
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for racer in racers {
            outcomes.push(racer.await.unwrap());
        }
        outcomes
    }
}

/// The one that won; all others were refused with this error.
fn only(outcomes: Vec<Outcome>, error: &str) -> Outcome {
    let (mut won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Outcome::won);
    assert_eq!(won.len(), 1, "exactly one works");
    for lost in lost {
        assert_eq!(lost.member("error"), error, "{} {}", lost.status, lost.body);
    }
    won.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_codes_work_once_each_and_a_replay_ends_what_they_gave() {
    let Some(cluster) = cluster::shared() else { return };
    let two = Two::at(&cluster.database("codes")).await;
    for _ in 0..50 {
        let flow = two.one.code("app-public").await;
        let won = only(two.race(&two.one.exchange(&flow)).await, "invalid_grant");
        let token = won.member("access_token");
        assert!(!two.one.is_alive(&token).await && !two.other.is_alive(&token).await);
        let refreshed = two
            .other
            .refresh("app-public", &won.member("refresh_token"), |form| form)
            .await;
        assert_eq!(refreshed.error(), "invalid_grant");
    }
    // Without a replay what it gave is good at both.
    let flow = two.one.code("app-public").await;
    let token = two.other.redeem(&flow, |form| form).await.member("access_token");
    assert!(two.one.is_alive(&token).await && two.other.is_alive(&token).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_assertion_works_once() {
    let Some(cluster) = cluster::shared() else { return };
    let two = Two::at(&cluster.database("assertions")).await;
    for _ in 0..20 {
        let form = Form::of(&[("grant_type", "client_credentials"), ("scope", "system/Patient.rs")])
            .add("client_assertion_type", JWT_BEARER)
            .add("client_assertion", &two.one.assertion("backend").sign());
        only(two.race(&form).await, "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refresh_token_is_rotated_once_and_its_family_ends() {
    let Some(cluster) = cluster::shared() else { return };
    let two = Two::at(&cluster.database("rotation")).await;
    for _ in 0..10 {
        let first = two.one.launched("app-public").await;
        let form = Form::of(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &first.member("refresh_token")),
            ("client_id", "app-public"),
        ]);
        let won = only(two.race(&form).await, "invalid_grant");
        for token in [first.member("access_token"), won.member("access_token")] {
            assert!(!two.one.is_alive(&token).await && !two.other.is_alive(&token).await);
        }
        let next = two
            .one
            .refresh("app-public", &won.member("refresh_token"), |form| form)
            .await;
        assert_eq!(next.error(), "invalid_grant", "the family ended");
    }
    // One after the other it is rotated at either.
    let first = two.one.launched("app-public").await;
    let second = two
        .other
        .refresh("app-public", &first.member("refresh_token"), |form| form)
        .await;
    let third = two
        .one
        .refresh("app-public", &second.member("refresh_token"), |form| form)
        .await;
    assert!(third.gives_token() && two.other.is_alive(&third.member("access_token")).await);
}
