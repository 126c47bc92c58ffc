//! Whether discovery documents contradict each other or themselves.
//!
//! SMART App Launch 2.2 conformance: <https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::finding::{Finding, answer};
use crate::step::Context;
use crate::step::arguments::Document;
use crate::step::context::document;
use crate::step::discover::{OAUTH_URIS, oauth_uris};

/// `agrees`: rules of consistency, each judged by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreesArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// Another document that must name the same endpoints; the document with itself where absent.
    #[serde(default)]
    pub with: Option<Document>,
    /// The rule of consistency within one document.
    #[serde(default)]
    pub rule: Option<DiscoveryRule>,
    /// A document that is not there is fine.
    #[serde(default)]
    pub optional: bool,
}

/// A rule of consistency within smart-configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryRule {
    /// `client-confidential-asymmetric` ↔ `private_key_jwt` and an algorithm.
    AsymmetricAuthentication,
    /// `client-confidential-symmetric` ↔ a secret method, where methods are listed.
    SymmetricAuthentication,
    /// `client-public` ↔ `none`, where methods are listed.
    PublicClients,
    /// launch capabilities ↔ `authorization_endpoint` and `authorization_code`.
    Launch,
    /// `sso-openid-connect` ↔ `issuer` and `jwks_uri`.
    SingleSignOn,
    /// `permission-offline`, `permission-online` ↔ `refresh_token` among the grants.
    RefreshGrant,
    /// Capabilities without a colon are among those that the guide defines.
    CapabilityNames,
    /// `private_key_jwt` among the methods ↔ `client-confidential-asymmetric`.
    AsymmetricClaimed,
    /// `client_credentials` among the grants ↔ what backend services authenticate by.
    BackendServices,
    /// Where a launch is claimed, one set of capabilities is whole.
    CapabilitySet,
    /// `context-ehr-…` ↔ `launch-ehr`, `context-standalone-…` ↔ `launch-standalone`.
    ContextLaunch,
    /// `permission-v1`, `permission-v2` ↔ the spelling of the listed scopes.
    ScopeSyntax,
    /// Capabilities ↔ the scopes that they need, where scopes are listed.
    ScopesListed,
    /// `issuer` ↔ `sso-openid-connect`.
    IssuerClaimed,
    /// `issuer` is an https address without query and fragment.
    IssuerForm,
    /// `issuer` is not the address of a document below it.
    IssuerIsBase,
    /// A method with a JWT ↔ the algorithms that it is signed by.
    SigningAlgorithms,
    /// `associated_endpoints` are objects with `url` and `capabilities`.
    AssociatedEndpoints,
    /// `authorization_code` among the grants ↔ `authorization_endpoint`, and `code` among the response types.
    AuthorizationCode,
    /// No field lacks the `_supported` of its name.
    FieldNames,
    /// The CapabilityStatement has `oauth-uris` with `authorize` and `token`.
    OauthUris,
    /// The CapabilityStatement names SMART among its security services.
    SecurityService,
}

/// `agrees`.
pub fn agrees(context: &Context<'_>, args: &AgreesArgs) -> Finding {
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let is_there = answer
        .outcome()
        .is_ok_and(|response| response.status == 200 && answer.json.as_ref().is_some_and(Value::is_object));
    if args.optional && !is_there {
        return Finding::TooLittle("there is no such document".to_owned());
    }
    let Some(smart) = answer.json.as_ref().filter(|json| json.is_object()) else {
        return Finding::Undecided("the document is not a JSON object".to_owned());
    };
    match (args.with, args.rule) {
        (Some(other), _) => with_other(context, smart, other),
        (None, Some(rule)) => ruled(smart, rule),
        (None, None) => Finding::Unreached("`agrees` needs `with` or `rule`".to_owned()),
    }
}

fn with_other(context: &Context<'_>, smart: &Value, other: Document) -> Finding {
    let Some(document) = context.world.known().and_then(|facts| document(facts, other)) else {
        return Finding::TooLittle("the other document is not there".to_owned());
    };
    let pairs: Vec<(&str, Option<String>)> = if other == Document::Capability {
        let uris = oauth_uris(document);
        let of = |name: &str| uris.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        vec![
            ("authorization_endpoint", of("authorize")),
            ("token_endpoint", of("token")),
            ("introspection_endpoint", of("introspect")),
            ("revocation_endpoint", of("revoke")),
        ]
    } else {
        [
            "authorization_endpoint",
            "token_endpoint",
            "introspection_endpoint",
            "revocation_endpoint",
            "jwks_uri",
            "issuer",
        ]
        .map(|name| (name, document[name].as_str().map(str::to_owned)))
        .to_vec()
    };
    let mut compared = 0;
    for (name, theirs) in pairs {
        let (Some(ours), Some(theirs)) = (smart[name].as_str(), theirs) else {
            continue;
        };
        compared += 1;
        if ours != theirs {
            return Finding::broken(
                format!("the same {name} in both documents"),
                format!("`{ours}` and `{theirs}`"),
            );
        }
    }
    if compared == 0 {
        return Finding::TooLittle("the two documents name nothing in common".to_owned());
    }
    Finding::holds()
}

fn list<'v>(smart: &'v Value, name: &str) -> Option<Vec<&'v str>> {
    Some(smart[name].as_array()?.iter().filter_map(Value::as_str).collect())
}

fn ruled(smart: &Value, rule: DiscoveryRule) -> Finding {
    let capabilities = list(smart, "capabilities").unwrap_or_default();
    let claims = |name: &str| capabilities.contains(&name);
    let methods = list(smart, "token_endpoint_auth_methods_supported");
    let grants = list(smart, "grant_types_supported");
    let has = |list: &Option<Vec<&str>>, words: &[&str]| {
        list.as_ref()
            .is_none_or(|list| words.iter().any(|word| list.contains(word)))
    };
    let shown = |name: &str| format!("`{name}`: {}", smart[name]);
    match rule {
        DiscoveryRule::AsymmetricAuthentication => {
            if !claims("client-confidential-asymmetric") {
                return Finding::TooLittle("client-confidential-asymmetric is not claimed".to_owned());
            }
            if methods.is_none() || !has(&methods, &["private_key_jwt"]) {
                let name = "token_endpoint_auth_methods_supported";
                return Finding::broken(format!("`private_key_jwt` in `{name}`"), shown(name));
            }
            let name = "token_endpoint_auth_signing_alg_values_supported";
            let algs = list(smart, name);
            let fits = algs.is_some() && has(&algs, &["RS384", "ES384"]);
            Finding::when(fits, format!("RS384 or ES384 in `{name}`"), shown(name))
        }
        DiscoveryRule::SymmetricAuthentication => {
            if !claims("client-confidential-symmetric") {
                return Finding::TooLittle("client-confidential-symmetric is not claimed".to_owned());
            }
            let fits = has(&methods, &["client_secret_basic", "client_secret_post"]);
            let name = "token_endpoint_auth_methods_supported";
            Finding::when(fits, format!("a client_secret method in `{name}`"), shown(name))
        }
        DiscoveryRule::PublicClients => {
            if !claims("client-public") {
                return Finding::TooLittle("client-public is not claimed".to_owned());
            }
            let name = "token_endpoint_auth_methods_supported";
            Finding::when(
                has(&methods, &["none"]),
                format!("`none` in `{name}`, where methods are listed"),
                shown(name),
            )
        }
        DiscoveryRule::Launch => {
            if !claims("launch-ehr") && !claims("launch-standalone") {
                return Finding::TooLittle("no launch is claimed".to_owned());
            }
            if !smart["authorization_endpoint"].is_string() {
                return Finding::broken("`authorization_endpoint`, since a launch is claimed", "none");
            }
            let name = "grant_types_supported";
            Finding::when(
                has(&grants, &["authorization_code"]),
                format!("`authorization_code` in `{name}`"),
                shown(name),
            )
        }
        DiscoveryRule::SingleSignOn => {
            if !claims("sso-openid-connect") {
                return Finding::TooLittle("sso-openid-connect is not claimed".to_owned());
            }
            for name in ["issuer", "jwks_uri"] {
                if !smart[name].is_string() {
                    return Finding::broken(format!("`{name}`, since sso-openid-connect is claimed"), shown(name));
                }
            }
            Finding::holds()
        }
        DiscoveryRule::RefreshGrant => {
            if !claims("permission-offline") && !claims("permission-online") {
                return Finding::TooLittle("neither permission-offline nor permission-online is claimed".to_owned());
            }
            let name = "grant_types_supported";
            Finding::when(
                has(&grants, &["refresh_token"]),
                format!("`refresh_token` in `{name}`"),
                shown(name),
            )
        }
        DiscoveryRule::CapabilityNames => {
            let unknown: Vec<&str> = capabilities
                .iter()
                .copied()
                .filter(|name| !name.contains(':') && !KNOWN_CAPABILITIES.contains(name))
                .collect();
            let expected = "capabilities that the guide defines, or URIs";
            Finding::when(unknown.is_empty(), expected, format!("unknown: {}", unknown.join(", ")))
        }
        DiscoveryRule::OauthUris => has_oauth_uris(smart),
        DiscoveryRule::SecurityService => {
            let codes = security_services(smart);
            let observed = format!("codes: {}", codes.join(", "));
            Finding::when(
                codes.contains(&"SMART-on-FHIR"),
                "the security service `SMART-on-FHIR`",
                observed,
            )
        }
        other => super::contradiction::judge(smart, other),
    }
}

fn security_services(capability: &Value) -> Vec<&str> {
    let rest = capability["rest"].as_array().into_iter().flatten();
    rest.flat_map(|rest| rest["security"]["service"].as_array().into_iter().flatten())
        .flat_map(|service| service["coding"].as_array().into_iter().flatten())
        .filter_map(|coding| coding["code"].as_str())
        .collect()
}

/// SMART 1.0: a server that requires authorization tells by this extension where.
fn has_oauth_uris(capability: &Value) -> Finding {
    let rest = capability["rest"].as_array().into_iter().flatten();
    let extensions: Vec<&str> = rest
        .flat_map(|rest| rest["security"]["extension"].as_array().into_iter().flatten())
        .filter_map(|extension| extension["url"].as_str())
        .collect();
    let guarded = security_services(capability)
        .iter()
        .any(|code| ["SMART-on-FHIR", "OAuth"].contains(code));
    if !guarded && extensions.is_empty() {
        return Finding::TooLittle("the CapabilityStatement says that no authorization is needed".to_owned());
    }
    let uris = oauth_uris(capability);
    let lacking = ["authorize", "token"]
        .into_iter()
        .find(|name| !uris.iter().any(|(key, _)| key == name));
    let Some(name) = lacking else {
        return Finding::holds();
    };
    let told: Vec<&str> = uris.iter().map(|(key, _)| key.as_str()).collect();
    Finding::broken(
        format!("`{name}` in the extension {OAUTH_URIS} of rest.security"),
        format!("extensions {extensions:?}, oauth-uris {told:?}"),
    )
}

/// SMART App Launch 2.2 conformance, "Capabilities"; and those of 1.0 and 2.0 that were renamed.
const KNOWN_CAPABILITIES: [&str; 27] = [
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-passthrough-banner",
    "context-passthrough-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-ehr-diagnosticreport",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
    "smart-app-state",
    "context-style-v2",
    "cds-hooks-smart-app-token",
    "user-access-brands",
    "context-ehr-imagingstudy",
];
