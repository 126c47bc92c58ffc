//! To which patients a resource belongs: the Patient compartment.
//!
//! FHIR R4, CompartmentDefinition "patient": <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>

use serde_json::Value;

use super::element;

/// Where a resource stands towards the Patient compartment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// It is nobody's: practitioners, organizations, locations, medications. Only the scope's type counts.
    Shared,
    /// It belongs to these patients, by their ids; to nobody if there is none.
    Patients(Vec<String>),
}

/// Under which addresses the records here are known: that of the server, with its base and those of single launches.
/// Records of other servers are other records, whatever their ids.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bases<'a>(Option<&'a str>);

impl<'a> Bases<'a> {
    /// Those of the server at this address, which has no slash at the end.
    pub(crate) fn of(public_url: &'a str) -> Self {
        Self(Some(public_url).filter(|url| !url.is_empty()))
    }

    /// What is left of an absolute address of a record here.
    fn below(self, reference: &str) -> Option<&str> {
        let path = reference.strip_prefix(self.0?)?;
        path.strip_prefix("/fhir/").or_else(|| {
            let (_, rest) = path.strip_prefix("/l/")?.split_once('/')?;
            rest.strip_prefix("fhir/")
        })
    }

    /// `patient-a` of `Patient/patient-a`, also below a base or before a version.
    fn patient_id(self, reference: &str) -> Option<&str> {
        let local = self.below(reference).unwrap_or(reference);
        let plain = local.split_once("/_history/").map_or(local, |(plain, _)| plain);
        plain.strip_prefix("Patient/").filter(|id| !id.contains('/'))
    }
}

impl Membership {
    /// Where this resource stands.
    pub(crate) fn of(bases: Bases<'_>, kind: &str, id: &str, body: &Value) -> Self {
        let Some(paths) = elements(kind) else {
            return Self::Shared;
        };
        let mut patients: Vec<String> = if kind == "Patient" {
            vec![id.to_owned()]
        } else {
            Vec::new()
        };
        for reference in paths.iter().flat_map(|path| element::references(body, path)) {
            let Some(id) = bases.patient_id(reference) else {
                continue;
            };
            if !patients.iter().any(|known| known == id) {
                patients.push(id.to_owned());
            }
        }
        // R4 leaves devices out of the compartment; one that is named as a patient's is treated as that patient's.
        if kind == "Device" && patients.is_empty() {
            return Self::Shared;
        }
        Self::Patients(patients)
    }

    /// Is it shared, or does it belong to one of these?
    pub fn reachable_by<'a>(&self, mut patients: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Self::Shared => true,
            Self::Patients(own) => patients.any(|patient| own.iter().any(|id| id == patient)),
        }
    }
}

/// Whether every resource of the type is nobody's.
pub(crate) fn is_shared(kind: &str) -> bool {
    elements(kind).is_none()
}

/// The elements behind the compartment's search parameters; nothing for types outside of it.
fn elements(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Practitioner" | "PractitionerRole" | "Organization" | "Location" | "Medication" => {
            return None;
        }
        "Patient" => &["link.other"],
        "AllergyIntolerance" => &["patient", "recorder", "asserter"],
        "Appointment" => &["participant.actor"],
        "CarePlan" => &["subject", "activity.detail.performer"],
        "CareTeam" => &["subject", "participant.member"],
        "Condition" => &["subject", "asserter"],
        "Coverage" => &["policyHolder", "subscriber", "beneficiary", "payor"],
        "Device" | "Immunization" | "RelatedPerson" => &["patient"],
        "DiagnosticReport" | "Encounter" | "Goal" | "MedicationRequest" => &["subject"],
        "DocumentReference" | "QuestionnaireResponse" => &["subject", "author"],
        "Observation" | "ServiceRequest" => &["subject", "performer"],
        "Procedure" | "MedicationAdministration" => &["subject", "performer.actor"],
        "Provenance" => &["target"],
        // R4 places no Binary; one is whose its security context says.
        "Binary" => &["securityContext"],
        "Claim" | "ExplanationOfBenefit" => &["patient", "payee.party"],
        "MedicationDispense" => &["subject", "receiver"],
        "Person" => &["link.target"],
        // A type that this table does not know is kept to whom it names.
        _ => &["subject", "patient"],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patients(ids: &[&str]) -> Membership {
        Membership::Patients(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn each_type_is_placed_by_its_elements() {
        let a = json!({"reference": "Patient/a"});
        for (kind, body, expected) in [
            ("Patient", json!({}), patients(&["x"])),
            ("Patient", json!({"link": [{"other": a}]}), patients(&["x", "a"])),
            ("Observation", json!({"subject": a}), patients(&["a"])),
            (
                "Observation",
                json!({"subject": {"reference": "Patient/b"}, "performer": [a]}),
                patients(&["b", "a"]),
            ),
            (
                "Observation",
                json!({"subject": {"reference": "Group/a"}}),
                patients(&[]),
            ),
            ("Appointment", json!({"participant": [{"actor": a}]}), patients(&["a"])),
            ("Coverage", json!({"beneficiary": a}), patients(&["a"])),
            (
                "Provenance",
                json!({"target": [{"reference": "Observation/o"}]}),
                patients(&[]),
            ),
            ("Device", json!({"patient": a}), patients(&["a"])),
            ("Device", json!({}), Membership::Shared),
            ("Practitioner", json!({"subject": a}), Membership::Shared),
            ("Basic", json!({"subject": a}), patients(&["a"])),
            ("Binary", json!({}), patients(&[])),
            ("Binary", json!({"securityContext": a}), patients(&["a"])),
            ("Claim", json!({"patient": a}), patients(&["a"])),
            ("Person", json!({"link": [{"target": a}]}), patients(&["a"])),
            ("Specimen", json!({"subject": a}), patients(&["a"])),
        ] {
            assert_eq!(
                Membership::of(Bases::default(), kind, "x", &body),
                expected,
                "{kind} {body}"
            );
        }
    }

    #[test]
    fn references_count_where_they_name_a_record_here() {
        let bases = Bases::of("https://ehr.example:8443");
        for reference in [
            "Patient/a",
            "Patient/a/_history/2",
            "https://ehr.example:8443/fhir/Patient/a",
            "https://ehr.example:8443/fhir/Patient/a/_history/2",
            "https://ehr.example:8443/l/eyJ9.x/fhir/Patient/a",
        ] {
            assert_eq!(bases.patient_id(reference), Some("a"), "{reference}");
        }
        for elsewhere in [
            "https://other.example/fhir/Patient/a",
            "https://ehr.example:8443/fhir2/Patient/a",
            "https://ehr.example:84430/fhir/Patient/a",
            "https://ehr.example:8443/Patient/a",
            "https://ehr.example:8443/l/x/y/fhir/Patient/a",
            "https://ehr.example:8443/l/fhir/Patient/a",
            "other.example/fhir/Patient/a",
            "/Patient/a",
            "NotPatient/a",
            "Patient",
        ] {
            assert_eq!(bases.patient_id(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(Bases::of("").patient_id("/fhir/Patient/a"), None);
    }
}
