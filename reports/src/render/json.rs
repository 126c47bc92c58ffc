//! `run.json`: the report itself, and its reader.

use crate::model::{Report, SCHEMA_VERSION};

/// Why a text is no `run.json` that this program can read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of this shape.
    #[error("not a run.json: {0}")]
    Shape(#[from] serde_json::Error),
    /// Written by a later version of this program, which knows more than this one.
    #[error(
        "run.json has schema version {was}, which is newer than {}, and says what this program does not know ({error}): \
         use the version that wrote it, or a later one",
        SCHEMA_VERSION
    )]
    Newer {
        /// What it says.
        was: String,
        /// What is unknown.
        error: serde_json::Error,
    },
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

/// Reads what [`render`] wrote, of this minor version or an older one; refuses another major version. A newer minor version
/// is read as long as it says nothing that is unknown here.
pub fn read(text: &str) -> Result<Report, ReadError> {
    // The version first: another shape would otherwise be reported as a missing field.
    let value: serde_json::Value = serde_json::from_str(text)?;
    let version = value.get("schema_version").and_then(serde_json::Value::as_str);
    let was = version.map(str::to_owned);
    if let Some(was) = &was
        && major(was) != major(SCHEMA_VERSION)
    {
        return Err(ReadError::Version {
            was: crate::plain::cut(was, 40),
        });
    }
    serde_json::from_value(value).map_err(|error| match was {
        Some(was) if minor(&was) > minor(SCHEMA_VERSION) => ReadError::Newer {
            was: crate::plain::cut(&was, 40),
            error,
        },
        _ => ReadError::Shape(error),
    })
}

fn minor(version: &str) -> u64 {
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
    minor.unwrap_or(0)
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
    fn an_older_minor_version_is_read_and_a_newer_one_says_that_it_is_newer() {
        let mut value = serde_json::to_value(report_of(vec![verdict("a/b", Status::Pass)])).unwrap();
        for older in ["1.0", SCHEMA_VERSION, "1.99"] {
            value["schema_version"] = older.into();
            assert_eq!(read(&value.to_string()).unwrap().schema_version, older);
        }
        value["run"]["mood"] = "good".into();
        let error = read(&value.to_string()).unwrap_err().to_string();
        assert!(
            error.contains("1.99, which is newer than") && error.contains("`mood`"),
            "{error}"
        );
        value["schema_version"] = SCHEMA_VERSION.into();
        assert!(matches!(read(&value.to_string()).unwrap_err(), ReadError::Shape(_)));
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
