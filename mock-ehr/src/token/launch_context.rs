//! The launch context of a token response, beside the patient: what was open in the EHR, and how the app should look.
//!
//! SMART App Launch 2.2, "Launch context arrives with your access_token":
//! <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use serde_json::{Map, Value, json};

use super::response::Issue;
use crate::defect::Defect;
use crate::fhir::people;
use crate::launch::{LaunchContext, is_reserved};
use crate::state::AppState;
use crate::switches::Switches;
use crate::variant::Variant;

/// Adds what is known of the place from which the app was launched.
pub(crate) fn push(app: &AppState, issue: &Issue, context: &mut Map<String, Value>) {
    let defects = app.defects();
    let launch = issue.grant.launch.as_ref();
    // An app that was launched by the EHR always learns whether it has to show whose record it is (context-banner).
    if (launch.is_some() || context.contains_key("patient")) && !defects.has(Defect::ContextBannerMissing) {
        let banner = launch.and_then(|launch| launch.need_patient_banner).unwrap_or(true);
        let banner = if defects.has(Defect::ContextBannerString) {
            json!(banner.to_string())
        } else {
            json!(banner)
        };
        context.insert("need_patient_banner".into(), banner);
    }
    push_style(app, launch, context);
    let tenant = launch.and_then(|launch| launch.tenant.as_ref());
    if let Some(tenant) = tenant.or(app.config().tenant.as_ref()) {
        let tenant = if defects.has(Defect::ContextTenantNumber) {
            json!(7)
        } else {
            json!(tenant)
        };
        context.insert("tenant".into(), tenant);
    }
    push_encounter(app, issue, context);
    push_details(app, context);
    let Some(LaunchContext {
        fhir_context,
        intent,
        extra,
        ..
    }) = launch
    else {
        return;
    };
    if let Some(entries) = fhir_context
        && !defects.has(Defect::FhirContextMissing)
    {
        context.insert("fhirContext".into(), entries_of(defects, entries, context));
    }
    if let Some(intent) = intent {
        let intent = if defects.has(Defect::ContextIntentArray) {
            json!([intent])
        } else {
            json!(intent)
        };
        context.insert("intent".into(), intent);
    }
    // Whoever made the launch value: nothing that has a meaning of its own comes by this road.
    for (name, value) in extra.iter().flatten().filter(|(name, _)| !is_reserved(name)) {
        context.entry(name.as_str()).or_insert_with(|| value.clone());
    }
}

fn push_style(app: &AppState, launch: Option<&LaunchContext>, context: &mut Map<String, Value>) {
    let defects = app.defects();
    if defects.has(Defect::ContextStyleMissing) {
        return;
    }
    let style = if defects.has(Defect::ContextStyleRelative) {
        "/smart-style.json".to_owned()
    } else {
        launch
            .and_then(|launch| launch.smart_style_url.clone())
            .unwrap_or_else(|| format!("{}/smart-style.json", app.public_url()))
    };
    context.insert("smart_style_url".into(), style.into());
}

/// The one that is open in the EHR; else, for an app that asked, the latest of the patient who was chosen.
fn push_encounter(app: &AppState, issue: &Issue, context: &mut Map<String, Value>) {
    let defects = app.defects();
    let asked = issue
        .scopes
        .iter()
        .any(|scope| scope.launch_context() == Some("encounter"));
    let latest = |patient: &String| {
        people::encounters(app.data(), patient)
            .into_iter()
            .next()
            .map(|found| found.id)
    };
    let encounter = match &issue.grant.launch {
        // SMART 2.2 says of context-ehr-encounter that launch/encounter requests it, SMART 1.0 that launch does.
        Some(_) if !asked && app.variants().has(Variant::LaunchEncounterByName) => None,
        Some(launch) => launch.encounter.clone(),
        None if asked => issue.grant.patient.as_ref().and_then(|patient| {
            let chosen = issue.grant.encounter.clone().filter(|id| {
                // One of another server's was looked up when it was chosen.
                if app.upstream().is_some() {
                    return true;
                }
                let all = people::encounters(app.data(), patient);
                all.iter().any(|known| known.id == *id)
            });
            chosen.or_else(|| latest(patient))
        }),
        None => None,
    };
    let Some(mut encounter) = encounter.filter(|_| !defects.has(Defect::ContextEncounterMissing)) else {
        return;
    };
    if defects.has(Defect::ContextEncounterReference) {
        encounter = format!("Encounter/{encounter}");
    }
    context.insert("encounter".into(), encounter.into());
}

/// SMART 2.2, "Authorization Details for Multiple Servers" (experimental): here, of this one.
fn push_details(app: &AppState, context: &mut Map<String, Value>) {
    let locations = if app.defects().has(Defect::AuthorizationDetailsMalformed) {
        json!(app.fhir_base())
    } else {
        json!([app.fhir_base()])
    };
    let details = json!([{ "type": "smart_on_fhir", "locations": locations, "fhirVersions": ["4.0.1"] }]);
    context.insert("authorization_details".into(), details);
}

fn entries_of(defects: &Switches<Defect>, entries: &[Value], context: &Map<String, Value>) -> Value {
    if defects.has(Defect::FhirContextTexts) {
        let texts: Vec<_> = entries.iter().filter_map(|entry| entry.get("reference")).collect();
        return json!(texts);
    }
    let mut entries = entries.to_vec();
    // SMART 2.2: the patient and the encounter have members of their own.
    if defects.has(Defect::FhirContextPatient)
        && let Some(patient) = context.get("patient").and_then(Value::as_str)
    {
        entries.push(json!({ "reference": format!("Patient/{patient}") }));
    }
    for (defect, entry) in [
        (Defect::FhirContextNothingNamed, json!({ "type": "Location" })),
        (
            Defect::FhirContextReferenceObject,
            json!({ "reference": { "reference": "Location/location-1" } }),
        ),
        (
            Defect::FhirContextRoleEmpty,
            json!({ "reference": "Location/location-1", "role": "" }),
        ),
        (
            Defect::FhirContextRoleRelative,
            json!({ "reference": "Location/location-1", "role": "ward" }),
        ),
        (
            Defect::FhirContextTypeMissing,
            json!({ "canonical": "https://forms.example/Questionnaire/1" }),
        ),
    ] {
        if defects.has(defect) {
            entries.push(entry);
        }
    }
    json!(entries)
}
