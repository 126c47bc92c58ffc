//! Whoever signs out here signs out at the provider too, and only who was sent there comes back from it.

use http::StatusCode;
use serde_json::Value;

use super::provider::{CLIENT_ID, ISSUER, Provider, metadata};
use super::{answer, delegating, sent};
use crate::harness::*;
use crate::serve::program;

/// Signs somebody in, and sends the browser out: what the provider is asked.
async fn out(ehr: &TestEhr, provider: &Provider) -> (Answer, Form) {
    assert!(answer(ehr, provider).await.status.is_redirection());
    let answer = ehr.browse("/auth/end-session").await;
    let asked = answer
        .header("location")
        .strip_prefix(&format!("{ISSUER}/logout?kept=yes&"));
    let asked = Form(pairs(asked.unwrap_or_else(|| panic!("{answer:?}"))));
    (answer, asked)
}

fn back(form: &Form) -> String {
    format!("/auth/signed-out?{}", form.encode())
}

#[tokio::test]
async fn the_session_ends_here_and_at_the_provider() {
    let (ehr, provider) = delegating("");
    let (answer, asked) = out(&ehr, &provider).await;
    assert_eq!(asked.get("client_id"), CLIENT_ID);
    assert_eq!(asked.get("post_logout_redirect_uri"), format!("{BASE}/auth/signed-out"));
    assert_eq!(asked.get("state").len(), 43);
    let hint = asked.get("id_token_hint");
    assert_eq!(hint.split('.').count(), 3, "{hint}");
    let mut cookie = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let cookie = cookie.next_back().unwrap();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("Path=/auth/signed-out;"),
        "{cookie}"
    );
    // Already here, whether or not the browser comes back.
    assert!(sent(&ehr, |form| form).await.starts_with(ISSUER));
    let page = ehr.browse(&back(&Form::of(&[("state", asked.get("state"))]))).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(
        page.body.contains("as well") && page.body.contains(ISSUER),
        "{}",
        page.body
    );
    let journal = serde_json::to_string(&ehr.mock.state().journal().entries()).unwrap();
    assert!(
        !journal.contains(hint.rsplit('.').next().unwrap()),
        "a signature is in the journal"
    );
}

#[tokio::test]
async fn an_answer_comes_back_once_to_the_browser_that_was_sent() {
    let (ehr, provider) = delegating("");
    let (_, asked) = out(&ehr, &provider).await;
    let right = Form::of(&[("state", asked.get("state"))]);
    for wrong in [
        Form::default(),
        Form::of(&[("state", "")]),
        Form::of(&[("state", "another")]),
        right.clone().add("state", asked.get("state")),
    ] {
        let page = ehr.browse(&back(&wrong)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong:?}");
        assert!(page.body.contains("sign-out"), "{}", page.body);
    }
    let other = ehr.other_browser().browse(&back(&right)).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert_eq!(ehr.browse(&back(&right)).await.status, StatusCode::OK);
    assert_eq!(
        ehr.browse(&back(&right)).await.status,
        StatusCode::BAD_REQUEST,
        "a second time"
    );
}

#[tokio::test]
async fn what_the_provider_cannot_end_is_said() {
    let (ehr, provider) = delegating("");
    let without = |text: Option<&str>| {
        let mut document = metadata();
        match text {
            Some(text) => document["end_session_endpoint"] = text.into(),
            None => document["end_session_endpoint"] = Value::Null,
        }
        document
    };
    // Neither one that is missing, nor one that would send the id_token in the clear.
    for endpoint in [None, Some("http://sso.example/logout")] {
        provider.answer("/.well-known/openid-configuration", 200, without(endpoint));
        let address = sent(&ehr, |form| form).await;
        let browser = ehr.browse(&super::back(&provider.sign_in(&address))).await;
        assert!(browser.status.is_redirection(), "{browser:?}");
        let page = ehr.browse("/auth/end-session").await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(
            page.body.contains("signed in still") && page.body.contains(ISSUER),
            "{}",
            page.body
        );
        provider.forget();
    }
    // Nobody was signed in: there is nothing to end.
    let page = ehr.browse("/auth/end-session").await;
    assert!(page.status == StatusCode::OK && !page.body.contains(ISSUER), "{page:?}");
}

#[tokio::test]
async fn without_a_provider_nobody_comes_back_from_one() {
    let ehr = TestEhr::new();
    let page = ehr.browse("/auth/signed-out?state=x").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[test]
fn flags_that_cannot_work_are_refused_at_the_start() {
    let at = [
        "--listen",
        "127.0.0.1:0",
        "--management",
        "127.0.0.1:0",
        "--identity-provider",
        ISSUER,
    ];
    for (more, told) in [
        (vec!["--identity-provider-user", "nurse@example.org"], "VALUE=USER"),
        (vec!["--identity-provider-user", "=nurse"], "before `=`"),
        (vec!["--identity-provider-user", "a=nobody"], "`nobody`, who is no user"),
        (
            vec![
                "--identity-provider-user",
                "a=nurse",
                "--identity-provider-user",
                "a=demo",
            ],
            "twice",
        ),
        (vec!["--identity-provider-scopes", "profile"], "openid"),
        (
            vec!["--identity-provider-ca-certificate", "/nowhere/ca.pem"],
            "/nowhere/ca.pem",
        ),
    ] {
        let refused = program::refused(&[&at[..], &more[..]].concat());
        assert!(refused.contains(told), "{more:?}: {refused}");
    }
    for alone in [
        "--identity-provider-user=a=demo",
        "--identity-provider-scopes=openid",
        "--identity-provider-ca-certificate=x",
    ] {
        let refused = program::refused(&[alone]);
        assert!(refused.contains("--identity-provider <ISSUER>"), "{alone}: {refused}");
    }
}
