//! Which exchanges are shown.

use std::sync::Arc;

use url::form_urlencoded;

use crate::form::Parameters;
use crate::journal::{Entry, redact};

/// What somebody wants to see; all of it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Of this launch.
    pub(super) launch: Option<u64>,
    /// Of this app.
    pub(super) client: String,
    /// Only with an objection, or where an armed defect had its say.
    pub(super) only_objections: bool,
    /// With this text.
    pub(super) text: String,
}

impl Filter {
    /// What makes no sense filters nothing.
    pub(super) fn read(query: &str) -> Self {
        let parameters = Parameters::parse(query.as_bytes()).unwrap_or_default();
        let text = |name: &str| redact::clip(parameters.get(name).unwrap_or_default().trim());
        Self {
            launch: parameters.get("launch").and_then(|launch| launch.parse().ok()),
            client: text("client"),
            only_objections: parameters.get("show") == Some("objections"),
            text: text("text"),
        }
    }

    /// The same as a query, with its question mark; nothing where nothing is filtered.
    pub(super) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(launch) = self.launch {
            query.append_pair("launch", &launch.to_string());
        }
        if !self.client.is_empty() {
            query.append_pair("client", &self.client);
        }
        if self.only_objections {
            query.append_pair("show", "objections");
        }
        if !self.text.is_empty() {
            query.append_pair("text", &self.text);
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// Those that fit.
    pub(super) fn choose(&self, mut entries: Vec<Arc<Entry>>) -> Vec<Arc<Entry>> {
        let wanted = self.text.to_lowercase();
        entries.retain(|entry| {
            self.launch.is_none_or(|launch| entry.launch == Some(launch))
                && (self.client.is_empty() || entry.client.as_deref() == Some(&self.client))
                && (!self.only_objections
                    || !entry.objections.is_empty()
                    || !entry.defects.is_empty()
                    || entry.fault.is_some())
                && (wanted.is_empty() || holds(entry, &wanted))
        });
        entries
    }
}

/// In any of what is shown of it.
fn holds(entry: &Entry, wanted: &str) -> bool {
    serde_json::to_string(entry).is_ok_and(|text| text.to_lowercase().contains(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_comes_back_from_its_address() {
        let filter = Filter {
            launch: Some(3),
            client: "app & co".into(),
            only_objections: true,
            text: "<b>".into(),
        };
        assert_eq!(Filter::read(filter.query().trim_start_matches('?')), filter);
        assert_eq!(Filter::default().query(), "");
        assert_eq!(Filter::read("launch=x&show=y&%FF"), Filter::default());
    }
}
