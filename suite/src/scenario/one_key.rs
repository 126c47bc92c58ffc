//! Maps of exactly one key, such as `- exchange: {…}`: the key is the verb, its value the arguments.
//!
//! The derived enum of serde lets a bare `- exchange` swallow the next item; this visitor does not.

/// Implements `Deserialize` for an enum whose variants each hold their arguments: `verb => Variant(Arguments)`.
macro_rules! one_key_enum {
    ($name:ident, $what:literal, { $($key:literal => $variant:ident),+ $(,)? }) => {
        impl $name {
            /// Every word that may stand here.
            pub const WORDS: &'static [&'static str] = &[$($key),+];

            /// The word of this one.
            pub fn word(&self) -> &'static str {
                match self { $(Self::$variant(..) => $key),+ }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct OneKey;
                impl<'de> serde::de::Visitor<'de> for OneKey {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a mapping with one key, the ", $what, ", such as `- discover: {}`"))
                    }

                    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<$name, E> {
                        Err(E::custom(format!(
                            concat!("`{}` stands alone; a ", $what, " has a mapping: `{}: {{}}`"), word, word
                        )))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        use serde::de::Error as _;
                        let Some(key) = map.next_key::<String>()? else {
                            return Err(A::Error::custom(concat!("an empty mapping, where a ", $what, " must stand")));
                        };
                        let value = match key.as_str() {
                            $($key => $name::$variant(map.next_value()?),)+
                            other => {
                                let nearest = $crate::value::nearest(other, $name::WORDS.iter().copied());
                                return Err(A::Error::custom(format!(
                                    concat!("there is no ", $what, " `{}`{}; known: {}"),
                                    other, nearest, $name::WORDS.join(", ")
                                )));
                            }
                        };
                        if let Some(second) = map.next_key::<String>()? {
                            return Err(A::Error::custom(format!(
                                concat!("`{}` is a second key beside `{}`; one ", $what, " an item"), second, key
                            )));
                        }
                        Ok(value)
                    }
                }
                deserializer.deserialize_any(OneKey)
            }
        }
    };
}

pub(crate) use one_key_enum;
