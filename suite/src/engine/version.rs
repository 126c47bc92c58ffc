//! Which SMART version a target is judged by, where nobody says so.

use crate::step::world::Facts;
use crate::target::{Profile, SmartVersion};

/// The version and where it comes from.
pub fn infer(given: Option<SmartVersion>, profile: &Profile, facts: &Facts) -> (SmartVersion, String) {
    if let Some(version) = given {
        return (version, "given by --smart".to_owned());
    }
    if let Some(version) = profile.smart {
        return (version, "given by `smart` in the profile".to_owned());
    }
    let Some(smart) = &facts.smart else {
        return (
            SmartVersion::V1_0,
            "inferred: there is no smart-configuration".to_owned(),
        );
    };
    let claims = |name: &str| facts.capabilities.iter().any(|one| one == name);
    let lists = |name: &str| smart.get(name).is_some();
    let fields = ["code_challenge_methods_supported", "grant_types_supported"];
    let capabilities = ["permission-v1", "authorize-post", "client-confidential-asymmetric"];
    let signs: Vec<&str> = fields
        .into_iter()
        .filter(|name| lists(name))
        .chain(capabilities.into_iter().filter(|name| claims(name)))
        .collect();
    let of_2_2 = [
        "user_access_brand_bundle",
        "user_access_brand_identifier",
        "associated_endpoints",
    ];
    if let Some(field) = of_2_2.into_iter().find(|field| lists(field)) {
        (
            SmartVersion::V2_2,
            format!("inferred: it lists {field}, which came with 2.2"),
        )
    } else if claims("smart-app-state") {
        (
            SmartVersion::V2_2,
            "inferred: it claims smart-app-state, which came with 2.1, and nothing says which of 2.1 and 2.2"
                .to_owned(),
        )
    } else if claims("permission-v2") || signs.len() > 1 {
        (
            SmartVersion::V2_2,
            "inferred: it lists what came with 2.0, and nothing says which 2.x".to_owned(),
        )
    } else if let Some(only) = signs.first() {
        // OAuth servers list some of it whatever SMART version they speak.
        (
            SmartVersion::V1_0,
            format!("inferred: of what came with 2.0, only {only} is listed"),
        )
    } else {
        (
            SmartVersion::V1_0,
            "inferred: nothing that came with 2.0 is listed".to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(smart: Option<serde_json::Value>) -> (SmartVersion, String) {
        let profile = Profile::for_url("https://ehr.example/fhir").expect("a good URL");
        let claims = smart
            .as_ref()
            .and_then(|smart| smart["capabilities"].as_array().cloned());
        let facts = Facts {
            capabilities: claims
                .into_iter()
                .flatten()
                .filter_map(|claim| claim.as_str().map(str::to_owned))
                .collect(),
            smart,
            ..Facts::default()
        };
        infer(None, &profile, &facts)
    }

    #[test]
    fn what_is_listed_says_the_version_and_the_reason_names_it() {
        let brands = serde_json::json!({ "user_access_brand_bundle": "https://ehr.example/brands" });
        let state = serde_json::json!({ "capabilities": ["smart-app-state"] });
        let letters = serde_json::json!({ "capabilities": ["permission-v2"] });
        for (smart, word) in [
            (brands, "came with 2.2"),
            (state, "came with 2.1"),
            (letters, "which 2.x"),
        ] {
            let (version, reason) = inferred(Some(smart));
            assert_eq!(version, SmartVersion::V2_2);
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn a_server_that_lists_nothing_of_2_0_is_one_of_1_0() {
        let old = serde_json::json!({ "capabilities": ["launch-ehr", "context-passthrough-banner"] });
        assert_eq!(inferred(Some(old)).0, SmartVersion::V1_0);
        assert_eq!(inferred(None).0, SmartVersion::V1_0);
    }

    #[test]
    fn who_says_the_version_is_believed() {
        let profile = Profile::for_url("https://ehr.example/fhir").expect("a good URL");
        let (version, reason) = infer(Some(SmartVersion::V2_0), &profile, &Facts::default());
        assert_eq!(version, SmartVersion::V2_0);
        assert!(reason.contains("--smart"));
    }
}
