//! Where in a scenario's file a mistake stands that only `lint` can see: the file is loaded by then, and its text is
//! searched once more.

use super::load::{Loaded, ScenarioError};

/// A mistake, and where to look for it.
#[derive(Debug)]
pub(super) struct Problem {
    at: At,
    message: String,
}

#[derive(Debug)]
enum At {
    /// The first of these keys of the scenario that is written.
    Key(&'static [&'static str]),
    /// The first place of a word, outside comments.
    Word(String),
}

impl Problem {
    /// A mistake in the value of a key, the first of these that is written.
    pub(super) fn key(keys: &'static [&'static str], message: impl Into<String>) -> Self {
        Self {
            at: At::Key(keys),
            message: message.into(),
        }
    }

    /// A word that may not stand where it stands.
    pub(super) fn word(word: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: At::Word(word.into()),
            message: message.into(),
        }
    }

    /// The error, with line and column where the file can still be read.
    pub(super) fn in_file(self, loaded: &Loaded) -> ScenarioError {
        let text = text(&loaded.origin);
        let at = text.and_then(|text| match &self.at {
            At::Key(keys) => keys.iter().find_map(|key| of_key(&text, key)),
            At::Word(word) => of_word(&text, word),
        });
        ScenarioError {
            origin: loaded.origin.clone(),
            at,
            message: self.message,
        }
    }
}

/// The file's text once more: kept for every file, it would be kept in vain for all that are right.
fn text(origin: &str) -> Option<String> {
    let embedded = origin.strip_prefix("fixtures/").and_then(fixtures::file);
    match embedded {
        Some(file) => Some(file.text.to_owned()),
        None => std::fs::read_to_string(origin).ok(),
    }
}

fn of_key(text: &str, key: &str) -> Option<(u64, u64)> {
    let line = text
        .lines()
        .position(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))?;
    Some((one_more(line), 1))
}

fn of_word(text: &str, word: &str) -> Option<(u64, u64)> {
    let word = word.lines().next().unwrap_or_default();
    if word.is_empty() {
        return None;
    }
    let part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '/');
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        for (at, _) in line.match_indices(word) {
            let before = line[..at].chars().next_back().is_some_and(part);
            let behind = line[at + word.len()..].chars().next().is_some_and(part);
            if !before && !behind {
                return Some((one_more(number), one_more(line[..at].chars().count())));
            }
        }
    }
    None
}

fn one_more(count: usize) -> u64 {
    count as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "title: a need of refresh\n# needs: refresh_token\nneeds: [refreshed, é, refresh]\nthen: []\n";

    #[test]
    fn a_key_stands_at_the_start_of_a_line() {
        assert_eq!(of_key(TEXT, "needs"), Some((3, 1)));
        assert_eq!(of_key(TEXT, "need"), None);
    }

    #[test]
    fn a_word_is_whole_and_no_comment() {
        assert_eq!(of_word(TEXT, "refresh"), Some((1, 18)));
        assert_eq!(of_word(TEXT, "refreshed"), Some((3, 9)));
        assert_eq!(of_word(TEXT, "refresh_token"), None);
        assert_eq!(of_word(TEXT, "é"), Some((3, 20)));
        assert_eq!(of_word(TEXT, ""), None);
    }
}
