//! Says in plain words what a scope allows, for the user who decides.

use super::grammar::{Context, Permissions, Scope};

/// `patient/Observation.rs` → "Read and search measurements and test results of the chosen patient"
pub(crate) fn meaning(scope: &Scope) -> String {
    match scope {
        Scope::Launch => "Know what is open in the record system".into(),
        Scope::LaunchContext(_) => {
            format!("Know which {} you choose", scope.launch_context().unwrap_or("context"))
        }
        Scope::OpenId => "Know that it is you".into(),
        Scope::FhirUser | Scope::Profile => "Read your own entry in the record system".into(),
        Scope::OfflineAccess => "Keep access when you are gone, until you revoke it".into(),
        Scope::OnlineAccess => "Keep access as long as you are signed in".into(),
        Scope::Introspect => "Ask what access others have been given".into(),
        Scope::Unknown(text) => format!("Something this server does not know: {text}"),
        Scope::Resource(resource) => {
            let what = kind(&resource.resource);
            let whose = match resource.context {
                Context::Patient => "of the chosen patient",
                Context::User => "that you can reach",
                Context::System => "of every patient",
            };
            let limits: Vec<_> = resource
                .query
                .iter()
                .map(|(name, value)| format!("{name} {}", value.rsplit('|').next().unwrap_or(value)))
                .collect();
            let limit = if limits.is_empty() {
                String::new()
            } else {
                format!(", only {}", limits.join(", "))
            };
            format!("{} {what} {whose}{limit}", verbs(resource.permissions))
        }
    }
}

/// What people call the records of a type; the type's own name where they have no word for it.
fn kind(resource: &str) -> &str {
    match resource {
        "*" => "all data",
        "AllergyIntolerance" => "allergies",
        "Appointment" => "appointments",
        "Binary" | "DocumentReference" => "documents",
        "CarePlan" => "care plans",
        "CareTeam" => "care teams",
        "Condition" => "problems and diagnoses",
        "Coverage" => "insurance",
        "Device" => "devices",
        "DiagnosticReport" => "reports of tests",
        "Encounter" => "visits",
        "Goal" => "goals",
        "Immunization" => "vaccinations",
        "Medication" => "medicines",
        "MedicationRequest" => "prescriptions",
        "Observation" => "measurements and test results",
        "Patient" => "name, birth date and contacts",
        "Procedure" => "procedures",
        other => other,
    }
}

fn verbs(permissions: Permissions) -> String {
    let words = [
        (permissions.create, "create"),
        (permissions.read, "read"),
        (permissions.update, "change"),
        (permissions.delete, "delete"),
        (permissions.search, "search"),
    ];
    let may: Vec<&str> = words.iter().filter(|(may, _)| *may).map(|(_, word)| *word).collect();
    let mut text = match may.as_slice() {
        [] => "do nothing with".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_said_in_words() {
        let say = |text| meaning(&Scope::parse(text));
        assert_eq!(
            say("patient/Observation.rs"),
            "Read and search measurements and test results of the chosen patient"
        );
        assert_eq!(
            say(
                "user/Observation.cruds?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
            ),
            "Create, read, change, delete and search measurements and test results that you can reach, only category laboratory"
        );
        assert_eq!(say("launch/patient"), "Know which patient you choose");
    }
}
