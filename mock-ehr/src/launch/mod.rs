//! EHR launch: makes the `launch` value, answers with the launch URI, sends the browser to the app.
//!
//! SMART App Launch 2.2, "Launch App: EHR Launch": <https://hl7.org/fhir/smart-app-launch/app-launch.html>

pub(crate) mod api;
pub(crate) mod launcher;
pub(crate) mod token;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use api::{LaunchError, LaunchRequest, LaunchResponse};

/// What the EHR tells the app about where it was launched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchContext {
    /// Id of the Patient whose record is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// Id of the Encounter that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter: Option<String>,
    /// Other resources in context: an array of objects.
    #[serde(default, rename = "fhirContext", skip_serializing_if = "Option::is_none")]
    pub fhir_context: Option<Vec<Value>>,
    /// Must the app show whose record it is?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_patient_banner: Option<bool>,
    /// What the user wants to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
}
