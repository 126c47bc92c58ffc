//! `launchproof doctor`: rehearses a run and says what is in its way, what to do about it, and what it will leave out.

mod answers;
mod certificate;
mod clients;
mod finding;
mod outlook;
mod sign_in;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use reports::exit;
use url::Url;

use super::agent::{self, AgentKind, AgentOptions};
use super::interrupt;
use super::test_server::fresh_seed;
use super::{Failure, catalogue};
use crate::clock::{Clock, SystemClock};
use crate::demo;
use crate::key_server;
use crate::record::Scribe;
use crate::scenario::load::Loaded;
use crate::step::world::{Facts, Parts};
use crate::step::{World, discover};
use crate::target::{ClientKind, Profile};
use finding::{Examination, Finding};

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["fhir_base", "target"])))]
pub(super) struct DoctorArguments {
    /// FHIR base URL of the server, where there is no profile yet.
    fhir_base: Option<String>,
    /// Profile of the target (TOML).
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Print JSON instead of lines for people.
    #[arg(long)]
    json: bool,

    /// The user's browser.
    #[arg(long, value_enum, default_value = "http", help_heading = "Sign-in")]
    agent: AgentKind,
    /// With `--agent chrome`: show the browser, so that a person signs in.
    #[arg(long, help_heading = "Sign-in")]
    assist: bool,
    /// With `--agent manual`: open each URL in the default browser.
    #[arg(long, help_heading = "Sign-in")]
    open: bool,
    /// Launch every client of the profile, not one alone.
    #[arg(long, help_heading = "Sign-in", conflicts_with = "no_sign_in")]
    every_client: bool,
    /// Launch none: nobody signs in.
    #[arg(long, help_heading = "Sign-in")]
    no_sign_in: bool,

    /// Seconds of one request, and of one connection.
    #[arg(long, value_name = "SECONDS", help_heading = "Run", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// PEM file of further certificate authorities.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    ca_file: Option<PathBuf>,
    /// Do not check certificates.
    #[arg(long, help_heading = "Run")]
    insecure: bool,
}

pub(super) async fn run(arguments: DoctorArguments) -> Result<u8, Failure> {
    let mut interrupted = interrupt::listen("ending").once;
    let done = tokio::select! {
        done = examine(&arguments) => done?,
        () = interrupt::happened(&mut interrupted) => {
            return Err(Failure { code: exit::INTERRUPTED, message: "interrupted".to_owned() });
        }
    };
    if arguments.json {
        let text = serde_json::to_string_pretty(&done).map_err(Failure::internal)?;
        crate::say::json(&text);
    } else {
        say!("{}", done.text());
    }
    Ok(done.exit_code)
}

async fn examine(arguments: &DoctorArguments) -> Result<Examination, Failure> {
    let (scenarios, _) = catalogue(None)?;
    let mut found = Examination::default();
    if let Some(profile) = profile(arguments, &mut found)? {
        found.target.clone_from(&profile.name);
        found.fhir_base.clone_from(&profile.fhir_base);
        all(arguments, profile, &scenarios, &mut found).await?;
    }
    found.conclude();
    Ok(found)
}

/// The profile; where it cannot be read, that is the one finding.
fn profile(arguments: &DoctorArguments, found: &mut Examination) -> Result<Option<Profile>, Failure> {
    let mut profile = match (&arguments.target, &arguments.fhir_base) {
        (Some(path), _) => match Profile::load(path) {
            Ok(profile) => {
                found.add([Finding::ok("profile", format!("{} can be read", path.display()))]);
                profile
            }
            Err(error) => {
                found.target = path.display().to_string();
                found.add([Finding::of_profile(
                    "profile",
                    error.to_string(),
                    "mend it; docs/profiles.md shows profiles of several servers",
                )]);
                return Ok(None);
            }
        },
        (None, base) => Profile::for_url(base.as_deref().unwrap_or_default()).map_err(Failure::usage)?,
    };
    let limits = &mut profile.limits;
    limits.request = arguments.timeout.map_or(limits.request, Duration::from_secs);
    if arguments.agent == AgentKind::Manual || arguments.assist {
        // A person is slower than a step may otherwise be.
        limits.step = limits.step.max(agent::PATIENCE);
    }
    if let Some(path) = &arguments.ca_file {
        profile.network.ca_file = Some(path.clone());
    }
    profile.network.insecure = arguments.insecure;
    Ok(Some(profile))
}

async fn all(
    arguments: &DoctorArguments,
    profile: Profile,
    scenarios: &[Loaded],
    found: &mut Examination,
) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    found.add(certificate::of_client(
        profile.network.client_cert.as_ref(),
        clock.now(),
    ));
    let (keys, of_keys) = clients::keys(&profile);
    found.add(of_keys);
    found.add(way::proxy(&profile.network, &|name| std::env::var(name).ok()));
    let base = Url::parse(&profile.fhir_base).map_err(Failure::internal)?;
    found.add(way::reach(&profile.network, &base, profile.limits.request).await);
    let transport = match demo::transport(&profile) {
        Ok(transport) => transport,
        Err(error) => {
            found.add([Finding::of_profile(
                "profile",
                error.to_string(),
                "mend [network] in the profile",
            )]);
            return Ok(());
        }
    };
    if found.failed("names") || found.failed("tcp") {
        return Ok(());
    }
    let started = Instant::now();
    let options = AgentOptions {
        assist: arguments.assist,
        open: arguments.open,
        max_sign_ins: None,
        sign_ins: (1, 1),
    };
    // Without the keys of all clients nobody is launched, so that no browser is needed.
    let launches = !arguments.no_sign_in && !found.failed("keys");
    let kind = if launches { arguments.agent } else { AgentKind::Http };
    let agent = agent::agent(kind, &options, &profile, &transport, &clock, started)?;
    let (key_server, _serving) = key_server::listen(&profile, &keys).await;
    let world = World::new(Parts {
        profile: Arc::new(profile),
        transport,
        agent,
        clock,
        keys: Arc::new(keys),
        key_server,
        seed: fresh_seed(),
        slow: false,
        started,
    })
    .map_err(Failure::internal)?;
    let scribe = Scribe::new(&world, scenarios, false);
    asked(arguments, &world, scenarios, launches, found).await;
    world.agent.close().await;
    found.each_text(|text| scribe.scrub(&world.recorder, text));
    Ok(())
}

/// What is found by asking the target.
async fn asked(
    arguments: &DoctorArguments,
    world: &World,
    scenarios: &[Loaded],
    launches: bool,
    found: &mut Examination,
) {
    let base = Url::parse(&world.profile.fhir_base).ok();
    for url in base.iter().filter(|url| url.scheme() == "https") {
        found.add(certificate::examine(world, url).await);
    }
    if found.failed("tls") {
        return;
    }
    let facts = discover::facts(world).await;
    for url in further(base.as_ref(), facts) {
        found.add(way::reach(&world.profile.network, &url, world.limits.request).await);
        if url.scheme() == "https" {
            found.add(certificate::examine(world, &url).await);
        }
    }
    found.add(answers::clock(world).await);
    found.add(answers::discovery(world, facts));
    if found.failed("discovery") && facts.smart.is_none() && facts.capability.is_none() {
        return;
    }
    found.add(answers::keys(world, facts).await);
    found.add(clients::kinds(&world.profile, facts, arguments.agent));
    found.add(clients::keys_fit(&world.profile, facts, &world.keys, &world.key_server));
    if launches {
        found.add(sign_in::rehearse(world, arguments.every_client).await);
    } else if arguments.no_sign_in && world.profile.clients.iter().any(|one| one.kind != ClientKind::Backend) {
        found.add([Finding::warn(
            "sign-in",
            "not tried (--no-sign-in)",
            "leave the flag away to see whether a launch succeeds",
        )]);
    }
    outlook::foresee(world, facts, scenarios, found).await;
}

/// Hosts beside the FHIR base's on which a run depends, an address of each.
fn further(base: Option<&Url>, facts: &Facts) -> Vec<Url> {
    let listed = [
        facts.token_endpoint.as_deref(),
        facts.jwks_uri.as_deref(),
        facts.issuer.as_deref(),
    ];
    let listed = listed.into_iter().flatten().filter_map(|text| Url::parse(text).ok());
    let mut seen: Vec<_> = base.map(Url::origin).into_iter().collect();
    let mut urls: Vec<Url> = facts.authorization_endpoint.iter().cloned().chain(listed).collect();
    urls.retain(|url| {
        let is_new = !seen.contains(&url.origin());
        seen.push(url.origin());
        is_new
    });
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_whose_origin_begins_that_of_the_base_is_another_host() {
        let base = Url::parse("https://ehr.example:4430/fhir").expect("a URL");
        let facts = Facts {
            token_endpoint: Some("https://ehr.example:443/token".to_owned()),
            jwks_uri: Some("https://ehr.example/keys".to_owned()),
            issuer: Some("https://ehr.example:4430/".to_owned()),
            ..Facts::default()
        };
        let urls: Vec<String> = further(Some(&base), &facts).into_iter().map(String::from).collect();
        assert_eq!(urls, ["https://ehr.example/token"]);
    }
}
