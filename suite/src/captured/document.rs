//! Which discovery document a file is, by what is in it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::step::arguments::Document;

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `.well-known/smart-configuration`
    Smart,
    /// `.well-known/openid-configuration`
    Openid,
    /// `.well-known/oauth-authorization-server`
    Oauth,
    /// A CapabilityStatement, or the Conformance of FHIR DSTU2.
    Capability,
    /// A JWK set.
    Keys,
    /// A bundle of brands.
    Brands,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smart => "smart-configuration",
            Self::Openid => "openid-configuration",
            Self::Oauth => "RFC 8414 document",
            Self::Capability => "CapabilityStatement",
            Self::Keys => "key set",
            Self::Brands => "brand bundle",
        })
    }
}

impl From<Document> for Kind {
    fn from(document: Document) -> Self {
        match document {
            Document::Smart => Self::Smart,
            Document::Openid => Self::Openid,
            Document::Oauth => Self::Oauth,
            Document::Brands => Self::Brands,
            Document::Capability => Self::Capability,
        }
    }
}

/// The documents of one server.
#[derive(Debug, Clone, Default)]
pub struct Documents(BTreeMap<Kind, (String, Value)>);

/// Why a file cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not JSON.
    #[error("{name}:{line}:{column}: not JSON: {why}")]
    NotJson {
        /// Name of the file.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        why: String,
    },
    /// It is JSON of another kind.
    #[error(
        "{0}: neither a smart-configuration, an openid-configuration, a CapabilityStatement, a key set nor a brand bundle"
    )]
    Unknown(String),
    /// Two of a kind.
    #[error("{first} and {second} are both a {kind}: give the documents of one server at a time")]
    Twice {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Of which kind.
        kind: Kind,
    },
}

impl Documents {
    /// Adds a file.
    pub fn add(&mut self, name: &str, text: &str) -> Result<Kind, DocumentError> {
        let value: Value =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| DocumentError::NotJson {
                name: name.to_owned(),
                line: error.line(),
                column: error.column(),
                why: error.to_string(),
            })?;
        let kind = recognise(name, &value).ok_or_else(|| DocumentError::Unknown(name.to_owned()))?;
        if let Some((first, _)) = self.0.get(&kind) {
            return Err(DocumentError::Twice {
                first: first.clone(),
                second: name.to_owned(),
                kind,
            });
        }
        self.0.insert(kind, (name.to_owned(), value));
        Ok(kind)
    }

    /// The document of this kind.
    pub fn get(&self, kind: Kind) -> Option<&Value> {
        self.0.get(&kind).map(|(_, value)| value)
    }

    /// Whether there is one of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.0.contains_key(&kind)
    }

    /// Names of the files without their folders, each with its kind.
    pub fn names(&self) -> Vec<String> {
        let last = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        self.0
            .iter()
            .map(|(kind, (name, _))| format!("{} ({kind})", last(name)))
            .collect()
    }
}

/// By what is in it; where a broken document lacks what would tell, by the name of its file.
fn recognise(name: &str, value: &Value) -> Option<Kind> {
    let has = |member: &str| value.get(member).is_some();
    match value["resourceType"].as_str() {
        Some("CapabilityStatement" | "Conformance") => return Some(Kind::Capability),
        Some("Bundle") => return Some(Kind::Brands),
        Some(_) => return None,
        None => {}
    }
    if value["keys"].is_array() {
        return Some(Kind::Keys);
    }
    if has("capabilities") {
        return Some(Kind::Smart);
    }
    if has("subject_types_supported") || has("id_token_signing_alg_values_supported") {
        return Some(Kind::Openid);
    }
    if !["issuer", "authorization_endpoint", "token_endpoint"]
        .iter()
        .any(|member| has(member))
    {
        return None;
    }
    Some(match name.to_ascii_lowercase() {
        name if name.contains("oauth-authorization-server") => Kind::Oauth,
        name if name.contains("openid") => Kind::Openid,
        _ => Kind::Smart,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, text: &str) -> Result<Kind, DocumentError> {
        Documents::default().add(name, text)
    }

    #[test]
    fn what_is_in_a_file_tells_what_it_is() {
        for (text, expected) in [
            (
                r#"{"capabilities": [], "subject_types_supported": ["public"]}"#,
                Kind::Smart,
            ),
            (
                r#"{"issuer": "https://a.example", "subject_types_supported": ["public"]}"#,
                Kind::Openid,
            ),
            (r#"{"resourceType": "CapabilityStatement"}"#, Kind::Capability),
            (r#"{"resourceType": "Conformance"}"#, Kind::Capability),
            (r#"{"resourceType": "Bundle"}"#, Kind::Brands),
            (r#"{"keys": []}"#, Kind::Keys),
            (r#"{"token_endpoint": "https://a.example/token"}"#, Kind::Smart),
        ] {
            assert_eq!(kind("captured.json", text), Ok(expected), "{text}");
        }
        let broken = r#"{"issuer": "https://a.example"}"#;
        assert_eq!(kind("openid-configuration.json", broken), Ok(Kind::Openid));
        assert_eq!(kind("oauth-authorization-server", broken), Ok(Kind::Oauth));
    }

    #[test]
    fn what_it_is_not_is_said_with_its_place() {
        assert!(matches!(kind("a", "[]"), Err(DocumentError::Unknown(_))));
        assert!(matches!(
            kind("a", r#"{"resourceType": "Patient"}"#),
            Err(DocumentError::Unknown(_))
        ));
        let cut = kind("a.json", "{\n  \"capabilities\": [").expect_err("it is cut off");
        assert!(cut.to_string().starts_with("a.json:2:"), "{cut}");
        let mut documents = Documents::default();
        documents.add("a", r#"{"keys": []}"#).expect("the first is taken");
        let twice = documents.add("b", r#"{"keys": []}"#).expect_err("the second is not");
        assert!(twice.to_string().contains("a and b are both a key set"), "{twice}");
    }
}
