//! Discovery: what this server can do and where, for SMART and for OpenID Connect.
//!
//! SMART App Launch 2.2, conformance: <https://hl7.org/fhir/smart-app-launch/conformance.html>

use std::sync::OnceLock;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::authorize::{pushed, response_mode};
use crate::brands;
use crate::config::IdTokenAlg;
use crate::crowd;
use crate::defect::Defect;
use crate::granted_apps;
use crate::state::AppState;
use crate::variant::Variant;

/// `GET /fhir/.well-known/smart-configuration`
pub(crate) async fn smart_configuration(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let defects = state.defects();
    if query.is_some() && defects.has(Defect::DiscoveryQuery5xx) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response();
    }
    if defects.has(Defect::Discovery404) {
        return (StatusCode::NOT_FOUND, "Not Found\n").into_response();
    }
    if let Some(refusal) = crowd::refusal(&state).await {
        return refusal;
    }
    if defects.has(Defect::DiscoveryNeedsAuthorization) && !headers.contains_key(AUTHORIZATION) {
        return (StatusCode::UNAUTHORIZED, "Unauthorized\n").into_response();
    }
    // SMART 2.2: the document is JSON whatever the client says it accepts.
    if defects.has(Defect::Discovery406) && !accepts_json(&headers) {
        return (StatusCode::NOT_ACCEPTABLE, "Not Acceptable\n").into_response();
    }
    let text = state.documents().smart.get(&state, || {
        let mut text = Value::Object(in_order(&state, smart(&state))).to_string();
        if defects.has(Defect::DiscoveryMalformedJson) {
            text.truncate(text.len() / 2);
        }
        text
    });
    let kind = if defects.has(Defect::DiscoveryWrongContentType) {
        "text/html"
    } else {
        "application/json"
    };
    document(text, kind)
}

/// `GET /.well-known/openid-configuration`
pub(crate) async fn openid_configuration(State(state): State<AppState>) -> Response {
    if state.defects().has(Defect::OpenidConfigurationMissing) {
        return (StatusCode::NOT_FOUND, "Not Found\n").into_response();
    }
    let text = state
        .documents()
        .openid
        .get(&state, || Value::Object(in_order(&state, openid(&state))).to_string());
    document(text, "application/json")
}

/// `GET /.well-known/oauth-authorization-server`: RFC 8414.
pub(crate) async fn oauth_metadata(State(state): State<AppState>) -> Response {
    if state.variants().has(Variant::OauthMetadataMissing) {
        return (StatusCode::NOT_FOUND, "Not Found\n").into_response();
    }
    let mut members = openid(&state);
    if pushed::is_required(&state) {
        members.insert("require_pushed_authorization_requests".into(), json!(true));
    }
    if state.defects().has(Defect::OauthMetadataDisagrees) {
        members.insert(
            "token_endpoint".into(),
            json!(format!("{}/auth/v1/token", state.public_url())),
        );
    }
    document(Value::Object(in_order(&state, members)).to_string(), "application/json")
}

fn document(text: impl Into<Bytes>, kind: &'static str) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text.into()).into_response()
}

/// The documents of a mock that keeps them, see [`crate::builder::Builder::keep_documents`].
#[derive(Debug, Default)]
pub(crate) struct Documents {
    smart: Document,
    openid: Document,
}

/// One document as it is while nothing is armed: it then says the same to everybody, for ever.
#[derive(Debug, Default)]
struct Document(OnceLock<Bytes>);

impl Document {
    fn get(&self, state: &AppState, write: impl FnOnce() -> String) -> Bytes {
        if !state.keeps_documents() || state.is_anything_armed() {
            return write().into();
        }
        if let Some(kept) = self.0.get() {
            return kept.clone();
        }
        let text = Bytes::from(write());
        // Something may have been armed meanwhile.
        if !state.is_anything_armed() {
            let _ = self.0.set(text.clone());
        }
        text
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.split([',', ';']).any(|kind| kind.trim() == "application/json"))
}

fn in_order(state: &AppState, mut members: Map<String, Value>) -> Map<String, Value> {
    if state.variants().has(Variant::ExtraMembers) {
        members.insert("x_vendor_release".into(), json!({ "name": "2026.1" }));
    }
    if state.variants().has(Variant::ReorderedJson) {
        members = members.into_iter().rev().collect();
    }
    members
}

/// What this server can do, in the guide's words.
const CAPABILITIES: [&str; 20] = [
    "smart-app-state",
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
];

fn smart(state: &AppState) -> Map<String, Value> {
    let defects = state.defects();
    let at = |path: &str| json!(format!("{}{path}", state.public_url()));
    let mut members = Map::new();
    let mut put = |missing: Defect, name: &str, value: Value| {
        if !defects.has(missing) {
            members.insert(name.to_owned(), value);
        }
    };
    put(Defect::DiscoveryIssuerMissing, "issuer", issuer(state));
    put(
        Defect::DiscoveryJwksUriMissing,
        "jwks_uri",
        at("/.well-known/jwks.json"),
    );
    put(
        Defect::DiscoveryAuthorizationEndpointMissing,
        "authorization_endpoint",
        at("/auth/authorize"),
    );
    let token_endpoint = if defects.has(Defect::DiscoveryRelativeEndpoint) {
        json!("../auth/token")
    } else {
        at("/auth/token")
    };
    put(Defect::DiscoveryTokenEndpointMissing, "token_endpoint", token_endpoint);
    put(
        Defect::DiscoveryGrantTypesMissing,
        "grant_types_supported",
        grant_types(state),
    );
    put(
        Defect::DiscoveryChallengeMethodsMissing,
        "code_challenge_methods_supported",
        challenge_methods(state),
    );
    let capabilities = if defects.has(Defect::DiscoveryCapabilitiesEmpty) {
        json!([])
    } else if defects.has(Defect::DiscoveryCapabilitiesString) {
        json!(CAPABILITIES.join(" "))
    } else {
        let vendors = state.variants().has(Variant::CapabilityUnknownListed);
        let more = vendors.then_some("launch-kiosk");
        let claimed = CAPABILITIES.into_iter().filter(|name| is_claimed(state, name));
        json!(claimed.chain(more).collect::<Vec<_>>())
    };
    put(Defect::DiscoveryCapabilitiesMissing, "capabilities", capabilities);
    members.insert("token_endpoint_auth_methods_supported".into(), auth_methods(state));
    if !defects.has(Defect::DiscoverySigningAlgorithmsMissing) {
        members.insert(
            "token_endpoint_auth_signing_alg_values_supported".into(),
            json!(ASSERTION_ALGS),
        );
    }
    if state.variants().has(Variant::AuthMethodsAlsoMisnamed) {
        members.insert("token_endpoint_auth_methods".into(), auth_methods(state));
    }
    if state.variants().has(Variant::AssociatedEndpointsListed) {
        let endpoint = json!({ "url": state.fhir_base(), "capabilities": ["smart-app-state"] });
        members.insert("associated_endpoints".into(), json!([endpoint]));
    }
    if defects.has(Defect::DiscoveryAssociatedEndpointsMalformed) {
        members.insert("associated_endpoints".into(), json!([state.fhir_base()]));
    }
    brands::tell(state, &mut members);
    if !defects.has(Defect::DiscoveryManagementEndpointMissing) {
        members.insert("management_endpoint".into(), at(granted_apps::PATH));
    }
    members.insert("introspection_endpoint".into(), at("/auth/introspect"));
    members.insert("revocation_endpoint".into(), at("/auth/revoke"));
    members.insert("scopes_supported".into(), scopes(state));
    members.insert("pushed_authorization_request_endpoint".into(), at("/auth/par"));
    if (pushed::is_required(state) && !pushed::is_told_once(state)) || defects.has(Defect::ParRequirementNotHeld) {
        members.insert("require_pushed_authorization_requests".into(), json!(true));
    }
    if !state.variants().has(Variant::RegistrationEndpointUnlisted) {
        members.insert("registration_endpoint".into(), at("/auth/register"));
    }
    members.insert("response_types_supported".into(), json!(["code"]));
    // RFC 9207 §3: so that an app may insist on `iss`.
    if !state.variants().has(Variant::ResponseIssNotSent) {
        members.insert("authorization_response_iss_parameter_supported".into(), json!(true));
    }
    members
}

/// Whether a capability of this server is told.
fn is_claimed(state: &AppState, capability: &str) -> bool {
    let defects = state.defects();
    match capability {
        "client-confidential-asymmetric" => !defects.has(Defect::DiscoveryAsymmetricUnclaimed),
        "permission-patient" => !defects.has(Defect::DiscoveryCapabilitySetIncomplete),
        "permission-v1" => !defects.has(Defect::DiscoveryPermissionV1Unclaimed),
        "launch-ehr" => !defects.has(Defect::DiscoveryLaunchEhrUnclaimed),
        "permission-offline" | "permission-online" => !state.variants().has(Variant::NoRefreshToken),
        "sso-openid-connect" => !state.variants().has(Variant::SsoNotClaimed),
        "smart-app-state" => !state.variants().has(Variant::FhirReadsOnly),
        _ => true,
    }
}

/// OpenID Connect Discovery §3: an https address without query and fragment, below which its document stands.
fn issuer(state: &AppState) -> Value {
    let base = state.public_url();
    if state.defects().has(Defect::DiscoveryIssuerQuery) {
        json!(format!("{base}?tenant=1"))
    } else if state.defects().has(Defect::DiscoveryIssuerWellKnown) {
        json!(format!("{base}/.well-known/openid-configuration"))
    } else {
        json!(base)
    }
}

/// SMART 2.2: the list need not be whole.
fn scopes(state: &AppState) -> Value {
    if state.variants().has(Variant::ScopesListedInPart) {
        return json!(["launch", "patient/*.rs"]);
    }
    json!(SCOPES)
}

const ASSERTION_ALGS: [&str; 4] = ["RS384", "ES384", "RS256", "ES256"];

const SCOPES: [&str; 13] = [
    "openid",
    "fhirUser",
    "profile",
    "launch",
    "launch/patient",
    "offline_access",
    "online_access",
    "patient/*.rs",
    "patient/*.cruds",
    "user/*.rs",
    "user/*.cruds",
    "patient/*.read",
    "system/*.rs",
];

/// SMART 2.2: S256 is listed, and plain is not.
fn challenge_methods(state: &AppState) -> Value {
    let mut methods = Vec::new();
    if !state.defects().has(Defect::PkceS256NotListed) {
        methods.push("S256");
    }
    if state.defects().has(Defect::PkcePlainListed) {
        methods.push("plain");
    }
    json!(methods)
}

/// SMART 2.2: the grants by which launches get and keep their tokens.
fn grant_types(state: &AppState) -> Value {
    let mut grants = vec!["authorization_code"];
    if !state.defects().has(Defect::DiscoveryRefreshGrantMissing) {
        grants.push("refresh_token");
    }
    if !state.defects().has(Defect::DiscoveryBackendGrantMissing) {
        grants.push("client_credentials");
    }
    json!(grants)
}

fn auth_methods(state: &AppState) -> Value {
    let mut methods = Vec::new();
    if !state.defects().has(Defect::DiscoverySecretMethodsMissing) {
        methods.extend(["client_secret_basic", "client_secret_post"]);
    }
    if !state.defects().has(Defect::DiscoveryContradiction) {
        methods.push("private_key_jwt");
    }
    // RFC 7591 §2: what public clients use; libraries look for it.
    if !state.variants().has(Variant::AuthMethodNoneNotListed) {
        methods.push("none");
    }
    json!(methods)
}

/// SMART 2.2: RS256 is always among them.
fn id_token_algs(state: &AppState) -> Value {
    let mut algs = Vec::new();
    if !state.defects().has(Defect::OpenidRs256Unlisted) {
        algs.push("RS256");
    }
    let own = match state.config().id_token_alg {
        _ if state.variants().has(Variant::IdTokenEs384) => "ES384",
        IdTokenAlg::RS256 if state.defects().has(Defect::OpenidRs256Unlisted) => "ES384",
        IdTokenAlg::RS256 => "RS256",
        IdTokenAlg::ES256 => "ES256",
        IdTokenAlg::ES384 => "ES384",
    };
    if !algs.contains(&own) {
        algs.push(own);
    }
    json!(algs)
}

/// OpenID Connect Discovery §3: <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>
fn openid(state: &AppState) -> Map<String, Value> {
    let at = |path: &str| json!(format!("{}{path}", state.public_url()));
    let issuer = if state.defects().has(Defect::OpenidIssuerMismatch) {
        json!("https://other.example")
    } else if state.defects().has(Defect::OpenidIssuerFragment) {
        json!(format!("{}#1", state.public_url()))
    } else {
        json!(state.public_url())
    };
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("issuer", issuer);
    put("authorization_endpoint", at("/auth/authorize"));
    put("token_endpoint", at("/auth/token"));
    put("jwks_uri", at("/.well-known/jwks.json"));
    if !state.variants().has(Variant::UserinfoNotOffered) {
        put("userinfo_endpoint", at("/auth/userinfo"));
    }
    put("introspection_endpoint", at("/auth/introspect"));
    put("end_session_endpoint", at("/auth/end-session"));
    put("revocation_endpoint", at("/auth/revoke"));
    put("pushed_authorization_request_endpoint", at("/auth/par"));
    if pushed::is_required(state) && !pushed::is_told_once(state) {
        put("require_pushed_authorization_requests", json!(true));
    }
    put("registration_endpoint", at("/auth/register"));
    put("response_types_supported", json!(["code"]));
    put("response_modes_supported", json!(response_mode::SUPPORTED));
    if state.variants().has(Variant::OpenidOptionsListed) {
        put("claims_parameter_supported", json!(true));
    }
    put("grant_types_supported", grant_types(state));
    if !state.defects().has(Defect::OpenidMetadataIncomplete) {
        put("subject_types_supported", json!(["public"]));
    }
    put("id_token_signing_alg_values_supported", id_token_algs(state));
    put("token_endpoint_auth_methods_supported", auth_methods(state));
    if !state.defects().has(Defect::DiscoverySigningAlgorithmsMissing) {
        put(
            "token_endpoint_auth_signing_alg_values_supported",
            json!(ASSERTION_ALGS),
        );
    }
    put("code_challenge_methods_supported", challenge_methods(state));
    put("scopes_supported", json!(SCOPES));
    let mut claims = vec!["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"];
    if !state.variants().has(Variant::PromptPassedOver) {
        claims.push("auth_time");
        put(
            "prompt_values_supported",
            json!(["none", "login", "consent", "select_account"]),
        );
    }
    put("claims_supported", json!(claims));
    put("request_parameter_supported", json!(false));
    put("request_uri_parameter_supported", json!(false));
    if !state.variants().has(Variant::ResponseIssNotSent) {
        put("authorization_response_iss_parameter_supported", json!(true));
    }
    members
}
