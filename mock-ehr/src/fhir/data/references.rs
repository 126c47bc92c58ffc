//! References that only mean something inside a Bundle, or ask for an identifier: here they become relative ones.
//!
//! FHIR R4, "Replacing hyperlinks and full-urls" and "Conditional references":
//! <https://hl7.org/fhir/R4/http.html#transaction>

use std::collections::HashMap;

use serde_json::{Value, json};

/// What the data hold, by all the names it can be referred to.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// `urn:uuid:…` or another full URL, and `Practitioner?identifier=system|value`, to `Type/id`.
    names: HashMap<String, String>,
}

impl Known {
    /// Notes a resource.
    pub(super) fn add(&mut self, full_url: Option<&str>, (kind, id): &(String, String), resource: &Value) {
        let key = format!("{kind}/{id}");
        if let Some(url) = full_url {
            self.names.insert(url.to_owned(), key.clone());
        }
        let identifiers = resource["identifier"].as_array().map(Vec::as_slice).unwrap_or_default();
        for identifier in identifiers {
            if let Some(value) = identifier["value"].as_str() {
                let system = identifier["system"].as_str().unwrap_or_default();
                self.names
                    .entry(format!("{kind}?identifier={system}|{value}"))
                    .or_insert_with(|| key.clone());
            }
        }
    }

    /// Makes references relative wherever it is known what they mean; how many are left.
    pub(super) fn settle(&self, resource: &mut Value) -> usize {
        let mut left = 0;
        walk(resource, &mut |member| {
            let Some(text) = member.as_str() else { return };
            match self.names.get(text).or_else(|| self.names.get(&plain(text))) {
                Some(key) => *member = json!(key),
                None if is_local(text) => left += 1,
                None => {}
            }
        });
        left
    }

    /// Turns conditional references that lead nowhere into logical ones, as far as an identifier is named; how many
    /// references lead nowhere.
    pub(super) fn give_up(resource: &mut Value) -> usize {
        let mut left = 0;
        each_object(resource, &mut |members| {
            let Some(text) = members
                .get("reference")
                .and_then(Value::as_str)
                .filter(|text| is_local(text))
            else {
                return;
            };
            left += 1;
            let asked = plain(text);
            if let Some((kind, identifier)) = asked.split_once("?identifier=") {
                let (system, value) = identifier.split_once('|').unwrap_or(("", identifier));
                let mut logical = json!({"value": value});
                if !system.is_empty() {
                    logical["system"] = json!(system);
                }
                let kind = json!(kind);
                members.remove("reference");
                members.insert("type".to_owned(), kind);
                members.insert("identifier".to_owned(), logical);
            }
        });
        left
    }
}

/// What no server could resolve as it stands.
fn is_local(reference: &str) -> bool {
    reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:") || reference.contains("?identifier=")
}

/// A conditional reference without percent-encoding.
fn plain(reference: &str) -> String {
    match reference.split_once('?') {
        Some((kind, query)) => {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            let first = pairs.next().map(|(name, value)| format!("{name}={value}"));
            format!("{kind}?{}", first.unwrap_or_default())
        }
        None => reference.to_owned(),
    }
}

/// Every value that refers: those of `reference`, and addresses of attachments.
fn walk(value: &mut Value, take: &mut impl FnMut(&mut Value)) {
    each_object(value, &mut |members| {
        if let Some(reference) = members.get_mut("reference") {
            take(reference);
        }
        if let (true, Some(url)) = (members.contains_key("contentType"), members.get_mut("url")) {
            take(url);
        }
    });
}

fn each_object(value: &mut Value, take: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            take(members);
            members.values_mut().for_each(|member| each_object(member, take));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, take)),
        _ => {}
    }
}
