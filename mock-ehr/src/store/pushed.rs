//! Authorization requests that clients pushed, until the browser comes with their reference.

use jiff::Timestamp;

use super::{Store, is_crowded};
use crate::form::Parameters;

#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    pub(crate) client_id: String,
    pub(crate) parameters: Parameters,
    pub(crate) expires: Timestamp,
    pub(crate) spent: bool,
}

impl Store {
    pub(crate) fn put_pushed(&self, request_uri: String, pushed: Pushed, now: Timestamp) {
        let mut tables = self.tables();
        if is_crowded(tables.pushed.len()) {
            tables.pushed.retain(|_, other| now < other.expires);
        }
        tables.pushed.insert(request_uri, pushed);
    }

    /// The client's latest pushed request, for the defect that serves it unasked.
    pub(crate) fn latest_pushed(&self, client_id: &str) -> Option<Parameters> {
        let tables = self.tables();
        let own = tables.pushed.values().filter(|pushed| pushed.client_id == client_id);
        own.max_by_key(|pushed| pushed.expires)
            .map(|pushed| pushed.parameters.clone())
    }

    /// A parameter of a pushed request.
    pub(crate) fn parameter_of_pushed(&self, request_uri: &str, name: &str) -> Option<String> {
        let tables = self.tables();
        let pushed = tables.pushed.get(request_uri)?;
        pushed.parameters.filled(name).map(str::to_owned)
    }

    /// Whose pushed request this is.
    pub(crate) fn client_of_pushed(&self, request_uri: &str) -> Option<String> {
        let tables = self.tables();
        tables.pushed.get(request_uri).map(|pushed| pushed.client_id.clone())
    }

    /// Checks a pushed request and spends it, in one step.
    pub(crate) fn take_pushed<R>(
        &self,
        request_uri: &str,
        check: impl FnOnce(&Pushed) -> Result<(), R>,
    ) -> Option<Result<Parameters, R>> {
        let mut tables = self.tables();
        let pushed = tables.pushed.get_mut(request_uri)?;
        Some(check(pushed).map(|()| {
            pushed.spent = true;
            pushed.parameters.clone()
        }))
    }
}
