//! The list of FHIR bases: one a line, as long as it may be, read as fast as they are asked.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::super::Failure;
use crate::target::without_user_info;

/// A longer line is no address.
const MOST: u64 = 8 * 1024;

/// Opens the list; `-` is standard input.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::input(format!("{}: the list cannot be read: {error}", path.display())))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::input(format!("{}: the list is a folder", path.display())));
    }
    Ok(Box::new(BufReader::new(file)))
}

/// How many bases a file names, for the progress bar; nothing for standard input and for pipes, which are read once.
pub(super) fn count(path: &Path) -> Option<u64> {
    if !std::fs::metadata(path)
        .ok()
        .filter(|_| path.as_os_str() != "-")?
        .is_file()
    {
        return None;
    }
    let mut source = open(path).ok()?;
    let mut count = 0;
    while let Ok(Some(text)) = next(&mut source) {
        count += u64::from(base_of(&text).is_some());
    }
    Some(count)
}

/// Reads the list on a thread of its own; gives each base once, without those that are done.
pub(super) fn read(
    path: PathBuf,
    mut source: Box<dyn BufRead + Send>,
    mut known: HashSet<String>,
) -> mpsc::Receiver<Result<String, Failure>> {
    let (sender, receiver) = mpsc::channel(1);
    // A thread, and no task: whoever waits for standard input does not keep the program from ending.
    std::thread::spawn(move || {
        loop {
            let one = match next(&mut source) {
                Ok(None) => break,
                Ok(Some(text)) => match base_of(&text) {
                    Some(base) if known.insert(named(&base)) => Ok(base),
                    _ => continue,
                },
                Err(error) => Err(Failure::input(format!(
                    "{}: the list cannot be read: {error}",
                    path.display()
                ))),
            };
            let broken = one.is_err();
            if sender.blocking_send(one).is_err() || broken {
                break;
            }
        }
    });
    receiver
}

fn next(source: &mut Box<dyn BufRead + Send>) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if source.by_ref().take(MOST).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The base in a line, where it holds one: no comment, no blank.
fn base_of(line: &str) -> Option<String> {
    let text = line.trim_start_matches('\u{feff}').trim();
    (!text.is_empty() && !text.starts_with('#')).then(|| text.to_owned())
}

/// The base as the lines of a survey have it: without credentials.
pub(super) fn named(base: &str) -> String {
    without_user_info(base).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_counted_since_that_would_drain_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.txt");
        std::fs::write(&path, "https://a.example\n# no\nhttps://b.example\n").expect("a list");
        assert_eq!(count(&path), Some(2));
        let (mut pipe, mut writer) = std::io::pipe().expect("a pipe");
        std::io::Write::write_all(&mut writer, b"https://a.example\n").expect("room");
        drop(writer);
        let path = PathBuf::from(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&pipe)));
        assert_eq!(count(&path), None);
        let mut left = String::new();
        pipe.read_to_string(&mut left).expect("a text");
        assert_eq!(left, "https://a.example\n");
    }

    #[tokio::test]
    async fn each_base_comes_once() {
        let text = "\u{feff}https://a.example/fhir\r\n\n# https://b.example/fhir\nhttps://c.example/fhir\nhttps://a.example/fhir\nhttps://d.example";
        let known = HashSet::from(["https://c.example/fhir".to_owned()]);
        let source: Box<dyn BufRead + Send> = Box::new(std::io::Cursor::new(text));
        let mut list = read(PathBuf::from("-"), source, known);
        let mut all = Vec::new();
        while let Some(base) = list.recv().await {
            all.push(base.expect("it can be read"));
        }
        assert_eq!(all, ["https://a.example/fhir", "https://d.example"]);
        assert_eq!(named("https://me:hunter2@a.example/fhir"), "https://a.example/fhir");
    }
}
