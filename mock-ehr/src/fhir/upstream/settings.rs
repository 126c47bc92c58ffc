//! Where the server upstream is, and what it is asked with.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use url::{Host, Url};

use crate::config::ConfigError;

/// The FHIR server that holds the data.
#[derive(Clone)]
pub struct Settings {
    /// Its FHIR base.
    pub(super) base: Url,
    /// `Authorization` of the mock's own; the app's is never sent.
    pub(super) authorization: Option<HeaderValue>,
    /// How long one answer may take.
    pub(super) patience: Duration,
    /// How long an answer is at most, in bytes.
    pub(super) longest: usize,
}

/// How long an answer is at most, where nothing else is said.
const LONGEST: usize = 16 * 1024 * 1024;

impl Settings {
    /// A server that is asked without any credential.
    pub fn new(base: &str) -> Result<Self, ConfigError> {
        let wrong = |what: &str| invalid("--fhir-upstream", &format!("`{base}` {what}"));
        let mut url = Url::parse(base).map_err(|error| wrong(&format!("is no URL: {error}")))?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
            return Err(wrong("must begin with http:// or https:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "--fhir-upstream",
                "the URL has user information; give the credential by --fhir-upstream-authorization-file or -env",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a query or a fragment; the FHIR base has neither"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self {
            base: url,
            authorization: None,
            patience: Duration::from_secs(20),
            longest: LONGEST,
        })
    }

    /// With a credential: the whole value of `Authorization`.
    pub fn authorization(mut self, value: &str) -> Result<Self, ConfigError> {
        let wrong = |what| invalid("--fhir-upstream-authorization", what);
        let value = value.trim();
        if !value
            .split_once(' ')
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.trim().is_empty())
        {
            return Err(wrong(
                "it is the whole value of the header: a scheme, a blank and the credential, such as `Bearer` and a token",
            ));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong("it holds what no header can hold"))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// How long one answer may take.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long an answer is at most, in bytes.
    #[must_use]
    pub fn longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Its base without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the credential would travel in the clear beyond this machine.
    pub(crate) fn is_open(&self) -> bool {
        self.authorization.is_some() && self.base.scheme() == "http" && !self.is_on_this_machine()
    }

    pub(super) fn is_on_this_machine(&self) -> bool {
        match self.base.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }
}

impl Settings {
    /// Whether it lies at the base or below.
    pub(super) fn holds(&self, url: &Url) -> bool {
        let base = &self.base;
        let folder = format!("{}/", base.path().trim_end_matches('/'));
        let is_inside = url.path().starts_with(&folder) || url.path() == base.path();
        is_inside && url.origin() == base.origin()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base())
            .finish_non_exhaustive()
    }
}

fn invalid(file: &str, what: &str) -> ConfigError {
    ConfigError::Invalid {
        file: file.to_owned(),
        what: what.to_owned(),
    }
}

/// Options of `serve`.
#[derive(Debug, Clone, clap::Args)]
#[group(id = "fhir_upstream_options")]
pub struct Options {
    /// Serve the data of this FHIR R4 server instead of the built-in people: its base. Scopes, compartment and launch stay
    /// the mock's; the app's token is never sent there.
    #[arg(id = "fhir_upstream", long = "fhir-upstream", value_name = "URL", conflicts_with_all = ["fhir_data", "population"])]
    base: Option<String>,
    /// A file that holds what the mock sends there as `Authorization`: `Bearer …`, `Basic …`.
    #[arg(
        id = "fhir_upstream_authorization_file",
        long = "fhir-upstream-authorization-file",
        value_name = "FILE",
        requires = "fhir_upstream"
    )]
    file: Option<PathBuf>,
    /// The environment variable that holds it.
    #[arg(
        id = "fhir_upstream_authorization_env",
        long = "fhir-upstream-authorization-env",
        value_name = "NAME",
        requires = "fhir_upstream",
        conflicts_with = "fhir_upstream_authorization_file"
    )]
    env: Option<String>,
    /// How long one answer of it may take.
    #[arg(
        id = "fhir_upstream_within",
        long = "fhir-upstream-within",
        value_name = "SECONDS",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=300),
        requires = "fhir_upstream"
    )]
    within: u64,
}

impl Options {
    /// The server, if one is named.
    pub(crate) fn settings(&self) -> Result<Option<Settings>, ConfigError> {
        let Some(base) = &self.base else { return Ok(None) };
        let settings = Settings::new(base)?.patience(Duration::from_secs(self.within));
        let credential = match (&self.file, &self.env) {
            (Some(path), _) => Some(std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
                file: path.display().to_string(),
                error: error.to_string(),
            })?),
            (None, Some(name)) => Some(std::env::var(name).map_err(|_| {
                let what = format!("the environment variable `{name}` is not set, or is no text");
                invalid("--fhir-upstream-authorization-env", &what)
            })?),
            (None, None) => None,
        };
        match credential {
            Some(credential) => settings.authorization(&credential).map(Some),
            None => Ok(Some(settings)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_base_is_taken() {
        for (given, base) in [
            ("http://127.0.0.1:8090/fhir/", "http://127.0.0.1:8090/fhir"),
            ("https://fhir.example", "https://fhir.example"),
            ("https://fhir.example/a/b", "https://fhir.example/a/b"),
        ] {
            assert_eq!(Settings::new(given).expect(given).base(), base);
        }
        for wrong in [
            "fhir.example",
            "ftp://fhir.example/",
            "https://fhir.example/?a=b",
            "https://fhir.example/#a",
        ] {
            let told = Settings::new(wrong).expect_err(wrong).to_string();
            assert!(told.contains("--fhir-upstream") && told.contains(wrong), "{told}");
        }
    }

    #[test]
    fn a_credential_is_whole_and_not_shown() {
        let told = Settings::new("https://user:hidden-1@fhir.example/")
            .unwrap_err()
            .to_string();
        assert!(!told.contains("hidden-1"), "{told}");
        let settings = Settings::new("http://fhir.example/").unwrap();
        assert!(!settings.is_open());
        let settings = settings.authorization(" Bearer hidden-2\n").unwrap();
        assert!(settings.is_open());
        assert!(!format!("{settings:?}").contains("hidden-2"));
        for wrong in ["hidden-3", "Bearer ", "", "Bearer a\u{1}b"] {
            let told = settings.clone().authorization(wrong).expect_err(wrong).to_string();
            assert!(!told.contains("hidden-3"), "{told}");
        }
    }
}
