//! Readers that are not ours, which `tests/readers/install` puts into `.peers`. Where they are missing, a test says so
//! loudly and does nothing, unless LAUNCHPROOF_REQUIRE_PEERS is set, as CI does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The JSON Schema of SARIF 2.1.0, as OASIS and Microsoft publish it.
pub(crate) fn sarif_schema() -> Option<Value> {
    let path = peer("readers/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json")?;
    let text = std::fs::read_to_string(path).expect("the schema can be read");
    // A stray bracket, which ECMA-262 takes and our library does not.
    let (stray, mended) = (r"[a-zA-Z]{2}]?$", r"[a-zA-Z]{2}\\]?$");
    assert!(text.contains(stray));
    Some(serde_json::from_str(&text.replace(stray, mended)).expect("the schema is JSON"))
}

/// What PyPI junitparser understood of each, after the XSD of Jenkins' xunit plugin found nothing.
pub(crate) fn junit(texts: &[String]) -> Option<Value> {
    let xsd = peer("readers-venv/junit-10.xsd")?;
    python("junit", &[&xsd.to_string_lossy()], texts)
}

/// What PyPI haralyzer understood of each, after npm har-validator found nothing.
pub(crate) fn har(texts: &[String]) -> Option<Value> {
    let packages = peer("readers/node_modules")?;
    let mut node = Command::new("node");
    node.arg(script("har.mjs"))
        .arg(packages.parent().expect("it has a parent"));
    assert_eq!(run(node, texts), "", "npm har-validator");
    python("har", &[], texts)
}

/// What PyPI fhir.resources understood of each.
pub(crate) fn testreport(texts: &[String]) -> Option<Value> {
    python("testreport", &[], texts)
}

fn python(name: &str, arguments: &[&str], texts: &[String]) -> Option<Value> {
    let mut python = Command::new(peer("readers-venv/bin/python")?);
    python.arg(script("read.py")).arg(name).args(arguments);
    Some(serde_json::from_str(&run(python, texts)).expect("it prints JSON"))
}

fn run(mut command: Command, texts: &[String]) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the reader starts");
    let mut stdin = child.stdin.take().expect("it was asked for");
    let input = serde_json::to_vec(texts).expect("texts are JSON");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the reader ends");
    // Who does not read to the end says why on standard error.
    let _ = writer.join();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let tail: String = errors
        .chars()
        .rev()
        .take(3_000)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    assert!(output.status.success(), "{command:?} refused it: {out}{tail}");
    out
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers").join(name)
}

fn peer(path: &str) -> Option<PathBuf> {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.peers").join(path);
    if whole.exists() {
        return Some(whole);
    }
    let why = format!("{path} is not installed: run reports/tests/readers/install");
    assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_PEERS").is_none(), "{why}");
    crate::skipped(&why);
    None
}
