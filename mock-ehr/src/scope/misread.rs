//! How the defects misread scopes: what a faulty server makes of one that was asked for, or of one that it granted.

use super::grammar::{Context, ResourceScope, Scope};
use crate::defect::Defect;
use crate::switches::Switches;

/// What this server takes a scope for that an app asked for; `None` where it drops it.
pub(crate) fn asked(defects: &Switches<Defect>, scope: Scope) -> Option<Scope> {
    match scope {
        Scope::Resource(resource) => over_data(defects, resource),
        // RFC 6749 §3.3: scopes are compared letter case and all.
        Scope::Unknown(text) if defects.has(Defect::ScopeCaseIgnored) => Some(Scope::parse(&in_usual_case(&text))),
        other => Some(other),
    }
}

fn over_data(defects: &Switches<Defect>, scope: ResourceScope) -> Option<Scope> {
    let refused = if is_v1(&scope) {
        defects.has(Defect::ScopeV1Refused)
    } else {
        defects.has(Defect::ScopeV2Refused)
    };
    if refused || (scope.context == Context::User && defects.has(Defect::ScopeUserRefused)) {
        return None;
    }
    if !scope.query.is_empty() {
        if defects.has(Defect::ScopeGranularRefused) {
            return None;
        }
        if defects.has(Defect::ScopeConstraintDropped)
            && let Some((whole, _)) = scope.text.split_once('?')
        {
            return Some(Scope::parse(whole));
        }
    }
    // SMART 2.2 scopes: `.read` is `.rs`, never the letters that happen to stand in the word.
    if let Some(resource) = scope.text.strip_suffix(".read")
        && defects.has(Defect::ScopeReadAsRd)
    {
        return Some(Scope::parse(&format!("{resource}.rd")));
    }
    if let Some(rest) = scope.text.strip_prefix("patient/")
        && defects.has(Defect::ScopePatientAsUser)
    {
        return Some(Scope::parse(&format!("user/{rest}")));
    }
    Some(Scope::Resource(scope))
}

/// Is it written with the letters of the second version, in another order?
pub(crate) fn is_out_of_order(scope: &Scope) -> bool {
    let Scope::Unknown(text) = scope else { return false };
    let Some((resource, letters)) = text.rsplit_once('.') else {
        return false;
    };
    let in_order: String = "cruds".chars().filter(|letter| letters.contains(*letter)).collect();
    matches!(Scope::parse(&format!("{resource}.{in_order}")), Scope::Resource(_)) && in_order.len() == letters.len()
}

/// Does a granted scope open this type at all?
pub(crate) fn opens(defects: &Switches<Defect>, scope: &ResourceScope, kind: &str) -> bool {
    let single = scope.permissions.letters().len() == 1;
    !(is_v1(scope) && defects.has(Defect::FhirV1ScopePowerless)
        || single && defects.has(Defect::FhirSingleLetterPowerless)
        || scope.resource == "*" && kind != "Patient" && defects.has(Defect::FhirWildcardPowerless))
}

fn is_v1(scope: &ResourceScope) -> bool {
    [".read", ".write", ".*"].iter().any(|word| scope.text.ends_with(word))
}

/// `PATIENT/observation.RS` as `patient/Observation.rs`
fn in_usual_case(text: &str) -> String {
    let text = text.to_lowercase();
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    match (text.as_str(), text.split_once('/')) {
        ("fhiruser", _) => "fhirUser".to_owned(),
        (_, Some((context @ ("patient" | "user" | "system"), rest))) => format!("{context}/{}", capital(rest)),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_another_order_are_told_from_nonsense() {
        for (text, expected) in [
            ("patient/Observation.sr", true),
            ("patient/Observation.dus", true),
            ("patient/Observation.rs", false),
            ("patient/Observation.rr", false),
            ("patient/Observation.rx", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_out_of_order(&Scope::parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn letter_case_is_mended() {
        assert_eq!(in_usual_case("PATIENT/observation.RS"), "patient/Observation.rs");
        assert_eq!(in_usual_case("OpenID"), "openid");
    }
}
