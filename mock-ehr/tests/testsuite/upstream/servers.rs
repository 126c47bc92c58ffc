//! The servers upstream: another mock that asks for no token, and one that answers by script. Both remember what they saw.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode};
use mock_ehr::fhir::upstream::Settings;
use mock_ehr::{Builder, Defect, MockEhr};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::*;

/// A request as it came upstream.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    pub(super) method: Method,
    /// Path and query, below the host.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Noted {
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The parameters of its query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut found = pairs(query).into_iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value)
    }
}

/// A server upstream.
pub(super) struct Server {
    /// Its FHIR base.
    pub(super) base: String,
    seen: Arc<Mutex<Vec<Noted>>>,
    /// The mock behind it, where it is one.
    pub(super) mock: Option<MockEhr>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// A mock with the embedded people, who are there for everybody.
    pub(super) async fn honest() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let builder = MockEhr::builder().public_url(url).defect(Defect::FhirNoTokenAccepted);
        let mock = builder.build().unwrap();
        Self::around(listener, mock.router(), Some(mock))
    }

    /// One that answers by this script.
    pub(super) async fn scripted(script: impl Fn(&Noted) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Arc::new(script);
        let answer = move |request: Request| {
            let script = Arc::clone(&script);
            async move { script(&seen(request).await.0).sent().await }
        };
        Self::around(listener, Router::new().fallback(answer), None)
    }

    fn around(listener: TcpListener, router: Router, mock: Option<MockEhr>) -> Self {
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        let seen_by: Arc<Mutex<Vec<Noted>>> = Arc::default();
        let memory = Arc::clone(&seen_by);
        let remember = move |request: Request, next: Next| {
            let memory = Arc::clone(&memory);
            async move {
                let (noted, request) = seen(request).await;
                memory.lock().unwrap().push(noted);
                next.run(request).await
            }
        };
        let router = router.layer(from_fn(remember));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            base,
            seen: seen_by,
            mock,
            task,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings::new(&self.base).unwrap()
    }

    /// The mock in front of it.
    pub(super) fn front(&self) -> TestEhr {
        self.front_with(|builder| builder)
    }

    pub(super) fn front_with(&self, alter: impl FnOnce(Builder) -> Builder) -> TestEhr {
        front(alter(MockEhr::builder().upstream(self.settings())))
    }

    /// What came since the last time.
    pub(super) fn seen(&self) -> Vec<Noted> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

pub(super) fn front(builder: Builder) -> TestEhr {
    TestEhr::around(builder.public_url(BASE).build().unwrap())
}

async fn seen(request: Request) -> (Noted, Request) {
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let seen = Noted {
        method: head.method.clone(),
        target: head.uri.to_string(),
        headers: head.headers.clone(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    (seen, Request::from_parts(head, Body::from(bytes)))
}

/// What a script answers.
pub(super) enum Reply {
    Json(u16, Value),
    /// With these header fields.
    With(u16, Vec<(&'static str, String)>, Value),
    Raw(u16, &'static str, Vec<u8>),
    /// A head, and then a body that never ends.
    Endless,
    /// No answer for a long time.
    Hangs,
}

impl Reply {
    async fn sent(self) -> Response {
        let json = "application/fhir+json";
        match self {
            Self::Json(status, body) => {
                let status = StatusCode::from_u16(status).unwrap();
                (status, [("content-type", json)], body.to_string()).into_response()
            }
            Self::With(status, fields, body) => {
                let body = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                let mut builder = Response::builder().status(status).header("content-type", json);
                for (name, value) in fields {
                    builder = builder.header(name, value);
                }
                builder.body(Body::from(body)).unwrap()
            }
            Self::Raw(status, kind, body) => {
                (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body).into_response()
            }
            Self::Endless => {
                let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
                ([("content-type", json)], Body::from_stream(chunks)).into_response()
            }
            Self::Hangs => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                StatusCode::OK.into_response()
            }
        }
    }
}

/// A page of these resources; each with the mode of its search.
pub(super) fn searchset(entries: &[(&str, Value)], links: &[(&str, &str)]) -> Value {
    let entry = |(mode, resource): &(&str, Value)| json!({"resource": resource, "search": {"mode": mode}});
    let link = |(relation, url): &(&str, &str)| json!({"relation": relation, "url": url});
    json!({
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 4711,
        "entry": entries.iter().map(entry).collect::<Vec<_>>(),
        "link": links.iter().map(link).collect::<Vec<_>>(),
    })
}

/// An Observation of a patient.
pub(super) fn observation(id: &str, patient: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final", "code": {"text": "HIV"},
        "meta": {"versionId": "3"},
        "subject": {"reference": format!("Patient/{patient}")},
    })
}

/// A token for patient-a, whose user may open no other record, so that nobody is looked up; with these scopes.
pub(super) async fn own_token(ehr: &TestEhr, scope: &str) -> String {
    let person = Person {
        username: "patient",
        patient: "patient-a",
        allows: true,
    };
    let request = ehr.request("app-public").set("scope", scope);
    let landing = ehr.other_browser().walk(&request, &person).await;
    let flow = Flow {
        client: "app-public",
        code: landing.parameter("code").expect("a code"),
        redirect_uri: redirect_uri("app-public"),
    };
    ehr.redeem(&flow, |form| form).await.member("access_token")
}

/// A token for patient-b with these scopes.
pub(super) async fn token(ehr: &TestEhr, scope: &str) -> String {
    let answer = ehr.launched_with("app-public", |form| form.set("scope", scope)).await;
    answer.member("access_token")
}

/// `Type/id` of every entry of this mode, in order.
pub(super) fn keys(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries
        .filter(|entry| entry["search"]["mode"] == mode)
        .map(|entry| &entry["resource"])
        .map(|one| {
            format!(
                "{}/{}",
                one["resourceType"].as_str().unwrap(),
                one["id"].as_str().unwrap()
            )
        })
        .collect()
}

/// The address of a link, below the host.
pub(super) fn link(bundle: &Value, relation: &str) -> Option<String> {
    let mut links = bundle["link"].as_array().into_iter().flatten();
    let found = links.find(|link| link["relation"] == relation)?;
    let url = found["url"].as_str().unwrap();
    Some(url.strip_prefix("http://127.0.0.1:8080/fhir/").expect(url).to_owned())
}

/// A write with a token.
pub(super) async fn write(
    ehr: &TestEhr,
    token: &str,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/fhir/{path}").replace("/?", "?").trim_end_matches('/'))
        .header("authorization", format!("Bearer {token}"));
    if !fields.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/fhir+json");
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    ehr.send(request.body(body).unwrap()).await
}
