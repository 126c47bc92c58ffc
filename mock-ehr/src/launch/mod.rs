//! EHR launch: makes the `launch` value, answers with the launch URI, sends the browser to the app.
//!
//! SMART App Launch 2.2, "Launch App: EHR Launch": <https://hl7.org/fhir/smart-app-launch/app-launch.html>

pub(crate) mod api;
mod begin;
pub(crate) mod choices;
mod context;
pub(crate) mod embedded;
pub(crate) mod fault;
pub(crate) mod launcher;
mod links;
pub(crate) mod remembered;
pub(crate) mod standalone;
pub(crate) mod token;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use begin::check_typed;
pub use begin::{LaunchError, LaunchRequest, LaunchResponse, LaunchType};
pub(crate) use context::is_reserved;

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
    /// Which customer's records these are; the configuration's, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Where the app learns how to look; the mock's own document, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smart_style_url: Option<String>,
    /// Further members of the token response, of names that mean nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}
