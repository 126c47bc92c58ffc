//! Where the lines of a survey go: to standard output, or to a file that a later survey can go on with.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::Failure;
use super::line::Line;

/// What is written to.
pub(super) struct Results {
    to: Box<dyn Write + Send>,
    path: Option<PathBuf>,
}

/// Why a line was not written.
pub(super) enum NotWritten {
    /// Nobody reads any more.
    NobodyReads,
    /// Something else.
    Failed(Failure),
}

/// As much of a line as it takes to know what is done.
#[derive(Deserialize)]
struct Done {
    base: String,
}

impl Results {
    /// To standard output.
    pub(super) fn standard() -> Self {
        Self {
            to: Box::new(std::io::stdout()),
            path: None,
        }
    }

    /// To a new file.
    pub(super) fn begin(path: &Path, force: bool) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true);
        if force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let file = options.open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage(format!(
                "{} is there already; go on with it by --resume, or begin anew by --force",
                path.display()
            )),
            _ => cannot_write(path, &error),
        })?;
        Ok(Self::into(path, file))
    }

    /// To a file that is there: what is in it is done, and a last line that was cut is taken away.
    pub(super) fn resume(path: &Path) -> Result<(Self, HashSet<String>), Failure> {
        let fail = |error: std::io::Error| cannot_write(path, &error);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(fail)?;
        let (done, whole) = read(path, &file)?;
        if whole < file.metadata().map_err(fail)?.len() {
            file.set_len(whole).map_err(fail)?;
        }
        Ok((Self::into(path, file), done))
    }

    fn into(path: &Path, file: File) -> Self {
        Self {
            to: Box::new(file),
            path: Some(path.to_owned()),
        }
    }

    /// Writes a line, whole.
    pub(super) fn put(&mut self, line: &Line) -> Result<(), NotWritten> {
        let mut text = serde_json::to_vec(line).map_err(|error| NotWritten::Failed(Failure::internal(error)))?;
        text.push(b'\n');
        let written = self.to.write_all(&text).and_then(|()| self.to.flush());
        written.map_err(|error| match &self.path {
            None if error.kind() == ErrorKind::BrokenPipe => NotWritten::NobodyReads,
            None => NotWritten::Failed(Failure::usage(format!("the lines cannot be written: {error}"))),
            Some(path) => NotWritten::Failed(cannot_write(path, &error)),
        })
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!(
        "{}: cannot be written: {error}; choose another file with --out",
        path.display()
    ))
}

/// What is done, and up to which byte lines are whole.
fn read(path: &Path, file: &File) -> Result<(HashSet<String>, u64), Failure> {
    let mut reader = BufReader::new(file);
    let (mut done, mut whole, mut number) = (HashSet::new(), 0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        number += 1;
        let count = reader
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Failure::input(format!("{}: cannot be read: {error}", path.display())))?;
        if count == 0 || bytes.last() != Some(&b'\n') {
            // The end, or a line that somebody was in the midst of.
            return Ok((done, whole));
        }
        let line: Done = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::input(format!(
                "{}:{number}: this is no line of a survey ({error}); is it the right file? Begin anew with --force",
                path.display()
            ))
        })?;
        done.insert(line.base);
        whole += count as u64;
    }
}
