//! Loads scenario files, strictly: an error names file, line, column, and the nearest word that exists.

use std::fmt;
use std::path::Path;

use super::Scenario;

/// A loaded scenario with its id.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The path below `scenarios/server`, without ending: `pkce/code_verifier_wrong`.
    pub id: String,
    /// Where it was read, for messages.
    pub origin: String,
    /// What it says.
    pub scenario: Scenario,
    /// The file's text.
    pub text: String,
}

impl Loaded {
    /// First part of the id.
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file.
    pub origin: String,
    /// Line and column, from 1, where they are known.
    pub at: Option<(u64, u64)>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.origin, self.message),
            None => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

impl std::error::Error for ScenarioError {}

/// The embedded scenarios and those below `more`, in the order of their ids.
pub fn load(more: Option<&Path>) -> Result<Vec<Loaded>, Vec<ScenarioError>> {
    let (mut loaded, mut errors) = embedded();
    if let Some(folder) = more {
        read_folder(folder, folder, &mut loaded, &mut errors);
    }
    loaded.sort_by(|a, b| a.id.cmp(&b.id));
    for pair in loaded.windows(2) {
        if pair[0].id == pair[1].id {
            errors.push(ScenarioError {
                origin: pair[1].origin.clone(),
                at: None,
                message: format!(
                    "the id `{}` is taken by {}; an id is a path and stands once",
                    pair[1].id, pair[0].origin
                ),
            });
        }
    }
    if errors.is_empty() { Ok(loaded) } else { Err(errors) }
}

/// The embedded scenarios, read by as many threads as there are cores: every run waits for them.
fn embedded() -> (Vec<Loaded>, Vec<ScenarioError>) {
    let files: Vec<_> = fixtures::below("scenarios/server").collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |part: &[fixtures::File]| {
        let (mut loaded, mut errors) = (Vec::new(), Vec::new());
        for file in part {
            let id = id_of(file.path.trim_start_matches("scenarios/server/"));
            let origin = format!("fixtures/{}", file.path);
            take(&mut loaded, &mut errors, id, &origin, file.text);
        }
        (loaded, errors)
    };
    let (mut loaded, mut errors) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let parts = files.chunks(files.len().div_ceil(threads).max(1));
        let readers: Vec<_> = parts.map(|part| scope.spawn(move || read(part))).collect();
        for reader in readers {
            match reader.join() {
                Ok((some, wrong)) => {
                    loaded.extend(some);
                    errors.extend(wrong);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    (loaded, errors)
}

fn id_of(path: &str) -> String {
    path.trim_end_matches(".yaml").replace('\\', "/")
}

fn take(loaded: &mut Vec<Loaded>, errors: &mut Vec<ScenarioError>, id: String, origin: &str, text: &str) {
    match parse(text, origin) {
        Ok(scenario) => {
            loaded.push(Loaded {
                id,
                origin: origin.to_owned(),
                scenario,
                text: text.to_owned(),
            });
        }
        Err(error) => errors.push(error),
    }
}

fn read_folder(root: &Path, folder: &Path, loaded: &mut Vec<Loaded>, errors: &mut Vec<ScenarioError>) {
    let problem = |path: &Path, error: &std::io::Error| ScenarioError {
        origin: path.display().to_string(),
        at: None,
        message: format!("cannot be read: {error}"),
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return errors.push(problem(folder, &error)),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_folder(root, &path, loaded, errors);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let relative = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => take(loaded, errors, id_of(&relative), &path.display().to_string(), &text),
                Err(error) => errors.push(problem(&path, &error)),
            }
        }
    }
}

/// One file's text.
pub fn parse(text: &str, origin: &str) -> Result<Scenario, ScenarioError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let at = error.location().map(|location| (location.line(), location.column()));
        ScenarioError {
            origin: origin.to_owned(),
            at,
            message: explain(&error),
        }
    })
}

/// The error's first line, with the nearest word where one was expected among several.
fn explain(error: &serde_saphyr::Error) -> String {
    let whole = error.without_snippet().to_string();
    let first = whole.lines().next().unwrap_or_default().trim();
    let first = first.trim_start_matches("error: ");
    // The place stands before the message already.
    let first = first.rsplit_once(" at line ").map_or(first, |(before, _)| before);
    let expected = first.split_once(", expected one of ");
    let Some((before, known)) = expected.filter(|_| first.starts_with("unknown")) else {
        return in_plain_words(first);
    };
    let wrong = before.split('`').nth(1).unwrap_or_default();
    let known: Vec<&str> = known.split(", ").map(|word| word.trim_matches('`')).collect();
    let nearest = crate::value::nearest(wrong, known.iter().copied());
    let what = if before.starts_with("unknown field") {
        "key"
    } else {
        "word"
    };
    format!("unknown {what} `{wrong}`{nearest}; known: {}", known.join(", "))
}

/// What the YAML reader says in words of its own making.
fn in_plain_words(said: &str) -> String {
    if let Some(rest) = said.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(", set DuplicateKeyPolicy").next().unwrap_or(rest);
        return format!("the key `{key}` stands twice");
    }
    match said {
        "expected sequence start" => "a list must stand here: `[…]`, or lines with `- `".to_owned(),
        "expected mapping start" => "a mapping must stand here: `{…}`, or lines with `key: value`".to_owned(),
        "externally tagged enum expected scalar or mapping" => "one word must stand here, no list".to_owned(),
        other => other.to_owned(),
    }
}
