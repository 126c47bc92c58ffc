//! Authorization requests that clients pushed, until the browser comes with their reference.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::rows::{Marked, Marks, Of};
use crate::form::Parameters;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pushed {
    pub(crate) client_id: String,
    pub(crate) parameters: Parameters,
    pub(crate) expires: Timestamp,
    pub(crate) spent: bool,
}

impl Marked for Pushed {
    fn marks(&self) -> Marks<'_> {
        Marks {
            client: Some(&self.client_id),
            until: Some(self.expires),
            ..Marks::default()
        }
    }
}

impl Store {
    pub(crate) fn put_pushed(&self, request_uri: String, pushed: Pushed, now: Timestamp) {
        self.put(request_uri, pushed, now);
    }

    /// The client's latest pushed request, for the defect that serves it unasked.
    pub(crate) fn latest_pushed(&self, client_id: &str) -> Option<Parameters> {
        let mut latest: Option<Arc<Pushed>> = None;
        self.each(Of::Client(client_id), |_, kept: &mut Option<Arc<Pushed>>| {
            if let Some(pushed) = kept
                && latest.as_ref().is_none_or(|latest| latest.expires <= pushed.expires)
            {
                latest = Some(Arc::clone(pushed));
            }
        });
        latest.map(|pushed| pushed.parameters.clone())
    }

    /// A parameter of a pushed request.
    pub(crate) fn parameter_of_pushed(&self, request_uri: &str, name: &str) -> Option<String> {
        let pushed: Arc<Pushed> = self.shared(request_uri)?;
        pushed.parameters.filled(name).map(str::to_owned)
    }

    /// Whose pushed request this is.
    pub(crate) fn client_of_pushed(&self, request_uri: &str) -> Option<String> {
        self.shared::<Pushed>(request_uri)
            .map(|pushed| pushed.client_id.clone())
    }

    /// Checks a pushed request and spends it, in one step.
    pub(crate) fn take_pushed<R>(
        &self,
        request_uri: &str,
        mut check: impl FnMut(&Pushed) -> Result<(), R>,
    ) -> Option<Result<Parameters, R>> {
        let taken = self.change(request_uri, |kept: &mut Option<Arc<Pushed>>| {
            let pushed = kept.as_mut()?;
            Some(check(pushed).map(|()| {
                if !pushed.spent {
                    Arc::make_mut(pushed).spent = true;
                }
                pushed.parameters.clone()
            }))
        });
        taken.flatten()
    }
}
