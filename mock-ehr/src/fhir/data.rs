//! Data of the user's: Bundles as Synthea writes them, single resources, and NDJSON as Bulk Data servers export it.
//!
//! FHIR R4, "transaction": <https://hl7.org/fhir/R4/http.html#trules>; NDJSON: <https://hl7.org/fhir/uv/bulkdata/export.html>

mod place;
mod references;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use self::references::Known;
use super::parameters;
use super::store::Store;

/// What became of the data.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Resources that are served.
    pub resources: usize,
    /// Files that were read.
    pub files: usize,
    /// Resources that were left out, by types that the server does not know.
    pub left_out: BTreeMap<String, usize>,
    /// References that lead nowhere: the data do not hold what they name.
    pub dangling: usize,
}

impl Loaded {
    /// The same in sentences.
    pub fn told(&self, path: &Path) -> Vec<String> {
        let mut told = vec![format!(
            "{} resources of {} files in {}",
            self.resources,
            self.files,
            path.display()
        )];
        if self.dangling > 0 {
            told.push(format!(
                "{} references lead nowhere: the data do not hold what they name",
                self.dangling
            ));
        }
        if !self.left_out.is_empty() {
            let each: Vec<_> = self
                .left_out
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"))
                .collect();
            told.push(format!(
                "left out, for this server has no such type: {}",
                each.join(", ")
            ));
        }
        told
    }
}

/// Why data cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// A file or folder cannot be read.
    #[error("{path}: cannot be read: {error}")]
    Unreadable {
        /// Which one.
        path: String,
        /// What the system said.
        error: String,
    },
    /// A folder without data.
    #[error("{path}: no *.json or *.ndjson file is in it")]
    Nothing {
        /// The folder.
        path: String,
    },
    /// A resource that cannot be added.
    #[error("{0} is already there")]
    Full(String),
    /// A line that is not as it has to be.
    #[error("{file}:{line}: {what}")]
    Wrong {
        /// The file.
        file: String,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// Adds to a store what a folder, those below it, or a single file holds.
pub fn read(store: &mut Store, path: &Path, now: Timestamp) -> Result<Loaded, DataError> {
    let mut files = Vec::new();
    find(path, true, &mut files)?;
    if files.is_empty() {
        return Err(DataError::Nothing {
            path: path.display().to_string(),
        });
    }
    // What others refer to comes first, so that little has to wait.
    files.sort_by_key(|file| (!is_directory_of_providers(file), file.clone()));
    let mut reading = Reading {
        store,
        now: now.to_string(),
        known: Known::default(),
        waiting: Vec::new(),
        loaded: Loaded::default(),
    };
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        reading.file(&file.display().to_string(), &text, is_lines(file))?;
    }
    reading.settle()
}

fn find(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    if fs::metadata(path).map_err(|error| unreadable(path, &error))?.is_dir() {
        for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
            find(&entry.map_err(|error| unreadable(path, &error))?.path(), false, files)?;
        }
    } else if named || is_lines(path) || path.extension().is_some_and(|kind| kind == "json") {
        files.push(path.to_owned());
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> DataError {
    DataError::Unreadable {
        path: path.display().to_string(),
        error: error.to_string(),
    }
}

fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "ndjson" || kind == "jsonl")
}

/// Synthea writes hospitals and practitioners into files of their own, to which patients' Bundles refer.
fn is_directory_of_providers(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| {
        [
            "hospitalInformation",
            "practitionerInformation",
            "Organization",
            "Practitioner",
            "Location",
            "Medication.",
        ]
        .iter()
        .any(|start| name.starts_with(start))
    })
}

/// Where a resource came from.
#[derive(Debug, Clone)]
struct Origin {
    file: String,
    line: usize,
}

impl Origin {
    fn wrong(&self, what: impl Into<String>) -> DataError {
        DataError::Wrong {
            file: self.file.clone(),
            line: self.line,
            what: what.into(),
        }
    }
}

struct Reading<'s> {
    store: &'s mut Store,
    now: String,
    known: Known,
    /// Resources that refer to what has not come yet.
    waiting: Vec<(Origin, Value)>,
    loaded: Loaded,
}

impl Reading<'_> {
    fn file(&mut self, file: &str, text: &str, lines: bool) -> Result<(), DataError> {
        self.loaded.files += 1;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if lines {
            for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let origin = |_| Origin {
                    file: file.to_owned(),
                    line: index + 1,
                };
                let value = serde_json::from_str(line)
                    .map_err(|error| origin(0).wrong(format!("not JSON: {}", complaint(&error))))?;
                self.whole(value, &origin)?;
            }
            return Ok(());
        }
        let value = serde_json::from_str(text).map_err(|error| {
            let origin = Origin {
                file: file.to_owned(),
                line: error.line(),
            };
            origin.wrong(format!("not JSON: {}", complaint(&error)))
        })?;
        let lines = place::lines_of_entries(text);
        self.whole(value, &|entry| Origin {
            file: file.to_owned(),
            line: lines.get(entry).copied().unwrap_or(1),
        })
    }

    /// Takes a Bundle, or a resource by itself. `origin` tells where the n-th entry begins.
    fn whole(&mut self, mut value: Value, origin: &dyn Fn(usize) -> Origin) -> Result<(), DataError> {
        if value["resourceType"] != "Bundle" {
            let named = name(&value, None).ok_or_else(|| origin(0).wrong(what_is_missing(&value)))?;
            self.known.add(None, &named, &value);
            return self.resource(&origin(0), value);
        }
        let entries = match value.get_mut("entry").map(Value::take) {
            Some(Value::Array(entries)) => entries,
            None => Vec::new(),
            Some(_) => return Err(origin(0).wrong("the Bundle's `entry` is no list")),
        };
        let mut resources = Vec::new();
        for (index, mut entry) in entries.into_iter().enumerate() {
            let Some(mut resource) = entry.get_mut("resource").map(Value::take) else {
                // An entry that deletes or asks for something: data hold nothing of the kind.
                continue;
            };
            let full_url = entry["fullUrl"].as_str();
            let Some((kind, id)) = name(&resource, full_url) else {
                return Err(origin(index).wrong(format!("entry {}: {}", index + 1, what_is_missing(&resource))));
            };
            resource["id"] = json!(id);
            self.known.add(full_url, &(kind, id), &resource);
            resources.push((index, resource));
        }
        for (index, resource) in resources {
            self.resource(&origin(index), resource)?;
        }
        Ok(())
    }

    fn resource(&mut self, origin: &Origin, mut resource: Value) -> Result<(), DataError> {
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        if parameters::of(kind).is_none() {
            *self.loaded.left_out.entry(kind.to_owned()).or_default() += 1;
            return Ok(());
        }
        if self.known.settle(&mut resource) > 0 {
            self.waiting.push((origin.clone(), resource));
            return Ok(());
        }
        self.add(origin, resource)
    }

    fn add(&mut self, origin: &Origin, mut resource: Value) -> Result<(), DataError> {
        if !resource["meta"].is_object() {
            resource["meta"] = json!({});
        }
        let meta = &mut resource["meta"];
        for (name, value) in [("versionId", "1"), ("lastUpdated", self.now.as_str())] {
            if !meta[name].is_string() {
                meta[name] = json!(value);
            }
        }
        self.store
            .add(resource)
            .map_err(|key| origin.wrong(format!("{key} is already there")))?;
        self.loaded.resources += 1;
        Ok(())
    }

    /// Takes what waited, when all files were read.
    fn settle(mut self) -> Result<Loaded, DataError> {
        for (origin, mut resource) in std::mem::take(&mut self.waiting) {
            self.known.settle(&mut resource);
            self.loaded.dangling += Known::give_up(&mut resource);
            self.add(&origin, resource)?;
        }
        Ok(self.loaded)
    }
}

/// What the parser objects to, at which column; the line is told already.
fn complaint(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let plain = text.split_once(" at line ").map_or(text.as_str(), |(plain, _)| plain);
    format!("{plain}, at column {}", error.column())
}

/// Type and id; the id of a resource without one is that of its entry.
fn name(resource: &Value, full_url: Option<&str>) -> Option<(String, String)> {
    let kind = resource["resourceType"].as_str().filter(|kind| !kind.is_empty())?;
    let id = resource["id"]
        .as_str()
        .or_else(|| full_url?.rsplit(['/', ':']).next())
        .filter(|id| !id.is_empty())?;
    Some((kind.to_owned(), id.to_owned()))
}

fn what_is_missing(resource: &Value) -> String {
    let missing = if resource["resourceType"].is_string() {
        "id"
    } else {
        "resourceType"
    };
    format!("a FHIR resource is expected here, and this has no {missing}")
}
