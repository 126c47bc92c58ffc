//! Fetches all that upstream finds, page by page and within bounds, and keeps what may be seen.

use std::collections::HashSet;

use super::super::access::Interaction;
use super::super::bearer::Bearer;
use super::super::chain::Chain;
use super::super::outcome::Problem;
use super::super::store::Resource;
use super::judge::{Asking, Judged};
use super::narrow::Narrowed;
use super::source::Upstream;
use super::trouble::Trouble;
use crate::state::AppState;

/// So many resources of upstream's are looked at for one search.
const MOST: usize = 2000;
/// In pages of so many.
const PAGE: usize = 200;
/// And in so many pages, where upstream makes them smaller.
const PAGES: usize = 40;
/// So many resources can stand at the other end of a chain.
const CHAINED: usize = 200;

/// What was found and may be seen.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) matches: Vec<Resource>,
    pub(super) included: Vec<Resource>,
    /// So many resources of upstream's were looked at, whether they may be seen or not.
    pub(super) looked: usize,
    /// There is more upstream than was looked at.
    pub(super) is_cut: bool,
}

/// All that these searches find, each resource once.
pub(super) async fn gather(
    upstream: &Upstream,
    asking: Asking<'_>,
    narrowed: &Narrowed,
    beside: &[(String, String)],
) -> Result<Gathered, Trouble> {
    let mut gathered = Gathered::default();
    let mut seen = HashSet::new();
    for pairs in &narrowed.searches {
        let mut pairs = pairs.clone();
        pairs.extend_from_slice(beside);
        pairs.push(("_count".to_owned(), PAGE.to_string()));
        let first = upstream.search(asking.kind, &pairs, asking.strict).await?;
        let mut judged = asking.judge(first);
        let (mut looked, mut pages) = (0, 1);
        loop {
            looked += judged.matches.len() + judged.dropped;
            gathered.looked += judged.matches.len() + judged.dropped;
            let Judged {
                matches,
                included,
                next,
                leads_elsewhere,
                ..
            } = judged;
            gathered
                .matches
                .extend(matches.into_iter().filter(|one| seen.insert(one.key())));
            gathered.included.extend(included);
            gathered.is_cut |= leads_elsewhere;
            let Some(next) = next else { break };
            if looked >= MOST || pages >= PAGES {
                gathered.is_cut = true;
                break;
            }
            judged = asking.judge(upstream.page(&next).await?);
            pages += 1;
        }
    }
    gathered.included.retain(|one| seen.insert(one.key()));
    Ok(gathered)
}

/// All resources of a type that may be seen and meet these criteria; too many are refused.
pub(super) async fn all(
    state: &AppState,
    upstream: &Upstream,
    bearer: &Bearer<'_>,
    kind: &str,
    criteria: &[(String, String)],
) -> Result<Vec<Resource>, Trouble> {
    let Some(view) = bearer.view(kind, Interaction::Search).ok() else {
        return Ok(Vec::new());
    };
    let asking = Asking {
        state,
        bearer,
        view: &view,
        kind,
        includes: &[],
        strict: true,
    };
    let narrowed = Narrowed::of(&view, kind, criteria, &state.fhir_base());
    let gathered = gather(upstream, asking, &narrowed, &[]).await?;
    if gathered.is_cut {
        return Err(Trouble::Costly(gathered.looked));
    }
    Ok(gathered.matches)
}

/// What a chain comes to.
pub(super) enum Link {
    /// It can be said of the resource itself.
    Plain(String, String),
    /// Nothing meets it.
    Nothing,
}

/// Follows a chain as far as the bearer may see, and says it anew without the other end; gives what stands there, too.
pub(super) async fn follow(
    state: &AppState,
    upstream: &Upstream,
    bearer: &Bearer<'_>,
    kind: &str,
    chain: &Chain,
) -> Result<(Link, Vec<Resource>), Problem> {
    let criterion = [chain.asked().clone()];
    let others = all(state, upstream, bearer, chain.other(), &criterion).await?;
    let mut named: Vec<String> = if chain.is_reverse() {
        let prefix = format!("{kind}/");
        let references = others.iter().flat_map(|other| chain.references(other));
        references
            .filter_map(|to| to.strip_prefix(&prefix).map(str::to_owned))
            .collect()
    } else {
        others.iter().map(Resource::key).collect()
    };
    named.sort();
    named.dedup();
    if named.len() > CHAINED {
        return Err(Trouble::Costly(CHAINED).into());
    }
    if named.is_empty() {
        return Ok((Link::Nothing, others));
    }
    let name = if chain.is_reverse() { "_id" } else { chain.parameter() };
    Ok((Link::Plain(name.to_owned(), named.join(",")), others))
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        Self::Upstream(trouble)
    }
}
