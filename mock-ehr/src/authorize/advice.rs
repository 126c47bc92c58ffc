//! Which rule an authorization request broke, and what the app does about it: for whoever reads the inspector.

use super::reason::Reason;
use crate::journal::notes::{Advice, Objection};

/// The objection of this reason.
pub(crate) fn objection(reason: &Reason) -> Objection {
    of(reason).objection(reason.code().as_str(), reason.description())
}

const LAUNCH_URL: &str = "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code";

fn of(reason: &Reason) -> Advice {
    let (rule, url, fix) = match reason {
        Reason::TooMuch { .. } | Reason::TooLong { .. } => (
            "RFC 9110 §15.5.15",
            "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.15",
            "Send less: keep your own state in the browser or at your server, under a short random key, and send the key as state.",
        ),
        Reason::Method { .. } | Reason::ContentType { .. } => (
            "RFC 6749 §3.1, SMART 2.2 authorize-post",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
            "Send the browser there by GET; or by POST with a form, where the server lists authorize-post.",
        ),
        Reason::NotUtf8 { .. } => (
            "RFC 6749 appendix B",
            "https://www.rfc-editor.org/rfc/rfc6749#appendix-B",
            "Build the address with URLSearchParams or your language's equivalent, which encode as UTF-8.",
        ),
        Reason::Repeated { .. } => (
            "RFC 6749 §3.1",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
            "Send each parameter once. Mostly two parts of an app both add it: set parameters, do not append them.",
        ),
        Reason::UnknownParameter { .. } => (
            "RFC 6749 §3.1",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
            "Your request is right: a server must ignore parameters that it does not know.",
        ),
        Reason::UnknownClient { .. } => (
            "SMART 2.2, Register App with EHR",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#register-app-with-ehr",
            "Register the app at this server and send the client_id that it gave; each EHR gives its own.",
        ),
        Reason::RedirectUri { .. } => (
            "RFC 6749 §3.1.2.3, RFC 9700 §2.1",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1",
            "Register exactly the address that the app sends, to the last slash and without wildcard, or send a registered one.",
        ),
        Reason::ResponseType { .. } | Reason::ResponseMode { .. } => (
            "SMART 2.2, Obtain authorization code",
            LAUNCH_URL,
            "Ask for response_type=code and read the code from the query; SMART knows no other way.",
        ),
        Reason::RequestObject | Reason::RequestUri => (
            "OpenID Connect Core §6",
            "https://openid.net/specs/openid-connect-core-1_0.html#JWTRequests",
            "Send the parameters themselves, unless the server's metadata says that it reads request objects.",
        ),
        Reason::NotPushed => (
            "RFC 9126 §5",
            "https://www.rfc-editor.org/rfc/rfc9126#section-5",
            "Push the request to pushed_authorization_request_endpoint first and send the request_uri that it answers with.",
        ),
        Reason::PushedUnknown | Reason::PushedForeign | Reason::PushedExpired | Reason::PushedSpent => (
            "RFC 9126 §2.2, §4",
            "https://www.rfc-editor.org/rfc/rfc9126#section-4",
            "Push a request for each sign-in, and send its request_uri once, within its time, with the same client_id.",
        ),
        Reason::ChallengeMalformed { .. } | Reason::ChallengeMethod { .. } => (
            "RFC 7636 §4.2, SMART 2.2, PKCE",
            "https://www.rfc-editor.org/rfc/rfc7636#section-4.2",
            "Make a random code_verifier of 43 to 128 characters; send code_challenge = base64url(SHA-256(code_verifier)) without padding, and code_challenge_method=S256.",
        ),
        Reason::Aud { .. } => (
            "SMART 2.2, Obtain authorization code: aud",
            LAUNCH_URL,
            "Send as aud the FHIR base to which the app will send its token: the iss of the launch URL, or the base that you configured.",
        ),
        Reason::LaunchUnknown
        | Reason::LaunchAltered
        | Reason::LaunchExpired { .. }
        | Reason::LaunchSpent
        | Reason::LaunchForeignClient { .. } => (
            "SMART 2.2, EHR launch",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch",
            "Take launch from the launch URL of this very launch and send it unchanged and at once; in a standalone launch leave it out.",
        ),
        Reason::LaunchForeignUser { .. } => (
            "SMART 2.2, EHR launch",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch",
            "Sign in as the user who launched the app: the EHR's context belongs to that user.",
        ),
        Reason::MissingScope | Reason::NoScope { .. } => (
            "RFC 6749 §3.3, SMART 2.2 scopes",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html",
            "Ask for scopes that the app is registered for, separated by single spaces, such as: launch openid fhirUser patient/Observation.rs",
        ),
        Reason::Prompt { .. } | Reason::MaxAge { .. } => (
            "OpenID Connect Core §3.1.2.1",
            "https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest",
            "Send a value that OpenID Connect defines, or leave the parameter out.",
        ),
        Reason::LoginRequired | Reason::ConsentRequired | Reason::InteractionRequired => (
            "OpenID Connect Core §3.1.2.6",
            "https://openid.net/specs/openid-connect-core-1_0.html#AuthError",
            "After prompt=none answers so, start again without prompt, where the user can see it.",
        ),
        Reason::NoPatient { .. } => (
            "SMART 2.2, launch context",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html",
            "Sign in as a user who may open the patient's record; the app shows why it cannot go on.",
        ),
        Reason::Denied | Reason::NothingAllowed => (
            "RFC 6749 §4.1.2.1",
            "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
            "Nothing is wrong with the request: the user said no. The app says so and offers to start again.",
        ),
        Reason::Missing { name, .. } => return missing(name),
    };
    Advice { rule, url, fix }
}

fn missing(name: &str) -> Advice {
    let (rule, url, fix) = match name {
        "state" => (
            "SMART 2.2, app protection; RFC 6749 §10.12",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#app-protection",
            "Send a random state with at least 122 bits of chance, keep it in the browser's session, and compare it when the browser comes back.",
        ),
        "code_challenge" | "code_challenge_method" => (
            "SMART 2.2, considerations for PKCE support",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#considerations-for-pkce-support",
            "Make a random code_verifier for each sign-in, send base64url(SHA-256(code_verifier)) as code_challenge with code_challenge_method=S256, and the verifier at the token endpoint.",
        ),
        "redirect_uri" => (
            "SMART 2.2, Obtain authorization code",
            LAUNCH_URL,
            "Send redirect_uri with every request, exactly as it is registered.",
        ),
        "aud" => (
            "SMART 2.2, Obtain authorization code: aud",
            LAUNCH_URL,
            "Send the FHIR base as aud, so that no other server can misuse the token.",
        ),
        "launch" => (
            "SMART 2.2, EHR launch",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch",
            "Pass on the launch value of the launch URL; in a standalone launch send no such parameter, not an empty one.",
        ),
        _ => (
            "SMART 2.2, Obtain authorization code",
            LAUNCH_URL,
            "Add the parameter to the request; an empty one counts as left out.",
        ),
    };
    Advice { rule, url, fix }
}
