//! Checks what a profile's file says and fetches its secrets; every fault knows its place in the text.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use indexmap::IndexMap;
use url::Url;

use super::ehr_launch::EhrLaunch;
use super::error::{ProfileError, nearest};
use super::file::{ClientFile, LimitsFile, NetworkFile, ProfileFile, SessionFile, UserFile};
use super::profile::{
    Client, ClientKind, Consent, Credentials, Endpoints, KeySource, Profile, SecretMethod, Session, User,
};
use super::secret_source::Place;
use super::sign_in::SignIn;
use super::spelled::WebUrl;
use crate::http::{Limits, Network, Secret};

/// What an app of a vendor usually asks for; used where a client's `scopes` are not given.
const DEFAULT_SCOPES: &str = "launch/patient openid fhirUser offline_access patient/*.rs";

/// Where this machine listens for what comes to `[listen] public_url`, by a proxy or a tunnel.
const DEFAULT_BIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4568);

/// Turns the file's shape into the profile; errors know their place.
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) origin: &'a str,
    pub(super) place: Place<'a>,
}

impl Reading<'_> {
    fn at(&self, span: &std::ops::Range<usize>, message: impl Into<String>) -> ProfileError {
        ProfileError::at(self.origin, self.text, span, message)
    }

    pub(super) fn profile(&self, file: ProfileFile) -> Result<Profile, ProfileError> {
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
                self.network(network.into_inner())
                    .map_err(|message| self.at(&span, message))?
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
            encounters: file.encounters,
            users,
            sign_in: SignIn {
                script: file.sign_in.script,
                deny: file.sign_in.deny,
                error: file.sign_in.error,
                origins: file
                    .sign_in
                    .origins
                    .iter()
                    .map(|url| url.url.origin().ascii_serialization())
                    .collect(),
            },
            session: session(&file.session, self.place.loopback),
            network,
            public_url: endpoint(file.listen.public_url),
            bind: file.listen.bind.unwrap_or(DEFAULT_BIND),
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
            beyond_scopes: file.beyond_scopes,
            introspection_scope: file.introspection_scope,
            jwks_uri: file.jwks_uri.map(|url| url.into_inner().url),
            pushed_only: file.require_pushed_authorization_requests,
            scopes: file.scopes.unwrap_or_else(|| scopes.to_owned()),
            origins: file
                .origins
                .iter()
                .map(|url| url.url.origin().ascii_serialization())
                .collect(),
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
            self.at(
                &span,
                format!("client {name}: a {kind} client has no `{key}`; is its kind right?"),
            )
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
        if let Some(url) = &file.jwks_uri
            && !by_key
        {
            return Err(superfluous(url.span(), "jwks_uri"));
        }
        if by_key {
            let Some(key) = &file.key else {
                let message =
                    format!("client {name}: a {kind} client needs `key = {{ file = \"….jwk\" }}`, a private JWK");
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
            patients: file.patients,
            id: file.id.unwrap_or_else(|| file.username.clone()),
            username: file.username,
        })
    }

    fn network(&self, file: NetworkFile) -> Result<Network, String> {
        let mut headers = Vec::new();
        for (name, source) in &file.headers {
            headers.push((name.clone(), self.place.header(name, source)?));
        }
        let client_cert = file
            .client_cert
            .as_ref()
            .map(|source| self.place.secret("client_cert", source))
            .transpose()?;
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
        return Err(wrong(
            "is PEM, which cannot carry the `kid` by which the server finds the public key",
        ));
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
        let known = keys
            .iter()
            .filter_map(serde_json::Value::as_object)
            .flat_map(|key| key.keys().map(String::as_str));
        let hint = if nearest("kty", known).is_some() {
            "holds only public keys (no `d`)"
        } else {
            "is not a JWK"
        };
        return Err(wrong(hint));
    };
    Ok(KeySource {
        jwk,
        others: private.collect(),
    })
}
