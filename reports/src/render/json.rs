//! `run.json`: the report itself, and its reader.

use crate::model::{Report, SCHEMA_VERSION};

/// Why a text is no `run.json` that this program can read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of this shape.
    #[error("not a run.json: {0}")]
    Shape(#[from] serde_json::Error),
    /// Written by a program whose reports have another shape.
    #[error(
        "run.json has schema version {was}, and this program reads {}: use the program that wrote it",
        SCHEMA_VERSION
    )]
    Version {
        /// What it says.
        was: String,
    },
}

/// The report as JSON, indented, with a line feed at the end.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has string keys and finite numbers only");
    text.push('\n');
    text
}

/// Reads what [`render`] wrote; refuses another major version.
pub fn read(text: &str) -> Result<Report, ReadError> {
    // The version first: another shape would otherwise be reported as a missing field.
    let value: serde_json::Value = serde_json::from_str(text)?;
    if let Some(was) = value.get("schema_version").and_then(serde_json::Value::as_str)
        && major(was) != major(SCHEMA_VERSION)
    {
        return Err(ReadError::Version {
            was: crate::plain::cut(was, 40),
        });
    }
    Ok(serde_json::from_value(value)?)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::sample::{report_of, verdict};

    #[test]
    fn what_is_written_is_read_back() {
        let report = report_of(vec![verdict("a/b", Status::Pass)]);
        assert_eq!(read(&render(&report)).unwrap(), report);
    }

    #[test]
    fn another_major_version_is_refused_before_its_shape() {
        let error = read("{\"schema_version\": \"2.0\"}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "run.json has schema version 2.0, and this program reads 1.1: use the program that wrote it"
        );
        assert!(matches!(read("<html>").unwrap_err(), ReadError::Shape(_)));
        assert!(matches!(read("{}").unwrap_err(), ReadError::Shape(_)));
    }
}
