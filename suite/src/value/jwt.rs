//! Changes of a JWT, for probes of servers that read one without verifying it; any other text stays as it was.
//!
//! RFC 7515 §3.1, RFC 7519 §6.1.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Without signature, under `alg` in this spelling of `none`.
pub(super) fn alg_none(text: &str, none: &str) -> String {
    changed(text, |header, _| header["alg"] = json!(none), false)
}

/// With other claims under the old signature: valid for longer, for whatever scopes.
pub(super) fn claims_changed(text: &str) -> String {
    let change = |_: &mut Value, claims: &mut Value| {
        claims["launchproof"] = json!(true);
        if let Some(exp) = claims["exp"].as_i64() {
            claims["exp"] = json!(exp.saturating_add(3600));
        }
    };
    changed(text, change, true)
}

/// The same without its signature.
pub(super) fn unsigned(text: &str) -> String {
    changed(text, |_, _| {}, false)
}

fn changed(text: &str, change: impl FnOnce(&mut Value, &mut Value), signed: bool) -> String {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return text.to_owned();
    };
    let (Some(mut header), Some(mut claims)) = (object(header), object(claims)) else {
        return text.to_owned();
    };
    change(&mut header, &mut claims);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = if signed { signature } else { "" };
    format!("{}.{}.{signature}", encode(&header), encode(&claims))
}

fn object(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_changed_and_nothing_else_is() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!(
            "{}.{}.c2ln",
            encode(r#"{"alg":"RS256"}"#),
            encode(r#"{"exp":1,"jti":"j"}"#)
        );
        let none = alg_none(&token, "NONE");
        assert!(
            none.ends_with('.') && object(none.split('.').next().expect("a header")) == Some(json!({"alg": "NONE"}))
        );
        let changed = claims_changed(&token);
        assert_eq!(changed.rsplit_once('.').map(|(_, signature)| signature), Some("c2ln"));
        let claims = object(changed.split('.').nth(1).expect("claims")).expect("an object");
        assert_eq!((&claims["exp"], &claims["jti"]), (&json!(3601), &json!("j")));
        assert!(unsigned(&token).ends_with('.'));
        for other in ["opaque", "a.b", "a.b.c", ""] {
            assert_eq!(alg_none(other, "none"), other);
        }
    }
}
