//! The mock EHR as a small binary of its own: parse, bind, serve.

use std::process::ExitCode;

use clap::Parser;
use mock_ehr::serve::{ServeArgs, run};

/// A strict SMART on FHIR server for tests, with synthetic patients; it misbehaves only by a named defect.
#[derive(Debug, Parser)]
#[command(name = "mock-ehr", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a mistake on the command line or in a file, as clap's own.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mock-ehr: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments.serve)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-ehr: {error}");
            ExitCode::from(USAGE)
        }
    }
}
