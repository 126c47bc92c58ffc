//! The folder of a report: made before anything is sent, emptied of an older report, written file by file and whole.

use std::io;
use std::path::{Path, PathBuf};

use reports::exit::FailOn;
use reports::model::Report;
use reports::render::File;

use super::Failure;
use super::formats::{self, Format};
use super::server_arguments::ServerArguments;
use super::whole_file;

/// Files that a report is made of. One of an older run beside the new ones would be taken for a part of them.
fn files() -> impl Iterator<Item = &'static str> {
    File::ALL.into_iter().map(File::name).chain(["events.jsonl"])
}

/// A folder in which files can be made.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Takes an older report and bundle away: a run that is killed, or ends before it begins, leaves no report, and not that
    /// of another.
    pub(super) fn forget(arguments: &ServerArguments) -> Result<(), Failure> {
        if arguments.dry_run {
            return Ok(());
        }
        let folder = Self(arguments.out.clone());
        folder.clear().map_err(|error| folder.failure(&error))?;
        match &arguments.bundle {
            Some(path) => remove(path).map_err(|error| super::render::no_bundle(path, &error)),
            None => Ok(()),
        }
    }

    fn clear(&self) -> io::Result<()> {
        files().try_for_each(|file| remove(&self.0.join(file)))
    }

    /// Makes it, tries it and the place of the bundle, and takes an older report away.
    pub(super) fn prepare(arguments: &ServerArguments) -> Result<Self, Failure> {
        if arguments.dry_run {
            return Ok(Self(arguments.out.clone()));
        }
        let folder = Self::at(&arguments.out)?;
        if let Some(path) = &arguments.bundle {
            let tried = whole_file::stage(path, b"").map(drop);
            tried.map_err(|error| super::render::no_bundle(path, &error))?;
        }
        Ok(folder)
    }

    /// The same for any folder.
    pub(super) fn at(path: &Path) -> Result<Self, Failure> {
        let folder = Self(path.to_owned());
        let tried = std::fs::create_dir_all(path)
            .and_then(|()| whole_file::stage(&path.join("run.json"), b"{}").map(drop))
            .and_then(|()| folder.clear());
        tried.map_err(|error| folder.failure(&error))?;
        Ok(folder)
    }

    /// Writes the files that were asked for; `run.json`, of which all others can be made, first.
    pub(super) fn write(&self, formats: &[Format], fail_on: FailOn, report: &Report) -> Result<(), Failure> {
        let mut files = vec![File::Json];
        files.extend(formats::files(formats).into_iter().filter(|file| *file != File::Json));
        let mut failed = None;
        formats::make(&files, report, fail_on == FailOn::Warn, |file, text| {
            let name = file.name();
            if let Err(error) = whole_file::write(&self.0.join(name), text.as_bytes()) {
                let failure = self.failure(&io::Error::new(error.kind(), format!("{name}: {error}")));
                if file == File::Json {
                    return Err(failure);
                }
                // Where one does not fit, a smaller one may.
                failed.get_or_insert(failure);
            }
            Ok(())
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// What cannot be written is a matter of the command line: another folder may do.
    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        Failure::usage(format!(
            "{}: the report cannot be written: {error}; choose another folder with --out",
            self.0.display()
        ))
    }
}

/// Takes a file away, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(_) if path.is_dir() => Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "a folder stands in its place",
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
