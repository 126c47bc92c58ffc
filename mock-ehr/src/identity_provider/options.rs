//! The identity provider on the command line of `serve`; what is rarer stands in the configuration file.

use std::path::PathBuf;

use super::settings::{IdentityProvider, preferred_username};
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
        provider.check(&config.users).map_err(|what| ConfigError::Invalid {
            file: "--identity-provider".to_owned(),
            what,
        })?;
        config.identity_provider = Some(provider);
        Ok(())
    }
}
