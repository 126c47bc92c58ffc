//! What is configured of an identity provider, and which addresses it may have.
//!
//! OpenID Connect Core §3.1.2.1, OpenID Connect Discovery §3: <https://openid.net/specs/openid-connect-discovery-1_0.html>

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use url::{Host, Url};

use crate::config::{Config, ConfigError, Secret, User};
use crate::fetch::{Fetch, Outward};

/// `[identity_provider]`: who signs users in, in place of the mock's own page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// Its issuer, exactly as its openid-configuration says it.
    pub issuer: String,
    /// What the mock is called there.
    pub client_id: String,
    /// The mock's secret there; without one it is a public client.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The claim that says which user it is.
    #[serde(default = "preferred_username")]
    pub claim: String,
    /// What is asked for, separated by spaces.
    #[serde(default = "usual_scopes")]
    pub scopes: String,
    /// User names by value of the claim; without this table the value is the user name.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
    /// A PEM file of the authorities that vouch for the provider beside those that the machine knows.
    #[serde(default)]
    pub ca_certificate: Option<PathBuf>,
}

/// The claim that most providers fill with what is typed at sign-in.
pub(crate) fn preferred_username() -> String {
    "preferred_username".to_owned()
}

/// What tells of the user.
pub(crate) fn usual_scopes() -> String {
    "openid profile email".to_owned()
}

impl IdentityProvider {
    /// A public client's, with everything else as usual.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret: None,
            claim: preferred_username(),
            scopes: usual_scopes(),
            users: BTreeMap::new(),
            ca_certificate: None,
        }
    }

    /// Whether it can be used with these users.
    pub(crate) fn check(&self, users: &[User]) -> Result<(), String> {
        let issuer = address(&self.issuer).map_err(|what| format!("issuer: {what}"))?;
        if issuer.query().is_some() {
            return Err("issuer: it has a query (OpenID Connect Discovery §3)".to_owned());
        }
        if self.client_id.is_empty() {
            return Err("client_id is empty".to_owned());
        }
        if self.claim.is_empty() {
            return Err("claim is empty; `preferred_username`, `email` or `sub` are usual".to_owned());
        }
        if !self.scopes.split(' ').any(|scope| scope == "openid") {
            return Err("scopes must contain `openid` (OpenID Connect Core §3.1.2.1)".to_owned());
        }
        for (value, username) in &self.users {
            if !users.iter().any(|user| user.username == *username) {
                return Err(format!("users: `{value}` stands for `{username}`, who is no user here"));
            }
        }
        Ok(())
    }

    /// Relative paths start at the file that names them.
    pub(crate) fn relative_to(&mut self, file: &Path) {
        if let (Some(path), Some(folder)) = (&mut self.ca_certificate, file.parent()) {
            *path = folder.join(&*path);
        }
    }

    /// How it is asked.
    pub(crate) fn way(&self) -> Result<Arc<dyn Fetch>, ConfigError> {
        let directly = Url::parse(&self.issuer).is_ok_and(|issuer| is_on_this_machine(&issuer));
        let authorities = self.ca_certificate.as_deref().map(|path| {
            let wrong = |error: String| ConfigError::Unreadable {
                file: path.display().to_string(),
                error,
            };
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            Outward::new(Some(&pem), directly).map_err(wrong)
        });
        let way = match authorities {
            Some(way) => way?,
            None => Outward::new(None, directly).map_err(|error| ConfigError::Invalid {
                file: "[identity_provider]".to_owned(),
                what: error,
            })?,
        };
        Ok(Arc::new(way))
    }

    /// Which user it is, by the value of the claim.
    pub(crate) fn user<'c>(&self, config: &'c Config, value: &str) -> Option<&'c User> {
        if self.users.is_empty() {
            return config.user(value);
        }
        config.user(self.users.get(value)?)
    }
}

/// An address that a provider may have: TLS vouches for everything that it says, so there is none without it, except on
/// this machine.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is no URL: {error}"))?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` has a fragment or user information"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_on_this_machine(&url) => Ok(url),
        _ => Err(format!(
            "`{text}` must begin with https://, unless it is on this machine"
        )),
    }
}

fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(alter: impl FnOnce(&mut IdentityProvider)) -> Result<(), String> {
        let mut settings = IdentityProvider::new("https://sso.example/realms/a", "mock");
        alter(&mut settings);
        settings.check(&Config::embedded().users)
    }

    #[test]
    fn what_cannot_work_is_refused_at_the_start() {
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|s| s.issuer = "http://localhost:9000".to_owned()), Ok(()));
        for (issuer, words) in [
            ("http://sso.example", "https://"),
            ("http://localhost.example", "https://"),
            ("sso.example", "no URL"),
            ("https://sso.example/?a=b", "query"),
            ("https://me@sso.example/", "user information"),
        ] {
            let error = check(|s| issuer.clone_into(&mut s.issuer)).unwrap_err();
            assert!(error.contains(words), "{issuer}: {error}");
        }
        assert!(
            check(|s| s.scopes = "profile".to_owned())
                .unwrap_err()
                .contains("openid")
        );
        let unknown = check(|s| {
            s.users.insert("carol@example.org".to_owned(), "carol".to_owned());
        });
        assert!(unknown.unwrap_err().contains("`carol`, who is no user"));
    }

    #[test]
    fn a_value_stands_for_a_user_by_the_table_alone_where_there_is_one() {
        let config = Config::embedded();
        let mut settings = IdentityProvider::new("https://sso.example", "mock");
        let name = |settings: &IdentityProvider, value| settings.user(&config, value).map(|user| user.username.clone());
        assert_eq!(name(&settings, "demo").as_deref(), Some("demo"));
        settings.users.insert("f:1:x".to_owned(), "demo".to_owned());
        assert_eq!(name(&settings, "f:1:x").as_deref(), Some("demo"));
        assert_eq!(name(&settings, "demo"), None);
    }
}
