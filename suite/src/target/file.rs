//! The shape of a profile's TOML, one struct a table, unknown keys refused.

use std::net::SocketAddr;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

use super::profile::{Adapt, Claims, Consent, SecretMethod, SmartVersion};
use super::sign_in::{On, Rule};
use super::spelled::{HeaderSource, SecretSource, WebUrl};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile {
    pub(super) name: Option<String>,
    pub(super) fhir_base: Spanned<WebUrl>,
    pub(super) smart: Option<SmartVersion>,
    #[serde(default)]
    pub(super) clients: IndexMap<String, Spanned<ClientFile>>,
    #[serde(default)]
    pub(super) patients: IndexMap<String, String>,
    #[serde(default)]
    pub(super) encounters: IndexMap<String, String>,
    #[serde(default)]
    pub(super) users: IndexMap<String, Spanned<UserFile>>,
    #[serde(default)]
    pub(super) sign_in: SignInFile,
    #[serde(default)]
    pub(super) session: SessionFile,
    pub(super) network: Option<Spanned<NetworkFile>>,
    #[serde(default)]
    pub(super) listen: ListenFile,
    pub(super) ehr_launch: Option<Spanned<EhrLaunchFile>>,
    #[serde(default)]
    pub(super) endpoints: EndpointsFile,
    #[serde(default)]
    pub(super) adapt: Adapt,
    #[serde(default)]
    pub(super) claims: Claims,
    #[serde(default)]
    pub(super) accept_missing: IndexMap<String, String>,
    #[serde(default)]
    pub(super) limits: LimitsFile,
    #[serde(default)]
    pub(super) clock: ClockFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientFile {
    pub(super) kind: super::ClientKind,
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) redirect_uris: Vec<Spanned<String>>,
    pub(super) launch_url: Option<WebUrl>,
    pub(super) scopes: Option<String>,
    pub(super) beyond_scopes: Option<String>,
    pub(super) introspection_scope: Option<String>,
    pub(super) jwks_uri: Option<Spanned<WebUrl>>,
    #[serde(default)]
    pub(super) require_pushed_authorization_requests: bool,
    #[serde(default)]
    pub(super) origins: Vec<WebUrl>,
    pub(super) client_secret: Option<Spanned<SecretSource>>,
    pub(super) auth: Option<Spanned<SecretMethod>>,
    pub(super) key: Option<Spanned<SecretSource>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFile {
    pub(super) username: String,
    pub(super) password: Option<Spanned<SecretSource>>,
    pub(super) id: Option<String>,
    pub(super) totp: Option<Spanned<SecretSource>>,
    #[serde(default)]
    pub(super) patients: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInFile {
    #[serde(default)]
    pub(super) script: Vec<Rule>,
    #[serde(default)]
    pub(super) deny: Vec<Rule>,
    pub(super) error: Option<On>,
    #[serde(default)]
    pub(super) origins: Vec<WebUrl>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionFile {
    pub(super) reuse: Option<bool>,
    pub(super) consent: Option<Consent>,
    pub(super) sign_ins_per_minute: Option<u32>,
    pub(super) at_once: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkFile {
    pub(super) proxy: Option<WebUrl>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) client_cert: Option<SecretSource>,
    #[serde(default)]
    pub(super) headers: IndexMap<String, HeaderSource>,
    #[serde(default)]
    pub(super) resolve: IndexMap<String, SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenFile {
    pub(super) public_url: Option<WebUrl>,
    pub(super) bind: Option<SocketAddr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EhrLaunchFile {
    pub(super) request: Option<LaunchRequestFile>,
    pub(super) page: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LaunchRequestFile {
    pub(super) method: Option<String>,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: IndexMap<String, HeaderSource>,
    pub(super) json: Option<serde_json::Value>,
    pub(super) launch_uri: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointsFile {
    pub(super) authorization_endpoint: Option<WebUrl>,
    pub(super) token_endpoint: Option<WebUrl>,
    pub(super) introspection_endpoint: Option<WebUrl>,
    pub(super) revocation_endpoint: Option<WebUrl>,
    pub(super) jwks_uri: Option<WebUrl>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    pub(super) body: Option<usize>,
    pub(super) headers: Option<usize>,
    pub(super) hops: Option<usize>,
    pub(super) request_seconds: Option<u64>,
    pub(super) step_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockFile {
    pub(super) advance_url: Option<WebUrl>,
}
