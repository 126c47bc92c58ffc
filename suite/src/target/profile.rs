//! The profile as the engine uses it: checked, with its secrets fetched.

use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;
use url::Url;

use super::ehr_launch::EhrLaunch;
use super::error::{ProfileError, nearest};
use super::file::{ClientFile, LimitsFile, NetworkFile, ProfileFile, SessionFile, UserFile};
use super::secret_source::Place;
use super::sign_in::SignIn;
use super::spelled::WebUrl;
use crate::http::{Limits, Network, Secret};

/// Version of the SMART App Launch guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum SmartVersion {
    /// 1.0.0
    #[serde(rename = "1.0")]
    V1_0,
    /// 2.0.0
    #[serde(rename = "2.0")]
    V2_0,
    /// 2.1.0
    #[serde(rename = "2.1")]
    V2_1,
    /// 2.2.0
    #[serde(rename = "2.2")]
    V2_2,
}

impl SmartVersion {
    /// `2.2`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
        }
    }
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Not at all.
    Public,
    /// By a shared secret.
    Symmetric,
    /// By a signed assertion.
    Asymmetric,
    /// By a signed assertion, without a user (SMART Backend Services).
    Backend,
}

impl ClientKind {
    /// The word as profiles and reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Symmetric => "symmetric",
            Self::Asymmetric => "asymmetric",
            Self::Backend => "backend",
        }
    }
}

/// How a secret is sent (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretMethod {
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
}

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    /// The text of a private JWK; where the file held a JWKS, its first private key.
    pub jwk: Secret,
    /// The other private keys of the JWKS.
    pub others: Vec<Secret>,
}

/// What a client authenticates with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing: a public client.
    None,
    /// A shared secret.
    Secret {
        /// The secret.
        value: Secret,
        /// How it is sent.
        method: SecretMethod,
    },
    /// A private key.
    Key(KeySource),
}

/// A client that is registered at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name in the profile.
    pub name: String,
    /// Its kind.
    pub kind: ClientKind,
    /// Its id at the target.
    pub client_id: String,
    /// Its registered redirect_uris, as spelled; at least one unless it is a backend.
    pub redirect_uris: Vec<String>,
    /// Its registered launch URL.
    pub launch_url: Option<String>,
    /// What it asks for, space-separated.
    pub scopes: String,
    /// Origins from which its browser calls come (CORS).
    pub origins: Vec<String>,
    /// What it authenticates with.
    pub credentials: Credentials,
}

/// A user who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// What is typed as user name.
    pub username: String,
    /// What is typed as password; absent where the agent is a person.
    pub password: Option<Secret>,
    /// By which an EHR launch names the user; the user name where the profile gives none.
    pub id: String,
    /// Base32 secret of one-time passwords.
    pub totp: Option<Secret>,
}

/// Whether the target asks for consent each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Each time.
    Asked,
    /// Only once; a denial first revokes the grant or sends `prompt=consent`.
    Remembered,
}

/// How much a run asks of the target's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Keep a session a user rather than sign in for each walk. Default: off loopback.
    pub reuse: bool,
    /// Default: asked.
    pub consent: Consent,
    /// Sign-ins a minute at most. Default: six off loopback, no bound on it.
    pub sign_ins_per_minute: Option<u32>,
    /// Requests at the same time. Default: one off loopback, eight on it.
    pub at_once: usize,
}

/// Endpoints of a target without smart-configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Authorization endpoint.
    pub authorization_endpoint: Option<Url>,
    /// Token endpoint.
    pub token_endpoint: Option<Url>,
    /// RFC 7662
    pub introspection_endpoint: Option<Url>,
    /// RFC 7009
    pub revocation_endpoint: Option<Url>,
    /// Keys of id_tokens.
    pub jwks_uri: Option<Url>,
}

/// Deviations from the strict form of a request that this target needs in givens and controls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adapt {
    /// `client_id` in the body of a confidential client's exchange.
    pub send_client_id: bool,
    /// Further parameters of every authorization request.
    pub authorize: IndexMap<String, String>,
    /// `aud` of client assertions, where it is not the token endpoint.
    pub assertion_aud: Option<String>,
}

/// What the target claims beyond its discovery document, or does not claim in spite of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Claims {
    /// Capabilities to be judged although discovery does not list them.
    pub capabilities: Vec<String>,
    /// Capabilities not to be judged.
    pub not_claimed: Vec<String>,
}

/// A target.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name; the FHIR base where the profile gives none.
    pub name: String,
    /// The FHIR base as spelled: the `aud` of every request.
    pub fhir_base: String,
    /// The version to judge by, where the profile settles it.
    pub smart: Option<SmartVersion>,
    /// In the order of the file.
    pub clients: Vec<Client>,
    /// Name → id.
    pub patients: IndexMap<String, String>,
    /// Name → user.
    pub users: IndexMap<String, User>,
    /// How one signs in.
    pub sign_in: SignIn,
    /// How much is asked of the sign-in.
    pub session: Session,
    /// The way to it.
    pub network: Network,
    /// Where this machine can be reached from the target.
    pub public_url: Option<Url>,
    /// How an EHR launch is begun.
    pub ehr_launch: Option<EhrLaunch>,
    /// Endpoints that discovery does not give.
    pub endpoints: Endpoints,
    /// Its quirks.
    pub adapt: Adapt,
    /// What it claims.
    pub claims: Claims,
    /// Scenario id or prefix → why it may be missing from the run.
    pub accept_missing: IndexMap<String, String>,
    /// Bounds on what it sends.
    pub limits: Limits,
    /// Where its clock can be moved: `POST {"seconds": n}`.
    pub advance_url: Option<Url>,
}

const DEFAULT_SCOPES: &str = "launch/patient openid fhirUser offline_access patient/*.rs";

impl Profile {
    /// Reads a profile's file and fetches its secrets.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ProfileError::of_file(&origin, format!("cannot read this profile: {error}")))?;
        Self::parse(&text, &origin, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a profile's text; relative paths stand beside `folder`, and errors name `origin`.
    pub fn parse(text: &str, origin: &str, folder: &Path) -> Result<Self, ProfileError> {
        Self::parse_with_env(text, origin, folder, &|name| std::env::var(name).ok())
    }

    /// As [`Profile::parse`], with the environment given.
    pub fn parse_with_env(
        text: &str,
        origin: &str,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ProfileError> {
        let file: ProfileFile =
            toml::from_str(text).map_err(|error| ProfileError::of_toml(origin, text, &error))?;
        let place = Place { folder, env, loopback: is_loopback(&file.fhir_base.get_ref().url) };
        Reading { text, origin, place }.profile(file)
    }

    /// A target of which only the FHIR base is known: no clients, no users.
    pub fn for_url(fhir_base: &str) -> Result<Self, ProfileError> {
        let base = WebUrl::new(fhir_base).map_err(|message| ProfileError::of_file("FHIR base", message))?;
        let text = format!("fhir_base = {}", toml::Value::String(base.spelled));
        Self::parse_with_env(&text, "FHIR base", Path::new(""), &|_| None)
    }

    /// The clients of this kind, in the order of the file.
    pub fn clients_of(&self, kind: ClientKind) -> impl Iterator<Item = &Client> {
        self.clients.iter().filter(move |client| client.kind == kind)
    }

    /// The client of this name.
    pub fn client(&self, name: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.name == name)
    }

    /// Whether the target is on this machine.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.fhir_base).is_ok_and(|url| is_loopback(&url))
    }

    /// Origins that belong to the target as far as the profile knows: FHIR base, endpoints, sign-in.
    pub fn own_origins(&self) -> Vec<String> {
        let endpoints = &self.endpoints;
        let known = [&endpoints.authorization_endpoint, &endpoints.token_endpoint];
        let mut origins: Vec<String> = Url::parse(&self.fhir_base)
            .iter()
            .chain(known.into_iter().flatten())
            .map(|url| url.origin().ascii_serialization())
            .chain(self.sign_in.origins.iter().cloned())
            .collect();
        let mut seen = std::collections::HashSet::new();
        origins.retain(|origin| seen.insert(origin.clone()));
        origins
    }

    /// Every secret of the profile, for the vault.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let clients = self.clients.iter().flat_map(|client| match &client.credentials {
            Credentials::None => Vec::new(),
            Credentials::Secret { value, .. } => vec![value],
            Credentials::Key(key) => std::iter::once(&key.jwk).chain(&key.others).collect(),
        });
        let users = self.users.values().flat_map(|user| user.password.iter().chain(&user.totp));
        let headers = self
            .network
            .headers
            .iter()
            .chain(self.ehr_launch.iter().flat_map(EhrLaunch::headers))
            .filter(|(name, _)| super::secret_source::carries_credentials(name))
            .map(|(_, value)| value);
        clients.chain(users).chain(headers).chain(&self.network.client_cert)
    }
}

/// RFC 8252 §7.3 and RFC 6761 §6.3: addresses of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Turns the file's shape into the profile; errors know their place.
struct Reading<'a> {
    text: &'a str,
    origin: &'a str,
    place: Place<'a>,
}

impl Reading<'_> {
    fn at(&self, span: &std::ops::Range<usize>, message: impl Into<String>) -> ProfileError {
        ProfileError::at(self.origin, self.text, span, message)
    }

    fn profile(&self, file: ProfileFile) -> Result<Profile, ProfileError> {
        let fhir_base = file.fhir_base.into_inner();
        let mut clients = Vec::new();
        for (name, client) in file.clients {
            clients.push(self.client(name, client)?);
        }
        let mut users = IndexMap::new();
        for (name, user) in file.users {
            let user = self.user(&name, user)?;
            users.insert(name, user);
        }
        let network = match file.network {
            Some(network) => {
                let span = network.span();
                self.network(network.into_inner()).map_err(|message| self.at(&span, message))?
            }
            None => Network::default(),
        };
        let ehr_launch = match file.ehr_launch {
            Some(launch) => {
                let span = launch.span();
                let launch = EhrLaunch::read(launch.into_inner(), &self.place);
                Some(launch.map_err(|message| self.at(&span, message))?)
            }
            None => None,
        };
        let endpoint = |url: Option<WebUrl>| url.map(|url| url.url);
        Ok(Profile {
            name: file.name.unwrap_or_else(|| fhir_base.spelled.clone()),
            fhir_base: fhir_base.spelled.clone(),
            smart: file.smart,
            clients,
            patients: file.patients,
            users,
            sign_in: SignIn {
                script: file.sign_in.script,
                deny: file.sign_in.deny,
                error: file.sign_in.error,
                origins: file.sign_in.origins.iter().map(|url| url.url.origin().ascii_serialization()).collect(),
            },
            session: session(&file.session, self.place.loopback),
            network,
            public_url: endpoint(file.listen.public_url),
            ehr_launch,
            endpoints: Endpoints {
                authorization_endpoint: endpoint(file.endpoints.authorization_endpoint),
                token_endpoint: endpoint(file.endpoints.token_endpoint),
                introspection_endpoint: endpoint(file.endpoints.introspection_endpoint),
                revocation_endpoint: endpoint(file.endpoints.revocation_endpoint),
                jwks_uri: endpoint(file.endpoints.jwks_uri),
            },
            adapt: file.adapt,
            claims: file.claims,
            accept_missing: file.accept_missing,
            limits: limits(&file.limits),
            advance_url: endpoint(file.clock.advance_url),
        })
    }

    fn client(&self, name: String, file: toml::Spanned<ClientFile>) -> Result<Client, ProfileError> {
        let span = file.span();
        let file = file.into_inner();
        let fault = |message: &str| self.at(&span, format!("client {name}: {message}"));
        if file.client_id.is_empty() {
            return Err(fault("client_id is empty"));
        }
        if file.redirect_uris.is_empty() && file.kind != ClientKind::Backend {
            return Err(fault("redirect_uris needs at least one registered address"));
        }
        for uri in &file.redirect_uris {
            if let Err(error) = Url::parse(uri.get_ref()) {
                let message = format!("client {name}: `{}` is not an absolute URI: {error}", uri.get_ref());
                return Err(self.at(&uri.span(), message));
            }
        }
        let credentials = self.credentials(&name, &file, &span)?;
        let scopes = match file.kind {
            ClientKind::Backend => "system/*.rs",
            _ => DEFAULT_SCOPES,
        };
        Ok(Client {
            kind: file.kind,
            client_id: file.client_id,
            redirect_uris: file.redirect_uris.into_iter().map(toml::Spanned::into_inner).collect(),
            launch_url: file.launch_url.map(|url| url.spelled),
            scopes: file.scopes.unwrap_or_else(|| scopes.to_owned()),
            origins: file.origins.iter().map(|url| url.url.origin().ascii_serialization()).collect(),
            credentials,
            name,
        })
    }

    fn credentials(
        &self,
        name: &str,
        file: &ClientFile,
        span: &std::ops::Range<usize>,
    ) -> Result<Credentials, ProfileError> {
        let kind = file.kind.as_str();
        let superfluous = |span: std::ops::Range<usize>, key: &str| {
            self.at(&span, format!("client {name}: a {kind} client has no `{key}`; is its kind right?"))
        };
        let by_key = matches!(file.kind, ClientKind::Asymmetric | ClientKind::Backend);
        if let Some(secret) = &file.client_secret
            && file.kind != ClientKind::Symmetric
        {
            return Err(superfluous(secret.span(), "client_secret"));
        }
        if let Some(auth) = &file.auth
            && file.kind != ClientKind::Symmetric
        {
            return Err(superfluous(auth.span(), "auth"));
        }
        if let Some(key) = &file.key
            && !by_key
        {
            return Err(superfluous(key.span(), "key"));
        }
        if by_key {
            let Some(key) = &file.key else {
                let message = format!("client {name}: a {kind} client needs `key = {{ file = \"….jwk\" }}`, a private JWK");
                return Err(self.at(span, message));
            };
            return self
                .place
                .secret(&format!("key of client {name}"), key.get_ref())
                .and_then(|text| private_keys(name, &text))
                .map(Credentials::Key)
                .map_err(|message| self.at(&key.span(), message));
        }
        if file.kind == ClientKind::Public {
            return Ok(Credentials::None);
        }
        let Some(secret) = &file.client_secret else {
            let message = format!("client {name}: a symmetric client needs `client_secret = {{ env = \"NAME\" }}`");
            return Err(self.at(span, message));
        };
        let value = self
            .place
            .secret(&format!("client_secret of client {name}"), secret.get_ref())
            .map_err(|message| self.at(&secret.span(), message))?;
        let method = file.auth.as_ref().map_or(SecretMethod::Basic, |auth| *auth.get_ref());
        Ok(Credentials::Secret { value, method })
    }

    fn user(&self, name: &str, file: toml::Spanned<UserFile>) -> Result<User, ProfileError> {
        let file = file.into_inner();
        let fetch = |what: &str, source: Option<toml::Spanned<_>>| {
            source
                .map(|source| {
                    self.place
                        .secret(&format!("{what} of user {name}"), source.get_ref())
                        .map_err(|message| self.at(&source.span(), message))
                })
                .transpose()
        };
        Ok(User {
            password: fetch("password", file.password)?,
            totp: fetch("totp secret", file.totp)?,
            id: file.id.unwrap_or_else(|| file.username.clone()),
            username: file.username,
        })
    }

    fn network(&self, file: NetworkFile) -> Result<Network, String> {
        let mut headers = Vec::new();
        for (name, source) in &file.headers {
            headers.push((name.clone(), self.place.header(name, source)?));
        }
        let client_cert = file.client_cert.as_ref().map(|source| self.place.secret("client_cert", source)).transpose()?;
        let ca_file = file.ca_file.map(|path| self.place.folder.join(path));
        if let Some(path) = &ca_file
            && !path.is_file()
        {
            return Err(format!("ca_file {} does not exist", path.display()));
        }
        Ok(Network {
            proxy: file.proxy.map(|url| url.url),
            ca_file,
            client_cert,
            headers,
            resolve: file.resolve.into_iter().collect(),
            insecure: false,
        })
    }
}

fn session(file: &SessionFile, loopback: bool) -> Session {
    Session {
        reuse: file.reuse.unwrap_or(!loopback),
        consent: file.consent.unwrap_or(Consent::Asked),
        sign_ins_per_minute: file.sign_ins_per_minute.or((!loopback).then_some(6)),
        at_once: file.at_once.unwrap_or(if loopback { 8 } else { 1 }).max(1),
    }
}

fn limits(file: &LimitsFile) -> Limits {
    let default = Limits::default();
    Limits {
        body: file.body.unwrap_or(default.body),
        headers: file.headers.unwrap_or(default.headers),
        hops: file.hops.unwrap_or(default.hops),
        request: file.request_seconds.map_or(default.request, Duration::from_secs),
        step: file.step_seconds.map_or(default.step, Duration::from_secs),
    }
}

/// RFC 7517: a private JWK, or the private keys of a JWKS.
fn private_keys(client: &str, text: &Secret) -> Result<KeySource, String> {
    let wrong = |what: &str| format!("the key of client {client} {what}; a private JWK (RFC 7517) is needed");
    if text.expose().trim_start().starts_with("-----BEGIN") {
        return Err(wrong("is PEM, which cannot carry the `kid` by which the server finds the public key"));
    }
    let value: serde_json::Value = serde_json::from_str(text.expose()).map_err(|_| wrong("is not JSON"))?;
    let keys = match value.get("keys") {
        Some(serde_json::Value::Array(keys)) => keys.clone(),
        Some(_) => return Err(wrong("has a `keys` that is not a list")),
        None => vec![value],
    };
    let mut private = keys
        .iter()
        .filter(|key| key.get("kty").is_some() && key.get("d").is_some())
        .map(|key| Secret::new(key.to_string()));
    let Some(jwk) = private.next() else {
        let known = keys.iter().filter_map(serde_json::Value::as_object).flat_map(|key| key.keys().map(String::as_str));
        let hint = if nearest("kty", known).is_some() { "holds only public keys (no `d`)" } else { "is not a JWK" };
        return Err(wrong(hint));
    };
    Ok(KeySource { jwk, others: private.collect() })
}
