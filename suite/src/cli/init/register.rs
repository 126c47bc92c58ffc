//! Registers the clients that a run needs, two of a kind so that one can try what is the other's.
//!
//! RFC 7591 §3: <https://www.rfc-editor.org/rfc/rfc7591#section-3>

use std::path::PathBuf;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use url::Url;

use super::super::Failure;
use super::answers::Answers;
use super::files::Beside;
use super::key_pair::KeyPair;
use crate::http::{Request, RequestBody, Secret};
use crate::step::World;
use crate::target::{ClientKind, SecretMethod};

/// Where answers are sent: none of them needs to answer, and the last two are for scenarios about such addresses.
pub(super) const REDIRECT_URIS: [&str; 4] = [
    "https://app.example/callback",
    "https://app.example/callback2",
    "http://127.0.0.1:4567/callback",
    "https://app.example/callback?tenant=7",
];

/// Two of each, so that one client's code can be tried with the other.
const CLIENTS: [(&str, ClientKind); 8] = [
    ("public", ClientKind::Public),
    ("public_2", ClientKind::Public),
    ("symmetric", ClientKind::Symmetric),
    ("symmetric_2", ClientKind::Symmetric),
    ("asymmetric", ClientKind::Asymmetric),
    ("asymmetric_2", ClientKind::Asymmetric),
    ("backend", ClientKind::Backend),
    ("backend_2", ClientKind::Backend),
];

/// A client that the server registered.
pub(super) struct Registered {
    /// Its name in the profile.
    pub(super) name: &'static str,
    pub(super) kind: ClientKind,
    pub(super) client_id: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) scopes: String,
    pub(super) method: SecretMethod,
    /// File of its secret or its key, beside the profile.
    pub(super) file: Option<String>,
}

/// A key that waits for its registration by hand.
pub(super) struct Waiting {
    pub(super) kind: ClientKind,
    /// File of the private half, beside the profile.
    pub(super) file: String,
    /// The public half, as it is registered.
    pub(super) public: Value,
}

/// What was done.
#[derive(Default)]
pub(super) struct Done {
    pub(super) clients: Vec<Registered>,
    pub(super) keys: Vec<Waiting>,
    /// Files with secrets that were written.
    pub(super) files: Vec<PathBuf>,
    /// What was asked for and did not come about, a sentence each.
    pub(super) failures: Vec<String>,
    /// Somebody wanted an end before all were registered.
    pub(super) interrupted: bool,
}

/// What speaks for one registration.
struct Wish<'a> {
    name: &'static str,
    kind: ClientKind,
    endpoint: &'a Url,
    token: Option<&'a Secret>,
}

/// Registers a client of every kind that the server claims.
pub(super) async fn all(
    world: &World,
    answers: &Answers,
    beside: &Beside,
    token: Option<&Secret>,
    cancel: &watch::Receiver<bool>,
) -> Result<Done, Failure> {
    let mut done = Done::default();
    let Some(endpoint) = answers.registration_endpoint() else {
        done.failures.push(
            "no client was registered: the server lists no registration_endpoint; the profile says what to register by \
             hand"
                .to_owned(),
        );
        return Ok(done);
    };
    let claimed = CLIENTS
        .into_iter()
        .filter(|(_, kind)| answers.unclaimed(*kind).is_none());
    let wishes: Vec<Wish<'_>> = claimed
        .map(|(name, kind)| Wish {
            name,
            kind,
            endpoint: &endpoint,
            token,
        })
        .collect();
    free(beside, wishes.iter().map(|wish| (wish.name, wish.kind)))?;
    for wish in &wishes {
        if *cancel.borrow() {
            done.interrupted = true;
            break;
        }
        // Whoever is registered already stands in a profile, whatever goes wrong with the others.
        match one(world, answers, beside, wish, &mut done).await {
            Ok(Ok(client)) => done.clients.push(client),
            Ok(Err(why)) => done.failures.push(format!(
                "no {} client was registered as `{}`: {why}",
                wish.kind.as_str(),
                wish.name
            )),
            Err(failure) => {
                done.failures
                    .push(format!("registering stopped at `{}`: {}", wish.name, failure.message));
                break;
            }
        }
    }
    Ok(done)
}

/// Makes keys for clients that sign, and registers nobody.
pub(super) fn keys_alone(world: &World, answers: &Answers, beside: &Beside) -> Result<Done, Failure> {
    let mut done = Done::default();
    let signing = [("asymmetric", ClientKind::Asymmetric), ("backend", ClientKind::Backend)];
    let wanted: Vec<_> = signing
        .into_iter()
        .filter(|(_, kind)| answers.unclaimed(*kind).is_none())
        .collect();
    free(beside, wanted.iter().copied())?;
    for (name, kind) in wanted {
        let key = generate(world, answers)?;
        let file = beside.name(name, ending(kind));
        done.files.push(beside.keep(&file, &key.private)?);
        done.keys.push(Waiting {
            kind,
            file,
            public: key.public,
        });
    }
    Ok(done)
}

fn ending(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Asymmetric | ClientKind::Backend => "private.jwk",
        ClientKind::Public | ClientKind::Symmetric => "secret",
    }
}

/// Nothing is registered whose secret could not be kept.
fn free(beside: &Beside, names: impl Iterator<Item = (&'static str, ClientKind)>) -> Result<(), Failure> {
    for (name, kind) in names {
        for ending in [ending(kind), "registration"] {
            if let Some(path) = beside.is_taken(&beside.name(name, ending)) {
                return Err(Failure::usage(format!(
                    "{} is there already; choose another name with --out, or overwrite it with --force",
                    path.display()
                )));
            }
        }
    }
    Ok(())
}

fn generate(world: &World, answers: &Answers) -> Result<KeyPair, Failure> {
    let kid = format!("launchproof-{}", world.chance.token::<9>());
    KeyPair::generate(answers.signing_alg(), &kid)
        .ok_or_else(|| Failure::internal("this machine makes no key of the algorithm that the server asks for"))
}

/// One registration; where the server refuses addresses on this machine, once more without them.
async fn one(
    world: &World,
    answers: &Answers,
    beside: &Beside,
    wish: &Wish<'_>,
    done: &mut Done,
) -> Result<Result<Registered, String>, Failure> {
    let by_key = matches!(wish.kind, ClientKind::Asymmetric | ClientKind::Backend);
    let key = if by_key { Some(generate(world, answers)?) } else { None };
    let mut redirect_uris: Vec<&str> = match wish.kind {
        ClientKind::Backend => Vec::new(),
        _ => REDIRECT_URIS.to_vec(),
    };
    let mut answer = ask(world, wish, metadata(answers, wish.kind, &redirect_uris, key.as_ref())).await;
    if answer.as_ref().is_err_and(|(status, _)| *status == 400) && !redirect_uris.is_empty() {
        redirect_uris.retain(|uri| uri.starts_with("https:") && !uri.contains('?'));
        answer = ask(world, wish, metadata(answers, wish.kind, &redirect_uris, key.as_ref())).await;
    }
    let told = match answer {
        Ok(told) => told,
        Err((_, why)) => return Ok(Err(why)),
    };
    let text = |name: &str| told[name].as_str().filter(|text| !text.contains(char::is_control));
    let Some(client_id) = text("client_id").filter(|id| !id.is_empty()) else {
        return Ok(Err("the answer has no client_id, or an empty one".to_owned()));
    };
    keep_management(beside, wish, &told, done)?;
    let secret = match (wish.kind, text("client_secret"), key) {
        (ClientKind::Symmetric, Some(secret), _) => Some(Secret::new(secret.to_owned())),
        (ClientKind::Symmetric, None, _) => return Ok(Err("the answer has no client_secret".to_owned())),
        (_, _, key) => key.map(|key| key.private),
    };
    let mut file = None;
    if let Some(secret) = secret {
        let name = beside.name(wish.name, ending(wish.kind));
        done.files.push(beside.keep(&name, &secret)?);
        file = Some(name);
    }
    Ok(Ok(Registered {
        name: wish.name,
        kind: wish.kind,
        client_id: client_id.to_owned(),
        redirect_uris: redirect_uris.into_iter().map(str::to_owned).collect(),
        scopes: text("scope").map_or_else(|| answers.scopes(wish.kind), str::to_owned),
        method: match text("token_endpoint_auth_method") {
            Some("client_secret_post") => SecretMethod::Post,
            Some(_) => SecretMethod::Basic,
            None => answers.secret_method(),
        },
        file,
    }))
}

/// RFC 7592 §3: by what the client can be removed again.
fn keep_management(beside: &Beside, wish: &Wish<'_>, told: &Value, done: &mut Done) -> Result<(), Failure> {
    let members = ["client_id", "registration_client_uri", "registration_access_token"];
    if members.iter().any(|name| !told[*name].is_string()) {
        return Ok(());
    }
    let kept: Map<String, Value> = members
        .into_iter()
        .map(|name| (name.to_owned(), told[name].clone()))
        .collect();
    let name = beside.name(wish.name, "registration");
    let text = Secret::new(format!("{}\n", Value::Object(kept)));
    done.files.push(beside.keep(&name, &text)?);
    Ok(())
}

fn metadata(answers: &Answers, kind: ClientKind, redirect_uris: &[&str], key: Option<&KeyPair>) -> Value {
    let method = match kind {
        ClientKind::Public => "none",
        ClientKind::Symmetric if answers.secret_method() == SecretMethod::Post => "client_secret_post",
        ClientKind::Symmetric => "client_secret_basic",
        ClientKind::Asymmetric | ClientKind::Backend => "private_key_jwt",
    };
    let mut members = json!({
        "client_name": format!("launchproof ({})", kind.as_str()),
        "token_endpoint_auth_method": method,
        "scope": answers.scopes(kind),
    });
    if kind == ClientKind::Backend {
        members["grant_types"] = json!(["client_credentials"]);
        members["response_types"] = json!([]);
    } else {
        members["redirect_uris"] = json!(redirect_uris);
        members["grant_types"] = json!(["authorization_code", "refresh_token"]);
        members["response_types"] = json!(["code"]);
    }
    if let Some(key) = key {
        members["jwks"] = json!({ "keys": [key.public] });
        members["token_endpoint_auth_signing_alg"] = key.alg.name().into();
    }
    members
}

/// What the server tells of the new client, or the status (0 where none came) and why not.
async fn ask(world: &World, wish: &Wish<'_>, metadata: Value) -> Result<Value, (u16, String)> {
    let mut request = Request::form(wish.endpoint.clone(), Vec::new());
    request.body = RequestBody::Raw {
        content_type: "application/json".to_owned(),
        bytes: Bytes::from(metadata.to_string()),
    };
    request.header(ACCEPT, "application/json");
    if let Some(token) = wish.token
        && !request.header(AUTHORIZATION, &format!("Bearer {}", token.expose()))
    {
        return Err((
            0,
            "the initial access token has characters that no header carries".to_owned(),
        ));
    }
    let (_, outcome) = world.send("register", request).await;
    let answer = outcome.map_err(|failure| (0, failure.to_string()))?;
    let json = answer.json().unwrap_or(Value::Null);
    match answer.status {
        // RFC 7591 §3.2.1 has 201; some answer 200.
        200 | 201 if json.is_object() => Ok(json),
        200 | 201 => Err((answer.status, "the answer is no JSON object".to_owned())),
        401 | 403 => Err((
            answer.status,
            "the registration_endpoint wants an initial access token; give it with --registration-token NAME"
                .to_owned(),
        )),
        status => {
            let said = ["error", "error_description"].map(|name| json[name].as_str().unwrap_or_default());
            let said = super::profile_text::plain(said.join(" ").trim());
            Err((
                status,
                format!("the server answered {status} {said}").trim_end().to_owned(),
            ))
        }
    }
}
