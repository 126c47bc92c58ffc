//! Finds in a request and in its answer the values that lead to other requests, the app, and the JWTs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::jwt::{self, Jwt};
use super::redact;
use super::thread::Lead;
use crate::form::{Parameters, decode};

/// Names whose values lead on.
const LEADING: [&str; 9] = [
    "access_token",
    "code",
    "id_token",
    "id_token_hint",
    "launch",
    "refresh_token",
    "request",
    "request_uri",
    "token",
];

/// Names whose values are JWTs, or may be.
const JWTS: [&str; 7] = [
    "access_token",
    "assertion",
    "client_assertion",
    "id_token",
    "id_token_hint",
    "launch",
    "request",
];

/// A shorter value is no token; a server that hands out guessable codes gives them four digits.
const SHORTEST: usize = 4;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) leads: Vec<Lead>,
    pub(super) client: Option<String>,
    pub(super) jwts: Vec<Jwt>,
    /// The secrets as they came, which must not stand anywhere else either.
    pub(super) secrets: Vec<String>,
}

impl Found {
    /// In a query or a form.
    pub(super) fn in_parameters(&mut self, raw: &[u8]) {
        let Ok(parameters) = Parameters::parse(raw) else { return };
        for (name, value) in parameters.iter() {
            self.in_member(name, value);
        }
    }

    /// In an address.
    pub(super) fn in_address(&mut self, address: &str) {
        for part in address.split(['?', '#']).skip(1) {
            self.in_parameters(part.as_bytes());
        }
    }

    /// In a JSON body.
    pub(super) fn in_json(&mut self, body: &Value) {
        let Value::Object(members) = body else { return };
        for (name, member) in members {
            match member {
                Value::String(text) => self.in_member(name, text),
                // The RPC form of the launch API.
                Value::Object(_) if ["params", "result"].contains(&name.as_str()) => self.in_json(member),
                _ => {}
            }
        }
    }

    fn in_member(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if ["client_id", "client"].contains(&name) && self.client.is_none() {
            self.client = Some(redact::clip(value));
        }
        if redact::is_secret(name) {
            self.secrets.push(value.to_owned());
        }
        if let Some(kind) = LEADING.iter().find(|known| **known == name)
            && value.len() >= SHORTEST
        {
            self.leads.push(Lead {
                kind,
                value: value.to_owned(),
            });
        }
        if JWTS.contains(&name)
            && let Some(jwt) = jwt::read(name, value)
        {
            let claim = |name: &str| jwt.claims.get(name).and_then(Value::as_str);
            let client = match name {
                "launch" => claim("client"),
                "client_assertion" => claim("sub").or_else(|| claim("iss")),
                _ => None,
            };
            if let (None, Some(client)) = (&self.client, client) {
                self.client = Some(redact::clip(client));
            }
            self.jwts.push(jwt);
        }
    }

    /// In an Authorization header. Gives back the bearer token.
    pub(super) fn in_authorization(&mut self, value: &str) -> Option<String> {
        let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
        let credentials = credentials.trim();
        self.secrets.push(credentials.to_owned());
        if scheme.eq_ignore_ascii_case("basic") {
            let bytes = STANDARD.decode(credentials).ok()?;
            let at = bytes.iter().position(|byte| *byte == b':')?;
            self.secrets
                .push(String::from_utf8_lossy(&bytes[at + 1..]).into_owned());
            let id = String::from_utf8(decode(&bytes[..at])).ok()?;
            self.client.get_or_insert(redact::clip(&id));
            return None;
        }
        if !scheme.eq_ignore_ascii_case("bearer") || credentials.len() < SHORTEST {
            return None;
        }
        self.leads.insert(
            0,
            Lead {
                kind: "bearer",
                value: credentials.to_owned(),
            },
        );
        Some(credentials.to_owned())
    }

    /// Takes the secrets that came out of a text that was made of the request.
    pub(super) fn scrub(&self, text: &mut String) {
        for secret in &self.secrets {
            if secret.len() >= 8 && text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), "(redacted)");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_header_names_the_client_and_its_secret_is_scrubbed() {
        let mut found = Found::default();
        let header = format!("Basic {}", STANDARD.encode("my%20app:s3cret-of-mine"));
        assert_eq!(found.in_authorization(&header), None);
        assert_eq!(found.client.as_deref(), Some("my app"));
        let mut text = "the secret s3cret-of-mine is wrong".to_owned();
        found.scrub(&mut text);
        assert_eq!(text, "the secret (redacted) is wrong");
    }

    #[test]
    fn an_address_leads_on_by_its_query_and_its_fragment() {
        let mut found = Found::default();
        found.in_address("https://app.example/cb?code=abcd&state=x#access_token=efgh");
        let leads: Vec<_> = found
            .leads
            .iter()
            .map(|lead| (lead.kind, lead.value.as_str()))
            .collect();
        assert_eq!(leads, [("code", "abcd"), ("access_token", "efgh")]);
    }
}
