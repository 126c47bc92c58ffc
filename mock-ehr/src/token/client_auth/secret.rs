//! Client secrets, in the Authorization header or in the body.
//!
//! RFC 6749 §2.3.1: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

use super::expected;
use crate::config::{ClientKind, SecretMethod};
use crate::defect::Defect;
use crate::form::{Parameters, decode};
use crate::state::AppState;
use crate::store::registered::Known;
use crate::token::reason::Reason;
use crate::variant::Variant;

/// `client_secret_basic`
pub(super) fn basic<'a>(app: &'a AppState, headers: &HeaderMap, parameters: &Parameters) -> Result<Known<'a>, Reason> {
    let defects = app.defects();
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let header = values.next().filter(|_| values.next().is_none());
    let (raw_id, raw_secret) = header
        .and_then(|value| credentials(value.as_bytes()))
        .ok_or(Reason::BasicMalformed)?;
    let decoded = |raw: &str| String::from_utf8(decode(raw.as_bytes())).unwrap_or_default();
    // RFC 6749 §2.3.1: both are form-encoded before they are put together.
    let (id, mut secrets) = if defects.has(Defect::BasicNotDecoded) {
        (raw_id.clone(), vec![raw_secret.clone()])
    } else {
        (decoded(&raw_id), vec![decoded(&raw_secret)])
    };
    if app.variants().has(Variant::BasicRawAccepted) {
        secrets.push(raw_secret);
    }
    if let Some(body) = parameters.filled("client_id").filter(|body| *body != id)
        && !defects.has(Defect::BasicClientMismatchAccepted)
    {
        return Err(Reason::ClientMismatch {
            header: id,
            body: body.to_owned(),
        });
    }
    check(app, &id, &secrets, SecretMethod::Basic)
}

fn credentials(header: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    pair.split_once(':')
        .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

/// `client_secret_post`
pub(super) fn post<'a>(app: &'a AppState, parameters: &Parameters) -> Result<Known<'a>, Reason> {
    let id = parameters.filled("client_id").ok_or(Reason::NoClient)?;
    let secret = parameters.get("client_secret").unwrap_or_default().to_owned();
    check(app, id, &[secret], SecretMethod::Post)
}

fn check<'a>(app: &'a AppState, id: &str, secrets: &[String], method: SecretMethod) -> Result<Known<'a>, Reason> {
    let client = app
        .client(id)
        .ok_or_else(|| Reason::UnknownClient { was: id.to_owned() })?;
    let name = match method {
        SecretMethod::Basic => "client_secret_basic",
        SecretMethod::Post => "client_secret_post",
    };
    match client.kind {
        ClientKind::Public => {
            if app.variants().has(Variant::PublicSecretIgnored) {
                return Ok(client);
            }
            return Err(Reason::PublicWithSecret);
        }
        ClientKind::Asymmetric | ClientKind::Backend => {
            return Err(Reason::MethodNotRegistered {
                was: name,
                expected: expected(&client),
            });
        }
        ClientKind::Symmetric => {}
    }
    let is_refused = method == SecretMethod::Basic && app.defects().has(Defect::BasicRefused);
    if !client.auth_methods.contains(&method) || is_refused {
        return Err(Reason::MethodNotRegistered {
            was: name,
            expected: "the other method",
        });
    }
    let registered = client
        .client_secret
        .as_ref()
        .map(|secret| secret.0.as_str())
        .unwrap_or_default();
    if secrets.iter().any(|secret| fits(app, registered, secret)) {
        Ok(client)
    } else {
        Err(Reason::SecretWrong)
    }
}

fn fits(app: &AppState, registered: &str, sent: &str) -> bool {
    let defects = app.defects();
    let same = |secret: &str| bool::from(secret.as_bytes().ct_eq(sent.as_bytes()));
    let of_another = || {
        let clients = &app.config().clients;
        clients
            .iter()
            .filter_map(|client| client.client_secret.as_ref())
            .any(|secret| same(&secret.0))
    };
    same(registered)
        || (sent.is_empty() && defects.has(Defect::SecretEmptyAccepted))
        || (!sent.is_empty() && defects.has(Defect::SecretWrongAccepted))
        || (!sent.is_empty() && registered.starts_with(sent) && defects.has(Defect::SecretPrefixAccepted))
        || (registered.eq_ignore_ascii_case(sent) && defects.has(Defect::SecretCaseInsensitive))
        || (defects.has(Defect::SecretOfOtherClientAccepted) && of_another())
}
