//! Asks the server upstream. Nothing of the app's own request goes there, and no answer is longer or later than is allowed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::{HeaderName, Method, StatusCode};
use reqwest::redirect::{Attempt, Policy};
use serde_json::Value;
use url::Url;

use super::carry::is_id;
use super::links::Links;
use super::page::Seal;
use super::settings::Settings;
use super::trouble::Trouble;
use crate::chance::Chance;
use crate::faults;
use crate::fhir::compartment::Bases;
use crate::fhir::conditional::IF_NONE_EXIST;
use crate::fhir::{element, parameters};

/// The server that holds the data.
pub(crate) struct Upstream {
    settings: Settings,
    /// The mock's own base.
    own: String,
    pub(super) seal: Seal,
    /// Follows redirects within the server's own address.
    reader: Result<reqwest::Client, String>,
    /// Follows none: a redirect would turn a write into a read.
    writer: Result<reqwest::Client, String>,
    pub(super) statement: Mutex<Option<(Instant, Arc<Value>)>>,
}

/// One request.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Below the base: `Patient/a`, `Patient?…`.
    pub(super) at: String,
    /// A form, for `_search`.
    pub(super) form: Option<String>,
    pub(super) body: Option<Value>,
    pub(super) fields: Vec<(HeaderName, String)>,
}

/// One answer, with the mock's addresses.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) tag: Option<String>,
    /// Nothing where it has none, or where an error is no JSON.
    pub(super) body: Option<Value>,
}

/// What is at an address.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// With what it names the version by, where the resource itself does not.
    Here(Value, Option<String>),
    /// It was deleted.
    Gone,
    Nothing,
}

const PREFER: HeaderName = HeaderName::from_static("prefer");
const FHIR_JSON: &str = "application/fhir+json";
/// Redirects in a row.
const HOPS: usize = 3;
/// Of a reason for a refusal, so many characters are passed on.
const REASON: usize = 500;
/// A query that is longer goes as a form, since not every server takes it as an address.
const LONG_QUERY: usize = 1500;

impl Upstream {
    pub(crate) fn new(settings: Settings, own: &str, chance: &Chance) -> Self {
        Self {
            own: own.to_owned(),
            seal: Seal::new(chance),
            reader: client(&settings, Policy::custom(within(&settings))),
            writer: client(&settings, Policy::none()),
            settings,
            statement: Mutex::default(),
        }
    }

    pub(crate) fn base(&self) -> &str {
        self.settings.base()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.settings.is_open()
    }

    /// Where references lead that name records here.
    pub(super) fn bases(&self) -> Bases<'_> {
        Bases::of(self.own.strip_suffix("/fhir").unwrap_or_default())
    }

    /// Between upstream and the base by which the app of the present request knows the mock.
    pub(super) fn links(&self) -> Links {
        let own = faults::base();
        Links::new(own.as_deref().unwrap_or(&self.own), self.base())
    }

    /// How long one answer may take.
    pub(super) fn patience(&self) -> Duration {
        self.settings.patience
    }

    /// The CapabilityStatement as upstream has it; asked again after a minute.
    pub(super) async fn statement(&self) -> Result<Arc<Value>, Trouble> {
        const KEPT: Duration = Duration::from_mins(1);
        let kept = self.statement.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, known)) = kept.filter(|(since, _)| since.elapsed() < KEPT) {
            return Ok(known);
        }
        let told = self
            .ask(Call::get("metadata"))
            .await?
            .accepted()
            .map_err(|trouble| match trouble {
                // A server without one is none.
                Trouble::Refused { status, .. } => Trouble::Failed(status),
                trouble => trouble,
            })?;
        let statement = told.filter(|body| body["resourceType"] == "CapabilityStatement");
        let statement = Arc::new(statement.ok_or(Trouble::Strange("no CapabilityStatement"))?);
        let kept = Some((Instant::now(), Arc::clone(&statement)));
        *self.statement.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(statement)
    }

    /// One resource, or one version of it. Under a name that is none there is nothing: upstream is not asked, since dots and
    /// slashes would lead away from the resource, or from its base.
    pub(super) async fn read(&self, kind: &str, id: &str, version: Option<&str>) -> Result<Found, Trouble> {
        if parameters::of(kind).is_none() || !is_id(id) || !version.is_none_or(is_id) {
            return Ok(Found::Nothing);
        }
        let version = version
            .map(|version| format!("/_history/{version}"))
            .unwrap_or_default();
        let told = self.ask(Call::get(&format!("{kind}/{id}{version}"))).await?;
        match told.status {
            StatusCode::NOT_FOUND => return Ok(Found::Nothing),
            StatusCode::GONE => return Ok(Found::Gone),
            _ => {}
        }
        let tag = told.tag.clone();
        let body = told.accepted()?.ok_or(Trouble::Strange("empty"))?;
        if body["resourceType"] != kind || body["id"] != id {
            return Err(Trouble::Strange("another resource than was asked for"));
        }
        let tag = tag.filter(|_| element::text(&body, "meta.versionId").is_none());
        Ok(Found::Here(body, tag))
    }

    /// The Bundle that answers a search.
    pub(super) async fn search(&self, kind: &str, pairs: &[(String, String)], strict: bool) -> Result<Value, Trouble> {
        let text = self.query(pairs);
        let mut call = if text.len() > LONG_QUERY {
            Call {
                method: Method::POST,
                at: format!("{kind}/_search"),
                form: Some(text),
                ..Call::default()
            }
        } else {
            Call::get(&format!("{kind}?{text}"))
        };
        if strict {
            call.fields.push((PREFER, "handling=strict".to_owned()));
        }
        self.bundle(call).await
    }

    /// Parameters as a query, with upstream's addresses.
    pub(super) fn query(&self, pairs: &[(String, String)]) -> String {
        let links = self.links();
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            text.append_pair(name, &links.outward_text(value));
        }
        text.finish()
    }

    /// The Bundle at an address below the base.
    pub(super) async fn page(&self, at: &str) -> Result<Value, Trouble> {
        self.bundle(Call::get(at)).await
    }

    async fn bundle(&self, call: Call) -> Result<Value, Trouble> {
        let body = self.ask(call).await?.accepted()?;
        body.filter(|body| body["resourceType"] == "Bundle")
            .ok_or(Trouble::Strange("no Bundle"))
    }

    /// Sends one request and reads its answer.
    pub(super) async fn ask(&self, call: Call) -> Result<Told, Trouble> {
        let writes = call.method != Method::GET && call.form.is_none();
        let client = if writes { &self.writer } else { &self.reader };
        let client = client.as_ref().map_err(|error| Trouble::Unreachable(error.clone()))?;
        // `{base}?…` names the whole system; everything else stands below a slash.
        let slash = if call.at.starts_with('?') || call.at.is_empty() {
            ""
        } else {
            "/"
        };
        let url = Url::parse(&format!("{}{slash}{}", self.base(), call.at));
        let url = url.map_err(|_| Trouble::Strange("a link that is no address"))?;
        // Whoever asks: the credential of this mock opens nothing beyond the base.
        if !self.settings.holds(&url) {
            return Err(Trouble::Strange("not below its base"));
        }
        let mut request = client.request(call.method, url).header(ACCEPT, FHIR_JSON);
        if let Some(own) = &self.settings.authorization {
            request = request.header(AUTHORIZATION, own.clone());
        }
        for (name, value) in call.fields {
            request = request.header(name, value);
        }
        if let Some(mut body) = call.body {
            self.links().outward(&mut body);
            request = request.header(CONTENT_TYPE, FHIR_JSON).body(body.to_string());
        } else if let Some(form) = call.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form);
        }
        let answer = request.send().await.map_err(|error| self.trouble(error))?;
        self.read_answer(answer).await
    }

    async fn read_answer(&self, mut answer: reqwest::Response) -> Result<Told, Trouble> {
        let status = answer.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(Trouble::Redirect);
        }
        let field = |name: HeaderName| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (location, tag) = (field(LOCATION), field(ETAG));
        let longest = self.settings.longest;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.trouble(error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > longest {
                return Err(Trouble::TooLarge(longest));
            }
        }
        let mut body: Option<Value> = serde_json::from_slice(&bytes).ok().filter(Value::is_object);
        if body.is_none() && status.is_success() && !bytes.is_empty() {
            return Err(Trouble::Strange("no JSON"));
        }
        if let Some(body) = &mut body {
            self.links().inward(body);
        }
        Ok(Told {
            status,
            location: location.map(|location| self.links().inward_text(&location)),
            tag,
            body,
        })
    }

    fn trouble(&self, error: reqwest::Error) -> Trouble {
        if error.is_timeout() {
            return Trouble::Late(self.patience());
        }
        // Addresses stand in the query, and names of people with them.
        let error = error.without_url();
        let mut last: &dyn std::error::Error = &error;
        while let Some(deeper) = last.source() {
            last = deeper;
        }
        Trouble::Unreachable(last.to_string())
    }
}

impl Call {
    pub(super) fn get(at: &str) -> Self {
        Self {
            at: at.to_owned(),
            ..Self::default()
        }
    }

    /// A write whose outcome is to be told.
    pub(super) fn write(method: Method, at: &str, body: Option<Value>) -> Self {
        Self {
            method,
            at: at.to_owned(),
            body,
            fields: vec![(PREFER, "return=representation".to_owned())],
            ..Self::default()
        }
    }

    /// Only where the version is still this one.
    pub(super) fn if_match(mut self, tag: String) -> Self {
        self.fields.push((IF_MATCH, tag));
        self
    }

    /// Only where there is nothing yet.
    pub(super) fn if_none(mut self) -> Self {
        self.fields.push((IF_NONE_MATCH, "*".to_owned()));
        self
    }

    /// Only where nothing matches.
    pub(super) fn if_none_exist(mut self, criteria: String) -> Self {
        self.fields.push((IF_NONE_EXIST, criteria));
        self
    }
}

impl Told {
    /// The body of a success; every other status is trouble.
    pub(super) fn accepted(self) -> Result<Option<Value>, Trouble> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(self.refused())
    }

    /// What a status that is no success means for the app.
    pub(super) fn refused(self) -> Trouble {
        let status = self.status.as_u16();
        match status {
            401 | 403 | 407 => Trouble::Credential(status),
            429 | 503 => Trouble::Busy,
            // What is wrong with a request speaks of the request; any other reason could speak of records.
            400 | 422 => Trouble::Refused {
                status,
                says: self.body.as_ref().and_then(reason),
            },
            404 | 405 | 406 | 409 | 410 | 412 | 413 | 415 => Trouble::Refused { status, says: None },
            _ => Trouble::Failed(status),
        }
    }
}

/// The first reason of an OperationOutcome.
fn reason(outcome: &Value) -> Option<String> {
    let text = element::text(outcome, "issue.diagnostics").or_else(|| element::text(outcome, "issue.details.text"))?;
    Some(text.chars().filter(|one| !one.is_control()).take(REASON).collect())
}

fn client(settings: &Settings, policy: Policy) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .redirect(policy)
        .referer(false)
        .timeout(settings.patience);
    if settings.is_on_this_machine() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| error.to_string())
}

/// Redirects within the server's own base, and not many.
fn within(settings: &Settings) -> impl Fn(Attempt<'_>) -> reqwest::redirect::Action + Send + Sync + 'static {
    let settings = settings.clone();
    move |attempt| {
        if settings.holds(attempt.url()) && attempt.previous().len() <= HOPS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("base", &self.base())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody listens there: whatever is asked comes back as trouble.
    fn nobody() -> Upstream {
        let settings = Settings::new("http://127.0.0.1:1/base/r4").expect("an address");
        Upstream::new(settings, "http://ehr.example/fhir", &Chance::new(Some(1)))
    }

    #[tokio::test]
    async fn names_that_are_none_are_not_asked_for() {
        for (kind, id, version) in [
            ("Patient", "../../../admin/x", None),
            ("Patient", "..", None),
            ("Patient", "a?_format=xml", None),
            ("Patient", "", None),
            ("Patient", "a", Some("../../x")),
            ("../Patient", "a", None),
            ("metadata", "a", None),
        ] {
            let found = nobody().read(kind, id, version).await;
            assert_eq!(found, Ok(Found::Nothing), "{kind}/{id}");
        }
        let asked = nobody().read("Patient", "a-1.b", Some("2")).await;
        assert!(matches!(asked, Err(Trouble::Unreachable(_))), "{asked:?}");
    }

    #[tokio::test]
    async fn nothing_beyond_the_base_is_asked() {
        for at in ["../x", "Goal/../../x", "Goal/%2e%2e/%2E./x", "Goal\\..\\..\\x"] {
            let asked = nobody().ask(Call::get(at)).await;
            assert!(
                matches!(asked, Err(Trouble::Strange("not below its base"))),
                "{at}: {asked:?}"
            );
        }
        for at in ["", "?_getpages=x", "Goal/x"] {
            let asked = nobody().ask(Call::get(at)).await;
            assert!(matches!(asked, Err(Trouble::Unreachable(_))), "{at}: {asked:?}");
        }
    }
}
