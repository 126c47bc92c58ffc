//! The patients whom the launcher page offers, with what tells them apart, and their encounters.

use jiff::Timestamp;

use crate::fhir::people::{self, EncounterSummary, PatientSummary};
use crate::fhir::store::Store;
use crate::fhir::upstream::people::{self as upstream_people, Listed, Wanted};
use crate::fhir::upstream::{Trouble, Upstream};
use crate::launch::choices::Choices;
use crate::state::AppState;

/// So many are shown at once; a search finds the others.
const MOST: usize = 50;

/// Of so many patients a search looks at the problems too; of more that would take too long.
const FEW: usize = 500;

/// One line of the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) initials: String,
    pub(super) birth_date: String,
    pub(super) gender: String,
    pub(super) age: String,
    pub(super) problems: String,
    /// All that a search looks at.
    pub(super) words: String,
    pub(super) chosen: bool,
}

/// The encounters of one patient.
pub(super) struct Visits {
    pub(super) patient: String,
    pub(super) name: String,
    pub(super) encounters: Vec<Visit>,
}

pub(super) struct Visit {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// What the page shows of patients.
#[derive(Default)]
pub(super) struct People {
    pub(super) rows: Vec<Row>,
    pub(super) visits: Vec<Visits>,
    /// How many more fit; nothing where all are shown.
    pub(super) hidden: Option<String>,
    /// Why nobody can be offered.
    pub(super) down: Option<String>,
}

impl People {
    /// Those who fit the search, and the chosen one: of the mock's own people, or of upstream's.
    pub(super) async fn found(state: &AppState, find: &str, choices: &Choices) -> Self {
        let Some(upstream) = state.upstream() else {
            return Self::of(state.data(), state.now(), find, choices);
        };
        match asked(upstream, find, &choices.patient).await {
            Ok(listed) => Self {
                hidden: listed.hides().then(|| listed.hidden_in_words()),
                ..Self::of(&listed.data, state.now(), "", choices)
            },
            Err(trouble) => Self {
                down: Some(trouble.to_string()),
                ..Self::default()
            },
        }
    }

    fn of(data: &Store, now: Timestamp, find: &str, choices: &Choices) -> Self {
        let (rows, hidden) = rows(data, now, find, &choices.patient);
        Self {
            visits: visits(data, &rows, &choices.encounter),
            rows,
            hidden: (hidden > 0).then(|| hidden.to_string()),
            down: None,
        }
    }
}

async fn asked(upstream: &Upstream, find: &str, chosen: &str) -> Result<Listed, Trouble> {
    let wanted = Wanted {
        find,
        among: None,
        most: MOST,
    };
    let mut listed = upstream_people::listed(upstream, wanted).await?;
    upstream_people::with_chosen(upstream, &mut listed, chosen).await?;
    upstream_people::with_details(upstream, &mut listed).await;
    Ok(listed)
}

/// Those who fit the search, and the chosen one; and how many more would fit.
fn rows(data: &Store, now: Timestamp, find: &str, chosen: &str) -> (Vec<Row>, usize) {
    let find = find.to_lowercase();
    // `2026-11-24T10:00:00Z`
    let today: String = now.to_string().chars().take(10).collect();
    let all = data.patients();
    let deep = all.len() <= FEW;
    let fits = |patient: &PatientSummary| {
        let mut words = words_of(patient);
        let has_all = |words: &str| find.split_whitespace().all(|word| words.contains(word));
        if !has_all(&words) && deep {
            words.push_str(&problems(data, patient).to_lowercase());
        }
        has_all(&words)
    };
    let (mut shown, mut hidden) = (Vec::new(), 0);
    for patient in all {
        let is_chosen = patient.id == chosen;
        if is_chosen || fits(patient) {
            if is_chosen || shown.len() < MOST {
                shown.push(row(data, patient, &today, is_chosen));
            } else {
                hidden += 1;
            }
        }
    }
    (shown, hidden)
}

/// The encounters of these patients.
fn visits(data: &Store, patients: &[Row], chosen: &str) -> Vec<Visits> {
    let of = |row: &Row| Visits {
        patient: row.id.clone(),
        name: row.name.clone(),
        encounters: people::encounters(data, &row.id)
            .into_iter()
            .map(|encounter| visit(encounter, chosen))
            .collect(),
    };
    patients
        .iter()
        .map(of)
        .filter(|of_one| !of_one.encounters.is_empty())
        .collect()
}

fn visit(encounter: EncounterSummary, chosen: &str) -> Visit {
    let EncounterSummary { id, date, reason } = encounter;
    Visit {
        chosen: id == chosen,
        label: format!("{date} · {reason} · {id}"),
        id,
    }
}

fn problems(data: &Store, patient: &PatientSummary) -> String {
    let problems = people::problems(data, &patient.id);
    problems.into_iter().take(2).collect::<Vec<_>>().join(", ")
}

fn words_of(patient: &PatientSummary) -> String {
    let PatientSummary {
        id,
        name,
        birth_date,
        gender,
    } = patient;
    format!("{name} {birth_date} {id} {gender} ").to_lowercase()
}

fn row(data: &Store, patient: &PatientSummary, today: &str, chosen: bool) -> Row {
    let problems = problems(data, patient);
    let parts = patient.name.split_whitespace();
    let first = parts.clone().next().and_then(|part| part.chars().next());
    let last = parts.skip(1).last().and_then(|part| part.chars().next());
    let mut words = words_of(patient);
    words.push_str(&problems.to_lowercase());
    Row {
        id: patient.id.clone(),
        name: patient.name.clone(),
        initials: first.into_iter().chain(last).collect(),
        birth_date: patient.birth_date.clone(),
        gender: patient.gender.clone(),
        age: age(&patient.birth_date, today),
        problems,
        words,
        chosen,
    }
}

/// In whole years, or for small children in months.
fn age(birth_date: &str, today: &str) -> String {
    let parse = |text: &str| text.parse::<jiff::civil::Date>().ok();
    let (Some(born), Some(today)) = (parse(birth_date), parse(today)) else {
        return String::new();
    };
    let months = (i32::from(today.year()) - i32::from(born.year())) * 12 + i32::from(today.month())
        - i32::from(born.month())
        - i32::from(today.day() < born.day());
    match months {
        ..0 => String::new(),
        0..24 => format!("{months} months"),
        _ => format!("{} years", months / 12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_change_on_the_birthday() {
        assert_eq!(age("1966-03-14", "2026-03-13"), "59 years");
        assert_eq!(age("1966-03-14", "2026-03-14"), "60 years");
        assert_eq!(age("2025-11-30", "2026-11-24"), "11 months");
        assert_eq!(age("1966", "2026-03-14"), "");
    }

    #[test]
    fn a_search_looks_at_every_word_and_keeps_the_chosen_one() {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        let found = |find: &str, chosen: &str| {
            let (rows, _) = rows(Store::embedded(), now, find, chosen);
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(found("SAMPLETON 1966", ""), ["patient-a"]);
        assert_eq!(found("1966-03-14", "patient-b"), ["patient-a", "patient-b"]);
        assert!(found("nobody at all", "").is_empty());
        assert!(found("hyperlipidemia", "").contains(&"patient-a".to_owned()));
        assert!(found("", "").len() >= 12);
    }
}
