//! Where SMART App Launch 1.0, 2.0 and 2.1 ask for something else than 2.2: one table, and what it says of a scenario.

use std::collections::BTreeMap;

use reports::model::Level;
use serde::Deserialize;

use super::model::Scenario;
use super::requirement::{Actor, Requirement};

/// The versions by which a server can be judged, oldest first.
pub const VERSIONS: [&str; 4] = ["1.0", "2.0", "2.1", "2.2"];

/// The file with the table, which is no document of requirements.
pub const FILE: &str = "requirements/smart-versions.yaml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    differences: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rows: Vec<Named>,
    #[serde(rename = "in")]
    versions: Vec<String>,
    is: Difference,
    why: String,
}

/// A number of the set for 2.2.0, an id, or `document/*`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Named {
    Number(u32),
    Id(String),
}

/// What a row is in an older version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Difference {
    /// It does not exist.
    #[serde(rename = "absent")]
    Absent,
    /// The same thing is asked for in another form.
    #[serde(rename = "other")]
    Other,
    /// More is asked for.
    #[serde(rename = "stricter")]
    Stricter,
    /// It is a SHOULD.
    #[serde(rename = "SHOULD")]
    Should,
    /// It is a MAY.
    #[serde(rename = "MAY")]
    May,
}

/// One difference of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// What it is there.
    pub is: Difference,
    /// Why, for people.
    pub why: String,
}

/// Row → version → what differs.
pub type Table = BTreeMap<String, BTreeMap<String, Differs>>;

/// The table, or what is wrong with its file.
pub fn table(requirements: &BTreeMap<String, Requirement>) -> Result<Table, Vec<String>> {
    let Some(file) = fixtures::file(FILE) else {
        return Err(vec![format!("fixtures/{FILE} is missing")]);
    };
    let parsed: File = serde_saphyr::from_str(file.text)
        .map_err(|error| vec![format!("fixtures/{FILE}: {}", error.without_snippet())])?;
    let mut table = Table::new();
    let mut errors = Vec::new();
    for entry in parsed.differences {
        for version in &entry.versions {
            if !VERSIONS.contains(&version.as_str()) {
                errors.push(format!("fixtures/{FILE}: there is no version `{version}`"));
            }
        }
        for id in entry.rows.iter().flat_map(|named| named.ids(requirements)) {
            if !requirements.contains_key(&id) {
                errors.push(format!("fixtures/{FILE}: there is no requirement `{id}`"));
            }
            for version in &entry.versions {
                let differs = Differs {
                    is: entry.is,
                    why: entry.why.clone(),
                };
                let of_row = table.entry(id.clone()).or_default();
                if of_row.insert(version.clone(), differs).is_some() {
                    errors.push(format!("fixtures/{FILE}: `{id}` stands twice for {version}"));
                }
            }
        }
    }
    if errors.is_empty() { Ok(table) } else { Err(errors) }
}

impl Named {
    fn ids(&self, requirements: &BTreeMap<String, Requirement>) -> Vec<String> {
        match self {
            Self::Number(number) => vec![format!("smart-2.2.0/{number}")],
            Self::Id(id) => match id.strip_suffix('*') {
                None => vec![id.clone()],
                Some(prefix) => {
                    let all = requirements.keys().filter(|id| id.starts_with(prefix));
                    all.cloned().collect()
                }
            },
        }
    }
}

impl Difference {
    /// The level in that version; nothing where the row does not hold as it is written.
    fn level(self, written: Level) -> Option<Level> {
        match self {
            Self::Absent | Self::Other => None,
            Self::Stricter => Some(written),
            Self::Should => Some(Level::Should),
            Self::May => Some(Level::May),
        }
    }

    /// `is a SHOULD`
    pub fn words(self) -> &'static str {
        match self {
            Self::Absent => "is absent",
            Self::Other => "is asked for in another form",
            Self::Stricter => "asks for more",
            Self::Should => "is a SHOULD",
            Self::May => "is a MAY",
        }
    }
}

/// What is wrong with the versions of a scenario: those in which none of its rules is as strong as it is.
pub fn disagreements(scenario: &Scenario, requirements: &BTreeMap<String, Requirement>, table: &Table) -> Vec<String> {
    let applies = |version: &&str| scenario.applies.is_empty() || scenario.applies.iter().any(|one| one == version);
    let mut wrong = Vec::new();
    for version in VERSIONS.iter().filter(|version| applies(version)) {
        let cited = scenario.requirements.iter().filter_map(|id| requirements.get(id));
        let there: Vec<Option<u8>> = cited.map(|row| strength_in(row, version, table)).collect();
        let highest = there.iter().flatten().max();
        let differs = scenario.requirements.iter().find_map(|id| table.get(id)?.get(*version));
        let (Some(differs), true) = (
            differs,
            highest.is_none_or(|highest| *highest < of_level(scenario.level)),
        ) else {
            continue;
        };
        wrong.push(format!(
            "it applies to SMART {version}, where no rule that it cites is as strong as its level: {}",
            differs.why
        ));
    }
    wrong
}

/// Strength of a row in a version; nothing where it does not hold.
fn strength_in(row: &Requirement, version: &str, table: &Table) -> Option<u8> {
    let differs = table.get(&row.id).and_then(|of_row| of_row.get(version));
    let level = differs.map_or(Some(row.level), |differs| differs.is.level(row.level))?;
    let strength = of_level(level);
    Some(if row.actor == Actor::Client {
        strength.min(1)
    } else {
        strength
    })
}

fn of_level(level: Level) -> u8 {
    match level {
        Level::Shall | Level::ShallNot => 2,
        Level::Should | Level::ShouldNot => 1,
        Level::May => 0,
    }
}
