//! Rewrites addresses between the mock and the server upstream, in both directions.

use serde_json::Value;
use url::Url;

/// The two bases, neither with a slash at the end.
#[derive(Debug, Clone)]
pub(super) struct Links {
    own: String,
    upstream: String,
}

impl Links {
    pub(super) fn new(own: &str, upstream: &str) -> Self {
        Self {
            own: own.to_owned(),
            upstream: upstream.to_owned(),
        }
    }

    /// What upstream says, with the mock's addresses: wherever they stand, in a reference, a link or a narrative.
    pub(super) fn inward(&self, value: &mut Value) {
        walk(value, &self.upstream, &self.own);
    }

    /// What the app says, with upstream's addresses.
    pub(super) fn outward(&self, value: &mut Value) {
        walk(value, &self.own, &self.upstream);
    }

    /// The same of one text.
    pub(super) fn outward_text(&self, text: &str) -> String {
        replaced(text, &self.own, &self.upstream).unwrap_or_else(|| text.to_owned())
    }

    /// The same of one text that upstream says.
    pub(super) fn inward_text(&self, text: &str) -> String {
        replaced(text, &self.upstream, &self.own).unwrap_or_else(|| text.to_owned())
    }

    /// What of a link lies below upstream's base, as `Type?query`; nothing where it leads elsewhere.
    pub(super) fn below(&self, link: &str) -> Option<String> {
        let base = Url::parse(&format!("{}/", self.upstream)).ok()?;
        // The base itself may be named without the slash that makes it a folder.
        let link = match link.strip_prefix(self.upstream.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with('?') => format!("{}/{rest}", self.upstream),
            _ => link.to_owned(),
        };
        let url = base.join(&link).ok()?;
        let same = url.origin() == base.origin() && url.username().is_empty() && url.password().is_none();
        let path = url.path().strip_prefix(base.path()).filter(|_| same)?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{path}{query}"))
    }
}

fn walk(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => {
            if let Some(new) = replaced(text, from, to) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, from, to)),
        Value::Object(members) => members.values_mut().for_each(|member| walk(member, from, to)),
        _ => {}
    }
}

/// The text with one base for the other; nothing where it does not name it.
fn replaced(text: &str, from: &str, to: &str) -> Option<String> {
    let mut made: Option<String> = None;
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let after = &rest[at + from.len()..];
        // `http://host/fhir2` is another server than `http://host/fhir`.
        let ends = !after.starts_with(|next: char| next.is_alphanumeric() || "-_.~%:@".contains(next));
        let made = made.get_or_insert_default();
        made.push_str(&rest[..at]);
        made.push_str(if ends { to } else { from });
        rest = after;
    }
    let mut made = made?;
    made.push_str(rest);
    Some(made)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn links() -> Links {
        Links::new("http://ehr.example/fhir", "https://data.example:8443/r4")
    }

    #[test]
    fn addresses_change_wherever_they_stand_and_back_again() {
        let upstream = json!({
            "subject": {"reference": "https://data.example:8443/r4/Patient/a"},
            "performer": [{"reference": "Practitioner/b"}, {"reference": "https://data.example:8443/r42/Practitioner/b"}],
            "text": {"div": "<a href=\"https://data.example:8443/r4/Patient/a\">a</a> https://data.example:8443/r4."},
            "content": [{"attachment": {"url": "https://data.example:8443/r4/Binary/1"}}],
            "base": "https://data.example:8443/r4",
            "n": 1,
        });
        let mut changed = upstream.clone();
        links().inward(&mut changed);
        assert_eq!(changed["subject"]["reference"], "http://ehr.example/fhir/Patient/a");
        assert_eq!(changed["performer"], upstream["performer"]);
        assert_eq!(
            changed["content"][0]["attachment"]["url"],
            "http://ehr.example/fhir/Binary/1"
        );
        assert_eq!(changed["base"], "http://ehr.example/fhir");
        assert!(
            changed["text"]["div"]
                .as_str()
                .unwrap()
                .starts_with("<a href=\"http://ehr.example/fhir/Patient/a\">")
        );
        links().outward(&mut changed);
        assert_eq!(changed, upstream);
    }

    #[test]
    fn only_links_below_the_base_are_followed() {
        for (link, below) in [
            (
                "https://data.example:8443/r4?_getpages=abc&_count=2",
                "?_getpages=abc&_count=2",
            ),
            ("https://data.example:8443/r4/?_getpages=abc", "?_getpages=abc"),
            ("https://data.example:8443/r4/Patient?page=2", "Patient?page=2"),
            ("Patient?page=2", "Patient?page=2"),
            ("?ct=x", "?ct=x"),
        ] {
            assert_eq!(links().below(link).as_deref(), Some(below), "{link}");
        }
        for elsewhere in [
            "https://evil.example/r4/Patient?page=2",
            "https://data.example/r4/Patient",
            "http://data.example:8443/r4/Patient",
            "https://data.example:8443/other/Patient",
            "https://data.example:8443/r4/../admin",
            "https://user@data.example:8443/r4/Patient",
            "//evil.example/r4/",
            "file:///etc/passwd",
        ] {
            assert_eq!(links().below(elsewhere), None, "{elsewhere}");
        }
    }
}
