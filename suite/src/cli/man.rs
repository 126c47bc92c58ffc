//! `launchproof man`: manual pages, made of what `--help` says.

use std::path::PathBuf;

use clap::Args;
use reports::exit;

use super::{Failure, whole_file};

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Write a page for the program and for each command into this folder, instead of the program's own to standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &ManArguments, command: clap::Command) -> Result<u8, Failure> {
    let Some(folder) = &arguments.out else {
        crate::say::raw(&page(&command)?);
        return Ok(exit::NOTHING_UNEXPECTED);
    };
    let fail = |error: std::io::Error| {
        Failure::usage(format!(
            "{}: the manual pages cannot be written: {error}; choose another folder with --out",
            folder.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut commands = vec![command];
    let mut written = 0;
    while let Some(mut command) = commands.pop() {
        // Gives each subcommand its whole name, `launchproof-test-server`.
        command.build();
        let name = command
            .get_display_name()
            .unwrap_or_else(|| command.get_name())
            .to_owned();
        whole_file::write(&folder.join(format!("{name}.1")), &page(&command)?).map_err(fail)?;
        written += 1;
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        commands.extend(below.filter(|below| !below.is_hide_set()).cloned());
    }
    say!("{written} pages in {}", folder.display());
    Ok(exit::NOTHING_UNEXPECTED)
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(Failure::internal)?;
    Ok(page)
}
