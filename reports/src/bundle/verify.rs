//! Checks a bundle: whole, unaltered, and all of one run.

use super::entries::{BundleError, entries};
use super::{FILES, FORMAT, MANIFEST, Manifest, sha256};
use crate::model::Report;
use crate::plain::cut;
use crate::render::json;

/// A bundle that is as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The run within.
    pub report: Report,
    /// SHA-256 of the manifest, which stands for the whole: to be compared with one that came another way.
    pub manifest_sha256: String,
    /// The version that wrote it differs from this one, so whether the other files follow from `run.json` is not known.
    pub written_by: Option<String>,
}

/// Checks every entry against the manifest, and, where `tool` wrote the bundle, that they follow from its `run.json`.
pub fn verify(bytes: &[u8], tool: &str) -> Result<Verified, BundleError> {
    let entries = entries(bytes)?;
    let find = |name: &str| {
        entries
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, text)| text.as_slice())
    };
    let text = find(MANIFEST).ok_or_else(|| BundleError::Missing(MANIFEST.to_owned()))?;
    let manifest = manifest(text)?;
    for file in FILES {
        let name = file.name();
        let text = find(name).ok_or_else(|| BundleError::Missing(name.to_owned()))?;
        let listed = manifest.files.iter().find(|listed| listed.name == name);
        let listed = listed.ok_or_else(|| BundleError::Manifest(format!("it does not list {name}")))?;
        let found = sha256(text);
        if found != listed.sha256 || text.len() as u64 != listed.bytes {
            return Err(BundleError::Altered {
                name: name.to_owned(),
                expected: cut(&listed.sha256, 64),
                found,
            });
        }
    }
    let run = find(FILES[0].name()).unwrap_or_default();
    let run = std::str::from_utf8(run).map_err(|error| BundleError::Run(error.to_string()))?;
    let report = json::read(run).map_err(|error| BundleError::Run(error.to_string()))?;
    let same = report.tool == tool;
    for file in FILES.into_iter().filter(|_| same) {
        if find(file.name()) != Some(file.render(&report, manifest.strict).as_bytes()) {
            return Err(BundleError::NotOfTheRun(file.name()));
        }
    }
    // The head of the manifest, and what a zip says of its entries, follow from the run, too.
    if same && super::write(&report, manifest.strict) != bytes {
        return Err(BundleError::NotOfTheRun(MANIFEST));
    }
    Ok(Verified {
        manifest_sha256: sha256(text),
        written_by: (!same).then(|| cut(&report.tool, 80)),
        report,
    })
}

fn manifest(text: &[u8]) -> Result<Manifest, BundleError> {
    let manifest: Manifest =
        serde_json::from_slice(text).map_err(|error| BundleError::Manifest(cut(&error.to_string(), 200)))?;
    if manifest.bundle.split('.').next() != FORMAT.split('.').next() {
        let version = cut(&manifest.bundle, 20);
        return Err(BundleError::Manifest(format!(
            "it has version {version}, and this program reads {FORMAT}: use the program that wrote it"
        )));
    }
    if manifest.files.len() != FILES.len() {
        return Err(BundleError::Manifest(format!(
            "it lists {} files instead of {}",
            manifest.files.len(),
            FILES.len()
        )));
    }
    Ok(manifest)
}
