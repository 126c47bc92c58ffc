//! Which scenarios of all are run, and as which items.

use reports::model::Level;

use super::load::Loaded;
use super::model::{Check, Clients, Step};
use crate::oauth::scope::ScopeSet;
use crate::target::{Client, ClientKind, Profile};

/// What the command line selects.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Ids and prefixes (`pkce/`); all where empty.
    pub ids: Vec<String>,
    /// Requirement ids.
    pub requirements: Vec<String>,
    /// `shall`, `should`, `may`; all where empty.
    pub levels: Vec<String>,
    /// Client kinds; all where empty.
    pub clients: Vec<String>,
    /// This part of so many, from 1.
    pub partition: Option<(usize, usize)>,
    /// Exactly these verdict ids; all where absent.
    pub verdicts: Option<std::collections::HashSet<String>>,
}

/// One verdict to be: a scenario, a client, a row.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The scenario.
    pub loaded: &'a Loaded,
    /// The client; absent where none takes part, or where the profile has none that suits.
    pub client: Option<&'a Client>,
    /// The kind that stands in the verdict's id, where the scenario is tried with several.
    pub client_word: Option<&'static str>,
    /// The row's name.
    pub case: Option<&'a str>,
    /// Why it cannot be run: no client of this kind (of any, where none is named).
    pub missing: Option<(Option<ClientKind>, String)>,
}

impl Item<'_> {
    /// As in [`reports::model::Verdict::id`].
    pub fn id(&self) -> String {
        let mut id = self.loaded.id.clone();
        if let Some(case) = self.case {
            id.push('#');
            id.push_str(case);
        }
        if let Some(word) = self.client_word {
            id.push('@');
            id.push_str(word);
        }
        id
    }
}

impl Selection {
    /// Whether a scenario is selected.
    pub fn takes(&self, loaded: &Loaded) -> bool {
        let bare = |id: &str| id.split(['#', '@']).next().unwrap_or_default().to_owned();
        let id = self.ids.is_empty()
            || self.ids.iter().any(|wanted| {
                let wanted = bare(wanted);
                loaded.id == wanted || loaded.id.starts_with(&format!("{}/", wanted.trim_end_matches('/')))
            });
        let requirement = self.requirements.is_empty()
            || self
                .requirements
                .iter()
                .any(|wanted| loaded.scenario.requirements.contains(wanted));
        let word = match loaded.scenario.level {
            Level::Shall | Level::ShallNot => "shall",
            Level::Should | Level::ShouldNot => "should",
            Level::May => "may",
        };
        let level = self.levels.is_empty() || self.levels.iter().any(|wanted| wanted.eq_ignore_ascii_case(word));
        id && requirement && level
    }

    fn takes_item(&self, item: &Item<'_>) -> bool {
        let kind = item.client.map(|client| client.kind.as_str()).or(item.client_word);
        let client = self.clients.is_empty()
            || kind.is_some_and(|kind| self.clients.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind)));
        let exact: Vec<&String> = self.ids.iter().filter(|id| id.contains(['#', '@'])).collect();
        let id = item.id();
        let named = exact.is_empty()
            || exact
                .iter()
                .any(|wanted| id == **wanted || id.starts_with(&format!("{wanted}@")))
            || self
                .ids
                .iter()
                .any(|wanted| !wanted.contains(['#', '@']) && id.starts_with(wanted.as_str()));
        client && named && self.verdicts.as_ref().is_none_or(|verdicts| verdicts.contains(&id))
    }

    /// The same, of which no part is taken.
    pub fn whole(&self) -> Self {
        Self {
            partition: None,
            ..self.clone()
        }
    }

    /// How many items all parts of this selection have together.
    pub fn planned(&self, all: &[Loaded], profile: &Profile) -> usize {
        self.whole().items(all, profile).len()
    }

    /// The items of the selected scenarios, in the order of their ids.
    pub fn items<'a>(&self, all: &'a [Loaded], profile: &'a Profile) -> Vec<Item<'a>> {
        let mut items: Vec<Item<'a>> = all
            .iter()
            .filter(|loaded| self.takes(loaded))
            .flat_map(|loaded| of(loaded, profile))
            .collect();
        items.retain(|item| self.takes_item(item));
        if let Some((part, of)) = self.partition {
            let mut at = 0;
            // What judges everything that a run saw is judged in each part, of what that part saw.
            items.retain(|item| {
                if of_the_whole_run(item.loaded) {
                    return true;
                }
                at += 1;
                (at - 1) % of == part - 1
            });
        }
        items
    }
}

fn of_the_whole_run(loaded: &Loaded) -> bool {
    loaded.scenario.then.iter().any(Check::is_of_the_whole_run)
}

/// A client, the word of its kind where there are several, and why there is none.
type Candidate<'a> = (Option<&'a Client>, Option<&'static str>, Missing);
/// The kind that is lacking (of any, where none is named) and the line to add.
type Missing = Option<(Option<ClientKind>, String)>;

fn of<'a>(loaded: &'a Loaded, profile: &'a Profile) -> Vec<Item<'a>> {
    let first = |kind: ClientKind| profile.clients_of(kind).next();
    let kinds: &[ClientKind] = match loaded.scenario.clients {
        Clients::Each => &[ClientKind::Public, ClientKind::Symmetric, ClientKind::Asymmetric],
        Clients::Confidential => &[ClientKind::Symmetric, ClientKind::Asymmetric],
        Clients::Public => &[ClientKind::Public],
        Clients::Symmetric => &[ClientKind::Symmetric],
        Clients::Keyed if first(ClientKind::Backend).is_some() => &[ClientKind::Asymmetric, ClientKind::Backend],
        Clients::Asymmetric | Clients::Keyed => &[ClientKind::Asymmetric],
        Clients::Backend => &[ClientKind::Backend],
        Clients::Any | Clients::None | Clients::JwksUri => &[],
    };
    let keyed = loaded.scenario.clients == Clients::Keyed;
    let several = kinds.len() > 1;
    let names = |kind: ClientKind| several && (!keyed || kind == ClientKind::Backend);
    let mut with: Vec<Candidate<'a>> = kinds
        .iter()
        .map(|kind| {
            let missing = format!(
                "add a client to the profile: [clients.NAME] kind = \"{}\"",
                kind.as_str()
            );
            let client = first(*kind);
            (
                client,
                names(*kind).then(|| kind.as_str()),
                client.is_none().then_some((Some(*kind), missing)),
            )
        })
        .collect();
    match loaded.scenario.clients {
        Clients::None => with.push((None, None, None)),
        Clients::JwksUri => {
            let client = [ClientKind::Backend, ClientKind::Asymmetric]
                .into_iter()
                .flat_map(|kind| profile.clients_of(kind))
                .find(|client| client.jwks_uri.is_some());
            let missing = client.is_none().then(|| {
                let line = "add a client to the profile that is registered by its jwks_uri: [clients.NAME] kind = \
                            \"backend\" or \"asymmetric\", jwks_uri = \"http://127.0.0.1:PORT/PATH\", where \
                            launchproof will answer with the public half of its key";
                (Some(ClientKind::Asymmetric), line.to_owned())
            });
            with.push((client, None, missing));
        }
        Clients::Any => {
            let mut firsts = [ClientKind::Public, ClientKind::Symmetric, ClientKind::Asymmetric]
                .into_iter()
                .filter_map(first);
            // Some servers give refresh tokens to confidential clients alone, and the profile's scopes say so.
            let scenario = &loaded.scenario;
            let refreshes = scenario.needs.iter().any(|need| need == "refresh")
                || scenario.when.iter().any(|step| matches!(step, Step::Refresh(_)));
            let client = firsts
                .clone()
                .find(|client| refreshes && ScopeSet::parse(&client.scopes).wants_refresh())
                .or_else(|| firsts.next());
            let missing = client
                .is_none()
                .then(|| (None, "add a client to the profile: [clients.NAME]".to_owned()));
            with.push((client, None, missing));
        }
        _ => {}
    }
    let cases: Vec<Option<&'a str>> = if loaded.scenario.cases.is_empty() {
        vec![None]
    } else {
        loaded.scenario.cases.keys().map(|name| Some(name.as_str())).collect()
    };
    cases
        .into_iter()
        .flat_map(|case| {
            with.iter().map(move |(client, client_word, missing)| Item {
                loaded,
                client: *client,
                client_word: *client_word,
                case,
                missing: missing.clone(),
            })
        })
        .collect()
}
