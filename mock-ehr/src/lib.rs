//! The mock EHR.

pub mod scope;
