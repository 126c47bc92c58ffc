//! What parameters, members and claims mean, in a sentence each, and where it stands.

/// A meaning and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) text: &'static str,
    pub(super) source: &'static str,
    pub(super) url: String,
}

/// Where a name stands: some mean different things in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A request to the authorization endpoint, or pushed to it.
    Authorize,
    /// A form of the pages for the user.
    Page,
    /// What the browser brings to the app.
    Callback,
    /// A request to the token endpoint or one like it.
    Token,
    /// An answer of the authorization server.
    Answer,
    /// The header or the claims of a JWT.
    Jwt,
    /// A search.
    Fhir,
    /// The launcher.
    Launch,
}

const APP_LAUNCH: &str = "https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html";
const CONTEXT: &str = "https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html";
const ASYMMETRIC: &str = "https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html";
const OAUTH: &str = "https://www.rfc-editor.org/rfc/rfc6749";
const PKCE: &str = "https://www.rfc-editor.org/rfc/rfc7636";
const OPENID: &str = "https://openid.net/specs/openid-connect-core-1_0.html";
const JWT: &str = "https://www.rfc-editor.org/rfc/rfc7519";
const SEARCH: &str = "https://hl7.org/fhir/R4/search.html";

/// What `name` means there.
pub(super) fn meaning(place: Place, name: &str) -> Option<Meaning> {
    let (text, source, url) = match place {
        Place::Authorize => authorize(name),
        Place::Page => page(name),
        Place::Callback => callback(name),
        Place::Token => token(name),
        Place::Answer => answer(name),
        Place::Jwt => jwt(name),
        Place::Fhir => Some(fhir(name)),
        Place::Launch => launch(name),
    }?;
    // The section itself, where the document's address and its name tell it.
    let section = source.rsplit_once('§').map(|(_, section)| section);
    let url = match section.filter(|_| url.starts_with("https://www.rfc-editor.org/")) {
        Some(section) => format!("{url}#section-{section}"),
        None => url.to_owned(),
    };
    Some(Meaning { text, source, url })
}

type Told = Option<(&'static str, &'static str, &'static str)>;

fn authorize(name: &str) -> Told {
    Some(match name {
        "response_type" => (
            "What the app wants back; SMART knows only a code.",
            "RFC 6749 §4.1.1",
            OAUTH,
        ),
        "client_id" => (
            "Which app asks, by the id that it got when it was registered.",
            "RFC 6749 §2.2",
            OAUTH,
        ),
        "redirect_uri" => (
            "Where the browser brings the answer: exactly a registered address.",
            "RFC 6749 §3.1.2",
            OAUTH,
        ),
        "scope" => (
            "What the app wants to do; the user may grant less.",
            "SMART 2.2 scopes",
            CONTEXT,
        ),
        "state" => (
            "A random value that comes back unchanged, by which the app knows that the answer belongs to its own question.",
            "RFC 6749 §10.12",
            OAUTH,
        ),
        "aud" | "resource" => (
            "The FHIR server that the app wants to use, so that no other can lure the token to itself.",
            "SMART 2.2",
            APP_LAUNCH,
        ),
        "launch" => (
            "The EHR's mark of this launch, from the launch URL: it carries the patient, the encounter and the user.",
            "SMART 2.2",
            APP_LAUNCH,
        ),
        "code_challenge" => (
            "The SHA-256 of a secret that the app keeps; whoever steals the code does not know the secret.",
            "RFC 7636 §4.2",
            PKCE,
        ),
        "code_challenge_method" => (
            "How the challenge was made: S256 is the only one that SMART allows.",
            "RFC 7636 §4.3",
            PKCE,
        ),
        "nonce" => (
            "A random value that comes back in the id_token, so that an old one is not taken for a new one.",
            "OpenID Connect Core §3.1.2.1",
            OPENID,
        ),
        "prompt" => (
            "Whether the user must, or must not, be asked again.",
            "OpenID Connect Core §3.1.2.1",
            OPENID,
        ),
        "max_age" => (
            "How many seconds ago the user may have signed in at most.",
            "OpenID Connect Core §3.1.2.1",
            OPENID,
        ),
        "login_hint" => (
            "The user name that the app expects.",
            "OpenID Connect Core §3.1.2.1",
            OPENID,
        ),
        "request_uri" => (
            "A reference to a request that the app pushed before.",
            "RFC 9126 §4",
            "https://www.rfc-editor.org/rfc/rfc9126",
        ),
        "request" => ("The request as a signed JWT.", "OpenID Connect Core §6.1", OPENID),
        "response_mode" => (
            "How the answer travels.",
            "OAuth response types §2.1",
            "https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html",
        ),
        _ => return token(name),
    })
}

fn page(name: &str) -> Told {
    let text = match name {
        "request" => "Which authorization request this page belongs to.",
        "csrf" => "A value that only this page knows, so that no other site can send its form.",
        "username" => "Who signs in.",
        "password" => "Never kept.",
        "patient" => "The patient whom the user chose.",
        "scope" => "A scope that the user left ticked.",
        "decision" => "Whether the user allows it.",
        "error" => "Why it ended.",
        _ => return None,
    };
    Some((text, "", ""))
}

fn callback(name: &str) -> Told {
    Some(match name {
        "code" => (
            "The authorization code: good once, for a minute, for this app.",
            "RFC 6749 §4.1.2",
            OAUTH,
        ),
        "state" => (
            "The app's own state, unchanged: the app compares it.",
            "RFC 6749 §4.1.2",
            OAUTH,
        ),
        "iss" => (
            "Who answers: the app compares it with the server that it asked; in a launch URL, the FHIR base.",
            "RFC 9207 §2",
            "https://www.rfc-editor.org/rfc/rfc9207",
        ),
        "launch" => (
            "The EHR's mark of this launch, which the app passes on.",
            "SMART 2.2",
            APP_LAUNCH,
        ),
        "error" => ("Why there is no code.", "RFC 6749 §4.1.2.1", OAUTH),
        "error_description" => (
            "The same for the developer; users should not see it.",
            "RFC 6749 §4.1.2.1",
            OAUTH,
        ),
        "request" => ("Which authorization request the next page belongs to.", "", ""),
        _ => return answer(name),
    })
}

fn token(name: &str) -> Told {
    Some(match name {
        "grant_type" => ("What the app hands in for a token.", "RFC 6749 §4.1.3", OAUTH),
        "code" => (
            "The authorization code that came to redirect_uri.",
            "RFC 6749 §4.1.3",
            OAUTH,
        ),
        "redirect_uri" => (
            "The same address as in the authorization request.",
            "RFC 6749 §4.1.3",
            OAUTH,
        ),
        "code_verifier" => (
            "The secret whose SHA-256 was the code_challenge.",
            "RFC 7636 §4.5",
            PKCE,
        ),
        "client_id" => ("Which app asks; a public one says it here.", "RFC 6749 §3.2.1", OAUTH),
        "client_secret" => ("The app's secret, by client_secret_post.", "RFC 6749 §2.3.1", OAUTH),
        "client_assertion" => (
            "A JWT by which the app proves who it is: see its claims below.",
            "RFC 7523 §2.2",
            ASYMMETRIC,
        ),
        "client_assertion_type" => ("Says that client_assertion is a JWT.", "RFC 7523 §2.2", ASYMMETRIC),
        "refresh_token" => (
            "Stands for what the user granted; each works once.",
            "RFC 6749 §6",
            OAUTH,
        ),
        "scope" => (
            "What the new token shall allow: never more than was granted.",
            "RFC 6749 §6",
            OAUTH,
        ),
        "token" => (
            "The token that it is about.",
            "RFC 7662 §2.1",
            "https://www.rfc-editor.org/rfc/rfc7662",
        ),
        "token_type_hint" => (
            "Which kind of token it is, to find it faster.",
            "RFC 7662 §2.1",
            "https://www.rfc-editor.org/rfc/rfc7662",
        ),
        "id_token_hint" => (
            "Whose session is to end.",
            "OpenID Connect RP-Initiated Logout §2",
            "https://openid.net/specs/openid-connect-rpinitiated-1_0.html",
        ),
        _ => return None,
    })
}

fn answer(name: &str) -> Told {
    Some(match name {
        "access_token" => (
            "Opens the data. The app sends it as bearer token and never looks inside.",
            "RFC 6749 §5.1",
            OAUTH,
        ),
        "token_type" => ("How the token is sent: Bearer.", "RFC 6749 §7.1", OAUTH),
        "expires_in" => ("For how many seconds the access token works.", "RFC 6749 §5.1", OAUTH),
        "scope" => (
            "What was granted, which may be less than what was asked: the app compares.",
            "SMART 2.2",
            APP_LAUNCH,
        ),
        "refresh_token" => ("Gets the next access token without the user.", "RFC 6749 §6", OAUTH),
        "id_token" => (
            "Says who signed in: see its claims below.",
            "OpenID Connect Core §2",
            OPENID,
        ),
        "patient" => (
            "The patient in context: the id of a Patient at the FHIR base.",
            "SMART 2.2 launch context",
            CONTEXT,
        ),
        "encounter" => ("The encounter in context.", "SMART 2.2 launch context", CONTEXT),
        "fhirContext" => ("Other resources in context.", "SMART 2.2 launch context", CONTEXT),
        "fhirUser" => ("The user as a FHIR resource.", "SMART 2.2 launch context", CONTEXT),
        "need_patient_banner" => (
            "Whether the app must show whose record it is.",
            "SMART 2.2 launch context",
            CONTEXT,
        ),
        "smart_style_url" => (
            "Colours and fonts of the EHR, which the app may take over.",
            "SMART 2.2 launch context",
            CONTEXT,
        ),
        "intent" => (
            "What the user wants to do in the app.",
            "SMART 2.2 launch context",
            CONTEXT,
        ),
        "tenant" => (
            "Which organisation of the EHR it is.",
            "SMART 2.2 launch context",
            CONTEXT,
        ),
        "active" => (
            "Whether the token is good.",
            "RFC 7662 §2.2",
            "https://www.rfc-editor.org/rfc/rfc7662",
        ),
        "error" => ("Why it was refused.", "RFC 6749 §5.2", OAUTH),
        "error_description" => ("The same for the developer.", "RFC 6749 §5.2", OAUTH),
        "request_uri" => (
            "Stands for the pushed request, once.",
            "RFC 9126 §2.2",
            "https://www.rfc-editor.org/rfc/rfc9126",
        ),
        "client_id" => ("The app's id at this server.", "RFC 6749 §2.2", OAUTH),
        "sub" | "iss" | "aud" | "exp" | "iat" | "jti" => return jwt(name),
        _ => return None,
    })
}

fn jwt(name: &str) -> Told {
    Some(match name {
        "alg" => (
            "How it is signed.",
            "RFC 7515 §4.1.1",
            "https://www.rfc-editor.org/rfc/rfc7515",
        ),
        "kid" => (
            "Which key signed it.",
            "RFC 7515 §4.1.4",
            "https://www.rfc-editor.org/rfc/rfc7515",
        ),
        "typ" => ("What kind of JWT it is.", "RFC 7519 §5.1", JWT),
        "jku" => (
            "Where the keys are published.",
            "RFC 7515 §4.1.2",
            "https://www.rfc-editor.org/rfc/rfc7515",
        ),
        "iss" => (
            "Who made it: the server, or for a client_assertion the app.",
            "RFC 7519 §4.1.1",
            JWT,
        ),
        "sub" => (
            "Whom it is about: the user, or for a client_assertion the app.",
            "RFC 7519 §4.1.2",
            JWT,
        ),
        "aud" => (
            "For whom it is: the app, or for a client_assertion the token endpoint.",
            "RFC 7519 §4.1.3",
            JWT,
        ),
        "exp" => ("Until when it counts.", "RFC 7519 §4.1.4", JWT),
        "nbf" => ("From when on it counts.", "RFC 7519 §4.1.5", JWT),
        "iat" => ("When it was made.", "RFC 7519 §4.1.6", JWT),
        "jti" => (
            "Its own number, so that it cannot be used twice.",
            "RFC 7519 §4.1.7",
            JWT,
        ),
        "nonce" => (
            "The nonce of the authorization request: the app compares it.",
            "OpenID Connect Core §2",
            OPENID,
        ),
        "auth_time" => ("When the user signed in.", "OpenID Connect Core §2", OPENID),
        "at_hash" => ("Ties the access token to it.", "OpenID Connect Core §3.1.3.6", OPENID),
        "fhirUser" | "profile" => ("The user as a FHIR resource.", "SMART 2.2", CONTEXT),
        "name" => ("How the user is called.", "OpenID Connect Core §5.1", OPENID),
        "client" => ("For which app the EHR launched.", "", ""),
        "user" => ("Who launched.", "", ""),
        "ctx" => ("The context of the launch.", "", ""),
        "scope" => (
            "What it allows.",
            "RFC 8693 §4.2",
            "https://www.rfc-editor.org/rfc/rfc8693",
        ),
        _ => return None,
    })
}

fn fhir(name: &str) -> (&'static str, &'static str, &'static str) {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let text = match name {
        "_id" => "The resource with this id.",
        "_lastUpdated" => "Changed in this span of time.",
        "_count" => "How many on a page; the link `next` leads on.",
        "_include" => "Also what the results refer to.",
        "_revinclude" => "Also what refers to the results.",
        "_sort" => "In which order.",
        "_summary" => "A part of each resource.",
        "_elements" => "These elements only.",
        "_total" => "Whether the total is wanted.",
        "_format" => "The format of the answer.",
        "_offset" | "_page" | "_cursor" => "Which page.",
        "_has" => "Those that others refer to.",
        "patient" => "Of this patient.",
        "subject" => "Of this subject.",
        "category" => "Of this category.",
        "code" => "With this code.",
        "date" => "At this time.",
        "status" => "With this status.",
        "access_token" => "A token in the address counts for nothing here, and ends up in logs.",
        _ => "A search parameter of this type.",
    };
    (text, "FHIR R4 search", SEARCH)
}

fn launch(name: &str) -> Told {
    let text = match name {
        "client" => "Which app is launched.",
        "user" => "Who launches it; whoever signs in, where it is empty.",
        "patient" => "Whose record is open.",
        "encounter" => "Which encounter is open.",
        "intent" => "What the user wants to do.",
        "banner" => "Whether the app must show a patient banner.",
        _ => return None,
    };
    Some((text, "", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_means_what_its_place_says() {
        let of = |place| meaning(place, "code").map(|meaning| meaning.text);
        assert!(of(Place::Callback).is_some_and(|text| text.contains("good once")));
        assert!(of(Place::Token).is_some_and(|text| text.contains("came to redirect_uri")));
        assert!(of(Place::Fhir).is_some_and(|text| text.contains("this code")));
        assert_eq!(meaning(Place::Authorize, "utm_source"), None);
    }
}
