//! Makes the JWT by which an asymmetric client proves who it is, correct until told otherwise.
//!
//! RFC 7523 §3 and SMART 2.2 client-confidential-asymmetric:
//! <https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#authentication-jwt>

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::jws::{SignError, Signing};
use super::jws_spelling::{Spelling, spell};
use super::signing_key::SigningKey;

/// The value of `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion lives. SMART allows five minutes; a slow clock on the other side still accepts a minute.
pub const LIFETIME_SECONDS: i64 = 60;

/// Header and claims, before they are signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Assertion {
    /// `kid typ alg`.
    pub header: Map<String, Value>,
    /// `iss sub aud exp iat jti`.
    pub claims: Map<String, Value>,
}

impl Assertion {
    /// What a strict server accepts: each member that SMART requires, in a stable order.
    pub fn correct(client_id: &str, token_url: &str, key: &SigningKey, now: Timestamp, jti: &str) -> Self {
        let issued = now.as_second();
        let mut header = Map::new();
        if let Some(kid) = key.kid() {
            header.insert("kid".to_owned(), kid.into());
        }
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("alg".to_owned(), key.alg().name().into());
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), client_id.into());
        claims.insert("sub".to_owned(), client_id.into());
        claims.insert("aud".to_owned(), token_url.into());
        claims.insert("exp".to_owned(), issued.saturating_add(LIFETIME_SECONDS).into());
        claims.insert("iat".to_owned(), issued.into());
        claims.insert("jti".to_owned(), jti.into());
        Self { header, claims }
    }

    /// Lets the header say the `alg` of this way of signing. Overrides come after it, so that they can contradict it.
    pub fn announcing(mut self, how: Signing<'_>) -> Self {
        self.header.insert("alg".to_owned(), how.alg_name().into());
        self
    }

    /// Sets a header parameter; one that was there keeps its place.
    pub fn with_header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a header parameter out.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.shift_remove(name);
        self
    }

    /// Sets a claim; one that was there keeps its place.
    pub fn with_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.shift_remove(name);
        self
    }

    /// The token. `alg` stands as it is: see [`Assertion::announcing`].
    pub fn write(&self, how: Signing<'_>, spelling: &Spelling) -> Result<String, SignError> {
        spell(&self.header, &self.claims, how, spelling)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::jwks::Jwks;
    use super::super::jws;
    use super::super::signing_key::Alg;
    use super::super::signing_key::tests::key;
    use super::*;

    fn correct(key: &SigningKey) -> Assertion {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        Assertion::correct("app-3", "https://ehr.example/token", key, now, "j-1")
    }

    #[test]
    fn a_correct_assertion_has_every_member_in_order_and_verifies() {
        let key = key("client_rs384");
        let assertion = correct(&key);
        assert_eq!(
            serde_json::to_string(&assertion.header).unwrap(),
            r#"{"kid":"client-rs384-test-only","typ":"JWT","alg":"RS384"}"#
        );
        assert_eq!(
            serde_json::to_string(&assertion.claims).unwrap(),
            r#"{"iss":"app-3","sub":"app-3","aud":"https://ehr.example/token","exp":1700000060,"iat":1700000000,"jti":"j-1"}"#
        );
        let token = assertion
            .write(Signing::With(&key, Alg::Rs384), &Spelling::default())
            .unwrap();
        let keys = Jwks::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
        assert_eq!(jws::verify(&token, &keys).unwrap().alg, Alg::Rs384);
    }

    #[test]
    fn changes_reach_the_token_and_keep_the_order() {
        let key = key("client_es384");
        let token = correct(&key)
            .announcing(Signing::None)
            .with_header("jku", "https://attacker.example/jwks")
            .without_header("kid")
            .with_claim("aud", json!(["a", "b"]))
            .without_claim("jti")
            .write(Signing::None, &Spelling::default())
            .unwrap();
        let decoded = jws::decode(&token).unwrap();
        assert_eq!(
            Value::Object(decoded.header),
            json!({"typ":"JWT","alg":"none","jku":"https://attacker.example/jwks"})
        );
        let names: Vec<&String> = decoded.claims.keys().collect();
        assert_eq!(names, ["iss", "sub", "aud", "exp", "iat"]);
        assert!(token.ends_with('.'));
    }
}
