//! Dynamic registration: apps that register themselves; what they do with it afterwards is [`manage`]'s.
//!
//! RFC 7591: <https://www.rfc-editor.org/rfc/rfc7591>

pub(crate) mod by_hand;
pub(crate) mod first_try;
pub(crate) mod manage;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::config::{Client, ClientKind, Secret, SecretMethod};
use crate::defect::Defect;
use crate::keys::ClientKey;
use crate::launch::check_typed;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::registered::Added;
use crate::token::response::{json_answer, text_of};
use crate::variant::Variant;

/// What an app may ask for that names no scope; more is left to registration by hand.
const SCOPES: &str = "launch launch/patient launch/encounter openid fhirUser offline_access online_access patient/*.rs";

/// What a service may ask for.
const SYSTEM_SCOPES: &str = "system/*.rs";

const KNOWN: [&str; 13] = [
    "client_name",
    "client_uri",
    "contacts",
    "grant_types",
    "initiate_login_uri",
    "jwks",
    "jwks_uri",
    "redirect_uris",
    "require_pushed_authorization_requests",
    "response_types",
    "scope",
    "software_statement",
    "token_endpoint_auth_method",
];

/// Why a registration is refused: RFC 7591 §3.2.2.
struct Refusal {
    error: &'static str,
    why: String,
}

fn metadata(why: impl Into<String>) -> Refusal {
    Refusal {
        error: "invalid_client_metadata",
        why: why.into(),
    }
}

/// `POST /auth/register`
pub(crate) async fn create(State(app): State<AppState>, body: Bytes) -> Response {
    match register(&app, &body) {
        Ok(mut answer) => {
            if app.defects().has(Defect::RegistrationClientIdMissing) {
                answer.remove("client_id");
            }
            let status = if app.defects().has(Defect::RegistrationStatus200) {
                StatusCode::OK
            } else {
                StatusCode::CREATED
            };
            json_answer(&app, status, answer)
        }
        Err(refusal) => refuse(&app, &refusal),
    }
}

/// RFC 7591 §3.2.2
fn refuse(app: &AppState, refusal: &Refusal) -> Response {
    if refusal.error.is_empty() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let error = if app.defects().has(Defect::RegistrationErrorCodeWrong) {
        "failed"
    } else {
        refusal.error
    };
    let body = json!({ "error": error, "error_description": refusal.why });
    let body = body.as_object().cloned().unwrap_or_default();
    json_answer(app, StatusCode::BAD_REQUEST, body)
}

/// The metadata that a body holds.
fn read_metadata(app: &AppState, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let defects = app.defects();
    let broken = Refusal {
        error: "",
        why: String::new(),
    };
    match serde_json::from_slice(body) {
        Ok(Value::Object(asked)) if is_of_wrong_type(&asked) && defects.has(Defect::RegistrationWrongType5xx) => {
            Err(broken)
        }
        Ok(Value::Object(asked)) => Ok(asked),
        _ if defects.has(Defect::RegistrationJunk5xx) => Err(broken),
        _ => Err(metadata("the body is not a JSON object")),
    }
}

/// RFC 7591 §2: whether a member is not of the type that it is defined with.
fn is_of_wrong_type(asked: &Map<String, Value>) -> bool {
    asked.iter().any(|(name, value)| match name.as_str() {
        "redirect_uris" | "grant_types" | "response_types" | "contacts" => !value.is_array(),
        "jwks" => !value.is_object(),
        _ => KNOWN.contains(&name.as_str()) && !value.is_string(),
    })
}

fn register(app: &AppState, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let defects = app.defects();
    let asked = read_metadata(app, body)?;
    if let Some(unknown) = asked.keys().find(|name| !KNOWN.contains(&name.as_str()))
        && defects.has(Defect::RegistrationUnknownMemberRefused)
    {
        return Err(metadata(format!("{unknown} is not known")));
    }
    let grants = texts(&asked, "grant_types")?.unwrap_or_else(|| vec!["authorization_code".to_owned()]);
    let mut client = client(app, &asked, &grants)?;
    let told_method = method_of(&client);
    if defects.has(Defect::RegistrationMethodLost) {
        client.kind = ClientKind::Symmetric;
        client.keys.clear();
        client.client_secret = Some(Secret(app.chance().token::<24>()));
    }
    let token = app.chance().token::<32>();
    let mut told = told(app, &client, &asked, &grants, told_method);
    manage::tell(app, &client.client_id, &token, &mut told);
    // By a defect an id is given twice; the first keeps it.
    match app.store().register(client, token, app.now()) {
        Added::Yes | Added::Taken => Ok(told),
        Added::Full => Err(metadata(
            "too many clients are registered; delete some, or restart the mock",
        )),
    }
}

/// RFC 7591 §2: the client that the metadata describe.
fn client(app: &AppState, asked: &Map<String, Value>, grants: &[String]) -> Result<Client, Refusal> {
    let service = grants.iter().all(|grant| grant == "client_credentials");
    if service && app.defects().has(Defect::RegistrationServiceRefused) {
        return Err(metadata("the grant type client_credentials is not supported"));
    }
    let known = ["authorization_code", "refresh_token", "client_credentials"];
    if let Some(unknown) = grants.iter().find(|grant| !known.contains(&grant.as_str())) {
        return Err(metadata(format!("the grant type {unknown} is not supported")));
    }
    let method = asked
        .get("token_endpoint_auth_method")
        .map_or("client_secret_basic", |method| method.as_str().unwrap_or_default());
    let kind = match (method, service) {
        ("private_key_jwt", true) => ClientKind::Backend,
        (_, true) => return Err(metadata("client_credentials is for clients with private_key_jwt")),
        ("private_key_jwt", false) => ClientKind::Asymmetric,
        ("none", false) => ClientKind::Public,
        ("client_secret_basic" | "client_secret_post", false) => ClientKind::Symmetric,
        (other, false) => return Err(metadata(format!("token_endpoint_auth_method {other} is not supported"))),
    };
    let redirect_uris = redirect_uris(app, asked, service)?;
    let (jwks, jwks_uri) = keys(app, asked, kind)?;
    let allowed = Scope::parse_list(if service { SYSTEM_SCOPES } else { SCOPES });
    let scopes = match asked.get("scope").and_then(Value::as_str) {
        Some(text) => crate::scope::grant::grantable(&Scope::parse_list(text), &allowed),
        None => allowed,
    };
    // RFC 6749 §10.10: 192 bits, where 128 are asked for.
    let secret = (kind == ClientKind::Symmetric).then(|| {
        if app.defects().has(Defect::RegistrationSecretShort) {
            Secret(app.chance().token::<6>())
        } else {
            Secret(app.chance().token::<24>())
        }
    });
    let client_id = if app.defects().has(Defect::RegistrationClientIdRepeated) {
        "registered".to_owned()
    } else {
        format!("registered-{}", app.chance().token::<9>())
    };
    let mut client = Client {
        client_id,
        name: asked
            .get("client_name")
            .and_then(Value::as_str)
            .unwrap_or("An app without a name")
            .to_owned(),
        kind,
        client_secret: secret,
        auth_methods: vec![match method {
            "client_secret_post" => SecretMethod::Post,
            _ => SecretMethod::Basic,
        }],
        jwks,
        key_fixtures: Vec::new(),
        jwks_uri,
        redirect_uris,
        launch_url: launch_url(asked)?,
        scopes,
        origins: origins(kind, asked),
        pushed_only: asked.get("require_pushed_authorization_requests") == Some(&Value::Bool(true)),
        keys: Vec::new(),
    };
    client.prepare().map_err(metadata)?;
    if client.keys.iter().any(ClientKey::is_weak) && app.variants().has(Variant::RegistrationWeakKeyRefused) {
        return Err(metadata("jwks holds an RSA key of less than 2048 bits"));
    }
    Ok(client)
}

/// A public app may run in the browser; its pages are where its codes go.
fn origins(kind: ClientKind, asked: &Map<String, Value>) -> Vec<String> {
    let uris = texts(asked, "redirect_uris").ok().flatten().unwrap_or_default();
    let parsed = uris.iter().filter_map(|uri| url::Url::parse(uri).ok());
    let of_web = parsed.filter(|url| kind == ClientKind::Public && ["http", "https"].contains(&url.scheme()));
    of_web.map(|url| url.origin().ascii_serialization()).collect()
}

/// OpenID Connect Dynamic Client Registration §2: where others begin a sign-in; to SMART, the launch URL.
fn launch_url(asked: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let Some(address) = asked.get("initiate_login_uri").and_then(Value::as_str) else {
        return Ok(None);
    };
    check_typed(address).map_err(|expected| metadata(format!("initiate_login_uri: {expected}")))?;
    Ok(Some(address.to_owned()))
}

fn texts(asked: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = asked.get(name) else { return Ok(None) };
    let wrong = || metadata(format!("{name} is not an array of texts"));
    let items = value.as_array().ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}

/// RFC 7591 §2 and §5, RFC 8252 §7: https, loopback, or a scheme of the app's own with a dot in it.
fn redirect_uris(app: &AppState, asked: &Map<String, Value>, service: bool) -> Result<Vec<String>, Refusal> {
    let uris = texts(asked, "redirect_uris")?.unwrap_or_default();
    let wrong = |why: String| Refusal {
        error: "invalid_redirect_uri",
        why,
    };
    if app.defects().has(Defect::RegistrationRedirectUriUnchecked) {
        let usable = uris.into_iter().filter(|uri| url::Url::parse(uri).is_ok());
        let usable = usable.map(|uri| uri.split('#').next().unwrap_or_default().to_owned());
        let usable: Vec<String> = usable.collect();
        return Ok(if usable.is_empty() {
            vec!["https://registered.example/cb".to_owned()]
        } else {
            usable
        });
    }
    if uris.is_empty() && !service {
        return Err(wrong("redirect_uris is missing or empty".to_owned()));
    }
    for uri in &uris {
        let parsed = url::Url::parse(uri).map_err(|_| wrong(format!("{uri} is not an absolute URI")))?;
        let loopback = matches!(parsed.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let safe = match parsed.scheme() {
            "https" => true,
            "http" => loopback || app.defects().has(Defect::RegistrationPlainHttpAccepted),
            own => own.contains('.'),
        };
        if !safe || parsed.fragment().is_some() {
            return Err(wrong(format!("{uri} is no address to which codes may be sent")));
        }
    }
    Ok(uris)
}

/// RFC 7591 §2: `jwks` or `jwks_uri`, never both.
fn keys(
    app: &AppState,
    asked: &Map<String, Value>,
    kind: ClientKind,
) -> Result<(Option<Value>, Option<String>), Refusal> {
    let defects = app.defects();
    let jwks = asked.get("jwks").filter(|jwks| !jwks.is_null()).cloned();
    let jwks_uri = asked
        .get("jwks_uri")
        .and_then(Value::as_str)
        .filter(|uri| !uri.is_empty());
    if jwks.is_some() && jwks_uri.is_some() && !defects.has(Defect::RegistrationBothKeyFormsAccepted) {
        return Err(metadata("jwks and jwks_uri exclude each other"));
    }
    if jwks.is_none() && jwks_uri.is_some() && defects.has(Defect::RegistrationJwksUriRefused) {
        return Err(metadata("jwks is missing"));
    }
    if jwks.is_some() && defects.has(Defect::RegistrationJwksRefused) {
        return Err(metadata("jwks is not supported"));
    }
    if !matches!(kind, ClientKind::Asymmetric | ClientKind::Backend) {
        return Ok((None, None));
    }
    let absolute = |uri: &str| url::Url::parse(uri).is_ok_and(|url| url.has_host());
    if jwks_uri.is_some_and(|uri| !absolute(uri)) {
        return Err(metadata("jwks_uri is not an absolute URL"));
    }
    Ok((jwks, jwks_uri.map(str::to_owned)))
}

fn method_of(client: &Client) -> &'static str {
    match (client.kind, client.auth_methods.first()) {
        (ClientKind::Public, _) => "none",
        (ClientKind::Symmetric, Some(SecretMethod::Post)) => "client_secret_post",
        (ClientKind::Symmetric, _) => "client_secret_basic",
        (ClientKind::Asymmetric | ClientKind::Backend, _) => "private_key_jwt",
    }
}

/// RFC 7591 §3.2.1: all that was registered, as it was registered.
fn told(
    app: &AppState,
    client: &Client,
    asked: &Map<String, Value>,
    grants: &[String],
    method: &str,
) -> Map<String, Value> {
    let defects = app.defects();
    let mut told = Map::new();
    told.insert("client_id".into(), client.client_id.clone().into());
    told.insert("client_id_issued_at".into(), app.now().as_second().into());
    if let Some(secret) = &client.client_secret {
        told.insert("client_secret".into(), secret.0.clone().into());
        if !defects.has(Defect::RegistrationSecretExpiryMissing) {
            told.insert("client_secret_expires_at".into(), 0.into());
        }
    }
    if defects.has(Defect::RegistrationMetadataMissing) {
        return told;
    }
    told.insert("client_name".into(), client.name.clone().into());
    told.insert("redirect_uris".into(), json!(client.redirect_uris));
    told.insert("grant_types".into(), json!(grants));
    told.insert("response_types".into(), json!(["code"]));
    told.insert("token_endpoint_auth_method".into(), method.into());
    told.insert("scope".into(), text_of(&client.scopes).into());
    if let Some(jwks) = &client.jwks {
        told.insert("jwks".into(), jwks.clone());
    }
    if let Some(uri) = &client.jwks_uri {
        told.insert("jwks_uri".into(), uri.clone().into());
    }
    if let Some(address) = &client.launch_url {
        told.insert("initiate_login_uri".into(), address.clone().into());
    }
    if client.pushed_only {
        told.insert("require_pushed_authorization_requests".into(), true.into());
    }
    // Not verified, since it binds nobody; returned all the same, for apps that compare.
    if let Some(statement) = asked.get("software_statement")
        && !defects.has(Defect::RegistrationStatementLost)
    {
        told.insert("software_statement".into(), statement.clone());
    }
    told
}
