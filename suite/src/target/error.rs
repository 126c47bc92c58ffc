//! What is wrong with a profile: file, line, column, and the nearest word that exists.

use std::ops::Range;

/// A profile that cannot be used. Its text begins with `file:line:column:` where the fault has a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ProfileError {
    /// `ehr.toml:3:1`, or only the file's name.
    pub place: String,
    /// What is wrong and what to write instead; never the text of the file, since that may hold a secret.
    pub message: String,
}

impl ProfileError {
    /// A fault of the whole file.
    pub(super) fn of_file(origin: &str, message: impl Into<String>) -> Self {
        Self {
            place: origin.to_owned(),
            message: message.into(),
        }
    }

    /// A fault at a byte range of the text.
    pub(super) fn at(origin: &str, text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let start = (0..=span.start.min(text.len()))
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        let before = &text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self {
            place: format!("{origin}:{line}:{column}"),
            message: message.into(),
        }
    }

    /// What the TOML reader found wrong.
    pub(super) fn of_toml(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = with_nearest_word(error.message());
        match error.span() {
            Some(span) => Self::at(origin, text, &span, message),
            None => Self::of_file(origin, message),
        }
    }
}

/// serde's `unknown field …, expected one of …` with the nearest of the expected words put forward.
fn with_nearest_word(message: &str) -> String {
    let what = if message.starts_with("unknown field") {
        "unknown key"
    } else if message.starts_with("unknown variant") {
        "unknown value"
    } else {
        return message.trim_end().to_owned();
    };
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((wrong, known)) = words.split_first() else {
        return message.to_owned();
    };
    match nearest(wrong, known.iter().copied()) {
        Some(word) => format!("{what} `{wrong}`; did you mean `{word}`?"),
        None => format!("{what} `{wrong}`; known here: {}", known.join(", ")),
    }
}

/// The known word nearest to a misspelt one, where one is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|word| {
            (
                strsim::damerau_levenshtein(wrong, word),
                strsim::jaro_winkler(wrong, word),
                word,
            )
        })
        .filter(|(distance, alike, word)| *distance <= 1 + word.len() / 4 || *alike > 0.9)
        .min_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)))
        .map(|(_, _, word)| word)
}
