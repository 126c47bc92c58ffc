//! A provider in process that does what it should until a test alters an answer of it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use mock_ehr::fetch::{Ask, Fetch, Fetched, Trust};
use serde_json::{Value, json};

use crate::harness::*;

pub(super) const ISSUER: &str = "https://sso.example/realms/a";
pub(super) const CLIENT_ID: &str = "mock-ehr";
pub(super) const SECRET: &str = "test-only-sso:s3cret/+%";
const KEY: &str = "client_rs384";

type Alter<T> = Box<dyn Fn(T) -> T + Send>;

/// One provider.
#[derive(Default)]
pub(super) struct Provider(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    asked: Option<Form>,
    redeemed: usize,
    answers: Vec<(String, Answers)>,
    id_token: Option<Alter<Assertion>>,
    forged: bool,
}

enum Answers {
    With(u16, Value),
    Never,
    NotAtAll,
}

impl Provider {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers otherwise below this path.
    pub(super) fn answer(&self, path: &str, status: u16, body: Value) {
        self.inner()
            .answers
            .insert(0, (path.to_owned(), Answers::With(status, body)));
    }

    pub(super) fn never_answers(&self, path: &str) {
        self.inner().answers.insert(0, (path.to_owned(), Answers::Never));
    }

    pub(super) fn is_down(&self) {
        self.inner().answers.insert(0, (String::new(), Answers::NotAtAll));
    }

    pub(super) fn is_up_again(&self) {
        self.inner().answers.clear();
    }

    pub(super) fn alter(&self, alter: impl Fn(Assertion) -> Assertion + Send + 'static) {
        self.inner().id_token = Some(Box::new(alter));
    }

    /// Signs something else than what it sends.
    pub(super) fn forge(&self) {
        self.inner().forged = true;
    }

    /// Begins anew: nothing altered, no code redeemed.
    pub(super) fn forget(&self) {
        *self.inner() = Inner::default();
    }

    pub(super) fn redeemed(&self) -> usize {
        self.inner().redeemed
    }

    /// A browser arrives at its sign-in: what it was asked.
    pub(super) fn arrive(&self, address: &str) -> Form {
        let query = address.strip_prefix(&format!("{ISSUER}/authorize?")).expect(address);
        let asked = Form(pairs(query));
        self.inner().asked = Some(asked.clone());
        asked
    }

    /// Where the browser goes after a successful sign-in.
    pub(super) fn sign_in(&self, address: &str) -> Form {
        let asked = self.arrive(address);
        assert_eq!(asked.get("redirect_uri"), format!("{BASE}/auth/callback"));
        Form::of(&[("code", "code-1"), ("state", asked.get("state")), ("iss", ISSUER)])
    }

    fn reply(&self, ask: &Ask<'_>) -> Option<(u16, Value)> {
        let path = ask.url.strip_prefix(ISSUER)?;
        match path {
            "/.well-known/openid-configuration" => Some((200, metadata())),
            "/keys" => {
                let others =
                    json!({ "kty": "RSA", "use": "enc", "kid": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB" });
                let mut key = public(KEY);
                key["use"] = "sig".into();
                Some((200, json!({ "keys": [others, key, public("client_es384")] })))
            }
            "/token" => Some(self.redeem(ask)),
            "/userinfo" => Some((200, json!({ "sub": "subject-1", "email": "nurse@example.org" }))),
            _ => None,
        }
    }

    /// Refuses what a strict provider refuses.
    fn redeem(&self, ask: &Ask<'_>) -> (u16, Value) {
        let form = Form(pairs(ask.form.as_deref().unwrap_or_default()));
        let mut inner = self.inner();
        let asked = inner.asked.clone().expect("a browser");
        let proved = challenge(form.get("code_verifier")) == asked.get("code_challenge");
        let known = ask.authorization.as_deref() == Some(basic(CLIENT_ID, SECRET).as_str());
        let same = form.get("redirect_uri") == asked.get("redirect_uri") && form.get("code") == "code-1";
        if !known {
            return (401, json!({ "error": "invalid_client" }));
        }
        if !proved || !same || inner.redeemed > 0 || form.get("grant_type") != "authorization_code" {
            return (400, json!({ "error": "invalid_grant", "error_description": "wrong" }));
        }
        inner.redeemed += 1;
        let now = super::now();
        let token = Assertion {
            key: KEY.to_owned(),
            header: json!({ "alg": "RS384", "kid": kid(KEY), "typ": "JWT" }),
            claims: json!({
                "iss": ISSUER, "sub": "subject-1", "aud": CLIENT_ID, "azp": CLIENT_ID, "nonce": asked.get("nonce"),
                "iat": now, "exp": now + 300, "auth_time": now, "preferred_username": "demo",
            }),
        };
        let token = inner
            .id_token
            .as_ref()
            .map_or_else(|| token.clone(), |alter| alter(token.clone()));
        let mut signed = token.sign();
        if inner.forged {
            let (_, signature) = signed.rsplit_once('.').unwrap();
            signed = format!("{}.{signature}", token.claim("preferred_username", "nurse").message());
        }
        (
            200,
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": signed }),
        )
    }
}

pub(super) fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/keys"),
        "userinfo_endpoint": format!("{ISSUER}/userinfo"),
        "end_session_endpoint": format!("{ISSUER}/logout?kept=yes"),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

impl Fetch for Provider {
    fn get<'a>(&'a self, url: &'a str, _trust: Trust) -> BoxFuture<'a, Result<Fetched, String>> {
        panic!("{url} is no key set of a client")
    }

    fn ask<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Fetched, String>> {
        async move {
            let path = ask.url.strip_prefix(ISSUER).unwrap_or_default().to_owned();
            let altered = {
                let inner = self.inner();
                let found = inner
                    .answers
                    .iter()
                    .find(|(prefix, _)| path.starts_with(prefix.as_str()));
                found.map(|(_, answers)| match answers {
                    Answers::With(status, body) => Ok(Some((*status, body.clone()))),
                    Answers::Never => Ok(None),
                    Answers::NotAtAll => Err("connection refused".to_owned()),
                })
            };
            let (status, body) = match altered.transpose()? {
                Some(Some(answer)) => answer,
                Some(None) => {
                    tokio::time::sleep(Duration::from_mins(1)).await;
                    return Err("too late".to_owned());
                }
                None => self.reply(&ask).ok_or("nobody answers")?,
            };
            Ok(Fetched {
                status,
                content_type: Some("application/json".to_owned()),
                cache_control: None,
                location: None,
                body: body.to_string().into_bytes(),
            })
        }
        .boxed()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}
