//! The FHIR server; its behaviour on the wire is tested beside the code (`src/fhir/tests.rs`), where tokens can be made.

mod access;
