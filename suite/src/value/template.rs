//! Texts with placeholders: `{redirect_uri|port:1}/x`. A name, then filters, each with an optional argument.
//!
//! `{{` and `}}` stand for braces. There are no expressions: what a placeholder cannot say becomes a step or a check.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

use super::filter;

/// Names that need no label. `{label.name}` reads what a labelled step left, `{case.name}` a row's value,
/// `{other.client_id}` (`client_secret`, `redirect_uri`) another client's.
pub const ROOTS: &[&str] = &[
    "client_id",
    "client_secret",
    "redirect_uri",
    "beyond_scope",
    "introspection_scope",
    "untrusted_jwks_uri",
    "probe_url",
    "origin",
    "client_jwks_uri",
    "request_uri",
    "registered_client_id",
    "registration_client_uri",
    "registration_access_token",
    "elsewhere_jwks_uri",
    "redirect_uri_2",
    "query_redirect_uri",
    "client_redirect_uri",
    "loopback_redirect_uri",
    "scope",
    "state",
    "nonce",
    "aud",
    "launch",
    "launch_iss",
    "smart_style_url",
    "encounter",
    "code",
    "code_verifier",
    "code_challenge",
    "access_token",
    "refresh_token",
    "id_token",
    "id_token_iss",
    "id_token_sub",
    "id_token_fhir_user",
    "id_token_configuration",
    "fhir_user_path",
    "userinfo_endpoint",
    "par_endpoint",
    "granted_scope",
    "scopes_listed",
    "token_patient",
    "assertion",
    "another_verifier",
    "random",
    "now",
    "patient",
    "patient_b",
    "user",
    "fhir_base",
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "management_endpoint",
    "jwks_uri",
    "id",
    "version_id",
    "end_session_endpoint",
    "status",
];

/// A parsed text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    Place {
        name: String,
        filters: Vec<(String, Option<String>)>,
    },
}

/// Why a template cannot be read or filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("`{0}` has a `{{` that is not closed; write `{{{{` for a brace")]
    Open(String),
    /// A filter that does not exist or cannot be applied.
    #[error("placeholder `{{{place}}}`: {reason}")]
    Filter {
        /// The placeholder.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A name without a value here.
    #[error("placeholder `{{{0}}}` has no value here")]
    NoValue(String),
}

/// Where the values of placeholders come from.
pub trait Lookup {
    /// The value of `name`, or `None` where it has none.
    fn value(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Lookup for F {
    fn value(&self, name: &str) -> Option<String> {
        self(name)
    }
}

impl Template {
    /// Reads a text; names are checked by `lint`, filters here.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            if rest[at + 1..].starts_with(brace) {
                text.push_str(brace);
                rest = &rest[at + 2..];
                continue;
            }
            if brace == "}" {
                text.push('}');
                rest = &rest[at + 1..];
                continue;
            }
            let end = rest[at..]
                .find('}')
                .ok_or_else(|| TemplateError::Open(source.to_owned()))?
                + at;
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(place(&rest[at + 1..end])?);
            rest = &rest[end + 1..];
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of its placeholders.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Place { name, .. } => Some(name.as_str()),
        })
    }

    /// Whether it is one placeholder and nothing else, with this name's root.
    pub fn is_only(&self, root: &str) -> bool {
        matches!(self.parts.as_slice(), [Part::Place { name, .. }] if name.starts_with(root))
    }

    /// Whether it has filters, and they leave every value as it was.
    pub fn changes_nothing(&self, lookup: &dyn Lookup) -> bool {
        let filtered = |part: &Part| matches!(part, Part::Place { filters, .. } if !filters.is_empty());
        if !self.parts.iter().any(filtered) || self.parts.iter().any(|part| matches!(part, Part::Text(_))) {
            return false;
        }
        let plain = self.parts.iter().map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Place { name, .. } => lookup.value(name),
        });
        let plain: Option<String> = plain.collect();
        plain.is_some_and(|plain| self.fill(lookup) == Ok(plain))
    }

    /// The text with every placeholder filled.
    pub fn fill(&self, lookup: &dyn Lookup) -> Result<String, TemplateError> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Place { name, filters } => {
                    let mut value = lookup.value(name).ok_or_else(|| TemplateError::NoValue(name.clone()))?;
                    for (filter, argument) in filters {
                        value = filter::apply(filter, argument.as_deref(), &value).map_err(|error| {
                            TemplateError::Filter {
                                place: name.clone(),
                                reason: error.to_string(),
                            }
                        })?;
                    }
                    filled.push_str(&value);
                }
            }
        }
        Ok(filled)
    }
}

fn place(inside: &str) -> Result<Part, TemplateError> {
    let mut pieces = inside.split('|');
    let name = pieces.next().unwrap_or_default().trim().to_owned();
    let mut filters = Vec::new();
    for piece in pieces {
        let (word, argument) = match piece.split_once(':') {
            Some((word, argument)) => (word.trim(), Some(argument.to_owned())),
            None => (piece.trim(), None),
        };
        if !filter::FILTERS.contains(&word) {
            let nearest = crate::value::nearest(word, filter::FILTERS.iter().copied());
            let reason = format!("there is no filter `{word}`{nearest}");
            return Err(TemplateError::Filter {
                place: inside.to_owned(),
                reason,
            });
        }
        if let Err(error) = filter::check(word, argument.as_deref()) {
            return Err(TemplateError::Filter {
                place: inside.to_owned(),
                reason: error.to_string(),
            });
        }
        filters.push((word.to_owned(), argument));
    }
    Ok(Part::Place { name, filters })
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TemplateVisitor;
        impl Visitor<'_> for TemplateVisitor {
            type Value = Template;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quoted text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Template, E> {
                Template::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(TemplateVisitor).map_err(D::Error::custom)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A text; {name|filter:argument} is replaced." })
    }
}
