//! `launchproof test discovery`: judges captured documents, without a network.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Parser};
use reports::model::{self, Status};
use tokio::sync::watch;
use url::Url;

use super::conclude::{Folder, conclude, listeners, read_baseline, run_facts};
use super::server_arguments::{FailOnWord, Format, ServerArguments, name_unknown, selection, smart_version};
use super::{Failure, catalogue};
use crate::captured::{Captured, Documents, Kind, plan, transport};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::events::Judged;
use crate::engine::{self, Options, Outcome, version};
use crate::http::Transport;
use crate::key_server::KeyServer;
use crate::record::Scribe;
use crate::scenario::needs::Allow;
use crate::scenario::select::Item;
use crate::step::World;
use crate::step::world::{Facts, Keys, Parts};
use crate::target::{Profile, SmartVersion};
use crate::user_agent::{HttpAgent, Setup};

#[derive(Debug, Args)]
pub(super) struct DiscoveryArguments {
    /// Captured documents of one server: smart-configuration, openid-configuration, CapabilityStatement, key set, brand
    /// bundle; what each is, its content tells. `-` reads one from standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Only these scenarios: ids or prefixes.
    #[arg(long = "only", value_name = "ID", num_args = 1.., help_heading = "Selection")]
    only: Vec<String>,
    /// Only scenarios of these requirements.
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    requirement: Vec<String>,
    /// Only scenarios of this strength: shall, should or may.
    #[arg(long, value_name = "LEVEL", value_parser = ["shall", "should", "may"], help_heading = "Selection")]
    level: Vec<String>,
    /// Judge by this SMART version instead of the inferred one.
    #[arg(long, value_name = "VERSION", value_parser = ["1.0", "2.0", "2.1", "2.2"], help_heading = "Selection")]
    smart: Option<String>,
    /// A folder of your own scenarios besides.
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    scenarios: Option<PathBuf>,

    /// Folder of the report.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "launchproof-report",
        help_heading = "Report"
    )]
    out: PathBuf,
    /// Which files to write beside `run.json`.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "html,junit,json,events",
        help_heading = "Report"
    )]
    report: Vec<Format>,
    /// Failures that are expected.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    baseline: Option<PathBuf>,
    /// Warnings count as failures: the same as `--fail-on warn`.
    #[arg(long, conflicts_with = "fail_on", help_heading = "Report")]
    strict: bool,
    /// Which deviations make the exit code red; with `never` it is 0 where there is a whole report to read.
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "fail",
        help_heading = "Report"
    )]
    fail_on: FailOnWord,
    /// Only the summary.
    #[arg(long, short, help_heading = "Report")]
    quiet: bool,
}

/// The flags of `test server`, of which this command uses some and leaves the others as they are.
#[derive(Debug, Parser)]
struct Defaults {
    #[command(flatten)]
    arguments: ServerArguments,
}

impl DiscoveryArguments {
    fn for_server(&self) -> Result<ServerArguments, Failure> {
        let Defaults { arguments } = Defaults::try_parse_from(["launchproof"]).map_err(Failure::internal)?;
        Ok(ServerArguments {
            only: self.only.clone(),
            requirement: self.requirement.clone(),
            level: self.level.clone(),
            smart: self.smart.clone(),
            scenarios: self.scenarios.clone(),
            out: self.out.clone(),
            report: self.report.clone(),
            baseline: self.baseline.clone(),
            strict: self.strict,
            fail_on: self.fail_on,
            quiet: self.quiet,
            seed: Some(0),
            ..arguments
        })
    }

    fn documents(&self) -> Result<Documents, Failure> {
        let mut documents = Documents::default();
        for path in &self.files {
            let (name, text) = read(path)?;
            documents.add(&name, &text).map_err(Failure::input)?;
        }
        Ok(documents)
    }
}

/// Larger files are no discovery documents.
const MOST: u64 = 32 * 1024 * 1024;

fn read(path: &std::path::Path) -> Result<(String, String), Failure> {
    let stdin = path.as_os_str() == "-";
    let name = if stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let fail = |error: std::io::Error| Failure::input(format!("{name}: cannot be read: {error}"));
    let source: Box<dyn std::io::Read> = if stdin {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    source.take(MOST + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::input(format!("{name}: larger than {MOST} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::input(format!("{name}: not UTF-8")))?;
    Ok((name, text))
}

pub(super) async fn run(arguments: DiscoveryArguments) -> Result<u8, Failure> {
    let server_arguments = arguments.for_server()?;
    let selection = selection(&server_arguments)?;
    Folder::forget(&server_arguments)?;
    let (scenarios, requirements) = catalogue(arguments.scenarios.as_deref())?;
    let by_catalogue = super::catalogue_hash(&scenarios);
    let baseline = read_baseline(&server_arguments)?;
    let documents = arguments.documents()?;
    let (began, started) = (SystemClock.now(), Instant::now());
    let folder = Folder::prepare(&server_arguments)?;
    name_unknown(&selection, &scenarios);
    let mut world = world(&documents, started)?;
    let facts = facts(&world, &documents).await;
    world.facts = tokio::sync::OnceCell::new_with(Some(facts.clone()));
    let (smart, smart_from) = judged_by(&arguments, &documents, &world.profile, &facts);
    let profile = Arc::clone(&world.profile);
    let mut items = selection.items(&scenarios, &profile);
    items.retain(|item| plan::is_about_documents(item.loaded));
    let mut left_out = Vec::new();
    items.retain(|item| match plan::lacking(&item.loaded.scenario, &documents) {
        Some(reason) => {
            left_out.push(skipped(item, reason));
            false
        }
        None => true,
    });
    if !arguments.quiet {
        tell!(
            "documents {}, SMART {} ({smart_from}), {} verdicts, {} left out for want of a server or of a document",
            documents.names().join(", "),
            smart.as_str(),
            items.len(),
            left_out.len()
        );
    }
    let scribe = Arc::new(Scribe::new(&world, &scenarios, false));
    let world = Arc::new(world);
    let listeners = listeners(&server_arguments, &folder, &scribe, &world)?;
    let (_keep, cancel) = watch::channel(false);
    let options = Options {
        smart,
        allow: Allow {
            lockout: false,
            writes: false,
        },
        spared: std::collections::HashSet::new(),
        cancel,
        enough: Arc::default(),
    };
    let mut outcome = if items.is_empty() {
        Outcome::nothing(true)
    } else {
        engine::run(&world, &items, &options, &listeners).await
    };
    outcome.judged.extend(left_out);
    outcome.judged.sort_by(|a, b| a.id.cmp(&b.id));
    let mut run = run_facts(&server_arguments, &world, &outcome, 0, (began, started));
    run.catalogue = by_catalogue;
    "none: captured documents".clone_into(&mut run.agent);
    let narrow = "what captured documents can say";
    run.selection.push(narrow.to_owned());
    let of = model::Target {
        name: documents.names().join(", "),
        fhir_base: world.profile.fhir_base.clone(),
        smart_version: smart.as_str().to_owned(),
        smart_version_from: smart_from,
    };
    let report = scribe.report(&world, &outcome.judged, of, run, &requirements);
    conclude(&server_arguments, &folder, &baseline, &outcome, report)
}

fn world(documents: &Documents, started: Instant) -> Result<World, Failure> {
    let profile = Profile::for_url(transport::BASE).map_err(Failure::internal)?;
    let transport: Arc<dyn Transport> = Arc::new(Captured::new(documents.clone()));
    let clock: Arc<dyn crate::clock::Clock> = Arc::new(SystemClock);
    let keys = Keys::new();
    let agent = HttpAgent::new(
        Arc::clone(&transport),
        Setup::of_profile(&profile, Arc::clone(&clock), started),
    );
    World::new(Parts {
        key_server: KeyServer::new(&profile, &keys),
        profile: Arc::new(profile),
        transport,
        agent: Arc::new(agent),
        clock,
        keys: Arc::new(keys),
        seed: 0,
        slow: false,
        started,
    })
    .map_err(Failure::internal)
}

/// What the documents say; an openid-configuration alone still names the issuer below which it would stand.
async fn facts(world: &World, documents: &Documents) -> Facts {
    let mut facts = crate::step::discover::facts(world).await.clone();
    if let Some(openid) = documents.get(Kind::Openid) {
        facts.openid = Some(openid.clone());
        let issuer = || openid["issuer"].as_str().filter(|issuer| Url::parse(issuer).is_ok());
        let above = || transport::BASE.trim_end_matches("/fhir");
        facts.issuer = facts.issuer.or_else(|| Some(issuer().unwrap_or_else(above).to_owned()));
        if !documents.has(Kind::Smart) {
            // Who gives the document alone says that there is single sign-on.
            facts.capabilities.push("sso-openid-connect".to_owned());
        }
    }
    if documents.has(Kind::Brands) {
        facts.brand_bundle = Some(Captured::new(documents.clone()).brands_at().to_owned());
    }
    if documents.has(Kind::Keys) {
        facts.jwks_uri = Some(Captured::new(documents.clone()).keys_at().to_owned());
    }
    facts
}

fn judged_by(
    arguments: &DiscoveryArguments,
    documents: &Documents,
    profile: &Profile,
    facts: &Facts,
) -> (SmartVersion, String) {
    let given = arguments.smart.as_deref().and_then(smart_version);
    if given.is_none() && !documents.has(Kind::Smart) {
        let why = "the newest: no smart-configuration was given from which to infer it";
        return (SmartVersion::V2_2, why.to_owned());
    }
    version::infer(given, profile, facts)
}

fn skipped(item: &Item<'_>, reason: String) -> Judged {
    Judged {
        id: item.id(),
        scenario: item.loaded.id.clone(),
        case: item.case.map(str::to_owned),
        client: item.client_word.map(str::to_owned),
        level: item.loaded.scenario.level,
        status: Status::Skip,
        holds: None,
        reason: Some(reason),
        expected: None,
        observed: None,
        evidence: Vec::new(),
        screenshot: None,
        duration_ms: 0,
    }
}
