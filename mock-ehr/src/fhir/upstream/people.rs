//! The people whom the launcher and the pickers offer, asked of upstream: for the EHR's own pages, so nothing is narrowed
//! but to whom the user may open.

use serde_json::Value;

use super::super::people::{self, PatientSummary};
use super::super::store::Store;
use super::carry::is_id;
use super::source::{Found, Upstream};
use super::trouble::Trouble;
use crate::state::AppState;

/// So many problems and encounters of the people on a page are read.
const DETAILS: &str = "200";

/// People who fit a search, with their records as far as a page shows them.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// Patients, and where asked for, their conditions and encounters.
    pub(crate) data: Store,
    /// How many more fit; `None` where upstream does not say.
    pub(crate) hidden: Option<usize>,
}

impl Listed {
    /// How many more fit, in a word.
    pub(crate) fn hidden_in_words(&self) -> String {
        self.hidden.map_or_else(|| "some".to_owned(), |count| count.to_string())
    }

    /// Whether more fit than are shown.
    pub(crate) fn hides(&self) -> bool {
        self.hidden != Some(0)
    }
}

/// Whom to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Words of a name, birth dates, or an id.
    pub(crate) find: &'a str,
    /// Only these; everybody, where it is `None`.
    pub(crate) among: Option<&'a [String]>,
    /// So many at most.
    pub(crate) most: usize,
}

/// The people who fit.
pub(crate) async fn listed(upstream: &Upstream, wanted: Wanted<'_>) -> Result<Listed, Trouble> {
    let mut listed = Listed {
        data: Store::default(),
        hidden: Some(0),
    };
    if wanted.among.is_some_and(<[String]>::is_empty) {
        return Ok(listed);
    }
    let mut pairs = words(wanted.find);
    if let Some(among) = wanted.among {
        pairs.push(("_id".to_owned(), among.join(",")));
    }
    pairs.push(("_count".to_owned(), wanted.most.to_string()));
    pairs.push(("_total".to_owned(), "accurate".to_owned()));
    let bundle = upstream.search("Patient", &pairs, false).await?;
    let mut shown = 0;
    for patient in resources(&bundle, "Patient") {
        let may = wanted
            .among
            .is_none_or(|among| among.iter().any(|id| patient["id"] == *id));
        if may && shown < wanted.most && listed.data.add_at(upstream.bases(), patient.clone()).is_ok() {
            shown += 1;
        }
    }
    let is_last = !bundle["link"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|link| link["relation"] == "next");
    let total = bundle["total"].as_u64().and_then(|total| usize::try_from(total).ok());
    listed.hidden = match total {
        Some(total) => Some(total.saturating_sub(shown)),
        None if is_last => Some(0),
        None => None,
    };
    let word = wanted.find.trim();
    let may = wanted.among.is_none_or(|among| among.iter().any(|id| id == word));
    if shown == 0 && may && is_id(word) {
        add(upstream, &mut listed.data, "Patient", word).await?;
    }
    Ok(listed)
}

/// Adds one more patient, who is shown whatever was searched for.
pub(crate) async fn with_chosen(upstream: &Upstream, listed: &mut Listed, id: &str) -> Result<(), Trouble> {
    if is_id(id) && listed.data.get("Patient", id).is_none() {
        add(upstream, &mut listed.data, "Patient", id).await?;
    }
    Ok(())
}

/// Adds what tells people apart: their problems and encounters. Without them the page is poorer, and no more.
pub(crate) async fn with_details(upstream: &Upstream, listed: &mut Listed) {
    let ids: Vec<_> = listed.data.all("Patient").map(|patient| patient.id.clone()).collect();
    if ids.is_empty() {
        return;
    }
    let pairs = [
        ("patient".to_owned(), ids.join(",")),
        ("_count".to_owned(), DETAILS.to_owned()),
    ];
    for kind in ["Condition", "Encounter"] {
        let Ok(bundle) = upstream.search(kind, &pairs, false).await else {
            continue;
        };
        for resource in resources(&bundle, kind) {
            // One that is there already came twice.
            let _ = listed.data.add_at(upstream.bases(), resource.clone());
        }
    }
}

/// The patient of this id, if there is one.
pub(crate) async fn patient(upstream: &Upstream, id: &str) -> Result<Option<PatientSummary>, Trouble> {
    let mut data = Store::default();
    if is_id(id) {
        add(upstream, &mut data, "Patient", id).await?;
    }
    Ok(data.patients().first().cloned())
}

/// The name of the patient of this id; the id, where upstream does not tell.
pub(crate) async fn name_of(state: &AppState, id: &str) -> String {
    let Some(upstream) = state.upstream() else {
        return people::name_of(state.data(), id);
    };
    let known = patient(upstream, id).await.ok().flatten();
    known.map_or_else(|| id.to_owned(), |patient| patient.name)
}

/// The latest encounter of a patient, if upstream tells of one.
pub(crate) async fn latest_encounter(upstream: &Upstream, patient: &str) -> Option<String> {
    let pairs = [("patient", patient), ("_sort", "-date"), ("_count", "50")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bundle = upstream.search("Encounter", &pairs, false).await.ok()?;
    let mut data = Store::default();
    for encounter in resources(&bundle, "Encounter") {
        let _ = data.add_at(upstream.bases(), encounter.clone());
    }
    let found = people::encounters(&data, patient).into_iter().next();
    found.map(|encounter| encounter.id)
}

/// The patient and the encounter that a launch names.
pub(crate) async fn of_launch(
    upstream: &Upstream,
    patient: Option<&str>,
    encounter: Option<&str>,
) -> Result<Store, Trouble> {
    let mut data = Store::default();
    for (kind, id) in [("Patient", patient), ("Encounter", encounter)] {
        if let Some(id) = id.filter(|id| is_id(id)) {
            add(upstream, &mut data, kind, id).await?;
        }
    }
    Ok(data)
}

async fn add(upstream: &Upstream, data: &mut Store, kind: &str, id: &str) -> Result<(), Trouble> {
    if let Found::Here(body, _) = upstream.read(kind, id, None).await? {
        let _ = data.add_at(upstream.bases(), body);
    }
    Ok(())
}

fn resources<'b>(bundle: &'b Value, kind: &'static str) -> impl Iterator<Item = &'b Value> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries
        .map(|entry| &entry["resource"])
        .filter(move |resource| resource["resourceType"] == kind)
}

/// Dates are birth dates, everything else stands in the name.
fn words(find: &str) -> Vec<(String, String)> {
    let escaped = |word: &str| {
        word.replace('\\', r"\\")
            .replace(',', r"\,")
            .replace('$', r"\$")
            .replace('|', r"\|")
    };
    find.split_whitespace()
        .map(|word| {
            let name = if is_date(word) { "birthdate" } else { "name" };
            (name.to_owned(), escaped(word))
        })
        .collect()
}

/// `1966`, `1966-03`, `1966-03-14`
fn is_date(word: &str) -> bool {
    let digits = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = word.split('-');
    parts.next().is_some_and(|year| digits(year, 4)) && parts.clone().count() <= 2 && parts.all(|part| digits(part, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_names_or_birth_dates() {
        let pairs = words("Ada 1966-03  O,Neil 1966-3 12345");
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            pairs,
            [
                "name=Ada",
                "birthdate=1966-03",
                r"name=O\,Neil",
                "name=1966-3",
                "name=12345"
            ]
        );
    }
}
