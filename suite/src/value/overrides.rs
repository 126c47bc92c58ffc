//! What a scenario does to one parameter of an otherwise correct request.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use super::Template;

/// Four states: kept as it is, left out (`null`), replaced (a text), sent several times (a list of texts).
///
/// Numbers and booleans are refused, so that the spelling that is sent is the spelling that stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Override {
    /// The correct value.
    #[default]
    Keep,
    /// Without the parameter.
    Omit,
    /// This value instead.
    One(Template),
    /// The parameter once for each value.
    Many(Vec<Template>),
}

impl Override {
    /// Whether the request stays as it is.
    pub fn is_keep(&self) -> bool {
        *self == Self::Keep
    }

    /// The templates in it.
    pub fn templates(&self) -> &[Template] {
        match self {
            Self::Keep | Self::Omit => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl<'de> Deserialize<'de> for Override {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OverrideVisitor;
        impl<'de> Visitor<'de> for OverrideVisitor {
            type Value = Override;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quoted text, a list of quoted texts, or null to leave the parameter out")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Override, E> {
                Ok(Override::Omit)
            }

            fn visit_none<E: de::Error>(self) -> Result<Override, E> {
                Ok(Override::Omit)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Override, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Override, E> {
                Template::parse(text).map(Override::One).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Override, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element::<Template>()? {
                    many.push(one);
                }
                Ok(Override::Many(many))
            }
        }
        deserializer.deserialize_any(OverrideVisitor)
    }
}

impl JsonSchema for Override {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Override".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text replaces the value, null leaves the parameter out, a list sends it several times.",
            "oneOf": [
                { "type": "string" },
                { "type": "null" },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}
