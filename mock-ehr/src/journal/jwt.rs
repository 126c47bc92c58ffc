//! Reads the header and the claims of a JWT, to show them. The signature is left out: what is shown cannot be used.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use super::redact;

/// A longer one is not read.
const LONGEST: usize = 16 * 1024;

/// What a JWT says, without its signature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Jwt {
    /// Which parameter or member held it.
    pub name: String,
    /// Its header.
    pub header: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Reads one, if it is one. Nothing is verified here.
pub(crate) fn read(name: &str, text: &str) -> Option<Jwt> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parts = text.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Jwt {
        name: name.to_owned(),
        header: object(header)?,
        claims: object(claims)?,
    })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    let mut value: Value = serde_json::from_slice(&bytes).ok()?;
    redact::json(&mut value);
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn claims_are_read_and_secrets_in_them_are_not() {
        let text = compact(
            r#"{"alg":"ES384"}"#,
            r#"{"sub":"app","code":"abc","act":{"token":"def"}}"#,
        );
        let jwt = read("client_assertion", &text).expect("a JWT");
        assert_eq!(jwt.header["alg"], "ES384");
        assert_eq!(jwt.claims["sub"], "app");
        let shown = serde_json::to_string(&jwt).expect("JSON");
        assert!(
            !shown.contains("abc") && !shown.contains("def") && !shown.contains("c2ln"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_no_jwt_is_left_alone() {
        for text in [
            "",
            "opaque",
            "a.b.c",
            &compact("[]", "{}"),
            &format!("{}.d", compact("{}", "{}")),
        ] {
            assert_eq!(read("token", text), None, "{text}");
        }
    }
}
