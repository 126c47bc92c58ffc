//! The body of a resource: parsed, or packed as text where there are very many of them.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A resource's JSON. It reads like a [`Value`]; a packed one is parsed when it is read, and stays so.
#[derive(Debug, Clone)]
pub struct Body {
    /// Empty where the value was there from the start.
    packed: Box<str>,
    value: OnceLock<Value>,
}

impl Body {
    /// Keeps the text only, which takes a small part of the memory.
    pub(crate) fn pack(&mut self) {
        if let Some(value) = self.value.take() {
            self.packed = value.to_string().into_boxed_str();
        }
    }

    /// Looks at the value without keeping it: for searches that walk over many.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Value) -> T) -> T {
        match self.value.get() {
            Some(value) => look(value),
            None => look(&self.parse()),
        }
    }

    fn parse(&self) -> Value {
        // It was written from a value, so it is one.
        serde_json::from_str(&self.packed).unwrap_or_default()
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self {
            packed: Box::default(),
            value: value.into(),
        }
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value.get_or_init(|| self.parse())
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.look(|value| value.serialize(serializer))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_packed_body_reads_as_what_it_was() {
        let value = json!({"z": 1, "a": ["ü", 1.50, null]});
        let mut packed = Body::from(value.clone());
        packed.pack();
        assert_eq!(packed.look(|seen| seen["a"][0].clone()), "ü");
        assert!(packed.value.get().is_none(), "a look keeps nothing");
        assert_eq!(json!(packed), value);
        assert_eq!(*packed, value);
        assert_eq!(*Body::from(value.clone()), value);
    }
}
