//! Behaviour of the suite, by the rooms of `src/`.

mod architecture;
mod bad_input;
mod captured;
mod chrome;
mod client_choice;
mod controls;
mod coverage;
mod distribution;
mod doctor;
mod documentation;
mod exit_codes;
mod gate;
mod init;
mod interop;
mod interrupt;
mod leak;
mod list;
mod many_targets;
mod partition;
mod precautions;
mod profile;
mod program;
mod report_files;
mod scenario_errors;
mod schema;
mod selftest;
mod streams;
mod survey;
mod targets;
mod tls;
mod transport;
mod user_agent;
mod versions;

/// Says loudly that a test did nothing. Printed texts of tests that pass are swallowed; `./test` counts these lines.
fn skipped(why: &dyn std::fmt::Display) {
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("########  SKIPPED: {why}  ########\n"),
    );
}
