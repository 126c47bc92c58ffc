//! Brings from upstream what one request is about: a superset of what it may see, for the mock's handlers to judge.

use std::sync::Arc;

use serde_json::Value;
use url::form_urlencoded;

use super::super::access::Interaction;
use super::super::bearer::Bearer;
use super::super::compartment::Bases;
use super::super::outcome::Problem;
use super::super::parameters;
use super::super::records::Shelf;
use super::super::store::{Resource, Store};
use super::carry::What;
use super::gather::{self, Link};
use super::judge::Asking;
use super::narrow::Narrowed;
use super::source::{Found, Upstream};
use super::split::Split;
use super::trouble::Trouble;
use crate::state::AppState;

/// So many versions of a resource are brought.
const VERSIONS: usize = 50;

/// What was brought.
#[derive(Debug, Default)]
pub(super) struct Brought {
    current: Vec<Value>,
    /// Versions by `Type/id`, oldest first; `None` where it was deleted.
    versions: Vec<(String, Option<Resource>)>,
    /// Criteria of a conditional write that upstream can be asked to judge again, since they are narrowed to what the token
    /// reaches.
    pub(super) narrowed: Option<String>,
    /// How upstream names the version of what was read, where the resource itself does not.
    pub(super) tag: Option<String>,
    /// There is more upstream than was brought.
    pub(super) is_cut: bool,
}

impl Brought {
    /// A shelf with nothing else on it.
    pub(super) fn onto_a_shelf(self, bases: Bases<'_>) -> Shelf {
        let mut records = Store::default();
        for body in self.current {
            // One that is there already came twice: a server may answer a search so.
            let _ = records.add_at(bases, body);
        }
        records.seal();
        let made = Shelf::new(Arc::new(records));
        for (key, version) in self.versions {
            let _ = made.write(&key, |_| Ok::<_, ()>((version.clone(), ())));
        }
        made
    }

    fn take(&mut self, kind: &str, id: &str, found: Found) {
        match found {
            Found::Here(body, tag) => {
                self.current.push(body);
                self.tag = tag;
            }
            Found::Gone => self.versions.push((format!("{kind}/{id}"), None)),
            Found::Nothing => {}
        }
    }
}

/// Brings what the request is about; `named` is the id that a conditional write names in its body.
pub(super) async fn bring(
    state: &AppState,
    upstream: &Upstream,
    bearer: &Bearer<'_>,
    what: &What,
    interaction: Interaction,
    named: Option<String>,
) -> Result<Brought, Problem> {
    let mut brought = Brought::default();
    match what {
        What::One { kind, id, version } => {
            let found = upstream.read(kind, id, version.as_deref()).await?;
            brought.take(kind, id, found);
        }
        What::History { kind, id } => history(state, upstream, kind, id, &mut brought).await?,
        What::Everything { id } => everything(state, upstream, bearer, id.as_deref(), &mut brought).await?,
        What::Where { kind, criteria } => {
            if let Some(id) = named.filter(|_| interaction == Interaction::Update) {
                let found = upstream.read(kind, &id, None).await?;
                brought.take(kind, &id, found);
            }
            candidates(state, upstream, bearer, (kind, criteria), &mut brought).await?;
        }
        What::New { .. } => {}
    }
    Ok(brought)
}

/// FHIR R4 "history": the newest version comes first.
async fn history(
    state: &AppState,
    upstream: &Upstream,
    kind: &str,
    id: &str,
    brought: &mut Brought,
) -> Result<(), Problem> {
    let at = format!("{kind}/{id}/_history?_count={VERSIONS}");
    let bundle = match upstream.page(&at).await {
        Err(Trouble::Refused { status: 404 | 410, .. }) => return Ok(()),
        told => told?,
    };
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut links = bundle["link"].as_array().into_iter().flatten();
    brought.is_cut = entries.len() > VERSIONS
        || links.any(|link| link["relation"] == "next")
        || bundle["total"]
            .as_u64()
            .is_some_and(|total| total > entries.len() as u64);
    for entry in entries.iter().take(VERSIONS).rev() {
        let body = &entry["resource"];
        if body.is_null() {
            brought.versions.push((format!("{kind}/{id}"), None));
        } else if body["resourceType"] == kind && body["id"] == id {
            brought
                .versions
                .push((format!("{kind}/{id}"), Resource::at(state.bases(), body.clone())));
        }
    }
    Ok(())
}

/// `$everything` is put together from searches, each narrowed to the patients: what upstream's own operation gives is
/// another thing with each server.
async fn everything(
    state: &AppState,
    upstream: &Upstream,
    bearer: &Bearer<'_>,
    id: Option<&str>,
    brought: &mut Brought,
) -> Result<(), Problem> {
    let view = bearer.view("Patient", Interaction::Read)?;
    let patients: Vec<String> = match (id, view.patients()) {
        (Some(id), _) => vec![id.to_owned()],
        (None, Some(patients)) => patients.into_iter().map(str::to_owned).collect(),
        (None, None) => {
            return Err(Problem::NotSupported {
                what: "$everything of all patients".to_owned(),
                base: state.fhir_base().into_owned(),
                status: http::StatusCode::NOT_FOUND,
            });
        }
    };
    for patient in &patients {
        let found = upstream.read("Patient", patient, None).await?;
        brought.take("Patient", patient, found);
    }
    // Whoever is not there, or not within reach, has nothing: the mock's handler says so.
    if !brought
        .current
        .iter()
        .filter_map(|body| Resource::at(state.bases(), body.clone()))
        .any(|patient| view.shows(&patient))
    {
        return Ok(());
    }
    let statement = upstream.statement().await?;
    for kind in parameters::types().filter(|kind| *kind != "Patient" && serves(&statement, kind)) {
        let Some(name) = ["patient", "subject"]
            .into_iter()
            .find(|name| parameters::find(kind, name).is_some())
        else {
            continue;
        };
        let Ok(view) = bearer.view(kind, Interaction::Read) else {
            continue;
        };
        let asking = Asking {
            state,
            bearer,
            view: &view,
            kind,
            includes: &[],
            strict: false,
        };
        let whose: Vec<_> = patients.iter().map(|patient| format!("Patient/{patient}")).collect();
        let criteria = [(name.to_owned(), whose.join(","))];
        let narrowed = Narrowed::of(&view, kind, &criteria, &state.fhir_base());
        let gathered = gather::gather(upstream, asking, &narrowed, &[]).await?;
        brought.is_cut |= gathered.is_cut;
        brought
            .current
            .extend(gathered.matches.into_iter().map(|one| (*one.body).clone()));
    }
    Ok(())
}

/// Whether upstream claims to have the type.
pub(super) fn serves(statement: &Value, kind: &str) -> bool {
    let resources = statement.pointer("/rest/0/resource").and_then(Value::as_array);
    resources.into_iter().flatten().any(|resource| resource["type"] == kind)
}

/// What a conditional write may find.
async fn candidates(
    state: &AppState,
    upstream: &Upstream,
    bearer: &Bearer<'_>,
    (kind, criteria): (&str, &str),
    brought: &mut Brought,
) -> Result<(), Problem> {
    let view = bearer.view(kind, Interaction::Search)?;
    let pairs = form_urlencoded::parse(criteria.as_bytes()).into_owned().collect();
    let split = Split::of(kind, pairs, &state.fhir_base(), true)?;
    let mut plain = split.plain;
    for chain in &split.query.chains {
        let (link, others) = gather::follow(state, upstream, bearer, kind, chain).await?;
        brought
            .current
            .extend(others.into_iter().map(|other| (*other.body).clone()));
        match link {
            Link::Plain(name, value) => plain.push((name, value)),
            Link::Nothing => return Ok(()),
        }
    }
    let asking = Asking {
        state,
        bearer,
        view: &view,
        kind,
        includes: &[],
        strict: true,
    };
    let narrowed = Narrowed::of(&view, kind, &plain, &state.fhir_base());
    let gathered = gather::gather(upstream, asking, &narrowed, &[]).await?;
    if gathered.is_cut {
        return Err(Trouble::Costly(gathered.looked).into());
    }
    brought
        .current
        .extend(gathered.matches.into_iter().map(|one| (*one.body).clone()));
    if let ([pairs], true) = (&narrowed.searches[..], narrowed.is_exact) {
        brought.narrowed = Some(upstream.query(pairs));
    }
    Ok(())
}

/// Asks upstream whether it is there, for whoever starts the mock.
pub(crate) async fn greeting(upstream: &Upstream) -> String {
    match upstream.statement().await {
        Ok(statement) => {
            let text = |path: &str| {
                statement
                    .pointer(path)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let version = text("/fhirVersion");
            let warning = if version.starts_with("4.") {
                ""
            } else {
                ": it is no FHIR R4, and its data may not be judged rightly"
            };
            format!(
                "{} {}, FHIR {version}{warning}",
                text("/software/name"),
                text("/software/version")
            )
        }
        Err(trouble) => format!("not there yet: {trouble}"),
    }
}
