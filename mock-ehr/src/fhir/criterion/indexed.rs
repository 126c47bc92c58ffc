//! Finds who meets a criterion by the index: exactly those whom [`Criterion::matches`] accepts, or nothing is said.

use serde_json::Value;

use super::{Criterion, Reference, Test, Text, Token, is_of, parts, telecom_system};
use crate::fhir::element;
use crate::fhir::index::{Index, Key, Position, unique, without};
use crate::fhir::parameters::{self, Kind, Parameter};
use crate::fhir::span::Span;

/// Notes what a resource can be found by.
pub(crate) fn note(index: &mut Index, kind: &str, body: &Value, at: Position) {
    let Some(kind) = parameters::types().find(|known| *known == kind) else {
        return;
    };
    for parameter in parameters::of(kind).into_iter().flatten() {
        let name = (kind, parameter.name);
        for value in parameter.paths.iter().flat_map(|path| element::at(body, path)) {
            match parameter.kind {
                Kind::Token => note_token(index, name, value, telecom_system(parameter.name), at),
                Kind::Date => {
                    if let Some(span) = Span::of(value) {
                        index.note_date(name, span, at);
                    }
                }
                Kind::String => {
                    for part in parts(value) {
                        index.note_text(name, part, at);
                    }
                }
                Kind::Reference => note_reference(index, name, parameter, value, at),
            }
        }
    }
}

fn note_token(
    index: &mut Index,
    name: (&'static str, &'static str),
    value: &Value,
    telecom: Option<&str>,
    at: Position,
) {
    match value {
        Value::String(code) => index.note(name, Key::Plain(code), at),
        Value::Bool(flag) => index.note(name, Key::Plain(if *flag { "true" } else { "false" }), at),
        Value::Object(members) => {
            let text = |name| members.get(name).and_then(Value::as_str);
            if let Some(telecom) = telecom {
                if let (true, Some(number)) = (text("system") == Some(telecom), text("value")) {
                    index.note(name, Key::Telecom(number), at);
                }
            } else if let Some(Value::Array(codings)) = members.get("coding") {
                for coding in codings {
                    note_token(index, name, coding, None, at);
                }
            } else if let Some(code) = text(if members.contains_key("code") { "code" } else { "value" }) {
                index.note(name, Key::Code(code), at);
                index.note(name, Key::Coded(text("system"), code), at);
            }
        }
        _ => {}
    }
}

fn note_reference(
    index: &mut Index,
    name: (&'static str, &'static str),
    parameter: &Parameter,
    value: &Value,
    at: Position,
) {
    let Some(to) = value.get("reference").and_then(Value::as_str) else {
        return;
    };
    if parameter.target.is_some_and(|target| !is_of(to, target)) {
        return;
    }
    if let Some((kind, id)) = super::split_reference(to) {
        index.note(name, Key::To(kind, id), at);
        // With a single target, who asks for an id only means that type.
        if parameter.target.is_none() {
            index.note(name, Key::ToAny(id), at);
        }
    }
}

impl Criterion {
    /// Who of `all`, the resources of a type, meets the criterion; nothing is said where the index does not know.
    pub(crate) fn hits(&self, index: &Index, kind: &str, all: &[Position]) -> Option<Vec<Position>> {
        let kind = parameters::types().find(|known| *known == kind)?;
        let name = (kind, self.parameter.name);
        match &self.test {
            Test::Missing(_) => None,
            Test::Token { not, any } => {
                let telecom = telecom_system(self.parameter.name).is_some();
                let mut found = Vec::new();
                for token in any {
                    for key in token.keys(telecom)? {
                        found.extend(index.having(name, key));
                    }
                }
                let found = unique(found);
                Some(if *not { without(all, &found) } else { found })
            }
            Test::Date(any) => {
                let fits = |has| any.iter().any(|(comparison, asked)| comparison.holds(has, *asked));
                Some(index.dated(name, fits))
            }
            Test::String { how, any } => {
                let any: Vec<String> = any.iter().map(|asked| asked.to_lowercase()).collect();
                match how {
                    Text::Begins => Some(index.worded(name, |has| any.iter().any(|asked| has.starts_with(asked)))),
                    Text::Contains => Some(index.worded(name, |has| any.iter().any(|asked| has.contains(asked)))),
                    // The index does not know small from capital letters.
                    Text::Exact => None,
                }
            }
            Test::Reference(any) => {
                let keys = any.iter().filter_map(|asked| asked.key(self.parameter.target));
                Some(unique(keys.flat_map(|key| index.having(name, key)).collect()))
            }
        }
    }
}

impl Token {
    fn keys(&self, telecom: bool) -> Option<Vec<Key<'_>>> {
        let code = self.code.as_deref()?;
        if telecom {
            return Some(vec![Key::Telecom(code), Key::Plain(code)]);
        }
        let coded = match self.system.as_deref() {
            None => Key::Code(code),
            Some("") => Key::Coded(None, code),
            Some(system) => Key::Coded(Some(system), code),
        };
        Some(vec![Key::Plain(code), coded])
    }
}

impl Reference {
    fn key<'a>(&'a self, target: Option<&'a str>) -> Option<Key<'a>> {
        match (self.kind.as_deref(), target) {
            (Some(kind), Some(target)) if kind != target => None,
            (Some(kind), _) | (None, Some(kind)) => Some(Key::To(kind, &self.id)),
            (None, None) => Some(Key::ToAny(&self.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fhir::store::Store;

    /// Questions to which some embedded resource is an answer, with and without systems and types.
    fn questions(parameter: &Parameter, value: &Value, into: &mut BTreeSet<(String, String)>) {
        let name = parameter.name;
        let mut ask = |modifier: &str, text: String| {
            into.insert((format!("{name}{modifier}"), text));
        };
        match (parameter.kind, value) {
            (Kind::Token, Value::Object(members)) => {
                if let Some(Value::Array(codings)) = members.get("coding") {
                    for coding in codings {
                        questions(parameter, coding, into);
                    }
                    return;
                }
                let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
                let code = if text("code").is_empty() {
                    text("value")
                } else {
                    text("code")
                };
                ask("", code.to_owned());
                ask(":not", code.to_owned());
                ask("", format!("{}|{code}", text("system")));
                ask("", format!("|{code}"));
                ask("", format!("{}|", text("system")));
                ask("", format!("urn:other|{code}"));
            }
            (Kind::Token, other) => {
                let code = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                ask("", format!("urn:other|{code}"));
                ask("", code);
            }
            (Kind::Date, other) => {
                let text = other.as_str().or_else(|| other["start"].as_str()).unwrap_or("2020");
                for prefix in ["", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"] {
                    ask("", format!("{prefix}{}", &text[..text.len().min(10)]));
                }
            }
            (Kind::String, other) => {
                for part in parts(other) {
                    let some: String = part.chars().take(3).collect();
                    ask("", some.to_uppercase());
                    ask(":contains", some.clone());
                    ask(":exact", part.replace(',', "\\,"));
                }
            }
            (Kind::Reference, other) => {
                let to = other["reference"].as_str().unwrap_or("Patient/x");
                ask("", to.to_owned());
                ask("", to.rsplit('/').next().unwrap_or(to).to_owned());
                ask(":Practitioner", to.rsplit('/').next().unwrap_or(to).to_owned());
                ask("", format!("Device/{}", to.rsplit('/').next().unwrap_or(to)));
            }
        }
    }

    #[test]
    fn the_index_finds_what_a_full_scan_finds() {
        let store = Store::embedded();
        let mut answered = 0;
        for kind in parameters::types() {
            let mut asked = BTreeSet::new();
            for parameter in parameters::of(kind).into_iter().flatten() {
                for resource in store.all(kind).take(25) {
                    for value in parameter
                        .paths
                        .iter()
                        .flat_map(|path| element::at(&resource.body, path))
                    {
                        questions(parameter, value, &mut asked);
                    }
                }
            }
            for (name, value) in asked {
                let criterion = Criterion::parse(kind, &name, &value, "http://ehr.example/fhir").expect(&name);
                let all = store.positions(kind);
                let Some(hits) = criterion.hits(store.index(), kind, all) else {
                    continue;
                };
                let scanned: Vec<Position> = all
                    .iter()
                    .copied()
                    .filter(|at| criterion.matches(&store.at(*at).body))
                    .collect();
                assert_eq!(hits, scanned, "{kind}?{name}={value}");
                answered += 1;
            }
        }
        assert!(answered > 1000, "{answered}");
    }
}
