//! Writes the profile and the secrets that stand beside it: aside first, then in one move; nothing is overwritten unasked.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::super::Failure;
use crate::http::Secret;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Everybody.
    Public,
    /// Its owner alone.
    Secret,
}

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
    let fail = |error: &dyn std::fmt::Display| {
        Failure::usage(format!(
            "{}: cannot be written: {error}; choose another name with --out",
            path.display()
        ))
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // Nobody but the owner can read a temporary file, from its first moment.
    let mut aside = tempfile::NamedTempFile::new_in(folder).map_err(|error| fail(&error))?;
    aside.write_all(text.as_bytes()).map_err(|error| fail(&error))?;
    aside.as_file().sync_all().map_err(|error| fail(&error))?;
    if secrecy == Secrecy::Public {
        readable(aside.path()).map_err(|error| fail(&error))?;
    }
    let done = if force {
        aside.persist(path)
    } else {
        aside.persist_noclobber(path)
    };
    done.map(drop).map_err(|error| fail(&error.error))
}

#[cfg(unix)]
fn readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
