//! The flags of `launchproof test server`, and what they select.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reports::exit::FailOn;
use reports::model;

use super::Failure;
use super::agent::AgentKind;
pub(super) use super::formats::Format;
use crate::scenario::load::Loaded;
use crate::scenario::select::Selection;
use crate::target::SmartVersion;

/// In seconds; no server is worth a longer wait, and far longer ones overflow.
const DAY: u64 = 86_400;

/// Words of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOnWord {
    /// A broken duty.
    Fail,
    /// A recommendation that is not followed, too.
    Warn,
    /// None.
    Never,
}

impl FailOnWord {
    /// `--strict` is another word for `warn`.
    pub(super) fn with(self, strict: bool) -> FailOn {
        match self {
            _ if strict => FailOn::Warn,
            Self::Fail => FailOn::Fail,
            Self::Warn => FailOn::Warn,
            Self::Never => FailOn::Never,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct ServerArguments {
    /// FHIR base URL of the server.
    pub(super) fhir_base: Option<String>,
    /// Profile of the target (TOML): clients, users, sign-in.
    #[arg(long, value_name = "FILE")]
    pub(super) target: Option<PathBuf>,
    /// A folder of profiles instead: each is judged, several side by side, and has its report below `--out`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["fhir_base", "target", "baseline", "rerun_failed", "dry_run"])]
    pub(super) targets: Option<PathBuf>,
    /// With `--targets`: so many at once; twice the cores where absent.
    #[arg(long, value_name = "N", requires = "targets", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: Option<u16>,
    /// One of several targets: the summary is that of all.
    #[arg(skip)]
    pub(super) among_others: bool,

    /// Only these scenarios: ids, prefixes (`pkce/`), or verdict ids (`pkce/x#case@public`).
    #[arg(long = "only", value_name = "ID", num_args = 1.., help_heading = "Selection")]
    pub(super) only: Vec<String>,
    /// Only scenarios of these requirements.
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    pub(super) requirement: Vec<String>,
    /// Only scenarios of this strength: shall, should or may.
    #[arg(long, value_name = "LEVEL", value_parser = ["shall", "should", "may"], help_heading = "Selection")]
    pub(super) level: Vec<String>,
    /// Only with clients of this kind: public, symmetric, asymmetric or backend.
    #[arg(long, value_name = "KIND", value_parser = ["public", "symmetric", "asymmetric", "backend"], help_heading = "Selection")]
    pub(super) client: Vec<String>,
    /// Judge by this SMART version instead of the inferred one.
    #[arg(long, value_name = "VERSION", value_parser = ["1.0", "2.0", "2.1", "2.2"], help_heading = "Selection")]
    pub(super) smart: Option<String>,
    /// Only part N of M, to share a run among machines; `launchproof merge` makes one report of all parts.
    #[arg(long, value_name = "N/M", value_parser = partition, help_heading = "Selection")]
    pub(super) partition: Option<(usize, usize)>,
    /// Only what was not a pass in this run.json.
    #[arg(long, value_name = "RUN.JSON", help_heading = "Selection")]
    pub(super) rerun_failed: Option<PathBuf>,
    /// A folder of your own scenarios besides.
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    pub(super) scenarios: Option<PathBuf>,
    /// `bcp` raises what RFC 9700 asks to duties: what it says SHALL of can fail, and not only warn.
    #[arg(long, value_name = "SET", value_parser = ["bcp"], help_heading = "Selection")]
    pub(super) profile: Vec<String>,
    /// Print the plan and how many sign-ins it needs; send nothing but discovery.
    #[arg(long, help_heading = "Selection")]
    pub(super) dry_run: bool,

    /// The user's browser.
    #[arg(long, value_enum, default_value = "http", help_heading = "Run")]
    pub(super) agent: AgentKind,
    /// With `--agent chrome`: show the browser, so that a person signs in once.
    #[arg(long, help_heading = "Run")]
    pub(super) assist: bool,
    /// With `--agent manual`: open each URL in the default browser.
    #[arg(long, help_heading = "Run")]
    pub(super) open: bool,
    /// With `--agent manual`: stop asking after so many sign-ins.
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub(super) max_sign_ins: Option<u32>,
    /// Seconds of one request.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=DAY), help_heading = "Run")]
    pub(super) timeout: Option<u64>,
    /// Seconds of one step, such as a whole sign-in.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=DAY), help_heading = "Run")]
    pub(super) step_timeout: Option<u64>,
    /// Bytes of one body.
    #[arg(long, value_name = "BYTES", help_heading = "Run")]
    pub(super) max_body: Option<usize>,
    /// Repeat a run: the seed that it printed.
    #[arg(long, help_heading = "Run")]
    pub(super) seed: Option<u64>,
    /// Wait in real time for codes and tokens to expire.
    #[arg(long, help_heading = "Run")]
    pub(super) slow: bool,
    /// At most so many requests in any second; what a race sends at one moment stays together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Run")]
    pub(super) rate: Option<u32>,
    /// Stop after so many failures that the baseline does not expect; the report says that it is incomplete.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Run")]
    pub(super) max_fail: Option<u32>,
    /// Lift a precaution that holds off loopback.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = ["lockout", "registration", "writes"], help_heading = "Run")]
    pub(super) allow: Vec<String>,
    /// PEM file of further certificate authorities.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(super) ca_file: Option<PathBuf>,
    /// Do not check certificates; marks the report.
    #[arg(long, help_heading = "Run")]
    pub(super) insecure: bool,

    /// Folder of the report.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "launchproof-report",
        help_heading = "Report"
    )]
    pub(super) out: PathBuf,
    /// Which files to write beside `run.json`.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "html,junit,json,events",
        help_heading = "Report"
    )]
    pub(super) report: Vec<Format>,
    /// Packs run.json, report.html, evidence.har and junit.xml into a zip that `launchproof verify` checks.
    #[arg(long, value_name = "FILE", conflicts_with = "targets", help_heading = "Report")]
    pub(super) bundle: Option<PathBuf>,
    /// Failures that are expected.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub(super) baseline: Option<PathBuf>,
    /// Warnings count as failures: the same as `--fail-on warn`.
    #[arg(long, conflicts_with = "fail_on", help_heading = "Report")]
    pub(super) strict: bool,
    /// Which deviations make the exit code red; with `never` it is 0 where there is a whole report to read.
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "fail",
        help_heading = "Report"
    )]
    pub(super) fail_on: FailOnWord,
    /// `full` keeps FHIR bodies and identities; marks the report.
    #[arg(long, value_name = "HOW", value_parser = ["redacted", "full"], default_value = "redacted", help_heading = "Report")]
    pub(super) evidence: String,
    /// Only the summary.
    #[arg(long, short, help_heading = "Report")]
    pub(super) quiet: bool,
}

impl ServerArguments {
    pub(super) fn fail_on(&self) -> FailOn {
        self.fail_on.with(self.strict)
    }
}

/// More parts than a catalogue has verdicts are a slip of the pen.
const MOST_PARTS: usize = 1024;

fn partition(text: &str) -> Result<(usize, usize), String> {
    let parts = text
        .split_once('/')
        .and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    match parts {
        // Who counts from 0 (the index of a Kubernetes Job) has part 0 for the last one.
        Some((0, of)) if (1..=MOST_PARTS).contains(&of) => Ok((of, of)),
        Some((part, of)) if part <= of && (1..=MOST_PARTS).contains(&of) => Ok((part, of)),
        _ => Err(format!("expected N/M with 1 ≤ N ≤ M ≤ {MOST_PARTS}, such as 1/3")),
    }
}

pub(super) fn smart_version(text: &str) -> Option<SmartVersion> {
    [
        SmartVersion::V1_0,
        SmartVersion::V2_0,
        SmartVersion::V2_1,
        SmartVersion::V2_2,
    ]
    .into_iter()
    .find(|version| version.as_str() == text)
}

pub(super) fn selection(arguments: &ServerArguments) -> Result<Selection, Failure> {
    let verdicts = match &arguments.rerun_failed {
        None => None,
        Some(path) => {
            let report = super::render::read(path)?;
            let open = report.verdicts.iter().filter(|verdict| {
                !matches!(
                    verdict.status,
                    model::Status::Pass | model::Status::Info | model::Status::Skip
                )
            });
            Some(open.map(model::Verdict::id).collect())
        }
    };
    Ok(Selection {
        ids: arguments.only.clone(),
        requirements: arguments.requirement.clone(),
        levels: arguments.level.clone(),
        clients: arguments.client.clone(),
        partition: arguments.partition,
        verdicts,
    })
}

/// An id that selects nothing is most likely mistyped.
pub(super) fn name_unknown(selection: &Selection, scenarios: &[Loaded]) {
    for id in &selection.ids {
        let alone = Selection {
            ids: vec![id.clone()],
            ..Selection::default()
        };
        if !scenarios.iter().any(|loaded| alone.takes(loaded)) {
            let nearest = crate::value::nearest(id, scenarios.iter().map(|loaded| loaded.id.as_str()));
            tell!("launchproof: --only {id} selects nothing{nearest}");
        }
    }
}

/// The flags that narrowed the selection, for the report.
pub(super) fn narrowed(arguments: &ServerArguments) -> Vec<String> {
    let mut words = arguments.only.clone();
    let flag = |name: &str, values: &[String]| {
        values
            .iter()
            .map(|value| format!("--{name} {value}"))
            .collect::<Vec<_>>()
    };
    words.extend(flag("requirement", &arguments.requirement));
    words.extend(flag("level", &arguments.level));
    words.extend(flag("client", &arguments.client));
    words.extend(arguments.partition.map(|(part, of)| format!("--partition {part}/{of}")));
    words.extend(
        arguments
            .rerun_failed
            .as_ref()
            .map(|path| format!("--rerun-failed {}", path.display())),
    );
    words
}
