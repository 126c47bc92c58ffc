//! Where a SMART configuration contradicts itself, or says something that leads apps astray.
//!
//! SMART App Launch 2.2 conformance, "Capability Sets" and "Metadata"; RFC 8414 §2.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::discovery::DiscoveryRule;
use super::finding::Finding;

/// One document under judgement.
struct Document<'v>(&'v Value);

impl<'v> Document<'v> {
    fn list(&self, name: &str) -> Option<Vec<&'v str>> {
        Some(self.0[name].as_array()?.iter().filter_map(Value::as_str).collect())
    }

    fn claims(&self, name: &str) -> bool {
        self.lists("capabilities", name)
    }

    fn lists(&self, field: &str, word: &str) -> bool {
        self.list(field).is_some_and(|list| list.contains(&word))
    }

    fn shown(&self, name: &str) -> String {
        let text = self.0[name].to_string();
        match text.char_indices().nth(200) {
            Some((at, _)) => format!("`{name}`: {}…", &text[..at]),
            None => format!("`{name}`: {text}"),
        }
    }
}

const METHODS: &str = "token_endpoint_auth_methods_supported";
const ALGORITHMS: &str = "token_endpoint_auth_signing_alg_values_supported";

/// Judges one rule of this file.
pub(super) fn judge(document: &Value, rule: DiscoveryRule) -> Finding {
    let document = Document(document);
    match rule {
        DiscoveryRule::AsymmetricClaimed => asymmetric_claimed(&document),
        DiscoveryRule::BackendServices => backend_services(&document),
        DiscoveryRule::CapabilitySet => capability_set(&document),
        DiscoveryRule::ContextLaunch => context_launch(&document),
        DiscoveryRule::ScopeSyntax => scope_syntax(&document),
        DiscoveryRule::ScopesListed => scopes_listed(&document),
        DiscoveryRule::IssuerClaimed => issuer_claimed(&document),
        DiscoveryRule::IssuerForm => issuer_form(&document),
        DiscoveryRule::IssuerIsBase => issuer_is_base(&document),
        DiscoveryRule::SigningAlgorithms => signing_algorithms(&document),
        DiscoveryRule::AssociatedEndpoints => associated_endpoints(&document),
        DiscoveryRule::AuthorizationCode => authorization_code(&document),
        DiscoveryRule::FieldNames => field_names(&document),
        other => Finding::Unreached(format!("{other:?} is judged elsewhere")),
    }
}

fn asymmetric_claimed(document: &Document<'_>) -> Finding {
    if !document.lists(METHODS, "private_key_jwt") {
        return Finding::TooLittle("private_key_jwt is not listed".to_owned());
    }
    Finding::when(
        document.claims("client-confidential-asymmetric"),
        "the capability `client-confidential-asymmetric`, since `private_key_jwt` is listed",
        document.shown("capabilities"),
    )
}

fn backend_services(document: &Document<'_>) -> Finding {
    let system = document
        .list("scopes_supported")
        .is_none_or(|scopes| scopes.iter().any(|scope| scope.starts_with("system/")));
    if !document.lists("grant_types_supported", "client_credentials") || !system {
        return Finding::TooLittle("client_credentials with system/ scopes is not listed".to_owned());
    }
    if !document.claims("client-confidential-asymmetric") {
        return Finding::broken(
            "the capability `client-confidential-asymmetric`, since client_credentials is listed",
            document.shown("capabilities"),
        );
    }
    Finding::when(
        document.lists(METHODS, "private_key_jwt"),
        format!("`private_key_jwt` in `{METHODS}`"),
        document.shown(METHODS),
    )
}

/// SMART 2.2 conformance, "Capability Sets": each set with its name. In each, an app is public or has a secret; one with
/// a key is taken as well.
const SETS: [(&str, &[&str]); 4] = [
    (
        "patients with standalone apps",
        &["launch-standalone", "context-standalone-patient", "permission-patient"],
    ),
    (
        "patients who launch from a portal",
        &["launch-ehr", "context-ehr-patient", "permission-patient"],
    ),
    (
        "clinicians with standalone apps",
        &["launch-standalone", "permission-user", "permission-patient"],
    ),
    (
        "clinicians who launch from the EHR",
        &[
            "launch-ehr",
            "context-ehr-patient",
            "context-ehr-encounter",
            "permission-user",
            "permission-patient",
        ],
    ),
];

fn capability_set(document: &Document<'_>) -> Finding {
    if !document.claims("launch-ehr") && !document.claims("launch-standalone") {
        return Finding::TooLittle("no launch is claimed".to_owned());
    }
    let client = [
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
    ];
    let served = client.iter().any(|name| document.claims(name));
    let whole: Vec<&str> = SETS
        .iter()
        .filter(|(_, needs)| served && needs.iter().all(|name| document.claims(name)))
        .map(|(name, _)| *name)
        .collect();
    if !whole.is_empty() {
        return Finding::Holds(Some(format!("the sets for {}", whole.join(", "))));
    }
    let nearest = SETS
        .iter()
        .map(|(name, needs)| {
            let lacking: Vec<&str> = needs.iter().copied().filter(|need| !document.claims(need)).collect();
            (lacking, *name)
        })
        .min_by_key(|(lacking, _)| lacking.len());
    let (lacking, name) = nearest.unwrap_or_default();
    let lacking = if served {
        lacking.join(", ")
    } else {
        "any client-…".to_owned()
    };
    Finding::broken(
        "one whole set of capabilities",
        format!("the nearest is that for {name}, which lacks {lacking}"),
    )
}

fn context_launch(document: &Document<'_>) -> Finding {
    for (context, launch) in [
        ("context-ehr-", "launch-ehr"),
        ("context-standalone-", "launch-standalone"),
    ] {
        let capabilities = document.list("capabilities").unwrap_or_default();
        let given = capabilities.iter().find(|name| name.starts_with(context));
        if let Some(name) = given
            && !document.claims(launch)
        {
            return Finding::broken(
                format!("the capability `{launch}`, since `{name}` is claimed"),
                document.shown("capabilities"),
            );
        }
    }
    Finding::holds()
}

fn scope_syntax(document: &Document<'_>) -> Finding {
    let scopes = document.list("scopes_supported").unwrap_or_default();
    let permissions: Vec<&str> = scopes
        .iter()
        .filter(|scope| {
            ["patient/", "user/", "system/"]
                .iter()
                .any(|start| scope.starts_with(start))
        })
        .filter_map(|scope| scope.split('?').next()?.rsplit_once('.'))
        .map(|(_, permission)| permission)
        .collect();
    if permissions.is_empty() {
        return Finding::TooLittle("scopes_supported lists no scope for data".to_owned());
    }
    let old = |permission: &&str| ["read", "write", "*"].contains(permission);
    for (capability, there, example) in [
        ("permission-v1", permissions.iter().any(old), "patient/*.read"),
        ("permission-v2", permissions.iter().any(|one| !old(one)), "patient/*.rs"),
    ] {
        if document.claims(capability) && !there {
            return Finding::broken(
                format!("a scope like `{example}` in `scopes_supported`, since `{capability}` is claimed"),
                document.shown("scopes_supported"),
            );
        }
    }
    Finding::holds()
}

/// Scopes without which a capability cannot be used.
const SCOPES: [(&str, &str); 5] = [
    ("launch-ehr", "launch"),
    ("context-standalone-patient", "launch/patient"),
    ("sso-openid-connect", "openid"),
    ("permission-offline", "offline_access"),
    ("permission-online", "online_access"),
];

fn scopes_listed(document: &Document<'_>) -> Finding {
    if document.list("scopes_supported").is_none() {
        return Finding::TooLittle("scopes_supported is not listed".to_owned());
    }
    let lacking: Vec<String> = SCOPES
        .iter()
        .filter(|(capability, scope)| document.claims(capability) && !document.lists("scopes_supported", scope))
        .map(|(capability, scope)| format!("`{scope}` ({capability})"))
        .collect();
    Finding::when(
        lacking.is_empty(),
        "the scopes of the claimed capabilities in `scopes_supported`",
        format!("not listed: {}", lacking.join(", ")),
    )
}

fn issuer_claimed(document: &Document<'_>) -> Finding {
    let listed = !document.0["issuer"].is_null();
    Finding::when(
        !listed || document.claims("sso-openid-connect"),
        "no `issuer`, or the capability `sso-openid-connect`",
        document.shown("issuer"),
    )
}

fn issuer_form(document: &Document<'_>) -> Finding {
    let Some(issuer) = document.0["issuer"].as_str() else {
        return Finding::TooLittle("there is no issuer".to_owned());
    };
    // The text itself: a parser would take away an empty query or fragment.
    let fits = Url::parse(issuer).is_ok_and(|url| {
        let safe = url.scheme() == "https" || (url.scheme() == "http" && crate::target::profile::is_loopback(&url));
        safe && url.has_host()
    }) && !issuer.contains(['?', '#']);
    Finding::when(
        fits,
        "an https issuer without query and fragment",
        document.shown("issuer"),
    )
}

fn issuer_is_base(document: &Document<'_>) -> Finding {
    let Some(issuer) = document.0["issuer"].as_str() else {
        return Finding::TooLittle("there is no issuer".to_owned());
    };
    Finding::when(
        !issuer.contains("/.well-known/"),
        "the issuer itself, below which apps look for .well-known/openid-configuration",
        document.shown("issuer"),
    )
}

fn signing_algorithms(document: &Document<'_>) -> Finding {
    if !["private_key_jwt", "client_secret_jwt"]
        .iter()
        .any(|method| document.lists(METHODS, method))
    {
        return Finding::TooLittle("no method with a JWT is listed".to_owned());
    }
    Finding::when(
        document.list(ALGORITHMS).is_some_and(|list| !list.is_empty()),
        format!("`{ALGORITHMS}`, since a method with a JWT is listed"),
        document.shown(ALGORITHMS),
    )
}

fn associated_endpoints(document: &Document<'_>) -> Finding {
    let name = "associated_endpoints";
    let Some(listed) = document.0.get(name) else {
        return Finding::Holds(Some("none are listed".to_owned()));
    };
    let sound = |one: &Value| {
        let absolute = one["url"].as_str().and_then(|url| Url::parse(url).ok()).is_some();
        let capabilities = one["capabilities"].as_array();
        absolute && capabilities.is_some_and(|list| list.iter().all(Value::is_string))
    };
    let fits = listed.as_array().is_some_and(|list| list.iter().all(sound));
    Finding::when(
        fits,
        format!("`{name}`: objects, each with an absolute `url` and an array `capabilities`"),
        document.shown(name),
    )
}

fn authorization_code(document: &Document<'_>) -> Finding {
    if !document.lists("grant_types_supported", "authorization_code") {
        return Finding::TooLittle("authorization_code is not listed".to_owned());
    }
    if !document.0["authorization_endpoint"].is_string() {
        return Finding::broken("`authorization_endpoint`, since authorization_code is listed", "none");
    }
    let name = "response_types_supported";
    let code = document.list(name).is_none_or(|list| list.contains(&"code"));
    Finding::when(
        code,
        format!("`code` in `{name}`, since authorization_code is listed"),
        document.shown(name),
    )
}

/// Fields that hold what is supported, without the word that ends their names.
const STEMS: [&str; 6] = [
    "grant_types",
    "scopes",
    "response_types",
    "code_challenge_methods",
    "token_endpoint_auth_methods",
    "token_endpoint_auth_signing_alg_values",
];

fn field_names(document: &Document<'_>) -> Finding {
    let misnamed: BTreeSet<&str> = STEMS
        .iter()
        .copied()
        .filter(|stem| document.0.get(*stem).is_some())
        .collect();
    let shown: Vec<String> = misnamed
        .iter()
        .map(|stem| format!("`{stem}`, which apps look for as `{stem}_supported`"))
        .collect();
    Finding::when(misnamed.is_empty(), "the names that apps look for", shown.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(document: &Value, rule: DiscoveryRule) -> Option<bool> {
        match judge(document, rule) {
            Finding::Holds(_) => Some(true),
            Finding::Broken { .. } => Some(false),
            _ => None,
        }
    }

    #[test]
    fn a_set_needs_a_client_and_all_of_its_capabilities() {
        let mut document = json!({"capabilities": ["launch-ehr", "context-ehr-patient", "permission-patient"]});
        assert_eq!(holds(&document, DiscoveryRule::CapabilitySet), Some(false));
        document["capabilities"]
            .as_array_mut()
            .unwrap()
            .push(json!("client-public"));
        assert_eq!(holds(&document, DiscoveryRule::CapabilitySet), Some(true));
        assert_eq!(
            holds(
                &json!({"capabilities": ["client-confidential-asymmetric"]}),
                DiscoveryRule::CapabilitySet
            ),
            None,
            "a server of backend services alone"
        );
    }

    #[test]
    fn both_syntaxes_are_looked_for_where_both_are_claimed() {
        let both =
            |scopes: &[&str]| json!({"capabilities": ["permission-v1", "permission-v2"], "scopes_supported": scopes});
        let rule = DiscoveryRule::ScopeSyntax;
        assert_eq!(
            holds(&both(&["patient/*.read", "patient/Observation.rs?category=a.b"]), rule),
            Some(true)
        );
        assert_eq!(holds(&both(&["user/*.*"]), rule), Some(false));
        assert_eq!(holds(&both(&["user/*.cruds"]), rule), Some(false));
        assert_eq!(holds(&both(&["openid"]), rule), None);
    }

    #[test]
    fn an_issuer_is_an_https_address_without_query_and_fragment() {
        let form = |issuer: &str| holds(&json!({ "issuer": issuer }), DiscoveryRule::IssuerForm);
        assert_eq!(form("https://ehr.example/tenant/1"), Some(true));
        assert_eq!(form("http://127.0.0.1:8080"), Some(true));
        for wrong in [
            "http://ehr.example",
            "https://ehr.example?",
            "https://ehr.example/#",
            "ehr.example",
        ] {
            assert_eq!(form(wrong), Some(false), "{wrong}");
        }
    }

    #[test]
    fn other_rules_say_which_words_contradict_each_other() {
        let document = json!({
            "capabilities": ["context-ehr-patient"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods": ["none"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "issuer": "https://ehr.example/.well-known/openid-configuration",
            "associated_endpoints": ["https://ehr.example"],
        });
        for rule in [
            DiscoveryRule::AsymmetricClaimed,
            DiscoveryRule::BackendServices,
            DiscoveryRule::ContextLaunch,
            DiscoveryRule::IssuerClaimed,
            DiscoveryRule::IssuerIsBase,
            DiscoveryRule::SigningAlgorithms,
            DiscoveryRule::AssociatedEndpoints,
            DiscoveryRule::AuthorizationCode,
            DiscoveryRule::FieldNames,
        ] {
            assert_eq!(holds(&document, rule), Some(false), "{rule:?}");
        }
        let empty = json!({});
        for rule in [
            DiscoveryRule::ContextLaunch,
            DiscoveryRule::IssuerClaimed,
            DiscoveryRule::AssociatedEndpoints,
        ] {
            assert_eq!(holds(&empty, rule), Some(true), "{rule:?}");
        }
    }
}
