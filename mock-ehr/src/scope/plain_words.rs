//! Says in plain words what a scope allows, for the user who decides.

use super::grammar::{Context, Permissions, Scope};

/// `patient/Observation.rs` → "Read and search observations of the patient"
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
            let what = if resource.resource == "*" {
                "all data"
            } else {
                &resource.resource
            };
            let whose = match resource.context {
                Context::Patient => "of the chosen patient",
                Context::User => "that you can reach",
                Context::System => "of every patient",
            };
            let limits: Vec<_> = resource
                .query
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
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

fn verbs(permissions: Permissions) -> String {
    let words = [
        (permissions.create, "create"),
        (permissions.read, "read"),
        (permissions.update, "change"),
        (permissions.delete, "delete"),
        (permissions.search, "search"),
    ];
    let mut text = words
        .iter()
        .filter(|(may, _)| *may)
        .map(|(_, word)| *word)
        .collect::<Vec<_>>()
        .join(", ");
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
            "Read, search Observation of the chosen patient"
        );
        assert_eq!(say("launch/patient"), "Know which patient you choose");
    }
}
