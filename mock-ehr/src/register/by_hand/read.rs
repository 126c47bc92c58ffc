//! Reads a client from JSON, with the members of `[[clients]]` in the configuration; what is wrong is told by its member.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::config::{Client, ClientKind, Secret, SecretMethod, address};
use crate::defect::nearest;
use crate::keys::ClientKey;
use crate::launch::check_typed;
use crate::register::{SCOPES, SYSTEM_SCOPES};
use crate::scope::grammar::Scope;
use crate::state::AppState;

/// What cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The member, with a number in brackets for one of several.
    pub(super) field: String,
    pub(super) what: String,
}

type Read<T> = Result<T, Wrong>;

const MEMBERS: [&str; 13] = [
    "client_id",
    "name",
    "kind",
    "client_secret",
    "auth_methods",
    "jwks",
    "key_fixtures",
    "jwks_uri",
    "redirect_uris",
    "launch_url",
    "scopes",
    "origins",
    "require_pushed_authorization_requests",
];

/// A client, before it is known how it fits the others.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
    name: Option<String>,
    kind: ClientKind,
    auth_methods: Option<Vec<SecretMethod>>,
    jwks: Option<Value>,
    key_fixtures: Vec<String>,
    jwks_uri: Option<String>,
    redirect_uris: Vec<String>,
    launch_url: Option<String>,
    scopes: Option<Vec<Scope>>,
    origins: Option<Vec<String>>,
    pushed_only: bool,
}

pub(super) fn asked(body: &Value) -> Read<Asked> {
    let Value::Object(members) = body else {
        return wrong(
            "(body)",
            "expected an object such as {\"kind\": \"public\", \"redirect_uris\": [\"http://localhost:3000/\"]}",
        );
    };
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let nearest = nearest(name, MEMBERS.into_iter());
        return wrong(name, format!("there is no such member; the nearest name is {nearest}"));
    }
    let kind = member(members, "kind", "public, symmetric, asymmetric or backend")?.unwrap_or(ClientKind::Public);
    Ok(Asked {
        client_id: client_id(members)?,
        client_secret: secret(members, kind)?,
        name: member(members, "name", "a text")?,
        kind,
        auth_methods: auth_methods(members, kind)?,
        jwks: jwks(members, kind)?,
        key_fixtures: key_fixtures(members, kind)?,
        jwks_uri: jwks_uri(members, kind)?,
        redirect_uris: redirect_uris(members, kind)?,
        launch_url: launch_url(members)?,
        scopes: scopes(members)?,
        origins: origins(members)?,
        pushed_only: member(members, "require_pushed_authorization_requests", "true or false")?.unwrap_or_default(),
    })
}

impl Asked {
    /// The client of this id; the secret that it has, or a new one, where none is given.
    pub(super) fn client(&self, app: &AppState, id: &str, known: Option<&Secret>) -> Read<Client> {
        let is_symmetric = self.kind == ClientKind::Symmetric;
        let secret = is_symmetric.then(|| {
            let given = self.client_secret.as_ref().or(known).cloned();
            given.unwrap_or_else(|| Secret(app.chance().token::<24>()))
        });
        let usual = if self.kind == ClientKind::Backend {
            SYSTEM_SCOPES
        } else {
            SCOPES
        };
        let mut client = Client {
            client_id: id.to_owned(),
            name: self.name.clone().unwrap_or_else(|| id.to_owned()),
            kind: self.kind,
            client_secret: secret,
            auth_methods: self
                .auth_methods
                .clone()
                .unwrap_or_else(|| vec![SecretMethod::Basic, SecretMethod::Post]),
            jwks: self.jwks.clone(),
            key_fixtures: self.key_fixtures.clone(),
            jwks_uri: self.jwks_uri.clone(),
            redirect_uris: self.redirect_uris.clone(),
            launch_url: self.launch_url.clone(),
            scopes: self.scopes.clone().unwrap_or_else(|| Scope::parse_list(usual)),
            origins: self.origins.clone().unwrap_or_else(|| self.own_origins()),
            pushed_only: self.pushed_only,
            keys: Vec::new(),
        };
        client.prepare().or_else(|what| wrong("(body)", what))?;
        Ok(client)
    }

    /// A public app may run in the browser; its pages are where its codes go.
    fn own_origins(&self) -> Vec<String> {
        let parsed = self.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
        let of_web = parsed.filter(|url| self.kind == ClientKind::Public && is_web(url));
        let mut origins = Vec::new();
        for origin in of_web.map(|url| url.origin().ascii_serialization()) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins
    }
}

fn client_id(members: &Map<String, Value>) -> Read<Option<String>> {
    let id: Option<String> = member(members, "client_id", "a text")?;
    let is_visible = |id: &String| !id.is_empty() && id.chars().all(|char| char.is_ascii_graphic());
    match id {
        Some(id) if !is_visible(&id) => wrong(
            "client_id",
            format!("expected visible ASCII without blanks, found {id:?}"),
        ),
        id => Ok(id),
    }
}

fn secret(members: &Map<String, Value>, kind: ClientKind) -> Read<Option<Secret>> {
    only_for(members, "client_secret", kind == ClientKind::Symmetric, "symmetric")?;
    match members.get("client_secret") {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(Secret(text.clone()))),
        // What was sent is not repeated.
        Some(_) => wrong(
            "client_secret",
            "expected a text that is not empty; left out, one is made",
        ),
    }
}

fn auth_methods(members: &Map<String, Value>, kind: ClientKind) -> Read<Option<Vec<SecretMethod>>> {
    only_for(members, "auth_methods", kind == ClientKind::Symmetric, "symmetric")?;
    let expected = "an array of client_secret_basic and client_secret_post";
    match member::<Vec<SecretMethod>>(members, "auth_methods", expected)? {
        Some(methods) if methods.is_empty() => wrong("auth_methods", format!("expected {expected}, found none")),
        methods => {
            once("auth_methods", methods.as_deref().unwrap_or_default())?;
            Ok(methods)
        }
    }
}

const fn has_keys(kind: ClientKind) -> bool {
    matches!(kind, ClientKind::Asymmetric | ClientKind::Backend)
}

fn jwks(members: &Map<String, Value>, kind: ClientKind) -> Read<Option<Value>> {
    only_for(members, "jwks", has_keys(kind), "asymmetric and backend")?;
    let given = ["jwks", "jwks_uri", "key_fixtures"];
    if has_keys(kind) && !given.iter().any(|name| members.contains_key(*name)) {
        return wrong("jwks", "an asymmetric client needs jwks, jwks_uri or key_fixtures");
    }
    let Some(jwks) = members.get("jwks") else {
        return Ok(None);
    };
    let Some(keys) = jwks.get("keys").and_then(Value::as_array) else {
        return wrong("jwks", "expected a JWK set: an object with an array `keys`");
    };
    if keys.is_empty() {
        return wrong("jwks.keys", "expected at least one key, found none");
    }
    for (index, key) in keys.iter().enumerate() {
        ClientKey::from_jwk(key).or_else(|what| wrong(&format!("jwks.keys[{index}]"), what))?;
    }
    Ok(Some(jwks.clone()))
}

fn key_fixtures(members: &Map<String, Value>, kind: ClientKind) -> Read<Vec<String>> {
    only_for(members, "key_fixtures", has_keys(kind), "asymmetric and backend")?;
    let names: Vec<String> = member(members, "key_fixtures", "an array of names of test keys")?.unwrap_or_default();
    for (index, name) in names.iter().enumerate() {
        ClientKey::fixture(name).or_else(|what| wrong(&format!("key_fixtures[{index}]"), what))?;
    }
    once("key_fixtures", &names)?;
    Ok(names)
}

fn jwks_uri(members: &Map<String, Value>, kind: ClientKind) -> Read<Option<String>> {
    only_for(members, "jwks_uri", has_keys(kind), "asymmetric and backend")?;
    let uri: Option<String> = member(members, "jwks_uri", "a text")?;
    match uri {
        Some(uri) if !Url::parse(&uri).is_ok_and(|url| is_web(&url)) => {
            wrong("jwks_uri", format!("expected an http or https URL, found {uri:?}"))
        }
        uri => Ok(uri),
    }
}

fn redirect_uris(members: &Map<String, Value>, kind: ClientKind) -> Read<Vec<String>> {
    let uris: Vec<String> = member(members, "redirect_uris", "an array of texts")?.unwrap_or_default();
    if uris.is_empty() && kind != ClientKind::Backend {
        return wrong(
            "redirect_uris",
            "expected at least one address to which codes may be sent",
        );
    }
    for (index, uri) in uris.iter().enumerate() {
        address(uri)
            .and_then(|()| leads_to_app(uri))
            .or_else(|what| wrong(&format!("redirect_uris[{index}]"), what))?;
    }
    once("redirect_uris", &uris)?;
    Ok(uris)
}

/// Private schemes of native apps do; what a browser would run or show as it stands does not.
fn leads_to_app(uri: &str) -> Result<(), String> {
    let scheme = Url::parse(uri).map(|url| url.scheme().to_owned()).unwrap_or_default();
    if ["javascript", "data", "vbscript"].contains(&scheme.as_str()) {
        return Err(format!("no app is reached by a {scheme} URI, found {uri:?}"));
    }
    Ok(())
}

fn launch_url(members: &Map<String, Value>) -> Read<Option<String>> {
    let url: Option<String> = member(members, "launch_url", "a text")?;
    match url.as_deref().map(check_typed) {
        Some(Err(expected)) => wrong("launch_url", format!("{expected}, found {:?}", url.unwrap_or_default())),
        _ => Ok(url),
    }
}

fn scopes(members: &Map<String, Value>) -> Read<Option<Vec<Scope>>> {
    let Some(text) = member::<String>(members, "scopes", "a text, with blanks between scopes")? else {
        return Ok(None);
    };
    let scopes = Scope::parse_list(&text);
    match scopes.iter().find(|scope| matches!(scope, Scope::Unknown(_))) {
        Some(unknown) => wrong("scopes", format!("{} is not a SMART scope", unknown.text())),
        None if scopes.is_empty() => wrong("scopes", "expected at least one; left out, the usual ones are given"),
        None => Ok(Some(scopes)),
    }
}

fn origins(members: &Map<String, Value>) -> Read<Option<Vec<String>>> {
    let origins: Option<Vec<String>> = member(members, "origins", "an array of texts")?;
    for (index, origin) in origins.iter().flatten().enumerate() {
        let parsed = Url::parse(origin).ok().filter(is_web);
        if parsed.is_none_or(|url| url.origin().ascii_serialization() != *origin) {
            let expected = "expected scheme, host and port alone, such as http://localhost:3000";
            return wrong(&format!("origins[{index}]"), format!("{expected}, found {origin:?}"));
        }
    }
    once("origins", origins.as_deref().unwrap_or_default())?;
    Ok(origins)
}

/// Does every value stand there once?
fn once<T: PartialEq>(field: &str, values: &[T]) -> Read<()> {
    let again = values.iter().enumerate().find_map(|(index, value)| {
        let first = values[..index].iter().position(|before| before == value)?;
        Some((index, first))
    });
    match again {
        Some((index, first)) => wrong(&format!("{field}[{index}]"), format!("repeats {field}[{first}]")),
        None => Ok(()),
    }
}

fn is_web(url: &Url) -> bool {
    ["http", "https"].contains(&url.scheme()) && url.has_host()
}

fn only_for(members: &Map<String, Value>, name: &str, is_for: bool, kinds: &str) -> Read<()> {
    if !is_for && members.contains_key(name) {
        return wrong(name, format!("goes with kind {kinds} only"));
    }
    Ok(())
}

fn member<T: DeserializeOwned>(members: &Map<String, Value>, name: &str, expected: &str) -> Read<Option<T>> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    match serde_json::from_value(value.clone()) {
        Ok(read) => Ok(Some(read)),
        Err(_) => wrong(name, format!("expected {expected}, found {value}")),
    }
}

fn wrong<T>(field: &str, what: impl Into<String>) -> Read<T> {
    Err(Wrong {
        field: field.to_owned(),
        what: what.into(),
    })
}
