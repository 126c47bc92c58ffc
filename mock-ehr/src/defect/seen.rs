//! Where a defect was seen for real: servers and tools that did the same, or nearly, each with a public source.
//!
//! That a server is named here says nothing about its present version.

use super::Defect;

/// What somebody's server did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Who, and what it did.
    pub what: &'static str,
    /// Where it was told: `owner/repository#number` is an issue or a pull request on GitHub.
    pub source: &'static str,
}

/// Names of defects, what was seen, and its source.
const SEEN: &[(&[&str], &str, &str)] = &[
    (
        &["fhir_no_patient_opens_all"],
        "Microsoft's FHIR server: a token with patient scopes and without fhirUser was not held to any compartment.",
        "microsoft/fhir-server#5688",
    ),
    (
        &["fhir_include_leak", "fhir_revinclude_leak"],
        "Microsoft's FHIR server: includes brought records of other patients, and types that were not granted.",
        "microsoft/fhir-server#5683",
    ),
    (
        &["fhir_granular_unknown_ignored"],
        "Microsoft's FHIR server: a scope's constraint fell away where its search parameter was not available.",
        "microsoft/fhir-server#5817",
    ),
    (
        &["fhir_contexts_mixed"],
        "Microsoft's FHIR server: scopes of patient, user and system in one token gave more together than each alone.",
        "microsoft/fhir-server#5717",
    ),
    (
        &["aud_not_checked"],
        "Authorization servers gave a code for whatever aud; one's maker told a certification test kit that it could not be prevented.",
        "onc-healthit/onc-certification-g10-test-kit#438",
    ),
    (
        &["aud_host_ignored"],
        "SMART launcher v2: the host of aud was overwritten before it was compared.",
        "smart-on-fhir/smart-launcher-v2, authorize.ts",
    ),
    (
        &["code_replay_accepted"],
        "SMART launcher: one code could be redeemed again and again.",
        "smart-on-fhir/smart-launcher#32",
    ),
    (
        &["redirect_uri_not_compared_at_exchange"],
        "SMART launcher: redirect_uri of the exchange was not compared with that of the authorization request.",
        "smart-on-fhir/smart-launcher#43",
    ),
    (
        &["redirect_uri_prefix_match"],
        "SMART launcher v2: whatever began as a registered address was taken.",
        "smart-on-fhir/smart-launcher-v2, authorize.ts",
    ),
    (
        &["pkce_not_verified", "pkce_method_unknown_accepted"],
        "ORY Hydra: a challenge was taken and never verified, and a method that does not exist was taken too.",
        "ory/hydra#1512",
    ),
    (
        &["assertion_jti_forgotten_at_exp"],
        "A sample of Azure Health Data Services: jti was forgotten sooner than the assertion ceased to be accepted.",
        "Azure-Samples/azure-health-data-and-ai-samples#413",
    ),
    (
        &["assertion_jti_per_instance"],
        "Better Auth: each process remembered jti for itself, so that another took the assertion again.",
        "better-auth/better-auth#11340",
    ),
    (
        &["refresh_not_bound_to_client", "refresh_unauthenticated"],
        "SMART launcher v2: a refresh token worked for any client, and without its credentials.",
        "smart-on-fhir/smart-launcher-v2, token.ts",
    ),
    (
        &["fhir_existence_revealed"],
        "LinuxForHealth FHIR: a refusal told from an empty answer whether data exist.",
        "LinuxForHealth/FHIR#2669",
    ),
    (
        &["fhir_write_letter_not_checked"],
        "HAPI FHIR: rights to create and to update could not be told apart.",
        "hapifhir/hapi-fhir#5715",
    ),
    (
        &["refresh_without_scope"],
        "OpenEMR: a refresh token came although no scope for it was granted.",
        "openemr/openemr#4579",
    ),
    (
        &["context_lost_when_signed_in"],
        "OpenEMR: the patient of an EHR launch got lost where the page for consent was skipped.",
        "openemr/openemr#11114",
    ),
    (
        &["context_patient_missing"],
        "OpenEMR: scopes of the patient were granted, and no patient came with the token.",
        "openemr/openemr#5943",
    ),
    (
        &["context_patient_missing"],
        "CMS Blue Button: patient came with the refreshed token only, not with the first.",
        "jwilleke/yourphr#293",
    ),
    (
        &["refresh_loses_context"],
        "OpenEMR: a refreshed token had lost its patient.",
        "openemr/openemr#5191",
    ),
    (
        &["token_scope_hides_offline"],
        "Servers that give a refresh token and do not name offline_access in scope; a client library then never refreshes.",
        "smart-on-fhir/client-js#138",
    ),
    (
        &["scope_v1_refused"],
        "Oracle Health: an app that was registered for the second version and asked in the first lost every scope for reading.",
        "jwilleke/yourphr#338",
    ),
    (
        &["scope_v2_refused"],
        "Oracle Health: the second version was announced, and not understood.",
        "smart-on-fhir/cumulus-etl#403",
    ),
    (
        &["fhir_single_use_token"],
        "Helios FHIR Server: the guard against replayed assertions refused the second use of an access token.",
        "HeliosSoftware/hfs#205",
    ),
    (
        &["fhir_5xx_without_patient"],
        "LinuxForHealth FHIR: a token without a patient ended in status 500.",
        "LinuxForHealth/FHIR#4083",
    ),
    (
        &["token_expires_in_string"],
        "CMS BCDA: expires_in was a string.",
        "CMSgov/bcda-app#806",
    ),
    (
        &["context_banner_string"],
        "Epic: need_patient_banner was a string in a response that a customer's manual shows.",
        "developer manual of Apotti",
    ),
    (
        &["launch_iss_elsewhere"],
        "OMOP on FHIR: iss of a launch named a host that only the server itself could reach.",
        "omoponfhir/omoponfhir-main#13",
    ),
    (
        &["token_grows_with_scopes"],
        "Oracle Health: its manual warns that many scopes make a token too long for a header.",
        "Oracle Health's authorization documentation",
    ),
    (
        &["authorize_post_refused"],
        "OpenEMR: the authorization endpoint knew no POST, which certification asks for.",
        "openemr/openemr#8640",
    ),
    (
        &["token_cors_missing"],
        "athenahealth and others: the token endpoint answered, and no browser let the app read it.",
        "fastenhealth/fasten-onprem#396; fastenhealth/fasten-sources#11",
    ),
    (
        &["cors_error_missing"],
        "Oracle Health: 401 of an expired token came without CORS headers and looked like a broken network.",
        "smart-on-fhir/client-js#97",
    ),
    (
        &["cors_wildcard_credentials"],
        "A server allowed every origin by `*` where the browser sent credentials, and browsers refused it.",
        "smart-on-fhir/client-js#82",
    ),
    (
        &["discovery_cors_missing", "metadata_cors_missing"],
        "eClinicalWorks: discovery could not be read by pages of other origins.",
        "smart-on-fhir/client-js#167",
    ),
    (
        &["discovery_404"],
        "Microsoft's FHIR server had no smart-configuration.",
        "microsoft/fhir-server#2138",
    ),
    (
        &["oauth_uris_disagree"],
        "SMART launcher: smart-configuration and CapabilityStatement named different endpoints.",
        "smart-on-fhir/smart-launcher#11",
    ),
    (
        &["discovery_contradiction"],
        "Veradigm and athenahealth: capabilities and the lists of methods in one document excluded each other.",
        "their smart-configuration documents",
    ),
    (
        &["discovery_challenge_methods_missing"],
        "athenahealth: PKCE was supported and not announced, so that a client library left it out.",
        "smart-on-fhir/client-js#174",
    ),
    (
        &["discovery_signing_algorithms_missing"],
        "Epic and athenahealth: asymmetric authentication was announced without its algorithms.",
        "their smart-configuration documents",
    ),
    (
        &["openid_configuration_missing"],
        "SMART launcher and OpenEMR: nothing, or a web page, was at the address to which iss of the id_token leads.",
        "smart-on-fhir/smart-launcher#54; openemr/openemr#9463",
    ),
    (
        &["id_token_aud_wrong"],
        "athenahealth: aud of the id_token was not the client_id.",
        "athenahealth/apiserver-athenaFlex#200",
    ),
    (
        &["id_token_unknown_kid"],
        "Oracle Health: an id_token was signed with a key that was published later only.",
        "forums.oracle.com, smart-launch-auth-issues-missing-kids-3574",
    ),
    (
        &["id_token_fhir_user_missing"],
        "Epic: fhirUser was asked for and is not in the id_token that a customer's manual shows.",
        "developer manual of Apotti",
    ),
    (
        &["introspection_unknown_error"],
        "OpenEMR: introspection of a token that is not valid ended in 401.",
        "openemr/openemr#9460",
    ),
    (
        &["state_dropped_on_error"],
        "SMART launcher: errors came back without state.",
        "smart-on-fhir/smart-launcher#13",
    ),
    (
        &["basic_not_decoded"],
        "Epic: a secret worked in a Basic header as it is only, not form-encoded as RFC 6749 has it.",
        "community.fhir.org, invalid-client-error-from-epic/4312",
    ),
    (
        &["backend_correct_request_refused"],
        "OpenEMR: every request by client_credentials was answered with invalid_client.",
        "openemr/openemr#7065",
    ),
    (
        &["token_error_content_type"],
        "SMART bulk data server: errors of the token endpoint came as text/plain.",
        "smart-on-fhir/bulk-data-server#11",
    ),
    (
        &["token_error_5xx"],
        "athenahealth: invalid_client came with status 500.",
        "athenahealth/apiserver-athenaFlex#237",
    ),
    (
        &["registration_jwks_uri_refused"],
        "OpenEMR: a registration with jwks_uri and without jwks failed.",
        "openemr/openemr#12895",
    ),
    (
        &["registration_statement_lost", "registration_metadata_missing"],
        "Duende IdentityServer: the answer to a registration left out the software statement and other metadata.",
        "DuendeArchive/Support#939",
    ),
];

impl Defect {
    /// Where this was seen for real.
    pub fn seen(self) -> impl Iterator<Item = Seen> {
        SEEN.iter()
            .filter(move |(names, _, _)| names.contains(&self.name()))
            .map(|(_, what, source)| Seen { what, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_of_defects_that_exist() {
        for (names, what, source) in SEEN {
            for name in *names {
                assert!(name.parse::<Defect>().is_ok(), "{name}");
            }
            assert!(what.ends_with('.') && !source.is_empty(), "{what}");
        }
        assert_eq!(Defect::ContextPatientMissing.seen().count(), 2);
        assert_eq!(Defect::CodeLowEntropy.seen().count(), 0);
    }
}
