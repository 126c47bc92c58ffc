//! `--fhir-upstream`: the mock in front of another FHIR server, an honest one and one that does as a test tells it.

mod people;
mod program;
mod reading;
mod searching;
mod servers;
mod standalone;
mod trouble;
mod writing;
