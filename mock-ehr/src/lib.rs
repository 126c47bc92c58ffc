//! The mock EHR.
