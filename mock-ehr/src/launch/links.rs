//! The addresses that carry all choices of the launcher page: the page itself, and the launch at once.

use super::choices::Choices;

/// The links of one set of choices.
pub(super) struct Links {
    /// The launcher page with these choices.
    pub(super) page: String,
    /// Goes to the app at once.
    pub(super) launch: String,
}

impl Links {
    pub(super) fn of(public_url: &str, choices: &Choices) -> Self {
        let query = choices.query();
        let at = |path: &str| {
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{public_url}{path}{mark}{query}")
        };
        Self {
            page: at("/"),
            launch: at("/launch"),
        }
    }
}
