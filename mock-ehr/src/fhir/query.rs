//! Reads the parameters of a search.
//!
//! FHIR R4 search: <https://hl7.org/fhir/R4/search.html>

use http::HeaderMap;

use super::chain::Chain;
use super::criterion::{Criterion, Unusable};
use super::format;
use super::outcome::Problem;
use super::parameters::{self, Kind, Parameter};
use super::subset::Subset;

/// How many resources a page has, where the query does not say.
const PAGE: usize = 50;
/// How many resources a page has at most.
const LARGEST_PAGE: usize = 250;

/// What is searched.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) includes: Vec<Include>,
    /// The most important first.
    pub(crate) sort: Vec<(&'static Parameter, Direction)>,
    /// `None`: only the total is asked for.
    pub(crate) page: Option<usize>,
    pub(crate) offset: usize,
    /// How much of each resource is sent.
    pub(crate) subset: Subset,
    /// The parameters that were understood, as they came, paging aside.
    pub(crate) understood: Vec<(String, String)>,
    /// What was not understood and is ignored, in sentences.
    pub(crate) ignored: Vec<String>,
}

/// One `_include` or `_revinclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Include {
    /// The type whose references are followed.
    pub(crate) from: String,
    /// One reference parameter of this type, or all.
    pub(crate) parameter: Option<&'static Parameter>,
    /// The only type to be included.
    pub(crate) to: Option<String>,
    /// `_revinclude`
    pub(crate) reverse: bool,
    /// Applies to what was included, too.
    pub(crate) iterate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// `Prefer: handling=strict`: what the server does not understand is an error.
pub(crate) fn is_strict(headers: &HeaderMap) -> bool {
    prefers(headers, "handling=strict")
}

/// `Prefer: handling=lenient`: what the server does not understand is to be ignored.
pub(crate) fn is_lenient(headers: &HeaderMap) -> bool {
    prefers(headers, "handling=lenient")
}

fn prefers(headers: &HeaderMap, preference: &str) -> bool {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .any(|one| one.trim().eq_ignore_ascii_case(preference))
}

impl Query {
    /// Reads the parameters of a search of `kind`.
    pub(crate) fn parse(
        kind: &str,
        pairs: impl Iterator<Item = (String, String)>,
        base: &str,
        strict: bool,
    ) -> Result<Self, Problem> {
        let mut query = Self {
            page: Some(PAGE),
            ..Self::default()
        };
        let mut errors = Vec::new();
        for (name, value) in pairs {
            match query.take(kind, &name, &value, base)? {
                Taken::Understood => query.understood.push((name, value)),
                Taken::Paging => {}
                Taken::Ignored(why) => query.ignored.push(why),
                Taken::Wrong(why) => errors.push(why),
            }
        }
        // FHIR R4 search §3.1.1.5.8: the two cannot be mixed.
        if query.subset == Subset::Text && !query.includes.is_empty() {
            errors.push("_summary=text cannot be combined with _include or _revinclude".to_owned());
        }
        if strict {
            errors.append(&mut query.ignored);
        }
        if errors.is_empty() {
            Ok(query)
        } else {
            Err(Problem::Search(errors))
        }
    }

    /// The parameters of its criteria.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.criteria.iter().map(Criterion::name).collect()
    }

    fn take(&mut self, kind: &str, name: &str, value: &str, base: &str) -> Result<Taken, Problem> {
        let (plain, modifier) = name
            .split_once(':')
            .map_or((name, None), |(plain, modifier)| (plain, Some(modifier)));
        Ok(match plain {
            "_format" => {
                format::accept(value)?;
                Taken::Paging
            }
            "_pretty" => Taken::Paging,
            "_count" => match value.parse() {
                Ok(0) => {
                    self.page = None;
                    Taken::Paging
                }
                Ok(count) => {
                    self.page = self.page.map(|_| LARGEST_PAGE.min(count));
                    Taken::Paging
                }
                Err(_) => Taken::Wrong("_count expects a whole number".to_owned()),
            },
            "_offset" => match value.parse() {
                Ok(offset) => {
                    self.offset = offset;
                    Taken::Paging
                }
                Err(_) => Taken::Wrong("_offset expects a whole number".to_owned()),
            },
            "_total" if matches!(value, "none" | "estimate" | "accurate") => Taken::Understood,
            "_summary" if value == "count" => {
                self.page = None;
                Taken::Understood
            }
            "_summary" => self.take_subset(
                Subset::of_summary(value),
                "_summary is true, text, data, count or false",
            ),
            "_elements" => self.take_subset(Subset::of_elements(value), "_elements names no element"),
            "_sort" => self.take_sort(kind, value),
            "_include" | "_revinclude" => self.take_include(kind, plain == "_revinclude", modifier, value),
            _ if value.is_empty() => Taken::Ignored(format!("the search parameter `{name}` has no value")),
            _ => match self.take_criterion(kind, name, value, base) {
                Ok(()) => Taken::Understood,
                Err(unknown @ Unusable::Unknown { .. }) => Taken::Ignored(unknown.to_string()),
                // FHIR R4 search §3.1.1.4: a modifier that the server does not support is always an error.
                Err(wrong) => Taken::Wrong(wrong.to_string()),
            },
        })
    }

    fn take_criterion(&mut self, kind: &str, name: &str, value: &str, base: &str) -> Result<(), Unusable> {
        match Chain::parse(kind, name, value, base) {
            Some(chain) => self.chains.push(chain?),
            None => self.criteria.push(Criterion::parse(kind, name, value, base)?),
        }
        Ok(())
    }

    fn take_subset(&mut self, subset: Option<Subset>, otherwise: &str) -> Taken {
        let Some(subset) = subset else {
            return Taken::Ignored(otherwise.to_owned());
        };
        // The narrower of `_summary` and `_elements` is the one that says elements.
        if !matches!(self.subset, Subset::Elements(_)) {
            self.subset = subset;
        }
        Taken::Understood
    }

    fn take_sort(&mut self, kind: &str, value: &str) -> Taken {
        let mut sort = Vec::new();
        for rule in value.split(',') {
            let (direction, name) = match rule.strip_prefix('-') {
                Some(name) => (Direction::Descending, name),
                None => (Direction::Ascending, rule),
            };
            match parameters::find(kind, name) {
                Some(parameter) => sort.push((parameter, direction)),
                None => return Taken::Ignored(format!("{kind} cannot be sorted by `{name}`")),
            }
        }
        self.sort = sort;
        Taken::Understood
    }

    fn take_include(&mut self, kind: &str, reverse: bool, modifier: Option<&str>, value: &str) -> Taken {
        let iterate = match modifier {
            None => false,
            Some("iterate" | "recurse") => true,
            Some(other) => return Taken::Wrong(format!("an include does not support the modifier `{other}`")),
        };
        let name = if reverse { "_revinclude" } else { "_include" };
        let unknown = || Taken::Ignored(format!("there is nothing to {name} as `{value}`"));
        let mut parts = value.split(':');
        let (from, parameter, to) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let (from, parameter) = match (from, parameter) {
            ("*", None) if !reverse => (kind, None),
            (_, None) => return unknown(),
            (from, Some("*")) => (from, None),
            (from, Some(parameter)) => match parameters::find(from, parameter) {
                Some(parameter) if parameter.kind == Kind::Reference => (from, Some(parameter)),
                _ => return unknown(),
            },
        };
        let applies = reverse || iterate || from == kind;
        if parameters::of(from).is_none() || !applies {
            return unknown();
        }
        let to = to.filter(|to| !to.is_empty()).map(str::to_owned);
        self.includes.push(Include {
            from: from.to_owned(),
            parameter,
            to,
            reverse,
            iterate,
        });
        Taken::Understood
    }
}

enum Taken {
    Understood,
    Paging,
    Ignored(String),
    Wrong(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://ehr.example/fhir";

    fn parse(text: &str, strict: bool) -> Result<Query, Problem> {
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned();
        Query::parse("Observation", pairs, BASE, strict)
    }

    #[test]
    fn what_is_unknown_is_ignored_or_refused_as_the_client_prefers() {
        let query = parse("code=4548-4&shoe-size=4&_summary=some&status=&_sort=shoe-size", false).expect("lenient");
        assert_eq!(query.criteria.len(), 1);
        assert_eq!(query.ignored.len(), 4);
        assert_eq!(query.understood, [("code".to_owned(), "4548-4".to_owned())]);
        let Err(Problem::Search(errors)) = parse("code=4548-4&shoe-size=4", true) else {
            panic!("strict")
        };
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_refused_always() {
        for text in [
            "date=soon",
            "code:below=x",
            "_count=many",
            "_count=-1",
            "_offset=x",
            "_include:up=Observation:subject",
            "_summary=text&_include=Observation:subject",
        ] {
            assert!(matches!(parse(text, false), Err(Problem::Search(_))), "{text}");
        }
        assert!(matches!(parse("_format=xml", false), Err(Problem::Format { .. })));
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!(parse("", false).expect("empty").page, Some(PAGE));
        assert_eq!(parse("_count=100000", false).expect("large").page, Some(LARGEST_PAGE));
        assert_eq!(parse("_count=0", false).expect("zero").page, None);
        assert_eq!(parse("_summary=count&_count=5", false).expect("count").page, None);
    }

    #[test]
    fn includes_are_read() {
        let query = parse(
            "_include=Observation:subject&_include=*&_revinclude=Provenance:target&_include:iterate=Patient:general-practitioner:Practitioner",
            true,
        )
        .expect("all are known");
        assert_eq!(query.includes.len(), 4);
        for text in [
            "_include=Observation",
            "_include=Observation:code",
            "_include=Patient:link",
            "_revinclude=*",
            "_include=X:y",
        ] {
            assert!(parse(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn preferences_are_read() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([("prefer".parse().expect("a name"), value.parse().expect("a value"))])
        };
        assert!(is_strict(&headers("return=minimal, handling=strict")));
        assert!(!is_strict(&headers("handling=lenient")));
        assert!(!is_strict(&HeaderMap::new()));
    }
}
