//! `launchproof render`: other forms of a finished run.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use reports::exit;
use reports::model::Report;

use super::Failure;
use super::formats::{self, Format};
use super::whole_file;

/// A word of `--report`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Terminal,
    Files(Format),
}

#[derive(Debug, Args)]
pub(super) struct RenderArguments {
    /// The `run.json` of a finished run.
    run: PathBuf,
    /// The forms: terminal, html, junit, json, sarif, har, summary, testreport, badge or all.
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', value_parser = to, default_value = "terminal")]
    report: Vec<To>,
    /// Writes the files into this folder instead of one on standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Writes the evidence bundle besides.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// In JUnit: warnings count as failures.
    #[arg(long)]
    strict: bool,
}

fn to(text: &str) -> Result<To, String> {
    if text == "terminal" {
        return Ok(To::Terminal);
    }
    let format = Format::from_str(text, false).map_err(|_| {
        "expected terminal, html, junit, json, sarif, har, summary, testreport, badge or all".to_owned()
    })?;
    match format {
        Format::Events => Err("events are written while a run goes on, and run.json does not hold them".to_owned()),
        format => Ok(To::Files(format)),
    }
}

pub(super) fn run(arguments: &RenderArguments) -> Result<u8, Failure> {
    let report = read(&arguments.run)?;
    if let Some(path) = &arguments.bundle {
        write_bundle(path, &report, arguments.strict)?;
    }
    let formats: Vec<Format> = arguments.report.iter().filter_map(|to| to.format()).collect();
    let files = formats::files(&formats);
    match (&arguments.out, files.as_slice()) {
        (Some(folder), _) if !files.is_empty() => {
            let fail = |path: &Path, error| Failure::usage(format!("{}: cannot be written: {error}", path.display()));
            std::fs::create_dir_all(folder).map_err(|error| fail(folder, error))?;
            formats::make(&files, &report, arguments.strict, |file, text| {
                let path = folder.join(file.name());
                whole_file::write(&path, text.as_bytes()).map_err(|error| fail(&path, error))
            })?;
        }
        (_, []) if arguments.bundle.is_some() => {}
        (_, []) => say!("{}", reports::render::terminal::summary(&report, true)),
        (_, [file]) => crate::say::raw(file.render(&report, arguments.strict).as_bytes()),
        (None | Some(_), _) => {
            return Err(Failure::usage(
                "several files do not fit into one standard output: name a folder with --out",
            ));
        }
    }
    Ok(exit::NOTHING_UNEXPECTED)
}

impl To {
    fn format(self) -> Option<Format> {
        match self {
            Self::Terminal => None,
            Self::Files(format) => Some(format),
        }
    }
}

/// Writes the evidence bundle of a report, and says by what it is recognised.
pub(super) fn write_bundle(path: &Path, report: &Report, strict: bool) -> Result<(), Failure> {
    let bytes = reports::bundle::write(report, strict);
    whole_file::write(path, &bytes).map_err(|error| no_bundle(path, &error))
}

/// What cannot be written is a matter of the command line.
pub(super) fn no_bundle(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!(
        "{}: the bundle cannot be written: {error}; name another file with --bundle",
        path.display()
    ))
}

/// Reads a `run.json`.
pub(super) fn read(path: &Path) -> Result<Report, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("{}: cannot be read: {error}", path.display())))?;
    reports::render::json::read(&text).map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}
