//! Reads a baseline strictly: an error names line, column and the nearest word.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Baseline, Entry};
use crate::model::{Status, Verdict};
use crate::plain;

/// Why a baseline cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct BaselineError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// Which verdicts an entry speaks of: `scenario`, `scenario#case`, `scenario@client` or `scenario#case@client`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The path of the scenario.
    pub scenario: String,
    /// One row of its table; `None` means all.
    pub case: Option<String>,
    /// One kind of client; `None` means all.
    pub client: Option<String>,
}

impl Scope {
    /// Reads an id; `None` where a part of it is empty.
    pub fn parse(id: &str) -> Option<Self> {
        let (path, client) = match id.rsplit_once('@') {
            Some((path, client)) => (path, Some(client)),
            None => (id, None),
        };
        let (scenario, case) = match path.split_once('#') {
            Some((scenario, case)) => (scenario, Some(case)),
            None => (path, None),
        };
        let empty = scenario.is_empty() || case == Some("") || client == Some("");
        (!empty).then(|| Self {
            scenario: scenario.to_owned(),
            case: case.map(str::to_owned),
            client: client.map(str::to_owned),
        })
    }

    /// Whether it speaks of this verdict.
    pub fn matches(&self, verdict: &Verdict) -> bool {
        self.names(&verdict.scenario, verdict.case.as_deref(), verdict.client.as_deref())
    }

    /// Whether it speaks of this scenario, row and client.
    pub fn names(&self, scenario: &str, case: Option<&str>, client: Option<&str>) -> bool {
        self.scenario == scenario
            && (self.case.is_none() || self.case.as_deref() == case)
            && (self.client.is_none() || self.client.as_deref() == client)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scenario)?;
        if let Some(case) = &self.case {
            write!(f, "#{case}")?;
        }
        if let Some(client) = &self.client {
            write!(f, "@{client}")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    expect: Vec<Spanned<Row>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    scenario: Spanned<String>,
    client: Option<Spanned<String>>,
    verdict: Spanned<String>,
    reason: Spanned<String>,
    expires: Option<Spanned<toml::value::Datetime>>,
    #[serde(default)]
    sometimes: bool,
}

pub(super) fn parse(text: &str, draft: bool) -> Result<Baseline, BaselineError> {
    let file: File = toml::from_str(text).map_err(|error| explain(text, &error))?;
    let mut entries = Vec::with_capacity(file.expect.len());
    let mut seen: HashMap<Scope, usize> = HashMap::new();
    for row in file.expect {
        let start = row.span();
        let entry = entry(text, row, draft)?;
        if let Some(line) = seen.insert(entry.scope.clone(), entry.line) {
            return Err(at(
                text,
                &start,
                format!(
                    "`{}` is listed already, on line {line}: remove one of them",
                    entry.scope
                ),
            ));
        }
        entries.push(entry);
    }
    Ok(Baseline { entries })
}

fn entry(text: &str, row: Spanned<Row>, draft: bool) -> Result<Entry, BaselineError> {
    let (line, _) = position(text, row.span().start);
    let Row {
        scenario,
        client,
        verdict,
        reason,
        expires,
        sometimes,
    } = row.into_inner();
    let scope = scope(text, &scenario, client.as_ref())?;
    let verdict = status(text, &verdict)?;
    if !draft && reason.get_ref().trim().is_empty() {
        return Err(at(
            text,
            &reason.span(),
            format!(
                "`reason` of `{scope}` is empty: say why this {} is accepted (an issue, a decision), or remove the entry",
                verdict.as_str()
            ),
        ));
    }
    let expires = expires.map(|date| day(text, &date)).transpose()?;
    Ok(Entry {
        scope,
        verdict,
        reason: reason.into_inner(),
        expires,
        sometimes,
        line,
    })
}

fn scope(text: &str, scenario: &Spanned<String>, client: Option<&Spanned<String>>) -> Result<Scope, BaselineError> {
    let Some(mut scope) = Scope::parse(scenario.get_ref()) else {
        let message = "`scenario` is not an id: write `area/name`, optionally `#case` and `@client`".to_owned();
        return Err(at(text, &scenario.span(), message));
    };
    if let Some(client) = client {
        if scope.client.as_ref().is_some_and(|other| other != client.get_ref()) {
            let message = format!(
                "`client` contradicts `scenario`, which ends in `@{}`",
                scope.client.unwrap_or_default()
            );
            return Err(at(text, &client.span(), message));
        }
        scope.client = Some(client.get_ref().clone());
    }
    Ok(scope)
}

fn status(text: &str, verdict: &Spanned<String>) -> Result<Status, BaselineError> {
    let word = verdict.get_ref().as_str();
    let known = Status::ALL.into_iter().filter(|status| *status != Status::Pass);
    if let Some(status) = known.clone().find(|status| status.as_str() == word) {
        return Ok(status);
    }
    let message = if word == Status::Pass.as_str() {
        "`pass` needs no entry: everything is expected to pass".to_owned()
    } else {
        let words: Vec<&str> = known.map(Status::as_str).collect();
        format!("`{}` is no verdict: {}", plain::line(word), suggestion(word, &words))
    };
    Err(at(text, &verdict.span(), message))
}

fn day(text: &str, date: &Spanned<toml::value::Datetime>) -> Result<String, BaselineError> {
    let value = date.get_ref();
    match (value.date, value.time) {
        (Some(day), None) => Ok(day.to_string()),
        _ => Err(at(
            text,
            &date.span(),
            "`expires` is a day without a time: 2027-03-01".to_owned(),
        )),
    }
}

/// Turns an error of the parser into one that names the nearest key.
fn explain(text: &str, error: &toml::de::Error) -> BaselineError {
    const TOP: &[&str] = &["expect"];
    const ROW: &[&str] = &["scenario", "client", "verdict", "reason", "expires", "sometimes"];
    let message = error.message();
    let span = error.span().unwrap_or(0..0);
    let unknown = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    let message = match unknown {
        Some((key, rest)) => {
            let known = if rest.contains("`scenario`") { ROW } else { TOP };
            format!("unknown key `{}`: {}", plain::line(key), suggestion(key, known))
        }
        None => match message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split_once('`'))
        {
            Some((key, _)) => format!("this entry lacks `{key}`"),
            None => plain::line(message.trim_end()).replace("\\n", "; "),
        },
    };
    at(text, &span, message)
}

fn suggestion(word: &str, known: &[&str]) -> String {
    let nearest = known.iter().max_by(|a, b| {
        let near = |other: &str| strsim::jaro_winkler(word, other);
        near(a).total_cmp(&near(b))
    });
    let list = known
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest {
        Some(nearest) if strsim::jaro_winkler(word, nearest) > 0.75 => {
            format!("did you mean `{nearest}`? Known are {list}")
        }
        _ => format!("known are {list}"),
    }
}

fn at(text: &str, span: &Range<usize>, message: String) -> BaselineError {
    let (line, column) = position(text, span.start);
    BaselineError { line, column, message }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Baseline::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn the_forms_of_a_scope() {
        let text = r#"
            [[expect]]
            scenario = "redirect_uri/exact_match#added_query"
            verdict  = "fail"
            reason   = "tracked in EHR-123"
            expires  = 2027-03-01

            [[expect]]
            scenario = "pkce/plain@public"
            verdict  = "warn"
            reason   = "old apps"

            [[expect]]
            scenario = "pkce/plain"
            client   = "symmetric"
            verdict  = "warn"
            reason   = "old apps"
        "#;
        let entries = Baseline::parse(text).unwrap().entries;
        let scopes: Vec<String> = entries.iter().map(|entry| entry.scope.to_string()).collect();
        assert_eq!(
            scopes,
            [
                "redirect_uri/exact_match#added_query",
                "pkce/plain@public",
                "pkce/plain@symmetric"
            ]
        );
        assert_eq!(entries[0].expires.as_deref(), Some("2027-03-01"));
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 8, 13]);
    }

    #[test]
    fn each_mistake_is_named_where_it_stands() {
        let row = |body: &str| format!("[[expect]]\n{body}\n");
        let good = "scenario = \"a/b\"\nverdict = \"fail\"\nreason = \"r\"";
        let table = [
            (
                row(&format!("{good}\nexpire = 2027-03-01")),
                "line 5, column 1: unknown key `expire`: did you mean `expires`? \
                 Known are `scenario`, `client`, `verdict`, `reason`, `expires`, `sometimes`",
            ),
            (
                "[[expects]]\nscenario = \"a/b\"".to_owned(),
                "line 1, column 3: unknown key `expects`: did you mean `expect`? Known are `expect`",
            ),
            (
                row("scenario = \"a/b\"\nverdict = \"fail\""),
                "line 1, column 1: this entry lacks `reason`",
            ),
            (
                row("scenario = \"a/b\"\nverdict = \"failed\"\nreason = \"r\""),
                "line 3, column 11: `failed` is no verdict: did you mean `fail`? \
                 Known are `fail`, `warn`, `info`, `skip`, `unconfigured`, `blocked`, `error`",
            ),
            (
                row("scenario = \"a/b\"\nverdict = \"pass\"\nreason = \"r\""),
                "line 3, column 11: `pass` needs no entry: everything is expected to pass",
            ),
            (
                row("scenario = \"a/b\"\nverdict = \"fail\"\nreason = \" \""),
                "line 4, column 10: `reason` of `a/b` is empty: say why this fail is accepted \
                 (an issue, a decision), or remove the entry",
            ),
            (
                row("scenario = \"a/b#\"\nverdict = \"fail\"\nreason = \"r\""),
                "line 2, column 12: `scenario` is not an id: write `area/name`, optionally `#case` and `@client`",
            ),
            (
                row("scenario = \"a/b@public\"\nclient = \"symmetric\"\nverdict = \"fail\"\nreason = \"r\""),
                "line 3, column 10: `client` contradicts `scenario`, which ends in `@public`",
            ),
            (
                row(&format!("{good}\nexpires = 2027-03-01T10:00:00Z")),
                "line 5, column 11: `expires` is a day without a time: 2027-03-01",
            ),
            (
                format!("{}{}", row(good), row(good)),
                "line 5, column 1: `a/b` is listed already, on line 1: remove one of them",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(error(&text), expected);
        }
    }

    #[test]
    fn broken_toml_and_wrong_types_have_a_place() {
        assert!(error("[[expect]]\nscenario = ").starts_with("line 2, "));
        assert!(error("[[expect]]\nscenario = 4\n").starts_with("line 2, column 12: "));
    }

    #[test]
    fn a_draft_may_lack_reasons() {
        let text = "[[expect]]\nscenario = \"a/b\"\nverdict = \"fail\"\nreason = \"\"";
        assert!(Baseline::parse(text).is_err());
        assert_eq!(Baseline::parse_draft(text).unwrap().entries.len(), 1);
    }
}
