//! The mock EHR as a small binary of its own.
fn main() {}
