//! The mock EHR.

pub mod fhir;
pub mod scope;
