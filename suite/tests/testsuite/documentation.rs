//! What the documentation shows stays true: each profile and baseline in it is read, each scenario loaded and linted.

use std::path::{Path, PathBuf};

use launchproof::scenario::{lint, load, requirement, versions};
use launchproof::target::{ClientKind, Profile};
use reports::baseline::Baseline;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of this language, each with the line on which it begins; what a list indents is taken back.
fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let (mut all, mut open): (Vec<(usize, String)>, Option<usize>) = (Vec::new(), None);
    for (at, line) in page.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (open, fence) {
            (Some(_), Some(_)) => open = None,
            (None, Some(word)) => {
                // Blocks of other languages are stepped over, and kept under no name.
                let indent = line.len() - line.trim_start().len();
                open = Some(indent);
                all.push((
                    at + 1,
                    if word == language {
                        String::new()
                    } else {
                        "\u{0}".to_owned()
                    },
                ));
            }
            (Some(indent), None) => {
                if let Some((_, text)) = all.last_mut() {
                    text.push_str(line.get(indent..).unwrap_or_default());
                    text.push('\n');
                }
            }
            (None, None) => {}
        }
    }
    all.retain(|(_, text)| !text.starts_with('\u{0}'));
    all
}

/// A folder with every file that a profile names.
fn folder_for(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = fixtures::file("keys/client_es384.private.jwk.json")
        .expect("it is embedded")
        .text;
    for part in text.split("file = \"").skip(1) {
        let name = part.split('"').next().expect("the quote is closed");
        std::fs::write(folder.path().join(name), key).expect("it can be written");
    }
    folder
}

fn profile(of: &str, line: usize, text: &str) -> Profile {
    let folder = folder_for(text);
    let text = text.replace("command = \"pass show", "command = \"echo");
    let env = |_: &str| Some("a-secret".to_owned());
    Profile::parse_with_env(&text, &format!("docs/{of} (line {line})"), folder.path(), &env)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn each_profile_of_the_cookbook_can_be_used() {
    let text = page("profiles.md");
    let blocks = blocks(&text, "toml");
    let names: Vec<String> = blocks
        .iter()
        .map(|(line, block)| {
            let profile = profile("profiles.md", *line, block);
            assert!(
                profile.clients_of(ClientKind::Public).count() > 0 && !profile.users.is_empty(),
                "{}: a cookbook shows whole profiles",
                profile.name
            );
            profile.name
        })
        .collect();
    let expected = [
        "Keycloak",
        "Aidbox",
        "Inferno reference server",
        "HAPI behind a gateway",
        "A vendor's sandbox",
    ];
    assert_eq!(names, expected);
}

#[test]
fn each_snippet_about_verdicts_is_what_it_says() {
    let text = page("verdicts.md");
    let blocks = blocks(&text, "toml");
    assert_eq!(blocks.len(), 2);
    for (line, block) in blocks {
        if block.starts_with("# baseline.toml") {
            let baseline = Baseline::parse(&block).unwrap_or_else(|error| panic!("line {line}: {error:?}"));
            assert_eq!(baseline.entries.len(), 1);
        } else {
            assert_eq!(profile("verdicts.md", line, &block).accept_missing.len(), 2);
        }
    }
}

#[test]
fn each_scenario_of_the_guide_loads_and_is_clean() {
    let text = page("scenarios.md");
    let blocks = blocks(&text, "yaml");
    assert!(blocks.len() >= 4, "the guide shows scenarios");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (line, block) in &blocks {
        let name = block.lines().next().and_then(|first| first.strip_prefix("# mine/"));
        let name = name.unwrap_or_else(|| panic!("line {line}: the first line names the file"));
        let path: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(path, block).expect("it can be written");
    }
    let loaded = load::load(Some(folder.path())).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let requirements = requirement::all().expect("the catalogue is sound");
    let versions = versions::table(&requirements).expect("it is sound");
    let errors = lint::lint(&loaded, &requirements, &versions);
    assert!(errors.is_empty(), "{errors:#?}");
    let mine = loaded
        .iter()
        .filter(|one| one.origin.contains(folder.path().to_str().expect("text")));
    assert_eq!(mine.count(), blocks.len());
}

#[test]
fn every_command_of_the_pages_exists() {
    let mut checked = 0;
    for name in ["profiles.md", "verdicts.md", "scenarios.md"] {
        for (line, block) in blocks(&page(name), "sh") {
            for command in block.lines().filter_map(|line| line.strip_prefix("launchproof ")) {
                let command = command.split(" #").next().unwrap_or_default();
                let flags: Vec<&str> = command
                    .split_whitespace()
                    .filter(|word| word.starts_with("--"))
                    .collect();
                let words: Vec<&str> = command
                    .split_whitespace()
                    .take_while(|word| !word.starts_with("--"))
                    .collect();
                let subcommand = match words.as_slice() {
                    ["test", second, ..] => vec!["test", second],
                    [first, ..] => vec![*first],
                    [] => panic!("docs/{name}:{line}: no command"),
                };
                let output = crate::program::launchproof().args(&subcommand).arg("--help").output();
                let help = String::from_utf8(output.expect("it runs").stdout).expect("text");
                for flag in flags {
                    assert!(
                        help.contains(flag),
                        "docs/{name}: `launchproof {command}` has no {flag}"
                    );
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 6, "{checked} commands were found");
}
