//! The answer to a search: a Bundle with its links.
//!
//! FHIR R4, Bundle: <https://hl7.org/fhir/R4/bundle.html>

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::outcome;
use super::query::Query;
use super::store::Resource;
use super::subset::Subset;

/// What a search found.
pub(crate) struct Found<'a> {
    /// How many resources match, on all pages.
    pub(crate) total: usize,
    /// Those of this page.
    pub(crate) page: &'a [&'a Resource],
    /// What includes add to them.
    pub(crate) included: &'a [&'a Resource],
}

/// A page of results.
pub(crate) fn searchset(base: &str, kind: &str, query: &Query, found: &Found<'_>) -> Value {
    let mut bundle = page(base, &query.subset, found.page, found.included, &query.ignored);
    bundle["total"] = json!(found.total);
    bundle["link"] = Value::Array(links(base, kind, query, found));
    bundle
}

/// The entries of a page, without total and links.
pub(crate) fn page(
    base: &str,
    subset: &Subset,
    page: &[&Resource],
    included: &[&Resource],
    ignored: &[String],
) -> Value {
    let mut entries: Vec<Value> = page.iter().map(|one| entry(base, subset, one, "match")).collect();
    let subset = subset.of_included();
    entries.extend(included.iter().map(|one| entry(base, &subset, one, "include")));
    if !ignored.is_empty() {
        let warning = outcome::outcome("warning", "not-supported", &format!("ignored: {}", ignored.join("; ")));
        entries.push(json!({"resource": warning, "search": {"mode": "outcome"}}));
    }
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset"});
    // FHIR R4 forbids empty arrays.
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    bundle
}

fn entry(base: &str, subset: &Subset, resource: &Resource, mode: &str) -> Value {
    let part = resource.body.look(|body| subset.part(body));
    json!({
        "fullUrl": format!("{base}/{}", resource.key()),
        "resource": part.unwrap_or_else(|| json!(resource.body)),
        "search": {"mode": mode},
    })
}

fn links(base: &str, kind: &str, query: &Query, found: &Found<'_>) -> Vec<Value> {
    let link = |relation: &str, offset: usize| {
        let mut text = Serializer::new(String::new());
        text.extend_pairs(&query.understood);
        if let Some(page) = query.page {
            text.append_pair("_count", &page.to_string());
        }
        if offset > 0 {
            text.append_pair("_offset", &offset.to_string());
        }
        let text = text.finish();
        let question = if text.is_empty() { "" } else { "?" };
        json!({"relation": relation, "url": format!("{base}/{kind}{question}{text}")})
    };
    let mut links = vec![link("self", query.offset)];
    let Some(page) = query.page else { return links };
    let next = query.offset.saturating_add(page);
    if next < found.total {
        links.push(link("next", next));
    }
    if query.offset > 0 {
        links.push(link("previous", query.offset.saturating_sub(page)));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::store::Store;

    fn bundle(text: &str) -> Value {
        let base = "http://ehr.example/fhir";
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned();
        let query = Query::parse("Patient", pairs, base, false).expect(text);
        let all: Vec<_> = Store::embedded().all("Patient").collect();
        let page: Vec<_> = all
            .iter()
            .copied()
            .skip(query.offset)
            .take(query.page.unwrap_or(0))
            .collect();
        searchset(
            base,
            "Patient",
            &query,
            &Found {
                total: all.len(),
                page: &page,
                included: &[],
            },
        )
    }

    fn relations(bundle: &Value) -> Vec<String> {
        let links = bundle["link"].as_array().expect("links");
        links
            .iter()
            .map(|link| format!("{} {}", link["relation"], link["url"]).replace('"', ""))
            .collect()
    }

    #[test]
    fn pages_are_linked() {
        let first = bundle("_count=6&gender=female");
        assert_eq!(
            relations(&first),
            [
                "self http://ehr.example/fhir/Patient?gender=female&_count=6",
                "next http://ehr.example/fhir/Patient?gender=female&_count=6&_offset=6"
            ]
        );
        assert_eq!(first["entry"].as_array().map(Vec::len), Some(6));
        assert_eq!(
            first["entry"][0]["fullUrl"],
            "http://ehr.example/fhir/Patient/patient-a"
        );
        let last = relations(&bundle("_count=6&_offset=12"));
        assert_eq!(last.len(), 2);
        assert!(last[1].starts_with("previous") && last[1].ends_with("_offset=6"));
        assert_eq!(relations(&bundle("_offset=18446744073709551615")).len(), 2);
    }

    #[test]
    fn an_empty_page_has_no_entry_and_what_was_ignored_is_said() {
        assert_eq!(bundle("_count=0").get("entry"), None);
        assert_eq!(bundle("_count=0")["total"], bundle("")["total"]);
        let entries = bundle("shoe-size=4");
        let last = entries["entry"]
            .as_array()
            .and_then(|entries| entries.last())
            .expect("an outcome");
        assert_eq!(last["search"]["mode"], "outcome");
        assert!(!relations(&entries)[0].contains("shoe"));
    }
}
