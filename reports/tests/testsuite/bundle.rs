//! The evidence bundle: the same bytes for the same run, and nothing else is taken for one.

use std::io::{Cursor, Read as _, Write as _};

use reports::bundle::{self, BundleError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::every_outcome;

const TOOL: &str = "launchproof 0.1.0";

fn whole() -> Vec<u8> {
    bundle::write(&every_outcome(), false)
}

/// Its entries, to be changed and packed again.
fn unpacked() -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(whole())).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let mut text = Vec::new();
            entry.read_to_end(&mut text).unwrap();
            (entry.name().unwrap().into_owned(), text)
        })
        .collect()
}

fn packed(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    packed_as(entries, CompressionMethod::Deflated)
}

fn packed_as(entries: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method))
            .unwrap();
        zip.write_all(text).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn refused(bytes: &[u8]) -> BundleError {
    bundle::verify(bytes, TOOL).expect_err("it is no whole bundle")
}

#[test]
fn the_same_run_gives_the_same_bytes_and_they_verify() {
    let bytes = whole();
    assert_eq!(bytes, whole());
    let verified = bundle::verify(&bytes, TOOL).unwrap();
    assert_eq!(verified.report, every_outcome());
    assert_eq!(verified.written_by, None);
    assert_eq!(verified.manifest_sha256.len(), 64);
    let names: Vec<String> = unpacked().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["manifest.json", "run.json", "report.html", "evidence.har", "junit.xml"]
    );
    let other = bundle::verify(&bytes, "launchproof 9.9.9").unwrap();
    assert_eq!(other.written_by.as_deref(), Some(TOOL));
    assert!(bundle::verify(&bundle::write(&every_outcome(), true), TOOL).is_ok());
}

#[test]
fn what_is_altered_missing_or_extra_is_refused() {
    for at in 1..5 {
        let mut entries = unpacked();
        entries[at].1.push(b' ');
        assert!(matches!(refused(&packed(&entries)), BundleError::Altered { name, .. } if name == entries[at].0));
    }
    for at in 0..5 {
        let mut entries = unpacked();
        let (name, _) = entries.remove(at);
        assert_eq!(refused(&packed(&entries)), BundleError::Missing(name));
    }
    let mut entries = unpacked();
    entries.push(("notes.txt".to_owned(), b"x".to_vec()));
    assert_eq!(refused(&packed(&entries)), BundleError::Extra("notes.txt".to_owned()));
    for name in [
        "../run.json",
        "/etc/passwd",
        "..\\run.json",
        "C:\\x",
        "a/b",
        "./run.json",
    ] {
        let mut entries = unpacked();
        entries.push((name.to_owned(), b"x".to_vec()));
        let error = refused(&packed(&entries));
        assert!(matches!(error, BundleError::Path(_)), "{name}: {error}");
    }
}

/// Whoever writes the manifest anew is found out by this version, since the other files follow from `run.json`.
#[test]
fn a_rewritten_manifest_does_not_hide_a_change() {
    for (at, was, now) in [
        (2, "Does not conform", "Does conform"),
        (1, "\"status\": \"fail\"", "\"status\": \"pass\""),
    ] {
        let mut entries = unpacked();
        let changed = String::from_utf8(entries[at].1.clone()).unwrap().replace(was, now);
        assert_ne!(changed.as_bytes(), entries[at].1);
        let mut manifest: serde_json::Value = serde_json::from_slice(&entries[0].1).unwrap();
        manifest["files"][at - 1]["bytes"] = changed.len().into();
        manifest["files"][at - 1]["sha256"] = sha256(changed.as_bytes()).into();
        entries[at].1 = changed.into_bytes();
        entries[0].1 = serde_json::to_vec(&manifest).unwrap();
        let bytes = packed(&entries);
        assert!(matches!(refused(&bytes), BundleError::NotOfTheRun(_)));
        assert!(
            bundle::verify(&bytes, "launchproof 9.9.9").is_ok(),
            "another version cannot know"
        );
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A library that reads the last of two entries with one name would show another report than one that reads the first.
#[test]
fn an_entry_that_is_there_twice_is_refused() {
    let honest = whole();
    let mut entries = unpacked();
    entries[4].1 = b"<testsuites/>".to_vec();
    // The name is changed to one that occurs already, in its local header and in the central directory.
    entries.push(("junit.xmm".to_owned(), b"<other/>".to_vec()));
    let mut bytes = packed(&entries);
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(9).position(|window| window == b"junit.xmm") {
        bytes[at + found..at + found + 9].copy_from_slice(b"junit.xml");
        at += found + 9;
    }
    let error = refused(&bytes);
    assert!(matches!(error, BundleError::Hidden(_) | BundleError::Zip(_)), "{error}");
    // Bytes before, after and within.
    let mut before = b"MZ".to_vec();
    before.extend(&honest);
    let mut after = honest.clone();
    after.extend(b"more");
    for bytes in [before, after] {
        let error = refused(&bytes);
        assert!(matches!(error, BundleError::Hidden(_) | BundleError::Zip(_)), "{error}");
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let mut entries = unpacked();
    entries[2].1 = vec![b' '; 257 * 1024 * 1024];
    let bytes = packed(&entries);
    assert!(bytes.len() < 2_000_000);
    assert_eq!(refused(&bytes), BundleError::Bomb("report.html".to_owned()));
    assert!(matches!(refused(&vec![0; 65 * 1024 * 1024]), BundleError::Large { .. }));
}

#[test]
fn other_things_are_no_bundle() {
    for bytes in [&b""[..], b"PK", b"<html>", &[0xff; 400]] {
        assert!(matches!(refused(bytes), BundleError::Zip(_)));
    }
    assert!(matches!(
        refused(&packed_as(&unpacked(), CompressionMethod::Stored)),
        BundleError::Kind { .. }
    ));
    let mut entries = unpacked();
    entries[0].1 = b"{}".to_vec();
    assert!(matches!(refused(&packed(&entries)), BundleError::Manifest(_)));
    let whole = whole();
    for end in (0..whole.len()).step_by(997) {
        refused(&whole[..end]);
    }
    for at in (0..whole.len()).step_by(499) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        // A changed byte is an error, or one that no reader looks at (a date, a permission): never another content.
        if let Ok(verified) = bundle::verify(&bytes, TOOL) {
            assert_eq!(verified.report, every_outcome());
        }
    }
}

/// The head of the manifest is shown to whoever opens the zip, and no hash covers it.
#[test]
fn a_changed_head_of_the_manifest_is_found() {
    let mut entries = unpacked();
    let target = every_outcome().target.name;
    let manifest = String::from_utf8(entries[0].1.clone()).unwrap();
    let changed = manifest.replace(&format!("\"target\": \"{target}\""), "\"target\": \"another\"");
    assert_ne!(changed, manifest);
    entries[0].1 = changed.into_bytes();
    assert_eq!(refused(&packed(&entries)), BundleError::NotOfTheRun("manifest.json"));
}
