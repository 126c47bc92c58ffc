//! Behaviour that differs from the mock's own and is legal: every one must keep a conformance suite green.
//!
//! Each variant has one hook, beside the line whose legal alternative it is.

use std::fmt;
use std::str::FromStr;

use crate::defect::nearest;
use crate::journal::notes::Used;
use crate::switches::Switch;

macro_rules! variants {
    ($($name:literal $variant:ident $doc:literal;)+) => {
        /// One legal alternative to what the mock does of its own accord.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum Variant { $(#[doc = $doc] $variant,)+ }

        impl Variant {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in configuration, on the command line and in the management API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is different, in a sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }
        }
    };
}

variants! {
    "capability_unknown_listed" CapabilityUnknownListed "smart-configuration lists a capability that the guide does not define.";
    "auth_method_none_not_listed" AuthMethodNoneNotListed "`none` is not among the authentication methods, of which the guide names three, although public clients are served.";
    "cors_any_origin" CorsAnyOrigin "Pages of every origin may read tokens and data, without credentials.";
    "brands_undated" BrandsUndated "Resources of the brand bundle do not say when they last changed.";
    "scopes_listed_in_part" ScopesListedInPart "scopes_supported lists two scopes of many.";
    "discovery_limited" DiscoveryLimited "Of requests for smart-configuration that come at the same moment, those beyond three are told to come later (429).";
    "jwks_plain_text" JwksPlainText "The key set comes as text/plain: no document demands a media type of it.";
    "jwks_cacheable" JwksCacheable "The key set says how long it may be kept.";
    "prompt_passed_over" PromptPassedOver "prompt and max_age are passed over, and openid-configuration does not name them: SMART asks for neither.";
    "sso_not_claimed" SsoNotClaimed "id_tokens are issued, and sso-openid-connect is not among the capabilities.";
    "associated_endpoints_listed" AssociatedEndpointsListed "associated_endpoints is there.";
    "registration_endpoint_unlisted" RegistrationEndpointUnlisted "smart-configuration does not name the registration endpoint.";
    "openid_options_listed" OpenidOptionsListed "openid-configuration says that the parameter claims is supported.";
    "auth_methods_also_misnamed" AuthMethodsAlsoMisnamed "The authentication methods stand under a second name that nobody looks for.";
    "registration_read_only" RegistrationReadOnly "A registration can be read, and neither changed nor ended (RFC 7592 §2, §2.3: 405).";
    "registration_weak_key_refused" RegistrationWeakKeyRefused "A registration with an RSA key of less than 2048 bits is refused, where the mock refuses what such a key signs.";
    "oauth_metadata_missing" OauthMetadataMissing "There is no RFC 8414 document.";
    "security_service_untold" SecurityServiceUntold "The CapabilityStatement does not name SMART-on-FHIR as its security service.";
    "error_page_instead_of_redirect" ErrorPageInsteadOfRedirect "Errors of the authorization endpoint are shown as a page with status 400, never sent to the app (RFC 9700 §4.11).";
    "response_iss_not_sent" ResponseIssNotSent "The answer of the authorization endpoint has no iss, and none is promised (RFC 9207 §3).";
    "error_html_page_200" ErrorHtmlPage200 "Errors of the authorization endpoint are shown as a page with status 200, as many products do.";
    "error_no_description" ErrorNoDescription "Errors carry only `error`: `error_description` is optional.";
    "redirect_302" Redirect302 "The browser is sent on with 302 where the mock uses 303.";
    "three_page_sign_in" ThreePageSignIn "User name and password are asked for on two pages, then consent on a third.";
    "consent_not_asked" ConsentNotAsked "Whoever signs in has agreed: there is no consent page, so that nobody can deny.";
    "sign_in_each_time" SignInEachTime "Nobody stays signed in: each authorization asks for a password.";
    "session_reused" SessionReused "Consent is remembered: a second authorization in a session goes straight through.";
    "state_optional" StateOptional "A request without state is served, and the answer carries none.";
    "scope_default" ScopeDefault "A request without scope gets all that the client may have (RFC 6749 §3.3).";
    "scope_refused_whole" ScopeRefusedWhole "A request with one scope that cannot be granted is refused, where the mock grants the others.";
    "scope_offline_not_for_public" ScopeOfflineNotForPublic "Public clients are granted neither offline_access nor online_access, and get no refresh token.";
    "scope_wildcard_expanded" ScopeWildcardExpanded "A wildcard scope is granted as the list of the types that there are.";
    "scope_split" ScopeSplit "A scope of several letters is granted as several scopes of one letter.";
    "trailing_slash_aud_refused" TrailingSlashAudRefused "aud is compared character by character.";
    "aud_refused_at_exchange" AudRefusedAtExchange "A wrong aud is refused only when the code is redeemed.";
    "aud_refused_at_fhir" AudRefusedAtFhir "A wrong aud is refused only when the token is used.";
    "pkce_missing_refused_at_exchange" PkceMissingRefusedAtExchange "A missing code_challenge is refused only when the code is redeemed.";
    "loopback_port_strict" LoopbackPortStrict "Loopback redirect addresses are compared with their port.";
    "launch_unknown_ignored" LaunchUnknownIgnored "A launch value that is not valid is ignored: the app is launched without its context.";
    "launch_single_use" LaunchSingleUse "A launch value works once.";
    "launch_scope_alone_refused" LaunchScopeAloneRefused "The scope launch is refused where no launch value came with it.";
    "launch_encounter_by_name" LaunchEncounterByName "The EHR's encounter is given to an app that asked for `launch/encounter` only, as SMART 2 words its capability.";
    "launch_context_without_scope" LaunchContextWithoutScope "The EHR's context is given to an app that did not ask for the scope launch.";
    "jwt_access_token" JwtAccessToken "Access tokens are JWTs (RFC 9068), and refresh tokens too.";
    "lowercase_bearer" LowercaseBearer "token_type is `bearer`.";
    "refresh_client_id_required" RefreshClientIdRequired "A public client has to name itself when it refreshes, which SMART's table of parameters does not ask for.";
    "no_refresh_token" NoRefreshToken "No refresh token is ever issued.";
    "no_refresh_rotation" NoRefreshRotation "A refresh token stays valid when it is used, and no new one comes.";
    "extra_members" ExtraMembers "JSON answers, id_tokens and redirects to the app carry members, claims and parameters that nobody asked for.";
    "json_headers_longer" JsonHeadersLonger "Content-Type of JSON answers names a charset, and Cache-Control holds other directives beside no-store.";
    "reordered_json" ReorderedJson "Members of JSON answers come in the opposite order, and so do the scopes that were granted.";
    "invalid_client_400" InvalidClient400 "invalid_client comes with status 400 where no Authorization header was sent.";
    "basic_raw_accepted" BasicRawAccepted "Basic credentials are also accepted without form-encoding.";
    "assertion_issuer_audience_accepted" AssertionIssuerAudienceAccepted "A client assertion may also name the issuer as its audience.";
    "assertion_future_iat_refused" AssertionFutureIatRefused "A client assertion whose iat lies ahead is refused (RFC 7523 §3).";
    "assertion_skew_of_a_minute" AssertionSkewOfAMinute "A client assertion is accepted for a minute after its exp.";
    "token_json_accepted" TokenJsonAccepted "The token endpoint reads JSON as well as a form.";
    "public_secret_ignored" PublicSecretIgnored "A secret sent by a public client is ignored.";
    "id_token_es384" IdTokenEs384 "id_tokens are signed by ES384; RS256 is supported as well.";
    "id_token_aud_list" IdTokenAudList "aud of the id_token is a list that holds the client alone.";
    "jwks_encryption_key_listed" JwksEncryptionKeyListed "The key set holds a key for encryption beside those that sign.";
    "id_token_aud_several" IdTokenAudSeveral "aud of the id_token holds the FHIR base besides the client, and azp the client.";
    "userinfo_not_offered" UserinfoNotOffered "There is no userinfo endpoint.";
    "userinfo_without_fhir_user" UserinfoWithoutFhirUser "The userinfo answer has sub alone.";
    "introspection_of_refresh_tokens_inactive" IntrospectionOfRefreshTokensInactive "Nothing is told of refresh tokens.";
    "introspection_bearer_refused" IntrospectionBearerRefused "An access token without a scope for it does not open the introspection endpoint.";
    "introspection_get_accepted" IntrospectionGetAccepted "The introspection endpoint answers GET.";
    "revocation_access_token_ends_grant" RevocationAccessTokenEndsGrant "With an access token, its refresh token is revoked.";
    "fhir_user_relative" FhirUserRelative "fhirUser in the id_token is relative to the FHIR base.";
    "introspection_of_others_inactive" IntrospectionOfOthersInactive "A client learns nothing of another client's token.";
    "client_credentials_with_secret" ClientCredentialsWithSecret "A client with a secret gets tokens by client_credentials.";
    "par_required" ParRequired "Authorization requests have to be pushed (RFC 9126 §5).";
    "par_required_told_once" ParRequiredToldOnce "Authorization requests have to be pushed, and the RFC 8414 document alone says so.";
    "jwks_uri_redirect_followed" JwksUriRedirectFollowed "A redirect of a client's jwks_uri is followed.";
    "jwks_uri_alg_bound" JwksUriAlgBound "A client that is registered by its jwks_uri signs by ES384 alone.";
    "jwks_uri_text_refused" JwksUriTextRefused "A key set that does not come as JSON is refused.";
    "granular_search_refused" GranularSearchRefused "A search that does not repeat the constraint of a granular scope is refused, where the mock filters.";
    "fhir_reads_only" FhirReadsOnly "The FHIR server knows read and search only: no history, no $everything, no batch, no writes, no app state.";
    "session_cookie_narrow" SessionCookieNarrow "The cookie of the sign-in goes to its pages alone, and with no form of another site.";
    "delete_of_nothing" DeleteOfNothing "A delete of what is not there, or not seen, is answered with 204, as though it had been done.";
    "refused_read_without_outcome" RefusedReadWithoutOutcome "A token that is not good, and what does not exist, is answered without an OperationOutcome.";
    "denied_as_404" DeniedAs404 "Data that may not be seen are answered as though they did not exist.";
    "denied_as_empty_bundle" DeniedAsEmptyBundle "A search for data that may not be seen finds nothing.";
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|variant| variant.name() == text)
            .ok_or_else(|| UnknownVariant {
                was: text.to_owned(),
                nearest: nearest(text, Self::ALL.iter().map(|variant| variant.name())),
            })
    }
}

impl Switch for Variant {
    const ALL: &'static [Self] = Self::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn used(self) -> Used {
        Used::Variant(self)
    }
}

/// No variant has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no variant `{was}`; the nearest name is `{nearest}`")]
pub struct UnknownVariant {
    /// What was asked for.
    pub was: String,
    /// The nearest name that exists.
    pub nearest: &'static str,
}
