//! Writes the profile and the secrets that stand beside it: nothing is overwritten unasked.

use std::path::{Path, PathBuf};

use super::super::Failure;
use super::super::whole_file::{self, Secrecy};
use crate::http::Secret;

/// Where the files of a profile go, and what they are called.
#[derive(Debug)]
pub(super) struct Beside {
    folder: PathBuf,
    stem: String,
    force: bool,
}

impl Beside {
    /// Beside this profile.
    pub(super) fn of(profile: &Path, force: bool) -> Self {
        let stem = profile
            .file_stem()
            .map_or_else(|| "ehr".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Self {
            folder: profile.parent().unwrap_or(Path::new("")).to_owned(),
            stem,
            force,
        }
    }

    /// The name of a file about this client, as it stands in the profile.
    pub(super) fn name(&self, client: &str, ending: &str) -> String {
        format!("{}.{client}.{ending}", self.stem)
    }

    /// Keeps a secret in a file; its path.
    pub(super) fn keep(&self, name: &str, secret: &Secret) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        write(&path, secret.expose(), Secrecy::Secret, self.force)?;
        Ok(path)
    }

    /// What would be in the way, before anything is registered.
    pub(super) fn is_taken(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        (!self.force && path.exists()).then_some(path)
    }
}

/// Writes a file.
pub(super) fn write(path: &Path, text: &str, secrecy: Secrecy, force: bool) -> Result<(), Failure> {
    let written = whole_file::stage_as(path, text.as_bytes(), secrecy)
        .and_then(|staged| if force { staged.publish() } else { staged.publish_new() });
    written.map_err(|error| {
        Failure::usage(format!(
            "{}: cannot be written: {error}; choose another name with --out",
            path.display()
        ))
    })
}
