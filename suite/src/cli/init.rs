//! `launchproof init`: asks a server what it is and writes a first profile of it, with the gaps marked.

mod answers;
mod client_block;
mod files;
mod key_pair;
mod profile_text;
mod register;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reports::exit;
use tokio::sync::watch;

use super::Failure;
use super::interrupt;
use super::reach;
use super::test_server::fresh_seed;
use super::whole_file::Secrecy;
use crate::demo;
use crate::scenario::precautions;
use crate::target::{Profile, ProfileError};
use answers::Answers;
use files::Beside;

const OFF_LOOPBACK: &str =
    "--register adds clients at the server; off loopback say so: --register --allow registration";

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// FHIR base URL of the server.
    fhir_base: String,
    /// Where to write the profile; `-` prints it.
    #[arg(long, value_name = "FILE", default_value = "ehr.toml")]
    out: PathBuf,
    /// Overwrite a profile that is there.
    #[arg(long)]
    force: bool,

    /// Register the clients that a run needs, where the server has a registration_endpoint (RFC 7591).
    #[arg(long, help_heading = "Registration")]
    register: bool,
    /// Lift a precaution that holds off loopback; `--register` needs it there.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = ["registration"], help_heading = "Registration")]
    allow: Vec<String>,
    /// Environment variable that holds the initial access token which the registration_endpoint wants.
    #[arg(long, value_name = "NAME", requires = "register", help_heading = "Registration")]
    registration_token: Option<String>,
    /// Make key files for clients that sign, beside the profile, so that you can register their public halves.
    #[arg(long, help_heading = "Registration")]
    keys: bool,

    /// Seconds of one request.
    #[arg(long, value_name = "SECONDS", help_heading = "Run", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// PEM file of further certificate authorities.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    ca_file: Option<PathBuf>,
    /// Do not check certificates.
    #[arg(long, help_heading = "Run")]
    insecure: bool,
}

pub(super) async fn run(arguments: InitArguments) -> Result<u8, Failure> {
    let interrupt::Interrupt { once, mut twice } = interrupt::listen(
        "ending; the profile of the clients that are registered follows (once more: at once, without it)",
    );
    tokio::select! {
        done = init(&arguments, once) => done,
        () = interrupt::happened(&mut twice) => Err(interrupted()),
    }
}

fn interrupted() -> Failure {
    Failure {
        code: exit::INTERRUPTED,
        message: "interrupted; no profile was written".to_owned(),
    }
}

async fn init(arguments: &InitArguments, mut cancel: watch::Receiver<bool>) -> Result<u8, Failure> {
    let mut profile = Profile::for_url(&arguments.fhir_base).map_err(Failure::usage)?;
    refuse(arguments, &profile)?;
    let token = initial_access_token(arguments)?;
    if let Some(seconds) = arguments.timeout {
        profile.limits.request = Duration::from_secs(seconds);
    }
    profile.network.ca_file.clone_from(&arguments.ca_file);
    profile.network.insecure = arguments.insecure;
    let transport = demo::transport(&profile).map_err(Failure::input)?;
    let world = reach::world(profile, transport, fresh_seed())?;
    let answers = tokio::select! {
        answers = Answers::ask(&world) => answers,
        () = interrupt::happened(&mut cancel) => return Err(interrupted()),
    };
    if let Some(problem) = answers.nothing(&world) {
        return Err(Failure {
            code: exit::UNREACHABLE,
            message: problem,
        });
    }
    let beside = Beside::of(&arguments.out, arguments.force);
    let done = if arguments.register {
        // The FHIR base may be a tunnel to this machine, and the identity provider elsewhere.
        if arguments.allow.is_empty() && !precautions::registers_here(&world.profile, &answers.facts) {
            return Err(Failure::usage(OFF_LOOPBACK));
        }
        register::all(&world, &answers, &beside, token.as_ref(), &cancel).await?
    } else if arguments.keys {
        register::keys_alone(&world, &answers, &beside)?
    } else {
        register::Done::default()
    };
    let text = profile_text::render(&world, &answers, &done, arguments);
    // What does not load would send its reader off with a riddle.
    let folder = arguments.out.parent().unwrap_or(Path::new(""));
    Profile::parse(&text, "the profile that was written", folder).map_err(|error| unusable(&error, &done))?;
    if arguments.out.as_os_str() == "-" {
        crate::say::raw(text.as_bytes());
    } else {
        files::write(&arguments.out, &text, Secrecy::Public, arguments.force)?;
        tell(arguments, &done);
    }
    for failure in &done.failures {
        tell!("launchproof: {failure}");
    }
    if done.interrupted {
        return Err(Failure {
            code: exit::INTERRUPTED,
            message: "interrupted before all clients were registered; the profile has those that are".to_owned(),
        });
    }
    Ok(if done.failures.is_empty() {
        exit::NOTHING_UNEXPECTED
    } else {
        exit::INCOMPLETE
    })
}

/// A profile of ours that cannot be read: who is registered can be removed by the files that were kept.
fn unusable(error: &ProfileError, done: &register::Done) -> Failure {
    let kept: Vec<String> = done.files.iter().map(|file| file.display().to_string()).collect();
    Failure::internal(match kept.as_slice() {
        [] => error.to_string(),
        _ => format!(
            "{error}; no profile was written, and these files are there: {}",
            kept.join(", ")
        ),
    })
}

/// What is wrong with the command line, before anything is sent.
fn refuse(arguments: &InitArguments, profile: &Profile) -> Result<(), Failure> {
    let printed = arguments.out.as_os_str() == "-";
    if arguments.register && !profile.is_loopback() && arguments.allow.is_empty() {
        return Err(Failure::usage(OFF_LOOPBACK));
    }
    if (arguments.register || arguments.keys) && printed {
        return Err(Failure::usage(
            "--register and --keys write secrets into files beside the profile; name one with --out FILE",
        ));
    }
    let folder = arguments.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!(
            "{} is no folder; make it, or choose another place with --out",
            folder.display()
        )));
    }
    if !printed && !arguments.force && arguments.out.exists() {
        return Err(Failure::usage(format!(
            "{} is there already; choose another name with --out, or overwrite it with --force",
            arguments.out.display()
        )));
    }
    Ok(())
}

/// RFC 7591 §3: the token without which some servers register nobody.
fn initial_access_token(arguments: &InitArguments) -> Result<Option<crate::http::Secret>, Failure> {
    let Some(name) = &arguments.registration_token else {
        return Ok(None);
    };
    match std::env::var(name) {
        Ok(token) if !token.is_empty() => Ok(Some(crate::http::Secret::new(token))),
        _ => Err(Failure::usage(format!(
            "--registration-token {name}: this environment variable is not set, or empty"
        ))),
    }
}

fn tell(arguments: &InitArguments, done: &register::Done) {
    let out = arguments.out.display();
    say!("{out}: written");
    for file in &done.files {
        say!("{}: written; keep it secret", file.display());
    }
    if !done.clients.is_empty() {
        say!("registered: {} clients", done.clients.len());
    }
    say!("Fill in its gaps (lines that begin with # and no space), then: launchproof doctor --target {out}");
}
