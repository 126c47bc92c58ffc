//! Which rule a request to the token endpoint broke, and what the app does about it: for whoever reads the inspector.

use super::client_auth::private_key_jwt::AssertionProblem;
use super::reason::Reason;
use crate::journal::notes::{Advice, Objection};

/// The objection of this reason.
pub(crate) fn objection(reason: &Reason) -> Objection {
    of(reason).objection(reason.code().as_str(), reason.description())
}

const ASYMMETRIC: &str = "https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html";
const REFRESH: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-6";
const ROTATION: &str = "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2";
const EXCHANGE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3";

fn of(reason: &Reason) -> Advice {
    let (rule, url, fix) = match reason {
        Reason::Assertion(problem) => return of_assertion(problem),
        Reason::Verifier(_) => (
            "RFC 7636 §4.6",
            "https://www.rfc-editor.org/rfc/rfc7636#section-4.6",
            "Send the code_verifier whose SHA-256 was the code_challenge of this very sign-in; keep it from one request to the other, in sessionStorage for example.",
        ),
        Reason::CodeUnknown | Reason::CodeForeign | Reason::CodeRevoked => (
            "RFC 6749 §4.1.3, §5.2",
            EXCHANGE,
            "Redeem the code that came to redirect_uri, as it came after one decoding, at the server and with the client that asked for it.",
        ),
        Reason::CodeSpent => (
            "RFC 6749 §4.1.2",
            "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
            "Redeem a code once. Mostly the page with the code in its address is loaded twice: take the code out of the address after the exchange, and mind effects that run twice.",
        ),
        Reason::CodeExpired { .. } => (
            "RFC 6749 §4.1.2",
            "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
            "Redeem the code at once, without a question to the user in between.",
        ),
        Reason::RedirectUri { .. } | Reason::RedirectUriMissing { .. } => (
            "RFC 6749 §4.1.3",
            EXCHANGE,
            "Send the same redirect_uri as in the authorization request, character by character: keep it instead of computing it again.",
        ),
        Reason::Aud { .. } => (
            "SMART 2.2, Obtain authorization code: aud",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code",
            "Send the FHIR base as aud in the authorization request.",
        ),
        Reason::RefreshReplaced => (
            "RFC 9700 §4.14.2",
            ROTATION,
            "Keep the refresh token of the latest answer and forget the one before; let one tab or process refresh at a time.",
        ),
        Reason::RefreshUnknown | Reason::RefreshExpired | Reason::RefreshRevoked | Reason::RefreshForeign => (
            "RFC 6749 §6",
            REFRESH,
            "Send the latest refresh token that this client was given here; where it is over, start a new launch.",
        ),
        Reason::ScopeWider { .. } => (
            "RFC 6749 §6",
            REFRESH,
            "A refresh can narrow what was granted, never widen it: leave scope out, or ask in a new authorization.",
        ),
        Reason::ScopeMissing { .. } | Reason::ScopeNotRegistered { .. } => (
            "SMART 2.2, backend services: scopes",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html#scopes",
            "Ask for system scopes that the client is registered for, such as system/Patient.rs.",
        ),
        Reason::SecretWrong | Reason::CredentialsMissing { .. } | Reason::BasicMalformed => (
            "RFC 6749 §2.3.1",
            "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
            "Authenticate as the client is registered. In a Basic header client_id and secret are form-encoded first, then joined by a colon, then encoded as base64.",
        ),
        Reason::PublicWithSecret | Reason::PublicWithAssertion => (
            "SMART 2.2, public and confidential apps",
            "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#support-for-public-and-confidential-apps",
            "A public app sends client_id and no credentials; register the app as confidential, if it can keep a secret.",
        ),
        Reason::MethodNotRegistered { .. } => (
            "RFC 7591 §2: token_endpoint_auth_method",
            "https://www.rfc-editor.org/rfc/rfc7591#section-2",
            "Use the one method that the client is registered for, or change the registration.",
        ),
        Reason::TwoMethods { .. } => (
            "RFC 6749 §2.3",
            "https://www.rfc-editor.org/rfc/rfc6749#section-2.3",
            "Authenticate in one way. Mostly a library adds an Authorization header of its own: turn one of the two off.",
        ),
        Reason::NoClient | Reason::UnknownClient { .. } | Reason::ClientMismatch { .. } => (
            "RFC 6749 §3.2.1",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.2.1",
            "Say which client asks: a public one by client_id in the body, a confidential one by its credentials; where both are sent they agree.",
        ),
        Reason::GrantType { .. } | Reason::GrantNotAllowed { .. } => (
            "RFC 6749 §5.2",
            "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
            "Use a grant that the server lists in grant_types_supported and for which the client is registered.",
        ),
        Reason::Method { .. } | Reason::ContentType { .. } | Reason::Query { .. } | Reason::NotUtf8 { .. } => (
            "RFC 6749 §3.2, §4.1.3",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
            "POST the parameters as application/x-www-form-urlencoded in the body; not JSON, and nothing in the address.",
        ),
        Reason::Repeated { .. } => (
            "RFC 6749 §3.2",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
            "Send each parameter once.",
        ),
        Reason::UnknownParameter { .. } | Reason::Refused | Reason::Broken => (
            "RFC 6749 §3.2",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
            "Your request may be right: a defect of this server refuses it.",
        ),
        Reason::TooLarge => (
            "RFC 9110 §15.5.14",
            "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14",
            "Send the parameters of the grant and nothing else.",
        ),
        Reason::Missing { name, .. } => return missing(name),
        Reason::BearerInvalid | Reason::TokenForeign => (
            "RFC 7662 §2.1, RFC 7009 §2.1",
            "https://www.rfc-editor.org/rfc/rfc7662#section-2.1",
            "Authenticate with credentials of this server, and ask about tokens that are your own.",
        ),
    };
    Advice { rule, url, fix }
}

fn missing(name: &str) -> Advice {
    let (rule, url, fix) = match name {
        "grant_type" | "code" => (
            "RFC 6749 §4.1.3",
            EXCHANGE,
            "Send grant_type=authorization_code and the code that came to redirect_uri, in the body of the POST.",
        ),
        "refresh_token" => (
            "RFC 6749 §6",
            REFRESH,
            "Send the refresh token that came with the last answer; there is one only where offline_access or online_access was granted.",
        ),
        _ => (
            "RFC 6749 §3.2",
            "https://www.rfc-editor.org/rfc/rfc6749#section-3.2",
            "Add the parameter to the body; an empty one counts as left out.",
        ),
    };
    Advice { rule, url, fix }
}

fn of_assertion(problem: &AssertionProblem) -> Advice {
    let (rule, fix) = match problem {
        AssertionProblem::TypeMissing | AssertionProblem::Type { .. } => (
            "RFC 7523 §2.2",
            "Send client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer beside client_assertion.",
        ),
        AssertionProblem::Malformed | AssertionProblem::Typ { .. } | AssertionProblem::Crit => (
            "RFC 7515 §3.1, SMART 2.2 asymmetric",
            "Send a compact JWT with typ JWT and no crit, made by a JWT library.",
        ),
        AssertionProblem::Alg { .. } => (
            "SMART 2.2 asymmetric: signature algorithms",
            "Sign with RS384 or ES384, which every SMART server supports.",
        ),
        AssertionProblem::Jku { .. } => (
            "SMART 2.2 asymmetric: jku",
            "Leave jku out, or send exactly the JWKS address that is registered.",
        ),
        AssertionProblem::KidMissing
        | AssertionProblem::KidAmbiguous
        | AssertionProblem::KidUnknown { .. }
        | AssertionProblem::KeysUnreachable { .. } => (
            "SMART 2.2 asymmetric: kid",
            "Put the kid of the signing key in the header, and publish exactly one key with that kid at the registered JWKS address.",
        ),
        AssertionProblem::Signature => (
            "RFC 7523 §3",
            "Sign with the private key whose public half is registered under this kid.",
        ),
        AssertionProblem::Replayed => (
            "SMART 2.2 asymmetric: jti",
            "Make an assertion with a new random jti for every request.",
        ),
        AssertionProblem::Expired { .. }
        | AssertionProblem::TooFar { .. }
        | AssertionProblem::Early { .. }
        | AssertionProblem::IssuedAhead { .. } => (
            "SMART 2.2 asymmetric: exp",
            "Let exp lie a minute or two ahead, five at most, in seconds since 1970; and set the machine's clock.",
        ),
        AssertionProblem::Missing { .. } | AssertionProblem::Claim { .. } => (
            "SMART 2.2 asymmetric: claims",
            "Set iss and sub to the client_id, aud to the token endpoint's address, exp, and a random jti.",
        ),
    };
    Advice {
        rule,
        url: ASYMMETRIC,
        fix,
    }
}
