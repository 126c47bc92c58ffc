//! `publish`: changes what the key server of the run answers for a client that is registered by `jwks_uri`.
//!
//! RFC 7517 §5; SMART App Launch 2.2 client-confidential-asymmetric.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::{Context, Deed, Halt, Outcome};
use crate::key_server::{PROBE, Publication, UNTRUSTED, elsewhere};
use crate::oauth::jws::{Alg, Family, SigningKey};
use crate::oauth::weak_key::WeakKey;
use crate::target::Client;
use crate::value::Template;

/// `publish`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishArgs {
    /// The keys, in their order; the client's own where absent.
    #[serde(default)]
    pub keys: Option<Vec<PublishedKey>>,
    /// At which address.
    #[serde(default)]
    pub at: PublishedAt,
    /// Status; 200 where absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// Media type; `application/json` where absent.
    #[serde(default)]
    pub content_type: Option<Template>,
    /// `Cache-Control`; `no-store` where absent.
    #[serde(default)]
    pub cache_control: Option<Template>,
    /// A whole body instead of the keys.
    #[serde(default)]
    pub body: Option<Template>,
    /// Sends whoever asks to the address that nobody registered, with status 302.
    #[serde(default)]
    pub redirect: bool,
    /// How long the answer is held back.
    #[serde(default)]
    pub delay_milliseconds: u64,
    /// Whoever asks gets no answer at all.
    #[serde(default)]
    pub silent: bool,
}

/// An address of the key server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublishedAt {
    /// The registered one.
    #[default]
    Registered,
    /// One beside it, that nobody registered.
    Elsewhere,
    /// One by https, behind a certificate that no authority signed.
    Untrusted,
    /// One that nobody has anything to fetch from, of no client.
    Probe,
}

impl PublishedAt {
    /// The path of an address that belongs to no client.
    pub fn of_nobody(self) -> Option<&'static str> {
        match self {
            Self::Registered | Self::Elsewhere => None,
            Self::Untrusted => Some(UNTRUSTED),
            Self::Probe => Some(PROBE),
        }
    }
}

/// A key in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublishedKey {
    /// The client's own key.
    Own,
    /// A new key under a new `kid`, the same within one scenario: `sign_with: next` signs with it.
    Next,
    /// Another type of key under the `kid` of `next`.
    NextKidOtherType,
    /// Another key of the same type under the `kid` of `next`.
    NextKidSameType,
    /// A key that is marked for encryption, under another `kid`.
    Encryption,
    /// A key of a type that nobody knows.
    UnknownType,
    /// A new RSA key of 1024 bits under a `kid` of its own: `sign_with: weak` signs with it.
    Weak,
}

/// Changes the key server's answer.
pub fn publish(context: &mut Context<'_>, args: &PublishArgs) -> Result<(), Halt> {
    let client = context.own_client()?;
    let Some(url) = &client.jwks_uri else {
        return Err(Halt::Scenario("the client has no jwks_uri to publish at".to_owned()));
    };
    let mut keys = Vec::new();
    for key in args.keys.as_deref().unwrap_or(&[PublishedKey::Own]) {
        keys.push(public_key(context, client, *key)?);
    }
    let mut publication = Publication::of(&keys);
    let none = |_: &str| None;
    publication.status = args.status.unwrap_or(200);
    publication.silent = args.silent;
    publication.delay = Duration::from_millis(args.delay_milliseconds);
    if let Some(kind) = &args.content_type {
        publication.content_type = context.fill(kind, &none)?;
    }
    if let Some(cache) = &args.cache_control {
        publication.cache_control = context.fill(cache, &none)?;
    }
    if let Some(body) = &args.body {
        publication.body = context.fill(body, &none)?;
    }
    if args.redirect {
        publication.status = args.status.unwrap_or(302);
        publication.location = Some(elsewhere(url).to_string());
    }
    context.world.key_server.publish(&path_of(url, args.at), publication);
    context.deeds.push(Arc::new(Deed {
        label: None,
        verb: "publish",
        client: client.name.clone(),
        // Whatever stands where the client is registered changes what is a correct request of it.
        correct: args.at != PublishedAt::Registered && *args == args.stripped(),
        outcome: Outcome::Waited,
        exchanges: Vec::new(),
    }));
    Ok(())
}

impl PublishArgs {
    /// The same keys at the same address, with nothing wrong about how they come.
    fn stripped(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            at: self.at,
            ..Self::default()
        }
    }
}

/// The path of an address of this client.
pub fn path_of(registered: &url::Url, at: PublishedAt) -> String {
    match at {
        PublishedAt::Registered => registered.path().to_owned(),
        PublishedAt::Elsewhere => elsewhere(registered).path().to_owned(),
        PublishedAt::Untrusted => UNTRUSTED.to_owned(),
        PublishedAt::Probe => PROBE.to_owned(),
    }
}

/// The new key of this scenario, of the algorithm of the client's own: a server may hold a client to that one.
pub fn next_key(context: &Context<'_>) -> Result<Arc<SigningKey>, Halt> {
    let own = context.client.and_then(|client| context.world.keys.get(&client.name));
    next_key_of(context, own.map_or(Alg::Es384, SigningKey::alg))
}

/// The new key of this scenario, of this algorithm where there is none yet.
pub fn next_key_of(context: &Context<'_>, alg: Alg) -> Result<Arc<SigningKey>, Halt> {
    let world = context.world;
    let make = || SigningKey::generate(alg, &format!("launchproof-{}", world.chance.token::<12>()));
    world
        .key_server
        .next_key(make)
        .ok_or_else(|| Halt::Error("this machine makes no key".to_owned()))
}

/// The key of this scenario that is too short.
pub fn weak_key(context: &Context<'_>) -> Result<Arc<WeakKey>, Halt> {
    let kid = format!("launchproof-{}", context.world.chance.token::<12>());
    let key = context.world.key_server.weak_key(&kid);
    key.ok_or_else(|| Halt::Error("this machine makes no key".to_owned()))
}

/// A key of nobody's, for this one publication.
fn fresh(alg: Alg) -> Result<SigningKey, Halt> {
    SigningKey::generate(alg, "launchproof-fresh").ok_or_else(|| Halt::Error("this machine makes no key".to_owned()))
}

fn public_key(context: &Context<'_>, client: &Client, key: PublishedKey) -> Result<Value, Halt> {
    let own = context
        .world
        .keys
        .get(&client.name)
        .ok_or_else(|| Halt::Scenario(format!("`{}` has no key", client.name)))?;
    Ok(match key {
        PublishedKey::Own => own.public_jwk(),
        PublishedKey::Next => next_key(context)?.public_jwk(),
        PublishedKey::NextKidOtherType => {
            let next = next_key(context)?;
            let other = if next.family() == Family::Rsa {
                fresh(Alg::Es384)?.public_jwk()
            } else {
                fresh(Alg::Rs384)?.public_jwk()
            };
            with(other, "kid", next.kid().unwrap_or_default())
        }
        PublishedKey::NextKidSameType => {
            let next = next_key(context)?;
            with(fresh(next.alg())?.public_jwk(), "kid", next.kid().unwrap_or_default())
        }
        PublishedKey::Encryption => {
            let mut key = with(fresh(Alg::Es384)?.public_jwk(), "use", "enc");
            // RFC 7517 §4.3: what `key_ops` says must agree with `use`, or the key is none, and with it the set.
            if let Some(members) = key.as_object_mut() {
                members.shift_remove("key_ops");
            }
            let key = with(key, "alg", "ECDH-ES");
            with(key, "kid", "launchproof-encryption")
        }
        PublishedKey::Weak => weak_key(context)?.public_jwk(),
        PublishedKey::UnknownType => json!({ "kty": "LAUNCHPROOF", "kid": "launchproof-unknown", "x": "AAAA" }),
    })
}

fn with(mut jwk: Value, name: &str, value: &str) -> Value {
    if let Some(members) = jwk.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
    jwk
}
