//! The sign-in script: what a person would do on each page of the target, spoken alike by every agent.
//!
//! A rule applies to a page that its `on` describes; its actions run in the order frame, fill, type, choose, totp,
//! press, click. `{username}`, `{password}` and `{patient}` in values are replaced.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use url::Url;

/// How one signs in at a target. Empty: the agents recognise ordinary pages by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIn {
    /// The rules of somebody who allows.
    pub script: Vec<Rule>,
    /// Rules that come before the script for somebody who denies.
    pub deny: Vec<Rule>,
    /// What this target's error pages look like, where their status is 200.
    pub error: Option<On>,
    /// Origins beside the target's own at which its users sign in.
    pub origins: Vec<String>,
}

impl SignIn {
    /// The rules for this decision, the denying ones first.
    pub fn rules(&self, allow: bool) -> impl Iterator<Item = &Rule> {
        let first: &[Rule] = if allow { &[] } else { &self.deny };
        first.iter().chain(&self.script)
    }
}

/// One rule of a script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The pages that it is for.
    pub on: On,
    /// CSS of an iframe in which the rest happens.
    pub frame: Option<String>,
    /// Field (name, id or CSS) → value.
    #[serde(default)]
    pub fill: IndexMap<String, String>,
    /// As `fill`, but key by key where the agent has keys.
    #[serde(default, rename = "type")]
    pub keys: IndexMap<String, String>,
    /// The option, radio button, link or button to choose: by value, by text, or by CSS.
    pub choose: Option<String>,
    /// Field that takes the user's one-time password (RFC 6238), from `totp` of the user.
    pub totp: Option<String>,
    /// A key at the last filled field: `Enter`.
    pub press: Option<String>,
    /// A button or link: by text, or by CSS.
    pub click: Option<String>,
    /// The page may be missing.
    #[serde(default)]
    pub optional: bool,
}

/// Which page a rule is for: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct On {
    /// The path ends with this, whole segments.
    pub path: Option<String>,
    /// Something on the page matches this CSS selector.
    pub has: Option<String>,
    /// The page's readable text contains this, whatever the case.
    pub text: Option<String>,
}

impl On {
    /// Whether the path of this address is the one that the rule names.
    pub fn path_matches(&self, url: &Url) -> bool {
        let Some(wanted) = &self.path else { return true };
        let path = url.path();
        path.trim_end_matches('/') == wanted.trim_end_matches('/')
            || (wanted.starts_with('/') && path.trim_end_matches('/').ends_with(wanted.trim_end_matches('/')))
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnVisitor;
        impl<'de> Visitor<'de> for OnVisitor {
            type Value = On;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a path such as \"/consent\", { has = \"CSS\" } or { text = \"…\" }")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<On, E> {
                if !path.starts_with('/') {
                    return Err(E::custom(format!(
                        "`{path}` is no path, which would begin with a slash; write {{ text = … }} or {{ has = … }}"
                    )));
                }
                Ok(On {
                    path: Some(path.to_owned()),
                    ..On::default()
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<On, A::Error> {
                let mut on = On::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "path" => on.path = Some(map.next_value()?),
                        "has" => {
                            let css: String = map.next_value()?;
                            scraper::Selector::parse(&css)
                                .map_err(|error| A::Error::custom(format!("`{css}` is not a CSS selector: {error}")))?;
                            on.has = Some(css);
                        }
                        "text" => on.text = Some(map.next_value()?),
                        _ => return Err(A::Error::unknown_field(&key, &["path", "has", "text"])),
                    }
                }
                if on == On::default() {
                    return Err(A::Error::custom("needs one of path, has, text"));
                }
                Ok(on)
            }
        }
        deserializer.deserialize_any(OnVisitor)
    }
}

/// What `{…}` in a script stands for.
#[derive(Clone, Copy)]
pub struct Fillings<'a> {
    /// `{username}`
    pub username: &'a str,
    /// `{password}`
    pub password: &'a str,
    /// `{patient}`; empty where the walk has none.
    pub patient: &'a str,
}

impl Fillings<'_> {
    /// The template with its placeholders replaced.
    pub fn fill(&self, template: &str) -> String {
        template
            .replace("{username}", self.username)
            .replace("{patient}", self.patient)
            .replace("{password}", self.password)
    }
}
