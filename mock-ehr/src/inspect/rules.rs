//! The requirements that defects break, from the catalogue of requirements, with their addresses.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) level: &'static str,
    pub(super) text: &'static str,
    pub(super) url: String,
}

/// By `document/id`.
pub(super) fn rule(requirement: &str) -> Option<&'static Rule> {
    RULES.get(requirement)
}

static RULES: LazyLock<HashMap<String, Rule>> = LazyLock::new(|| {
    let mut rules = HashMap::new();
    for file in fixtures::below("requirements") {
        read(file.text, &mut rules);
    }
    rules
});

/// Reads the rows of one document: each stands on a line of its own, with quoted texts.
fn read(text: &'static str, into: &mut HashMap<String, Rule>) {
    let (mut document, mut base) = ("", "");
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("document: ") {
            document = name.trim();
        } else if let Some(url) = line.strip_prefix("url: ") {
            base = url.trim();
        } else if let Some(row) = line.trim_start().strip_prefix("- { ") {
            let (Some(id), Some(text)) = (quoted(row, "id: \""), quoted(row, "text: \"")) else {
                continue;
            };
            let rule = Rule {
                level: between(row, "level: ", ",").unwrap_or_default(),
                text,
                url: format!("{base}{}", quoted(row, "at: \"").unwrap_or_default()),
            };
            into.insert(format!("{document}/{id}"), rule);
        }
    }
}

fn quoted(row: &'static str, before: &str) -> Option<&'static str> {
    between(row, before, "\"")
}

fn between(row: &'static str, before: &str, after: &str) -> Option<&'static str> {
    let (_, rest) = row.split_once(before)?;
    rest.split_once(after).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::Defect;

    #[test]
    fn every_defect_has_a_rule_with_an_address() {
        for defect in Defect::ALL {
            let rule = rule(defect.requirement()).unwrap_or_else(|| panic!("{defect}: {}", defect.requirement()));
            assert!(rule.url.starts_with("https://"), "{defect}: {rule:?}");
            assert!(rule.text.ends_with('.') && !rule.level.is_empty(), "{defect}: {rule:?}");
        }
    }
}
