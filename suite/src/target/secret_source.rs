//! Fetches a secret from where the profile says it is, when the profile is loaded.

use std::path::Path;
use std::process::{Command, Stdio};

use super::spelled::{HeaderSource, SecretSource};
use crate::http::Secret;

/// What resolving secrets and paths needs to know.
pub(super) struct Place<'a> {
    /// The folder beside which relative paths stand.
    pub(super) folder: &'a Path,
    /// The environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the target is on this machine.
    pub(super) loopback: bool,
}

impl Place<'_> {
    /// The secret, or why it is not there; `whose` begins the message: `client_secret of client app_2`.
    pub(super) fn secret(&self, whose: &str, source: &SecretSource) -> Result<Secret, String> {
        let value = match source {
            SecretSource::Env(name) => (self.env)(name)
                .ok_or_else(|| format!("the {whose} comes from the environment variable {name}, which is not set"))?,
            SecretSource::File(path) => {
                let path = self.folder.join(path);
                std::fs::read_to_string(&path)
                    .map_err(|error| format!("the {whose} comes from the file {}: {error}", path.display()))?
            }
            SecretSource::Command(line) => self.run(whose, line)?,
            SecretSource::TestOnly(value) if self.loopback => value.0.clone(),
            SecretSource::TestOnly(_) => {
                return Err(format!(
                    "the {whose} is written as test_only, which is accepted only where fhir_base is a loopback \
                     address; use {{ env = … }}, {{ file = … }} or {{ command = … }}"
                ));
            }
        };
        let value = value.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err(format!("the {whose} is empty"));
        }
        Ok(Secret::new(value))
    }

    /// A header's value. Names that carry credentials are secrets off loopback.
    pub(super) fn header(&self, name: &str, source: &HeaderSource) -> Result<Secret, String> {
        match source {
            HeaderSource::Secret(source) => self.secret(&format!("header {name}"), source),
            HeaderSource::Plain(_) if carries_credentials(name) && !self.loopback => Err(format!(
                "the header {name} carries a credential, so its value is written as {{ env = … }}, {{ file = … }} or \
                 {{ command = … }}"
            )),
            HeaderSource::Plain(text) => Ok(Secret::new(text)),
        }
    }

    fn run(&self, whose: &str, line: &str) -> Result<String, String> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let output = Command::new(shell)
            .args([flag, line])
            .current_dir(if self.folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                self.folder
            })
            .stdin(Stdio::inherit())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("the {whose} comes from the command `{line}`, which did not start: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "the {whose} comes from the command `{line}`, which ended with {}",
                output.status
            ));
        }
        String::from_utf8(output.stdout).map_err(|_| {
            format!("the {whose} comes from the command `{line}`, which printed something that is not text")
        })
    }
}

/// Header fields whose values are credentials.
pub(super) fn carries_credentials(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "authorization" | "proxy-authorization" | "cookie" | "x-api-key" | "api-key"
    ) || name.contains("token")
        || name.contains("secret")
}
