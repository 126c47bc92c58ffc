//! `register`: an app registers itself, and later steps may speak as what came of it.
//!
//! RFC 7591 §3.1: <https://www.rfc-editor.org/rfc/rfc7591#section-3.1>

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::context::{Answer, Context, Halt, Outcome};
use super::discover::{answered, facts};
use super::fhir::unescaped;
use super::publish::{next_key, next_key_of, weak_key};
use super::registrations::REGISTERED;
use super::world::Facts;
use crate::http::{Request, RequestBody, Secret};
use crate::key_server::elsewhere;
use crate::oauth::jws::Alg;
use crate::target::{Client, ClientKind, Credentials, KeySource, SecretMethod};
use crate::value::Template;

/// `register`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterArgs {
    /// Label for `of:`.
    #[serde(default, rename = "as")]
    pub label: Option<String>,
    /// What it registers as.
    #[serde(default)]
    pub kind: RegisteredKind,
    /// How its keys are told, where it has keys.
    #[serde(default)]
    pub keys: KeyForm,
    /// Members of the metadata besides or instead; null leaves one out. Texts may hold placeholders.
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
    /// A refusal of a correct registration is judged; else it is a skip, since a server may admit whom it likes.
    #[serde(default)]
    pub judged: bool,
    /// A whole body instead.
    #[serde(default)]
    pub body: Option<Template>,
    /// A whole body instead, whose bytes are written percent-encoded: `%00%ff`.
    #[serde(default)]
    pub bytes: Option<Template>,
    /// `Content-Type`; `application/json` where absent.
    #[serde(default)]
    pub content_type: Option<Template>,
}

/// Kind of a client that registers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegisteredKind {
    /// `none`
    #[default]
    Public,
    /// `client_secret_basic`
    Symmetric,
    /// `private_key_jwt`
    Asymmetric,
    /// `private_key_jwt` with the grant `client_credentials` alone: a service without users.
    Backend,
}

/// How keys are told: the scenario's new key, which `sign_with: next` uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// By `jwks`.
    #[default]
    Jwks,
    /// By `jwks_uri`: the address beside the item's client's own.
    JwksUri,
    /// By `jwks_uri`: an https address whose certificate no authority signed.
    JwksUriUntrusted,
    /// By `jwks`, for certain an RSA key of 2048 bits for RS384.
    JwksRsa,
    /// By `jwks`: an RSA key of 1024 bits, which `sign_with: weak` uses.
    JwksWeak,
    /// By both.
    Both,
    /// Not at all.
    None,
}

/// Where clients register, by the first document that says so.
pub fn endpoint(facts: &Facts) -> Option<&str> {
    facts.told("registration_endpoint")?.as_str()
}

/// Registers a client.
pub async fn register(context: &mut Context<'_>, args: &RegisterArgs) -> Result<(), Halt> {
    let world = context.world;
    let own = context.own_client()?;
    let known = facts(world).await;
    let endpoint = endpoint(known).ok_or_else(|| Halt::Skip("the server lists no registration_endpoint".to_owned()))?;
    let url = Url::parse(endpoint).map_err(|_| Halt::Blocked(format!("`{endpoint}` is not an absolute URL")))?;
    let none = |_: &str| None;
    let bytes = match (&args.bytes, &args.body) {
        (Some(bytes), _) => unescaped(context.fill(bytes, &none)?.as_bytes()),
        (None, Some(body)) => context.fill(body, &none)?.into_bytes(),
        (None, None) => Value::Object(metadata(context, own, args)?).to_string().into_bytes(),
    };
    let content_type = match &args.content_type {
        Some(kind) => context.fill(kind, &none)?,
        None => "application/json".to_owned(),
    };
    let mut request = Request::form(url, Vec::new());
    request.body = RequestBody::Raw {
        content_type,
        bytes: Bytes::from(bytes),
    };
    request.header(ACCEPT, "application/json");
    let correct = *args == args.stripped();
    let name = own.name.clone();
    let deed = answered(world, "register", args.label.clone(), name, correct, request, None).await;
    if let Outcome::Answered(answer) = &deed.outcome {
        if answer.outcome().is_ok_and(|answer| matches!(answer.status, 401 | 403)) {
            return Err(Halt::Skip(
                "the registration endpoint wants an authorization that launchproof does not have".to_owned(),
            ));
        }
        if correct && !args.judged && answer.outcome().is_ok_and(|answer| answer.status == 400) {
            return Err(Halt::Skip(format!(
                "the server admits no such client: {}",
                answer.text("error").unwrap_or("it gives no error")
            )));
        }
        if args.keys == KeyForm::JwksUriUntrusted && answer.outcome().is_ok_and(|answer| answer.status == 400) {
            return Err(Halt::Skip(format!(
                "the server does not register such an address: {}",
                answer.text("error").unwrap_or("it gives no error")
            )));
        }
        keep(context, own, args, answer)?;
    }
    context.deeds.push(Arc::new(deed));
    Ok(())
}

/// What a correct registration of this kind holds, with the scenario's changes.
fn metadata(context: &Context<'_>, own: &Client, args: &RegisterArgs) -> Result<Map<String, Value>, Halt> {
    let is_service = args.kind == RegisteredKind::Backend;
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("client_name", "launchproof, for a test".into());
    if is_service {
        put("grant_types", json!(["client_credentials"]));
        put("response_types", json!([]));
        put("scope", own.scopes.clone().into());
    } else {
        put("redirect_uris", json!([redirect_uri(context, own)?]));
        put("grant_types", json!(["authorization_code", "refresh_token"]));
        put("response_types", json!(["code"]));
        put("scope", scopes_asked(context, own)?.into());
    }
    let method = match args.kind {
        RegisteredKind::Public => "none",
        RegisteredKind::Symmetric => "client_secret_basic",
        RegisteredKind::Asymmetric | RegisteredKind::Backend => "private_key_jwt",
    };
    put("token_endpoint_auth_method", method.into());
    if is_service || args.kind == RegisteredKind::Asymmetric {
        let key = match args.keys {
            KeyForm::Jwks | KeyForm::Both => Some(next_key(context)?.public_jwk()),
            KeyForm::JwksRsa => Some(next_key_of(context, Alg::Rs384)?.public_jwk()),
            KeyForm::JwksWeak => Some(weak_key(context)?.public_jwk()),
            KeyForm::JwksUri | KeyForm::JwksUriUntrusted | KeyForm::None => None,
        };
        if let Some(key) = key {
            put("jwks", json!({ "keys": [key] }));
        }
        if matches!(args.keys, KeyForm::JwksUri | KeyForm::Both) {
            let beside = own.jwks_uri.as_ref().map(elsewhere);
            let beside = beside.ok_or_else(|| Halt::Scenario("the client has no jwks_uri".to_owned()))?;
            put("jwks_uri", beside.to_string().into());
        }
    }
    if args.keys == KeyForm::JwksUriUntrusted {
        let untrusted = context.world.key_server.untrusted();
        let untrusted = untrusted
            .ok_or_else(|| Halt::Skip("the target does not reach a key server of launchproof by https".to_owned()))?;
        members.insert("jwks_uri".to_owned(), untrusted.to_string().into());
    }
    for (name, value) in &args.metadata {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), filled(context, value)?);
        }
    }
    Ok(members)
}

/// What an app of this profile asks for.
fn scopes_asked(context: &Context<'_>, own: &Client) -> Result<String, Halt> {
    match &context.with.scope {
        Some(scope) => context.fill(scope, &|_: &str| None),
        None => Ok(context
            .world
            .profile
            .clients
            .iter()
            .find(|client| client.kind != ClientKind::Backend)
            .map_or_else(|| own.scopes.clone(), |client| client.scopes.clone())),
    }
}

/// An address at which the run can catch the answer: of the item's client, else of the first that has one.
fn redirect_uri(context: &Context<'_>, own: &Client) -> Result<String, Halt> {
    let all = context.world.profile.clients.iter();
    std::iter::once(own)
        .chain(all)
        .find_map(|client| client.redirect_uris.first().cloned())
        .ok_or_else(|| Halt::Skip("the profile has no client with redirect_uris".to_owned()))
}

pub(super) fn filled(context: &Context<'_>, value: &Value) -> Result<Value, Halt> {
    Ok(match value {
        Value::String(text) => {
            let template =
                Template::parse(text).map_err(|error| Halt::Scenario(format!("`{text}` in metadata: {error}")))?;
            Value::String(context.fill(&template, &|_: &str| None)?)
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| filled(context, item))
                .collect::<Result<_, _>>()?,
        ),
        other => other.clone(),
    })
}

/// What the answer says of the client, so that later steps can speak as it, and so that it can be removed.
fn keep(context: &Context<'_>, own: &Client, args: &RegisterArgs, answer: &Answer) -> Result<(), Halt> {
    let Some(client_id) = answer.text("client_id") else {
        return Ok(());
    };
    let method = match answer.text("token_endpoint_auth_method") {
        Some("client_secret_post") => SecretMethod::Post,
        _ => SecretMethod::Basic,
    };
    let (kind, credentials) = match (args.kind, answer.text("client_secret")) {
        (RegisteredKind::Asymmetric | RegisteredKind::Backend, _) => {
            // The key itself stays with the key server of the run.
            let source = KeySource {
                jwk: Secret::new(String::new()),
                others: Vec::new(),
            };
            let kind = if args.kind == RegisteredKind::Backend {
                ClientKind::Backend
            } else {
                ClientKind::Asymmetric
            };
            (kind, Credentials::Key(source))
        }
        (RegisteredKind::Symmetric, Some(secret)) => {
            let value = Secret::new(secret.to_owned());
            (ClientKind::Symmetric, Credentials::Secret { value, method })
        }
        _ => (ClientKind::Public, Credentials::None),
    };
    let redirect_uris = redirect_uri(context, own).into_iter().collect();
    let scopes = match answer.text("scope") {
        Some(told) => told.to_owned(),
        None if kind == ClientKind::Backend => own.scopes.clone(),
        None => scopes_asked(context, own)?,
    };
    let client = Client {
        name: REGISTERED.to_owned(),
        kind,
        client_id: client_id.to_owned(),
        redirect_uris,
        launch_url: None,
        scopes,
        beyond_scopes: None,
        introspection_scope: None,
        jwks_uri: None,
        pushed_only: answer
            .json
            .as_ref()
            .is_some_and(|json| json["require_pushed_authorization_requests"] == true),
        origins: Vec::new(),
        credentials,
    };
    let management = answer
        .text("registration_client_uri")
        .and_then(|uri| Url::parse(uri).ok())
        .zip(answer.text("registration_access_token"))
        .map(|(uri, token)| (uri, Secret::new(token.to_owned())));
    context.world.registrations.add(client, management);
    Ok(())
}

impl RegisterArgs {
    /// The same step without anything wrong in it.
    pub fn stripped(&self) -> Self {
        Self {
            label: self.label.clone(),
            kind: self.kind,
            judged: self.judged,
            keys: match self.keys {
                KeyForm::JwksUri | KeyForm::JwksUriUntrusted => KeyForm::JwksUri,
                KeyForm::JwksRsa => KeyForm::JwksRsa,
                _ => KeyForm::Jwks,
            },
            ..Self::default()
        }
    }
}
