//! Finds resources by what their search parameters hold, so that a search need not look at every resource.
//!
//! Filled while data are loaded and sealed afterwards; it never changes. Codes, identifiers and references are one sorted
//! list of hashes with positions; dates and texts are a column for each parameter, which is read through in a moment.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};

use super::span::Span;

/// The place of a resource in its store.
pub(crate) type Position = u32;

/// One parameter of one type.
type Name = (&'static str, &'static str);

/// What a value of a token or reference parameter can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key<'a> {
    /// A code or boolean that carries its system by definition.
    Plain(&'a str),
    /// A code, whatever its system.
    Code(&'a str),
    /// A code of this system; of none where it is `None`.
    Coded(Option<&'a str>, &'a str),
    /// A telephone number or mail address.
    Telecom(&'a str),
    /// A reference to a type and id.
    To(&'a str, &'a str),
    /// A reference to this id of whatever type.
    ToAny(&'a str),
}

/// The index of one store.
#[derive(Debug, Default)]
pub(crate) struct Index {
    hasher: RandomState,
    keys: Vec<(u64, Position)>,
    dates: HashMap<Name, Vec<(Position, Span)>>,
    texts: HashMap<Name, Vec<(Position, Box<str>)>>,
}

impl Index {
    /// Notes a token or reference.
    pub(crate) fn note(&mut self, name: Name, key: Key<'_>, at: Position) {
        self.keys.push((self.hash(name, key), at));
    }

    /// Notes what a date parameter covers; values of one resource in their order, resources in theirs.
    pub(crate) fn note_date(&mut self, name: Name, span: Span, at: Position) {
        self.dates.entry(name).or_default().push((at, span));
    }

    /// Notes a text, in lower case.
    pub(crate) fn note_text(&mut self, name: Name, text: &str, at: Position) {
        let text = text.to_lowercase().into_boxed_str();
        self.texts.entry(name).or_default().push((at, text));
    }

    /// Makes what was noted ready to be found.
    pub(crate) fn seal(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
        self.keys.shrink_to_fit();
        self.dates.values_mut().for_each(Vec::shrink_to_fit);
        self.texts.values_mut().for_each(Vec::shrink_to_fit);
    }

    /// Who has this token or reference.
    pub(crate) fn having(&self, name: (&str, &str), key: Key<'_>) -> impl Iterator<Item = Position> {
        let hash = self.hash(name, key);
        let from = self.keys.partition_point(|(other, _)| *other < hash);
        let rest = &self.keys[from..];
        rest.iter()
            .take_while(move |(other, _)| *other == hash)
            .map(|(_, at)| *at)
    }

    /// Who has a date that fits.
    pub(crate) fn dated(&self, name: Name, fits: impl Fn(Span) -> bool) -> Vec<Position> {
        let column = self.dates.get(&name).map(Vec::as_slice).unwrap_or_default();
        let fitting = column.iter().filter(|(_, span)| fits(*span));
        unique(fitting.map(|(at, _)| *at).collect())
    }

    /// Who has a text, in lower case, that fits.
    pub(crate) fn worded(&self, name: Name, fits: impl Fn(&str) -> bool) -> Vec<Position> {
        let column = self.texts.get(&name).map(Vec::as_slice).unwrap_or_default();
        let fitting = column.iter().filter(|(_, text)| fits(text));
        unique(fitting.map(|(at, _)| *at).collect())
    }

    /// The dates of a parameter, to be walked through.
    pub(crate) fn walk(&self, name: Name) -> Walk<'_> {
        Walk {
            column: self.dates.get(&name).map(Vec::as_slice).unwrap_or_default(),
            cursor: 0,
        }
    }

    fn hash(&self, name: impl Hash, key: Key<'_>) -> u64 {
        self.hasher.hash_one((name, key))
    }
}

/// A way through the dates of a parameter: quick for those who ask in order, right for all.
#[derive(Debug)]
pub(crate) struct Walk<'i> {
    column: &'i [(Position, Span)],
    cursor: usize,
}

impl Walk<'_> {
    /// The first date of a resource.
    pub(crate) fn first(&mut self, at: Position) -> Option<Span> {
        const STEPS: usize = 16;
        if self.column.get(self.cursor).is_none_or(|(here, _)| *here > at) {
            self.cursor = 0;
        }
        let mut rest = &self.column[self.cursor..];
        let near = rest.iter().take(STEPS).take_while(|(other, _)| *other < at).count();
        rest = &rest[near..];
        let far = if near == STEPS {
            rest.partition_point(|(other, _)| *other < at)
        } else {
            0
        };
        self.cursor += near + far;
        let (here, span) = rest.get(far)?;
        (*here == at).then_some(*span)
    }
}

/// In order, each once.
pub(crate) fn unique(mut positions: Vec<Position>) -> Vec<Position> {
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// What stands in both; both are in order.
pub(crate) fn common(few: &[Position], many: &[Position]) -> Vec<Position> {
    if few.len() > many.len() {
        return common(many, few);
    }
    let mut rest = many;
    few.iter()
        .copied()
        .filter(|at| {
            rest = &rest[rest.partition_point(|other| other < at)..];
            rest.first() == Some(at)
        })
        .collect()
}

/// What stands in the first only; both are in order.
pub(crate) fn without(all: &[Position], others: &[Position]) -> Vec<Position> {
    all.iter()
        .copied()
        .filter(|at| others.binary_search(at).is_err())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_joined_in_order() {
        assert_eq!(unique(vec![3, 1, 3]), [1, 3]);
        assert_eq!(common(&[1, 3, 5, 9], &[3, 4, 9]), [3, 9]);
        assert_eq!(common(&[], &[3]), Vec::<Position>::new());
        assert_eq!(without(&[1, 3, 5], &[3, 7]), [1, 5]);
    }

    #[test]
    fn first_dates_are_found_in_whatever_order_they_are_asked_for() {
        let mut index = Index::default();
        let name = ("Patient", "birthdate");
        let year = |at: Position| Span::parse(&format!("{}", 1900 + at)).expect("a year");
        for at in (0..90).filter(|at| at % 3 != 0) {
            index.note_date(name, year(at), at);
            index.note_date(name, year(at + 1), at);
        }
        let mut walk = index.walk(name);
        for at in (0..95).chain([70, 2, 3, 89, 0, 1, 200, 44]) {
            let expected = (at < 90 && at % 3 != 0).then(|| year(at));
            assert_eq!(walk.first(at), expected, "{at}");
        }
    }

    #[test]
    fn what_was_noted_is_found_and_nothing_else() {
        let mut index = Index::default();
        let name = ("Patient", "identifier");
        for (at, key) in [
            (4, Key::Code("x")),
            (2, Key::Code("x")),
            (2, Key::Code("x")),
            (3, Key::Plain("x")),
        ] {
            index.note(name, key, at);
        }
        index.seal();
        assert_eq!(index.having(name, Key::Code("x")).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(index.having(("Person", "identifier"), Key::Code("x")).count(), 0);
        assert_eq!(index.having(name, Key::Coded(None, "x")).count(), 0);
    }
}
