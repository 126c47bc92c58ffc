//! What GitHub Actions shows of a run without a step of its own: annotations on standard output, and the step summary.

use std::ffi::OsString;
use std::io::Write as _;

use reports::model::Report;
use reports::render::{github, markdown};

/// Tells GitHub, where it is GitHub that runs us.
pub(super) fn tell(report: &Report) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|set| set == "true") {
        crate::say::raw(github::annotations(report).as_bytes());
    }
    if let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) {
        append(&file, &markdown::render(report));
    }
}

/// A summary that cannot be written changes no verdict.
fn append(file: &OsString, text: &str) {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        tell!(
            "launchproof: {}: the step summary cannot be written: {error}",
            file.to_string_lossy()
        );
    }
}
