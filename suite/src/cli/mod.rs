//! The command line: one subcommand, one file. Exit codes are those of [`reports::exit`].

mod agent;
mod baseline;
mod conclude;
mod diff;
mod doctor;
mod enough;
mod explain;
mod folder;
mod formats;
mod github;
mod init;
mod interrupt;
mod lint;
mod list;
mod man;
mod merge;
mod progress;
mod reach;
mod render;
mod schema;
mod selftest;
mod serve;
mod server_arguments;
mod survey;
mod targets;
mod test_discovery;
mod test_server;
mod verify;
mod whole_file;

use clap::{CommandFactory, Parser, Subcommand};
use reports::exit;

/// Name and version, as they stand in a report.
const TOOL: &str = concat!("launchproof ", env!("CARGO_PKG_VERSION"));

/// Conformance tests and a mock EHR for SMART App Launch.
#[derive(Debug, Parser)]
#[command(
    name = "launchproof",
    version = version(),
    about,
    after_help = exit_codes(),
    max_term_width = 120
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges a server or an app.
    #[command(subcommand)]
    Test(Test),
    /// Asks a server what it is and writes a first profile of it, with the gaps marked.
    Init(Box<init::InitArguments>),
    /// Rehearses a run: names, TLS, clock, discovery, clients, one sign-in; what is in the way, and what to do about it.
    Doctor(Box<doctor::DoctorArguments>),
    /// Asks thousands of FHIR bases for what needs no client (discovery, CORS, TLS); a line of JSON about each.
    Survey(Box<survey::SurveyArguments>),
    /// Starts the mock EHR and prints its URLs.
    Serve(Box<serve::ServeArguments>),
    /// Lists scenarios, requirements, defects, variants, targets or personas.
    List(list::ListArguments),
    /// Explains a scenario, a requirement, a defect or a variant.
    Explain(explain::ExplainArguments),
    /// Checks scenario files: the embedded ones, or a folder of one's own.
    Lint(lint::LintArguments),
    /// Compares two finished runs: what is fixed, broken, new and gone.
    Diff(diff::DiffArguments),
    /// Makes one report of the parts of a run (`--partition`).
    Merge(merge::MergeArguments),
    /// Prints a JSON Schema: `scenario`, `run` or `diff`.
    Schema(schema::SchemaArguments),
    /// Proves the suite: each scenario against each deliberate defect of the mock EHR.
    Selftest(selftest::SelftestArguments),
    /// Makes other forms of a finished run.
    Render(render::RenderArguments),
    /// Checks that an evidence bundle (`--bundle`) is whole and unaltered.
    Verify(verify::VerifyArguments),
    /// Checks or updates a baseline against a finished run.
    Baseline(baseline::BaselineArguments),
    /// Prints shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes one for each command into a folder.
    Man(man::ManArguments),
}

#[derive(Debug, Subcommand)]
enum Test {
    /// Judges a SMART server: at a URL, by a profile, or (with neither) the embedded mock EHR.
    Server(Box<server_arguments::ServerArguments>),
    /// Judges captured discovery documents, without a network.
    Discovery(Box<test_discovery::DiscoveryArguments>),
}

/// A user's mistake or a failure that ends the program before there is a report: what to print, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn input(message: impl std::fmt::Display) -> Self {
        Self {
            code: exit::BAD_INPUT,
            message: message.to_string(),
        }
    }

    fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            code: exit::USAGE,
            message: message.to_string(),
        }
    }

    fn internal(message: impl std::fmt::Display) -> Self {
        let hint = "this is a bug of launchproof; please report it with the command line";
        Self {
            code: exit::INTERNAL,
            message: format!("{message}\n{hint}"),
        }
    }
}

/// Runs the command line; the exit code comes back.
pub fn main() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() {
                exit::USAGE
            } else {
                exit::NOTHING_UNEXPECTED
            };
            // Nothing to do where even the error cannot be printed.
            let _ = error.print();
            return code;
        }
    };
    let runtime = match builder(&arguments.command).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell!("launchproof: no runtime: {error}");
            return exit::INTERNAL;
        }
    };
    // A run has its report; of the other commands what they say is all there is.
    let only_says = !matches!(
        arguments.command,
        Command::Test(_) | Command::Merge(_) | Command::Serve(_)
    );
    let done = guarded(|| runtime.block_on(run(arguments.command)));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match done {
        Ok(code) => match crate::say::lost() {
            Some(error) => {
                tell!("launchproof: standard output could not be written: {error}");
                if only_says { exit::USAGE } else { code }
            }
            None => code,
        },
        Err(failure) => {
            tell!("launchproof: {}", failure.message);
            failure.code
        }
    }
}

/// A run asks one thing after another: on one thread, nobody has to wake another for each answer. What serves many, and
/// the defect matrix, use every core.
fn builder(command: &Command) -> tokio::runtime::Builder {
    let several = matches!(command, Command::Test(Test::Server(arguments)) if arguments.targets.is_some());
    match command {
        _ if several => tokio::runtime::Builder::new_multi_thread(),
        Command::Serve(_) | Command::Selftest(_) | Command::Survey(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    }
}

/// A panic of ours is a bug, and has an exit code of its own; what it says was printed where it happened.
fn guarded(work: impl FnOnce() -> Result<u8, Failure>) -> Result<u8, Failure> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Failure::internal("it ended in the middle of its work, as said above")))
}

async fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Test(Test::Server(arguments)) => test_server::run(*arguments).await,
        Command::Test(Test::Discovery(arguments)) => test_discovery::run(*arguments).await,
        Command::Init(arguments) => init::run(*arguments).await,
        Command::Doctor(arguments) => Box::pin(doctor::run(*arguments)).await,
        Command::Survey(arguments) => survey::run(*arguments).await,
        Command::Serve(arguments) => serve::run(*arguments).await,
        Command::List(arguments) => list::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Selftest(arguments) => selftest::run(arguments).await,
        Command::Render(arguments) => render::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Baseline(arguments) => baseline::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Man(arguments) => man::run(&arguments, Arguments::command()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "launchproof", &mut script);
            crate::say::raw(&script);
            Ok(exit::NOTHING_UNEXPECTED)
        }
    }
}

/// The version, and by which catalogue this program judges.
fn version() -> &'static str {
    static VERSION: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let program = env!("CARGO_PKG_VERSION");
        format!("{program}\ncatalogue sha256:{}", fixtures::CATALOGUE_SHA256)
    });
    &VERSION
}

/// SHA-256 of what a run is judged by: the embedded catalogue, and a vendor's own scenarios where there are any.
fn catalogue_hash(scenarios: &[crate::scenario::load::Loaded]) -> String {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};
    let own: Vec<_> = scenarios
        .iter()
        .filter(|loaded| !loaded.origin.starts_with("fixtures/"))
        .collect();
    if own.is_empty() {
        return fixtures::CATALOGUE_SHA256.to_owned();
    }
    let mut hash = Sha256::new();
    hash.update(fixtures::CATALOGUE_SHA256);
    for loaded in own {
        hash.update(format!("\n{} {}\n", loaded.id, loaded.text.len()));
        hash.update(&loaded.text);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The public exit codes, for `--help`.
fn exit_codes() -> String {
    use std::fmt::Write as _;
    let mut text = String::from("Exit codes:\n");
    for code in 0..=u8::MAX {
        if let Some(meaning) = exit::meaning(code) {
            let _ = writeln!(text, "  {code:<4} {meaning}");
        }
    }
    text.push_str("Where several hold, the first of 70, 130, 2, 3, 4, 8, 1, 6, 5, 0 is given.");
    text
}

/// The scenarios (with a vendor's own) and the requirements, or a failure that lists everything wrong with them.
fn catalogue(more: Option<&std::path::Path>) -> Result<(Vec<crate::scenario::load::Loaded>, Requirements), Failure> {
    let list = |lines: Vec<String>| Failure::input(lines.join("\n"));
    let scenarios =
        crate::scenario::load::load(more).map_err(|errors| list(errors.iter().map(ToString::to_string).collect()))?;
    let requirements = crate::scenario::requirement::all().map_err(list)?;
    let versions = crate::scenario::versions::table(&requirements).map_err(list)?;
    let errors = crate::scenario::lint::lint(&scenarios, &requirements, &versions);
    if errors.is_empty() {
        Ok((scenarios, requirements))
    } else {
        Err(list(errors.iter().map(ToString::to_string).collect()))
    }
}

type Requirements = std::collections::BTreeMap<String, crate::scenario::requirement::Requirement>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_bug_of_ours_with_its_own_code() {
        let failure = guarded(|| panic!("on purpose, in a test")).expect_err("it panicked");
        assert_eq!(failure.code, exit::INTERNAL);
        assert!(failure.message.contains("please report it"));
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
