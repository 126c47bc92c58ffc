//! Checks launch: only a value that this server made for this app brings the EHR's context.
//!
//! SMART App Launch 2.2, "Launch App: EHR Launch": <https://hl7.org/fhir/smart-app-launch/app-launch.html>

use serde::{Deserialize, Serialize};

use super::reason::Reason;
use crate::config::Client;
use crate::defect::Defect;
use crate::faults;
use crate::form::Parameters;
use crate::launch::LaunchContext;
use crate::launch::fault::Riders;
use crate::launch::standalone::{Base, Preset};
use crate::launch::token::{self, LaunchClaims, Read};
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::spent::Kind;
use crate::variant::Variant;

/// A launch that began in the EHR, or a standalone launch for which something was chosen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Launched {
    /// For whom.
    pub(crate) user: Option<String>,
    /// Where.
    pub(crate) context: LaunchContext,
    /// What shows in this launch only.
    pub(crate) faults: Riders,
    /// What was chosen, where it is standalone.
    pub(crate) preset: Option<Preset>,
}

/// The EHR's launch, or what was chosen for a standalone one; `None` where nothing was.
pub(crate) fn check(
    state: &AppState,
    client: &Client,
    parameters: &Parameters,
    scopes: &[Scope],
) -> Result<Option<Launched>, Reason> {
    let defects = state.defects();
    let launched = match parameters.get("launch") {
        None if scopes.contains(&Scope::Launch) && state.variants().has(Variant::LaunchScopeAloneRefused) => {
            return Err(Reason::missing(
                "launch",
                "the value that came to the launch URL, since scope names launch",
            ));
        }
        None => return Ok(chosen(state, parameters)),
        Some("") if defects.has(Defect::LaunchEmptyAccepted) => return Ok(Some(somewhere(state))),
        Some("") => Err(Reason::missing(
            "launch",
            "the value that came to the launch URL, or no such parameter",
        )),
        Some(text) => judge(state, client, token::read(state, text)),
    };
    match launched {
        Ok(launched) => Ok(Some(launched)),
        Err(_) if state.variants().has(Variant::LaunchUnknownIgnored) => Ok(None),
        Err(reason) => Err(reason),
    }
}

fn judge(state: &AppState, client: &Client, read: Option<Read>) -> Result<Launched, Reason> {
    let defects = state.defects();
    let Some(Read { claims, signed_by_us }) = read else {
        if defects.has(Defect::LaunchUnknownAccepted) {
            return Ok(somewhere(state));
        }
        return Err(Reason::LaunchUnknown);
    };
    if !signed_by_us && !defects.has(Defect::LaunchAlteredAccepted) {
        return Err(Reason::LaunchAltered);
    }
    if claims.client != client.client_id && !defects.has(Defect::LaunchForeignClientAccepted) {
        return Err(Reason::LaunchForeignClient {
            was: client.client_id.clone(),
            expected: claims.client,
        });
    }
    if claims.expires() <= state.now() && !defects.has(Defect::LaunchExpiredAccepted) {
        return Err(Reason::LaunchExpired {
            expired: claims.expires().to_string(),
        });
    }
    if state.variants().has(Variant::LaunchSingleUse) {
        let LaunchClaims { jti, .. } = &claims;
        if !state.store().spend(Kind::Launch, jti, claims.expires(), state.now()) {
            return Err(Reason::LaunchSpent);
        }
    }
    Ok(Launched {
        faults: claims.riders(),
        preset: None,
        user: claims.user,
        context: claims.ctx,
    })
}

/// The choices that the FHIR base carries, where the app named one that does.
fn chosen(state: &AppState, parameters: &Parameters) -> Option<Launched> {
    faults::base()?;
    let base = Base::of_aud(state, parameters.get("aud")?)?;
    Some(Launched {
        user: base.preset.user.clone(),
        context: LaunchContext::default(),
        faults: base.begun(state),
        preset: Some(base.preset),
    })
}

/// The context of a launch that never was.
fn somewhere(state: &AppState) -> Launched {
    let patient = state.patients().first().map(|patient| patient.id.clone());
    Launched {
        faults: Riders::default(),
        preset: None,
        user: None,
        context: LaunchContext {
            patient,
            ..LaunchContext::default()
        },
    }
}
