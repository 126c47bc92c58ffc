//! What a request is for, in a few words.

use crate::journal::Entry;

/// What this exchange is in a launch.
pub(super) fn title(entry: &Entry) -> &'static str {
    let request = &entry.request;
    if request.method == "OPTIONS" {
        return "The browser asks whether it may (CORS preflight)";
    }
    let is_post = request.method == "POST";
    match request.path.as_str() {
        "/" => "Launcher page",
        "/launch" | "/launches" | "/rpc" => "The EHR launches the app",
        "/fhir/.well-known/smart-configuration" => "The app discovers the endpoints",
        "/fhir/metadata" => "The app reads what the FHIR server can do",
        "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
            "The app reads OAuth metadata"
        }
        "/.well-known/jwks.json" => "The app fetches the server's keys",
        "/smart-style.json" => "The app fetches the EHR's style",
        "/auth/authorize" => "The app asks for authorization",
        "/auth/par" => "The app pushes its authorization request",
        "/auth/sign-in" | "/auth/password" if is_post => "The user signs in",
        "/auth/sign-in" | "/auth/password" | "/auth/signed-in" => "Sign-in page",
        "/auth/patient" if is_post => "The user chooses a patient",
        "/auth/patient" => "Patient page",
        "/auth/consent" if is_post => "The user decides",
        "/auth/consent" => "Consent page",
        "/auth/refused" => "The user sees why it ended",
        "/auth/end-session" => "The session is ended",
        "/auth/token" => match parameter(entry, "grant_type") {
            Some("authorization_code") => "The app exchanges the code for tokens",
            Some("refresh_token") => "The app refreshes its token",
            Some("client_credentials") => "A backend service asks for a token",
            _ => "Token request",
        },
        "/auth/introspect" => "A token is introspected",
        "/auth/revoke" => "A token is revoked",
        "/auth/userinfo" => "The app asks who the user is",
        path if path.starts_with("/auth/register") => "An app registers",
        path if path.starts_with("/fhir") => fhir(&request.method, path),
        _ => "Another request",
    }
}

fn fhir(method: &str, path: &str) -> &'static str {
    let mut parts = path
        .trim_start_matches("/fhir")
        .split('/')
        .filter(|part| !part.is_empty());
    let (kind, id) = (parts.next(), parts.next());
    match (method, kind, id) {
        (_, _, Some("_search")) | ("GET", Some(_), None) => "The app searches",
        ("GET", Some(_), Some(id)) if id.starts_with('$') => "The app calls an operation",
        ("GET" | "HEAD", _, _) => "The app reads",
        ("POST", None, _) => "The app sends a batch",
        ("POST", Some(_), None) => "The app creates",
        ("PUT" | "PATCH", _, _) => "The app changes",
        ("DELETE", _, _) => "The app deletes",
        _ => "FHIR request",
    }
}

fn parameter<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    let all = entry.request.form.iter().chain(&entry.request.query);
    all.into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}
