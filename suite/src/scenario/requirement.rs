//! The catalogue of requirements: `fixtures/requirements`, one file a document.

use std::collections::BTreeMap;

use reports::model::Level;
use serde::Deserialize;

/// One document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "document")]
    prefix: String,
    title: String,
    url: String,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    actor: Actor,
    level: Level,
    at: String,
    text: String,
    #[serde(default)]
    not_observable: Option<String>,
}

/// Whose duty it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The authorization server's.
    Server,
    /// The resource server's.
    ResourceServer,
    /// The client's.
    Client,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// `smart-2.2.0/31`
    pub id: String,
    /// Title of its document.
    pub document: String,
    /// Whose duty it is.
    pub actor: Actor,
    /// The strength.
    pub level: Level,
    /// In our words.
    pub text: String,
    /// Where it stands.
    pub url: String,
    /// Why no black box can see it.
    pub not_observable: Option<String>,
}

/// Every row by its id, or what is wrong with the files.
pub fn all() -> Result<BTreeMap<String, Requirement>, Vec<String>> {
    let mut rows = BTreeMap::new();
    let mut errors = Vec::new();
    for file in fixtures::below("requirements") {
        let document: Document = match serde_saphyr::from_str(file.text) {
            Ok(document) => document,
            Err(error) => {
                errors.push(format!("fixtures/{}: {}", file.path, error.without_snippet()));
                continue;
            }
        };
        for row in document.rows {
            let id = format!("{}/{}", document.prefix, row.id);
            let url = if row.at.starts_with('#') || document.url.ends_with('/') {
                format!("{}{}", document.url, row.at)
            } else {
                format!("{}/{}", document.url, row.at)
            };
            let requirement = Requirement {
                id: id.clone(),
                document: document.title.clone(),
                actor: row.actor,
                level: row.level,
                text: row.text,
                url,
                not_observable: row.not_observable,
            };
            if rows.insert(id.clone(), requirement).is_some() {
                errors.push(format!("fixtures/{}: the row `{id}` stands twice", file.path));
            }
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}
