//! Personas: quirks of real servers, as data, each with its source and day. A persona is modelled on a product, and is not it.
//!
//! A quirk is a defect, a variant or a lifetime that the mock has anyhow; `fixtures/personas/` says which.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use serde::Deserialize;

use crate::config::Config;
use crate::defect::Defect;
use crate::variant::Variant;

/// One product's ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona(Arc<Named>);

#[derive(Debug, PartialEq, Eq)]
struct Named {
    name: String,
    file: File,
}

/// What stands in a file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    modelled_on: String,
    about: String,
    /// Sources that several quirks have: anchors, for the file's own sake.
    #[serde(default, rename = "sources")]
    _sources: IndexMap<String, String>,
    quirks: Vec<Quirk>,
}

/// One way in which the product differs from the mock's own behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Row")]
pub struct Quirk {
    /// What is done.
    pub does: Does,
    /// What an app sees of it, in a sentence.
    pub what: String,
    /// Where it was seen.
    pub source: String,
    /// On which day it was seen there.
    pub date: jiff::civil::Date,
}

/// What a quirk sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Misbehaves.
    Defect(Defect),
    /// Behaves in another, legal way.
    Variant(Variant),
    /// Sets a value of the configuration.
    Setting(Setting, i64),
}

/// A value of the configuration that a persona may set; named as there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// How long an access token can be used.
    AccessTokenLifetimeSeconds,
    /// How long a refresh token can be used.
    RefreshTokenLifetimeSeconds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    defect: Option<String>,
    variant: Option<String>,
    setting: Option<Setting>,
    value: Option<i64>,
    what: String,
    source: String,
    date: String,
}

impl TryFrom<Row> for Quirk {
    type Error = String;

    fn try_from(row: Row) -> Result<Self, String> {
        let does = match (row.defect, row.variant, row.setting, row.value) {
            (Some(name), None, None, None) => Does::Defect(name.parse().map_err(|error| format!("{error}"))?),
            (None, Some(name), None, None) => Does::Variant(name.parse().map_err(|error| format!("{error}"))?),
            (None, None, Some(setting), Some(value)) if value > 0 => Does::Setting(setting, value),
            _ => return Err("a quirk has a defect, a variant, or a setting with a value above zero".to_owned()),
        };
        if row.source.trim().is_empty() || row.what.trim().is_empty() {
            return Err("a quirk says what it is and has a source".to_owned());
        }
        Ok(Self {
            does,
            what: row.what,
            source: row.source,
            date: row.date.parse().map_err(|error| format!("date: {error}"))?,
        })
    }
}

impl Persona {
    /// Every persona, by name.
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Persona>> = LazyLock::new(|| {
            let files = fixtures::below("personas");
            let read = files.map(|file| Persona::parse(file.path, file.text).unwrap_or_else(|error| panic!("{error}")));
            read.collect()
        });
        &ALL
    }

    /// Reads a file; its stem is the name.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        let stem = std::path::Path::new(path).file_stem().and_then(|stem| stem.to_str());
        let name = stem.unwrap_or_default().to_owned();
        let file = serde_saphyr::from_str(text).map_err(|error| format!("{path}: {error}"))?;
        Ok(Self(Arc::new(Named { name, file })))
    }

    /// Its name on the command line.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Which product it resembles.
    pub fn modelled_on(&self) -> &str {
        &self.0.file.modelled_on
    }

    /// What an app meets, in a sentence.
    pub fn about(&self) -> &str {
        &self.0.file.about
    }

    /// Each difference.
    pub fn quirks(&self) -> &[Quirk] {
        &self.0.file.quirks
    }

    pub(crate) fn defects(&self) -> impl Iterator<Item = Defect> {
        self.quirks().iter().filter_map(|quirk| match quirk.does {
            Does::Defect(defect) => Some(defect),
            _ => None,
        })
    }

    pub(crate) fn variants(&self) -> impl Iterator<Item = Variant> {
        self.quirks().iter().filter_map(|quirk| match quirk.does {
            Does::Variant(variant) => Some(variant),
            _ => None,
        })
    }

    /// Sets the lifetimes.
    pub(crate) fn settle(&self, config: &mut Config) {
        for quirk in self.quirks() {
            match quirk.does {
                Does::Setting(Setting::AccessTokenLifetimeSeconds, value) => {
                    config.access_token_lifetime_seconds = value;
                }
                Does::Setting(Setting::RefreshTokenLifetimeSeconds, value) => {
                    config.refresh_token_lifetime_seconds = value;
                }
                Does::Defect(_) | Does::Variant(_) => {}
            }
        }
    }
}

impl fmt::Display for Does {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defect(defect) => write!(f, "defect {defect}"),
            Self::Variant(variant) => write!(f, "variant {variant}"),
            Self::Setting(Setting::AccessTokenLifetimeSeconds, value) => {
                write!(f, "access_token_lifetime_seconds {value}")
            }
            Self::Setting(Setting::RefreshTokenLifetimeSeconds, value) => {
                write!(f, "refresh_token_lifetime_seconds {value}")
            }
        }
    }
}

impl FromStr for Persona {
    type Err = UnknownPersona;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::all().iter().find(|persona| persona.name() == text);
        found.cloned().ok_or_else(|| UnknownPersona {
            was: text.to_owned(),
            names: Self::all().iter().map(Self::name).collect::<Vec<_>>().join(", "),
        })
    }
}

/// No persona has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no persona `{was}`; there are {names}")]
pub struct UnknownPersona {
    /// What was asked for.
    pub was: String,
    /// Those that there are.
    pub names: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(row: &str) -> Result<Persona, String> {
        let text = format!("modelled_on: A product\nabout: It differs.\nquirks:\n  - {row}\n");
        Persona::parse("personas/mine.yaml", &text)
    }

    #[test]
    fn a_quirk_without_source_or_day_or_with_an_unknown_name_is_refused() {
        let good = "{ defect: state_dropped, what: It is lost., source: a page, date: 2026-01-02 }";
        assert_eq!(
            with(good).map(|persona| persona.name().to_owned()),
            Ok("mine".to_owned())
        );
        for (part, instead) in [
            ("source: a page, ", ""),
            ("source: a page", "source: ''"),
            (", date: 2026-01-02", ""),
            ("2026-01-02", "2026-13-02"),
            ("state_dropped", "state_droped"),
            ("defect: state_dropped", "variant: state_dropped"),
            ("defect: state_dropped", "setting: access_token_lifetime_seconds"),
            (
                "defect: state_dropped",
                "setting: access_token_lifetime_seconds, value: 0",
            ),
            ("defect: state_dropped, ", ""),
        ] {
            let row = good.replace(part, instead);
            assert!(with(&row).is_err(), "{row}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_there_are() {
        let error = "oracle".parse::<Persona>().unwrap_err().to_string();
        assert!(
            error.contains("`oracle`") && error.contains("epic, keycloak, medplum, oracle-health"),
            "{error}"
        );
    }
}
