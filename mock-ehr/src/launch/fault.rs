//! Faults that show in one launch only: they ride in its `launch` value, or in the FHIR base of a standalone launch, and
//! in all that comes of it.
//!
//! Whatever belongs to such a launch (the authorization request, its pages, the code, the tokens, the data read with
//! them) is answered with these defects armed; [`crate::faults`] arms them, breaks answers, and names both.

use std::sync::Arc;

use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};

use super::begin::LaunchError;
use super::standalone::Base;
use super::token;
use crate::defect::Defect;
use crate::faults::Carried;
use crate::form::Parameters;
use crate::state::AppState;
use crate::token::access::bearer;

/// What rides with one launch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Named", into = "Named")]
pub(crate) struct Riders {
    pub(crate) defects: Vec<Defect>,
    /// Broken answers.
    pub(crate) broken: Vec<Carried>,
    /// Which launch.
    pub(crate) launch: String,
    /// The FHIR base that carries them, in a standalone launch with choices.
    pub(crate) base: Option<Arc<str>>,
}

impl Riders {
    pub(crate) fn is_empty(&self) -> bool {
        self.defects.is_empty() && self.broken.is_empty() && self.base.is_none()
    }
}

/// The same by its names, as a `launch` and a database have it.
#[derive(Serialize, Deserialize)]
struct Named {
    faults: Vec<String>,
    launch: String,
    base: Option<String>,
}

impl From<Riders> for Named {
    fn from(riders: Riders) -> Self {
        let defects = riders.defects.iter().map(|defect| defect.name().to_owned());
        let broken = riders.broken.iter().map(|carried| carried.text().to_owned());
        Self {
            faults: defects.chain(broken).collect(),
            launch: riders.launch,
            base: riders.base.as_deref().map(str::to_owned),
        }
    }
}

impl From<Named> for Riders {
    fn from(named: Named) -> Self {
        let carrier = if named.base.is_some() {
            Carrier::Base
        } else {
            Carrier::Launch
        };
        // Another version of this program may have known other names.
        let riders = self::named(carrier, &named.faults).unwrap_or_default();
        Self {
            launch: named.launch,
            base: named.base.map(Arc::from),
            ..riders
        }
    }
}

/// With more nobody sees which does what.
const AT_MOST: usize = 16;

/// What carries the faults of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The `launch` value of an EHR launch: what was asked before it came is beyond its reach.
    Launch,
    /// The FHIR base of a standalone launch: its documents are the launch's own.
    Base,
}

/// Topics whose requests are made without any launch: documents that everybody reads, registration, services.
const ELSEWHERE: [&str; 14] = [
    "backend_",
    "brand",
    "certificate",
    "cors_authorization",
    "cors_preflight",
    "discovery_",
    "jwks_",
    "metadata_",
    "oauth_",
    "openid_",
    "registration_",
    "ssl_",
    "style_document",
    "tls_",
];

/// Of these, documents that stand below the FHIR base.
const BELOW_BASE: [&str; 3] = ["discovery_", "metadata_", "oauth_uris_"];

/// Topics of requests that name no FHIR base, or another, or come with a `launch`.
const NOT_BY_BASE: [&str; 2] = ["aud_", "launch_"];

impl Carrier {
    /// Can this defect show within one such launch?
    pub(crate) fn can_carry(self, defect: Defect) -> bool {
        let is_of = |topics: &[&str]| topics.iter().any(|topic| defect.name().starts_with(topic));
        match self {
            Self::Launch => !is_of(&ELSEWHERE),
            Self::Base => (!is_of(&ELSEWHERE) || is_of(&BELOW_BASE)) && !is_of(&NOT_BY_BASE),
        }
    }
}

/// What these names stand for.
pub(super) fn named(carrier: Carrier, names: &[String]) -> Result<Riders, LaunchError> {
    if names.len() > AT_MOST {
        return Err(LaunchError::Fault(format!(
            "{} faults ride with this launch; at most {AT_MOST} can",
            names.len()
        )));
    }
    let mut riders = Riders::default();
    for name in names {
        if let Some(broken) = Carried::read(carrier, name) {
            riders.broken.push(broken.map_err(LaunchError::Fault)?);
            continue;
        }
        let defect: Defect = name.parse().map_err(|error| LaunchError::Fault(format!("{error}")))?;
        if !carrier.can_carry(defect) {
            return Err(LaunchError::Fault(format!(
                "{name} shows in requests that do not belong to a launch of this type; arm it with --defect {name} or by the management API"
            )));
        }
        riders.defects.push(defect);
    }
    Ok(riders)
}

/// What rides with the launch to which a request belongs: by its `launch`, or by what came of it.
///
/// `aud` counts where it is a parameter of the request, which `names_base` says: elsewhere it would lead to another launch.
pub(crate) fn of_request(state: &AppState, uri: &Uri, headers: &HeaderMap, form: &[u8], names_base: bool) -> Riders {
    let store = state.store();
    let has_carried = state.has_carried_faults();
    if has_carried
        && let Ok(token) = bearer(headers)
        && let Some(token) = store.access_token(token)
    {
        return token.grant.faults.clone();
    }
    if !uri.path().starts_with("/auth/") {
        return Riders::default();
    }
    let mut parameters = Parameters::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    parameters.extend(Parameters::parse(form).unwrap_or_default());
    let by = |name: &str| parameters.filled(name);
    let of_aud = |aud: &str| Some(Base::of_aud(state, aud)?.riders);
    // Whoever says `launch` was launched from the EHR, whose base is the ordinary one.
    if names_base
        && by("launch").is_none()
        && let Some(riders) = by("aud").and_then(of_aud)
    {
        return riders;
    }
    if !has_carried {
        return Riders::default();
    }
    let of_launch = |text: &str| {
        let read = token::read(state, text).filter(|read| read.signed_by_us)?;
        Some(read.claims.riders())
    };
    let of_token = |text: &str| {
        let access = store.access_token(text).map(|token| token.grant);
        let grant = access.or_else(|| store.refresh_token(text).map(|token| token.grant))?;
        Some(grant.faults.clone())
    };
    let of_pushed = |uri: &str| {
        let launch = store.parameter_of_pushed(uri, "launch");
        launch.map_or_else(
            || of_aud(&store.parameter_of_pushed(uri, "aud")?),
            |launch| of_launch(&launch),
        )
    };
    let of_pending = |id: &str| {
        let pending = store.pending_of_any(id, state.now())?;
        Some(pending.request.launch?.faults)
    };
    let found = by("launch").and_then(of_launch);
    let found = found.or_else(|| of_pushed(by("request_uri")?));
    let found = found.or_else(|| of_pending(by("request")?));
    let found = found.or_else(|| store.faults_of_code(by("code")?));
    let found = found.or_else(|| of_token(by("refresh_token")?));
    found.or_else(|| of_token(by("token")?)).unwrap_or_default()
}
