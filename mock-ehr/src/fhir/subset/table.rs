//! Which elements of each type are mandatory, and which more belong to its summary.
//!
//! FHIR R4, the Σ and the cardinality of each resource's table: <https://hl7.org/fhir/R4/resourcelist.html>. `value[x]` stands
//! for every element that begins so.

/// Type, mandatory elements, further elements of the summary; top level only.
pub(super) const ELEMENTS: &[(&str, &str, &str)] = &[
    (
        "AllergyIntolerance",
        "patient",
        "asserter category clinicalStatus code criticality identifier type verificationStatus",
    ),
    (
        "Appointment",
        "participant status",
        "appointmentType cancelationReason end identifier reasonCode serviceCategory serviceType \
         specialty start",
    ),
    ("Basic", "code", "author created identifier subject"),
    ("Binary", "contentType", "securityContext"),
    (
        "CarePlan",
        "intent status subject",
        "addresses author basedOn category created description encounter identifier instantiatesCanonical \
         instantiatesUri partOf period replaces title",
    ),
    (
        "CareTeam",
        "",
        "category encounter identifier managingOrganization name period status subject",
    ),
    (
        "Claim",
        "created insurance patient priority provider status type use",
        "billablePeriod insurer",
    ),
    (
        "Condition",
        "subject",
        "asserter bodySite clinicalStatus code encounter identifier onset[x] recordedDate recorder \
         verificationStatus",
    ),
    (
        "Coverage",
        "beneficiary payor status",
        "dependent identifier network order period policyHolder subscriber subscriberId type",
    ),
    ("Device", "", "safety status udiCarrier"),
    (
        "DiagnosticReport",
        "code status",
        "category effective[x] encounter identifier issued media performer resultsInterpreter subject",
    ),
    (
        "DocumentReference",
        "content status",
        "author category context date description docStatus identifier masterIdentifier relatesTo \
         securityLabel subject type",
    ),
    (
        "Encounter",
        "class status",
        "appointment diagnosis episodeOfCare identifier participant reasonCode reasonReference \
         serviceType subject type",
    ),
    (
        "ExplanationOfBenefit",
        "created insurance insurer outcome patient provider status type use",
        "billablePeriod total",
    ),
    (
        "Goal",
        "description lifecycleStatus subject",
        "achievementStatus category expressedBy priority start[x] statusDate",
    ),
    (
        "ImagingStudy",
        "status subject",
        "basedOn description encounter endpoint identifier interpreter location modality note \
         numberOfInstances numberOfSeries procedureCode procedureReference reasonCode reasonReference \
         referrer series started",
    ),
    (
        "Immunization",
        "occurrence[x] patient status vaccineCode",
        "isSubpotent note performer primarySource",
    ),
    (
        "Location",
        "",
        "description identifier managingOrganization mode name operationalStatus physicalType status type",
    ),
    (
        "Media",
        "content status",
        "basedOn bodySite created[x] device deviceName duration encounter frames height identifier issued \
         modality operator partOf reasonCode subject type view width",
    ),
    ("Medication", "", "amount code identifier manufacturer status"),
    (
        "MedicationAdministration",
        "effective[x] medication[x] status subject",
        "instantiates partOf performer",
    ),
    ("MedicationDispense", "medication[x] status", "subject whenPrepared"),
    (
        "MedicationRequest",
        "intent medication[x] status subject",
        "authoredOn basedOn doNotPerform groupIdentifier instantiatesCanonical instantiatesUri \
         performerType priority reported[x] requester",
    ),
    (
        "Observation",
        "code status",
        "basedOn component derivedFrom effective[x] encounter focus hasMember identifier issued partOf \
         performer subject value[x]",
    ),
    ("Organization", "", "active identifier name partOf type"),
    (
        "Patient",
        "",
        "active address birthDate deceased[x] gender identifier link managingOrganization name telecom",
    ),
    (
        "Person",
        "",
        "active birthDate gender managingOrganization name telecom",
    ),
    (
        "Practitioner",
        "",
        "active address birthDate gender identifier name telecom",
    ),
    (
        "PractitionerRole",
        "",
        "active code identifier location organization period practitioner specialty telecom",
    ),
    (
        "Procedure",
        "status subject",
        "asserter basedOn bodySite category code encounter identifier instantiatesCanonical \
         instantiatesUri location outcome partOf performed[x] performer reasonCode reasonReference \
         recorder statusReason",
    ),
    ("Provenance", "agent recorded target", ""),
    (
        "QuestionnaireResponse",
        "status",
        "author authored basedOn encounter identifier partOf questionnaire source subject",
    ),
    (
        "RelatedPerson",
        "patient",
        "active address birthDate gender identifier name relationship telecom",
    ),
    (
        "ServiceRequest",
        "intent status subject",
        "asNeeded[x] authoredOn basedOn bodySite category code doNotPerform encounter identifier \
         instantiatesCanonical instantiatesUri locationCode locationReference occurrence[x] orderDetail \
         patientInstruction performer performerType priority quantity[x] reasonCode reasonReference \
         replaces requester requisition specimen",
    ),
    (
        "Specimen",
        "",
        "accessionIdentifier condition identifier receivedTime status subject type",
    ),
    ("SupplyDelivery", "", "basedOn occurrence[x] partOf status"),
];
