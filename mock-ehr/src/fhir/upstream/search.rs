//! Search upstream, by GET and by POST, with pages that are bound to the token.
//!
//! Where upstream can be asked for exactly what the token reaches, its pages are handed on, judged. Everywhere else all that
//! it finds is fetched within bounds, judged, and cut into pages here: a page that is empty because something was taken out
//! of it would tell that there is something.
//!
//! FHIR R4, "search": <https://hl7.org/fhir/R4/http.html#search>

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::bundle::{self, Found};
use super::super::outcome::{self, Problem};
use super::super::query::{self, Query};
use super::super::records::Records;
use super::super::search::{self, Search};
use super::super::store::Resource;
use super::carry;
use super::gather::{self, Gathered, Link};
use super::judge::{self, Asking, Judged};
use super::narrow::Narrowed;
use super::page::{self, Page};
use super::source::Upstream;
use super::split::Split;
use super::trouble::Trouble;
use crate::state::AppState;

/// Of a page that comes out empty, so many of the following are looked at.
const EMPTY: usize = 10;

/// `GET {base}/{type}?…`
pub(crate) async fn get(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    within(&state, path.ok(), query.as_deref(), None, &headers).await
}

/// `POST {base}/{type}/_search`
pub(crate) async fn post(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    within(&state, path.ok(), query.as_deref(), Some(body), &headers).await
}

async fn within(
    state: &AppState,
    path: Option<Path<String>>,
    query: Option<&str>,
    body: Option<Result<Bytes, BytesRejection>>,
    headers: &HeaderMap,
) -> Response {
    let state = carry::asked_once(state, headers);
    let answered = async {
        let Some(upstream) = state.upstream() else {
            return Err(Problem::Broken);
        };
        let patience = upstream.patience() * 2;
        let asked = match search::asked(&state, path, query, body, headers)? {
            search::Asked::Answered(response) => return Ok(response),
            search::Asked::Search(asked) => asked,
        };
        let answer = answer(&state, upstream, &asked, query::is_strict(headers));
        let bundle = timeout(patience, answer).await.map_err(|_| Trouble::Late(patience))??;
        Ok(outcome::resource(StatusCode::OK, &bundle))
    };
    answered.await.unwrap_or_else(|problem| problem.answer(&state))
}

async fn answer(state: &AppState, upstream: &Upstream, asked: &Search<'_>, strict: bool) -> Result<Value, Problem> {
    let kind = asked.kind.as_str();
    let binding = format!("{kind}\n{}", asked.bearer.binding());
    if let Some((_, sealed)) = asked.pairs.iter().find(|(name, _)| name == page::NAME) {
        let page = upstream.seal.open(sealed, &binding).ok_or(Problem::Page)?;
        let query = Query::parse(kind, page.asked.clone().into_iter(), &state.fhir_base(), false)?;
        let asking = asking(state, asked, &query, false);
        return further(upstream, asking, &query, page, &binding, sealed).await;
    }
    let mut split = Split::of(kind, asked.pairs.clone(), &state.fhir_base(), strict)?;
    let names: Vec<&str> = split.plain.iter().map(|(name, _)| word(name)).collect();
    search::repeats_constraints(state, kind, &names, &asked.view)?;
    let mut plain = split.plain.clone();
    let mut nothing = false;
    for chain in &split.query.chains {
        match gather::follow(state, upstream, &asked.bearer, kind, chain).await?.0 {
            Link::Plain(name, value) => plain.push((name, value)),
            Link::Nothing => nothing = true,
        }
    }
    let mut narrowed = Narrowed::of(&asked.view, kind, &plain, &state.fhir_base());
    if nothing {
        narrowed.searches.clear();
    }
    let mut beside = split.beside();
    split.query.understood.splice(0..0, split.plain.clone());
    let query = &split.query;
    let asking = asking(state, asked, query, strict);
    if narrowed.is_whole && query.page.is_none() && !nothing {
        return counted(upstream, asking, query, &narrowed.searches[0]).await;
    }
    if let (true, Some(size), 0, [pairs]) = (narrowed.is_exact, query.page, query.offset, &narrowed.searches[..]) {
        let mut pairs = pairs.clone();
        pairs.extend(beside.iter().cloned());
        pairs.push(("_count".to_owned(), size.to_string()));
        if let Some((_, value)) = query.understood.iter().find(|(name, _)| name == "_total") {
            pairs.push(("_total".to_owned(), value.clone()));
        }
        let judged = asking.judge(upstream.search(kind, &pairs, strict).await?);
        if judged.dropped == 0 && judged.matches.len() <= size {
            let total = match judged.total {
                Some(total) if narrowed.is_whole => Some(total),
                // What upstream counts is not believed where something is kept from the bearer.
                _ => (judged.next.is_none() && !judged.leads_elsewhere).then_some(judged.matches.len() as u64),
            };
            let own = link(state, kind, &query.understood, Some(size));
            return Ok(told(upstream, asking, query, judged, total, &binding, &own));
        }
    }
    if query.page.is_none() {
        beside.clear();
    }
    let gathered = gather::gather(upstream, asking, &narrowed, &beside).await?;
    Ok(cut(asking, query, &gathered, narrowed.searches.len() > 1))
}

fn asking<'a>(state: &'a AppState, asked: &'a Search<'a>, query: &'a Query, strict: bool) -> Asking<'a> {
    Asking {
        state,
        bearer: &asked.bearer,
        view: &asked.view,
        kind: &asked.kind,
        includes: &query.includes,
        strict,
    }
}

fn word(name: &str) -> &str {
    name.split_once(':').map_or(name, |(word, _)| word)
}

/// How many there are, for a bearer from whom nothing is kept.
async fn counted(
    upstream: &Upstream,
    asking: Asking<'_>,
    query: &Query,
    pairs: &[(String, String)],
) -> Result<Value, Problem> {
    let mut pairs = pairs.to_vec();
    pairs.push(("_summary".to_owned(), "count".to_owned()));
    let bundle = upstream.search(asking.kind, &pairs, asking.strict).await?;
    let total = bundle["total"].as_u64().ok_or(Trouble::Strange("no count"))?;
    let own = link(asking.state, asking.kind, &query.understood, None);
    Ok(json!({
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": "self", "url": own}],
    }))
}

/// A page whose link upstream made. One that comes out empty is passed over, since it would only tell what was left out.
async fn further(
    upstream: &Upstream,
    asking: Asking<'_>,
    query: &Query,
    page: Page,
    binding: &str,
    sealed: &str,
) -> Result<Value, Problem> {
    let mut judged = asking.judge(upstream.page(&page.at).await.map_err(|trouble| match trouble {
        // Servers keep their pages for a while only.
        Trouble::Refused { status: 404 | 410, .. } => Problem::Page,
        trouble => trouble.into(),
    })?);
    for _ in 0..EMPTY {
        let Some(next) = judged.next.as_ref().filter(|_| judged.matches.is_empty()) else {
            break;
        };
        let next = next.clone();
        judged = asking.judge(upstream.page(&next).await?);
    }
    let own = link(
        asking.state,
        asking.kind,
        &[(page::NAME.to_owned(), sealed.to_owned())],
        None,
    );
    Ok(told(upstream, asking, query, judged, None, binding, &own))
}

/// A page as upstream cut it.
fn told(
    upstream: &Upstream,
    asking: Asking<'_>,
    query: &Query,
    judged: Judged,
    total: Option<u64>,
    binding: &str,
    own: &str,
) -> Value {
    let state = asking.state;
    let matches: Vec<&Resource> = judged.matches.iter().collect();
    let included = judge::connected(&state.fhir_base(), &matches, &judged.included);
    let mut links = vec![json!({"relation": "self", "url": own})];
    for (relation, at) in [("next", judged.next), ("previous", judged.previous)] {
        let sealed = at.and_then(|at| {
            let asked = query
                .understood
                .iter()
                .filter(|(name, _)| is_kept(name))
                .cloned()
                .collect();
            upstream.seal.close(&Page { at, asked }, binding, state.chance())
        });
        if let Some(sealed) = sealed {
            let url = link(state, asking.kind, &[(page::NAME.to_owned(), sealed)], None);
            links.push(json!({"relation": relation, "url": url}));
        }
    }
    let mut remarks = query.ignored.clone();
    if judged.leads_elsewhere {
        remarks.push(ELSEWHERE.to_owned());
    }
    let mut bundle = bundle::page(&state.fhir_base(), &query.subset, &matches, &included, &remarks);
    if let Some(total) = total {
        bundle["total"] = json!(total);
    }
    bundle["link"] = Value::Array(links);
    bundle
}

const ELSEWHERE: &str = "the link to the next page, since it leads away from the FHIR server behind this one: start this one with the address that the other calls itself by";

/// What of a search the mock itself has to know on later pages.
fn is_kept(name: &str) -> bool {
    ["_include", "_revinclude", "_elements", "_summary"].contains(&word(name))
}

/// A page cut here.
fn cut(asking: Asking<'_>, query: &Query, gathered: &Gathered, is_merged: bool) -> Value {
    let base = &*asking.state.fhir_base();
    let mut matches: Vec<&Resource> = gathered.matches.iter().collect();
    if is_merged {
        search::sort(&mut matches, query, &Records::default());
    }
    let total = matches.len();
    let page: Vec<&Resource> = matches
        .into_iter()
        .skip(query.offset)
        .take(query.page.unwrap_or_default())
        .collect();
    let included = judge::connected(base, &page, &gathered.included);
    let found = Found {
        total,
        page: &page,
        included: &included,
    };
    let mut bundle = bundle::searchset(base, asking.kind, query, &found);
    if gathered.is_cut
        && let Some(members) = bundle.as_object_mut()
    {
        members.remove("total");
        let text = format!(
            "only the first {} resources that the FHIR server behind this one found were looked at; narrow the search",
            gathered.looked
        );
        let remark =
            json!({"resource": outcome::outcome("warning", "incomplete", &text), "search": {"mode": "outcome"}});
        let entries = members.entry("entry").or_insert_with(|| json!([]));
        if let Some(entries) = entries.as_array_mut() {
            entries.push(remark);
        }
    }
    bundle
}

fn link(state: &AppState, kind: &str, pairs: &[(String, String)], count: Option<usize>) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs);
    if let Some(count) = count {
        text.append_pair("_count", &count.to_string());
    }
    let text = text.finish();
    let question = if text.is_empty() { "" } else { "?" };
    format!("{}/{kind}{question}{text}", &state.fhir_base())
}
