//! Sends upstream what a request wrote, for the version that was judged, and answers with what upstream made of it.

use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::super::access::{Interaction, View};
use super::super::bearer::Bearer;
use super::super::element;
use super::super::outcome::Problem;
use super::super::store::Resource;
use super::super::write::{not_found, told as answer_of};
use super::source::{Call, Told, Upstream};
use super::trouble::Trouble;
use crate::state::AppState;

/// What was written.
pub(super) struct Write<'a> {
    /// `Type/id`
    pub(super) key: &'a str,
    /// Upstream chooses the id, if nothing was there.
    pub(super) is_new: bool,
    /// Criteria under which nothing may have come between.
    pub(super) criteria: Option<String>,
    /// How upstream named the version that was judged, where the resource does not.
    pub(super) tag: Option<String>,
    pub(super) interaction: Interaction,
}

/// Sends it; `response` is what the mock would answer.
pub(super) async fn commit(
    judged: &AppState,
    upstream: &Upstream,
    bearer: &Bearer<'_>,
    write: Write<'_>,
    response: Response,
) -> Result<Response, Problem> {
    let records = judged.records();
    let versions = records.versions(write.key);
    let Some((Some(kind), latest)) = versions
        .last()
        .map(|latest| (write.key.split_once('/').map(|(kind, _)| kind), latest))
    else {
        return Err(Problem::Broken);
    };
    let before = versions.iter().rev().nth(1).copied().flatten();
    // Without either the write is not guarded: such a server keeps no versions, and nothing could tell them apart.
    let tag = before.and_then(|before| {
        let version = element::text(&before.body, "meta.versionId");
        version.map(|version| format!("W/\"{version}\"")).or(write.tag)
    });
    let Some(made) = latest else {
        return deleted(upstream, write.key, tag, response).await;
    };
    let call = match before {
        Some(_) => {
            let call = Call::write(Method::PUT, write.key, Some(plain(&made.body)));
            match tag {
                Some(tag) => call.if_match(tag),
                None => call,
            }
        }
        None if write.is_new => {
            let mut body = plain(&made.body);
            if let Some(members) = body.as_object_mut() {
                members.remove("id");
            }
            let call = Call::write(Method::POST, kind, Some(body));
            match write.criteria {
                Some(criteria) if write.interaction == Interaction::Create => call.if_none_exist(criteria),
                _ => call,
            }
        }
        None => Call::write(Method::PUT, write.key, Some(plain(&made.body))).if_none(),
    };
    let told = upstream.ask(call).await?;
    // FHIR R4 "update": 201 is the answer where it made the resource. A server that knows no If-None-Match has replaced what
    // came between: whoever reads this is not told that all is well.
    if before.is_none() && !write.is_new && told.status.is_success() && told.status != StatusCode::CREATED {
        return Err(Trouble::Replaced.into());
    }
    let view = bearer.view(kind, write.interaction)?;
    let id = before
        .map(|before| before.id.as_str())
        .or((!write.is_new).then_some(made.id.as_str()));
    written(judged, told, made, id, &view)
}

/// What upstream is to keep: version and time are its own.
fn plain(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty()
            && let Some(members) = body.as_object_mut()
        {
            members.remove("meta");
        }
    }
    body
}

fn written(state: &AppState, told: Told, made: &Resource, id: Option<&str>, view: &View) -> Result<Response, Problem> {
    let status = told.status;
    if !status.is_success() {
        return Err(refused(told, &made.kind, &made.id));
    }
    let (location, tag) = (told.location.clone(), told.tag.clone());
    let returned = told.body.filter(|body| body["resourceType"] == *made.kind);
    let returned = returned.and_then(|body| Resource::at(state.bases(), body));
    let is_meant = |one: &Resource| id.is_none_or(|id| id == one.id);
    if let Some(returned) = returned.filter(|one| is_meant(one) && view.shows(one)) {
        return Ok(answer_of(state, status, &returned));
    }
    // It says little: what was sent is what there is, at the place that it names.
    let place = location.as_deref().and_then(|location| placed(location, &made.kind));
    let version = tag.map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned());
    let at = id
        .map(str::to_owned)
        .or_else(|| place.as_ref().map(|(id, _)| id.clone()));
    let Some(at) = at else {
        return Err(Trouble::Strange("a success that does not say what was made").into());
    };
    let mut body = (*made.body).clone();
    body["id"] = json!(at);
    let Some(version) = version.or_else(|| place.and_then(|(_, version)| version)) else {
        let mut response = status.into_response();
        let address = format!("{}/{}/{at}", state.fhir_base(), made.kind);
        if let Ok(address) = HeaderValue::from_str(&address) {
            response.headers_mut().insert(LOCATION, address);
        }
        return Ok(response);
    };
    body["meta"]["versionId"] = json!(version);
    let made = Resource::at(state.bases(), body).ok_or(Trouble::Strange("no resource"))?;
    Ok(answer_of(state, status, &made))
}

/// Id and version of `…/Type/id/_history/version`.
fn placed(location: &str, kind: &str) -> Option<(String, Option<String>)> {
    let (_, rest) = location.rsplit_once(&format!("{kind}/"))?;
    let (id, version) = rest
        .split_once("/_history/")
        .map_or((rest, None), |(id, version)| (id, Some(version)));
    let is_id = !id.is_empty() && !id.contains(['/', '?', '#']);
    is_id.then(|| (id.to_owned(), version.map(str::to_owned)))
}

async fn deleted(upstream: &Upstream, key: &str, tag: Option<String>, response: Response) -> Result<Response, Problem> {
    let mut call = Call {
        method: Method::DELETE,
        at: key.to_owned(),
        ..Call::default()
    };
    if let Some(tag) = tag {
        call = call.if_match(tag);
    }
    let told = upstream.ask(call).await?;
    if told.status.is_success() {
        return Ok(response);
    }
    let (kind, id) = key.split_once('/').unwrap_or((key, ""));
    Err(refused(told, kind, id))
}

/// A write that was judged to be right, and that upstream does not take.
fn refused(told: Told, kind: &str, id: &str) -> Problem {
    match told.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => not_found(kind, id),
        // It was changed between the judgement and the write.
        StatusCode::PRECONDITION_FAILED => Problem::VersionConflict {
            latest: "another".to_owned(),
        },
        _ => told.refused().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read() {
        let read = |location| placed(location, "Goal");
        let found = |id: &str, version: Option<&str>| Some((id.to_owned(), version.map(str::to_owned)));
        assert_eq!(read("http://e.example/fhir/Goal/1/_history/2"), found("1", Some("2")));
        assert_eq!(read("Goal/1"), found("1", None));
        for wrong in ["http://e.example/fhir/Patient/1", "Goal/", "Goal/1/2", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_has_no_version_of_the_mock() {
        let body = json!({"resourceType": "Goal", "id": "1", "meta": {"versionId": "1", "lastUpdated": "2026-01-01", "tag": []}});
        assert_eq!(
            plain(&body),
            json!({"resourceType": "Goal", "id": "1", "meta": {"tag": []}})
        );
        let body = json!({"resourceType": "Goal", "meta": {"versionId": "1"}});
        assert_eq!(plain(&body), json!({"resourceType": "Goal"}));
    }
}
