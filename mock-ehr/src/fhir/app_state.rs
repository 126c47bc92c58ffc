//! SMART app state: the small `Basic` resources in which apps keep their settings.
//!
//! SMART App Launch 2.2, "Persisting App State": <https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html>

use serde_json::Value;

use super::bearer::Bearer;
use super::element;
use super::outcome::Problem;
use super::records::Records;
use super::store::Resource;
use crate::defect::Defect;
use crate::state::AppState;

/// The type that holds app state.
pub(super) const KIND: &str = "Basic";
/// The largest resource, in bytes, as SMART sets it where a server documents no higher limit.
const LARGEST: usize = 256 * 1024;

/// Judges app state before it is written; everything else is let through.
pub(super) fn check(
    state: &AppState,
    bearer: &Bearer<'_>,
    made: &Resource,
    before: Option<&Resource>,
    records: &Records,
) -> Result<(), Problem> {
    if made.kind != KIND {
        return Ok(());
    }
    let defects = state.defects();
    let refused = before.is_none() && defects.has(Defect::AppStateRefused);
    let largest = if defects.has(Defect::AppStateLimitLow) {
        64 * 1024
    } else {
        LARGEST
    };
    if refused || made.body.to_string().len() > largest {
        return Err(Problem::TooLarge(largest));
    }
    match before {
        // "Updates": neither code nor subject changes.
        Some(before) => {
            let changed = ["code", "subject"]
                .into_iter()
                .any(|name| before.body.get(name) != made.body.get(name));
            if changed && !defects.has(Defect::AppStateIdentityChanged) {
                return Err(Problem::Precondition(
                    "code and subject of app state never change".to_owned(),
                ));
            }
        }
        // "Deletes": what was deleted never comes back by its id.
        None if !records.versions(&made.key()).is_empty() && !defects.has(Defect::AppStateRevived) => {
            return Err(Problem::Precondition("this app state was deleted".to_owned()));
        }
        None => {}
    }
    well_formed(&made.body)?;
    let of_patient = element::text(&made.body, "subject.reference").is_none_or(|to| to.contains("Patient/"));
    if !of_patient && defects.has(Defect::AppStateUserRefused) {
        return Err(Problem::NotAResource(
            "the subject of app state is a patient".to_owned(),
        ));
    }
    may_touch(bearer, &made.body, state)
}

/// "Create": what is kept is what was sent.
pub(super) fn kept(state: &AppState, kind: &str, mut body: Value) -> Value {
    if kind == KIND
        && state.defects().has(Defect::AppStateExtensionLost)
        && let Some(members) = body.as_object_mut()
    {
        members.remove("extension");
    }
    body
}

/// "Create": one coding, extensions with texts only, an absolute subject.
fn well_formed(body: &Value) -> Result<(), Problem> {
    let codings = body["code"]["coding"].as_array().map_or(0, Vec::len);
    if codings != 1 {
        return Err(Problem::NotAResource(format!(
            "app state has exactly one coding in its code, not {codings}"
        )));
    }
    let extensions = body["extension"].as_array().map(Vec::as_slice).unwrap_or_default();
    if extensions.iter().any(|extension| !extension["valueString"].is_string()) {
        return Err(Problem::NotAResource(
            "extensions of app state hold valueString only".to_owned(),
        ));
    }
    Ok(())
}

/// "Security and Access controls": state of the patient in context, of the user, or of the app as a whole.
fn may_touch(bearer: &Bearer<'_>, body: &Value, state: &AppState) -> Result<(), Problem> {
    let Some(subject) = element::text(body, "subject.reference") else {
        return Ok(());
    };
    let prefix = format!("{}/", state.fhir_base());
    let local = subject.strip_prefix(&prefix).unwrap_or(subject);
    let defects = state.defects();
    if bearer.is_about(local) || defects.has(Defect::AppStateOfAnyone) {
        return Ok(());
    }
    Err(Problem::Beyond { kind: KIND.to_owned() })
}

/// Whether app state of this subject may be read: the view by scope and compartment does not know users.
pub(super) fn may_read(state: &AppState, bearer: &Bearer<'_>, resource: &Resource) -> bool {
    resource.kind != KIND || may_touch(bearer, &resource.body, state).is_ok()
}

/// The faulty server asks for no scope, or lets patient scopes reach every patient.
pub(super) fn opens_wide(state: &AppState, kind: &str, allowed: bool) -> bool {
    kind == KIND
        && if allowed {
            state.defects().has(Defect::AppStateOfAnyone)
        } else {
            state.defects().has(Defect::AppStateWithoutScope)
        }
}

/// "App State Interactions": PUT and DELETE require `If-Match`.
pub(super) fn needs_if_match(state: &AppState, kind: &str) -> bool {
    kind == KIND && !state.defects().has(Defect::AppStateIfMatchOptional)
}
