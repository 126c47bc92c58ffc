//! What each defect and variant changes: `fixtures/defects/expected.yaml`, written by `selftest --print-expected` and
//! read by people before it is committed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// Defect or variant → what it changes.
pub type Expected = BTreeMap<String, Changes>;

/// What one defect or variant changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// How many verdicts could not be reached any more. Which ones follows from the scenario files.
    #[serde(default)]
    pub blocked: usize,
    /// Mark (`fail`, `warn`, `info-` …) → verdict ids. The id of a scenario stands for all of its verdicts.
    #[serde(default)]
    pub to: BTreeMap<String, Vec<String>>,
}

impl Changes {
    /// Verdict id → mark, with every scenario's id spread over the verdicts of `all`. An id that is a verdict's own
    /// stands for that one alone.
    pub fn spread<'v>(&self, all: &(impl Iterator<Item = &'v String> + Clone)) -> BTreeMap<String, String> {
        let mut spread = BTreeMap::new();
        for (mark, ids) in &self.to {
            for id in ids {
                let mut of_scenario = all.clone().filter(|one| scenario(one) == id).peekable();
                if of_scenario.peek().is_none() || all.clone().any(|one| one == id) {
                    spread.insert(id.clone(), mark.clone());
                } else {
                    spread.extend(of_scenario.map(|one| (one.clone(), mark.clone())));
                }
            }
        }
        spread
    }

    /// The shortest spelling of these marks among the verdicts of `all`.
    pub fn gather<'v>(marks: &BTreeMap<String, String>, all: impl Iterator<Item = &'v String>) -> Self {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for id in all {
            // Where a verdict bears the scenario's own id, that id cannot stand for the others too.
            let own = if id == scenario(id) { usize::MAX / 2 } else { 1 };
            *sizes.entry(scenario(id)).or_default() += own;
        }
        let mut by_scenario: BTreeMap<(&str, &str), Vec<&String>> = BTreeMap::new();
        let mut gathered = Self::default();
        for (id, mark) in marks {
            if mark == BLOCKED {
                gathered.blocked += 1;
            } else {
                by_scenario.entry((mark, scenario(id))).or_default().push(id);
            }
        }
        for ((mark, scenario), ids) in by_scenario {
            let into = gathered.to.entry(mark.to_owned()).or_default();
            if sizes.get(scenario) == Some(&ids.len()) {
                into.push(scenario.to_owned());
            } else {
                into.extend(ids.into_iter().cloned());
            }
        }
        gathered
    }
}

/// The mark whose verdicts are only counted.
pub const BLOCKED: &str = "blocked";

/// The scenario of a verdict.
pub fn scenario(id: &str) -> &str {
    id.split(['#', '@']).next().unwrap_or(id)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Verdicts of the reference that are neither pass nor info, each with its mark: what a loopback mock skips.
    #[serde(default)]
    reference: BTreeMap<String, String>,
    /// Defects that no scenario notices yet, each with the reason.
    #[serde(default)]
    not_noticed: BTreeMap<String, String>,
    /// Verdicts that differ from the reference's.
    #[serde(default)]
    changes: Expected,
}

static FILE: LazyLock<Result<File, String>> = LazyLock::new(|| match fixtures::file("defects/expected.yaml") {
    None => Ok(File::default()),
    Some(file) => serde_saphyr::from_str(file.text).map_err(|error| format!("fixtures/{}: {error}", file.path)),
});

/// What the file says, or what is wrong with it.
pub fn changes() -> Result<&'static Expected, String> {
    FILE.as_ref().map(|file| &file.changes).map_err(Clone::clone)
}

/// Marks of the reference that are neither pass nor info.
pub fn reference() -> Result<&'static BTreeMap<String, String>, String> {
    FILE.as_ref().map(|file| &file.reference).map_err(Clone::clone)
}

/// Defects that no scenario notices yet, each with the reason.
pub fn not_noticed() -> Result<&'static BTreeMap<String, String>, String> {
    FILE.as_ref().map(|file| &file.not_noticed).map_err(Clone::clone)
}

/// The verdicts that a defect or variant changes, each with its mark.
pub fn of(name: &str) -> Vec<String> {
    let changes = FILE.as_ref().ok().and_then(|file| file.changes.get(name));
    changes
        .into_iter()
        .flat_map(|changes| &changes.to)
        .flat_map(|(mark, ids)| ids.iter().map(move |id| format!("{id} ({mark})")))
        .collect()
}

/// The defects and variants that change a verdict of this scenario.
pub fn catching(id: &str) -> Vec<&'static str> {
    let Ok(file) = FILE.as_ref() else { return Vec::new() };
    file.changes
        .iter()
        .filter(|(_, changes)| changes.to.values().flatten().any(|one| scenario(one) == id))
        .map(|(name, _)| name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(id, mark)| ((*id).to_owned(), (*mark).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_gathered_spreads_to_the_same_marks() {
        let all: Vec<String> = [
            "a/x#1",
            "a/x#2",
            "a/y@public",
            "a/y@symmetric",
            "a/xy",
            "a/z",
            "a/z@backend",
        ]
        .map(str::to_owned)
        .into();
        let seen = marks(&[
            ("a/x#1", "fail"),
            ("a/x#2", "fail"),
            ("a/y@public", "warn"),
            ("a/z", "fail"),
        ]);
        let gathered = Changes::gather(&seen, all.iter());
        assert_eq!(gathered.to["fail"], ["a/x", "a/z"]);
        assert_eq!(gathered.to["warn"], ["a/y@public"]);
        assert_eq!(gathered.spread(&all.iter()), seen);
    }

    #[test]
    fn blocked_verdicts_are_counted() {
        let all = ["a/x".to_owned()];
        assert_eq!(Changes::gather(&marks(&[("a/x", BLOCKED)]), all.iter()).blocked, 1);
    }
}
