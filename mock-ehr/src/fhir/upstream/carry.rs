//! Reads, writes, history and `$everything`: judged by the mock's own handlers, on records that were brought for the request.
//!
//! First the token and its scopes are judged: upstream is asked nothing for whom the answer would be a refusal anyway. Then
//! what the request is about is brought, the mock's handler answers as though it were its own, and what it wrote goes
//! upstream, for the version that was judged.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method};
use http_body_util::LengthLimitError;
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::super::access::Interaction;
use super::super::bearer::Bearer;
use super::super::conditional::IF_NONE_EXIST;
use super::super::outcome::Problem;
use super::super::records::Shelf;
use super::super::store::Store;
use super::super::write::Written;
use super::super::{own_entries, parameters};
use super::Scratch;
use super::bring::{Brought, bring};
use super::commit::commit;
use super::trouble::Trouble;
use crate::state::AppState;

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// One resource, to be read or written.
    One {
        kind: String,
        id: String,
        version: Option<String>,
    },
    /// All versions of one.
    History { kind: String, id: String },
    /// Everything of one patient, or of all that are reached.
    Everything { id: Option<String> },
    /// Whatever meets these criteria.
    Where { kind: String, criteria: String },
    /// Nothing that is there already.
    New { kind: String },
}

/// How large the body of a write may be.
const LARGEST: usize = 2 * 1024 * 1024;

/// Every address that is no search.
pub(crate) async fn carry(State(state): State<AppState>, request: Request) -> Response {
    let state = asked_once(&state, request.headers());
    carried(&state, request)
        .await
        .unwrap_or_else(|problem| problem.answer(&state))
}

/// The same mock for one request, whose token is looked up once.
pub(super) fn asked_once(state: &AppState, headers: &HeaderMap) -> AppState {
    state.with_scratch(Arc::new(Scratch {
        shelf: Shelf::new(Arc::new(Store::default())),
        is_cut: false,
        access: state.access(headers),
    }))
}

async fn carried(state: &AppState, request: Request) -> Result<Response, Problem> {
    let Some(upstream) = state.upstream() else {
        return Err(Problem::Broken);
    };
    let interaction = interaction(request.method());
    let what = what(&request);
    let (head, body) = request.into_parts();
    // Of whom nothing is accepted, nothing is read.
    let bearer = Bearer::of(state, &head.headers)?;
    let body = to_bytes(body, LARGEST).await.map_err(unread)?;
    let patience = upstream.patience() * 2;
    let brought = match what.filter(|what| may_ask(&bearer, what, interaction)) {
        Some(what) => {
            let named = named(&what, &body);
            timeout(patience, bring(state, upstream, &bearer, &what, interaction, named))
                .await
                .map_err(|_| Trouble::Late(patience))??
        }
        None => Brought::default(),
    };
    let criteria = brought.narrowed.clone();
    let tag = brought.tag.clone();
    let judged = state.with_scratch(Arc::new(Scratch {
        is_cut: brought.is_cut,
        shelf: brought.onto_a_shelf(state.bases()),
        access: state
            .scratch()
            .map_or_else(|| state.access(&head.headers), |scratch| scratch.access.clone()),
    }));
    let method = head.method.clone();
    // What the outer router noted of the address stays with it: the inner one would count it twice.
    let mut request = Request::new(Body::from(body.clone()));
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    let answered: Result<Response, _> = own_entries().with_state(judged.clone()).oneshot(request).await;
    let Ok(response) = answered;
    let Some(Written { key, .. }) = response.extensions().get::<Written>().cloned() else {
        return Ok(response);
    };
    let named = serde_json::from_slice::<Value>(&body).ok();
    let named = named.as_ref().and_then(|body| body["id"].as_str());
    let write = super::commit::Write {
        key: &key,
        is_new: method == Method::POST || named.is_none_or(|id| !key.ends_with(&format!("/{id}"))),
        criteria,
        tag,
        interaction,
    };
    timeout(patience, commit(&judged, upstream, &bearer, write, response))
        .await
        .map_err(|_| Trouble::Late(patience))?
}

fn unread(error: axum::Error) -> Problem {
    let error = error.into_inner();
    if error.is::<LengthLimitError>() {
        Problem::TooLarge(LARGEST)
    } else {
        Problem::Body(error.to_string())
    }
}

fn interaction(method: &Method) -> Interaction {
    match *method {
        Method::POST => Interaction::Create,
        Method::PUT | Method::PATCH => Interaction::Update,
        Method::DELETE => Interaction::Delete,
        _ => Interaction::Read,
    }
}

/// What the address names. Types and ids that are none are asked of nobody: the mock's handler says so.
fn what(request: &Request) -> Option<What> {
    let path = request.uri().path();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (kind, rest) = parts.split_first()?;
    let kind = parameters::of(kind).map(|_| (*kind).to_owned())?;
    let id = |id: &str| is_id(id).then(|| id.to_owned());
    Some(match rest {
        [] => {
            let criteria = if request.method() == Method::POST {
                let field = request.headers().get(IF_NONE_EXIST)?;
                Some(field.to_str().ok()?)
            } else {
                request.uri().query()
            };
            match criteria.filter(|criteria| !criteria.is_empty()) {
                Some(criteria) => What::Where {
                    kind,
                    criteria: criteria.to_owned(),
                },
                None => What::New { kind },
            }
        }
        ["$everything"] => What::Everything { id: None },
        [one, "$everything"] => What::Everything { id: Some(id(one)?) },
        [one, "_history"] => What::History { kind, id: id(one)? },
        [one, "_history", version] => What::One {
            kind,
            id: id(one)?,
            version: Some(id(version)?),
        },
        [one] => What::One {
            kind,
            id: id(one)?,
            version: None,
        },
        _ => return None,
    })
}

/// FHIR R4 datatypes, "id". One of dots alone would be a step in a path.
pub(crate) fn is_id(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (1..=64).contains(&text.len()) && text.bytes().all(legal) && !text.bytes().all(|byte| byte == b'.')
}

/// Whether the scopes allow it at all, and reach anything.
fn may_ask(bearer: &Bearer<'_>, what: &What, interaction: Interaction) -> bool {
    let reaches = |kind: &str, interaction| {
        let view = bearer.view(kind, interaction);
        view.is_ok_and(|view| !view.reaches().is_empty())
    };
    match what {
        What::One { kind, .. } | What::History { kind, .. } => reaches(kind, interaction),
        What::Everything { .. } => reaches("Patient", Interaction::Read),
        What::Where { kind, .. } => reaches(kind, interaction) && reaches(kind, Interaction::Search),
        What::New { .. } => false,
    }
}

/// The id that the body of a conditional write names.
fn named(what: &What, body: &Bytes) -> Option<String> {
    let What::Where { .. } = what else { return None };
    let body: Value = serde_json::from_slice(body).ok()?;
    body["id"].as_str().filter(|id| is_id(id)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_and_ids_go_into_an_address() {
        let asked = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::empty());
            what(&request.expect(path))
        };
        let one = |id: &str, version: Option<&str>| What::One {
            kind: "Patient".to_owned(),
            id: id.to_owned(),
            version: version.map(str::to_owned),
        };
        assert_eq!(asked(Method::GET, "/Patient/a-1.b"), Some(one("a-1.b", None)));
        assert_eq!(asked(Method::GET, "/Patient/a/_history/2"), Some(one("a", Some("2"))));
        assert_eq!(
            asked(Method::PUT, "/Patient"),
            Some(What::New {
                kind: "Patient".to_owned()
            })
        );
        for path in [
            "/Patient/..",
            "/Patient/.",
            "/Patient/$match",
            "/Patient/%2e%2e",
            "/Patient/a%2Fb",
            "/Patient/a/_history/..",
            "/Nothing/a",
            "/metadata",
            "/Patient/a/b/c/d",
        ] {
            assert_eq!(asked(Method::GET, path), None, "{path}");
        }
    }
}
