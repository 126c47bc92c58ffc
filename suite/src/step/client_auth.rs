//! Client authentication at the token, introspection and revocation endpoints, right or wrong as the scenario wants.
//!
//! RFC 6749 §2.3, RFC 7523 §2.2, SMART App Launch 2.2 client-confidential-asymmetric and -symmetric.

use http::header::AUTHORIZATION;
use serde_json::Value;

use super::arguments::{AssertionArgs, AuthArgs, AuthWay, ClientWord, OnceMoreArgs, SignWith};
use super::context::{Context, Halt};
use super::publish::{next_key, weak_key};
use super::registrations::REGISTERED;
use crate::http::Request;
use crate::oauth::basic;
use crate::oauth::client_assertion::{ASSERTION_TYPE, Assertion};
use crate::oauth::jws::{Family, HmacHash, PublicForm, Signing, SigningKey};
use crate::oauth::jws_spelling::{OnceMore, Spelling};
use crate::target::{Client, ClientKind, Credentials, SecretMethod};
use crate::value::{Lookup, Override};

/// What authentication adds to a request.
#[derive(Default)]
pub(super) struct Authentication {
    /// Parameters of the body.
    pub(super) body: Vec<(String, String)>,
    /// Parameters of the query.
    pub(super) query: Vec<(String, String)>,
    /// The Authorization header.
    pub(super) header: Option<String>,
    /// The assertion that was made.
    pub(super) assertion: Option<String>,
}

impl Authentication {
    /// Puts the header on.
    pub(super) fn sign(&self, request: &mut Request) {
        if let Some(value) = &self.header {
            request.header(AUTHORIZATION, value);
        }
    }
}

/// The client's own way.
pub(super) fn own_way(client: &Client) -> AuthWay {
    match &client.credentials {
        Credentials::None => AuthWay::IdOnly,
        Credentials::Secret {
            method: SecretMethod::Basic,
            ..
        } => AuthWay::Basic,
        Credentials::Secret {
            method: SecretMethod::Post,
            ..
        } => AuthWay::Post,
        Credentials::Key(_) => AuthWay::Assertion,
    }
}

/// Authentication as `args` want it.
pub(super) fn authenticate(
    context: &Context<'_>,
    client: &Client,
    args: &AuthArgs,
    assertion: &AssertionArgs,
    own: &dyn Lookup,
) -> Result<Authentication, Halt> {
    let way = args.by.unwrap_or_else(|| own_way(client));
    let text = |override_: &Override, correct: String| -> Result<String, Halt> {
        match override_ {
            Override::Keep => Ok(correct),
            Override::Omit => Ok(String::new()),
            Override::One(template) => context.fill(template, own),
            Override::Many(_) => Err(Halt::Scenario(
                "a secret or id of authentication is one text".to_owned(),
            )),
        }
    };
    let id = text(&args.id, client.client_id.clone())?;
    let secret = || -> Result<String, Halt> {
        let whose = if args.of == ClientWord::Own {
            client
        } else {
            context.client_of(args.of)?
        };
        let correct = match &whose.credentials {
            Credentials::Secret { value, .. } => value.expose().to_owned(),
            // A client without a secret that sends one all the same: any text is wrong.
            _ => "a-secret-that-was-never-issued".to_owned(),
        };
        text(&args.secret, correct)
    };
    let with_secret = |secret: String| {
        vec![
            ("client_id".to_owned(), id.clone()),
            ("client_secret".to_owned(), secret),
        ]
    };
    let mut made = Authentication::default();
    match way {
        AuthWay::None if is_confidential(client) => {}
        AuthWay::None | AuthWay::IdOnly => made.body.push(("client_id".to_owned(), id.clone())),
        AuthWay::Basic => made.header = Some(basic::basic_header(&id, &secret()?)),
        AuthWay::BasicRaw => made.header = Some(basic::basic_header_raw(&id, &secret()?)),
        AuthWay::Post => made.body = with_secret(secret()?),
        AuthWay::Both => {
            made.header = Some(basic::basic_header(&id, &secret()?));
            made.body = with_secret(secret()?);
        }
        AuthWay::Query => made.query = with_secret(secret()?),
        AuthWay::Assertion | AuthWay::AssertionAndSecret => {
            let token = match &assertion.again {
                Some(label) => context
                    .value(&format!("{label}.assertion"))
                    .ok_or_else(|| Halt::Scenario(format!("no step `{label}` sent an assertion")))?,
                None => write(context, client, args.of, assertion, own)?,
            };
            made.body
                .push(("client_assertion_type".to_owned(), ASSERTION_TYPE.to_owned()));
            made.body.push(("client_assertion".to_owned(), token.clone()));
            made.assertion = Some(token);
            if way == AuthWay::AssertionAndSecret {
                made.body.extend(with_secret(secret()?));
            }
        }
    }
    Ok(made)
}

/// The key of a client, or of the attacker where the client has none (a public client that sends an assertion).
fn key_of<'a>(context: &'a Context<'_>, client: &Client) -> &'a SigningKey {
    context
        .world
        .keys
        .get(&client.name)
        .unwrap_or(&context.world.attacker.ec)
}

fn write(
    context: &Context<'_>,
    client: &Client,
    of: ClientWord,
    args: &AssertionArgs,
    own: &dyn Lookup,
) -> Result<String, Halt> {
    let world = context.world;
    let facts = world.known();
    let token_endpoint = facts.and_then(|facts| facts.token_endpoint.clone()).unwrap_or_default();
    let audience = world.profile.adapt.assertion_aud.clone().unwrap_or(token_endpoint);
    // A client that registered itself in this scenario did so with the scenario's new key.
    let next = (args.sign_with == SignWith::Next || client.name == REGISTERED)
        .then(|| next_key(context))
        .transpose()?;
    let key = next.as_deref().unwrap_or_else(|| key_of(context, client));
    let attacker = match key.family() {
        Family::Rsa => &world.attacker.rsa,
        _ => &world.attacker.ec,
    };
    let other = || -> Result<&SigningKey, Halt> {
        let whose = if of == ClientWord::Own {
            ClientWord::OtherAsymmetric
        } else {
            of
        };
        let other = context.client_of(whose)?;
        let theirs = world
            .keys
            .get(&other.name)
            .ok_or_else(|| Halt::Skip("the profile has no other client with a key".to_owned()))?;
        if theirs.public_jwk() == key.public_jwk() {
            return Err(Halt::Skip(format!(
                "`{}` has the same key as `{}`",
                other.name, client.name
            )));
        }
        Ok(theirs)
    };
    let hmac = |form| {
        let hash = HmacHash::Sha256;
        Signing::HmacWithPublicKey { key, hash, form }
    };
    let weak = (args.sign_with == SignWith::Weak)
        .then(|| weak_key(context))
        .transpose()?;
    if matches!(args.sign_with, SignWith::EcdsaZero | SignWith::EcdsaDer) && key.family() == Family::Rsa {
        return Err(Halt::Skip(format!("the key of `{}` is no EC key", client.name)));
    }
    let how = match args.sign_with {
        SignWith::Own | SignWith::Next => Signing::With(key, key.alg()),
        SignWith::Attacker => Signing::With(attacker, attacker.alg()),
        SignWith::OtherClient => {
            let other = other()?;
            Signing::With(other, other.alg())
        }
        SignWith::None => Signing::None,
        SignWith::HmacPublicPem => hmac(PublicForm::Pem),
        SignWith::HmacPublicDer => hmac(PublicForm::Der),
        SignWith::HmacPublicJwk => hmac(PublicForm::Jwk),
        SignWith::BitFlipped => Signing::BitFlipped(key),
        SignWith::Stripped => Signing::Stripped(key),
        SignWith::OtherPayload => Signing::OtherPayload(key),
        SignWith::OtherTypeNamed => Signing::OtherTypeNamed(key),
        SignWith::Hmac384PublicPem => Signing::HmacWithPublicKey {
            key,
            hash: HmacHash::Sha384,
            form: PublicForm::Pem,
        },
        SignWith::EcdsaZero => Signing::EcdsaZero,
        SignWith::EcdsaDer => Signing::EcdsaDer(key),
        SignWith::Truncated => Signing::Truncated(key),
        SignWith::Lengthened => Signing::Lengthened(key),
        SignWith::Weak => match &weak {
            Some(weak) => Signing::Weak(weak),
            None => return Err(Halt::Error("this machine makes no key".to_owned())),
        },
    };
    let jti = world.chance.token::<16>();
    let mut made = Assertion::correct(&client.client_id, &audience, key, world.now(), &jti).announcing(how);
    if args.sign_with == SignWith::EcdsaZero {
        made = made.with_header("alg", key.alg().name());
    }
    if let Some(weak) = &weak {
        made = made.with_header("kid", weak.kid());
    }
    for (name, override_) in &args.claims {
        made = match value_of(context, name, override_, own)? {
            None => made.without_claim(name),
            Some(value) => made.with_claim(name, value),
        };
    }
    for (name, override_) in &args.header {
        made = match value_of(context, name, override_, own)? {
            None => made.without_header(name),
            Some(value) if name == "jwk" && value == "attacker" => made.with_header(name, attacker.public_jwk()),
            Some(value) => made.with_header(name, value),
        };
    }
    let spelling = Spelling {
        padded: args.padded,
        once_more: args
            .once_more
            .as_ref()
            .map(|more| once_more(context, more, own))
            .transpose()?,
    };
    made.write(how, &spelling)
        .map_err(|error| Halt::Error(format!("the client assertion cannot be signed: {error}")))
}

fn once_more(context: &Context<'_>, args: &OnceMoreArgs, own: &dyn Lookup) -> Result<OnceMore, Halt> {
    let name = context.fill(&args.name, own)?;
    let value = value_of(context, &name, &Override::One(args.value.clone()), own)?;
    Ok(OnceMore {
        in_header: args.in_header,
        name,
        value: value.unwrap_or_default(),
    })
}

/// A claim: a text, an array, or (where the text is `now+600`, `now-60`) a number.
fn value_of(context: &Context<'_>, name: &str, override_: &Override, own: &dyn Lookup) -> Result<Option<Value>, Halt> {
    Ok(match override_ {
        Override::Keep | Override::Omit => None,
        Override::One(template) => {
            let text = context.fill(template, own)?;
            let seconds = text.strip_prefix("now").and_then(|rest| rest.parse::<i64>().ok());
            Some(match seconds {
                Some(offset) => Value::from(context.world.now().as_second() + offset),
                None if name == "crit" => Value::from(vec![text]),
                None => Value::from(text),
            })
        }
        Override::Many(many) => {
            let texts = many
                .iter()
                .map(|one| context.fill(one, own))
                .collect::<Result<Vec<_>, _>>()?;
            Some(Value::from(texts))
        }
    })
}

/// Whether the client is confidential: then an exchange carries no `client_id` beside its authentication.
pub(super) fn is_confidential(client: &Client) -> bool {
    client.kind != ClientKind::Public
}
