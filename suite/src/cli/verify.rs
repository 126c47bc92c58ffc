//! `launchproof verify`: whether an evidence bundle is as it was written.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use reports::bundle::{self, BundleError};
use reports::{exit, plain};

use super::Failure;

/// Larger ones are refused by their size, and need not be read whole.
const MOST: u64 = 65 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 it is whole, unaltered and of one run; 3 it is not, and the message says what is wrong."
)]
pub(super) struct VerifyArguments {
    /// The zip that `--bundle` wrote.
    bundle: PathBuf,
}

pub(super) fn run(arguments: &VerifyArguments) -> Result<u8, Failure> {
    let path = arguments.bundle.display();
    let unreadable = |error| Failure::input(format!("{path}: cannot be read: {error}"));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&arguments.bundle).map_err(unreadable)?;
    file.take(MOST).read_to_end(&mut bytes).map_err(unreadable)?;
    let refused = |error: BundleError| Failure::input(format!("{path}: {error}"));
    let verified = bundle::verify(&bytes, super::TOOL).map_err(refused)?;
    let report = &verified.report;
    say!(
        "{path}: whole and unaltered\nrun of {} at {}, started {}: {}\nmanifest sha256:{}",
        plain::cut(&report.target.name, 120),
        plain::cut(&report.target.fhir_base, 200),
        plain::cut(&report.run.started, 60),
        reports::answer(report).sentence,
        verified.manifest_sha256
    );
    if let Some(tool) = &verified.written_by {
        say!(
            "It was written by {tool}, and this is {}: that report.html, evidence.har and junit.xml follow from run.json \
             was not checked; the program that wrote it can.",
            super::TOOL
        );
    }
    Ok(exit::NOTHING_UNEXPECTED)
}
