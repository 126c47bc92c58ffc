//! Clients that registered themselves, or that were registered for a first try.

use std::ops::Deref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Store;
use super::rows::{Marked, Marks, Of, Table};
use super::trouble::told;
use crate::config::Client;

/// At most so many, since they never expire.
const MOST: usize = 2_000;

/// One registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    #[serde(deserialize_with = "prepared")]
    pub(crate) client: Client,
    /// SHA-256 of the token by which the client manages its registration (RFC 7592 §3).
    token: String,
    pub(crate) since: Timestamp,
}

/// What came of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    Yes,
    /// Another client has its id.
    Taken,
    /// There are too many.
    Full,
}

/// The keys of a client are not kept, but made ready again.
fn prepared<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Client, D::Error> {
    let mut client = Client::deserialize(deserializer)?;
    // It was registered, so nothing is wrong with it, unless a defect wanted it so; that one has no keys.
    if client.prepare().is_err() {
        client.keys.clear();
    }
    Ok(client)
}

impl Registration {
    /// Is this the token by which it is managed?
    pub(crate) fn is_managed_by(&self, token: &str) -> bool {
        bool::from(self.token.as_bytes().ct_eq(digest(token).as_bytes()))
    }
}

fn digest(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

impl Marked for Registration {
    fn marks(&self) -> Marks<'_> {
        Marks {
            client: Some(&self.client.client_id),
            ..Marks::default()
        }
    }
}

impl Store {
    /// Adds a client, unless its id is taken.
    pub(crate) fn register(&self, client: Client, token: String, since: Timestamp) -> Added {
        if told(self.rows.count(Table::Registration)).is_none_or(|count| count >= MOST) {
            return Added::Full;
        }
        let id = client.client_id.clone();
        let new = Arc::new(Registration {
            client,
            token: digest(&token),
            since,
        });
        let added = self.change(&id, |kept: &mut Option<Arc<Registration>>| {
            if kept.is_some() {
                return Added::Taken;
            }
            *kept = Some(Arc::clone(&new));
            Added::Yes
        });
        if added == Some(Added::Yes) {
            self.hear_token(&id, token);
        }
        added.unwrap_or(Added::Full)
    }

    /// Adds the app of a first try, in place of one that is launched elsewhere; what was agreed to for this one stays.
    pub(crate) fn register_first(&self, client: &Client, token: &str, since: Timestamp) {
        let mut is_new = false;
        self.change(&client.client_id, |kept: &mut Option<Arc<Registration>>| {
            let is_there = kept
                .as_ref()
                .is_some_and(|known| known.client.launch_url == client.launch_url);
            is_new = !is_there;
            if is_new {
                *kept = Some(Arc::new(Registration {
                    client: client.clone(),
                    token: digest(token),
                    since,
                }));
            }
        });
        if is_new {
            self.hear_token(&client.client_id, token.to_owned());
        }
    }

    /// The registration of this client.
    pub(crate) fn registration(&self, client_id: &str) -> Option<Arc<Registration>> {
        self.shared(client_id)
    }

    /// The token of a registration, where this process gave it out.
    pub(crate) fn token_of(&self, client_id: &str) -> Option<String> {
        self.own().registration_tokens.get(client_id).cloned()
    }

    fn hear_token(&self, client_id: &str, token: String) {
        let mut own = self.own();
        if own.registration_tokens.len() >= MOST {
            own.registration_tokens.clear();
        }
        own.registration_tokens.insert(client_id.to_owned(), token);
    }

    /// Puts a changed client in place of what was registered; `false` where that is gone.
    pub(crate) fn reregister(&self, client: &Client) -> bool {
        let changed = self.change(&client.client_id, |kept: &mut Option<Arc<Registration>>| {
            let Some(registration) = kept else { return false };
            Arc::make_mut(registration).client = client.clone();
            true
        });
        changed.unwrap_or_default()
    }

    /// Removes a client.
    pub(crate) fn unregister(&self, client_id: &str) {
        self.own().registration_tokens.remove(client_id);
        self.change(client_id, |kept: &mut Option<Arc<Registration>>| *kept = None);
    }

    /// Is any registration like this?
    pub(crate) fn any_registration(&self, like: impl Fn(&Registration) -> bool) -> bool {
        let mut found = false;
        self.each(Of::Anybody, |_, kept: &mut Option<Arc<Registration>>| {
            found |= kept.as_ref().is_some_and(|registration| like(registration));
        });
        found
    }

    /// Every client that registered itself, the first one first.
    pub(crate) fn registrations(&self) -> Vec<Arc<Registration>> {
        let mut all = Vec::new();
        self.each(Of::Anybody, |_, kept: &mut Option<Arc<Registration>>| {
            all.extend(kept.as_ref().map(Arc::clone));
        });
        all.sort_by(|one, other| (one.since, &one.client.client_id).cmp(&(other.since, &other.client.client_id)));
        all
    }
}

/// A client that is known here.
#[derive(Clone)]
pub(crate) enum Known<'a> {
    /// By the configuration.
    Configured(&'a Client),
    /// By its registration.
    Registered(Arc<Registration>),
}

impl Deref for Known<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Configured(client) => client,
            Self::Registered(registration) => &registration.client,
        }
    }
}
