//! What came of many targets: the table, `targets.json`, and the exit code of all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use reports::exit;
use serde::Serialize;

use super::super::Failure;
use super::super::{folder, render, whole_file};

/// The file of all.
const FILE: &str = "targets.json";

/// The worst code first: the precedence of the exit codes.
const WORST_FIRST: [u8; 9] = [
    exit::INTERNAL,
    exit::INTERRUPTED,
    exit::USAGE,
    exit::BAD_INPUT,
    exit::NOTHING_SELECTED,
    exit::UNREACHABLE,
    exit::BROKEN,
    exit::BASELINE_OUT_OF_DATE,
    exit::INCOMPLETE,
];

/// The statuses, in the order of the table.
const STATUSES: [&str; 8] = [
    "pass",
    "fail",
    "warn",
    "info",
    "skip",
    "unconfigured",
    "blocked",
    "error",
];

/// What came of one target.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Told {
    /// Name of the profile's file, without ending; the folder of its report.
    pub(super) name: String,
    /// The profile.
    profile: String,
    /// Its FHIR base, where the profile could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    fhir_base: Option<String>,
    /// The SMART version that it was judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    smart_version: Option<String>,
    /// Folder of its report below the folder of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    /// How many verdicts there are of each status.
    verdicts: BTreeMap<String, usize>,
    /// How long it took.
    duration_ms: u64,
    /// Its exit code.
    pub(super) exit_code: u8,
    /// Why.
    pub(super) exit_reason: String,
}

impl Told {
    /// From the report that was written.
    pub(super) fn read(name: &str, profile: &Path, folder: &Path, took: Duration) -> Self {
        let report = match render::read(&folder.join("run.json")) {
            Ok(report) => report,
            Err(failure) => return Self::failed(name, profile, exit::INTERNAL, failure.message, took),
        };
        let mut verdicts = BTreeMap::new();
        for verdict in &report.verdicts {
            *verdicts.entry(verdict.status.as_str().to_owned()).or_default() += 1;
        }
        Self {
            fhir_base: Some(report.target.fhir_base),
            smart_version: Some(report.target.smart_version),
            report: Some(name.to_owned()),
            verdicts,
            exit_reason: report.run.exit_reason,
            ..Self::failed(name, profile, report.run.exit_code, String::new(), took)
        }
    }

    /// There is no report.
    pub(super) fn failed(name: &str, profile: &Path, code: u8, why: String, took: Duration) -> Self {
        Self {
            name: name.to_owned(),
            profile: profile.display().to_string(),
            fhir_base: None,
            smart_version: None,
            report: None,
            verdicts: BTreeMap::new(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            exit_code: code,
            exit_reason: why,
        }
    }
}

/// What came of all of them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Version of this shape.
    schema_version: &'static str,
    /// The program.
    tool: &'static str,
    /// How long all took together.
    duration_ms: u64,
    /// The worst exit code.
    pub(super) exit_code: u8,
    /// Whose it is.
    pub(super) exit_reason: String,
    /// The targets, by their names.
    targets: Vec<Told>,
}

impl Summary {
    /// One more.
    pub(super) fn add(&mut self, told: Told) {
        self.targets.push(told);
    }

    /// The exit code of all.
    pub(super) fn conclude(&mut self, took: Duration) {
        self.schema_version = "1.0";
        self.tool = concat!("launchproof ", env!("CARGO_PKG_VERSION"));
        self.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.targets.sort_by(|a, b| a.name.cmp(&b.name));
        let of = |code: u8| -> Vec<&str> {
            let all = self.targets.iter().filter(|told| told.exit_code == code);
            all.map(|told| told.name.as_str()).collect()
        };
        let worst = WORST_FIRST.into_iter().find(|code| !of(*code).is_empty());
        let code = worst.unwrap_or(exit::NOTHING_UNEXPECTED);
        let meaning = exit::meaning(code).unwrap_or_default();
        self.exit_reason = match worst {
            Some(code) => format!("{meaning} ({})", of(code).join(", ")),
            None => meaning.to_owned(),
        };
        self.exit_code = code;
    }

    /// Writes `targets.json`.
    pub(super) fn write(&self, out: &Path) -> Result<(), Failure> {
        let fail = |error| unwritable(out, &error);
        std::fs::create_dir_all(out).map_err(fail)?;
        let mut text = serde_json::to_string_pretty(self).map_err(Failure::internal)?;
        text.push('\n');
        whole_file::write(&out.join(FILE), text.as_bytes()).map_err(fail)
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let width = self.targets.iter().map(|told| told.name.chars().count()).max();
        let width = width.unwrap_or_default().max("target".len());
        let mut out = format!("{:<width$}  SMART", "target");
        for status in STATUSES {
            let _ = write!(out, "  {status}");
        }
        out.push_str("  exit code");
        for told in &self.targets {
            let version = told.smart_version.as_deref().unwrap_or("-");
            let _ = write!(out, "\n{:<width$}  {version:>5}", told.name);
            for status in STATUSES {
                let count = told.verdicts.get(status).copied().unwrap_or_default();
                let _ = write!(out, "  {count:>w$}", w = status.len());
            }
            let _ = write!(out, "  {}", told.exit_code);
            if told.report.is_none() {
                let why = told.exit_reason.lines().next().unwrap_or_default();
                let _ = write!(out, ": {why}");
            }
        }
        out
    }
}

/// Takes an older `targets.json` away: a run that is killed leaves none.
pub(super) fn forget(out: &Path) -> Result<(), Failure> {
    folder::remove(&out.join(FILE)).map_err(|error| unwritable(out, &error))
}

fn unwritable(out: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!(
        "{}: the report cannot be written: {error}; choose another folder with --out",
        out.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_is_that_of_all() {
        let code_of = |codes: &[u8]| {
            let mut summary = Summary::default();
            for (at, code) in codes.iter().enumerate() {
                let name = format!("t{at}");
                summary.add(Told::failed(
                    &name,
                    Path::new("x.toml"),
                    *code,
                    String::new(),
                    Duration::ZERO,
                ));
            }
            summary.conclude(Duration::ZERO);
            (summary.exit_code, summary.exit_reason)
        };
        assert_eq!(code_of(&[0, 0]).0, 0);
        assert_eq!(code_of(&[0, 5, 6]).0, 6);
        assert_eq!(code_of(&[5, 1, 6, 0]).0, 1);
        assert_eq!(code_of(&[1, 8, 3]).0, 3);
        let (code, why) = code_of(&[1, 0, 1]);
        assert_eq!(code, 1);
        assert!(why.ends_with("(t0, t2)"), "{why}");
        // Every code that a run can have is known here.
        for code in 0..=u8::MAX {
            let known = code == 0 || WORST_FIRST.contains(&code);
            assert_eq!(exit::meaning(code).is_some(), known, "{code}");
        }
    }
}
