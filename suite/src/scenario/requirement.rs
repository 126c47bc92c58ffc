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
    observable: Option<Observable>,
}

/// What a client row says of itself, so that 164 rows do not.
pub const OF_THE_APP: &str = "a duty of the app, which a test of the server does not see";

/// Whether a black box can see that a row is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observable {
    /// Of any server that offers what the row is about.
    Yes,
    /// If the target gives what is named here.
    WithTargetHelp(String),
    /// It cannot, for this reason.
    No(String),
}

impl Observable {
    /// Why no black box can see it.
    pub fn not(&self) -> Option<&str> {
        match self {
            Self::No(reason) => Some(reason),
            Self::Yes | Self::WithTargetHelp(_) => None,
        }
    }
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
    /// Whether a black box can see it.
    pub observable: Observable,
}

/// Every row by its id, or what is wrong with the files.
pub fn all() -> Result<BTreeMap<String, Requirement>, Vec<String>> {
    let mut rows = BTreeMap::new();
    let mut errors = Vec::new();
    for file in fixtures::below("requirements").filter(|file| file.path != super::versions::FILE) {
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
                observable: row.observable.unwrap_or_else(|| by_actor(row.actor)),
            };
            if requirement
                .observable
                .not()
                .is_some_and(|reason| reason.trim().is_empty())
            {
                errors.push(format!(
                    "fixtures/{}: the row `{id}` is not observable, but does not say why",
                    file.path
                ));
            }
            if rows.insert(id.clone(), requirement).is_some() {
                errors.push(format!("fixtures/{}: the row `{id}` stands twice", file.path));
            }
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

/// What a row is that does not say whether it is observable.
fn by_actor(actor: Actor) -> Observable {
    match actor {
        Actor::Client => Observable::No(OF_THE_APP.to_owned()),
        Actor::Server | Actor::ResourceServer => Observable::Yes,
    }
}
