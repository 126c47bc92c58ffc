//! What a good app does where the server has a defect.

use super::Defect;

/// What it does, by the beginning of the defect's name; the longest that fits counts.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["discovery_"],
        "Goes by what it needs: where a member that it needs is missing or wrong, it stops and says which; what it does not need may be wrong.",
    ),
    (
        &["discovery_404"],
        "Says which address it asked and that no SMART configuration is there; an app that also knows SMART 1.0 looks for oauth-uris in the CapabilityStatement.",
    ),
    (
        &["discovery_burst_5xx", "discovery_query_5xx"],
        "Reads the document once and keeps it for a while; on a 5xx it asks again after a pause, and says so where it gives up.",
    ),
    (
        &["discovery_needs_authorization"],
        "Says that the server refuses discovery, with the status; it sends no token to an address that it has just been told of.",
    ),
    (
        &["discovery_wrong_content_type"],
        "Parses the document as JSON, and says what came instead where it is none.",
    ),
    (
        &["discovery_malformed_json"],
        "Uses nothing of a document that it cannot parse whole, and says which address gave it.",
    ),
    (
        &["discovery_406"],
        "Sends Accept: application/json, and shows the status where it is refused all the same.",
    ),
    (
        &[
            "discovery_relative_endpoint",
            "discovery_authorization_endpoint_missing",
            "discovery_token_endpoint_missing",
        ],
        "Uses absolute addresses only, never guesses one, and says which member is missing or relative.",
    ),
    (
        &["discovery_challenge_methods_missing", "pkce_s256_not_listed"],
        "Uses PKCE with S256 all the same: every SMART server has to support it, and one that does not ignores the parameters.",
    ),
    (&["pkce_plain_listed"], "Uses S256, whatever else is listed."),
    (
        &[
            "discovery_contradiction",
            "discovery_secret_methods_missing",
            "discovery_asymmetric_unclaimed",
            "discovery_signing_algorithms_missing",
        ],
        "Authenticates in the way for which it was registered, whatever the lists say, and shows the error where that is refused.",
    ),
    (
        &[
            "discovery_grant_types_missing",
            "discovery_refresh_grant_missing",
            "discovery_backend_grant_missing",
        ],
        "Asks for the grant for which it was registered; refreshes where it was given a refresh token.",
    ),
    (
        &[
            "discovery_cors_missing",
            "openid_configuration_cors_missing",
            "jwks_cors_missing",
            "metadata_cors_missing",
            "brands_cors_missing",
        ],
        "In a browser it cannot tell this from a broken network: it says that the address cannot be read from a web page, and names it. A part on a server can read it instead.",
    ),
    (
        &["discovery_issuer_", "discovery_jwks_uri_missing", "openid_"],
        "Accepts no id_token that it cannot verify: the issuer must be the one that discovery names, and its document must name the same. Without a user's identity it goes on only where it needs none.",
    ),
    (
        &["discovery_management_endpoint_missing", "management_endpoint_"],
        "Tells the user where the EHR's own settings are, instead of showing a link that leads nowhere.",
    ),
    (
        &["oauth_"],
        "Prefers smart-configuration; where two documents of one server name different endpoints, it trusts that one and logs the difference.",
    ),
    (
        &["jwks_"],
        "Fetches the key set again, once, where a kid is unknown; accepts nothing that no key there verifies, and nothing by a key that cannot be told from another.",
    ),
    (
        &["jwks_private_key"],
        "Uses public members only, and tells the server's owner: the key is no secret any more.",
    ),
    (
        &["jwks_uri_"],
        "Publishes new keys a while before it signs with them, keeps old ones as long as assertions live, and sends Cache-Control that it means; where its assertion is refused it makes a new one and does not send the old one again.",
    ),
    (
        &[
            "client_id_missing_accepted",
            "client_unknown_accepted",
            "client_unknown_redirects",
            "response_type_",
            "response_mode_",
            "duplicate_",
            "request_object_",
            "request_uri_fetched",
        ],
        "Sees nothing of it, for the hole is the server's: it sends each parameter once, client_id and response_type=code always, and takes a code only.",
    ),
    (
        &["response_type_token_accepted"],
        "Asks for response_type=code, and ignores an access token that comes in an address.",
    ),
    (
        &[
            "request_repeated_unescaped",
            "error_page_unescaped",
            "login_hint_unescaped",
        ],
        "Sees nothing of it, for the hole is the server's: it builds no link into the EHR out of a text that somebody else gave it.",
    ),
    (
        &["form_post_"],
        "Takes the answer at its redirect_uri in the way it asked for, compares state letter by letter, and takes nothing else for an answer.",
    ),
    (
        &["authorize_get_refused", "authorize_post_refused"],
        "Sends the request by the other method, where the page that the user sees is an error; a request that is short enough goes by GET.",
    ),
    (
        &["authorize_unknown_parameter_refused"],
        "Sends the parameters of the specification, and extensions only to servers that are known to want them.",
    ),
    (
        &["authorize_long_value_5xx", "authorize_non_utf8_5xx"],
        "Keeps state short and to letters and digits, and the details of the launch in its own storage.",
    ),
    (
        &["authorize_correct_request_5xx"],
        "Cannot see a page that the EHR shows; when the user comes back, it starts a new launch with a new state and a new verifier.",
    ),
    (
        &["authorize_error_"],
        "Treats a redirect with error, or with neither code nor error, as an end: shows what came as plain text, and takes no code beside an error.",
    ),
    (
        &["authorize_cors_allowed"],
        "Sees nothing of it, for the hole is the server's: it sends the browser to the authorization endpoint and never fetches it by script.",
    ),
    (
        &["error_redirect_to_unregistered"],
        "Sees nothing of it, for the hole is the server's: it registers exact addresses, and none that leads on to another.",
    ),
    (
        &["response_307", "sign_in_307"],
        "Takes its answer from the query of a GET; a form that is posted to its redirect_uri it throws away unread, for it holds a user's password or decision.",
    ),
    (
        &[
            "pages_",
            "cookie_unguarded",
            "csrf_not_checked",
            "form_of_other_browser_accepted",
            "session_not_renewed",
            "sign_in_",
            "picker_patient_not_offered_accepted",
            "consent_scope_not_offered_accepted",
        ],
        "Sees nothing of it, for the hole is the server's: it leaves sign-in and consent to the EHR's own page in a window of its own, and never asks for the password.",
    ),
    (
        &["prompt_none_ignored"],
        "Runs a silent sign-in under a time limit, and then asks the user.",
    ),
    (
        &["prompt_login_ignored"],
        "Checks auth_time of the id_token where it asked for a fresh sign-in.",
    ),
    (
        &["response_iss_"],
        "Compares iss of the answer with the issuer to which it sent the user, where discovery announces it, and takes no code where it is missing or another.",
    ),
    (
        &["response_in_fragment"],
        "Takes a code from the query only, and says that no answer came.",
    ),
    (
        &["response_loses_query"],
        "Keeps nothing in the query of its redirect_uri: what it needs stands in its own storage, found by state.",
    ),
    (
        &["denied_"],
        "Treats the launch as ended by the user, whatever the code of the error; it does not ask again by itself.",
    ),
    (
        &["sessions_mixed"],
        "Compares patient, scopes and user that came with what this launch asked for, before it shows anything.",
    ),
    (
        &["redirect_uri_"],
        "Sees nothing of it, for the hole is the server's: it sends, letter by letter, the address that is registered, and the same one at the exchange.",
    ),
    (
        &["state_"],
        "Compares state letter by letter with what it keeps for this browser, and refuses the answer where it is missing, doubled or altered.",
    ),
    (
        &["pkce_"],
        "Sees nothing of it, for the hole is the server's: it makes a new verifier of 43 characters or more for each launch, and sends its S256 challenge.",
    ),
    (
        &["pkce_s256_refused"],
        "Stops: a server that takes plain only is not to be trusted with a launch.",
    ),
    (
        &["aud_"],
        "Sees nothing of it, for the hole is the server's: it sends the FHIR base from which it read discovery, letter by letter, as aud.",
    ),
    (
        &["launch_"],
        "Sees nothing of it, for the hole is the server's: it sends launch on as it came, once, to the server that iss names.",
    ),
    (
        &["launch_iss_elsewhere"],
        "Says that nothing was found at the address in iss, and shows it: the launch is misconfigured at the EHR.",
    ),
    (
        &["launch_role_refused", "scope_"],
        "Reads what was granted in scope of the token response and works with that: it hides what it may not do, and says what is missing where it cannot do without.",
    ),
    (
        &[
            "scope_wider_granted",
            "scope_not_registered_granted",
            "scope_missing_accepted_with_everything",
            "scope_patient_as_user",
            "scope_unknown_granted",
            "scope_only_unknown_accepted",
            "scope_constraint_dropped",
            "scope_read_as_rd",
            "scope_out_of_order_granted",
            "scope_case_ignored",
        ],
        "Uses no more than it asked for, whatever scope says.",
    ),
    (
        &["code_"],
        "Sees nothing of it, for the hole is the server's: it redeems each code once, at once, over its own channel, and writes it into no log.",
    ),
    (
        &["token_"],
        "Sees nothing of it, for the hole is the server's: it sends each parameter once, in a form, by POST.",
    ),
    (
        &["token_unknown_parameter_refused"],
        "Sends the parameters of the specification and nothing else.",
    ),
    (
        &["token_correct_request_refused"],
        "Shows error and error_description, and starts anew from the launch: a code is not tried twice.",
    ),
    (
        &["token_error_"],
        "Goes by the status first: anything but 200 is a failure. Where the body is no JSON with an error, it shows the status; it never evaluates the body as HTML.",
    ),
    (
        &["token_error_status_200"],
        "Takes for a token response only what has an access_token and a token_type, whatever the status.",
    ),
    (
        &["token_error_5xx"],
        "Keeps its refresh token: a failure of the server says nothing about it. It tries again after a pause, or asks the user.",
    ),
    (&["token_error_with_token"], "Uses no token that comes with an error."),
    (
        &[
            "token_cache_control_missing",
            "token_pragma_missing",
            "token_content_type_html",
        ],
        "Parses JSON all the same, and itself keeps tokens in memory or in protected storage, never in a cache.",
    ),
    (
        &["token_access_token_", "token_type_missing", "token_type_wrong"],
        "Ends the launch with a message where access_token is missing or is no text that a header can carry, or where token_type is not Bearer in any spelling.",
    ),
    (
        &[
            "token_access_token_low_entropy",
            "refresh_token_low_entropy",
            "code_low_entropy",
        ],
        "Sees nothing of it, for the hole is the server's: it treats the value as opaque.",
    ),
    (
        &["token_expires_in_"],
        "Reads a number also from a string; where expires_in is missing, zero or nonsense, it goes on until the server answers 401, and then refreshes.",
    ),
    (
        &["token_scope_"],
        "Splits scope at any run of blanks, and where it is no text or missing, takes what it asked for as granted until the server refuses.",
    ),
    (
        &["token_scope_hides_offline"],
        "Refreshes because it has a refresh token, not because scope names offline_access.",
    ),
    (
        &["token_scope_at_exchange_widens"],
        "Sees nothing of it, for the hole is the server's: it asks for its scopes at the authorization endpoint.",
    ),
    (
        &[
            "token_cors_missing",
            "fhir_cors_missing",
            "cors_error_missing",
            "cors_origin_twice",
            "cors_preflight_refused",
            "cors_authorization_",
        ],
        "In a browser it cannot tell this from a broken network: it says that the server does not let web pages read the answer, and does not loop. A part on a server can ask instead.",
    ),
    (
        &["cors_wildcard_credentials", "cors_vary_missing"],
        "Sends no cookies with its requests, and asks for data with cache: no-store.",
    ),
    (
        &["token_grows_with_scopes"],
        "Asks for the scopes that it needs, and says so where the server refuses a header that is too long.",
    ),
    (
        &["token_plain_http", "tls_", "ssl_", "certificate_"],
        "Talks https alone, leaves versions and certificates to a current library, and offers the user no way around its refusal.",
    ),
    (
        &["context_"],
        "Checks every member of the launch context before it uses it: an id is a text without a slash, a banner is true or false. Where it cannot do without what is missing, it says so and shows no other patient.",
    ),
    (
        &[
            "context_patient_missing",
            "context_patient_only_by_name",
            "context_lost_when_signed_in",
            "context_nested",
        ],
        "Says that no patient was chosen, or lets the user choose; it never takes the patient of an earlier launch.",
    ),
    (
        &["context_patient_wrong"],
        "Shows name and birth date of the patient in sight of the user, so that a wrong one is noticed.",
    ),
    (
        &["context_patient_reference", "context_encounter_reference"],
        "Takes the part behind the last slash, or refuses it; it does not build addresses such as Patient/Patient/1.",
    ),
    (
        &["context_banner_"],
        "Shows the patient's name unless need_patient_banner is the value false: a missing one counts as true, and the text \"false\" is no boolean.",
    ),
    (&["context_style_", "style_document_missing"], "Uses its own style."),
    (
        &["fhir_context_", "authorization_details_malformed"],
        "Ignores an entry that it does not understand, and uses the others.",
    ),
    (
        &["refresh_"],
        "Sees nothing of it, for the hole is the server's: it keeps the newest refresh token, sends it to its own token endpoint only, and stores the new one before it uses the new access token.",
    ),
    (
        &["refresh_missing", "refresh_online_missing"],
        "Works until the access token ends, and then asks the user to launch again; it warns of what is not saved.",
    ),
    (
        &["refresh_scope_ignored", "refresh_scope_widened", "refresh_grants_wider"],
        "Uses no more than it asked for.",
    ),
    (
        &["refresh_narrower_kept", "refresh_loses_scope"],
        "Reads scope of each response anew; where something is missing that it needs, it asks the user to launch again.",
    ),
    (
        &["refresh_context_changes", "refresh_loses_context"],
        "Keeps the context of the launch. Where a refresh names another patient, it stops and shows nothing of either.",
    ),
    (
        &["refresh_correct_request_refused"],
        "On invalid_grant forgets the refresh token and asks the user to launch again, without losing work; on any other failure keeps it.",
    ),
    (
        &["refresh_token_charset"],
        "Form-encodes what it sends, and keeps tokens as they came.",
    ),
    (
        &[
            "client_",
            "secret_",
            "public_",
            "basic_client_mismatch_accepted",
            "par_unauthenticated",
        ],
        "Sees nothing of it, for the hole is the server's: it proves who it is in the one way for which it was registered, and keeps its secret out of addresses, logs and browsers.",
    ),
    (
        &["basic_refused", "basic_not_decoded"],
        "Form-encodes client_id and secret before it joins them; a secret of letters and digits works with every server. It shows invalid_client with the method that it used.",
    ),
    (
        &["basic_www_authenticate_missing", "invalid_client_code_wrong"],
        "Treats 400 and 401 of the token endpoint as final, whatever the code, and shows it; it does not try other methods in turn.",
    ),
    (
        &["public_client_secret_required"],
        "Says that the registration at this server is of the wrong kind: it does not carry a secret in a browser or on a phone.",
    ),
    (
        &["assertion_"],
        "Sees nothing of it, for the hole is the server's: it makes a new assertion for each request, with its own jti, the token endpoint as aud and an exp five minutes ahead at most.",
    ),
    (
        &["assertion_rs384_refused", "assertion_es384_refused"],
        "Signs by the other of the two algorithms that SMART names, where it has such a key, and shows the error.",
    ),
    (
        &["registration_"],
        "Keeps what the answer says as what is registered, and stops where it differs in anything that matters from what was asked for.",
    ),
    (
        &[
            "registration_client_id_missing",
            "registration_client_id_repeated",
            "registration_secret_expiry_missing",
            "registration_token_missing",
        ],
        "Takes the registration for failed where client_id is missing or known already; asks for nothing that needs what did not come.",
    ),
    (
        &[
            "registration_junk_5xx",
            "registration_wrong_type_5xx",
            "registration_error_code_wrong",
            "registration_no_challenge",
            "registration_deleted_404",
        ],
        "Goes by the status, and shows what came.",
    ),
    (
        &[
            "registration_redirect_uri_unchecked",
            "registration_plain_http_accepted",
            "registration_management_open",
            "registration_token_of_any_client",
            "registration_secret_chosen",
            "registration_secret_short",
            "registration_both_key_forms_accepted",
            "registration_delete_keeps_tokens",
            "registration_delete_ignored",
        ],
        "Sees nothing of it, for the hole is the server's: it registers https addresses of its own, keeps its registration token secret, and deletes its tokens when it deletes its registration.",
    ),
    (
        &["par_"],
        "Sees nothing of it, for the hole is the server's: it pushes its request with its own credentials, and uses the reference once, at once.",
    ),
    (
        &["par_status_200", "par_error_text", "par_expires_in_missing"],
        "Goes on with a request_uri, whatever else is missing; without one it shows the status.",
    ),
    (
        &["par_requirement_not_held", "par_client_requirement_not_held"],
        "Pushes its request where discovery says that it has to.",
    ),
    (
        &["backend_"],
        "Sees nothing of it, for the hole is the server's: it asks for the scopes that it needs, and for a new token when the old one ends.",
    ),
    (
        &["backend_correct_request_refused", "backend_token_once"],
        "Stops after a few attempts with growing pauses, and logs the error: nobody is there to see a loop.",
    ),
    (
        &["fhir_"],
        "Checks that what it shows is of the patient in context and of a type that it asked for; it goes by status, and reads an OperationOutcome where one comes.",
    ),
    (
        &["brand"],
        "Shows what the bundle holds, leaves out an entry that it cannot follow, and lets the user type in the address of the FHIR server.",
    ),
    (
        &["id_token_"],
        "Verifies signature, alg, iss, aud, exp and nonce before it believes a claim, and treats the user as unknown where one fails; the access token is no substitute.",
    ),
    (
        &["id_token_missing", "id_token_no_jwt"],
        "Says that the server told nobody's identity, and goes on only where it needs none.",
    ),
    (&["id_token_unasked"], "Ignores it, or verifies it as any other."),
    (
        &["id_token_unknown_kid"],
        "Fetches the key set again, once and not more often than every few minutes, and then refuses the token.",
    ),
    (
        &["id_token_fhir_user_"],
        "Works without knowing the user's record, or says that it needs it; it checks the type of what fhirUser leads to.",
    ),
    (
        &["id_token_sub_changes", "id_token_sub_of_refresh_differs"],
        "Knows a user by iss and sub; where sub of a refresh is another, it stops.",
    ),
    (
        &[
            "id_token_exp_",
            "id_token_iat_",
            "id_token_auth_time_",
            "id_token_expired",
        ],
        "Refuses a token whose times are missing, no numbers, or out of range by more than a few minutes.",
    ),
    (
        &["userinfo_"],
        "Uses the answer only where its sub is that of the id_token, and does without where none comes.",
    ),
    (
        &[
            "userinfo_no_token_accepted",
            "userinfo_junk_token_accepted",
            "userinfo_revoked_token_accepted",
            "userinfo_without_openid",
        ],
        "Sees nothing of it, for the hole is the server's: it sends its access token, and nothing else.",
    ),
    (
        &["introspection_"],
        "A resource server lets nobody in unless active is the value true, and takes every missing member for a no.",
    ),
    (
        &[
            "introspection_open",
            "introspection_public_client",
            "introspection_unknown_details",
            "introspection_inactive_details",
        ],
        "Sees nothing of it, for the hole is the server's: it sends tokens to no server that did not issue them.",
    ),
    (
        &["revocation_"],
        "Deletes its own copies of the tokens, whatever the answer, and tells the user that access ended only where the status was 200.",
    ),
    (
        &[
            "fhir_no_token_accepted",
            "fhir_expired_token_accepted",
            "fhir_revoked_token_accepted",
            "fhir_empty_bearer_accepted",
            "fhir_session_cookie_",
            "fhir_scheme_not_checked",
            "fhir_second_header_ignored",
            "fhir_token_in_",
            "fhir_id_token_accepted",
            "fhir_refresh_token_accepted",
            "fhir_code_accepted",
            "fhir_jwt_",
            "fhir_client_assertion_accepted",
        ],
        "Sees nothing of it, for the hole is the server's: it sends its access token, once, in an Authorization header with the scheme Bearer, and to no other server.",
    ),
    (&["fhir_scheme_case_sensitive"], "Writes Bearer with a capital letter."),
    (
        &[
            "fhir_no_www_authenticate",
            "fhir_missing_token_named",
            "fhir_invalid_token_unnamed",
            "fhir_scope_refused_401",
        ],
        "On 401 refreshes once and asks once more; where that is refused too, it asks the user to launch again, and does not loop.",
    ),
    (
        &["fhir_single_use_token"],
        "On 401 refreshes once; where each token works once only, it gives up and says so.",
    ),
    (
        &[
            "fhir_v1_scope_powerless",
            "fhir_single_letter_powerless",
            "fhir_wildcard_powerless",
        ],
        "Shows what was refused and with which scopes it asked, and works with what it gets.",
    ),
    (
        &[
            "fhir_outcome_missing",
            "fhir_malformed_5xx",
            "fhir_5xx_",
            "fhir_metadata_closed",
            "fhir_unknown_type_empty",
            "error_stack_trace",
        ],
        "Shows the status and its own words; it needs no body to know that a request failed.",
    ),
    (
        &[
            "fhir_self_link_repeats_token",
            "fhir_outcome_repeats_token",
            "secret_echoed",
        ],
        "Logs no address and no answer unredacted, and follows links without passing them on to others.",
    ),
    (
        &[
            "fhir_if_match_ignored",
            "fhir_transaction_half_done",
            "fhir_update_create_needs_c",
        ],
        "Reads back what it wrote where it matters, and sends If-Match so that servers that look at it can refuse.",
    ),
    (
        &["app_state_"],
        "Keeps app state small, sends If-Match with what it read, and reads back what it wrote; where it is refused, it keeps its settings elsewhere.",
    ),
    (
        &["app_state_of_anyone", "app_state_without_scope"],
        "Sees nothing of it, for the hole is the server's: it keeps nothing in app state that others must not read.",
    ),
    (
        &["malformed_form_5xx", "method_5xx"],
        "Sends well-formed requests by the methods that the endpoints have; a 5xx is a failure of the server, tried again after a pause.",
    ),
    (
        &["header_injection", "error_json_as_html"],
        "Sees nothing of it, for the hole is the server's: its state has letters and digits only, and it shows no body of an error as HTML.",
    ),
    (
        &["end_session_open_redirector"],
        "Sees nothing of it, for the hole is the server's: it sends its registered address alone.",
    ),
];

impl Defect {
    /// What a good app does where the server has it.
    pub fn app(self) -> &'static str {
        let fitting = ADVICE.iter().flat_map(|(beginnings, advice)| {
            beginnings
                .iter()
                .filter(|beginning| self.name().starts_with(**beginning))
                .map(|beginning| (beginning.len(), *advice))
        });
        fitting
            .max_by_key(|(length, _)| *length)
            .map_or("", |(_, advice)| advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_advice_for_every_defect_and_none_for_others() {
        for defect in Defect::ALL {
            assert!(defect.app().ends_with('.'), "{defect}");
        }
        for beginning in ADVICE.iter().flat_map(|(beginnings, _)| *beginnings) {
            let fits = |defect: &&Defect| defect.name().starts_with(beginning);
            assert!(Defect::ALL.iter().any(|defect| fits(&defect)), "{beginning}");
        }
    }

    #[test]
    fn the_closest_advice_counts() {
        assert_ne!(Defect::TokenError5xx.app(), Defect::TokenErrorHtml.app());
        assert_eq!(Defect::PkceNotVerified.app(), Defect::PkceDowngrade.app());
    }
}
