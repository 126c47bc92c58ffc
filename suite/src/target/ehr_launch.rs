//! Begins an EHR launch as the profile says, and reads the launch URI that the EHR answers with.
//!
//! SMART App Launch 2.2, "Launch App: EHR Launch": the EHR opens the app's launch URL with `iss` and `launch`.

use http::{HeaderName, Method};
use serde_json::Value;
use url::Url;

use super::file::EhrLaunchFile;
use super::secret_source::Place;
use crate::http::{Exchange, Failure, Limits, Request, RequestBody, Secret, Transport};

/// How an EHR launch is begun.
#[derive(Debug, Clone, PartialEq)]
pub enum EhrLaunch {
    /// By a request of the target's own interface.
    Request(LaunchRequest),
    /// By a page that the user agent opens; it ends at the client's launch URL.
    Page(String),
}

/// A request that makes a launch. Texts may hold `{client_id} {user} {patient} {encounter} {iss}`.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchRequest {
    method: Method,
    url: String,
    headers: Vec<(String, Secret)>,
    json: Option<Value>,
    launch_uri: String,
}

/// For whom a launch is begun.
#[derive(Debug, Clone, Copy)]
pub struct LaunchFor<'a> {
    /// `{client_id}`
    pub client_id: &'a str,
    /// `{user}`: [`super::User::id`].
    pub user: &'a str,
    /// `{patient}`
    pub patient: &'a str,
    /// `{encounter}`: the one of `[encounters]` under the key of the patient; empty where there is none.
    pub encounter: &'a str,
    /// `{iss}`: the FHIR base as spelled.
    pub iss: &'a str,
}

/// A launch that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launched {
    /// The `iss` parameter, as it came.
    pub iss: String,
    /// The `launch` parameter.
    pub launch: String,
    /// The whole launch URI.
    pub uri: Url,
}

/// Why there is no launch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// The request cannot be built.
    #[error("[ehr_launch] in the profile: {0}")]
    Profile(String),
    /// There was no answer.
    #[error("the EHR launch was asked for at {url}: {failure}")]
    Failed {
        /// Where it was asked for.
        url: String,
        /// What happened.
        failure: Failure,
    },
    /// The answer is not what the profile describes.
    #[error("the EHR launch was asked for at {url}, which answered {status}: {problem}")]
    Answer {
        /// Where it was asked for.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What is missing from it.
        problem: String,
    },
}

impl EhrLaunch {
    pub(super) fn read(file: EhrLaunchFile, place: &Place<'_>) -> Result<Self, String> {
        match (file.request, file.page) {
            (Some(_), Some(_)) => Err("an EHR launch is begun by `request` or by `page`, not by both".into()),
            (None, None) => Err("say how an EHR launch is begun: `request = { … }` or `page = \"…\"`".into()),
            (None, Some(page)) => Ok(Self::Page(page)),
            (Some(request), None) => {
                let mut headers = Vec::new();
                for (name, source) in &request.headers {
                    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header's name"))?;
                    headers.push((name.clone(), place.header(name, source)?));
                }
                let method = request.method.as_deref().unwrap_or("POST");
                let method =
                    Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not a method"))?;
                if !request.launch_uri.starts_with('$') {
                    return Err("launch_uri is a path into the answer's JSON, such as `$.result.uri`".into());
                }
                let (url, json, launch_uri) = (request.url, request.json, request.launch_uri);
                Ok(Self::Request(LaunchRequest {
                    method,
                    url,
                    headers,
                    json,
                    launch_uri,
                }))
            }
        }
    }

    /// Whether the EHR learns for which user it begins.
    pub fn names_user(&self) -> bool {
        match self {
            Self::Request(request) => {
                let json = request.json.as_ref().map(Value::to_string).unwrap_or_default();
                request.url.contains("{user}") || json.contains("{user}")
            }
            Self::Page(page) => page.contains("{user}"),
        }
    }

    /// The header fields that it sends.
    pub(super) fn headers(&self) -> &[(String, Secret)] {
        match self {
            Self::Request(request) => &request.headers,
            Self::Page(_) => &[],
        }
    }
}

/// The address of a launch page with its placeholders replaced.
pub fn page_url(page: &str, whom: &LaunchFor<'_>) -> Result<Url, LaunchError> {
    Url::parse(&whom.fill_query(page))
        .map_err(|error| LaunchError::Profile(format!("the page `{page}` is not an absolute URL: {error}")))
}

impl LaunchRequest {
    /// Sends the request once; the exchange comes back whatever came of it, for the report.
    pub async fn begin(
        &self,
        transport: &dyn Transport,
        limits: &Limits,
        whom: &LaunchFor<'_>,
    ) -> (Option<Exchange>, Result<Launched, LaunchError>) {
        let request = match self.request(whom) {
            Ok(request) => request,
            Err(error) => return (None, Err(error)),
        };
        let url = request.url.to_string();
        let outcome = transport.send(&request, limits).await;
        let exchange = Exchange {
            step: "launch".into(),
            at: std::time::Duration::ZERO,
            request,
            outcome: outcome.clone(),
        };
        let launched = match outcome {
            Err(failure) => Err(LaunchError::Failed { url, failure }),
            Ok(response) => self
                .read_answer(response.status, response.json().as_ref())
                .map_err(|problem| LaunchError::Answer {
                    url,
                    status: response.status,
                    problem,
                }),
        };
        (Some(exchange), launched)
    }

    fn request(&self, whom: &LaunchFor<'_>) -> Result<Request, LaunchError> {
        let spelled = whom.fill_query(&self.url);
        let url = Url::parse(&spelled)
            .map_err(|error| LaunchError::Profile(format!("url `{spelled}` is not an absolute URL: {error}")))?;
        let body = match &self.json {
            None => RequestBody::Empty,
            Some(json) => RequestBody::Raw {
                content_type: "application/json".into(),
                bytes: whom.fill_json(json).to_string().into(),
            },
        };
        let mut request = Request {
            method: self.method.clone(),
            url,
            headers: Vec::new(),
            body,
        };
        for (name, value) in &self.headers {
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| LaunchError::Profile(format!("`{name}` is not a header's name")))?;
            if !request.header(header, value.expose()) {
                return Err(LaunchError::Profile(format!(
                    "the value of header {name} has characters no header carries"
                )));
            }
        }
        Ok(request)
    }

    fn read_answer(&self, status: u16, json: Option<&Value>) -> Result<Launched, String> {
        let path = &self.launch_uri;
        if !(200..300).contains(&status) {
            return Err("a 2xx was expected; are the URL and the credentials in [ehr_launch] right?".into());
        }
        let Some(json) = json else {
            return Err(format!("the body is not JSON, so there is nothing at {path}"));
        };
        let found = path
            .trim_start_matches('$')
            .split('.')
            .filter(|name| !name.is_empty())
            .try_fold(json, |value, name| {
                value.get(name).or_else(|| value.get(name.parse::<usize>().ok()?))
            });
        let Some(uri) = found.and_then(Value::as_str) else {
            let members: Vec<&str> = json
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            return Err(format!(
                "no text at {path}; the answer's members are: {}",
                members.join(", ")
            ));
        };
        read_launch_uri(uri)
    }
}

/// Reads `iss` and `launch` of a launch URI.
pub fn read_launch_uri(uri: &str) -> Result<Launched, String> {
    let url = Url::parse(uri).map_err(|error| format!("the launch URI is not an absolute URL: {error}"))?;
    let one = |name: &str| {
        let mut values = url
            .query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Ok(value),
            (Some(_), None) => Err(format!("the launch URI has an empty `{name}`")),
            (Some(_), Some(_)) => Err(format!("the launch URI has `{name}` more than once")),
            (None, _) => Err(format!("the launch URI has no `{name}` parameter")),
        }
    };
    Ok(Launched {
        iss: one("iss")?,
        launch: one("launch")?,
        uri: url.clone(),
    })
}

impl LaunchFor<'_> {
    fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("{client_id}", self.client_id),
            ("{user}", self.user),
            ("{patient}", self.patient),
            ("{encounter}", self.encounter),
            ("{iss}", self.iss),
        ]
    }

    fn fill(&self, template: &str) -> String {
        self.pairs()
            .iter()
            .fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// As in a URL: percent-encoded in the query, as it stands before it.
    fn fill_query(&self, template: &str) -> String {
        let (before, query) = template
            .split_once('?')
            .map_or((template, None), |(path, query)| (path, Some(query)));
        let mut text = self.fill(before);
        if let Some(query) = query {
            let encode = |value: &str| url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
            text.push('?');
            text.push_str(
                &self
                    .pairs()
                    .iter()
                    .fold(query.to_owned(), |t, (name, v)| t.replace(name, &encode(v))),
            );
        }
        text
    }

    fn fill_json(&self, json: &Value) -> Value {
        match json {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.fill_json(value)))
                .collect(),
            other => other.clone(),
        }
    }
}
