//! Values that a scenario writes: overrides of a correct request, templates with `{name}` placeholders.

pub mod filter;
mod jwt;
mod overrides;
mod scopes;
mod template;
mod text;

pub use overrides::Override;
pub use template::{Lookup, ROOTS, Template, TemplateError};

/// `; did you mean `x`?` for the nearest of the known words, or nothing where none is near.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 2).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}
