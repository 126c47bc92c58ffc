//! Writes a bundle.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{FILES, FORMAT, Listed, MANIFEST, Manifest, sha256};
use crate::model::Report;

/// The bundle of a report. In JUnit, warnings are failures where `strict`.
pub fn write(report: &Report, strict: bool) -> Vec<u8> {
    let files = FILES.map(|file| (file.name(), file.render(report, strict)));
    let manifest = Manifest {
        bundle: FORMAT.to_owned(),
        tool: report.tool.clone(),
        target: report.target.name.clone(),
        started: report.run.started.clone(),
        strict,
        files: files
            .iter()
            .map(|(name, text)| Listed {
                name: (*name).to_owned(),
                bytes: text.len() as u64,
                sha256: sha256(text.as_bytes()),
            })
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&manifest).expect("a manifest of strings and numbers becomes JSON");
    text.push('\n');
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Neither clock nor umask: the same run gives the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let entries = std::iter::once((MANIFEST, &text)).chain(files.iter().map(|(name, text)| (*name, text)));
    for (name, text) in entries {
        let written = zip
            .start_file(name, options)
            .map_err(std::io::Error::from)
            .and_then(|()| zip.write_all(text.as_bytes()));
        written.expect("writing to memory fails only above 4 GiB, and a report is far smaller");
    }
    let bytes = zip.finish().expect("writing to memory does not fail");
    bytes.into_inner()
}
