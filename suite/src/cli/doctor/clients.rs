//! The clients of the profile by kind: which the server claims and nobody registered, and the keys of those that sign.

use url::Url;

use super::super::agent::AgentKind;
use super::finding::Finding;
use crate::key_server::KeyServer;
use crate::oauth::jws::SigningKey;
use crate::scenario::needs;
use crate::step::world::{Facts, Keys};
use crate::target::{Client, ClientKind, Credentials, Profile};

const KINDS: [ClientKind; 4] = [
    ClientKind::Public,
    ClientKind::Symmetric,
    ClientKind::Asymmetric,
    ClientKind::Backend,
];

/// The keys that can be read, and what is wrong with the others.
pub(super) fn keys(profile: &Profile) -> (Keys, Vec<Finding>) {
    let mut keys = Keys::new();
    let mut findings = Vec::new();
    for client in &profile.clients {
        let Credentials::Key(source) = &client.credentials else {
            continue;
        };
        match SigningKey::from_jwk(source.jwk.expose()) {
            Ok(key) => {
                let kid = key
                    .kid()
                    .map_or_else(|| "no kid".to_owned(), |kid| format!("kid {kid}"));
                findings.push(if key.kid().is_some() {
                    Finding::ok(
                        "keys",
                        format!("{}: {} key, {}, {kid}", client.name, key.family(), key.alg()),
                    )
                } else {
                    Finding::warn(
                        "keys",
                        format!("{}: the key has no `kid`", client.name),
                        "give it one, and register its public half under the same: SMART finds keys by `kid`",
                    )
                });
                keys.insert(client.name.clone(), key);
            }
            Err(error) => findings.push(Finding::of_profile(
                "keys",
                format!("[clients.{}] key: {error}", client.name),
                "give one private JWK (RFC 7517) whose public half is registered; `launchproof init --keys` makes one",
            )),
        }
    }
    (keys, findings)
}

/// Whether the server knows what our keys sign by, and reaches where they are published.
pub(super) fn keys_fit(profile: &Profile, facts: &Facts, keys: &Keys, key_server: &KeyServer) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = facts.told("token_endpoint_auth_signing_alg_values_supported");
    if let Some(listed) = listed.and_then(serde_json::Value::as_array) {
        for (name, key) in keys {
            let alg = key.alg().name();
            if !listed.iter().any(|one| one.as_str() == Some(alg)) {
                let all: Vec<&str> = listed.iter().filter_map(serde_json::Value::as_str).collect();
                findings.push(Finding::warn(
                    "keys",
                    format!("{name} signs by {alg}, and the server lists {}", all.join(", ")),
                    "register a key for one of these, or list the algorithm where the server knows it",
                ));
            }
        }
    }
    let by_url: Vec<&Client> = profile
        .clients
        .iter()
        .filter(|client| client.jwks_uri.is_some())
        .collect();
    if !by_url.is_empty() {
        let names: Vec<&str> = by_url.iter().map(|client| client.name.as_str()).collect();
        let names = names.join(", ");
        findings.push(match key_server.problem() {
            Some(problem) => Finding::warn(
                "keys",
                format!("the keys of {names} cannot be published: {problem}"),
                "free the port, or name another address in the profile and register that one",
            ),
            None => Finding::ok("keys", format!("the keys of {names} are published while a run lasts")),
        });
    }
    findings
}

/// What is registered and what is not, kind by kind.
pub(super) fn kinds(profile: &Profile, facts: &Facts, agent: AgentKind) -> Vec<Finding> {
    let mut findings: Vec<Finding> = KINDS.into_iter().map(|kind| of_kind(profile, facts, kind)).collect();
    let loopback = |client: &Client| {
        let mut uris = client.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
        uris.any(|uri| uri.scheme() == "http" && crate::target::profile::is_loopback(&uri))
    };
    let launched: Vec<&Client> = profile
        .clients
        .iter()
        .filter(|one| one.kind != ClientKind::Backend)
        .collect();
    if agent == AgentKind::Manual && !launched.is_empty() && !launched.iter().any(|client| loopback(client)) {
        findings.push(Finding::warn(
            "clients",
            "no client has a redirect_uri on this machine, where your browser could come back to by itself",
            "register http://127.0.0.1:4567/callback besides; without it you paste the address in which each sign-in ends",
        ));
    }
    if let Some(user) = profile.users.iter().find(|(_, user)| user.password.is_none())
        && agent == AgentKind::Http
    {
        findings.push(Finding::warn(
            "clients",
            format!("user {} has no password, and the http agent types one", user.0),
            "add password = { env = \"NAME\" }, or run with --agent manual",
        ));
    }
    findings
}

fn of_kind(profile: &Profile, facts: &Facts, kind: ClientKind) -> Finding {
    let word = kind.as_str();
    let there: Vec<String> = profile
        .clients_of(kind)
        .map(|client| format!("{} ({})", client.name, client.client_id))
        .collect();
    let unclaimed = needs::unclaimed(facts, kind);
    match (there.len(), unclaimed) {
        (0, Some(why)) => Finding::ok("clients", format!("{word}: none, and none is needed: {why}")),
        (0, None) => Finding::warn(
            "clients",
            format!("{word}: none, and the server supports them"),
            how(kind),
        ),
        (_, Some(why)) => Finding::warn(
            "clients",
            format!("{word}: {}, although {why}", there.join(", ")),
            "let the server list what it supports, or take the client out of the profile",
        ),
        (1, None) => Finding::warn(
            "clients",
            format!("{word}: {}", there.join(", ")),
            format!("register a second {word} client: the suite tries what is the one's with the other"),
        ),
        (_, None) => Finding::ok("clients", format!("{word}: {}", there.join(", "))),
    }
}

/// How a client of this kind is registered.
fn how(kind: ClientKind) -> String {
    let redirect = "redirect_uri https://app.example/callback (it need not answer) or http://127.0.0.1:4567/callback";
    let name = kind.as_str();
    let (what, more) = match kind {
        ClientKind::Public => (format!("a public client with {redirect}"), ""),
        ClientKind::Symmetric => (
            format!("a confidential client with a secret and {redirect}"),
            ", client_secret = { env = \"NAME\" }",
        ),
        ClientKind::Asymmetric => (
            format!("a confidential client with the public half of a key and {redirect}"),
            ", key = { file = \"NAME.jwk\" }",
        ),
        ClientKind::Backend => (
            "a backend service (client_credentials) with the public half of a key".to_owned(),
            ", key = { file = \"NAME.jwk\" }",
        ),
    };
    format!(
        "register {what}, and put its id into the profile: [clients.{name}] kind = \"{name}\", client_id = \"…\"{more}"
    )
}
