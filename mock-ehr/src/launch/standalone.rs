//! A standalone launch with choices: the app is told a FHIR base of its own, whose path carries them.
//!
//! `{public_url}/l/{choices}/fhir` is an EHR of its own: an app that is pointed at it finds there the discovery document
//! and the data, and names it as `aud`, so that its authorization request is known for what it is. A token is good at
//! the base that was named when it was asked for, and nowhere else, as it would be at two EHRs that share an
//! authorization server (SMART App Launch 2.2, "Obtain authorization code", `aud`):
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html>
//!
//! Equal choices make the same address, and nothing is stored: it holds after a restart, and when it is typed in by hand.
//! What follows the choices is a checksum and no signature: whoever reaches this server may choose what he likes, and a
//! shortened address must not become another EHR.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Extensions, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use super::LaunchRequest;
use super::begin::LaunchError;
use super::fault::Riders;
use crate::faults;
use crate::state::AppState;

/// Where such bases begin.
const BEFORE: &str = "/l/";
const BEHIND: &str = "/fhir";

/// What can stand in an address that every server on the way passes on.
const AT_MOST: usize = 1500;

/// Bytes of the checksum.
const CHECK: usize = 6;

/// What choices may have as JSON: behind them come a point and eight characters of the checksum.
const ROOM: usize = (AT_MOST - 1 - CHECK / 3 * 4) * 3 / 4;

/// What the address of a base says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preset {
    /// Who signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Who is picked, where the app asks for a patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patient: Option<String>,
    /// Which visit is open, where the app asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encounter: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

impl Preset {
    /// Of a launch that was checked.
    pub(super) fn of(request: &LaunchRequest) -> Self {
        Self {
            user: request.user.clone(),
            patient: request.patient.clone(),
            encounter: request.encounter.clone(),
            faults: request.faults.clone(),
        }
    }

    /// The FHIR base that carries it: the ordinary one, where nothing is chosen.
    pub(super) fn base(&self, state: &AppState) -> Result<String, LaunchError> {
        if *self == Self::default() {
            return Ok(state.fhir_base().into_owned());
        }
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        if bytes.len() > ROOM {
            return Err(LaunchError::Fault(format!(
                "the choices have {} bytes as JSON; an address carries {ROOM}: leave some faults out",
                bytes.len()
            )));
        }
        let text = URL_SAFE_NO_PAD.encode(&bytes);
        Ok(format!(
            "{}{BEFORE}{text}.{}{BEHIND}",
            state.public_url(),
            checksum(&bytes)
        ))
    }

    fn read(text: &str) -> Option<Self> {
        let (choices, check) = text.split_once('.')?;
        let bytes = URL_SAFE_NO_PAD.decode(choices).ok().filter(|_| text.len() <= AT_MOST)?;
        (checksum(&bytes) == check)
            .then(|| serde_json::from_slice(&bytes).ok())
            .flatten()
    }
}

fn checksum(choices: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(choices)[..CHECK])
}

/// A FHIR base with choices.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) preset: Preset,
    pub(crate) riders: Riders,
}

impl Base {
    fn read(state: &AppState, text: &str) -> Result<Self, String> {
        let again = "make it anew on the launcher page";
        let preset = Preset::read(text)
            .ok_or_else(|| format!("this address was altered or cut, or its choices are not known; {again}"))?;
        let request = LaunchRequest {
            user: preset.user.clone(),
            patient: preset.patient.clone(),
            encounter: preset.encounter.clone(),
            faults: preset.faults.clone(),
            ..LaunchRequest::default()
        };
        // Another start may have other users, records and faults.
        let checked = state.check_preset(&request, state.known());
        let riders = checked.map_err(|error| format!("{error}; this address does not fit this server: {again}"))?;
        let address = format!("{}{BEFORE}{text}{BEHIND}", state.public_url());
        let riders = Riders {
            launch: address.clone(),
            base: Some(Arc::from(address)),
            ..riders
        };
        state.carries_faults(&riders);
        Ok(Self { preset, riders })
    }

    /// The base that an app names as the audience of its token.
    pub(crate) fn of_aud(state: &AppState, aud: &str) -> Option<Self> {
        let path = aud.trim_end_matches('/').strip_prefix(state.public_url())?;
        let text = path.strip_prefix(BEFORE)?.strip_suffix(BEHIND)?;
        Self::read(state, text).ok()
    }

    /// What carries it, in a launch that begins now: broken answers count anew. So do those of the requests that
    /// come before it and know the base alone, for the next launch there.
    pub(crate) fn begun(&self, state: &AppState) -> Riders {
        // A request whose answer gets lost is made again, and is still of the same launch.
        if !faults::is_spoilt() {
            state.faults().count_anew(&self.riders.launch);
        }
        Riders {
            launch: state.chance().token::<16>(),
            ..self.riders.clone()
        }
    }
}

/// At which base a request came, where that is not the ordinary one: what stood before `/fhir`, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) prefix: String,
    pub(crate) base: Result<Arc<Base>, String>,
}

/// Every request at such a base: the same server answers it, and is told which base it is.
pub(crate) async fn enter(state: AppState, inner: Router, request: Request) -> Response {
    let Some((prefix, rest)) = split(request.uri()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text = prefix.trim_start_matches(BEFORE);
    let at = At {
        base: Base::read(&state, text).map(Arc::new),
        prefix: prefix.clone(),
    };
    let Ok(uri) = rest.parse::<Uri>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (mut head, body) = request.into_parts();
    head.uri = uri;
    // Those that came have the parts of the outer address, which handlers would take for their own.
    head.extensions = Extensions::new();
    head.extensions.insert(at);
    match inner.oneshot(Request::from_parts(head, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// `/l/{choices}` and what follows it.
fn split(uri: &Uri) -> Option<(String, String)> {
    let whole = uri.path_and_query()?.as_str();
    let end = BEFORE.len() + whole.strip_prefix(BEFORE)?.find('/')?;
    let (prefix, rest) = whole.split_at(end);
    Some((prefix.to_owned(), rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset() -> Preset {
        Preset {
            user: Some("demo".into()),
            patient: Some("patient-a".into()),
            encounter: None,
            faults: vec!["token:status-503".into()],
        }
    }

    #[test]
    fn choices_are_read_back_and_a_shortened_address_is_none() {
        let bytes = serde_json::to_vec(&preset()).unwrap();
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(&bytes), checksum(&bytes));
        assert_eq!(Preset::read(&text), Some(preset()));
        for end in 0..text.len() {
            assert_eq!(Preset::read(&text[..end]), None, "{end}");
        }
        assert_eq!(Preset::read(&format!("A{text}")), None);
    }

    #[test]
    fn a_path_is_split_behind_its_choices() {
        let at = |text: &str| split(&text.parse().unwrap());
        let parts = at("/l/abc.def/fhir/Patient?name=a").unwrap();
        assert_eq!(parts, ("/l/abc.def".to_owned(), "/fhir/Patient?name=a".to_owned()));
        assert_eq!(at("/l/abc"), None);
        assert_eq!(at("/fhir"), None);
    }
}
