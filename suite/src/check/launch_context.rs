//! Judges `fhirContext` and `authorization_details` of a token response.
//!
//! SMART App Launch 2.2, "fhirContext":
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#fhir-context>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::finding::{Finding, answer};
use crate::step::Context;

/// `launch_context`: what the guide says of a member of the token response; nothing is judged where it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchContextArgs {
    /// Label or verb of the token response; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: ContextRule,
    /// Of `has_type`: the resource type.
    #[serde(default)]
    pub resource: Option<String>,
}

/// A rule about the launch context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextRule {
    /// `fhirContext` is an array of objects.
    Objects,
    /// Each of its entries has `reference`, `canonical` or `identifier`.
    Named,
    /// The members of an entry have the types that the guide gives them.
    Types,
    /// No entry refers to a patient or an encounter, but with a role other than `launch`.
    NoPatientOrEncounter,
    /// No `role` is an empty text.
    RoleNotEmpty,
    /// A `role` other than `launch` is an absolute URI.
    RoleAbsolute,
    /// An entry with `identifier` or `canonical` has a `type`.
    Typed,
    /// SMART 2.0: an entry that is a text is a relative reference, to neither a patient nor an encounter. Objects, which came
    /// with 2.1, are passed over.
    References,
    /// One of the entries is of the given resource type.
    HasType,
    /// Members that neither SMART nor OAuth defines are full URIs, or begin with two underscores.
    ExtensionsNamed,
    /// `authorization_details` is an array of objects with `type`, `locations` and `fhirVersions`.
    AuthorizationDetails,
}

/// `launch_context`.
pub fn launch_context(context: &Context<'_>, args: &LaunchContextArgs) -> Finding {
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    if args.rule == ContextRule::ExtensionsNamed {
        return extensions(answer.json.as_ref());
    }
    let name = match args.rule {
        ContextRule::AuthorizationDetails => "authorization_details",
        _ => "fhirContext",
    };
    let Some(value) = answer.json.as_ref().and_then(|json| json.get(name)) else {
        return Finding::TooLittle(format!("the token response has no {name}"));
    };
    let Some(entries) = value.as_array() else {
        return match args.rule {
            ContextRule::Objects | ContextRule::AuthorizationDetails => {
                Finding::broken(format!("{name}: an array of objects"), shown(value))
            }
            ContextRule::References => Finding::broken(format!("{name}: an array of references"), shown(value)),
            _ => Finding::TooLittle(format!("{name} is not an array")),
        };
    };
    if args.rule == ContextRule::HasType {
        let kind = args.resource.as_deref().unwrap_or_default();
        let there = entries.iter().any(|entry| kind_of(entry) == Some(kind));
        return Finding::when(
            there,
            format!("an entry of fhirContext of the type {kind}"),
            shown(value),
        );
    }
    entries
        .iter()
        .find_map(|entry| {
            let expected = fault(args.rule, entry)?;
            Some(Finding::broken(format!("{name}: {expected}"), shown(entry)))
        })
        .unwrap_or_else(Finding::holds)
}

/// Members of a token response that SMART, OAuth (the registry of its parameters) or OpenID Connect define.
const DEFINED: [&str; 15] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "id_token",
    "issued_token_type",
    "authorization_details",
    "patient",
    "encounter",
    "fhirContext",
    "need_patient_banner",
    "intent",
    "smart_style_url",
    "tenant",
];

fn extensions(response: Option<&Value>) -> Finding {
    let Some(members) = response.and_then(Value::as_object) else {
        return Finding::TooLittle("the token response is no JSON object".to_owned());
    };
    let is_safe = |name: &str| name.starts_with("__") || Url::parse(name).is_ok();
    let others: Vec<&str> = members
        .keys()
        .map(String::as_str)
        .filter(|name| !DEFINED.contains(name) && !is_safe(name))
        .collect();
    Finding::when(
        others.is_empty(),
        "members that SMART or OAuth defines, and others named by a URI or with two underscores before",
        others.join(", "),
    )
}

/// What had to be there instead, if the entry breaks the rule.
fn fault(rule: ContextRule, entry: &Value) -> Option<&'static str> {
    let has = |name: &str| entry.get(name).is_some();
    let named_role = entry.get("role").and_then(Value::as_str);
    let (broken, expected) = match rule {
        ContextRule::Objects => (!entry.is_object(), "every entry an object"),
        ContextRule::References => return no_reference(entry),
        // Texts are judged by `objects`.
        _ if !entry.is_object() && rule != ContextRule::AuthorizationDetails => return None,
        ContextRule::Named => (
            !["reference", "canonical", "identifier"].iter().any(|name| has(name)),
            "every entry with reference, canonical or identifier",
        ),
        ContextRule::Types => return wrong_type(entry),
        ContextRule::NoPatientOrEncounter => (
            matches!(kind_of(entry), Some("Patient" | "Encounter")) && named_role.is_none_or(|role| role == "launch"),
            "no entry for the patient or the encounter without a role other than launch",
        ),
        ContextRule::RoleNotEmpty => (named_role == Some(""), "no role that is an empty text"),
        ContextRule::RoleAbsolute => (
            named_role.is_some_and(|role| !role.is_empty() && role != "launch" && Url::parse(role).is_err()),
            "every role `launch` or an absolute URI",
        ),
        ContextRule::Typed => (
            (has("identifier") || has("canonical")) && !has("type"),
            "a type beside every identifier and canonical",
        ),
        ContextRule::HasType | ContextRule::ExtensionsNamed => return None,
        ContextRule::AuthorizationDetails => (
            !is_detail(entry),
            "every entry an object with a text `type` and, for smart_on_fhir, the arrays `locations` and `fhirVersions`",
        ),
    };
    broken.then_some(expected)
}

fn no_reference(entry: &Value) -> Option<&'static str> {
    let text = match entry {
        Value::Object(_) => return None,
        Value::String(text) => text,
        _ => return Some("every entry a reference"),
    };
    let path = text.split("/_history/").next().unwrap_or_default();
    match path.split_once('/') {
        Some(("Patient" | "Encounter", _)) => Some("no reference to a patient or an encounter"),
        Some((kind, id)) if is_type(kind) && !id.is_empty() && !id.contains('/') => None,
        _ => Some("every entry a relative reference such as `ImagingStudy/1`"),
    }
}

fn wrong_type(entry: &Value) -> Option<&'static str> {
    let text = |name: &str| entry.get(name).map(Value::as_str);
    if matches!(text("reference"), Some(None)) {
        return Some("reference a text such as `ImagingStudy/1`");
    }
    if text("canonical").is_some_and(|canonical| canonical.is_none_or(|canonical| Url::parse(canonical).is_err())) {
        return Some("canonical an absolute URL");
    }
    if entry
        .get("identifier")
        .is_some_and(|identifier| !identifier.is_object())
    {
        return Some("identifier an object, a FHIR Identifier");
    }
    if text("type").is_some_and(|kind| kind.is_none_or(|kind| !is_type(kind))) {
        return Some("type a text, the name of a resource type");
    }
    matches!(text("role"), Some(None)).then_some("role a text")
}

fn is_detail(entry: &Value) -> bool {
    let texts = |name: &str| {
        entry[name]
            .as_array()
            .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_string))
    };
    match entry.get("type").and_then(Value::as_str) {
        Some("smart_on_fhir") => texts("locations") && texts("fhirVersions"),
        Some(_) => true,
        None => false,
    }
}

/// The resource type: of the reference, relative or not, else as `type` says.
fn kind_of(entry: &Value) -> Option<&str> {
    let of_reference = entry.get("reference").and_then(Value::as_str).and_then(|reference| {
        let path = reference.split("/_history/").next()?;
        let mut parts = path.rsplit('/');
        parts.next();
        parts.next().filter(|kind| is_type(kind))
    });
    of_reference.or_else(|| entry.get("type").and_then(Value::as_str))
}

fn is_type(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase()) && text.chars().all(|char| char.is_ascii_alphabetic())
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_guide_shows_breaks_no_rule() {
        use ContextRule::{Named, NoPatientOrEncounter, Objects, RoleAbsolute, RoleNotEmpty, Typed, Types};
        let entries = [
            json!({"reference": "ImagingStudy/123"}),
            json!({"reference": "List/456", "role": "https://example.org/med-list-at-hospital"}),
            json!({"role": "https://example.org/role/x", "type": "Questionnaire", "canonical": "https://example.org/Questionnaire/123|v1"}),
            json!({"reference": "Patient/1", "role": "https://example.org/role/mother"}),
        ];
        for entry in &entries {
            for rule in [
                Objects,
                Named,
                Types,
                NoPatientOrEncounter,
                RoleNotEmpty,
                RoleAbsolute,
                Typed,
            ] {
                assert_eq!(fault(rule, entry), None, "{rule:?} {entry}");
            }
        }
    }

    #[test]
    fn texts_of_the_older_version_are_relative_references() {
        let broken = |entry: Value| fault(ContextRule::References, &entry).is_some();
        assert!(!broken(json!("ImagingStudy/1")) && !broken(json!("List/1/_history/2")));
        assert!(
            !broken(json!({"reference": "ImagingStudy/1"})),
            "as the next version has it"
        );
        for entry in [
            json!("Patient/1"),
            json!("https://e.example/fhir/List/1"),
            json!("List"),
            json!(1),
        ] {
            assert!(broken(entry.clone()), "{entry}");
        }
    }

    #[test]
    fn each_rule_is_broken_by_its_fault() {
        use ContextRule::{
            AuthorizationDetails, Named, NoPatientOrEncounter, Objects, RoleAbsolute, RoleNotEmpty, Typed, Types,
        };
        for (rule, entry) in [
            (Objects, json!("ImagingStudy/1")),
            (Named, json!({"type": "ImagingStudy"})),
            (Types, json!({"reference": {"reference": "ImagingStudy/1"}})),
            (Types, json!({"canonical": "Questionnaire/1"})),
            (Types, json!({"identifier": "1"})),
            (NoPatientOrEncounter, json!({"reference": "Patient/1"})),
            (
                NoPatientOrEncounter,
                json!({"reference": "https://ehr.example/fhir/Encounter/1", "role": "launch"}),
            ),
            (RoleNotEmpty, json!({"reference": "List/1", "role": ""})),
            (RoleAbsolute, json!({"reference": "List/1", "role": "medications"})),
            (Typed, json!({"canonical": "https://example.org/Questionnaire/1"})),
            (
                AuthorizationDetails,
                json!({"type": "smart_on_fhir", "locations": "https://ehr.example/fhir"}),
            ),
        ] {
            assert!(fault(rule, &entry).is_some(), "{rule:?} {entry}");
        }
    }
}
