//! Every deliberate fault of the mock, what it breaks, and the requirement that forbids it.
//!
//! A defect has one hook, inside the check that it breaks, beside the correct line. None is armed by default.

mod app;
mod seen;

use std::fmt;
use std::str::FromStr;

use crate::journal::notes::Used;
use crate::switches::Switch;

pub use self::seen::Seen;

macro_rules! defects {
    ($($name:literal $defect:ident $requirement:literal $doc:literal;)+) => {
        /// One deliberate fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum Defect { $(#[doc = $doc] $defect,)+ }

        impl Defect {
            /// Every defect.
            pub const ALL: &'static [Self] = &[$(Self::$defect,)+];

            /// Its name in configuration, on the command line and in the management API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$defect => $name,)+ }
            }

            /// The requirement that it breaks, as `document/section`.
            pub const fn requirement(self) -> &'static str {
                match self { $(Self::$defect => $requirement,)+ }
            }

            /// What goes wrong, in a sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$defect => $doc,)+ }
            }
        }
    };
}

defects! {
    // discovery
    "discovery_404" Discovery404 "smart-2.2.0/372" "smart-configuration is answered with 404.";
    "discovery_burst_5xx" DiscoveryBurst5xx "smart-2.2.0/372" "Of requests for smart-configuration that come at the same moment, those beyond three end in status 500.";
    "discovery_needs_authorization" DiscoveryNeedsAuthorization "smart-2.2.0/372" "smart-configuration is refused without a bearer token.";
    "discovery_wrong_content_type" DiscoveryWrongContentType "smart-2.2.0/377" "smart-configuration comes as text/html.";
    "discovery_malformed_json" DiscoveryMalformedJson "smart-2.2.0/374" "smart-configuration is cut off in the middle.";
    "discovery_406" Discovery406 "smart-2.2.0/374" "A request for smart-configuration whose Accept does not name application/json is refused with 406.";
    "discovery_relative_endpoint" DiscoveryRelativeEndpoint "smart-2.2.0/378" "token_endpoint is a relative URL.";
    "discovery_authorization_endpoint_missing" DiscoveryAuthorizationEndpointMissing "smart-2.2.0/373" "authorization_endpoint is left out although launches are supported.";
    "discovery_token_endpoint_missing" DiscoveryTokenEndpointMissing "smart-2.2.0/373" "token_endpoint is left out.";
    "discovery_capabilities_missing" DiscoveryCapabilitiesMissing "smart-2.2.0/373" "capabilities is left out.";
    "discovery_capabilities_empty" DiscoveryCapabilitiesEmpty "smart-2.2.0/373" "capabilities is an empty array.";
    "discovery_capabilities_string" DiscoveryCapabilitiesString "smart-2.2.0/373" "capabilities is one string with spaces instead of an array.";
    "discovery_grant_types_missing" DiscoveryGrantTypesMissing "smart-2.2.0/373" "grant_types_supported is left out.";
    "discovery_challenge_methods_missing" DiscoveryChallengeMethodsMissing "smart-2.2.0/394" "code_challenge_methods_supported is left out.";
    "discovery_contradiction" DiscoveryContradiction "smart-2.2.0/373" "client-confidential-asymmetric is listed and private_key_jwt is not among the authentication methods.";
    "discovery_secret_methods_missing" DiscoverySecretMethodsMissing "smart-2.2.0/356" "client-confidential-symmetric is listed and no client_secret method is among the authentication methods.";
    "discovery_refresh_grant_missing" DiscoveryRefreshGrantMissing "smart-2.2.0/384" "permission-offline is listed and refresh_token is not among the grant types.";
    "discovery_issuer_missing" DiscoveryIssuerMissing "smart-2.2.0/373" "issuer is left out although sso-openid-connect is listed.";
    "discovery_jwks_uri_missing" DiscoveryJwksUriMissing "smart-2.2.0/373" "jwks_uri is left out although sso-openid-connect is listed.";
    "discovery_cors_missing" DiscoveryCorsMissing "smart-2.2.0/16" "smart-configuration carries no CORS header.";
    "discovery_asymmetric_unclaimed" DiscoveryAsymmetricUnclaimed "smart-2.2.0/285" "private_key_jwt is listed and client-confidential-asymmetric is not claimed.";
    "discovery_capability_set_incomplete" DiscoveryCapabilitySetIncomplete "smart-2.2.0/346" "permission-patient is not claimed, so that no set of capabilities is whole.";
    "discovery_permission_v1_unclaimed" DiscoveryPermissionV1Unclaimed "smart-2.2.0/126" "permission-v1 is not claimed, although scopes of the first version are understood.";
    "discovery_launch_ehr_unclaimed" DiscoveryLaunchEhrUnclaimed "smart-2.2.0/393" "context-ehr-patient is claimed without launch-ehr.";
    "discovery_issuer_query" DiscoveryIssuerQuery "oidc-discovery/3-issuer" "The issuer has a query.";
    "discovery_issuer_well_known" DiscoveryIssuerWellKnown "oidc-discovery/4-issuer" "The issuer is the address of its own openid-configuration.";
    "discovery_signing_algorithms_missing" DiscoverySigningAlgorithmsMissing "smart-2.2.0/289" "private_key_jwt is listed and no signature algorithms are.";
    "discovery_associated_endpoints_malformed" DiscoveryAssociatedEndpointsMalformed "smart-2.2.0/439" "associated_endpoints is an array of addresses instead of objects.";
    "discovery_management_endpoint_missing" DiscoveryManagementEndpointMissing "smart-2.2.0/390" "management_endpoint is left out.";
    "management_endpoint_404" ManagementEndpoint404 "smart-2.2.0/390" "The page of granted apps is not where discovery says that it is.";
    "management_endpoint_json" ManagementEndpointJson "smart-2.2.0/390" "management_endpoint answers a browser with JSON.";
    "openid_issuer_fragment" OpenidIssuerFragment "oidc-discovery/3-issuer" "issuer in openid-configuration has a fragment.";
    "openid_metadata_incomplete" OpenidMetadataIncomplete "oidc-discovery/3-required" "openid-configuration lacks subject_types_supported.";
    "oauth_metadata_disagrees" OauthMetadataDisagrees "rfc8414/3-agrees" "The RFC 8414 document names another token endpoint.";
    "oauth_uris_missing" OauthUrisMissing "smart-1.0.0/oauth-uris" "The CapabilityStatement has no oauth-uris, which servers of SMART 1.0 need.";
    "oauth_uris_disagree" OauthUrisDisagree "smart-2.2.0/373" "The CapabilityStatement names another token endpoint.";
    "openid_configuration_missing" OpenidConfigurationMissing "smart-2.2.0/210" "openid-configuration is answered with 404.";
    "openid_issuer_mismatch" OpenidIssuerMismatch "oidc-discovery/4.3" "issuer in openid-configuration is not the address from which it was read.";
    "jwks_private_key" JwksPrivateKey "rfc7517/9.2" "The key set contains a private key.";
    "jwks_empty" JwksEmpty "rfc7517/5" "The key set is empty.";
    "jwks_wrong_key" JwksWrongKey "oidc-core/10.1.1" "The key set holds another key under the kid of the signing key.";
    "jwks_key_dropped" JwksKeyDropped "oidc-core/10.1.1-retained" "Every second answer lacks the key that signs id_tokens, as where one of two nodes does not know it.";
    "jwks_kid_missing" JwksKidMissing "rfc7517/4.5" "The keys of the set have no kid.";
    "jwks_kid_repeated" JwksKidRepeated "rfc7517/4.5" "Two keys of one type have one kid.";
    // authorize: client and parameters
    "client_id_missing_accepted" ClientIdMissingAccepted "rfc6749/4.1.2.1-invalid-request" "A request without client_id is served for the client that registered its redirect_uri.";
    "client_unknown_accepted" ClientUnknownAccepted "rfc6749/4.1.2.1-invalid-request" "An unknown client_id is served as the client that registered the redirect_uri.";
    "client_unknown_redirects" ClientUnknownRedirects "rfc6749/4.1.2.1-no-redirect" "An unknown client's error is sent to whatever redirect_uri came with it.";
    "response_type_missing_accepted" ResponseTypeMissingAccepted "rfc6749/3.1.1" "A missing response_type counts as code.";
    "response_type_empty_accepted" ResponseTypeEmptyAccepted "rfc6749/3.1.1" "An empty response_type counts as code.";
    "response_type_unknown_accepted" ResponseTypeUnknownAccepted "rfc6749/3.1.1" "An unknown response_type counts as code.";
    "response_type_token_accepted" ResponseTypeTokenAccepted "rfc9700/2.1.2" "response_type=token is served with an access token in the fragment.";
    "response_mode_unchecked" ResponseModeUnchecked "rfc6749/3.1.2.3" "An unknown response_mode turns off the check of redirect_uri.";
    "response_mode_skips_pkce" ResponseModeSkipsPkce "smart-2.2.0/14" "A response_mode turns off the check of PKCE.";
    "form_post_answered_by_redirect" FormPostAnsweredByRedirect "oauth-form-post/2" "response_mode=form_post is listed, and answered by a redirect with the code in the query.";
    "form_post_errors_by_redirect" FormPostErrorsByRedirect "oauth-form-post/2" "With response_mode=form_post, errors come by a redirect.";
    "form_post_by_get" FormPostByGet "oauth-form-post/2" "The form that carries the answer has the method GET, so that the code stands in the address.";
    "form_post_code_in_address" FormPostCodeInAddress "oauth-form-post/2" "The form that carries the answer has it in its address as well.";
    "form_post_cacheable" FormPostCacheable "oauth-form-post/2-not-stored" "The page with the form that carries the answer may be stored.";
    "form_post_unescaped" FormPostUnescaped "rfc6749/10.14" "The form that carries the answer holds state as it came.";
    "form_post_escaped_twice" FormPostEscapedTwice "rfc6749/4.1.2-state" "The form that carries the answer holds state escaped twice, so that another one comes to the app.";
    "request_uri_fetched" RequestUriFetched "rfc9101/10.4-location" "An address in request_uri is fetched, whoever names it.";
    "request_object_unsigned_read" RequestObjectUnsignedRead "oidc-core/6.1" "What a request object says counts, although nobody signed it and discovery says that none is read.";
    "request_repeated_unescaped" RequestRepeatedUnescaped "rfc6749/10.14" "A request with a `<` in a parameter gets an error page that repeats all parameters as they came.";
    "request_object_redirect_unchecked" RequestObjectRedirectUnchecked "smart-2.2.0/18" "With a request parameter, redirect_uri is taken from it, or from the query, and not checked.";
    "request_object_unchecked" RequestObjectUnchecked "smart-2.2.0/14" "A request parameter turns off the check of PKCE.";
    "duplicate_parameters_accepted" DuplicateParametersAccepted "rfc6749/3.1-once" "A parameter that comes twice counts by its first value.";
    "duplicate_redirect_uri_first_checked" DuplicateRedirectUriFirstChecked "rfc6749/3.1.2.4" "Of two redirect_uris the first is checked and the last one used.";
    "duplicate_redirect_uri_last_checked" DuplicateRedirectUriLastChecked "rfc6749/3.1.2.4" "Of two redirect_uris the last is checked and the first one used.";
    "authorize_get_refused" AuthorizeGetRefused "rfc6749/3.1-get" "The authorization endpoint knows POST only.";
    "authorize_post_refused" AuthorizePostRefused "smart-2.2.0/373" "The authorization endpoint knows GET only although authorize-post is listed.";
    "authorize_unknown_parameter_refused" AuthorizeUnknownParameterRefused "rfc6749/3.1-unknown" "A request with a parameter that the endpoint does not know is refused.";
    "authorize_long_value_5xx" AuthorizeLongValue5xx "rfc6749/4.1.2.1-invalid-request" "A value of more than 500 characters ends in status 500.";
    "authorize_non_utf8_5xx" AuthorizeNonUtf85xx "rfc6749/4.1.2.1-invalid-request" "A value that is not UTF-8 ends in status 500.";
    "authorize_correct_request_5xx" AuthorizeCorrectRequest5xx "rfc6749/4.1.2" "A correct request ends in status 500.";
    "authorize_error_code_wrong" AuthorizeErrorCodeWrong "rfc6749/4.1.2.1-codes" "Every error redirect carries error=failed, which no document defines.";
    "authorize_error_missing" AuthorizeErrorMissing "rfc6749/4.1.2.1-error" "Error redirects carry no error.";
    "authorize_error_with_code" AuthorizeErrorWithCode "rfc6749/4.1.2.1-error" "Error redirects carry a code as well.";
    "authorize_error_description_charset" AuthorizeErrorDescriptionCharset "rfc6749/4.1.2.1-codes" "error_description contains quotation marks and characters beyond ASCII.";
    "error_page_unescaped" ErrorPageUnescaped "rfc6749/10.14" "The error page repeats a parameter without escaping it.";
    "error_redirect_to_unregistered" ErrorRedirectToUnregistered "rfc6749/4.1.2.1-no-redirect" "The error of an unregistered redirect_uri is sent to that very address.";
    "response_307" Response307 "rfc9700/4.12" "The browser is sent to the app with 307 after it posted the user's decision.";
    "sign_in_307" SignIn307 "rfc9700/4.12" "The browser is sent on with 307 after it posted the user's password.";
    "pages_third_party" PagesThirdParty "rfc9700/4.2" "The pages load a picture of another site, and say nothing of referrers.";
    "form_of_other_browser_accepted" FormOfOtherBrowserAccepted "rfc6749/10.12" "A form is taken in another browser than the one for which its page was made.";
    "session_not_renewed" SessionNotRenewed "cwe/384" "A session's cookie of before the sign-in is as good as the one that the sign-in gave.";
    "sign_in_any_password" SignInAnyPassword "rfc6749/3.1-identity" "Any password signs a user in.";
    "sign_in_echoes_password" SignInEchoesPassword "cwe/209" "The page after a wrong password shows it.";
    "login_hint_unescaped" LoginHintUnescaped "rfc6749/10.14" "login_hint stands on the sign-in page as it came.";
    "prompt_none_ignored" PromptNoneIgnored "oidc-core/3.1.2.1-none" "With prompt=none the user sees pages as without it.";
    "prompt_login_ignored" PromptLoginIgnored "oidc-core/3.1.2.3-login" "With prompt=login or max_age=0 a user who is signed in is not asked again.";
    "cookie_unguarded" CookieUnguarded "rfc6265/4.1.2.6" "Scripts may read the session's cookie.";
    "response_iss_missing" ResponseIssMissing "rfc9207/2" "The authorization response carries no iss although it is announced.";
    "response_iss_missing_in_errors" ResponseIssMissingInErrors "rfc9207/2" "Errors that are sent to the app carry no iss although it is announced.";
    "response_iss_wrong" ResponseIssWrong "rfc9207/2" "The authorization response carries the iss of another server.";
    "response_in_fragment" ResponseInFragment "rfc6749/4.1.2" "The code comes in the fragment of the redirect address.";
    "response_loses_query" ResponseLosesQuery "rfc6749/4.1.2" "The registered redirect_uri's own query is dropped.";
    "denied_gives_code" DeniedGivesCode "rfc6749/4.1.2.1-error" "A user's denial is answered with a code.";
    "denied_error_code_wrong" DeniedErrorCodeWrong "rfc6749/4.1.2.1-codes" "A user's denial is answered with error=invalid_request.";
    "pages_frameable" PagesFrameable "rfc6749/10.13" "The pages of the authorization endpoint may be framed by anyone.";
    "pages_cacheable" PagesCacheable "rfc9700/4.2" "The pages of the authorization endpoint allow caching and send referrers.";
    "csrf_not_checked" CsrfNotChecked "rfc6749/10.12" "Sign-in, picker and consent forms are taken without their CSRF token.";
    "picker_patient_not_offered_accepted" PickerPatientNotOfferedAccepted "smart-2.2.0/168" "A picker form with a patient that was not offered is taken.";
    "consent_scope_not_offered_accepted" ConsentScopeNotOfferedAccepted "rfc6749/3.3" "A consent form with a scope that was not offered is taken.";
    "sessions_mixed" SessionsMixed "rfc6749/10.12" "Two authorizations in one browser session share one slot: the later one's request answers both.";
    // redirect_uri
    "redirect_uri_any" RedirectUriAny "smart-2.2.0/18" "Any redirect_uri is accepted.";
    "redirect_uri_prefix_match" RedirectUriPrefixMatch "smart-2.2.0/18" "A redirect_uri needs only to begin with a registered one.";
    "redirect_uri_origin_only" RedirectUriOriginOnly "smart-2.2.0/18" "Only scheme, host and port are compared.";
    "redirect_uri_case_insensitive" RedirectUriCaseInsensitive "smart-2.2.0/18" "Letter case is ignored in the whole address.";
    "redirect_uri_ignores_query" RedirectUriIgnoresQuery "smart-2.2.0/18" "The query is not compared.";
    "redirect_uri_ignores_fragment" RedirectUriIgnoresFragment "smart-2.2.0/18" "The fragment is not compared.";
    "redirect_uri_trailing_slash" RedirectUriTrailingSlash "smart-2.2.0/18" "A trailing slash makes no difference.";
    "redirect_uri_decodes_percent" RedirectUriDecodesPercent "smart-2.2.0/18" "Percent-encoding is undone, and a trailing slash then makes no difference.";
    "redirect_uri_normalises_dots" RedirectUriNormalisesDots "smart-2.2.0/18" "Dot segments are resolved before a prefix is compared.";
    "redirect_uri_scheme_ignored" RedirectUriSchemeIgnored "smart-2.2.0/18" "The scheme is not compared.";
    "redirect_uri_port_ignored" RedirectUriPortIgnored "smart-2.2.0/18" "The port is not compared.";
    "redirect_uri_userinfo" RedirectUriUserinfo "smart-2.2.0/18" "User information before the host is not compared.";
    "redirect_uri_host_suffix" RedirectUriHostSuffix "smart-2.2.0/18" "A host that merely begins with the registered one is accepted.";
    "redirect_uri_subdomain" RedirectUriSubdomain "smart-2.2.0/18" "Any subdomain of the registered host is accepted.";
    "redirect_uri_other_client" RedirectUriOtherClient "smart-2.2.0/18" "A redirect_uri of any registered client will do.";
    "redirect_uri_missing_accepted" RedirectUriMissingAccepted "rfc6749/3.1.2.3" "Without redirect_uri the first registered one is used, though there are several.";
    "redirect_uri_empty_accepted" RedirectUriEmptyAccepted "rfc6749/3.1.2.3" "With an empty redirect_uri the first registered one is used.";
    "redirect_uri_not_compared_at_exchange" RedirectUriNotComparedAtExchange "rfc6749/4.1.3-redirect-uri" "The redirect_uri of the exchange is not compared with that of the authorization request.";
    "redirect_uri_missing_at_exchange_accepted" RedirectUriMissingAtExchangeAccepted "rfc6749/4.1.3-redirect-uri" "The exchange may leave out redirect_uri.";
    "redirect_uri_registered_at_exchange" RedirectUriRegisteredAtExchange "rfc6749/4.1.3-redirect-uri" "At the exchange any registered redirect_uri of the client will do.";
    // state
    "state_dropped" StateDropped "rfc6749/4.1.2-state" "state is not returned with a code.";
    "state_dropped_on_error" StateDroppedOnError "rfc6749/4.1.2.1-state" "state is not returned with an error.";
    "state_dropped_on_denial" StateDroppedOnDenial "rfc6749/4.1.2.1-state" "state is not returned when the user denies.";
    "state_reencoded" StateReencoded "rfc6749/4.1.2-state" "state is percent-encoded once more than it came.";
    "state_plus_as_space" StatePlusAsSpace "rfc6749/4.1.2-state" "A plus sign in state comes back as a space.";
    "state_truncated" StateTruncated "rfc6749/4.1.2-state" "state is cut off after 255 characters.";
    "state_lowercased" StateLowercased "rfc6749/4.1.2-state" "state comes back in lower case.";
    "state_doubled" StateDoubled "rfc6749/4.1.2-state" "state comes back twice.";
    "state_trimmed" StateTrimmed "rfc6749/4.1.2-state" "Blanks around state are removed.";
    "state_html_escaped" StateHtmlEscaped "rfc6749/4.1.2-state" "state comes back with HTML entities.";
    "state_non_ascii_mangled" StateNonAsciiMangled "rfc6749/4.1.2-state" "Characters of state beyond ASCII come back as question marks.";
    "state_replaced" StateReplaced "rfc6749/4.1.2-state" "A value of the server's own comes back instead of state.";
    // PKCE
    "pkce_not_required" PkceNotRequired "smart-2.2.0/14" "A request without code_challenge is served, and no verifier is asked for.";
    "pkce_only_public" PkceOnlyPublic "smart-2.2.0/14" "PKCE of confidential clients is not checked.";
    "pkce_not_verified" PkceNotVerified "rfc7636/4.6" "The verifier is not compared with the challenge.";
    "pkce_missing_verifier_accepted" PkceMissingVerifierAccepted "rfc7636/4.6" "An exchange without verifier is served.";
    "pkce_empty_verifier_accepted" PkceEmptyVerifierAccepted "rfc7636/4.6" "An exchange with an empty verifier is served.";
    "pkce_plain_accepted" PkcePlainAccepted "smart-2.2.0/15" "code_challenge_method=plain is honoured.";
    "pkce_plain_listed" PkcePlainListed "smart-2.2.0/394" "plain is listed among the methods.";
    "pkce_s256_not_listed" PkceS256NotListed "smart-2.2.0/394" "S256 is not listed among the methods.";
    "pkce_s256_refused" PkceS256Refused "smart-2.2.0/14" "code_challenge_method=S256 is refused.";
    "pkce_method_unknown_accepted" PkceMethodUnknownAccepted "rfc7636/4.4.1" "An unknown code_challenge_method counts as S256.";
    "pkce_method_lowercase_accepted" PkceMethodLowercaseAccepted "rfc7636/4.3" "code_challenge_method=s256 counts as S256.";
    "pkce_plain_any_case" PkcePlainAnyCase "rfc7636/4.4.1" "PLAIN and Plain are honoured as plain, which itself is refused.";
    "pkce_missing_method_as_plain" PkceMissingMethodAsPlain "smart-2.2.0/15" "Without code_challenge_method the challenge is honoured as plain.";
    "pkce_missing_method_as_s256" PkceMissingMethodAsS256 "rfc7636/4.3" "Without code_challenge_method the challenge counts as S256.";
    "pkce_challenge_as_verifier" PkceChallengeAsVerifier "rfc7636/4.6" "The challenge itself is accepted as verifier.";
    "pkce_short_verifier" PkceShortVerifier "rfc7636/4.1" "A verifier of fewer than 43 characters is accepted.";
    "pkce_long_verifier" PkceLongVerifier "rfc7636/4.1" "A verifier of more than 128 characters is accepted.";
    "pkce_bad_alphabet" PkceBadAlphabet "rfc7636/4.1" "A verifier with characters outside the grammar is accepted.";
    "pkce_malformed_challenge" PkceMalformedChallenge "rfc7636/4.2" "A challenge that no SHA-256 can give is accepted, and then not checked.";
    "pkce_empty_challenge_accepted" PkceEmptyChallengeAccepted "rfc7636/4.2" "An empty challenge is served, and no verifier is asked for.";
    "pkce_downgrade" PkceDowngrade "rfc9700/4.8.2" "A verifier is accepted for a code that was issued without challenge.";
    "pkce_verifier_of_any_flow" PkceVerifierOfAnyFlow "rfc7636/4.6" "The verifier of any other flow of the client is accepted.";
    // aud
    "aud_at_exchange_heals" AudAtExchangeHeals "smart-2.2.0/96" "A wrong aud is refused at the exchange only, and there the right one makes up for it.";
    "aud_not_checked" AudNotChecked "smart-2.2.0/96" "aud is not compared at all.";
    "aud_missing_accepted" AudMissingAccepted "smart-2.2.0/42" "A request without aud is served.";
    "aud_empty_accepted" AudEmptyAccepted "smart-2.2.0/42" "An empty aud is served.";
    "aud_host_ignored" AudHostIgnored "smart-2.2.0/96" "The host of aud is not compared.";
    "aud_port_ignored" AudPortIgnored "smart-2.2.0/96" "The port of aud is not compared.";
    "aud_scheme_ignored" AudSchemeIgnored "smart-2.2.0/96" "The scheme of aud is not compared.";
    "aud_path_prefix" AudPathPrefix "smart-2.2.0/96" "aud needs only to begin with the FHIR base.";
    "aud_path_parent" AudPathParent "smart-2.2.0/96" "aud may be a parent of the FHIR base.";
    "aud_path_case" AudPathCase "smart-2.2.0/96" "Letter case in the path of aud is ignored.";
    "aud_userinfo" AudUserinfo "smart-2.2.0/96" "User information in aud is ignored.";
    "aud_query_ignored" AudQueryIgnored "smart-2.2.0/96" "Query and fragment of aud are ignored.";
    "aud_array_first" AudArrayFirst "smart-2.2.0/96" "Of several audiences in one value only one has to fit.";
    // launch
    "launch_unknown_accepted" LaunchUnknownAccepted "smart-2.2.0/168" "An unknown launch value is taken, with some patient as its context.";
    "launch_altered_accepted" LaunchAlteredAccepted "smart-2.2.0/168" "The signature of a launch value is not checked.";
    "launch_expired_accepted" LaunchExpiredAccepted "smart-2.2.0/168" "A launch value never expires.";
    "launch_foreign_client_accepted" LaunchForeignClientAccepted "smart-2.2.0/168" "A launch value that was made for another client is taken.";
    "launch_iss_elsewhere" LaunchIssElsewhere "smart-2.2.0/372" "iss of an EHR launch is an address where nothing is found.";
    "launch_role_refused" LaunchRoleRefused "smart-2.2.0/159" "A launch scope with a role is refused.";
    "launch_foreign_user_accepted" LaunchForeignUserAccepted "smart-2.2.0/168" "A launch value of one user is taken in another user's session.";
    "launch_empty_accepted" LaunchEmptyAccepted "smart-2.2.0/168" "An empty launch value is taken, with some patient as its context.";
    // scope
    "scope_missing_accepted_with_everything" ScopeMissingAcceptedWithEverything "rfc6749/3.3-default" "A request without scope gets every scope, also those that the client may not have.";
    "scope_unknown_granted" ScopeUnknownGranted "rfc9700/2.3" "A scope that means nothing is granted as it came.";
    "scope_only_unknown_accepted" ScopeOnlyUnknownAccepted "rfc6749/4.1.2.1-codes" "A request with nothing but unknown scopes is served.";
    "scope_wider_granted" ScopeWiderGranted "rfc9700/2.3" "More is granted than was asked for.";
    "scope_not_registered_granted" ScopeNotRegisteredGranted "rfc9700/2.3" "A scope that the client may not have is granted.";
    "scope_v1_refused" ScopeV1Refused "smart-2.2.0/373" "Scopes of the first version are refused although permission-v1 is listed.";
    "scope_last_overlooked" ScopeLastOverlooked "rfc6749/3.3-order" "A scope for context that stands last in the list is overlooked.";
    "scope_v2_refused" ScopeV2Refused "smart-2.2.0/373" "Scopes of the second version are refused although permission-v2 is listed.";
    "scope_granular_refused" ScopeGranularRefused "smart-2.2.0/370" "Scopes with a constraint are dropped although permission-v2 is listed.";
    "scope_constraint_dropped" ScopeConstraintDropped "rfc9700/2.3" "The constraint of a scope is dropped, and the whole type granted.";
    "scope_user_refused" ScopeUserRefused "smart-2.2.0/368" "Scopes of the user are dropped although permission-user is listed.";
    "scope_patient_as_user" ScopePatientAsUser "rfc9700/2.3" "A patient/ scope is granted as the user/ one.";
    "scope_read_as_rd" ScopeReadAsRd "smart-2.2.0/128" "`.read` of the first version is taken for the letters r and d.";
    "scope_out_of_order_granted" ScopeOutOfOrderGranted "rfc6749/3.3-reported" "A scope whose letters stand in another order than cruds is granted as it came.";
    "scope_case_ignored" ScopeCaseIgnored "rfc6749/3.3-case" "Letter case of scopes is ignored.";
    // code
    "code_replay_accepted" CodeReplayAccepted "rfc6749/4.1.2-single-use" "A code can be redeemed any number of times.";
    "code_replay_does_not_revoke" CodeReplayDoesNotRevoke "rfc6749/4.1.2-replay-revokes" "What a code gave stays valid when the code is replayed.";
    "code_race" CodeRace "rfc6749/4.1.2-single-use" "Two redemptions at the same moment both succeed.";
    "code_never_expires" CodeNeverExpires "rfc6749/4.1.2-expires" "A code never expires.";
    "code_not_bound_to_client" CodeNotBoundToClient "rfc6749/4.1.3-issued-to" "Any client can redeem a code.";
    "code_not_bound_across_kinds" CodeNotBoundAcrossKinds "rfc6749/4.1.3-issued-to" "A public client can redeem the code of a confidential one.";
    "code_low_entropy" CodeLowEntropy "rfc6749/10.10" "Codes are consecutive numbers.";
    "code_contains_state" CodeContainsState "rfc6749/10.10" "The code contains the request's state.";
    "code_contains_challenge" CodeContainsChallenge "rfc7636/4.4" "The code contains the request's code_challenge.";
    "code_repeated" CodeRepeated "rfc6749/10.10" "The code is a hash of the request and the user, so that equal requests get equal codes.";
    "code_missing_accepted" CodeMissingAccepted "rfc6749/4.1.3-valid-code" "An exchange without code redeems the client's latest one that the rest of the request fits.";
    "code_unknown_accepted" CodeUnknownAccepted "rfc6749/4.1.3-valid-code" "An unknown code redeems the client's latest one that the rest of the request fits.";
    "code_prefix_match" CodePrefixMatch "rfc6749/4.1.3-valid-code" "Only the first half of a code is compared.";
    "code_case_insensitive" CodeCaseInsensitive "rfc6749/4.1.3-valid-code" "Letter case of a code is ignored.";
    "code_revoked_by_wrong_client" CodeRevokedByWrongClient "rfc6749/4.1.3-valid-code" "A failed attempt by another client makes a code unusable for its own.";
    // token endpoint
    "token_grant_type_missing_accepted" TokenGrantTypeMissingAccepted "rfc6749/5.2-invalid-request" "A missing grant_type counts as authorization_code.";
    "token_grant_type_empty_accepted" TokenGrantTypeEmptyAccepted "rfc6749/5.2-invalid-request" "An empty grant_type counts as authorization_code.";
    "token_grant_type_unknown_accepted" TokenGrantTypeUnknownAccepted "rfc6749/5.2-unsupported-grant-type" "An unknown grant_type counts as authorization_code.";
    "token_grant_type_password_accepted" TokenGrantTypePasswordAccepted "rfc9700/2.4" "grant_type=password is served.";
    "token_client_credentials_public" TokenClientCredentialsPublic "rfc6749/4.4" "A public client gets a token by client_credentials.";
    "token_duplicate_parameters_accepted" TokenDuplicateParametersAccepted "rfc6749/3.2-once" "A parameter that comes twice counts by its first value.";
    "token_query_overrides" TokenQueryOverrides "rfc6749/3.2-once" "A parameter in the query of a token request replaces the one in its body.";
    "token_query_accepted" TokenQueryAccepted "rfc6749/3.2-post" "Parameters of the token request are also read from the query.";
    "token_get_accepted" TokenGetAccepted "rfc6749/3.2-post" "The token endpoint serves GET.";
    "token_json_body_accepted" TokenJsonBodyAccepted "rfc6749/3.2-post" "The token endpoint reads a JSON body.";
    "token_unknown_parameter_refused" TokenUnknownParameterRefused "rfc6749/3.2-unknown" "A token request with a parameter that the endpoint does not know is refused.";
    "token_correct_request_refused" TokenCorrectRequestRefused "rfc6749/5.1-json" "A correct exchange is refused.";
    "token_scope_at_exchange_widens" TokenScopeAtExchangeWidens "rfc9700/2.3" "A scope at the exchange replaces the granted one.";
    "token_error_html" TokenErrorHtml "rfc6749/5.2-body" "Errors of the token endpoint are HTML pages.";
    "token_error_status_200" TokenErrorStatus200 "rfc6749/5.2-status" "Errors of the token endpoint come with status 200.";
    "token_error_5xx" TokenError5xx "rfc6749/5.2-status" "Errors of the token endpoint come with status 500.";
    "token_error_missing_code" TokenErrorMissingCode "rfc6749/5.2-body" "Errors of the token endpoint have no error member.";
    "token_error_code_wrong" TokenErrorCodeWrong "rfc6749/5.2-body" "Every error of the token endpoint is called failed.";
    "token_error_content_type" TokenErrorContentType "rfc6749/5.2-body" "Errors of the token endpoint come as text/plain.";
    "token_error_description_charset" TokenErrorDescriptionCharset "rfc6749/5.2-description" "error_description contains quotation marks and characters beyond ASCII.";
    "token_error_cacheable" TokenErrorCacheable "rfc6749/5.1-no-store" "Errors of the token endpoint do not forbid caching.";
    "token_error_with_token" TokenErrorWithToken "rfc6749/5.2-body" "Errors of the token endpoint carry an access token.";
    "token_cache_control_missing" TokenCacheControlMissing "smart-2.2.0/86" "The token response has no Cache-Control.";
    "token_pragma_missing" TokenPragmaMissing "smart-2.2.0/87" "The token response has no Pragma.";
    "token_content_type_html" TokenContentTypeHtml "rfc6749/5.1-json" "The token response comes as text/html.";
    "token_access_token_missing" TokenAccessTokenMissing "rfc6749/5.1-json" "The token response has no access_token.";
    "token_access_token_charset" TokenAccessTokenCharset "rfc6749/appendix-a.12" "The access token contains characters that no header can carry as they are.";
    "token_access_token_low_entropy" TokenAccessTokenLowEntropy "rfc6749/10.10" "Access tokens are consecutive numbers.";
    "token_type_missing" TokenTypeMissing "rfc6749/5.1-json" "The token response has no token_type.";
    "token_type_wrong" TokenTypeWrong "smart-2.2.0/111" "token_type is mac.";
    "token_expires_in_missing" TokenExpiresInMissing "smart-2.2.0/76" "The token response has no expires_in.";
    "token_expires_in_string" TokenExpiresInString "rfc6749/5.1-numbers" "expires_in is a string.";
    "token_expires_in_zero" TokenExpiresInZero "smart-2.2.0/76" "expires_in is zero.";
    "token_scope_missing" TokenScopeMissing "smart-2.2.0/113" "The token response has no scope.";
    "token_scope_array" TokenScopeArray "rfc6749/5.1-json" "scope is an array.";
    "token_cors_missing" TokenCorsMissing "smart-2.2.0/17" "The token endpoint carries no CORS header.";
    "token_scope_hides_offline" TokenScopeHidesOffline "rfc6749/3.3-reported" "offline_access is granted and not told in scope.";
    "token_scope_commas" TokenScopeCommas "rfc6749/3.3-list" "Scopes in the token response are separated by commas.";
    "token_scope_blanks" TokenScopeBlanks "rfc6749/3.3-list" "Scopes in the token response have blanks around them and two between them.";
    "token_grows_with_scopes" TokenGrowsWithScopes "smart-2.2.0/134" "An access token grows by 120 characters with each scope.";
    // launch context
    "context_patient_missing" ContextPatientMissing "smart-2.2.0/168" "The token response has no patient although a scope asked for one.";
    "context_patient_wrong" ContextPatientWrong "smart-2.2.0/168" "The token response names another patient than was chosen.";
    "context_patient_reference" ContextPatientReference "smart-2.2.0/170" "patient is a reference (`Patient/1`) instead of an id.";
    "context_patient_unasked" ContextPatientUnasked "smart-2.2.0/149" "patient comes although no scope asked for it.";
    "context_encounter_missing" ContextEncounterMissing "smart-2.2.0/168" "encounter of the EHR launch is left out.";
    "context_banner_missing" ContextBannerMissing "smart-2.2.0/359" "need_patient_banner is left out in an EHR launch.";
    "context_banner_string" ContextBannerString "smart-2.2.0/173" "need_patient_banner is a string.";
    "context_encounter_reference" ContextEncounterReference "smart-2.2.0/171" "encounter is a reference (`Encounter/1`) instead of an id.";
    "context_intent_array" ContextIntentArray "smart-2.2.0/174" "intent is an array.";
    "context_tenant_number" ContextTenantNumber "smart-2.2.0/176" "tenant is a number.";
    "context_patient_only_by_name" ContextPatientOnlyByName "smart-2.2.0/164" "With scopes of the patient, patient comes only to those who asked for launch/patient.";
    "context_lost_when_signed_in" ContextLostWhenSignedIn "smart-2.2.0/168" "A user who is signed in already gets a token without the context of the launch.";
    "context_style_missing" ContextStyleMissing "smart-2.2.0/360" "smart_style_url is left out although context-style is listed.";
    "style_document_missing" StyleDocumentMissing "smart-2.2.0/175" "The address in smart_style_url is answered with 404.";
    "fhir_context_missing" FhirContextMissing "smart-2.2.0/177" "fhirContext of the EHR launch is left out.";
    "fhir_context_texts" FhirContextTexts "smart-2.2.0/172" "fhirContext holds texts, as in SMART 2.0.";
    "fhir_context_patient" FhirContextPatient "smart-2.2.0/177" "fhirContext has an entry for the patient, without a role.";
    "fhir_context_nothing_named" FhirContextNothingNamed "smart-2.2.0/178" "An entry of fhirContext has neither reference, canonical nor identifier.";
    "fhir_context_reference_object" FhirContextReferenceObject "smart-2.2.0/179" "reference of a fhirContext entry is an object.";
    "fhir_context_role_empty" FhirContextRoleEmpty "smart-2.2.0/190" "role of a fhirContext entry is an empty text.";
    "fhir_context_role_relative" FhirContextRoleRelative "smart-2.2.0/188" "A role of the server's own is no absolute URI.";
    "fhir_context_type_missing" FhirContextTypeMissing "smart-2.2.0/185" "An entry of fhirContext with a canonical has no type.";
    "authorization_details_malformed" AuthorizationDetailsMalformed "smart-2.2.0/82" "locations in authorization_details is a text.";
    "context_style_relative" ContextStyleRelative "smart-2.2.0/175" "smart_style_url is a relative URL.";
    "context_nested" ContextNested "smart-2.2.0/169" "The launch context stands in a member of its own.";
    // refresh
    "refresh_missing" RefreshMissing "smart-2.2.0/365" "No refresh token comes although offline_access was granted.";
    "refresh_online_missing" RefreshOnlineMissing "smart-2.2.0/366" "No refresh token comes although online_access was granted.";
    "refresh_without_scope" RefreshWithoutScope "smart-2.2.0/216" "A refresh token comes although neither offline_access nor online_access was granted.";
    "refresh_unknown_accepted" RefreshUnknownAccepted "rfc6749/6-valid" "Any refresh token of at least eight characters is accepted as the client's latest.";
    "refresh_replay_accepted" RefreshReplayAccepted "rfc9700/4.14.2" "A refresh token that was replaced still works.";
    "refresh_replay_keeps_family" RefreshReplayKeepsFamily "rfc9700/4.14.2" "The replay of a replaced refresh token is refused, and its successors stay valid.";
    "refresh_not_bound_to_client" RefreshNotBoundToClient "rfc6749/6-bound" "A refresh token works for any client.";
    "refresh_unauthenticated" RefreshUnauthenticated "rfc6749/6-authenticate" "A confidential client refreshes without credentials.";
    "refresh_scope_widened" RefreshScopeWidened "rfc6749/6-scope" "A refresh may ask for more than was granted, and gets it.";
    "refresh_grants_wider" RefreshGrantsWider "rfc6749/6-scope" "A refresh without scope gets all that the client may have.";
    "refresh_scope_ignored" RefreshScopeIgnored "rfc6749/6-scope" "A refresh that asks for less gets everything.";
    "refresh_narrower_kept" RefreshNarrowerKept "rfc6749/6-same-scope" "A refresh that asks for less narrows the new refresh token, too.";
    "refresh_loses_scope" RefreshLosesScope "rfc6749/6-scope" "A refresh without scope gets only the first scope.";
    "refresh_context_changes" RefreshContextChanges "smart-2.2.0/104" "A refresh names another patient.";
    "refresh_loses_context" RefreshLosesContext "smart-2.2.0/109" "The access token of a refresh has no launch context.";
    "refresh_token_charset" RefreshTokenCharset "rfc6749/a.17" "The refresh token contains characters beyond ASCII.";
    "refresh_token_low_entropy" RefreshTokenLowEntropy "rfc6749/10.10" "Refresh tokens are consecutive numbers.";
    "refresh_correct_request_refused" RefreshCorrectRequestRefused "rfc6749/6-issue" "A correct refresh is refused.";
    // client authentication
    "client_auth_not_required" ClientAuthNotRequired "rfc6749/4.1.3-authenticate" "A confidential client needs no credentials.";
    "client_auth_only_public_codes" ClientAuthOnlyPublicCodes "rfc6749/4.1.3-authenticate" "A confidential client that sends a code_verifier needs no credentials.";
    "secret_wrong_accepted" SecretWrongAccepted "rfc6749/4.1.3-authenticate" "Any secret is accepted.";
    "secret_empty_accepted" SecretEmptyAccepted "rfc6749/4.1.3-authenticate" "An empty secret is accepted.";
    "secret_of_other_client_accepted" SecretOfOtherClientAccepted "rfc6749/4.1.3-authenticate" "The secret of any client is accepted.";
    "secret_prefix_accepted" SecretPrefixAccepted "rfc6749/4.1.3-authenticate" "The beginning of the secret is accepted.";
    "secret_case_insensitive" SecretCaseInsensitive "rfc6749/4.1.3-authenticate" "Letter case of the secret is ignored.";
    "secret_in_query_accepted" SecretInQueryAccepted "rfc6749/2.3.1-not-in-uri" "A secret in the query is accepted.";
    "client_two_methods_accepted" ClientTwoMethodsAccepted "rfc6749/2.3-one-method" "A request that authenticates by two methods is accepted.";
    "basic_refused" BasicRefused "rfc6749/2.3.1-basic" "Secrets in an Authorization header are refused.";
    "basic_not_decoded" BasicNotDecoded "rfc6749/2.3.1-basic" "Form-encoding of Basic credentials is not undone.";
    "basic_www_authenticate_missing" BasicWwwAuthenticateMissing "rfc6749/5.2-www-authenticate" "invalid_client after an Authorization header carries no WWW-Authenticate.";
    "basic_client_mismatch_accepted" BasicClientMismatchAccepted "rfc6749/2.3-one-method" "Authorization header and client_id may name different clients.";
    "invalid_client_code_wrong" InvalidClientCodeWrong "rfc6749/5.2-invalid-client" "Failed client authentication is called invalid_request.";
    "public_client_id_optional" PublicClientIdOptional "rfc6749/4.1.3-issued-to" "A public client need not say who it is.";
    "public_client_secret_required" PublicClientSecretRequired "rfc6749/2.3.1-basic" "A public client is refused without a secret.";
    "public_assertion_accepted" PublicAssertionAccepted "smart-2.2.0/310" "The client_assertion of a public client is not looked at.";
    "assertion_alg_none" AssertionAlgNone "rfc7523/3-signature" "A client assertion with alg none is accepted.";
    "assertion_hs256_with_public_key" AssertionHs256WithPublicKey "rfc7523/3-signature" "A client assertion that is signed by HS256 with the public key is accepted.";
    "assertion_signature_not_checked" AssertionSignatureNotChecked "rfc7523/3-signature" "The signature of a client assertion is not checked.";
    "assertion_iss_not_checked" AssertionIssNotChecked "rfc7523/3-iss" "iss of a client assertion is not compared.";
    "assertion_iss_missing" AssertionIssMissing "rfc7523/3-iss" "A client assertion without iss is accepted.";
    "assertion_sub_not_checked" AssertionSubNotChecked "rfc7523/3-sub" "sub of a client assertion is not compared.";
    "assertion_sub_missing" AssertionSubMissing "rfc7523/3-sub" "A client assertion without sub is accepted.";
    "assertion_aud_not_checked" AssertionAudNotChecked "rfc7523/3-aud" "aud of a client assertion is not compared.";
    "assertion_aud_missing" AssertionAudMissing "rfc7523/3-aud" "A client assertion without aud is accepted.";
    "assertion_aud_prefix" AssertionAudPrefix "rfc7523/3-aud" "aud of a client assertion need only begin as this server's address does.";
    "assertion_expired" AssertionExpired "rfc7523/3-exp" "An expired client assertion is accepted.";
    "assertion_exp_missing" AssertionExpMissing "rfc7523/3-exp" "A client assertion without exp is accepted.";
    "assertion_exp_far" AssertionExpFar "smart-2.2.0/335" "A client assertion may be valid for longer than five minutes.";
    "assertion_nbf_ignored" AssertionNbfIgnored "rfc7523/3-nbf" "nbf of a client assertion is not looked at.";
    "assertion_jti_missing" AssertionJtiMissing "smart-2.2.0/336" "A client assertion without jti is accepted.";
    "assertion_jti_replay" AssertionJtiReplay "smart-2.2.0/336" "A client assertion can be used again.";
    "assertion_kid_unknown" AssertionKidUnknown "smart-2.2.0/338" "A client assertion whose kid is unknown is tried with every key of the client.";
    "assertion_kid_missing" AssertionKidMissing "smart-2.2.0/338" "A client assertion without kid is tried with every key of the client.";
    "assertion_jwk_trusted" AssertionJwkTrusted "smart-2.2.0/338" "The key in a client assertion's own jwk header verifies it.";
    "assertion_jku_trusted" AssertionJkuTrusted "smart-2.2.0/338" "A jku that is not registered is trusted, whatever key it leads to.";
    "assertion_crit_ignored" AssertionCritIgnored "rfc7515/4.1.11" "An unknown critical header of a client assertion is ignored.";
    "assertion_key_of_any_client" AssertionKeyOfAnyClient "smart-2.2.0/338" "The key of any client verifies a client assertion.";
    "assertion_type_wrong" AssertionTypeWrong "rfc7523/2.2" "Any client_assertion_type is accepted.";
    "assertion_type_missing" AssertionTypeMissing "rfc7521/4.2" "client_assertion_type may be left out.";
    "assertion_rs384_refused" AssertionRs384Refused "smart-2.2.0/310" "Client assertions with RS384 are refused.";
    "assertion_es384_refused" AssertionEs384Refused "smart-2.2.0/310" "Client assertions with ES384 are refused.";
    "assertion_first_of_two_counts" AssertionFirstOfTwoCounts "rfc7519/4" "Of a member that stands twice in a client assertion the first counts.";
    "assertion_padding_accepted" AssertionPaddingAccepted "rfc7515/5.2-base64url" "A client assertion whose parts are padded is accepted.";
    "assertion_alg_of_key_assumed" AssertionAlgOfKeyAssumed "rfc7515/5.2-alg" "A client assertion is verified by the algorithm of the key, whatever its header says.";
    "assertion_ecdsa_zero_accepted" AssertionEcdsaZeroAccepted "rfc7518/3.4" "A signature of zeros is valid for every client assertion.";
    "assertion_ecdsa_der_accepted" AssertionEcdsaDerAccepted "rfc7518/3.4" "An ECDSA signature of a client assertion may be in DER.";
    "assertion_signature_length_unchecked" AssertionSignatureLengthUnchecked "rfc7523/3-signature" "The error that a signature of a wrong length causes is taken for success.";
    "assertion_weak_key_accepted" AssertionWeakKeyAccepted "rfc7518/3.3" "A client may sign with an RSA key of 1024 bits; its signature is not looked at.";
    "assertion_jti_forgotten_at_exp" AssertionJtiForgottenAtExp "smart-2.2.0/336" "The jti of a client assertion is forgotten at its exp, although it is accepted a little longer.";
    "assertion_jti_forgotten_early" AssertionJtiForgottenEarly "smart-2.2.0/336" "The jti of a client assertion is remembered for a minute and a half, however long it lives.";
    "assertion_jti_per_instance" AssertionJtiPerInstance "smart-2.2.0/336" "Each instance of the server remembers the jti that it saw itself; every new connection comes to another.";
    // key sets by address
    "jwks_uri_fetched_once" JwksUriFetchedOnce "smart-2.2.0/341" "The key set at a client's jwks_uri is fetched once and kept for ever.";
    "jwks_uri_cached_too_long" JwksUriCachedTooLong "smart-2.2.0/341" "The key set at a client's jwks_uri is kept for an hour, whatever Cache-Control says.";
    "jwks_uri_not_cached" JwksUriNotCached "smart-2.2.0/342" "The key set at a client's jwks_uri is fetched for each request, whatever Cache-Control says.";
    "jwks_uri_first_key_only" JwksUriFirstKeyOnly "smart-2.2.0/338" "Only the first key of a key set that was fetched is known.";
    "jwks_uri_kid_alone" JwksUriKidAlone "smart-2.2.0/338" "Of two keys with one kid the first is taken, whatever its type.";
    "assertion_kid_ambiguous" AssertionKidAmbiguous "smart-2.2.0/338" "Of several keys of one type and one kid, each may have signed a client assertion.";
    "jwks_uri_strange_key_refused" JwksUriStrangeKeyRefused "rfc7517/5-unknown" "A key set with a key that is not for signatures is refused as a whole.";
    "jwks_uri_json_only" JwksUriJsonOnly "rfc7517/8.5" "A key set that comes as application/jwk-set+json is refused.";
    "jwks_uri_failure_5xx" JwksUriFailure5xx "smart-2.2.0/340" "A key set that cannot be fetched ends in status 500.";
    "jwks_uri_certificate_unchecked" JwksUriCertificateUnchecked "rfc7515/4.1.2-identity" "The certificate of a client's jwks_uri is not checked.";
    "jwks_uri_impatient" JwksUriImpatient "smart-2.2.0/339" "A key set that takes more than a tenth of a second is given up.";
    "jwks_uri_jku_of_same_host" JwksUriJkuOfSameHost "smart-2.2.0/338" "A jku is followed that is on the host of the registered one.";
    // dynamic registration
    "registration_status_200" RegistrationStatus200 "rfc7591/3.2.1-status" "A registration is answered with status 200.";
    "registration_metadata_missing" RegistrationMetadataMissing "rfc7591/3.2.1-metadata" "The answer to a registration does not say what was registered.";
    "registration_secret_short" RegistrationSecretShort "rfc6749/10.10" "The secret of an app that registers itself has 48 bits.";
    "registration_secret_expiry_missing" RegistrationSecretExpiryMissing "rfc7591/3.2.1-expires" "client_secret_expires_at is left out beside a client_secret.";
    "registration_statement_lost" RegistrationStatementLost "rfc7591/3.2.1-statement" "The software statement of a registration is not returned.";
    "registration_unknown_member_refused" RegistrationUnknownMemberRefused "rfc7591/2-unknown" "A registration with a member that the server does not know is refused.";
    "registration_jwks_uri_refused" RegistrationJwksUriRefused "smart-2.2.0/296" "A registration by jwks_uri is refused: jwks is wanted as well.";
    "registration_jwks_refused" RegistrationJwksRefused "smart-2.2.0/297" "A registration by jwks is refused.";
    "registration_both_key_forms_accepted" RegistrationBothKeyFormsAccepted "rfc7591/2-keys" "A registration may hold jwks and jwks_uri.";
    "registration_redirect_uri_unchecked" RegistrationRedirectUriUnchecked "rfc7591/3.2.2" "Any text may be registered as redirect_uri.";
    "registration_plain_http_accepted" RegistrationPlainHttpAccepted "rfc7591/5" "An address of another machine by plain http may be registered as redirect_uri.";
    "registration_error_code_wrong" RegistrationErrorCodeWrong "rfc7591/3.2.2" "A registration that is refused is answered with error=failed.";
    "registration_method_lost" RegistrationMethodLost "rfc7591/3.2.1-metadata" "Every client is registered as one with a secret, and told otherwise.";
    "registration_client_id_missing" RegistrationClientIdMissing "rfc7591/3.2.1-id" "The answer to a registration has no client_id.";
    "registration_client_id_repeated" RegistrationClientIdRepeated "rfc7591/3.2.1-id-unique" "Two registrations in a row get the same client_id.";
    "registration_management_open" RegistrationManagementOpen "rfc7592/3" "A registration may be read without its token.";
    "registration_read_refused" RegistrationReadRefused "rfc7592/2.1" "A registration cannot be read, not even with its token.";
    "registration_junk_5xx" RegistrationJunk5xx "rfc7591/3.2.2" "A registration that is no JSON object ends in status 500.";
    "registration_delete_ignored" RegistrationDeleteIgnored "rfc7592/2.3" "A registration that was deleted goes on working.";
    "registration_wrong_type_5xx" RegistrationWrongType5xx "rfc9110/15.6" "A registration with a member of another type ends in status 500.";
    "registration_service_refused" RegistrationServiceRefused "smart-2.2.0/297" "A registration for client_credentials is refused.";
    "registration_token_missing" RegistrationTokenMissing "rfc7592/3-told" "The answer to a registration has the address to manage it at, and no token for it.";
    "registration_token_of_any_client" RegistrationTokenOfAnyClient "rfc7592/3" "The token of any registration opens every other.";
    "registration_no_challenge" RegistrationNoChallenge "rfc6750/3" "401 at the address of a registration carries no WWW-Authenticate.";
    "registration_update_ignored" RegistrationUpdateIgnored "rfc7592/2.2" "A change of a registration is answered with 200, and changes nothing.";
    "registration_update_not_kept" RegistrationUpdateNotKept "rfc7592/2.2" "A change of a registration is answered as though it were made, and forgotten.";
    "registration_update_adds" RegistrationUpdateAdds "rfc7592/2.2" "The redirect addresses of a change come beside those that were registered.";
    "registration_secret_chosen" RegistrationSecretChosen "rfc7592/2.2-secret" "A client may choose its secret by a change of its registration.";
    "registration_delete_200" RegistrationDelete200 "rfc7592/2.3" "The end of a registration is answered with status 200.";
    "registration_deleted_404" RegistrationDeleted404 "rfc7592/5" "The address of a registration that was ended answers 404.";
    "registration_delete_keeps_tokens" RegistrationDeleteKeepsTokens "rfc7592/2.3-tokens" "Access tokens of a client that ended its registration go on working.";
    // pushed authorization requests
    "par_status_200" ParStatus200 "rfc9126/2.2" "A pushed request is answered with status 200.";
    "par_error_text" ParErrorText "rfc9126/2.3" "A pushed request that is not served is answered with a bare text.";
    "par_expires_in_missing" ParExpiresInMissing "rfc9126/2.2" "The answer to a pushed request does not say how long it can be used.";
    "par_unauthenticated" ParUnauthenticated "rfc9126/2-client" "A confidential client may push requests without credentials.";
    "par_request_uri_accepted" ParRequestUriAccepted "rfc9126/2.1" "A pushed request may hold request_uri.";
    "par_not_bound_to_client" ParNotBoundToClient "rfc9126/2.2-bound" "The reference of a pushed request serves any client.";
    "par_never_expires" ParNeverExpires "rfc9126/4-expired" "The reference of a pushed request never expires.";
    "par_unknown_served" ParUnknownServed "rfc9126/4-expired" "A reference that nobody was given serves the client's latest pushed request.";
    "par_reused" ParReused "rfc9126/4-once" "The reference of a pushed request can be used again.";
    "par_redirect_uri_unchecked" ParRedirectUriUnchecked "smart-2.2.0/18" "The redirect_uri of a pushed request is not compared.";
    "par_pkce_skipped" ParPkceSkipped "smart-2.2.0/14" "A pushed request needs no code_challenge.";
    "par_requirement_not_held" ParRequirementNotHeld "rfc9126/5" "Discovery says that authorization requests have to be pushed, and others are served.";
    "par_client_requirement_not_held" ParClientRequirementNotHeld "rfc9126/6" "A client that is registered for pushed requests only is served without.";
    "par_query_wins" ParQueryWins "rfc9126/4-parameters" "Parameters beside the reference replace what was pushed, and redirect_uri is not compared again.";
    "par_first_of_two_counts" ParFirstOfTwoCounts "rfc9126/2.1" "Of a parameter that stands twice in a pushed request the first counts.";
    // backend services
    "backend_correct_request_refused" BackendCorrectRequestRefused "smart-2.2.0/253" "A correct request of a backend service is refused.";
    "backend_scope_ignored" BackendScopeIgnored "smart-2.2.0/241" "A backend service gets all of its scopes, whatever it asks for.";
    "backend_scope_unbounded" BackendScopeUnbounded "smart-2.2.0/250" "A backend service gets whatever scope it asks for.";
    "backend_expires_late" BackendExpiresLate "smart-2.2.0/262" "Tokens of backend services live as long as those of launches.";
    "backend_refresh_token" BackendRefreshToken "smart-2.2.0/248" "A backend service gets a refresh token.";
    "fhir_update_create_needs_c" FhirUpdateCreateNeedsC "smart-2.2.0/123" "An update that creates needs the letter c too.";
    "fhir_unknown_type_empty" FhirUnknownTypeEmpty "smart-2.2.0/244" "A search of a type that does not exist is answered with an empty Bundle.";
    "backend_any_client" BackendAnyClient "rfc6749/5.2-unauthorized-client" "Any confidential client gets tokens by client_credentials.";
    "backend_token_once" BackendTokenOnce "smart-2.2.0/253" "An access token of a backend service works once.";
    "discovery_backend_grant_missing" DiscoveryBackendGrantMissing "smart-2.2.0/384" "client_credentials is not listed although backend services get tokens.";
    // brands
    "brands_not_listed" BrandsNotListed "smart-2.2.0/387" "smart-configuration names neither the brand bundle nor the brand.";
    "brands_not_found" BrandsNotFound "smart-2.2.0/427" "The address of the brand bundle is answered with 404.";
    "brand_identifier_missing" BrandIdentifierMissing "smart-2.2.0/409" "The bundle holds several brands, and nothing says which is this server's.";
    "brand_identifier_without_value" BrandIdentifierWithoutValue "smart-2.2.0/410" "user_access_brand_identifier has no value.";
    "brand_identifier_without_system" BrandIdentifierWithoutSystem "smart-2.2.0/411" "user_access_brand_identifier has no system.";
    "brand_identifier_of_nobody" BrandIdentifierOfNobody "smart-2.2.0/412" "No organization of the bundle has the identifier that is told.";
    "brands_wrong_type" BrandsWrongType "smart-2.2.0-profiles/user-access-brands-bundle" "The brand bundle is a searchset.";
    "brands_timestamp_missing" BrandsTimestampMissing "smart-2.2.0/398" "The brand bundle has no timestamp.";
    "brands_etag_strong" BrandsEtagStrong "smart-2.2.0/401" "The brand bundle comes with a strong ETag.";
    "brands_cors_missing" BrandsCorsMissing "smart-2.2.0/400" "The brand bundle carries no CORS header.";
    "brands_endpoint_wrong_type" BrandsEndpointWrongType "smart-2.2.0-profiles/user-access-endpoint" "An endpoint of the bundle is no FHIR REST endpoint.";
    "brands_endpoint_version_missing" BrandsEndpointVersionMissing "smart-2.2.0-profiles/user-access-endpoint" "An endpoint of the bundle does not say its FHIR version.";
    "brands_contact_missing" BrandsContactMissing "smart-2.2.0-profiles/user-access-endpoint" "An endpoint of the bundle names no web site for developers.";
    "brands_address_relative" BrandsAddressRelative "smart-2.2.0-profiles/user-access-endpoint" "The address of an endpoint of the bundle is relative.";
    "brands_name_missing" BrandsNameMissing "smart-2.2.0-profiles/user-access-brand" "A brand has no name.";
    "brands_website_missing" BrandsWebsiteMissing "smart-2.2.0-profiles/user-access-brand-website" "A brand has no web site, and no reason is given.";
    "brands_endpoint_orphaned" BrandsEndpointOrphaned "smart-2.2.0/396" "No brand refers to the endpoint of the bundle.";
    "brands_reference_dangling" BrandsReferenceDangling "smart-2.2.0-profiles/references" "A brand is part of one that is not in the bundle.";
    "brands_portal_endpoint_unlisted" BrandsPortalEndpointUnlisted "smart-2.2.0-profiles/uab-1" "The endpoint of a portal is not among the endpoints of its brand.";
    "brands_absent_reason_wrong" BrandsAbsentReasonWrong "smart-2.2.0/405" "A web site is said to be unknown, a reason that brands may not give.";
    "brands_identifier_with_path" BrandsIdentifierWithPath "smart-2.2.0/395" "A brand is identified by an address with www and a path.";
    "brands_logo_plain" BrandsLogoPlain "smart-2.2.0-profiles/logo" "A logo is fetched by http.";
    // pages of other origins
    "metadata_cors_missing" MetadataCorsMissing "smart-2.2.0/16" "The CapabilityStatement carries no CORS header.";
    "openid_configuration_cors_missing" OpenidConfigurationCorsMissing "fetch/http-cors-protocol" "openid-configuration carries no CORS header.";
    "jwks_cors_missing" JwksCorsMissing "fetch/http-cors-protocol" "The key set carries no CORS header.";
    "fhir_cors_missing" FhirCorsMissing "smart-2.2.0/17" "The FHIR API carries no CORS header.";
    "cors_error_missing" CorsErrorMissing "smart-2.2.0/17" "Answers with an error carry no CORS header.";
    "cors_origin_twice" CorsOriginTwice "smart-2.2.0/17" "Access-Control-Allow-Origin stands twice, which no browser accepts.";
    "cors_wildcard_credentials" CorsWildcardCredentials "fetch/cors-protocol-and-credentials" "Every origin is allowed with credentials: `*` beside Access-Control-Allow-Credentials.";
    "cors_vary_missing" CorsVaryMissing "fetch/cors-protocol-and-http-caches" "Data may be kept by caches, and do not say that they depend on Origin.";
    "cors_preflight_refused" CorsPreflightRefused "smart-2.2.0/17" "A preflight is refused for want of a token, which a preflight never carries.";
    "cors_authorization_not_allowed" CorsAuthorizationNotAllowed "smart-2.2.0/17" "A preflight does not allow the header field Authorization.";
    "cors_authorization_by_star" CorsAuthorizationByStar "fetch/cors-non-wildcard-request-header-name" "A preflight allows header fields by `*`, which does not cover Authorization.";
    "authorize_cors_allowed" AuthorizeCorsAllowed "rfc9700/2.6-cors" "Pages of every origin may read answers of the authorization endpoint.";
    // OpenID Connect
    "id_token_missing" IdTokenMissing "smart-2.2.0/200" "No id_token comes although openid was granted.";
    "id_token_unasked" IdTokenUnasked "smart-2.2.0/200" "An id_token comes although openid was not granted.";
    "id_token_no_jwt" IdTokenNoJwt "oidc-core/2" "The id_token is a text that is no JWT.";
    "id_token_alg_none" IdTokenAlgNone "oidc-core/3.1.3.7" "The id_token has alg none.";
    "id_token_bad_signature" IdTokenBadSignature "oidc-core/3.1.3.7" "The signature of the id_token is wrong.";
    "id_token_unknown_kid" IdTokenUnknownKid "oidc-core/10.1.1" "The kid of the id_token is not in the key set.";
    "id_token_iss_wrong" IdTokenIssWrong "oidc-core/2" "iss of the id_token is another server's.";
    "id_token_aud_wrong" IdTokenAudWrong "oidc-core/2" "aud of the id_token is another client.";
    "id_token_sub_missing" IdTokenSubMissing "oidc-core/2" "The id_token has no sub.";
    "id_token_sub_changes" IdTokenSubChanges "oidc-core/2" "sub of the same user is different each time.";
    "id_token_expired" IdTokenExpired "oidc-core/2" "The id_token has expired before it is issued.";
    "id_token_exp_missing" IdTokenExpMissing "oidc-core/2" "The id_token has no exp.";
    "id_token_iat_missing" IdTokenIatMissing "oidc-core/2" "The id_token has no iat.";
    "id_token_nonce_missing" IdTokenNonceMissing "oidc-core/2" "nonce is not returned.";
    "id_token_nonce_wrong" IdTokenNonceWrong "oidc-core/2" "nonce is returned altered.";
    "id_token_fhir_user_missing" IdTokenFhirUserMissing "smart-2.2.0/209" "The id_token has no fhirUser although the scope was granted.";
    "id_token_iss_slash" IdTokenIssSlash "oidc-core/3.1.3.7-iss" "iss of the id_token has a slash at its end that the issuer has not.";
    "id_token_kid_missing" IdTokenKidMissing "oidc-core/10.1-kid" "The id_token has no kid although the key set has several keys.";
    "id_token_alg_unlisted" IdTokenAlgUnlisted "oidc-discovery/3-id-token-alg" "The id_token is signed by an algorithm that openid-configuration does not list.";
    "id_token_jku" IdTokenJku "oidc-core/2-header" "The id_token names the address of its key.";
    "id_token_sub_long" IdTokenSubLong "oidc-core/2" "sub of the id_token has 480 characters.";
    "id_token_sub_of_refresh_differs" IdTokenSubOfRefreshDiffers "oidc-core/12.2" "The id_token of a refresh has another sub.";
    "id_token_azp_wrong" IdTokenAzpWrong "oidc-core/2-azp" "azp of the id_token is another client.";
    "id_token_azp_missing" IdTokenAzpMissing "oidc-core/3.1.3.7-azp" "The id_token has several audiences and no azp.";
    "id_token_exp_milliseconds" IdTokenExpMilliseconds "oidc-core/2" "exp of the id_token counts milliseconds.";
    "id_token_exp_string" IdTokenExpString "oidc-core/2" "exp of the id_token is a string.";
    "id_token_iat_future" IdTokenIatFuture "oidc-core/2" "iat of the id_token is a day ahead.";
    "id_token_auth_time_missing" IdTokenAuthTimeMissing "oidc-core/2-auth-time-asked" "The id_token has no auth_time although max_age was sent.";
    "id_token_auth_time_text" IdTokenAuthTimeText "oidc-core/2-auth-time" "auth_time of the id_token is a date in words.";
    "id_token_at_hash_wrong" IdTokenAtHashWrong "oidc-core/3.1.3.6" "at_hash of the id_token belongs to another access token.";
    "id_token_fhir_user_of_other_type" IdTokenFhirUserOfOtherType "smart-2.2.0/198" "fhirUser is a Device.";
    "id_token_fhir_user_dangling" IdTokenFhirUserDangling "smart-2.2.0/198" "fhirUser is the address of nothing.";
    "openid_rs256_unlisted" OpenidRs256Unlisted "smart-2.2.0/210" "openid-configuration does not list RS256.";
    // userinfo
    "userinfo_no_token_accepted" UserinfoNoTokenAccepted "oidc-core/5.3" "The userinfo endpoint answers without a token.";
    "userinfo_junk_token_accepted" UserinfoJunkTokenAccepted "oidc-core/5.3" "The userinfo endpoint answers whatever the token is.";
    "userinfo_revoked_token_accepted" UserinfoRevokedTokenAccepted "oidc-core/5.3" "The userinfo endpoint answers a revoked token.";
    "userinfo_no_challenge" UserinfoNoChallenge "oidc-core/5.3.3" "401 of the userinfo endpoint carries no WWW-Authenticate.";
    "userinfo_without_openid" UserinfoWithoutOpenid "oidc-core/5.3-openid" "The userinfo endpoint answers a token without openid.";
    "userinfo_sub_missing" UserinfoSubMissing "oidc-core/5.3.2-sub" "The userinfo answer has no sub.";
    "userinfo_sub_differs" UserinfoSubDiffers "oidc-core/5.3.2-same" "sub of the userinfo answer is not that of the id_token.";
    "userinfo_fhir_user_differs" UserinfoFhirUserDiffers "smart-2.2.0/214" "fhirUser of the userinfo answer is not that of the id_token.";
    "userinfo_wrong_content_type" UserinfoWrongContentType "oidc-core/5.3.2-type" "The userinfo answer comes as text/html.";
    "userinfo_post_refused" UserinfoPostRefused "oidc-core/5.3" "The userinfo endpoint refuses POST.";
    "userinfo_junk_5xx" UserinfoJunk5xx "rfc9110/15.6" "A token that is not ASCII or very long ends in status 500 at the userinfo endpoint.";
    // introspection and revocation
    "introspection_exp_disagrees" IntrospectionExpDisagrees "smart-2.2.0/276" "exp of the introspection is a day later than expires_in says.";
    "introspection_scope_in_part" IntrospectionScopePart "smart-2.2.0/273" "The introspection tells the first of the granted scopes alone.";
    "introspection_encounter_missing" IntrospectionEncounterMissing "smart-2.2.0/277" "Introspection does not tell the encounter of the launch.";
    "introspection_banner_missing" IntrospectionBannerMissing "smart-2.2.0/277" "Introspection does not tell need_patient_banner.";
    "introspection_iss_missing" IntrospectionIssMissing "smart-2.2.0/278" "Introspection does not tell the issuer.";
    "introspection_sub_differs" IntrospectionSubDiffers "smart-2.2.0/279" "sub of the introspection is not that of the id_token.";
    "introspection_scope_refused" IntrospectionScopeRefused "smart-2.2.0/282" "The introspection endpoint takes no access token, whatever its scope.";
    "introspection_own_only" IntrospectionOwnOnly "smart-2.2.0/283" "A client that may introspect is told of its own tokens only.";
    "introspection_fhir_user_missing" IntrospectionFhirUserMissing "smart-2.2.0/280" "Introspection does not tell fhirUser.";
    "introspection_unknown_details" IntrospectionUnknownDetails "rfc7662/2.2-nothing-else" "Introspection tells why a token that was not issued is inactive.";
    "introspection_wrong_content_type" IntrospectionWrongContentType "rfc7662/2.2-json" "The introspection answer comes as text/html.";
    "introspection_hint_believed" IntrospectionHintBelieved "rfc7662/2.1-hint" "A token is looked for among those alone that token_type_hint names.";
    "introspection_token_missing_active" IntrospectionTokenMissingActive "rfc7662/2.1-token" "An introspection request without token is answered with active.";
    "introspection_public_client" IntrospectionPublicClient "rfc7662/2.1" "A public client is let in by its client_id alone.";
    "revocation_hint_believed" RevocationHintBelieved "rfc7009/2.1-hint" "A token is looked for among those alone that token_type_hint names.";
    "revocation_token_missing_ok" RevocationTokenMissingOk "rfc7009/2.1-token" "A revocation request without token is acknowledged.";
    "revocation_twice_error" RevocationTwiceError "rfc7009/2.2" "A token that was revoked before cannot be revoked again.";
    "revocation_get_accepted" RevocationGetAccepted "rfc7009/2.1-post" "A token is revoked by GET.";
    "introspection_open" IntrospectionOpen "rfc7662/2.1" "Introspection needs no authorization.";
    "introspection_unknown_error" IntrospectionUnknownError "rfc7662/2.2" "Introspection of an unknown token is an error.";
    "introspection_inactive_details" IntrospectionInactiveDetails "rfc7662/2.2" "Introspection tells details of a token that is not active.";
    "introspection_expired_active" IntrospectionExpiredActive "rfc7662/2.2" "An expired token is active.";
    "introspection_revoked_active" IntrospectionRevokedActive "rfc7662/2.2" "A revoked token is active.";
    "introspection_active_string" IntrospectionActiveString "smart-2.2.0/272" "active is a string.";
    "introspection_scope_missing" IntrospectionScopeMissing "smart-2.2.0/273" "Introspection does not tell the scope.";
    "introspection_client_id_missing" IntrospectionClientIdMissing "smart-2.2.0/274" "Introspection does not tell the client.";
    "introspection_exp_missing" IntrospectionExpMissing "smart-2.2.0/275" "Introspection does not tell the expiry.";
    "introspection_context_missing" IntrospectionContextMissing "smart-2.2.0/277" "Introspection does not tell the launch context.";
    "introspection_sub_missing" IntrospectionSubMissing "smart-2.2.0/279" "Introspection does not tell the subject.";
    "revocation_ignored" RevocationIgnored "rfc7009/2.1" "Revocation is acknowledged and changes nothing.";
    "revocation_unknown_error" RevocationUnknownError "rfc7009/2.2" "Revocation of an unknown token is an error.";
    "revocation_unauthenticated" RevocationUnauthenticated "rfc7009/2.1" "A confidential client revokes without credentials.";
    "revocation_other_client" RevocationOtherClient "rfc7009/2.1" "A client can revoke another client's token.";
    "revocation_keeps_access_token" RevocationKeepsAccessToken "rfc7009/2.1" "Revoking a refresh token leaves its access tokens valid.";
    // resource server
    "fhir_no_token_accepted" FhirNoTokenAccepted "rfc6749/7" "FHIR data are served without a token.";
    "fhir_expired_token_accepted" FhirExpiredTokenAccepted "rfc6749/7" "An expired token is accepted.";
    "fhir_revoked_token_accepted" FhirRevokedTokenAccepted "rfc6750/3.1" "A revoked token is accepted.";
    "fhir_scope_not_enforced" FhirScopeNotEnforced "rfc6749/7" "Data beyond the granted scopes are served.";
    "fhir_compartment_read_leak" FhirCompartmentReadLeak "smart-2.2.0/96" "With patient scopes any patient's data can be read.";
    "fhir_compartment_search_leak" FhirCompartmentSearchLeak "smart-2.2.0/96" "With patient scopes a search finds any patient's data.";
    "fhir_v1_scope_powerless" FhirV1ScopePowerless "smart-2.2.0/128" "A granted scope of the first version opens nothing.";
    "fhir_single_letter_powerless" FhirSingleLetterPowerless "smart-2.2.0/370" "A granted scope of one letter opens nothing.";
    "fhir_wildcard_powerless" FhirWildcardPowerless "smart-2.2.0/144" "A granted wildcard scope opens the type Patient alone.";
    "fhir_no_www_authenticate" FhirNoWwwAuthenticate "rfc6750/3" "401 carries no WWW-Authenticate.";
    "ssl_3_0_accepted" Ssl30Accepted "rfc9325/3.1.1-old" "SSL 3.0 is accepted.";
    "tls_1_0_accepted" Tls10Accepted "rfc9325/3.1.1-old" "TLS 1.0 is accepted.";
    "tls_1_1_accepted" Tls11Accepted "rfc9325/3.1.1-old" "TLS 1.1 is accepted.";
    "tls_1_2_refused" Tls12Refused "rfc9325/3.1.1-new" "Neither TLS 1.2 nor TLS 1.3 is accepted.";
    "tls_null_accepted" TlsNullAccepted "rfc9325/4.1-null" "A cipher suite that encrypts nothing is agreed to.";
    "tls_export_accepted" TlsExportAccepted "rfc9325/4.1-112" "A cipher suite of 40 bits is agreed to.";
    "tls_rc4_accepted" TlsRc4Accepted "rfc9325/4.1-rc4" "A cipher suite with RC4 is agreed to.";
    "tls_anonymous_accepted" TlsAnonymousAccepted "rfc5246/a.5-anonymous" "A cipher suite by which nobody proves to be the server is agreed to.";
    "tls_triple_des_accepted" TlsTripleDesAccepted "rfc9325/4.1-128" "A cipher suite with 3DES is agreed to.";
    "token_plain_http" TokenPlainHttp "rfc6749/3.2-tls" "The token endpoint is served by plain http too.";
    "certificate_expired" CertificateExpired "rfc9325/6" "The certificate has expired.";
    "malformed_form_5xx" MalformedForm5xx "rfc6749/5.2-invalid-request" "A body of the token endpoint that is no form, not UTF-8 or too long ends in status 500, there and at introspection and revocation.";
    "method_5xx" Method5xx "rfc6749/3.2-post" "A method that the token endpoint does not have ends in status 500, there and at introspection and revocation.";
    "fhir_malformed_5xx" FhirMalformed5xx "rfc9110/15.6" "A FHIR request that cannot be read ends in status 500.";
    "discovery_query_5xx" DiscoveryQuery5xx "rfc9110/15.6" "A query behind smart-configuration ends in status 500.";
    "error_stack_trace" ErrorStackTrace "cwe/209" "Errors of every endpoint and of the FHIR server carry a stack trace.";
    "secret_echoed" SecretEchoed "cwe/209" "An error of the token endpoint repeats the request with its credentials.";
    "header_injection" HeaderInjection "rfc6749/10.14" "A line break in state begins a header field of the redirect.";
    "error_json_as_html" ErrorJsonAsHtml "rfc6749/10.14" "Errors of the token endpoint come as text/html, and repeat a parameter as it came.";
    "end_session_open_redirector" EndSessionOpenRedirector "oidc-logout/3" "The browser is sent to any post_logout_redirect_uri.";
    "fhir_missing_token_named" FhirMissingTokenNamed "rfc6750/3.1-no-code" "A request without any token is told that its token is invalid.";
    "fhir_invalid_token_unnamed" FhirInvalidTokenUnnamed "rfc6750/3.1-code" "The challenge for a token that is not valid names no error.";
    "fhir_outcome_missing" FhirOutcomeMissing "fhir-r4/http-outcome" "Refusals come without an OperationOutcome.";
    "fhir_metadata_closed" FhirMetadataClosed "smart-2.2.0/16" "The CapabilityStatement is refused without a token.";
    "fhir_single_use_token" FhirSingleUseToken "rfc6749/7" "An access token works once.";
    "fhir_scheme_case_sensitive" FhirSchemeCaseSensitive "rfc6750/2.1" "The scheme of the Authorization header counts in one spelling only.";
    "fhir_scheme_not_checked" FhirSchemeNotChecked "rfc6750/2.1" "An access token is accepted under any scheme, and without one.";
    "fhir_empty_bearer_accepted" FhirEmptyBearerAccepted "rfc6749/7" "A Bearer header without a token opens the data.";
    "fhir_session_cookie_accepted" FhirSessionCookieAccepted "rfc6750/3" "The cookie of the sign-in opens the data where there is no token.";
    "fhir_session_cookie_readable" FhirSessionCookieReadable "rfc6750/5.3-cookies" "The cookie of the sign-in opens the data, and pages of any site may read them.";
    "fhir_session_cookie_beside_token" FhirSessionCookieBesideToken "rfc6749/7" "The cookie of the sign-in opens the data where the token is not good.";
    "fhir_second_header_ignored" FhirSecondHeaderIgnored "rfc6750/3.1-one-method" "Of several Authorization headers only the first is read.";
    "fhir_token_in_query_accepted" FhirTokenInQueryAccepted "rfc6750/2.3" "An access token in the address is accepted.";
    "fhir_token_in_query_also_accepted" FhirTokenInQueryAlsoAccepted "rfc6750/3.1-one-method" "A token in the address beside another in the header is not noticed; it is the one that counts.";
    "fhir_id_token_accepted" FhirIdTokenAccepted "rfc6749/7" "An id_token opens the data of its user's latest access token.";
    "fhir_refresh_token_accepted" FhirRefreshTokenAccepted "rfc6749/7" "A refresh token opens the data of its grant.";
    "fhir_code_accepted" FhirCodeAccepted "rfc6749/7" "An authorization code opens the data of its grant.";
    "fhir_jwt_alg_none_accepted" FhirJwtAlgNoneAccepted "rfc6749/7" "Access tokens are JWTs, and one with alg none is believed.";
    "fhir_jwt_signature_not_verified" FhirJwtSignatureNotVerified "rfc6749/7" "Access tokens are JWTs, and their claims are believed whatever the signature.";
    "fhir_jwt_own_key_believed" FhirJwtOwnKeyBelieved "rfc6749/7" "Access tokens are JWTs, and one that brings its own key is believed.";
    "fhir_jwt_public_key_as_secret" FhirJwtPublicKeyAsSecret "rfc6749/7" "Access tokens are JWTs, and one with an HMAC is verified with the public key as secret.";
    "fhir_client_assertion_accepted" FhirClientAssertionAccepted "rfc6749/7" "A client assertion opens the data of its client's latest access token.";
    "fhir_token_in_form_accepted" FhirTokenInFormAccepted "rfc6750/3.1-one-method" "A token in the form of a search counts, whatever stands in the header.";
    "fhir_scope_refused_401" FhirScopeRefused401 "rfc6750/3.1-insufficient-scope" "What a good token does not reach is answered with 401.";
    "fhir_contexts_mixed" FhirContextsMixed "smart-2.2.0/95" "One user scope among patient scopes lets all of them reach every patient.";
    "fhir_no_patient_opens_all" FhirNoPatientOpensAll "smart-2.2.0/95" "A launch puts no patient in context, and patient scopes then reach everybody.";
    "fhir_read_letter_not_checked" FhirReadLetterNotChecked "smart-2.2.0/95" "Either of r and s allows both reading and searching.";
    "fhir_write_letter_not_checked" FhirWriteLetterNotChecked "smart-2.2.0/95" "Any of c, u and d allows every write.";
    "fhir_write_beyond_compartment" FhirWriteBeyondCompartment "smart-2.2.0/95" "With patient scopes any patient's data can be written.";
    "fhir_patch_letter_not_checked" FhirPatchLetterNotChecked "smart-2.2.0/95" "A patch is let through by the letter r.";
    "fhir_patch_of_any_patient" FhirPatchOfAnyPatient "smart-2.2.0/95" "A patch reaches the record of any patient.";
    "fhir_patch_moves_record" FhirPatchMovesRecord "smart-2.2.0/95" "A patch may move a record to another patient.";
    "fhir_update_moves_record" FhirUpdateMovesRecord "smart-2.2.0/95" "An update may move a record to another patient.";
    "fhir_conditional_create_leak" FhirConditionalCreateLeak "smart-2.2.0/95" "If-None-Exist finds the record of any patient, which is then given.";
    "fhir_conditional_create_reveals" FhirConditionalCreateReveals "fhir-r4/security-hidden" "If-None-Exist tells that a record exists which the token does not reach.";
    "fhir_conditional_update_leak" FhirConditionalUpdateLeak "smart-2.2.0/95" "A conditional update finds and changes the record of any patient.";
    "fhir_conditional_patch_leak" FhirConditionalPatchLeak "smart-2.2.0/95" "A conditional patch finds and changes the record of any patient.";
    "fhir_conditional_delete_leak" FhirConditionalDeleteLeak "smart-2.2.0/95" "A conditional delete finds and deletes the record of any patient.";
    "fhir_granular_ignored" FhirGranularIgnored "smart-2.2.0/95" "The constraint of a granular scope is not applied.";
    "fhir_granular_read_ignored" FhirGranularReadIgnored "smart-2.2.0/95" "The constraint of a granular scope is applied to searches only.";
    "fhir_granular_lenient_ignored" FhirGranularLenientIgnored "smart-2.2.0/95" "The constraint of a granular scope is dropped where a client prefers leniency.";
    "fhir_granular_unknown_ignored" FhirGranularUnknownIgnored "smart-2.2.0/95" "A granular scope whose parameter the server does not know opens the whole type.";
    "fhir_vread_leak" FhirVreadLeak "smart-2.2.0/95" "Any version of any resource can be read.";
    "fhir_history_leak" FhirHistoryLeak "smart-2.2.0/95" "Histories hold data of every patient.";
    "fhir_include_leak" FhirIncludeLeak "smart-2.2.0/95" "An include adds what the token does not reach.";
    "fhir_revinclude_leak" FhirRevincludeLeak "smart-2.2.0/95" "A reverse include adds what the token does not reach.";
    "fhir_chain_leak" FhirChainLeak "smart-2.2.0/95" "A chained search finds any patient's data.";
    "fhir_post_search_leak" FhirPostSearchLeak "smart-2.2.0/95" "A search by POST finds any patient's data.";
    "fhir_id_search_leak" FhirIdSearchLeak "smart-2.2.0/95" "A search by _id finds any patient's data.";
    "fhir_everything_leak" FhirEverythingLeak "smart-2.2.0/95" "$everything is given of any patient.";
    "fhir_everything_scope_ignored" FhirEverythingScopeIgnored "smart-2.2.0/95" "$everything holds types that were not granted.";
    "fhir_batch_leak" FhirBatchLeak "smart-2.2.0/130" "Entries of a batch are carried out without a look at the token.";
    "fhir_batch_first_entry_counts" FhirBatchFirstEntryCounts "smart-2.2.0/130" "The token is looked at for the first entry of a batch only.";
    "fhir_batch_writes_trusted" FhirBatchWritesTrusted "smart-2.2.0/130" "Writes in a batch are carried out without a look at the token.";
    "fhir_transaction_half_done" FhirTransactionHalfDone "fhir-r4/http-transaction" "Of a transaction that is refused, what was written before the refusal stays.";
    "fhir_self_link_repeats_token" FhirSelfLinkRepeatsToken "rfc6750/5.3-urls" "The self link of a search repeats the access token of the address.";
    "fhir_outcome_repeats_token" FhirOutcomeRepeatsToken "rfc6750/5.3-urls" "An OperationOutcome repeats the access token of the address.";
    "fhir_existence_revealed" FhirExistenceRevealed "fhir-r4/security-hidden" "What may not be seen is refused, what does not exist is not found.";
    "fhir_if_match_ignored" FhirIfMatchIgnored "fhir-r4/http-concurrency" "If-Match is not compared with the latest version.";
    // app state
    "app_state_if_match_optional" AppStateIfMatchOptional "smart-2.2.0/371" "App state is changed and deleted without If-Match.";
    "app_state_identity_changed" AppStateIdentityChanged "smart-2.2.0/371" "code and subject of app state can be changed.";
    "app_state_revived" AppStateRevived "smart-2.2.0/371" "Deleted app state can be written again under its id.";
    "app_state_of_anyone" AppStateOfAnyone "smart-2.2.0/371" "App state of any patient and of any user can be read and written.";
    "app_state_limit_low" AppStateLimitLow "smart-2.2.0/371" "App state of more than 64 KiB is refused.";
    "app_state_extension_lost" AppStateExtensionLost "smart-2.2.0/371" "The extensions of app state are not kept.";
    "app_state_no_etag" AppStateNoEtag "smart-2.2.0/371" "The answer to a write carries no ETag.";
    "app_state_missing_unknown" AppStateMissingUnknown "smart-2.2.0/371" "App state without a subject is not found by subject:missing.";
    "app_state_not_found" AppStateNotFound "smart-2.2.0/371" "A search finds no app state.";
    "app_state_user_refused" AppStateUserRefused "smart-2.2.0/371" "App state about the user is refused.";
    "app_state_without_scope" AppStateWithoutScope "smart-2.2.0/371" "App state is open to every token.";
    "app_state_refused" AppStateRefused "smart-2.2.0/371" "App state is claimed, and cannot be created.";
    "fhir_5xx_without_patient" Fhir5xxWithoutPatient "rfc9110/15.6" "A token without a patient ends in status 500.";
    "fhir_5xx_on_junk_token" Fhir5xxOnJunkToken "rfc6750/3.1" "A token that means nothing ends in status 500.";
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|defect| defect.name() == text)
            .ok_or_else(|| UnknownDefect {
                was: text.to_owned(),
                nearest: nearest(text, Self::ALL.iter().map(|defect| defect.name())),
            })
    }
}

impl Switch for Defect {
    const ALL: &'static [Self] = Self::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn used(self) -> Used {
        Used::Defect(self)
    }

    fn rides(self) -> bool {
        crate::faults::bites(self)
    }

    fn reached(self) {
        crate::faults::reached(self);
    }
}

/// No defect has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no defect `{was}`; the nearest name is `{nearest}`")]
pub struct UnknownDefect {
    /// What was asked for.
    pub was: String,
    /// The nearest name that exists.
    pub nearest: &'static str,
}

/// Of the names, the one that takes the fewest edits.
pub(crate) fn nearest(was: &str, names: impl Iterator<Item = &'static str>) -> &'static str {
    names
        .min_by_key(|name| strsim::damerau_levenshtein(was, name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_read_back_and_names_are_unique() {
        let mut seen = HashSet::new();
        for defect in Defect::ALL {
            assert_eq!(defect.name().parse(), Ok(*defect));
            assert!(seen.insert(defect.name()));
            assert!(defect.requirement().contains('/'), "{defect}");
            assert!(defect.doc().ends_with('.'), "{defect}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = "code_replay_acepted".parse::<Defect>().unwrap_err();
        assert_eq!(error.nearest, "code_replay_accepted");
    }
}
