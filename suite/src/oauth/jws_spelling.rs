//! Spells a compact JWS in ways that the specification forbids: with padding, or with a member that stands twice.
//!
//! RFC 7515 §2 and §4: <https://www.rfc-editor.org/rfc/rfc7515#section-2>, RFC 7519 §4:
//! <https://www.rfc-editor.org/rfc/rfc7519#section-4>

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::jws::Signing;
use super::signing_key::SignError;

/// How a token is written; the right way where nothing is set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spelling {
    /// Each part ends in `=` where base64 outside of JOSE has it.
    pub padded: bool,
    /// A member that stands once more, behind all others.
    pub once_more: Option<OnceMore>,
}

/// A member that stands once more.
#[derive(Debug, Clone, PartialEq)]
pub struct OnceMore {
    /// In the header instead of the claims.
    pub in_header: bool,
    /// Its name.
    pub name: String,
    /// Its other value.
    pub value: Value,
}

/// The token, spelled like this; the signature is over what is sent.
pub fn spell(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    how: Signing<'_>,
    spelling: &Spelling,
) -> Result<String, SignError> {
    let text = |map: &Map<String, Value>, is_header: bool| {
        let json = serde_json::to_string(map).expect("a map of JSON values is JSON");
        match &spelling.once_more {
            Some(more) if more.in_header == is_header => with_member(&json, more),
            _ => json,
        }
    };
    let header_text = text(header, true);
    let mut claims_text = text(claims, false);
    if spelling.padded {
        // Three bytes make four characters: only other lengths are padded.
        while claims_text.len() % 3 == 0 {
            claims_text.push(' ');
        }
    }
    let encode = |bytes: &[u8]| {
        if spelling.padded {
            URL_SAFE.encode(bytes)
        } else {
            URL_SAFE_NO_PAD.encode(bytes)
        }
    };
    let input = format!("{}.{}", encode(header_text.as_bytes()), encode(claims_text.as_bytes()));
    let signature = how.signature(header, &input)?;
    Ok(format!("{input}.{}", encode(&signature)))
}

/// JSON of an object, with one more member at its end.
fn with_member(json: &str, more: &OnceMore) -> String {
    let inner = json.strip_suffix('}').unwrap_or(json);
    let comma = if inner == "{" { "" } else { "," };
    format!("{inner}{comma}{}:{}}}", Value::from(more.name.as_str()), more.value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signing_key::Alg;
    use super::super::signing_key::tests::key;
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn spelled(spelling: &Spelling) -> Vec<String> {
        let key = key("client_es384");
        let header = map(&json!({ "alg": "ES384" }));
        let claims = map(&json!({ "sub": "a", "n": { "x": 1 } }));
        let token = spell(&header, &claims, Signing::With(&key, Alg::Es384), spelling).unwrap();
        token.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_padded_token_has_padding_in_its_claims() {
        let parts = spelled(&Spelling {
            padded: true,
            once_more: None,
        });
        assert!(parts[1].ends_with('='), "{parts:?}");
        let plain = URL_SAFE.decode(&parts[1]).unwrap();
        assert!(serde_json::from_slice::<Value>(&plain).is_ok());
    }

    #[test]
    fn a_member_stands_once_more_at_the_end() {
        let parts = spelled(&Spelling {
            padded: false,
            once_more: Some(OnceMore {
                in_header: false,
                name: "sub".to_owned(),
                value: json!("b"),
            }),
        });
        let text = URL_SAFE_NO_PAD.decode(&parts[1]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), r#"{"sub":"a","n":{"x":1},"sub":"b"}"#);
    }
}
