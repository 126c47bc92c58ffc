//! The public halves of the server's keys.
//!
//! RFC 7517 §5: <https://www.rfc-editor.org/rfc/rfc7517#section-5>

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::config::IdTokenAlg;
use crate::defect::Defect;
use crate::keys::server_key;
use crate::state::AppState;
use crate::variant::Variant;

const ALGS: [IdTokenAlg; 3] = [IdTokenAlg::RS256, IdTokenAlg::ES256, IdTokenAlg::ES384];

/// `GET /.well-known/jwks.json`
pub(crate) async fn handle(State(state): State<AppState>) -> Response {
    let defects = state.defects();
    let mut keys: Vec<Value> = ALGS.iter().map(|alg| server_key(*alg).public.clone()).collect();
    if defects.has(Defect::JwksPrivateKey) {
        // The key is for tests, and published with the source; a real one would be lost here.
        keys[0] = server_key(ALGS[0]).private.clone();
    }
    if defects.has(Defect::JwksWrongKey) {
        // Another key of the same type under each kid: signatures cannot be verified.
        for key in &mut keys {
            let member = if key["kty"] == "RSA" { "n" } else { "x" };
            let text = key[member].as_str().unwrap_or_default();
            let wrong: String = text.chars().rev().collect();
            key[member] = json!(wrong);
        }
    }
    // RFC 7517 §4.5: while keys are changed, an app finds the right one by its kid.
    if defects.has(Defect::JwksKidMissing) {
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.remove("kid");
        }
    }
    if defects.has(Defect::JwksKidRepeated) {
        // The two on elliptic curves.
        keys[2]["kid"] = keys[1]["kid"].clone();
    }
    // RFC 7517 §4.2: `use` tells keys for encryption from those for signatures.
    if state.variants().has(Variant::JwksEncryptionKeyListed) {
        let mut key = server_key(IdTokenAlg::ES384).public.clone();
        key["use"] = json!("enc");
        key["alg"] = json!("ECDH-ES+A256KW");
        key["kid"] = json!("for-encryption");
        keys.insert(0, key);
    }
    if defects.has(Defect::JwksKeyDropped) && state.count() % 2 == 0 {
        let signs = server_key(state.config().id_token_alg).kid.as_str();
        keys.retain(|key| key["kid"] != signs);
    }
    if defects.has(Defect::JwksEmpty) {
        keys.clear();
    }
    let mut response = Json(json!({ "keys": keys })).into_response();
    let mut set = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    if state.variants().has(Variant::JwksPlainText) {
        set(CONTENT_TYPE, "text/plain");
    }
    if state.variants().has(Variant::JwksCacheable) {
        set(CACHE_CONTROL, "public, max-age=900");
    }
    response
}
