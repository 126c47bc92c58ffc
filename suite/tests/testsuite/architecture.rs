//! The rules of the house: who may name whom, and what no file may name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

/// Every Rust file below a folder of the workspace, with its path from there.
fn sources(below: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, top: &Path, all: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, top, all);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(top).expect("it lies below").display().to_string();
                all.push((name, std::fs::read_to_string(&path).expect("sources are text")));
            }
        }
    }
    let top = root().join(below);
    let mut all = Vec::new();
    walk(&top, &top, &mut all);
    assert!(!all.is_empty(), "{below} holds no sources");
    all
}

/// The code of a line: comments may name what they want.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Names behind `prefix` in a text: of `use crate::{a::X, b}` and of `crate::a::x()` alike.
fn names_behind<'t>(text: &'t str, prefix: &str) -> BTreeSet<&'t str> {
    let mut names = BTreeSet::new();
    let name = |rest: &'t str| -> &'t str {
        let end = rest
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    };
    for (at, _) in text.match_indices(prefix) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut fresh = true;
            for (position, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => fresh = true,
                    character if fresh && !character.is_whitespace() => {
                        names.insert(name(&group[position..]));
                        fresh = false;
                    }
                    _ => {}
                }
            }
        } else {
            names.insert(name(rest));
        }
    }
    names
}

/// The floors of the suite, from the top: a room may name only rooms below its own floor.
const FLOORS: [&[&str]; 11] = [
    &["main"],
    &["cli"],
    &["selftest"],
    &["captured", "demo", "record"],
    &["engine"],
    &["scenario"],
    &["step", "check"],
    &["user_agent", "key_server"],
    &["target"],
    &["http", "oauth"],
    &["value", "clock", "say"],
];

fn floor(room: &str) -> usize {
    let found = FLOORS.iter().position(|floor| floor.contains(&room));
    found.unwrap_or_else(|| panic!("the room `{room}` has no floor: give it one here and in lib.rs"))
}

/// Of two rooms on one floor, the first may name the second.
const ON_ONE_FLOOR: [(&str, &str); 1] = [("check", "step")];

#[test]
fn rooms_of_the_suite_name_only_those_below() {
    let mut wrong = Vec::new();
    for (file, text) in sources("suite/src") {
        let room = file.split(['/', '.']).next().expect("a path has a first part");
        if room == "lib" || room == "main" {
            continue;
        }
        let text: String = text.lines().map(code).collect::<Vec<_>>().join("\n");
        for other in names_behind(&text, "crate::") {
            // Macros and the rooms' own parts.
            if other.is_empty() || other == room || !FLOORS.iter().any(|floor| floor.contains(&other)) {
                continue;
            }
            let allowed = floor(room) < floor(other) || ON_ONE_FLOOR.contains(&(room, other));
            if !allowed {
                wrong.push(format!(
                    "suite/src/{file} names crate::{other}, which lies above it or beside it"
                ));
            }
        }
        floor(room);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_these_rooms_of_the_suite_name_the_mock() {
    let allowed = |file: &str| {
        ["cli/serve.rs", "cli/list.rs", "cli/explain.rs", "demo.rs"].contains(&file) || file.starts_with("selftest")
    };
    let named: Vec<String> = sources("suite/src")
        .into_iter()
        .filter(|(file, text)| !allowed(file) && text.lines().any(|line| code(line).contains("mock_ehr")))
        .map(|(file, _)| file)
        .collect();
    assert!(
        named.is_empty(),
        "protocol logic is never shared with the mock: {named:?}"
    );
}

/// The members of the workspace that a manifest depends on, outside its dev-dependencies.
fn members_that(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(manifest).join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = text.parse().expect("it is TOML");
    let ours = ["mock-ehr", "launchproof", "fixtures", "reports"];
    let named = ["dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|kind| manifest.get(kind)?.as_table());
    named
        .flat_map(toml::Table::keys)
        .filter(|name| ours.contains(&name.as_str()))
        .cloned()
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(members_that("reports"), set(&[]));
    assert_eq!(members_that("fixtures"), set(&[]));
    assert_eq!(members_that("mock-ehr"), set(&["fixtures"]));
    assert_eq!(members_that("suite"), set(&["fixtures", "mock-ehr", "reports"]));
}

#[test]
fn the_mock_names_nothing_of_the_suite() {
    for folder in ["mock-ehr/src", "reports/src", "fixtures/src"] {
        for (file, text) in sources(folder) {
            // `::notice title=launchproof::` is GitHub's form of an annotation, and no path.
            let names = |line: &str| code(&line.replace("title=launchproof::", "")).contains("launchproof::");
            assert!(!text.lines().any(names), "{folder}/{file}");
        }
    }
}

#[test]
fn no_folder_is_a_drawer_for_what_has_no_place() {
    for folder in ["suite/src", "mock-ehr/src", "reports/src", "fixtures/src"] {
        for (file, _) in sources(folder) {
            let stem = file.trim_end_matches("/mod.rs").trim_end_matches(".rs");
            let stem = stem.rsplit('/').next().unwrap_or_default();
            assert!(
                !["utils", "util", "helpers", "common", "misc"].contains(&stem),
                "{folder}/{file}"
            );
        }
    }
}

/// Names of registries and machine paths, in halves, so that this file holds none of them whole.
const FORBIDDEN: [(&str, &str); 11] = [
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("crates", ".io/"),
    ("registry.", "npmjs"),
    ("pypi", ".org"),
    ("files.python", "hosted"),
    ("repo1", ".maven"),
    ("repo.", "maven"),
    ("maven", ".org"),
    ("ghcr", ".io"),
    ("docker", ".io"),
];

#[test]
fn no_file_names_a_registry_or_a_path_of_one_machine() {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else {
        eprintln!("skipped: this is no checkout of git");
        return;
    };
    let mut wrong = Vec::new();
    for name in String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|name| !name.is_empty())
    {
        // Written by package managers, which name where they fetched from.
        if name.ends_with("Cargo.lock") || name.ends_with("package-lock.json") {
            continue;
        }
        // A file that was deleted and not yet committed, or that is not text.
        let Ok(text) = std::fs::read_to_string(root().join(name)) else {
            continue;
        };
        for (first, second) in FORBIDDEN {
            if let Some(at) = text.find(&format!("{first}{second}")) {
                let line = text[..at].matches('\n').count() + 1;
                wrong.push(format!("{name}:{line}: {first}{second}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_are_found_in_groups_and_paths() {
    let text = "use crate::{a::X, b, c::{D, E}};\nlet x = crate::f::g();\nuse other_crate::h;";
    assert_eq!(names_behind(text, "crate::"), BTreeSet::from(["a", "b", "c", "f"]));
}
