//! Values of a profile that are checked while they are read, so that the error names their line.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use url::Url;

/// An absolute `http` or `https` URL, kept exactly as it was spelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct WebUrl {
    pub(super) spelled: String,
    pub(super) url: Url,
}

impl WebUrl {
    /// The URL, or what is wrong with the text.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let shown = without_user_info(text);
        let url = Url::parse(text).map_err(|error| {
            format!("`{shown}` is not an absolute URL ({error}); write it whole, as in https://ehr.example/fhir")
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("`{shown}` is not an http or https address"));
        }
        // Addresses stand in reports and on terminals, whole.
        if has_user_info(&url) {
            return Err(format!(
                "the address holds a user name or a password, which nobody is sent; write `{shown}`"
            ));
        }
        Ok(Self {
            spelled: text.to_owned(),
            url,
        })
    }
}

/// RFC 3986 §3.2.1
fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The address as it may be shown: without a user name and a password. What is no address loses all that could be one.
pub(crate) fn without_user_info(text: &str) -> Cow<'_, str> {
    match Url::parse(text) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            if !has_user_info(&url) {
                return Cow::Borrowed(text);
            }
            let _ = url.set_username("");
            let _ = url.set_password(None);
            Cow::Owned(url.into())
        }
        _ => match text.rfind('@') {
            None => Cow::Borrowed(text),
            Some(end) => {
                let start = text[..end].find("//").map_or(0, |slashes| slashes + 2);
                Cow::Owned(format!("{}{}", &text[..start], &text[end + 1..]))
            }
        },
    }
}

impl<'de> Deserialize<'de> for WebUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretSource {
    Env(String),
    File(PathBuf),
    Command(String),
    /// Written down; only where the target is on this machine.
    TestOnly(TestOnly),
}

/// A secret in the profile's text, kept out of `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TestOnly(pub(super) String);

impl std::fmt::Debug for TestOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestOnly")
    }
}

const SECRET_KEYS: &[&str] = &["env", "file", "command", "test_only"];
const WRITTEN_DOWN: &str = "a secret is never written in a profile, because profiles are committed, mailed and printed; \
     write { env = \"NAME\" }, { file = \"PATH\" } or { command = \"…\" } (on loopback also { test_only = \"…\" })";

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{ env = … }, { file = … } or { command = … }")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(WRITTEN_DOWN))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom(WRITTEN_DOWN))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(WRITTEN_DOWN))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some(key) = map.next_key::<String>()? else {
            return Err(A::Error::custom("a secret needs one of env, file, command"));
        };
        let source = match key.as_str() {
            "env" => SecretSource::Env(map.next_value()?),
            "file" => SecretSource::File(map.next_value()?),
            "command" => SecretSource::Command(map.next_value()?),
            "test_only" => SecretSource::TestOnly(TestOnly(map.next_value()?)),
            _ => return Err(A::Error::unknown_field(&key, SECRET_KEYS)),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom(
                "a secret comes from one place: one of env, file, command",
            ));
        }
        Ok(source)
    }
}

/// A header's value: plain, or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HeaderSource {
    Plain(String),
    Secret(SecretSource),
}

impl<'de> Deserialize<'de> for HeaderSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;
        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = HeaderSource;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, or a secret as { env = … }, { file = … } or { command = … }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(HeaderSource::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                SecretVisitor.visit_map(map).map(HeaderSource::Secret)
            }
        }
        deserializer.deserialize_any(HeaderVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for text in [
            "http://me:hunter2@127.0.0.1:1/fhir",
            "https://hunter2@ehr.example/fhir",
            "http:me:hunter2@ehr.example",
            "http://me:hunter2@ehr.example:port/fhir",
            "http://me:hun/hunter2@ehr.example/fhir",
            "me:hunter2@ehr.example/fhir",
            "//me:hunter2@ehr.example/fhir",
        ] {
            let message = WebUrl::new(text).expect_err(text);
            assert!(
                !message.contains("hunter2") && !message.contains("me:"),
                "{text}: {message}"
            );
        }
        assert!(WebUrl::new("https://ehr.example/fhir/@x").is_ok());
        assert_eq!(
            without_user_info("https://me:x@a.example/fhir"),
            "https://a.example/fhir"
        );
        assert_eq!(without_user_info("nonsense"), "nonsense");
    }
}
