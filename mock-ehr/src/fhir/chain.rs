//! Chained parameters and `_has`: criteria on what a resource refers to, and on what refers to it.
//!
//! FHIR R4 search, "Chained parameters" and "Reverse Chaining": <https://hl7.org/fhir/R4/search.html#chaining>

use std::collections::HashSet;

use super::access::Interaction;
use super::criterion::{Criterion, Unusable};
use super::element;
use super::include::Views;
use super::parameters::{self, Kind, Parameter};
use super::records::Records;
use super::store::Resource;

/// One chain of one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The reference parameter.
    parameter: &'static Parameter,
    /// The type at the other end.
    other: String,
    /// `_has`: the other end refers to this one.
    reverse: bool,
    /// What the other end must meet.
    criterion: Criterion,
    /// The same, as a search parameter of the other end.
    asked: (String, String),
}

impl Chain {
    /// Reads `subject:Patient.name=…` and `_has:Observation:patient:code=…`; nothing where it is neither.
    pub(crate) fn parse(kind: &str, name: &str, value: &str, base: &str) -> Option<Result<Self, Unusable>> {
        let (parameter, other, reverse, rest) = if let Some(has) = name.strip_prefix("_has:") {
            let mut parts = has.splitn(3, ':');
            let (other, parameter, rest) = (parts.next()?, parts.next()?, parts.next()?);
            (parameters::find(other, parameter), other, true, rest)
        } else {
            let (first, rest) = name.split_once('.')?;
            let (plain, target) = first
                .split_once(':')
                .map_or((first, None), |(plain, to)| (plain, Some(to)));
            let parameter = parameters::find(kind, plain);
            let other = target.or_else(|| parameter?.target).unwrap_or("Patient");
            (parameter, other, false, rest)
        };
        let Some(parameter) = parameter.filter(|parameter| parameter.kind == Kind::Reference) else {
            return Some(Err(Unusable::Unknown {
                kind: kind.to_owned(),
                name: name.to_owned(),
            }));
        };
        Some(Criterion::parse(other, rest, value, base).map(|criterion| Self {
            parameter,
            other: other.to_owned(),
            reverse,
            criterion,
            asked: (rest.to_owned(), value.to_owned()),
        }))
    }

    /// The name of the reference parameter.
    pub(crate) fn parameter(&self) -> &'static str {
        self.parameter.name
    }

    /// The type at the other end.
    pub(crate) fn other(&self) -> &str {
        &self.other
    }

    /// Whether the other end refers to this one.
    pub(crate) fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// What the other end must meet, as a search parameter.
    pub(crate) fn asked(&self) -> &(String, String) {
        &self.asked
    }

    /// Keeps what hangs together with another that meets the criterion, as far as the bearer may see it.
    pub(crate) fn narrow(&self, matches: &mut Vec<&Resource>, records: &Records, views: &impl Views) {
        let Some(view) = views.view(&self.other, Interaction::Search) else {
            matches.clear();
            return;
        };
        let criterion = std::slice::from_ref(&self.criterion);
        let mut others = records.matching(&self.other, criterion, view.patients().as_deref());
        others.retain(|other| view.shows(other));
        if self.reverse {
            let wanted: HashSet<String> = others.into_iter().flat_map(|other| self.references(other)).collect();
            matches.retain(|one| wanted.contains(&one.key()));
        } else {
            let others: HashSet<String> = others.into_iter().map(Resource::key).collect();
            // The index first: most of what there is refers to none of them.
            let kind = matches.first().map_or("", |one| one.kind.as_str());
            let referring = records.referring(kind, &[self.parameter], others.iter().map(String::as_str));
            let referring: HashSet<_> = referring.into_iter().map(std::ptr::from_ref).collect();
            matches.retain(|one| referring.contains(&std::ptr::from_ref(*one)));
            matches.retain(|one| self.references(one).iter().any(|to| others.contains(to)));
        }
    }

    /// The references of a resource that the chain follows.
    pub(crate) fn references(&self, resource: &Resource) -> Vec<String> {
        let paths = self.parameter.paths.iter();
        resource.body.look(|body| {
            paths
                .flat_map(|path| element::references(body, path))
                .map(str::to_owned)
                .collect()
        })
    }
}
