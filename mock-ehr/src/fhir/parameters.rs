//! Which search parameters each type has, and where their values stand.
//!
//! FHIR R4, "Search Parameter Registry": <https://hl7.org/fhir/R4/searchparameter-registry.html>

mod further;

/// How a parameter's value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Codes, identifiers, booleans.
    Token,
    /// Instants and spans of time.
    Date,
    /// Text that begins alike.
    String,
    /// References to other resources.
    Reference,
}

impl Kind {
    /// The word of the CapabilityStatement.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Date => "date",
            Self::String => "string",
            Self::Reference => "reference",
        }
    }
}

/// One search parameter of one type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// Its name in a query.
    pub(crate) name: &'static str,
    /// How values are compared.
    pub(crate) kind: Kind,
    /// Where the values stand.
    pub(crate) paths: &'static [&'static str],
    /// Of a reference: the only type that counts.
    pub(crate) target: Option<&'static str>,
}

/// The types that the server knows.
pub(crate) fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().chain(further::FURTHER).map(|(name, _)| *name)
}

/// The name of a type as this table has it; none where the server does not know it.
pub(crate) fn known(kind: &str) -> &'static str {
    types().find(|known| *known == kind).unwrap_or_default()
}

/// The parameters of a type, those of every type included; nothing for a type that the server does not know.
pub(crate) fn of(kind: &str) -> Option<impl Iterator<Item = &'static Parameter>> {
    let (_, own) = TYPES.iter().chain(further::FURTHER).find(|(name, _)| *name == kind)?;
    Some(own.iter().chain(EVERY_TYPE))
}

/// One parameter of a type.
pub(crate) fn find(kind: &str, name: &str) -> Option<&'static Parameter> {
    of(kind)?.find(|parameter| parameter.name == name)
}

type Paths = &'static [&'static str];

const fn token(name: &'static str, paths: Paths) -> Parameter {
    Parameter {
        name,
        kind: Kind::Token,
        paths,
        target: None,
    }
}

const fn date(name: &'static str, paths: Paths) -> Parameter {
    Parameter {
        name,
        kind: Kind::Date,
        paths,
        target: None,
    }
}

const fn string(name: &'static str, paths: Paths) -> Parameter {
    Parameter {
        name,
        kind: Kind::String,
        paths,
        target: None,
    }
}

const fn reference(name: &'static str, paths: Paths) -> Parameter {
    Parameter {
        name,
        kind: Kind::Reference,
        paths,
        target: None,
    }
}

const fn only(target: &'static str, name: &'static str, paths: Paths) -> Parameter {
    Parameter {
        name,
        kind: Kind::Reference,
        paths,
        target: Some(target),
    }
}

const IDENTIFIER: Parameter = token("identifier", &["identifier"]);
const STATUS: Parameter = token("status", &["status"]);
const CODE: Parameter = token("code", &["code"]);
const CATEGORY: Parameter = token("category", &["category"]);
const TYPE: Parameter = token("type", &["type"]);
const ACTIVE: Parameter = token("active", &["active"]);
const GENDER: Parameter = token("gender", &["gender"]);
const BIRTHDATE: Parameter = date("birthdate", &["birthDate"]);
const TELECOM: Parameter = token("telecom", &["telecom"]);
const EMAIL: Parameter = token("email", &["telecom"]);
const PHONE: Parameter = token("phone", &["telecom"]);
const ADDRESS: Parameter = string("address", &["address"]);
const CITY: Parameter = string("address-city", &["address.city"]);
const STATE: Parameter = string("address-state", &["address.state"]);
const POSTAL_CODE: Parameter = string("address-postalcode", &["address.postalCode"]);
const NAME: Parameter = string("name", &["name"]);
const FAMILY: Parameter = string("family", &["name.family"]);
const GIVEN: Parameter = string("given", &["name.given"]);
const SUBJECT: Parameter = reference("subject", &["subject"]);
const SUBJECT_PATIENT: Parameter = only("Patient", "patient", &["subject"]);
const PATIENT: Parameter = only("Patient", "patient", &["patient"]);
const ENCOUNTER: Parameter = only("Encounter", "encounter", &["encounter"]);
const CLINICAL_STATUS: Parameter = token("clinical-status", &["clinicalStatus"]);
const VERIFICATION_STATUS: Parameter = token("verification-status", &["verificationStatus"]);
const INTENT: Parameter = token("intent", &["intent"]);
const PERIOD_DATE: Parameter = date("date", &["period"]);
const EFFECTIVE_DATE: Parameter = date("date", &["effectiveDateTime", "effectivePeriod", "effectiveInstant"]);

const EVERY_TYPE: &[Parameter] = &[
    token("_id", &["id"]),
    date("_lastUpdated", &["meta.lastUpdated"]),
    token("_profile", &["meta.profile"]),
    token("_tag", &["meta.tag"]),
    token("_security", &["meta.security"]),
];

const TYPES: &[(&str, &[Parameter])] = &[
    (
        "AllergyIntolerance",
        &[
            PATIENT,
            CLINICAL_STATUS,
            VERIFICATION_STATUS,
            token("code", &["code", "reaction.substance"]),
            CATEGORY,
            TYPE,
            IDENTIFIER,
            token("criticality", &["criticality"]),
            token("manifestation", &["reaction.manifestation"]),
            date("date", &["recordedDate"]),
            date("onset", &["reaction.onset"]),
            reference("recorder", &["recorder"]),
            reference("asserter", &["asserter"]),
        ],
    ),
    (
        "Appointment",
        &[
            only("Patient", "patient", &["participant.actor"]),
            only("Practitioner", "practitioner", &["participant.actor"]),
            only("Location", "location", &["participant.actor"]),
            reference("actor", &["participant.actor"]),
            date("date", &["start"]),
            STATUS,
            IDENTIFIER,
            token("appointment-type", &["appointmentType"]),
            token("service-type", &["serviceType"]),
        ],
    ),
    (
        "Basic",
        &[
            SUBJECT,
            SUBJECT_PATIENT,
            CODE,
            IDENTIFIER,
            date("created", &["created"]),
        ],
    ),
    (
        "CarePlan",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CATEGORY,
            STATUS,
            INTENT,
            IDENTIFIER,
            PERIOD_DATE,
            ENCOUNTER,
            only("Goal", "goal", &["goal"]),
            only("CareTeam", "care-team", &["careTeam"]),
            only("Condition", "condition", &["addresses"]),
            reference("performer", &["activity.detail.performer"]),
        ],
    ),
    (
        "CareTeam",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CATEGORY,
            STATUS,
            IDENTIFIER,
            PERIOD_DATE,
            ENCOUNTER,
            reference("participant", &["participant.member"]),
        ],
    ),
    (
        "Condition",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CLINICAL_STATUS,
            VERIFICATION_STATUS,
            CATEGORY,
            CODE,
            ENCOUNTER,
            IDENTIFIER,
            token("severity", &["severity"]),
            token("body-site", &["bodySite"]),
            date("onset-date", &["onsetDateTime", "onsetPeriod"]),
            date("abatement-date", &["abatementDateTime", "abatementPeriod"]),
            date("recorded-date", &["recordedDate"]),
            reference("asserter", &["asserter"]),
        ],
    ),
    (
        "Coverage",
        &[
            only("Patient", "patient", &["beneficiary"]),
            only("Patient", "beneficiary", &["beneficiary"]),
            reference("subscriber", &["subscriber"]),
            reference("policy-holder", &["policyHolder"]),
            reference("payor", &["payor"]),
            STATUS,
            TYPE,
            IDENTIFIER,
            string("class-value", &["class.value"]),
        ],
    ),
    (
        "Device",
        &[
            PATIENT,
            TYPE,
            STATUS,
            IDENTIFIER,
            string("device-name", &["deviceName.name", "type.coding.display", "type.text"]),
            string("manufacturer", &["manufacturer"]),
            string("udi-carrier", &["udiCarrier.carrierHRF"]),
            string("udi-di", &["udiCarrier.deviceIdentifier"]),
            only("Organization", "organization", &["owner"]),
        ],
    ),
    (
        "DiagnosticReport",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CATEGORY,
            CODE,
            EFFECTIVE_DATE,
            STATUS,
            ENCOUNTER,
            IDENTIFIER,
            date("issued", &["issued"]),
            token("conclusion", &["conclusionCode"]),
            only("Observation", "result", &["result"]),
            reference("performer", &["performer"]),
        ],
    ),
    (
        "DocumentReference",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CATEGORY,
            TYPE,
            STATUS,
            date("date", &["date"]),
            date("period", &["context.period"]),
            reference("encounter", &["context.encounter"]),
            token("identifier", &["masterIdentifier", "identifier"]),
            token("contenttype", &["content.attachment.contentType"]),
            reference("author", &["author"]),
            only("Organization", "custodian", &["custodian"]),
        ],
    ),
    (
        "Encounter",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            PERIOD_DATE,
            STATUS,
            TYPE,
            IDENTIFIER,
            token("class", &["class"]),
            token("reason-code", &["reasonCode"]),
            reference("participant", &["participant.individual"]),
            only("Practitioner", "practitioner", &["participant.individual"]),
            only("Location", "location", &["location.location"]),
            only("Organization", "service-provider", &["serviceProvider"]),
        ],
    ),
    (
        "Goal",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CATEGORY,
            IDENTIFIER,
            token("lifecycle-status", &["lifecycleStatus"]),
            token("achievement-status", &["achievementStatus"]),
            date("start-date", &["startDate"]),
            date("target-date", &["target.dueDate"]),
        ],
    ),
    (
        "Immunization",
        &[
            PATIENT,
            STATUS,
            IDENTIFIER,
            date("date", &["occurrenceDateTime"]),
            token("vaccine-code", &["vaccineCode"]),
            string("lot-number", &["lotNumber"]),
            reference("performer", &["performer.actor"]),
            only("Location", "location", &["location"]),
        ],
    ),
    (
        "Location",
        &[
            string("name", &["name", "alias"]),
            IDENTIFIER,
            TYPE,
            STATUS,
            ADDRESS,
            CITY,
            STATE,
            POSTAL_CODE,
            only("Organization", "organization", &["managingOrganization"]),
            only("Location", "partof", &["partOf"]),
        ],
    ),
    ("Medication", &[CODE, STATUS, IDENTIFIER, token("form", &["form"])]),
    (
        "MedicationRequest",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            STATUS,
            INTENT,
            CATEGORY,
            ENCOUNTER,
            IDENTIFIER,
            token("code", &["medicationCodeableConcept"]),
            token("priority", &["priority"]),
            date("authoredon", &["authoredOn"]),
            only("Medication", "medication", &["medicationReference"]),
            reference("requester", &["requester"]),
        ],
    ),
    (
        "Observation",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CATEGORY,
            CODE,
            EFFECTIVE_DATE,
            STATUS,
            ENCOUNTER,
            IDENTIFIER,
            token("combo-code", &["code", "component.code"]),
            token("component-code", &["component.code"]),
            token("value-concept", &["valueCodeableConcept"]),
            date("value-date", &["valueDateTime", "valuePeriod"]),
            reference("performer", &["performer"]),
            reference("device", &["device"]),
            reference("has-member", &["hasMember"]),
            reference("derived-from", &["derivedFrom"]),
        ],
    ),
    (
        "Organization",
        &[
            string("name", &["name", "alias"]),
            IDENTIFIER,
            TYPE,
            ACTIVE,
            ADDRESS,
            CITY,
            STATE,
            POSTAL_CODE,
            only("Organization", "partof", &["partOf"]),
        ],
    ),
    (
        "Patient",
        &[
            IDENTIFIER,
            NAME,
            FAMILY,
            GIVEN,
            BIRTHDATE,
            GENDER,
            ACTIVE,
            TELECOM,
            EMAIL,
            PHONE,
            ADDRESS,
            CITY,
            STATE,
            POSTAL_CODE,
            date("death-date", &["deceasedDateTime"]),
            token("language", &["communication.language"]),
            reference("general-practitioner", &["generalPractitioner"]),
            only("Organization", "organization", &["managingOrganization"]),
            reference("link", &["link.other"]),
        ],
    ),
    (
        "Practitioner",
        &[
            IDENTIFIER, NAME, FAMILY, GIVEN, GENDER, ACTIVE, TELECOM, EMAIL, PHONE, ADDRESS, CITY,
        ],
    ),
    (
        "PractitionerRole",
        &[
            IDENTIFIER,
            ACTIVE,
            token("role", &["code"]),
            token("specialty", &["specialty"]),
            only("Practitioner", "practitioner", &["practitioner"]),
            only("Organization", "organization", &["organization"]),
            only("Location", "location", &["location"]),
        ],
    ),
    (
        "Procedure",
        &[
            SUBJECT_PATIENT,
            SUBJECT,
            CODE,
            STATUS,
            CATEGORY,
            ENCOUNTER,
            IDENTIFIER,
            date("date", &["performedDateTime", "performedPeriod"]),
            token("reason-code", &["reasonCode"]),
            reference("reason-reference", &["reasonReference"]),
            reference("performer", &["performer.actor"]),
            only("Location", "location", &["location"]),
        ],
    ),
    (
        "Provenance",
        &[
            only("Patient", "patient", &["target"]),
            reference("target", &["target"]),
            date("recorded", &["recorded"]),
            token("agent-type", &["agent.type"]),
            reference("agent", &["agent.who"]),
        ],
    ),
    (
        "RelatedPerson",
        &[
            PATIENT,
            NAME,
            IDENTIFIER,
            BIRTHDATE,
            GENDER,
            ACTIVE,
            TELECOM,
            EMAIL,
            PHONE,
            ADDRESS,
            CITY,
            token("relationship", &["relationship"]),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::fhir::store::Store;

    #[test]
    fn every_type_has_records_and_its_parameters_differ() {
        let common: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        for kind in types() {
            let there = Store::embedded().all(kind).next().is_some();
            assert!(there || !common.contains(&kind), "there is no {kind}");
            let mut seen = HashSet::new();
            for parameter in of(kind).expect("it is listed") {
                assert!(seen.insert(parameter.name), "{kind} has {} twice", parameter.name);
            }
        }
        assert!(of("Spaceship").is_none());
    }

    #[test]
    fn telecom_is_told_apart_by_its_system() {
        assert_eq!(
            find("Patient", "phone").map(|parameter| parameter.paths),
            Some(&["telecom"][..])
        );
    }
}
