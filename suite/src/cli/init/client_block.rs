//! Writes the tables of a profile's clients: what was registered as it is, what is missing as a gap that teaches.

use std::fmt::Write as _;

use super::answers::Answers;
use super::profile_text::{plain, quoted};
use super::register::{Done, REDIRECT_URIS, Registered, Waiting};
use crate::target::{ClientKind, SecretMethod};

/// Every kind of client, in the order in which a run would miss them.
const KINDS: [ClientKind; 4] = [
    ClientKind::Public,
    ClientKind::Symmetric,
    ClientKind::Asymmetric,
    ClientKind::Backend,
];

/// The clients of a profile.
pub(super) fn render(answers: &Answers, done: &Done, out: &mut String) {
    for kind in KINDS {
        let registered: Vec<&Registered> = done.clients.iter().filter(|client| client.kind == kind).collect();
        if !registered.is_empty() {
            for client in registered {
                table(client, out);
            }
            continue;
        }
        match answers.unclaimed(kind) {
            Some(why) => {
                let _ = writeln!(out, "\n# No {} client is needed: {}.", kind.as_str(), plain(&why));
            }
            None => gap(answers, kind, done.keys.iter().find(|key| key.kind == kind), out),
        }
    }
}

/// A client that the server registered.
fn table(client: &Registered, out: &mut String) {
    let _ = writeln!(out, "\n[clients.{}]", client.name);
    let _ = writeln!(out, "kind = {}", quoted(client.kind.as_str()));
    let _ = writeln!(out, "client_id = {}", quoted(&client.client_id));
    match (client.kind, &client.file) {
        (ClientKind::Symmetric, Some(file)) => {
            let _ = writeln!(out, "client_secret = {{ file = {} }}", quoted(file));
            let _ = writeln!(out, "auth = {}", quoted(method(client.method)));
        }
        (ClientKind::Asymmetric | ClientKind::Backend, Some(file)) => {
            let _ = writeln!(out, "key = {{ file = {} }}", quoted(file));
        }
        _ => {}
    }
    if client.kind != ClientKind::Backend {
        let uris: Vec<String> = client.redirect_uris.iter().map(|uri| quoted(uri)).collect();
        let _ = writeln!(out, "redirect_uris = [{}]", uris.join(", "));
    }
    let _ = writeln!(out, "scopes = {}", quoted(&client.scopes));
}

fn method(method: SecretMethod) -> &'static str {
    match method {
        SecretMethod::Basic => "basic",
        SecretMethod::Post => "post",
    }
}

/// A client that has to be registered by hand.
fn gap(answers: &Answers, kind: ClientKind, key: Option<&Waiting>, out: &mut String) {
    let scopes = answers.scopes(kind);
    let what = match kind {
        ClientKind::Public => "a public client, an app that keeps no secret,",
        ClientKind::Symmetric => "a confidential client that keeps a secret,",
        ClientKind::Asymmetric => "a confidential client that signs with a key (private_key_jwt),",
        ClientKind::Backend => "a backend service (grant client_credentials, private_key_jwt),",
    };
    let _ = writeln!(out, "\n# Register {what} with");
    if kind != ClientKind::Backend {
        let [first, second, loopback, query] = REDIRECT_URIS;
        let _ = writeln!(
            out,
            "#   redirect_uri {first}  (need not answer: the browser is stopped before it gets there)"
        );
        let _ = writeln!(out, "#   redirect_uri {loopback}  (where --agent manual listens)");
        let _ = writeln!(
            out,
            "#   redirect_uri {second} and {query}  (where it takes more than two)"
        );
    }
    let _ = writeln!(out, "#   scopes {}", plain(&scopes));
    if matches!(kind, ClientKind::Asymmetric | ClientKind::Backend) {
        signs(answers, key, out);
    }
    let second = if kind == ClientKind::Backend {
        "A second service lets the suite try one's assertion with the other."
    } else {
        "A second one lets the suite try one client's code with the other."
    };
    let _ = writeln!(out, "# and put its id here. {second}");
    let word = kind.as_str();
    let _ = writeln!(out, "#[clients.{word}]");
    let _ = writeln!(out, "#kind = \"{word}\"");
    let _ = writeln!(out, "#client_id = \"the-id-that-you-were-given\"");
    match kind {
        ClientKind::Public => {}
        ClientKind::Symmetric => {
            let _ = writeln!(
                out,
                "#client_secret = {{ env = \"EHR_CLIENT_SECRET\" }}  # never written down: env, file or command"
            );
            let _ = writeln!(out, "#auth = \"{}\"", method(answers.secret_method()));
        }
        ClientKind::Asymmetric | ClientKind::Backend => {
            let file = key.map_or_else(|| format!("{word}.private.jwk"), |key| key.file.clone());
            let _ = writeln!(out, "#key = {{ file = {} }}", quoted(&file));
        }
    }
    if kind != ClientKind::Backend {
        let [first, _, loopback, _] = REDIRECT_URIS;
        let _ = writeln!(out, "#redirect_uris = [\"{first}\", \"{loopback}\"]");
    }
    let _ = writeln!(out, "#scopes = {}", quoted(&scopes));
}

/// What is registered of a client that signs.
fn signs(answers: &Answers, key: Option<&Waiting>, out: &mut String) {
    if let Some(key) = key {
        let set = serde_json::json!({ "keys": [key.public] });
        let _ = writeln!(out, "#   jwks {set}");
        let _ = writeln!(
            out,
            "#   (its private half is in {}, which nobody but you should read)",
            plain(&key.file)
        );
    } else {
        let _ = writeln!(
            out,
            "#   jwks: the public half of a key for {} (`launchproof init --keys` makes one beside the profile)",
            answers.signing_alg()
        );
    }
}
