//! Behaviour of the mock EHR, through its router: what it accepts, what it refuses, and how each defect and variant
//! shows on the wire.

mod clients;
mod defects;
mod faults;
mod fhir;
mod form_post;
mod granted_apps;
mod harness;
mod identity_provider;
mod inspect;
mod launcher;
mod launches;
mod management;
mod personas;
mod population;
mod robustness;
mod serve;
mod shelf;
mod standalone;
mod state;
mod upstream;
mod variants;

/// Says loudly that a test did nothing. Printed texts of tests that pass are swallowed; `./test` counts these lines.
fn skipped(why: &dyn std::fmt::Display) {
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("########  SKIPPED: {why}  ########\n"),
    );
}
