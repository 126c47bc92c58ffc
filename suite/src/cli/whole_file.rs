//! Writes a file whole or not at all: aside, in the same folder, then by a rename.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that is written and not yet in its place.
pub(super) struct Staged {
    file: NamedTempFile,
    place: PathBuf,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Whoever reads what other programs write here.
    Public,
    /// Its owner alone, from its first moment, whoever could read what stood there.
    Secret,
}

/// Writes the bytes beside `place`. What stood there stays until [`Staged::publish`].
pub(super) fn stage(place: &Path, bytes: &[u8]) -> io::Result<Staged> {
    stage_as(place, bytes, Secrecy::Public)
}

/// The same for a file that not everybody may read.
pub(super) fn stage_as(place: &Path, bytes: &[u8], secrecy: Secrecy) -> io::Result<Staged> {
    // A link keeps pointing to the file that it names.
    let place = std::fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
    if place.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "a folder stands in its place",
        ));
    }
    let folder = match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let prefix = place
        .file_name()
        .map_or_else(String::new, |name| format!(".{}.", name.to_string_lossy()));
    builder.prefix(&prefix).suffix(".tmp");
    let permissions = match secrecy {
        // A temporary file is its owner's alone.
        Secrecy::Secret => None,
        Secrecy::Public => std::fs::metadata(&place)
            .ok()
            .map(|old| old.permissions())
            .or_else(readable),
    };
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    // A disk may be full only when what was buffered is written; a rename would then publish a hole.
    file.as_file().sync_data()?;
    Ok(Staged { file, place })
}

/// As any program makes a file, the umask applied: others (another user of the CI machine) read reports.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such permissions")]
fn readable() -> Option<std::fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(std::fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn readable() -> Option<std::fs::Permissions> {
    None
}

impl Staged {
    /// Puts it in its place, at once.
    pub(super) fn publish(self) -> io::Result<()> {
        self.file.persist(&self.place).map(drop).map_err(|error| error.error)
    }

    /// The same where nothing may stand there yet.
    pub(super) fn publish_new(self) -> io::Result<()> {
        let placed = self.file.persist_noclobber(&self.place);
        placed.map(drop).map_err(|error| error.error)
    }
}

/// Writes one file whole.
pub(super) fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    stage(place, bytes)?.publish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("run.json");
        write(&place, b"old").unwrap();
        let staged = stage(&place, b"new").unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"old");
        staged.publish().unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"new");
        drop(stage(&place, b"never").unwrap());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_folder_in_its_place_is_an_error_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("run.json")).unwrap();
        assert!(write(&folder.path().join("run.json"), b"x").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_owners_alone_and_overwrites_nothing_unasked() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("key");
        std::fs::write(&place, b"old").unwrap();
        assert!(stage_as(&place, b"x", Secrecy::Secret).unwrap().publish_new().is_err());
        assert_eq!(std::fs::read(&place).unwrap(), b"old");
        stage_as(&place, b"x", Secrecy::Secret).unwrap().publish().unwrap();
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn it_is_as_readable_as_what_other_programs_write_and_a_link_stays_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        std::fs::write(&theirs, b"x").unwrap();
        write(&ours, b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&theirs));

        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        write(&link, b"by the link").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&theirs).unwrap(), b"by the link");
    }
}
