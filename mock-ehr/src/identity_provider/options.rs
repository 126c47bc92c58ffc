//! The identity provider on the command line of `serve`; what is rarer stands in the configuration file.

use std::path::PathBuf;

use super::settings::{IdentityProvider, preferred_username, usual_scopes};
use crate::config::{Config, ConfigError, Secret};

/// Options of `serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Sign users in at this OpenID provider instead of the mock's own page: its issuer.
    #[arg(id = "identity_provider", long = "identity-provider", value_name = "ISSUER")]
    issuer: Option<String>,
    /// What the mock is called there.
    #[arg(
        id = "identity_provider_client",
        long = "identity-provider-client",
        value_name = "ID",
        default_value = "mock-ehr",
        requires = "identity_provider"
    )]
    client_id: String,
    /// A file that holds the mock's secret there; without one it is a public client.
    #[arg(
        id = "identity_provider_secret_file",
        long = "identity-provider-secret-file",
        value_name = "FILE",
        requires = "identity_provider"
    )]
    secret_file: Option<PathBuf>,
    /// The claim that holds the user name.
    #[arg(id = "identity_provider_claim", long = "identity-provider-claim", value_name = "NAME", default_value_t = preferred_username(), requires = "identity_provider")]
    claim: String,
    /// A user here for a value of the claim there; may be given several times. With none, the value is the user name.
    #[arg(
        id = "identity_provider_user",
        long = "identity-provider-user",
        value_name = "VALUE=USER",
        requires = "identity_provider",
        value_parser = pair
    )]
    users: Vec<(String, String)>,
    /// What the mock asks for there, separated by blanks.
    #[arg(
        id = "identity_provider_scopes",
        long = "identity-provider-scopes",
        value_name = "SCOPES",
        default_value_t = usual_scopes(),
        requires = "identity_provider"
    )]
    scopes: String,
    /// A PEM file of the authorities that vouch for the provider, beside those that this machine knows.
    #[arg(
        id = "identity_provider_ca_certificate",
        long = "identity-provider-ca-certificate",
        value_name = "FILE",
        requires = "identity_provider"
    )]
    ca_certificate: Option<PathBuf>,
}

/// The value of a claim may have `=` in it; a user name has none.
fn pair(text: &str) -> Result<(String, String), String> {
    let (value, user) = text
        .rsplit_once('=')
        .ok_or("expected VALUE=USER, such as nurse@example.org=nurse")?;
    if value.is_empty() || user.is_empty() {
        return Err("expected a value before `=`, and a user name behind it".to_owned());
    }
    Ok((value.to_owned(), user.to_owned()))
}

impl Options {
    /// The configuration with the provider, if one is named; in place of the file's own.
    pub(crate) fn put_into(&self, config: &mut Config) -> Result<(), ConfigError> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        let mut provider = IdentityProvider::new(issuer, &self.client_id);
        self.claim.clone_into(&mut provider.claim);
        if let Some(path) = &self.secret_file {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
                file: path.display().to_string(),
                error: error.to_string(),
            })?;
            provider.client_secret = Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned()));
        }
        self.scopes.clone_into(&mut provider.scopes);
        provider.ca_certificate.clone_from(&self.ca_certificate);
        for (value, user) in &self.users {
            if provider.users.insert(value.clone(), user.clone()).is_some() {
                return Err(ConfigError::Invalid {
                    file: "--identity-provider-user".to_owned(),
                    what: format!("`{value}` is given twice"),
                });
            }
        }
        provider.check(&config.users).map_err(|what| ConfigError::Invalid {
            file: "--identity-provider".to_owned(),
            what,
        })?;
        config.identity_provider = Some(provider);
        Ok(())
    }
}
