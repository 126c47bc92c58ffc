//! Sorts the parameters of an app's search: what upstream is asked, what the mock does itself, what goes nowhere.

use super::super::outcome::Problem;
use super::super::query::Query;

/// A search, sorted.
#[derive(Debug)]
pub(super) struct Split {
    /// Criteria on the resource itself, whether the mock knows them or not: they cannot tell of any other resource.
    pub(super) plain: Vec<(String, String)>,
    /// Paging, sorting, includes, and chains, which do tell of other resources.
    pub(super) query: Query,
}

/// What the mock reads itself.
const CONTROL: [&str; 10] = [
    "_count",
    "_elements",
    "_format",
    "_include",
    "_offset",
    "_pretty",
    "_revinclude",
    "_sort",
    "_summary",
    "_total",
];
/// Criteria that every type has. Others that begin with an underscore search in what is not judged (`_filter`, `_query`,
/// `_list`), or are another server's own.
const EVERY_TYPE: [&str; 5] = ["_id", "_lastUpdated", "_profile", "_security", "_tag"];

impl Split {
    pub(super) fn of(kind: &str, pairs: Vec<(String, String)>, base: &str, strict: bool) -> Result<Self, Problem> {
        let (mut plain, mut own, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in pairs {
            let (word, modifier) = name
                .split_once(':')
                .map_or((name.as_str(), None), |(word, modifier)| (word, Some(modifier)));
            let is_chain = word == "_has" || name.contains('.');
            if is_chain || CONTROL.contains(&word) {
                own.push((name, value));
            } else if value.is_empty() {
                ignored.push(format!("the search parameter `{name}` has no value"));
            } else if is_plain(word) && modifier.is_none_or(is_word) {
                plain.push((name, value));
            } else {
                ignored.push(format!("{kind} has no search parameter `{name}`"));
            }
        }
        let mut query = Query::parse(kind, own.into_iter(), base, false)?;
        query.ignored.extend(ignored);
        if strict && !query.ignored.is_empty() {
            return Err(Problem::Search(query.ignored));
        }
        Ok(Self { plain, query })
    }

    /// What upstream is asked beside criteria: the order, and what is included.
    pub(super) fn beside(&self) -> Vec<(String, String)> {
        let passed = |name: &str| ["_sort", "_include", "_revinclude"].contains(&word(name));
        let understood = self.query.understood.iter();
        understood.filter(|(name, _)| passed(name)).cloned().collect()
    }
}

fn word(name: &str) -> &str {
    name.split_once(':').map_or(name, |(word, _)| word)
}

/// `access_token` is a parameter of RFC 6750 §2.3, and nobody else's business.
fn is_plain(name: &str) -> bool {
    EVERY_TYPE.contains(&name) || (!name.starts_with('_') && name != "access_token" && is_word(name))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, strict: bool) -> Result<Split, Problem> {
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Split::of("Observation", pairs, "http://ehr.example/fhir", strict)
    }

    #[test]
    fn each_parameter_goes_where_it_can_be_judged() {
        let text = "code:below=x&shoe-size=4&_id=1&_sort=-date&_include=Observation:subject&_count=5&patient.name=a\
                    &access_token=secret&_filter=a&_getpages=1&status=&_include=Patient:link&_sort:up=x";
        let found = split(text, false).expect("lenient");
        let names: Vec<_> = found.plain.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["code:below", "shoe-size", "_id"]);
        assert_eq!(found.query.chains.len(), 1);
        assert_eq!(found.query.page, Some(5));
        assert_eq!(found.beside().len(), 2);
        assert_eq!(found.query.ignored.len(), 6, "{:?}", found.query.ignored);
        assert!(split("_filter=a", true).is_err() && split("code=a", true).is_ok());
    }
}
