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
    if lists("user_access_brand_bundle") || claims("smart-app-state") || lists("user_access_brand_identifier") {
        (
            SmartVersion::V2_2,
            "inferred from what 2.2 brought: brands or app state are listed".to_owned(),
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
