//! Reads the entries of a zip that may come from anybody. Only what [`super::write`] writes is taken: nothing before,
//! between or after the entries, no name twice, no folder, no link, nothing encrypted, and no more than is sensible.

use std::io::{Cursor, Read as _};

use zip::{CompressionMethod, ZipArchive};

use super::{FILES, MANIFEST};
use crate::plain::cut;

/// Bytes of a whole bundle.
const MOST_PACKED: usize = 64 * 1024 * 1024;
/// Bytes of one entry, unpacked.
const MOST_UNPACKED: u64 = 256 * 1024 * 1024;
/// A comment would make it longer; ours has none.
const END_OF_CENTRAL_DIRECTORY: usize = 22;

/// Why something is no bundle, or not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Too large to be one.
    #[error("it has {bytes} bytes, and a bundle has {MOST_PACKED} at most")]
    Large {
        /// How many it has.
        bytes: usize,
    },
    /// Not a zip, or a broken one.
    #[error("not a bundle of launchproof: {0}")]
    Zip(String),
    /// There is more in the file than its entries.
    #[error("there are bytes that belong to no entry ({0}): entries may be hidden in it, or there twice")]
    Hidden(&'static str),
    /// An entry that a bundle does not have.
    #[error("the entry {0} does not belong into a bundle")]
    Extra(String),
    /// An entry leads elsewhere.
    #[error("the entry {0} names a path outside of the bundle")]
    Path(String),
    /// An entry is packed in a way that ours are not.
    #[error("the entry {name} is {how}, which launchproof never writes")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        how: &'static str,
    },
    /// It would unpack to more than a report is.
    #[error("the entry {0} unpacks to more than 256 MiB")]
    Bomb(String),
    /// An entry is not there.
    #[error("the entry {0} is missing")]
    Missing(String),
    /// The manifest is none.
    #[error("manifest.json: {0}")]
    Manifest(String),
    /// An entry is not what the manifest says.
    #[error("the entry {name} was altered: the manifest says SHA-256 {expected}, and it has {found}")]
    Altered {
        /// Its name.
        name: String,
        /// As the manifest has it.
        expected: String,
        /// As it is.
        found: String,
    },
    /// The run within cannot be read.
    #[error("run.json: {0}")]
    Run(String),
    /// An entry does not follow from the run.
    #[error(
        "the entry {0} is not what this version of launchproof makes of run.json: the bundle was rewritten after a change"
    )]
    NotOfTheRun(&'static str),
}

/// Every entry with its bytes, in the order in which they stand.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, BundleError> {
    if bytes.len() > MOST_PACKED {
        return Err(BundleError::Large { bytes: bytes.len() });
    }
    let broken = |error: zip::result::ZipError| BundleError::Zip(cut(&error.to_string(), 200));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut next = 0;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        check_name(&name)?;
        let how = match (
            entry.compression(),
            entry.is_file(),
            entry.encrypted(),
            entry.is_symlink(),
        ) {
            (_, _, true, _) => Some("encrypted"),
            (_, _, _, true) => Some("a link"),
            (_, false, _, _) => Some("a folder"),
            (CompressionMethod::Deflated, ..) => None,
            _ => Some("packed otherwise"),
        };
        if let Some(how) = how {
            return Err(BundleError::Kind { name, how });
        }
        if entry.header_start() != next {
            return Err(BundleError::Hidden("between the entries"));
        }
        next = entry.data_start().unwrap_or_default() + entry.compressed_size();
        let mut text = Vec::new();
        // What the header says of its size is not believed.
        let read = entry.by_ref().take(MOST_UNPACKED + 1).read_to_end(&mut text);
        read.map_err(|error| BundleError::Zip(format!("the entry {name} cannot be unpacked: {error}")))?;
        if text.len() as u64 > MOST_UNPACKED {
            return Err(BundleError::Bomb(name));
        }
        found.push((name, text));
    }
    no_hidden_entries(bytes, &archive, next, found.len())?;
    Ok(found)
}

fn check_name(name: &str) -> Result<(), BundleError> {
    let known = name == MANIFEST || FILES.iter().any(|file| file.name() == name);
    if known {
        return Ok(());
    }
    let shown = cut(name, 120);
    let outside = name.contains(['/', '\\', ':', '\0']) || name.starts_with('.');
    Err(if outside {
        BundleError::Path(shown)
    } else {
        BundleError::Extra(shown)
    })
}

/// The library keeps the last of two entries with one name: so the file's own count and every byte are looked at.
fn no_hidden_entries(
    bytes: &[u8],
    archive: &ZipArchive<Cursor<&[u8]>>,
    end_of_entries: u64,
    found: usize,
) -> Result<(), BundleError> {
    if archive.offset() != 0 || archive.central_directory_start() != end_of_entries {
        return Err(BundleError::Hidden("before or after the entries"));
    }
    let Some(end) = bytes.len().checked_sub(END_OF_CENTRAL_DIRECTORY) else {
        return Err(BundleError::Zip("it is too short".to_owned()));
    };
    let end = &bytes[end..];
    // PKWARE APPNOTE §4.3.16: signature, …, total number of entries, …, length of the comment.
    if end[..4] != *b"PK\x05\x06" || end[20..] != [0, 0] {
        return Err(BundleError::Hidden("after the central directory"));
    }
    let counted = usize::from(u16::from_le_bytes([end[10], end[11]]));
    if counted != found {
        return Err(BundleError::Hidden("more entries than names"));
    }
    Ok(())
}
