//! `_format`: the server writes JSON, and says so to who wants anything else.
//!
//! FHIR R4, "Content Types and encodings": <https://hl7.org/fhir/R4/http.html#mime-type>

use super::outcome::Problem;

/// Judges the `_format` of a query, if it has one.
pub(crate) fn check(query: Option<&str>) -> Result<(), Problem> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    for (name, value) in pairs {
        if name == "_format" {
            accept(&value)?;
        }
    }
    Ok(())
}

/// Does the query ask for a format?
pub(crate) fn is_asked(query: Option<&str>) -> bool {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.any(|(name, value)| name == "_format" && !value.is_empty())
}

/// Judges one value of `_format`.
pub(crate) fn accept(value: &str) -> Result<(), Problem> {
    // A plus sign that was not encoded arrives as a blank.
    let plain = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .replace(' ', "+")
        .to_ascii_lowercase();
    match plain.as_str() {
        "" | "json" | "application/json" | "application/fhir+json" | "text/json" => Ok(()),
        _ => Err(Problem::Format { was: value.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_every_spelling_is_accepted() {
        for query in [
            "",
            "_format=json",
            "_format=application/fhir+json",
            "_format=application%2Ffhir%2Bjson",
            "x=y",
        ] {
            assert_eq!(check(Some(query)), Ok(()), "{query}");
        }
        assert!(check(Some("_format=xml")).is_err());
    }
}
