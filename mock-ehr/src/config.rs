//! Clients, users and lifetimes: from the embedded fixtures, or from a file of the user's.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::identity_provider::IdentityProvider;
use crate::keys::ClientKey;
use crate::scope::grammar::Scope;

/// All that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who can sign in.
    #[serde(default)]
    pub users: Vec<User>,
    /// The registered apps.
    #[serde(default)]
    pub clients: Vec<Client>,
    /// How long a code can be redeemed.
    #[serde(default = "default::code_lifetime")]
    pub code_lifetime_seconds: i64,
    /// How long an access token can be used; also its `expires_in`.
    #[serde(default = "default::access_token_lifetime")]
    pub access_token_lifetime_seconds: i64,
    /// How long a refresh token can be used.
    #[serde(default = "default::refresh_token_lifetime")]
    pub refresh_token_lifetime_seconds: i64,
    /// How long a `launch` value can be used.
    #[serde(default = "default::launch_lifetime")]
    pub launch_lifetime_seconds: i64,
    /// What id_tokens are signed with.
    #[serde(default)]
    pub id_token_alg: IdTokenAlg,
    /// `tenant` of every launch, if any.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Who signs users in, in place of the page of the mock.
    #[serde(default)]
    pub identity_provider: Option<IdentityProvider>,
    /// How many requests the journal keeps; 0 turns it off.
    #[serde(default = "default::journal_entries")]
    pub journal_entries: usize,
}

mod default {
    pub(super) const fn code_lifetime() -> i64 {
        60
    }
    pub(super) const fn access_token_lifetime() -> i64 {
        3600
    }
    pub(super) const fn refresh_token_lifetime() -> i64 {
        30 * 24 * 3600
    }
    pub(super) const fn launch_lifetime() -> i64 {
        300
    }
    pub(super) const fn journal_entries() -> usize {
        1000
    }
}

/// Signature algorithms of id_tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum IdTokenAlg {
    /// RSA with SHA-256, which every OpenID client can verify.
    #[default]
    RS256,
    /// ECDSA on P-256.
    ES256,
    /// ECDSA on P-384.
    ES384,
}

/// Somebody who can sign in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What is typed at the sign-in page.
    pub username: String,
    /// The password, for tests only.
    pub password: String,
    /// How pages call them.
    #[serde(default)]
    pub name: Option<String>,
    /// The FHIR resource that describes them: `Practitioner/demo`.
    pub fhir_user: String,
    /// Whose records they may open: `"all"`, or a list of Patient ids.
    pub patients: Patients,
}

/// Whose records a user may open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patients {
    /// Everybody's.
    All,
    /// Only those with these ids.
    Only(Vec<String>),
}

/// A registered app.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// How pages call it.
    pub name: String,
    /// How it authenticates.
    pub kind: ClientKind,
    /// The secret of a symmetric client, for tests only.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The methods a symmetric client may use; both, if nothing is said.
    #[serde(default = "both_secret_methods")]
    pub auth_methods: Vec<SecretMethod>,
    /// The public keys of an asymmetric client, as a JWK set.
    #[serde(default)]
    pub jwks: Option<serde_json::Value>,
    /// Test keys of the fixtures (`client_rs384`) whose public halves are registered for an asymmetric client.
    #[serde(default)]
    pub key_fixtures: Vec<String>,
    /// Where an asymmetric client publishes its keys; fetched where it registered none directly.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Where codes may be sent, compared character by character; a backend service has none.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where an EHR launch begins.
    #[serde(default)]
    pub launch_url: Option<String>,
    /// The scopes that it may be granted, separated by spaces.
    #[serde(deserialize_with = "scopes", serialize_with = "scopes_text")]
    pub scopes: Vec<Scope>,
    /// Origins of its pages, which may call the token endpoint and FHIR from a browser.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Whether its authorization requests have to be pushed (RFC 9126 §6).
    #[serde(default, rename = "require_pushed_authorization_requests")]
    pub pushed_only: bool,
    /// The keys, made ready.
    #[serde(skip)]
    pub(crate) keys: Vec<ClientKey>,
}

/// How a client authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Not at all.
    Public,
    /// With a secret.
    Symmetric,
    /// With a signed assertion.
    Asymmetric,
    /// With a signed assertion, without any user (SMART Backend Services).
    Backend,
}

/// How a secret is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretMethod {
    /// In the Authorization header.
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// In the body.
    #[serde(rename = "client_secret_post")]
    Post,
}

/// Something that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub(crate) String);

impl Config {
    /// The embedded clients and users.
    pub fn embedded() -> Arc<Self> {
        static EMBEDDED: LazyLock<Arc<Config>> = LazyLock::new(|| {
            let mut whole = Config::parse("", "embedded").expect("an empty file is a configuration");
            for file in fixtures::below("clients")
                .filter(|file| Path::new(file.path).extension().is_some_and(|kind| kind == "toml"))
            {
                let part = Config::parse(file.text, file.path).unwrap_or_else(|error| panic!("{error}"));
                whole.users.extend(part.users);
                whole.clients.extend(part.clients);
            }
            whole.tenant = Some("mock-hospital".to_owned());
            Arc::new(whole)
        });
        Arc::clone(&EMBEDDED)
    }

    /// Reads a configuration file of the user's.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            file: file.clone(),
            error: error.to_string(),
        })?;
        let mut config = Self::parse(&text, &file)?;
        if let Some(provider) = &mut config.identity_provider {
            provider.relative_to(path);
        }
        Ok(config)
    }

    /// Reads a configuration; `file` is what messages call it.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start).min(text.len());
            ConfigError::Malformed {
                file: file.to_owned(),
                line: text.get(..start).unwrap_or_default().matches('\n').count() + 1,
                message: error.message().to_owned(),
            }
        })?;
        config.prepare(file)?;
        Ok(config)
    }

    /// The client of this id.
    pub fn client(&self, client_id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }

    /// The user of this name.
    pub fn user(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username == username)
    }

    fn prepare(&mut self, file: &str) -> Result<(), ConfigError> {
        let wrong = |what: String| ConfigError::Invalid {
            file: file.to_owned(),
            what,
        };
        for (name, seconds) in [
            ("code_lifetime_seconds", self.code_lifetime_seconds),
            ("access_token_lifetime_seconds", self.access_token_lifetime_seconds),
            ("refresh_token_lifetime_seconds", self.refresh_token_lifetime_seconds),
            ("launch_lifetime_seconds", self.launch_lifetime_seconds),
        ] {
            if !(1..=366 * 24 * 3600).contains(&seconds) {
                return Err(wrong(format!(
                    "`{name}` is {seconds}; it must lie between 1 and a year"
                )));
            }
        }
        for (index, user) in self.users.iter().enumerate() {
            if self.users[..index].iter().any(|other| other.username == user.username) {
                return Err(wrong(format!("user `{}` stands there twice", user.username)));
            }
        }
        if let Some(provider) = &self.identity_provider {
            provider
                .check(&self.users)
                .map_err(|what| wrong(format!("[identity_provider] {what}")))?;
        }
        for index in 0..self.clients.len() {
            let (before, rest) = self.clients.split_at_mut(index);
            let client = &mut rest[0];
            if before.iter().any(|other| other.client_id == client.client_id) {
                return Err(wrong(format!("client `{}` stands there twice", client.client_id)));
            }
            let name = client.client_id.clone();
            client
                .prepare()
                .map_err(|what| wrong(format!("client `{name}`: {what}")))?;
        }
        Ok(())
    }
}

impl Client {
    /// Does it keep a secret or a key?
    pub fn is_confidential(&self) -> bool {
        self.kind != ClientKind::Public
    }

    pub(crate) fn prepare(&mut self) -> Result<(), String> {
        if self.client_id.is_empty()
            || !self
                .client_id
                .chars()
                .all(|char| char.is_ascii_graphic() || char == ' ')
        {
            return Err("client_id must be visible ASCII (RFC 6749 appendix A.1)".into());
        }
        if self.redirect_uris.is_empty() && self.kind != ClientKind::Backend {
            return Err("redirect_uris is empty; register at least one".into());
        }
        for uri in self.redirect_uris.iter().chain(&self.launch_url) {
            address(uri)?;
        }
        match (self.kind, self.client_secret.is_some()) {
            (ClientKind::Symmetric, false) => return Err("a symmetric client needs client_secret".into()),
            (ClientKind::Public | ClientKind::Asymmetric | ClientKind::Backend, true) => {
                return Err("client_secret is for symmetric clients only".into());
            }
            _ => {}
        }
        for name in &self.key_fixtures {
            self.keys.push(ClientKey::fixture(name)?);
        }
        if let Some(jwks) = &self.jwks {
            let keys = jwks
                .get("keys")
                .and_then(|keys| keys.as_array())
                .ok_or("jwks has no array `keys`")?;
            for jwk in keys {
                self.keys.push(ClientKey::from_jwk(jwk)?);
            }
        }
        match (self.kind, self.keys.is_empty()) {
            (ClientKind::Asymmetric | ClientKind::Backend, true) if self.jwks_uri.is_none() => {
                Err("an asymmetric client needs jwks, key_fixtures or jwks_uri".into())
            }
            (ClientKind::Public | ClientKind::Symmetric, false) => Err("keys are for asymmetric clients only".into()),
            _ => Ok(()),
        }
    }
}

/// RFC 6749 §3.1.2: an absolute URI without fragment. Only ASCII, so that it can stand in a header as it is.
pub(crate) fn address(text: &str) -> Result<(), String> {
    let parsed = url::Url::parse(text).map_err(|error| format!("`{text}` is not an absolute URI: {error}"))?;
    if parsed.fragment().is_some() {
        return Err(format!("`{text}` has a fragment (RFC 6749 §3.1.2)"));
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(format!(
            "`{text}` contains blanks or characters beyond ASCII; percent-encode them"
        ))
    }
}

impl User {
    /// May this user open that patient's record?
    pub fn may_open(&self, patient: &str) -> bool {
        match &self.patients {
            Patients::All => true,
            Patients::Only(ids) => ids.iter().any(|id| id == patient),
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("username", &self.username)
            .field("fhir_user", &self.fhir_user)
            .field("patients", &self.patients)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn both_secret_methods() -> Vec<SecretMethod> {
    vec![SecretMethod::Basic, SecretMethod::Post]
}

fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scope>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let scopes = Scope::parse_list(&text);
    match scopes.iter().find(|scope| matches!(scope, Scope::Unknown(_))) {
        Some(unknown) => Err(de::Error::custom(format!("`{}` is not a SMART scope", unknown.text()))),
        None => Ok(scopes),
    }
}

fn scopes_text<S: Serializer>(scopes: &[Scope], serializer: S) -> Result<S::Ok, S::Error> {
    let texts: Vec<_> = scopes.iter().map(Scope::text).collect();
    serializer.serialize_str(&texts.join(" "))
}

impl<'de> Deserialize<'de> for Patients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Patients;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"all\"` or a list of Patient ids")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Patients, E> {
                if text == "all" {
                    Ok(Patients::All)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Patients, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = items.next_element()? {
                    ids.push(id);
                }
                Ok(Patients::Only(ids))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Why a configuration is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {error}")]
    Unreadable {
        /// Which file.
        file: String,
        /// What the system said.
        error: String,
    },
    /// TOML, or a key or value that does not belong there.
    #[error("{file}:{line}: {message}")]
    Malformed {
        /// Which file.
        file: String,
        /// The line it stands on.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Values that do not fit each other.
    #[error("{file}: {what}")]
    Invalid {
        /// Which file.
        file: String,
        /// What is wrong, and how to mend it.
        what: String,
    },
    /// The public URL is not one.
    #[error("public URL `{was}`: {expected}")]
    PublicUrl {
        /// What was given.
        was: String,
        /// What was expected.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_configuration_has_several_clients_of_each_kind() {
        let config = Config::embedded();
        for kind in [
            ClientKind::Public,
            ClientKind::Symmetric,
            ClientKind::Asymmetric,
            ClientKind::Backend,
        ] {
            assert!(config.clients.iter().filter(|client| client.kind == kind).count() >= 2);
        }
        assert!(config.user("demo").is_some());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = Config::parse("code_lifetime_seconds = 30\n\ncolour = 'red'\n", "ehr.toml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("ehr.toml:3: "), "{text}");
        assert!(text.contains("colour"), "{text}");
    }

    #[test]
    fn a_symmetric_client_without_secret_is_refused() {
        let text = "[[clients]]\nclient_id='a'\nname='A'\nkind='symmetric'\nredirect_uris=['https://a.example/']\nscopes='openid'\n";
        let error = Config::parse(text, "ehr.toml").unwrap_err();
        assert!(error.to_string().contains("needs client_secret"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", Config::embedded());
        assert!(!shown.contains("s3cret") && !shown.contains("password"), "{shown}");
    }
}
