//! The binary `mock-ehr`, started for one test and ended with it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

/// A mock that serves on free ports.
pub(crate) struct Program {
    child: Child,
    /// What it said of itself, by the word before the colon.
    said: Vec<String>,
}

impl Program {
    /// On loopback.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawned(command(&["--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"]).args(arguments))
    }

    /// On the listeners of these arguments.
    pub(crate) fn with_listener(arguments: &[&str]) -> Self {
        let is_said = arguments.contains(&"--management");
        let management: &[&str] = if is_said { &[] } else { &["--management", "127.0.0.1:0"] };
        Self::spawned(command(arguments).args(management))
    }

    fn spawned(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
            let line = line.unwrap();
            let is_last = line.starts_with("Listening");
            said.push(line);
            if is_last {
                break;
            }
        }
        assert!(!said.is_empty(), "it ended: {}", errors(&mut child));
        Self { child, said }
    }

    /// What stands behind this word.
    pub(crate) fn said(&self, word: &str) -> &str {
        let line = self.said.iter().find_map(|line| line.strip_prefix(word));
        line.and_then(|rest| rest.strip_prefix(':'))
            .unwrap_or_else(|| panic!("no {word} in {:?}", self.said))
            .trim()
    }

    /// Host and port of the listener for apps.
    pub(crate) fn address(&self) -> &str {
        self.said("Listening")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end: whether it was a good one, and what it said on the way.
    pub(crate) fn ended(mut self) -> (bool, String) {
        let errors = errors(&mut self.child);
        (self.child.wait().unwrap().success(), errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A start that is refused.
pub(crate) fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = command(arguments).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{stderr}");
    stderr
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-ehr"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn errors(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut text).unwrap();
    text
}
