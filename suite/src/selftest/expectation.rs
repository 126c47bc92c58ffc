//! What each defect and variant changes: `fixtures/defects/expected.yaml`, written by `selftest --print-expected` and
//! read by people before it is committed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// Defect or variant → verdict id → the mark that it gets.
pub type Expected = BTreeMap<String, BTreeMap<String, String>>;

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
        .flatten()
        .map(|(id, mark)| format!("{id} ({mark})"))
        .collect()
}

/// The defects and variants that change a verdict of this scenario.
pub fn catching(scenario: &str) -> Vec<&'static str> {
    let Ok(file) = FILE.as_ref() else { return Vec::new() };
    let of_scenario = |id: &String| id.split(['#', '@']).next() == Some(scenario);
    file.changes
        .iter()
        .filter(|(_, changed)| changed.keys().any(of_scenario))
        .map(|(name, _)| name.as_str())
        .collect()
}
