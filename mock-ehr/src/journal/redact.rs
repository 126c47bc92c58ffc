//! Takes secrets out of parameters, addresses and JSON.

use serde_json::Value;

use crate::form::Parameters;

/// Names whose values are secrets, or stand for one.
const SECRET: [&str; 15] = [
    "access_token",
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
    "request",
    "state",
    "token",
];

pub(crate) fn value(name: &str, value: &str) -> String {
    if SECRET.contains(&name) && !value.is_empty() {
        // The length of a password would tell something about it; that of a token does not.
        if name == "password" || name == "client_secret" {
            "(redacted)".to_owned()
        } else {
            format!("(redacted, {} characters)", value.chars().count())
        }
    } else {
        clip(value)
    }
}

pub(crate) fn parameters(raw: &[u8]) -> Vec<(String, String)> {
    match Parameters::parse(raw) {
        Ok(parameters) => parameters
            .iter()
            .map(|(name, text)| (clip(name), value(name, text)))
            .collect(),
        Err(error) => vec![(clip(&error.name), "(not UTF-8)".to_owned())],
    }
}

/// An address with its query's and fragment's secrets taken out.
pub(crate) fn location(text: &str) -> String {
    let Some(at) = text.find(['?', '#']) else {
        return clip(text);
    };
    let (base, rest) = text.split_at(at);
    let mut out = clip(base);
    out.push_str(&rest[..1]);
    let shown: Vec<_> = parameters(&rest.as_bytes()[1..])
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    out.push_str(&shown.join("&"));
    out
}

pub(crate) fn json(body: &mut Value) {
    match body {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) => *text = value(name, text),
                    other => json(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json),
        _ => {}
    }
}

const LONGEST: usize = 2048;

fn clip(text: &str) -> String {
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
        assert!(!shown.contains("abc"), "{shown}");
        let mut body = serde_json::json!({ "access_token": "abc", "scope": "openid", "inner": [{ "token": "abc" }] });
        json(&mut body);
        assert!(!body.to_string().contains("abc"));
        assert_eq!(body["scope"], "openid");
    }
}
