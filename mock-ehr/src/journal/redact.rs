//! Takes secrets out of parameters, addresses and JSON.

use serde_json::Value;

use crate::form::{Parameters, encode};

/// Names whose values are secrets, or stand for one.
const SECRET: [&str; 19] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "csrf",
    "id_token",
    "id_token_hint",
    "launch",
    "password",
    "refresh_token",
    "registration_access_token",
    "request",
    "software_statement",
    "state",
    "subject_token",
    "token",
];

/// Is the value of this name a secret?
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

pub(crate) fn value(name: &str, value: &str) -> String {
    if is_secret(name) && !value.is_empty() {
        // The length of a password would tell something about it; that of a token does not.
        if name == "password" || name == "client_secret" {
            "(redacted)".to_owned()
        } else {
            format!("(redacted, {} characters)", value.chars().count())
        }
    } else if value.contains("://") {
        // An address may carry secrets of its own. Cut first: addresses within addresses are read as deep as they go.
        location(&clip(value))
    } else if let Some(inner) = json_within(value) {
        inner
    } else {
        clip(value)
    }
}

/// JSON that was encoded once too often, without its secrets.
fn json_within(text: &str) -> Option<String> {
    let trimmed = text.trim_start();
    if !(trimmed.starts_with('{') || trimmed.starts_with('[')) {
        return None;
    }
    let mut inner: Value = serde_json::from_str(text).ok()?;
    json(&mut inner);
    Some(clip(&inner.to_string()))
}

/// The scheme of an Authorization header. What comes without one is a credential that was sent alone.
pub(crate) fn scheme(authorization: &str) -> String {
    match authorization.split_once(' ') {
        Some((scheme, _)) => clip(scheme),
        None => "(no scheme)".to_owned(),
    }
}

pub(crate) fn parameters(raw: &[u8]) -> Vec<(String, String)> {
    match Parameters::parse(raw) {
        Ok(parameters) => parameters
            .iter()
            .take(MOST)
            .map(|(name, text)| (clip(name), value(name, text)))
            .collect(),
        Err(error) => vec![(clip(&error.name), "(not UTF-8)".to_owned())],
    }
}

/// An address with its query's and fragment's secrets taken out, to be read.
pub(crate) fn location(text: &str) -> String {
    address(text, str::to_owned)
}

/// An address with its query's and fragment's secrets taken out, to be parsed.
pub(crate) fn encoded_location(text: &str) -> String {
    address(text, encode)
}

fn address(text: &str, write: impl Fn(&str) -> String) -> String {
    let mut parts = text.split_inclusive(['?', '#']);
    let mut out = clip(parts.next().unwrap_or_default());
    for part in parts {
        let (pairs, mark) = part.split_at(part.trim_end_matches(['?', '#']).len());
        let shown: Vec<_> = parameters(pairs.as_bytes())
            .into_iter()
            .map(|(name, value)| {
                if value.is_empty() {
                    write(&name)
                } else {
                    format!("{}={}", write(&name), write(&value))
                }
            })
            .collect();
        out.push_str(&shown.join("&"));
        out.push_str(mark);
    }
    out
}

pub(crate) fn json(body: &mut Value) {
    match body {
        Value::Object(members) => {
            let is_key = members.contains_key("kty");
            for (name, member) in members {
                // A key that somebody registers should be a public one.
                if is_key && PRIVATE.contains(&name.as_str()) {
                    *member = "(redacted)".into();
                    continue;
                }
                match member {
                    Value::String(text) => *text = value(name, text),
                    Value::Array(items) if items.iter().all(Value::is_string) || !is_secret(name) => {
                        for item in items {
                            match item {
                                Value::String(text) => *text = value(name, text),
                                other => json(other),
                            }
                        }
                    }
                    Value::Null => {}
                    // A secret of an unexpected shape.
                    other if is_secret(name) => *other = "(redacted)".into(),
                    other => json(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json),
        _ => {}
    }
}

/// The private members of a JSON Web Key, RFC 7518 §6.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// No request needs more parameters.
const MOST: usize = 200;

const LONGEST: usize = 2048;

/// At most what anybody reads of a value.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let shown = format!(
            "{:?}",
            parameters(b"grant_type=authorization_code&code=abc&client_secret=s3")
        );
        assert!(
            shown.contains("authorization_code") && !shown.contains("abc") && !shown.contains("s3"),
            "{shown}"
        );
        let shown = location("https://app.example/cb?code=abc&iss=x#access_token=y");
        assert!(!shown.contains("abc") && !shown.contains("=y"), "{shown}");
        let nested = format!(
            "{:?}",
            parameters(b"redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fcode%3Dabc")
        );
        assert!(
            nested.contains("https://app.example/cb") && !nested.contains("abc"),
            "{nested}"
        );
        let mut body = serde_json::json!({
            "access_token": "abc",
            "registration_access_token": "abc",
            "scope": "openid",
            "token": ["abc"],
            "inner": [{ "token": "abc" }],
        });
        json(&mut body);
        assert!(!body.to_string().contains("abc"));
        assert_eq!(body["scope"], "openid");
    }

    #[test]
    fn secrets_of_unexpected_shapes_go_too() {
        let mut body = serde_json::json!({
            "client_secret": 12_345_678,
            "token": { "value": "12345678" },
            "code": [["12345678"]],
            "software_statement": "12345678",
            "jwks": "{\"keys\":[{\"kty\":\"EC\",\"d\":\"12345678\",\"x\":\"public\"}]}",
            "state": null,
        });
        json(&mut body);
        let shown = body.to_string();
        assert!(!shown.contains("12345678") && shown.contains("public"), "{shown}");
        assert!(body["state"].is_null());
    }

    #[test]
    fn addresses_within_addresses_end() {
        let mut nested = "://x?a=secret".to_owned();
        for _ in 0..8 {
            nested = format!("://x?a={}", encode(&nested));
        }
        let shown = value("redirect_uri", &format!("https{}{}", nested, "://?a=".repeat(50_000)));
        assert!(shown.chars().count() <= 2 * LONGEST, "{}", shown.chars().count());
    }

    #[test]
    fn a_credential_without_a_scheme_is_none_to_show() {
        assert_eq!(scheme("Bearer abc"), "Bearer");
        assert_eq!(scheme("abc"), "(no scheme)");
    }

    #[test]
    fn a_private_key_that_is_registered_is_not_kept() {
        let mut body = serde_json::json!({ "jwks": { "keys": [{ "kty": "EC", "x": "public", "d": "private" }] } });
        json(&mut body);
        assert!(
            body.to_string().contains("public") && !body.to_string().contains("private"),
            "{body}"
        );
    }

    #[test]
    fn an_encoded_address_can_be_parsed() {
        let shown = encoded_location("https://app.example/cb?error_description=a%26b%20c&code=abcd#top");
        let parsed = url::Url::parse(&shown).expect("a URL");
        let pairs: Vec<_> = parsed.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("error_description".into(), "a&b c".into()));
        assert_eq!(pairs[1], ("code".into(), "(redacted, 4 characters)".into()));
        assert_eq!(parsed.fragment(), Some("top"));
    }

    #[test]
    fn an_address_keeps_its_shape() {
        assert_eq!(
            location("https://app.example/cb?error=access_denied#top"),
            "https://app.example/cb?error=access_denied#top"
        );
    }
}
