//! Checks scope: what can be granted of what is asked.
//!
//! RFC 6749 §3.3: <https://www.rfc-editor.org/rfc/rfc6749#section-3.3>

use super::launch::Launched;
use super::reason::Reason;
use crate::config::{Client, ClientKind};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::scope::grammar::Scope;
use crate::scope::{grant, misread};
use crate::state::AppState;
use crate::variant::Variant;

/// SMART 2.2: context that was granted comes with the token, so what nobody can give is not granted. A patient can be
/// chosen, and the latest encounter comes with the patient; other things are known only where the EHR told them.
pub(crate) fn with_context_at_hand(scopes: &[Scope], launch: Option<&Launched>) -> Result<Vec<Scope>, Reason> {
    let by_name = |kind: &str| scopes.iter().any(|scope| scope.launch_context() == Some(kind));
    // In a standalone launch with choices the encounter comes with the patient, too.
    let launch = launch.filter(|launch| launch.preset.is_none());
    let has_encounter = match launch {
        Some(launch) => launch.context.encounter.is_some(),
        None => by_name("patient"),
    };
    let in_ehr = |kind: &str| {
        let entries = launch.and_then(|launch| launch.context.fhir_context.as_deref());
        entries.unwrap_or_default().iter().any(|entry| {
            let reference = entry.get("reference").and_then(|reference| reference.as_str());
            reference
                .and_then(|reference| reference.split_once('/'))
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(kind))
        })
    };
    let kept: Vec<_> = scopes
        .iter()
        .filter(|scope| match scope.launch_context() {
            None | Some("patient") => true,
            Some("encounter") => has_encounter,
            Some(kind) => in_ehr(kind),
        })
        .cloned()
        .collect();
    if kept.is_empty() {
        let was: Vec<_> = scopes.iter().map(Scope::text).collect();
        return Err(Reason::NoScope { was: was.join(" ") });
    }
    Ok(kept)
}

/// What this client can be granted at most.
pub(crate) fn check(state: &AppState, client: &Client, parameters: &Parameters) -> Result<Vec<Scope>, Reason> {
    let defects = state.defects();
    let Some(text) = parameters.filled("scope").filter(|text| !text.trim().is_empty()) else {
        if defects.has(Defect::ScopeMissingAcceptedWithEverything) {
            return Ok(Scope::parse_list(
                "launch/patient openid fhirUser patient/*.cruds user/*.cruds system/*.cruds",
            ));
        }
        if state.variants().has(Variant::ScopeDefault) {
            return Ok(client.scopes.clone());
        }
        return Err(Reason::MissingScope);
    };
    let mut asked = Scope::parse_list(text);
    if defects.has(Defect::ScopeLastOverlooked) && asked.last().is_some_and(|last| last.launch_context().is_some()) {
        asked.pop();
    }
    // SMART 2.2: "If an EHR receives a request for an unsupported role, it SHOULD return any launch context supported".
    let has_role = |scope: &Scope| matches!(scope, Scope::LaunchContext(text) if text.contains('?'));
    if defects.has(Defect::LaunchRoleRefused) && asked.iter().any(has_role) {
        return Err(Reason::NoScope { was: text.to_owned() });
    }
    let asked: Vec<_> = asked
        .into_iter()
        .filter_map(|scope| misread::asked(defects, scope))
        .collect();
    let mut granted = grant::grantable(&asked, &client.scopes);
    // SMART 2.2: a refresh token is granted or not, and an app that cannot keep a secret is one to be careful with.
    let lasts = |scope: &Scope| matches!(scope, Scope::OfflineAccess | Scope::OnlineAccess);
    if client.kind == ClientKind::Public
        && granted.iter().any(lasts)
        && state.variants().has(Variant::ScopeOfflineNotForPublic)
    {
        granted.retain(|scope| !lasts(scope));
    }
    if defects.has(Defect::ScopeUnknownGranted) {
        granted.extend(asked.iter().filter(|scope| matches!(scope, Scope::Unknown(_))).cloned());
    }
    if defects.has(Defect::ScopeOutOfOrderGranted) {
        granted.extend(asked.iter().filter(|scope| misread::is_out_of_order(scope)).cloned());
    }
    if defects.has(Defect::ScopeNotRegisteredGranted) {
        let beyond = asked
            .iter()
            .filter(|scope| !matches!(scope, Scope::Unknown(_)) && !granted.contains(scope));
        granted.extend(beyond.cloned().collect::<Vec<_>>());
    }
    if granted.is_empty() && defects.has(Defect::ScopeOnlyUnknownAccepted) {
        granted.clone_from(&asked);
    }
    if granted.is_empty() {
        return Err(Reason::NoScope { was: text.to_owned() });
    }
    let lacks = |scope: &Scope| !grant::includes(&granted, scope);
    if asked.iter().any(lacks) && state.variants().has(Variant::ScopeRefusedWhole) {
        return Err(Reason::NoScope { was: text.to_owned() });
    }
    if defects.has(Defect::ScopeWiderGranted) {
        granted.push(Scope::parse("user/*.cruds"));
    }
    // SMART 2.2 scopes, "Scope Equivalence" and "Wildcard scopes": the same access in other words, or less of it.
    if state.variants().has(Variant::ScopeWildcardExpanded) {
        granted = grant::by_type(granted);
    }
    if state.variants().has(Variant::ScopeSplit) {
        granted = grant::by_letter(granted);
    }
    // RFC 6749 §3.3: "their order does not matter"
    if granted.len() > 1 && state.variants().has(Variant::ReorderedJson) {
        granted.reverse();
    }
    Ok(granted)
}
