//! The FHIR R4 server: embedded people, read and search, with access enforced.
