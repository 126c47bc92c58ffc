//! Reads parameters from a query or a form body, strictly: what is not UTF-8 is an error, and nothing is merged.
//!
//! RFC 6749 appendix B: <https://www.rfc-editor.org/rfc/rfc6749#appendix-B>

use serde::{Deserialize, Serialize};

/// Parameters in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// A name or value is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotUtf8 {
    /// The parameter's name, as far as it can be read.
    pub(crate) name: String,
}

impl Parameters {
    /// Parses `application/x-www-form-urlencoded`.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, NotUtf8> {
        let mut pairs = Vec::new();
        for piece in raw.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &b""[..]),
            };
            let not_utf8 = || NotUtf8 {
                name: String::from_utf8_lossy(&decode(name)).into_owned(),
            };
            let name = String::from_utf8(decode(name)).map_err(|_| not_utf8())?;
            let value = String::from_utf8(decode(value)).map_err(|_| not_utf8())?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// From pairs that were read elsewhere.
    pub(crate) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value of this name, where it is not empty. RFC 6749 §3.1: an empty one counts as left out.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every value of this name.
    pub(crate) fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first name that comes more than once, and how often.
    pub(crate) fn repeated(&self) -> Option<(&str, usize)> {
        self.0.iter().enumerate().find_map(|(index, (name, _))| {
            let again = self.0[index + 1..].iter().filter(|(other, _)| other == name).count();
            (again > 0).then_some((name.as_str(), again + 1))
        })
    }

    /// Every pair.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With the other's values in place of those of the same name.
    pub(crate) fn overridden_by(mut self, other: Self) -> Self {
        self.0.retain(|(name, _)| other.get(name).is_none());
        self.0.extend(other.0);
        self
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Undoes form-encoding of one name or value. A `%` without two hexadecimal digits stays as it is.
pub(crate) fn decode(raw: &[u8]) -> Vec<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(byte),
        }
    }
    out
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 §2.3, so that form decoders and URI decoders
/// read the same value.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_plus_signs_and_stray_percents() {
        let parameters = Parameters::parse(b"a=1+2%2B3&b&c=%zz%4&a=2").unwrap();
        assert_eq!(parameters.get("a"), Some("1 2+3"));
        assert_eq!(parameters.get("b"), Some(""));
        assert_eq!(parameters.filled("b"), None);
        assert_eq!(parameters.get("c"), Some("%zz%4"));
        assert_eq!(parameters.repeated(), Some(("a", 2)));
    }

    #[test]
    fn other_encodings_are_refused_by_name() {
        assert_eq!(Parameters::parse(b"state=%FF"), Err(NotUtf8 { name: "state".into() }));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(name in "\\PC+", value in any::<String>()) {
            let raw = format!("{}={}", encode(&name), encode(&value));
            let parameters = Parameters::parse(raw.as_bytes()).unwrap();
            prop_assert_eq!(parameters.get(&name), Some(value.as_str()));
        }

        #[test]
        fn any_bytes_are_read_or_refused(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Parameters::parse(&raw);
        }
    }
}
