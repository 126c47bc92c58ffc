//! The profile as the engine uses it: checked, with its secrets fetched.

use std::net::SocketAddr;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use url::Url;

use super::ehr_launch::EhrLaunch;
use super::error::ProfileError;
use super::file::ProfileFile;
use super::reading::Reading;
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
    /// What it is not registered for, although the target has it.
    pub beyond_scopes: Option<String>,
    /// The scope by which its access tokens open the introspection endpoint.
    pub introspection_scope: Option<String>,
    /// Where the target fetches its keys; launchproof answers there.
    pub jwks_uri: Option<Url>,
    /// Whether the target takes this client's authorization requests only where they are pushed.
    pub pushed_only: bool,
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
    /// Keys in `[patients]` of those that the user may pick; empty where the profile does not say.
    pub patients: Vec<String>,
}

/// Whether the target asks for consent each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Each time.
    Asked,
    /// Only once; a denial first revokes the grant or sends `prompt=consent`.
    Remembered,
    /// Never: whoever signs in has agreed, and nobody can deny.
    Never,
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
    /// Ids of encounters that an EHR launch can have open, by the keys of their patients.
    pub encounters: IndexMap<String, String>,
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
    /// Where this machine listens for what comes to `public_url`.
    pub bind: SocketAddr,
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
        let file: ProfileFile = toml::from_str(text).map_err(|error| ProfileError::of_toml(origin, text, &error))?;
        let place = Place {
            folder,
            env,
            loopback: is_loopback(&file.fhir_base.get_ref().url),
        };
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

    /// Where to listen for what is asked at this address, or the line to add.
    pub fn listening_at(&self, url: &Url) -> Result<SocketAddr, String> {
        if is_loopback(url) {
            let port = url.port_or_known_default().unwrap_or(80);
            return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
        }
        match &self.public_url {
            Some(public) if public.origin() == url.origin() => Ok(self.bind),
            _ => Err(format!(
                "the target fetches keys from {url}; add to the profile where it comes out on this machine: [listen] \
                 public_url = \"{}\", bind = \"{}\"",
                url.origin().ascii_serialization(),
                self.bind
            )),
        }
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
        let users = self
            .users
            .values()
            .flat_map(|user| user.password.iter().chain(&user.totp));
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
