//! Checks what a launch is to tell the app: what the specification forbids, this EHR does not send.
//!
//! SMART App Launch 2.2, "Launch context arrives with your access_token" and "fhirContext":
//! <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>

use serde_json::Value;

use super::LaunchContext;
use super::begin::LaunchError;
use crate::fhir::store::Store;
use crate::fhir::upstream::is_id;

/// Members of token and introspection responses that have a meaning, so that no launch may bring them by another road.
const RESERVED: [&str; 32] = [
    "access_token",
    "active",
    "aud",
    "authorization_details",
    "client_id",
    "context",
    "encounter",
    "error",
    "error_description",
    "error_uri",
    "exp",
    "expires_in",
    "fhirContext",
    "fhirUser",
    "iat",
    "id_token",
    "intent",
    "iss",
    "issued_token_type",
    "jti",
    "launch",
    "nbf",
    "need_patient_banner",
    "patient",
    "refresh_token",
    "scope",
    "smart_style_url",
    "state",
    "sub",
    "tenant",
    "token_type",
    "username",
];

/// What can stand in a launch URL and an authorization request that every server on the way passes on.
const AT_MOST: usize = 3 * 1024;

/// Does this name have a meaning of its own in a token response?
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

impl LaunchContext {
    /// What is wrong with it, whoever the patient's reader is.
    pub(super) fn check(&self, data: Option<&Store>) -> Result<(), LaunchError> {
        match data {
            Some(data) => self.check_records(data)?,
            None => self.check_ids()?,
        }
        for (index, entry) in self.fhir_context.iter().flatten().enumerate() {
            check_entry(entry).map_err(|why| LaunchError::FhirContext { entry: index + 1, why })?;
        }
        if let Some(style) = &self.smart_style_url
            && !url::Url::parse(style).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
        {
            return Err(LaunchError::StyleUrl { was: style.clone() });
        }
        if let Some(name) = self
            .extra
            .iter()
            .flatten()
            .map(|(name, _)| name)
            .find(|name| is_reserved(name))
        {
            return Err(LaunchError::Reserved { name: name.clone() });
        }
        self.check_size()
    }

    /// What is no id names no record anywhere, and would be a step in the address of another server.
    fn check_ids(&self) -> Result<(), LaunchError> {
        let none = |id: &Option<String>| id.clone().filter(|id| !is_id(id));
        if let Some(was) = none(&self.patient) {
            return Err(LaunchError::UnknownPatient { was });
        }
        none(&self.encounter).map_or(Ok(()), |was| Err(LaunchError::UnknownEncounter { was }))
    }

    fn check_records(&self, data: &Store) -> Result<(), LaunchError> {
        if let Some(patient) = &self.patient
            && data.get("Patient", patient).is_none()
        {
            return Err(LaunchError::UnknownPatient { was: patient.clone() });
        }
        match &self.encounter {
            Some(encounter) => self.check_encounter(data, encounter),
            None => Ok(()),
        }
    }

    fn check_encounter(&self, data: &Store, encounter: &str) -> Result<(), LaunchError> {
        let Some(found) = data.get("Encounter", encounter) else {
            return Err(LaunchError::UnknownEncounter {
                was: encounter.to_owned(),
            });
        };
        let subject = found
            .body
            .look(|body| body.pointer("/subject/reference")?.as_str().map(str::to_owned));
        let owner = subject.as_deref().and_then(|subject| subject.strip_prefix("Patient/"));
        match (&self.patient, owner) {
            (Some(patient), Some(owner)) if patient != owner => Err(LaunchError::EncounterOfOther {
                encounter: encounter.to_owned(),
                owner: owner.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn check_size(&self) -> Result<(), LaunchError> {
        let size = serde_json::to_string(self).map_or(0, |text| text.len());
        if size > AT_MOST {
            return Err(LaunchError::TooMuch {
                was: size,
                limit: AT_MOST,
            });
        }
        Ok(())
    }
}

/// What an entry of `fhirContext` must hold.
fn check_entry(entry: &Value) -> Result<(), &'static str> {
    let Some(members) = entry.as_object() else {
        return Err("is not an object; write {\"reference\": \"Location/location-1\"}");
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    for name in ["reference", "canonical", "type", "role"] {
        if members.contains_key(name) && text(name).is_none_or(str::is_empty) {
            return Err("has a reference, canonical, type or role that is not a text, or is empty");
        }
    }
    if members
        .get("identifier")
        .is_some_and(|identifier| !identifier.is_object())
    {
        return Err("has an identifier that is not an object with system and value");
    }
    if !["reference", "canonical", "identifier"]
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return Err("names no resource; it needs reference, canonical or identifier");
    }
    let role = text("role").unwrap_or("launch");
    if role != "launch" && url::Url::parse(role).is_err() {
        return Err("has a role that is not an absolute URI");
    }
    let of_its_own = |kind: &str| ["Patient", "Encounter"].contains(&kind);
    let kind = text("reference").and_then(kind_of).or_else(|| text("type"));
    if role == "launch" && kind.is_some_and(of_its_own) {
        return Err("is the patient or encounter of the launch, which have members of their own; give it another role");
    }
    Ok(())
}

/// `Location` of `Location/location-1`, also where an address stands before it.
fn kind_of(reference: &str) -> Option<&str> {
    let path = reference.split_once("/_history/").map_or(reference, |(path, _)| path);
    path.rsplit('/').nth(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_of_fhir_context_are_judged() {
        for right in [
            json!({ "reference": "Location/location-1" }),
            json!({ "reference": "Patient/patient-c", "role": "https://ehr.example/role/mother" }),
            json!({ "canonical": "https://forms.example/Questionnaire/1|2", "type": "Questionnaire" }),
            json!({ "identifier": { "system": "https://ehr.example/orders", "value": "4711" } }),
        ] {
            assert_eq!(check_entry(&right), Ok(()), "{right}");
        }
        for (wrong, said) in [
            (json!("Location/location-1"), "not an object"),
            (json!({ "type": "Location" }), "names no resource"),
            (
                json!({ "reference": { "reference": "Location/location-1" } }),
                "not a text",
            ),
            (json!({ "reference": "Location/location-1", "role": "" }), "empty"),
            (
                json!({ "reference": "Location/location-1", "role": "ward" }),
                "absolute URI",
            ),
            (json!({ "reference": "Patient/patient-a" }), "members of their own"),
            (
                json!({ "reference": "https://ehr.example/fhir/Encounter/1/_history/2" }),
                "members of their own",
            ),
            (json!({ "identifier": "4711" }), "system and value"),
        ] {
            let why = check_entry(&wrong).unwrap_err();
            assert!(why.contains(said), "{wrong}: {why}");
        }
    }
}
