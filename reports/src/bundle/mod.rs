//! The evidence bundle: one zip of a run that can be handed on and checked. `manifest.json` holds the SHA-256 of every
//! other entry; the same run gives the same bytes.

mod entries;
mod verify;
mod write;

use serde::{Deserialize, Serialize};

pub use entries::BundleError;
pub use verify::{Verified, verify};
pub use write::write;

use crate::render::File;

/// Name of the manifest, the first entry.
const MANIFEST: &str = "manifest.json";
/// Version of the shape of the manifest.
const FORMAT: &str = "1.0";
/// What a bundle holds beside its manifest, in this order.
const FILES: [File; 4] = [File::Json, File::Html, File::Har, File::Junit];

/// What the bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// [`FORMAT`].
    bundle: String,
    /// The program that wrote it.
    tool: String,
    /// The target's name.
    target: String,
    /// When the run started.
    started: String,
    /// Whether JUnit counts warnings as failures.
    strict: bool,
    /// The other entries, in their order.
    files: Vec<Listed>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    bytes: u64,
    sha256: String,
}

/// SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
