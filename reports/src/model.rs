//! The report of one run: plain data, the one source of every other file.
//!
//! Texts here were redacted when they were captured: a secret stands as `hmac:ab12…`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the shape of `run.json`: `major.minor`; a reader refuses another major.
pub const SCHEMA_VERSION: &str = "1.1";

/// One finished (or interrupted) run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: String,
    /// Name and version of the program, `launchproof 0.1.0`.
    pub tool: String,
    /// What was judged.
    pub target: Target,
    /// How it was judged.
    pub run: Run,
    /// One verdict a scenario, client kind and case, in the order of their ids.
    pub verdicts: Vec<Verdict>,
    /// The requirements that the scenarios of this program cite or that it cannot observe.
    pub requirements: Vec<Requirement>,
    /// The exchanges that verdicts name as evidence; `Exchange::id` is the index that they use.
    pub exchanges: Vec<Exchange>,
    /// Deviations from the strict form of a request that the target's profile asked for.
    pub adaptations: Vec<String>,
    /// What the run created on the target and could not remove.
    pub left_behind: Vec<String>,
}

/// The system under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The profile's name, or the FHIR base where there is none.
    pub name: String,
    /// The FHIR base URL.
    pub fhir_base: String,
    /// The SMART version against which it was judged: `1.0`, `2.0`, `2.1` or `2.2`.
    pub smart_version: String,
    /// Where the version comes from: `given by --smart`, `inferred from …`.
    pub smart_version_from: String,
}

/// The circumstances of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// RFC 3339 time at the start.
    pub started: String,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// HTTP requests sent.
    pub requests: u64,
    /// Sign-ins made by the user agent.
    pub sign_ins: u64,
    /// `http`, `chrome` or `manual`.
    pub agent: String,
    /// The seed that repeats the run.
    pub seed: u64,
    /// Whether it ended by itself; `false` after Ctrl-C: what is missing was not run.
    pub complete: bool,
    /// Why it ended early, where nobody interrupted it: `--max-fail`, a bug of this program, a part that was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Certificates were not checked (`--insecure`).
    pub insecure: bool,
    /// Bodies were kept whole (`--evidence full`).
    pub full_evidence: bool,
    /// The ids, prefixes and filters that narrowed the run, as they were given; empty where everything was selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selection: Vec<String>,
    /// Which part of the selection this is (`--partition`); absent where it is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// SHA-256 of the scenarios and requirements by which it was judged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub catalogue: String,
    /// Sets of obligations that were raised to duties: `bcp` is RFC 9700.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<String>,
    /// How the correct requests went without which a refusal says nothing.
    #[serde(default)]
    pub controls: Controls,
    /// What the target's profile says may be missing, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept_missing: Vec<AcceptedGap>,
    /// The exit code of the program, with its meaning.
    pub exit_code: u8,
    /// Why that code, in one sentence.
    pub exit_reason: String,
}

/// One part of a run that several machines share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Which, from 1.
    pub part: usize,
    /// Of so many.
    pub of: usize,
    /// Verdicts that all parts together will have, controls aside.
    pub planned: usize,
}

/// How the controls of a run went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// Correct requests that were tried.
    pub tried: u64,
    /// Those that were accepted.
    pub passed: u64,
}

/// A gap that the profile's `[accept_missing]` names, with the reason that it gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedGap {
    /// A verdict's id, a scenario, a prefix (`client_auth_asymmetric/`), or a client kind (`@asymmetric`).
    pub scope: String,
    /// Why it may be missing.
    pub reason: String,
}

/// How strong the obligation is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// A duty.
    #[serde(rename = "SHALL")]
    Shall,
    /// A prohibition.
    #[serde(rename = "SHALL NOT")]
    ShallNot,
    /// A recommendation.
    #[serde(rename = "SHOULD")]
    Should,
    /// A recommendation against.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// Legal either way.
    #[serde(rename = "MAY")]
    May,
}

impl Level {
    /// The level as specifications write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shall => "SHALL",
            Self::ShallNot => "SHALL NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
        }
    }

    /// Whether breaking it breaks conformance.
    pub fn is_duty(self) -> bool {
        matches!(self, Self::Shall | Self::ShallNot)
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The obligation holds.
    Pass,
    /// A duty of the server is broken.
    Fail,
    /// A recommendation is not followed.
    Warn,
    /// Legal either way and worth knowing.
    Info,
    /// Does not apply, or the target does not claim it; the reason says which.
    Skip,
    /// The target claims it, but the profile lacks what is needed; the reason names the line to add.
    Unconfigured,
    /// A given or a control was not reached; the reason names the first cause.
    Blocked,
    /// The judged exchange itself timed out, was cut, met a 429, or cannot be decided.
    Error,
}

impl Status {
    /// Every status, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Fail,
        Self::Warn,
        Self::Info,
        Self::Skip,
        Self::Unconfigured,
        Self::Blocked,
        Self::Error,
    ];

    /// Whether the obligation applies and yet nothing was found out about it.
    pub fn is_not_run(self) -> bool {
        matches!(self, Self::Unconfigured | Self::Blocked | Self::Error)
    }

    /// Whether the target was judged.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Pass | Self::Fail | Self::Warn | Self::Info)
    }

    /// The word as it stands in `run.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Skip => "skip",
            Self::Unconfigured => "unconfigured",
            Self::Blocked => "blocked",
            Self::Error => "error",
        }
    }
}

/// One verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Path of the scenario: `pkce/code_verifier_wrong`.
    pub scenario: String,
    /// The row of a table, where the scenario has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The client kind, where the scenario is tried with several: `public`, `symmetric`, `asymmetric`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// First part of the path: `pkce`.
    pub area: String,
    /// What must hold, in one line.
    pub title: String,
    /// What was done, what must happen, why it matters.
    pub about: String,
    /// What implementers usually got wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The strength of the obligation.
    pub level: Level,
    /// Ids of the requirements: `smart-2.2.0/31`.
    pub requirements: Vec<String>,
    /// What was found.
    pub status: Status,
    /// Why, where the status alone does not say it (skip, blocked, error …); or what was noted (info, pass with a note).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What had to be seen, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// Whether a baseline expects this status, with its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_by_baseline: Option<String>,
    /// Indices into [`Report::exchanges`], oldest first; the judged one is the last.
    pub evidence: Vec<usize>,
    /// PNG of the page where the agent stood still, base64, where the agent is Chromium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<String>,
    /// Whether it judges everything that its run saw: each part of a run judges it, of what that part saw.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_the_whole_run: bool,
    /// Milliseconds that this verdict took, givens aside.
    pub duration_ms: u64,
}

impl Verdict {
    /// `scenario`, `scenario#case`, `scenario@client` or `scenario#case@client`.
    pub fn id(&self) -> String {
        let mut id = self.scenario.clone();
        if let Some(case) = &self.case {
            id.push('#');
            id.push_str(case);
        }
        if let Some(client) = &self.client {
            id.push('@');
            id.push_str(client);
        }
        id
    }
}

/// A row of a specification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// `document/row`: `smart-2.2.0/31`, `rfc7636/4.6`.
    pub id: String,
    /// The strength in that document.
    pub level: Level,
    /// What it asks, in our words.
    pub text: String,
    /// Where it stands.
    pub url: String,
    /// Why no black-box test can see it; absent where one can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_observable: Option<String>,
}

/// One request and what came back, redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Its index in [`Report::exchanges`].
    pub id: usize,
    /// Which step sent it: `authorize`, `exchange (second)`.
    pub step: String,
    /// Milliseconds since the start of the run.
    pub at_ms: u64,
    /// The request.
    pub request: Request,
    /// The response, or `None` where there was none; then `failure` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// Timed out, cut, refused, too large …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// JWTs that were seen in it: header and claims, signature left out, secrets redacted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoded: Vec<DecodedJwt>,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Header fields in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields in the order received.
    pub headers: Vec<(String, String)>,
    /// The body as text, cut to what a person reads; identities removed.
    pub body: String,
    /// Bytes of the body as it came.
    pub body_bytes: u64,
    /// Milliseconds until it was whole.
    pub elapsed_ms: u64,
}

/// A decoded JWT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecodedJwt {
    /// Where it stood: `client_assertion`, `id_token`.
    pub name: String,
    /// The JOSE header.
    pub header: serde_json::Value,
    /// The claims.
    pub claims: serde_json::Value,
}
