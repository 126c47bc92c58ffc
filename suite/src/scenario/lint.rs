//! What can be said of scenarios before anything is sent: words that exist, levels that are allowed, refusals that have
//! a control, placeholders that have a value.

use std::collections::{BTreeMap, BTreeSet};

use reports::model::Level;
use serde_json::Value;

use super::fault::{has_fault, judges_a_refusal};
use super::load::{Loaded, ScenarioError};
use super::model::{Given, Scenario};
use super::needs;
use super::place::Problem;
use super::requirement::{Actor, Requirement};
use super::versions::{self, VERSIONS};
use super::{Check, Step};
use crate::value::{ROOTS, Template, nearest};

/// Everything wrong with these scenarios.
pub fn lint(
    all: &[Loaded],
    requirements: &BTreeMap<String, Requirement>,
    versions: &versions::Table,
) -> Vec<ScenarioError> {
    all.iter()
        .flat_map(|loaded| one(loaded, requirements, versions))
        .collect()
}

fn one(
    loaded: &Loaded,
    requirements: &BTreeMap<String, Requirement>,
    versions: &versions::Table,
) -> Vec<ScenarioError> {
    let scenario = &loaded.scenario;
    let mut problems = Vec::new();
    words(scenario, &mut problems);
    cited(scenario, requirements, &mut problems);
    raised(scenario, requirements, &mut problems);
    for wrong in versions::disagreements(scenario, requirements, versions) {
        problems.push(Problem::key(&["applies", "requirements"], wrong));
    }
    refusals(scenario, &mut problems);
    without_user(scenario, &mut problems);
    names(loaded, &mut problems);
    problems.into_iter().map(|problem| problem.in_file(loaded)).collect()
}

fn words(scenario: &Scenario, problems: &mut Vec<Problem>) {
    if scenario.title.trim().is_empty() || scenario.about.trim().is_empty() {
        problems.push(Problem::key(&["title"], "`title` and `about` must say something"));
    }
    if scenario.then.is_empty() {
        problems.push(Problem::key(
            &["then"],
            "`then` is empty: a scenario that checks nothing always passes",
        ));
    }
    if scenario.when.is_empty() && matches!(scenario.given, Given::Nothing | Given::Discovered) {
        problems.push(Problem::key(
            &["when", "given"],
            "`when` is empty, and nothing was done before",
        ));
    }
    let of_cases = scenario.cases.values().flat_map(|case| &case.needs);
    for need in scenario.needs.iter().chain(of_cases) {
        if !needs::is_known(need) {
            let near = nearest(need, needs::WORDS.iter().map(|(word, _)| *word));
            problems.push(Problem::word(need, format!("there is no need `{need}`{near}")));
        }
    }
    for version in &scenario.applies {
        if !VERSIONS.contains(&version.as_str()) {
            problems.push(Problem::word(
                version,
                format!("`applies` names `{version}`; the versions are {}", VERSIONS.join(", ")),
            ));
        }
    }
}

fn cited(scenario: &Scenario, requirements: &BTreeMap<String, Requirement>, problems: &mut Vec<Problem>) {
    if scenario.requirements.is_empty() {
        problems.push(Problem::key(
            &["requirements"],
            "`requirements` is empty: which rule is this?",
        ));
    }
    let mut highest = None;
    for id in &scenario.requirements {
        match requirements.get(id) {
            None => {
                let near = nearest(id, requirements.keys().map(String::as_str));
                problems.push(Problem::word(id, format!("there is no requirement `{id}`{near}")));
            }
            Some(row) if row.actor != Actor::Client => highest = highest.max(Some(strength(row.level))),
            // A duty of the client gives at most a warning about the server.
            Some(row) => highest = highest.max(Some(strength(row.level).min(1))),
        }
    }
    if let Some(highest) = highest
        && strength(scenario.level) > highest
    {
        problems.push(Problem::key(
            &["level"],
            format!(
                "the level {} is above that of every server duty that it cites; a level too high is a false alarm",
                scenario.level.as_str()
            ),
        ));
    }
}

/// `bcp` is above `level`, and not above the rows of RFC 9700 that are cited.
fn raised(scenario: &Scenario, requirements: &BTreeMap<String, Requirement>, problems: &mut Vec<Problem>) {
    let Some(bcp) = scenario.bcp else { return };
    let rows = scenario
        .requirements
        .iter()
        .filter(|id| id.starts_with(super::raise::DOCUMENT));
    let highest = rows
        .filter_map(|id| requirements.get(id))
        .filter(|row| row.actor != Actor::Client)
        .map(|row| strength(row.level))
        .max();
    if strength(bcp) <= strength(scenario.level) || highest.is_none_or(|highest| strength(bcp) > highest) {
        problems.push(Problem::key(
            &["bcp"],
            format!(
                "`bcp` {} must be above `level`, and not above the rows of RFC 9700 that are cited; a level too high is a \
                 false alarm",
                bcp.as_str()
            ),
        ));
    }
}

/// May, should, shall: 0, 1, 2.
pub(super) fn strength(level: Level) -> u8 {
    match level {
        Level::Shall | Level::ShallNot => 2,
        Level::Should | Level::ShouldNot => 1,
        Level::May => 0,
    }
}

fn refusals(scenario: &Scenario, problems: &mut Vec<Problem>) {
    let checks = scenario
        .then
        .iter()
        .chain(scenario.allow.iter().flat_map(|allowed| &allowed.then));
    let judges_refusal = checks.clone().any(|check| matches!(check, Check::RefusedBy(_)));
    if judges_refusal && scenario.control.is_empty() && !scenario.when.iter().any(has_fault) {
        problems.push(Problem::key(
            &["then"],
            "it judges a refusal, but its fault is not an override: add `control:`, the correct steps whose acceptance \
             makes the refusal count",
        ));
    }
    let is_looked_at = scenario.then.iter().any(judges_a_refusal);
    if !scenario.control.is_empty() && !is_looked_at {
        problems.push(Problem::key(
            &["control"],
            "this control is never made: nothing under `then` judges a refusal; take it away, or require under `provided:` \
             what has to be accepted",
        ));
    }
    if judges_refusal && scenario.clients == super::model::Clients::None {
        problems.push(Problem::key(
            &["clients"],
            "it judges a refusal without any client, so no control can be made",
        ));
    }
    let redeems = scenario.when.iter().any(|step| matches!(step, Step::Exchange(_)));
    let authorizes = scenario
        .when
        .iter()
        .any(|step| matches!(step, Step::Authorize(_) | Step::Interleaved(_) | Step::Flow(_)));
    if redeems && !authorizes && matches!(scenario.given, Given::Nothing | Given::Discovered) {
        problems.push(Problem::key(
            &["when"],
            "`exchange` has no code to redeem: begin with `given: authorized`",
        ));
    }
}

/// A backend service has no user: whoever is sent to the authorization endpoint as one is refused for that.
fn without_user(scenario: &Scenario, problems: &mut Vec<Problem>) {
    let walks = |step: &Step| matches!(step, Step::Authorize(_) | Step::Interleaved(_) | Step::Flow(_));
    let steps = scenario.when.iter().chain(&scenario.control);
    if scenario.clients == super::model::Clients::Backend && steps.clone().any(walks) {
        problems.push(Problem::key(
            &["when", "control"],
            "`authorize` with a backend service, which has no user and no redirect_uri: any refusal comes for that",
        ));
    }
}

/// Placeholders, labels and `of:`.
fn names(loaded: &Loaded, problems: &mut Vec<Problem>) {
    let scenario = &loaded.scenario;
    let Ok(raw) = serde_saphyr::from_str::<serde_json::Value>(&loaded.text) else {
        return;
    };
    let mut labels: BTreeSet<String> = BTreeSet::from(["given".to_owned(), "other".to_owned()]);
    let mut texts = Vec::new();
    let mut references = Vec::new();
    for part in [
        "when", "control", "provided", "then", "allow", "clean_up", "with", "cases",
    ] {
        walk(&raw[part], &mut labels, &mut references, &mut texts);
    }
    labels.extend(Step::WORDS.iter().map(|word| (*word).to_owned()));
    for label in references {
        if !labels.contains(&label) {
            let near = nearest(&label, labels.iter().map(String::as_str));
            problems.push(Problem::word(&label, format!("no step is labelled `{label}`{near}")));
        }
    }
    for text in texts {
        let Ok(template) = Template::parse(&text) else { continue };
        for name in template.names() {
            if let Some(problem) = unknown_name(scenario, &labels, name) {
                problems.push(Problem::word(&text, format!("in `{text}`: {problem}")));
            }
        }
    }
}

fn unknown_name(scenario: &Scenario, labels: &BTreeSet<String>, name: &str) -> Option<String> {
    let (before, rest) = name.split_once('.').unwrap_or(("", name));
    match before {
        "case" => {
            let lacking = scenario.cases.iter().find(|(_, case)| !case.set.contains_key(rest));
            match lacking {
                Some((row, _)) => Some(format!("the case `{row}` does not set `{rest}`")),
                None if scenario.cases.is_empty() => Some("there are no cases".to_owned()),
                None => None,
            }
        }
        "" if ROOTS.contains(&rest) => None,
        "" => Some(format!(
            "there is no placeholder `{rest}`{}",
            nearest(rest, ROOTS.iter().copied())
        )),
        label if labels.contains(label) => (!ROOTS.contains(&rest))
            .then(|| format!("`{label}` has no `{rest}`{}", nearest(rest, ROOTS.iter().copied()))),
        label => Some(format!(
            "no step is labelled `{label}`{}",
            nearest(label, labels.iter().map(String::as_str))
        )),
    }
}

fn walk(value: &Value, labels: &mut BTreeSet<String>, references: &mut Vec<String>, texts: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("as", Value::String(label)) => {
                        labels.insert(label.clone());
                    }
                    ("of" | "launch_of" | "pushed" | "again", Value::String(label)) => {
                        let word = matches!(
                            label.as_str(),
                            "own"
                                | "other"
                                | "other_public"
                                | "other_symmetric"
                                | "other_asymmetric"
                                | "other_backend"
                                | "registered"
                                | "code"
                                | "access_token"
                                | "refresh_token"
                        );
                        if !word {
                            references.push(label.clone());
                        }
                    }
                    ("of", Value::Array(many)) => {
                        references.extend(many.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("note" | "title" | "needs", _) => {}
                    (_, value) => walk(value, labels, references, texts),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, labels, references, texts)),
        Value::String(text) => texts.push(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
