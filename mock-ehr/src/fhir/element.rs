//! Finds elements of a resource by dotted paths, arrays flattened on the way.

use serde_json::Value;

/// Every element at `path` (`participant.actor`), in document order.
pub(crate) fn at<'a>(body: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![body];
    for step in path.split('.') {
        found = found
            .into_iter()
            .filter_map(|value| value.get(step))
            .flat_map(each)
            .collect();
    }
    found
}

/// The references at `path`: `Patient/patient-a`.
pub(crate) fn references<'a>(body: &'a Value, path: &str) -> impl Iterator<Item = &'a str> {
    at(body, path)
        .into_iter()
        .filter_map(|value| value.get("reference")?.as_str())
}

/// The text at `path`, if there is one.
pub(crate) fn text<'a>(body: &'a Value, path: &str) -> Option<&'a str> {
    at(body, path).first()?.as_str()
}

fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arrays_are_flattened_at_every_step() {
        let body = json!({"name": [{"given": ["A", "B"]}, {"given": ["C"]}, {"family": "D"}]});
        assert_eq!(at(&body, "name.given"), [&json!("A"), &json!("B"), &json!("C")]);
        assert!(at(&body, "name.given.x").is_empty());
        assert!(at(&body, "nothing.at.all").is_empty());
    }

    #[test]
    fn references_are_read() {
        let body = json!({"target": [{"reference": "Patient/a"}, {"display": "no reference"}]});
        assert_eq!(references(&body, "target").collect::<Vec<_>>(), ["Patient/a"]);
    }
}
