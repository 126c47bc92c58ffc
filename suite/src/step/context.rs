//! What a step sees and what it leaves behind: the deeds of one item, and the values of placeholders.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::arguments::{ClientWord, Document, LaunchKind, With};
use super::world::World;
use crate::http::{Exchange, Failure, Response};
use crate::oauth::jws::decode;
use crate::oauth::pkce;

use crate::target::{Client, ClientKind, Credentials};
use crate::user_agent::Landing;
use crate::value::{Lookup, Template, TemplateError};

/// One finished step.
#[derive(Debug, Clone)]
pub struct Deed {
    /// The label that the scenario gave.
    pub label: Option<String>,
    /// The verb.
    pub verb: &'static str,
    /// Name of the client in the profile.
    pub client: String,
    /// Whether it was sent without any override: then it may serve as a control.
    pub correct: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// Ids of its exchanges, oldest first.
    pub exchanges: Vec<usize>,
}

impl Deed {
    /// Whether it has this label or verb; any has none.
    pub fn is(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| self.label.as_deref() == Some(name) || self.does(name))
    }

    /// Whether this is its verb; a backend service's token request stands for its exchange.
    fn does(&self, verb: &str) -> bool {
        self.verb == verb || (self.verb == "backend" && verb == "exchange")
    }
}

/// What came of a step.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A walk from the authorization endpoint.
    Authorized(Box<Authorization>),
    /// An answer of an endpoint.
    Answered(Box<Answer>),
    /// An EHR launch was begun.
    Launched {
        /// The `launch` value.
        launch: String,
        /// The `iss` that came with it.
        iss: String,
    },
    /// Hosts were asked about their TLS.
    Probed(Vec<super::tls::Probed>),
    /// Nothing was sent: time passed, or the key server was changed.
    Waited,
}

/// An authorization request and where it ended.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// What was sent, as far as later steps need it.
    pub sent: Sent,
    /// Where it ended.
    pub landing: Landing,
    /// Parameters of the query of a callback.
    pub query: Vec<(String, String)>,
    /// Parameters of its fragment.
    pub fragment: Vec<(String, String)>,
    /// Whether the address of the callback is a registered one (RFC 8252 loopback ports included).
    pub registered: bool,
    /// How the launch began.
    pub launch_kind: LaunchKind,
    /// Whether the request was a POST.
    pub posted: bool,
    /// Whether the request was pushed before.
    pub pushed: bool,
}

/// What an authorization request carried.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// `state`, where one was sent exactly once.
    pub state: Option<String>,
    /// `nonce`, likewise.
    pub nonce: Option<String>,
    /// `redirect_uri`, likewise; else the client's first.
    pub redirect_uri: String,
    /// `scope`, likewise.
    pub scope: Option<String>,
    /// `launch`, likewise.
    pub launch: Option<String>,
    /// The verifier that belongs to the challenge.
    pub code_verifier: String,
    /// The patient that the user would pick.
    pub patient: Option<String>,
}

/// An answer of an endpoint.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The judged exchange.
    pub exchange: Arc<Exchange>,
    /// Its body as JSON, where it is.
    pub json: Option<Value>,
    /// The client assertion that was sent.
    pub assertion: Option<String>,
    /// The code or refresh token that was sent.
    pub spent: Option<String>,
    /// What was read, as the scenario spells it, where it is not the usual resource.
    pub aim: Option<String>,
    /// The authorization request that was pushed.
    pub pushed: Option<Box<Sent>>,
}

impl Answer {
    /// The response, or why there is none.
    pub fn outcome(&self) -> Result<&Response, &Failure> {
        self.exchange.outcome.as_ref()
    }

    /// A text member of the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.json.as_ref()?.get(name)?.as_str()
    }
}

impl Authorization {
    /// The code that came to a callback, whatever the address.
    pub fn code(&self) -> Option<&str> {
        self.parameter("code")
    }

    /// A parameter of the callback's query, else of its fragment.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let find = |pairs: &'_ [(String, String)]| pairs.iter().position(|(key, _)| key == name);
        match find(&self.query) {
            Some(at) => Some(&self.query[at].1),
            None => find(&self.fragment).map(|at| self.fragment[at].1.as_str()),
        }
    }

    /// The address of the callback.
    pub fn callback(&self) -> Option<&Url> {
        match &self.landing {
            Landing::Callback(url) => Some(url),
            _ => None,
        }
    }
}

/// Why an item cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Something that must come first did not.
    Blocked(String),
    /// It does not apply here.
    Skip(String),
    /// It could not be decided.
    Error(String),
    /// The scenario asks for what it cannot have: a mistake in the scenario.
    Scenario(String),
}

/// What a server may or may not issue: a scenario that needs it does not apply where it was not.
const OPTIONAL: &[&str] = &[
    "request_uri",
    "scopes_listed",
    "registration_client_uri",
    "registration_access_token",
    "refresh_token",
    "id_token",
    "id_token_iss",
    "id_token_sub",
    "id_token_fhir_user",
    "id_token_configuration",
    "fhir_user_path",
    "userinfo_endpoint",
    "token_patient",
    "nonce",
    "id",
    "version_id",
    "smart_style_url",
];

impl From<TemplateError> for Halt {
    fn from(error: TemplateError) -> Self {
        match &error {
            TemplateError::NoValue(name) => {
                let last = name.rsplit('.').next().unwrap_or_default();
                match last {
                    _ if OPTIONAL.contains(&last) => Self::Skip(format!("the server gave no {last}")),
                    "code" | "access_token" | "granted_scope" => Self::Blocked(format!("there is no {last}")),
                    _ => Self::Scenario(error.to_string()),
                }
            }
            TemplateError::Open(_) | TemplateError::Filter { .. } => Self::Scenario(error.to_string()),
        }
    }
}

/// One item under way.
pub struct Context<'w> {
    /// The shared world.
    pub world: &'w World,
    /// The item's client; absent where none takes part.
    pub client: Option<&'w Client>,
    /// Options of the given.
    pub with: &'w With,
    /// The row's values.
    pub case: Option<&'w BTreeMap<String, Template>>,
    /// What was done, oldest first; the given's deeds are labelled `given`.
    pub deeds: Vec<Arc<Deed>>,
}

impl<'w> Context<'w> {
    /// Nothing done yet.
    pub fn new(
        world: &'w World,
        client: Option<&'w Client>,
        with: &'w With,
        case: Option<&'w BTreeMap<String, Template>>,
    ) -> Self {
        Self {
            world,
            client,
            with,
            case,
            deeds: Vec::new(),
        }
    }

    /// Puts what the server under test asked meanwhile before the exchanges of the last step.
    pub fn keep_asked(&mut self) {
        let asked = self.world.keep_asked();
        if let (false, Some(deed)) = (asked.is_empty(), self.deeds.last_mut()) {
            Arc::make_mut(deed).exchanges.splice(0..0, asked);
        }
    }

    /// The item's client, or a halt that says there is none.
    pub fn own_client(&self) -> Result<&'w Client, Halt> {
        self.client
            .ok_or_else(|| Halt::Scenario("this step needs a client, and the scenario has none".to_owned()))
    }

    /// The client that a word names.
    pub fn client_of(&self, word: ClientWord) -> Result<&'w Client, Halt> {
        let own = self.own_client()?;
        let profile = &self.world.profile;
        let others = || {
            profile
                .clients
                .iter()
                .filter(|client| client.name != own.name && client.kind != ClientKind::Backend)
        };
        let other_backend = || {
            profile
                .clients_of(ClientKind::Backend)
                .find(|client| client.name != own.name)
                .ok_or_else(|| Halt::Skip("the profile has no other backend service".to_owned()))
        };
        let kind = match word {
            ClientWord::Own => return Ok(own),
            ClientWord::Registered => {
                return self
                    .member(Some("register"), "client_id")
                    .and_then(|id| self.world.registrations.find(&id))
                    .map(|registration| &registration.client)
                    .ok_or_else(|| Halt::Blocked("no client was registered".to_owned()));
            }
            ClientWord::OtherBackend => return other_backend(),
            ClientWord::Other if own.kind == ClientKind::Backend => return other_backend(),
            ClientWord::Other => {
                let same = others().find(|client| client.kind == own.kind);
                return same
                    .or_else(|| others().next())
                    .ok_or_else(|| Halt::Skip("the profile has only one client".to_owned()));
            }
            ClientWord::OtherPublic => ClientKind::Public,
            ClientWord::OtherSymmetric => ClientKind::Symmetric,
            ClientWord::OtherAsymmetric => ClientKind::Asymmetric,
        };
        others()
            .find(|client| client.kind == kind)
            .ok_or_else(|| Halt::Skip(format!("the profile has no other {} client", kind.as_str())))
    }

    /// The last deed of this label or verb; the last of all where none is named.
    pub fn find(&self, of: Option<&str>) -> Option<&Arc<Deed>> {
        match of {
            None => self
                .deeds
                .iter()
                .rev()
                .find(|deed| !matches!(deed.outcome, Outcome::Waited)),
            Some(name) => self
                .deeds
                .iter()
                .rev()
                .find(|deed| deed.label.as_deref() == Some(name))
                .or_else(|| self.deeds.iter().rev().find(|deed| deed.does(name))),
        }
    }

    /// The last authorization, of this label where one is given.
    pub fn authorization(&self, label: Option<&str>) -> Option<&Authorization> {
        self.deeds
            .iter()
            .rev()
            .filter(|deed| deed.is(label))
            .find_map(|deed| match &deed.outcome {
                Outcome::Authorized(authorization) => Some(authorization.as_ref()),
                _ => None,
            })
    }

    /// The last answer with a member of this name, of this label where one is given.
    pub fn member(&self, label: Option<&str>, name: &str) -> Option<String> {
        self.deeds
            .iter()
            .rev()
            .filter(|deed| deed.is(label))
            .find_map(|deed| match &deed.outcome {
                Outcome::Answered(answer) => answer.text(name).map(str::to_owned),
                _ => None,
            })
    }

    /// The status of the last answer, of this label where one is given.
    fn status(&self, label: Option<&str>) -> Option<String> {
        let answers = self.deeds.iter().rev().filter(|deed| deed.is(label));
        answers
            .filter_map(|deed| match &deed.outcome {
                Outcome::Answered(answer) => answer.outcome().ok(),
                _ => None,
            })
            .map(|response| response.status.to_string())
            .next()
    }

    /// Id and version of the resource that the last answer holds or names in `Location`, of this label where one is given.
    fn created(&self, label: Option<&str>) -> Option<(String, Option<String>)> {
        self.deeds
            .iter()
            .rev()
            .filter(|deed| deed.verb == "fhir" && deed.is(label))
            .find_map(|deed| match &deed.outcome {
                Outcome::Answered(answer) => created(answer),
                _ => None,
            })
    }

    /// Ids of every exchange so far.
    pub fn evidence(&self) -> Vec<usize> {
        self.deeds
            .iter()
            .flat_map(|deed| deed.exchanges.iter().copied())
            .collect()
    }

    /// The id of a patient by its key in `[patients]`.
    pub fn patient(&self, key: Option<&str>) -> Option<String> {
        self.world.profile.patients.get(key.unwrap_or("a")).cloned()
    }

    fn of_client(client: &Client, name: &str) -> Option<String> {
        match name {
            "client_id" => Some(client.client_id.clone()),
            "redirect_uri" | "client_redirect_uri" => client.redirect_uris.first().cloned(),
            "query_redirect_uri" => client.redirect_uris.iter().find(|uri| uri.contains('?')).cloned(),
            "redirect_uri_2" => client.redirect_uris.get(1).cloned(),
            "origin" => client.origins.first().cloned(),
            "loopback_redirect_uri" => client.redirect_uris.iter().find(|uri| is_loopback(uri)).cloned(),
            "client_jwks_uri" => client.jwks_uri.as_ref().map(Url::to_string),
            "elsewhere_jwks_uri" => client
                .jwks_uri
                .as_ref()
                .map(|url| crate::key_server::elsewhere(url).to_string()),
            "beyond_scope" => client.beyond_scopes.clone(),
            "introspection_scope" => client.introspection_scope.clone(),
            "client_secret" => match &client.credentials {
                Credentials::Secret { value, .. } => Some(value.expose().to_owned()),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_target(&self, name: &str) -> Option<String> {
        let facts = self.world.known();
        match name {
            "fhir_base" | "aud" => Some(self.world.profile.fhir_base.clone()),
            "issuer" => facts?.issuer.clone(),
            "authorization_endpoint" => facts?.authorization_endpoint.as_ref().map(Url::to_string),
            "token_endpoint" => facts?.token_endpoint.clone(),
            "introspection_endpoint" => facts?.introspection_endpoint.clone(),
            "revocation_endpoint" => facts?.revocation_endpoint.clone(),
            "jwks_uri" => facts?.jwks_uri.clone(),
            "management_endpoint" => facts?.smart.as_ref()?["management_endpoint"]
                .as_str()
                .map(str::to_owned),
            "end_session_endpoint" => facts?.openid.as_ref()?["end_session_endpoint"]
                .as_str()
                .map(str::to_owned),
            "par_endpoint" => super::push::endpoint(facts?).map(str::to_owned),
            "userinfo_endpoint" => super::userinfo::endpoint(facts?).map(str::to_owned),
            _ => None,
        }
    }

    fn of_deeds(&self, label: Option<&str>, name: &str) -> Option<String> {
        let sent = || self.authorization(label).map(|authorization| &authorization.sent);
        match name {
            "code" => self.authorization(label)?.code().map(str::to_owned),
            "state" => sent()?.state.clone(),
            "nonce" => sent()?.nonce.clone(),
            "launch" => sent()
                .and_then(|sent| sent.launch.clone())
                .or_else(|| self.begun_launch(label)),
            "redirect_uri" => sent().map(|sent| sent.redirect_uri.clone()),
            "scope" => sent()?.scope.clone(),
            "code_verifier" => sent().map(|sent| sent.code_verifier.clone()),
            "code_challenge" => sent().map(|sent| pkce::s256(&sent.code_verifier)),
            "access_token"
            | "refresh_token"
            | "id_token"
            | "smart_style_url"
            | "request_uri"
            | "registration_client_uri"
            | "registration_access_token" => self.member(label, name),
            "id_token_iss" => self.claim(label, "iss"),
            "id_token_sub" => self.claim(label, "sub"),
            "id_token_fhir_user" => self.claim(label, "fhirUser"),
            "id_token_configuration" => self
                .claim(label, "iss")
                .map(|iss| format!("{}/.well-known/openid-configuration", iss.trim_end_matches('/'))),
            "fhir_user_path" => self.fhir_user_path(label),
            "registered_client_id" => self.member(label, "client_id"),
            "launch_iss" => self.launch_iss(label),
            "granted_scope" => self.member(label, "scope"),
            "token_patient" => self.member(label, "patient"),
            "status" => self.status(label),
            "id" => self.created(label).map(|(id, _)| id),
            "version_id" => self.created(label).and_then(|(_, version)| version),
            "assertion" => self
                .deeds
                .iter()
                .rev()
                .filter(|deed| deed.is(label))
                .find_map(|deed| match &deed.outcome {
                    Outcome::Answered(answer) => answer.assertion.clone(),
                    _ => None,
                }),
            _ => None,
        }
    }

    /// A text claim of the id_token of this label, believed unseen.
    fn claim(&self, label: Option<&str>, name: &str) -> Option<String> {
        let claims = decode(&self.member(label, "id_token")?)?.claims;
        claims.get(name)?.as_str().map(str::to_owned)
    }

    /// `fhirUser` relative to the FHIR base; nothing where it lies elsewhere.
    fn fhir_user_path(&self, label: Option<&str>) -> Option<String> {
        let user = self.claim(label, "fhirUser")?;
        if !user.contains("://") {
            return Some(user.trim_start_matches('/').to_owned());
        }
        let base = self.world.profile.fhir_base.trim_end_matches('/');
        let path = user.strip_prefix(base)?.strip_prefix('/')?;
        Some(path.to_owned())
    }

    /// The `launch` of the last `launch` step, of this label where one is given.
    pub fn begun_launch(&self, label: Option<&str>) -> Option<String> {
        self.deeds
            .iter()
            .rev()
            .filter(|deed| deed.is(label))
            .find_map(|deed| match &deed.outcome {
                Outcome::Launched { launch, .. } => Some(launch.clone()),
                _ => None,
            })
    }

    /// Those of the client's scopes that the target lists among `scopes_supported`; none where it lists nothing. Whom it
    /// trusts with a refresh token is another matter than what it supports.
    fn scopes_listed(&self) -> Option<String> {
        let listed = self
            .world
            .known()?
            .smart
            .as_ref()?
            .get("scopes_supported")?
            .as_array()?;
        let asked = self.value("scope")?;
        let both: Vec<&str> = asked
            .split(' ')
            .filter(|scope| listed.iter().any(|known| known.as_str() == Some(scope)))
            .filter(|scope| !["offline_access", "online_access"].contains(scope))
            .collect();
        (!both.is_empty()).then(|| both.join(" "))
    }

    /// The `iss` of the last launch, of this label where one is given, without a slash at its end.
    fn launch_iss(&self, label: Option<&str>) -> Option<String> {
        self.deeds
            .iter()
            .rev()
            .filter(|deed| deed.is(label))
            .find_map(|deed| match &deed.outcome {
                Outcome::Launched { iss, .. } => Some(iss.trim_end_matches('/').to_owned()),
                _ => None,
            })
    }

    /// The id of the encounter that is open with the patient of this key in `[patients]`.
    pub fn encounter(&self, key: Option<&str>) -> Option<String> {
        self.world.profile.encounters.get(key.unwrap_or("a")).cloned()
    }

    /// A text with its placeholders filled from `own` first, then from here.
    pub fn fill(&self, template: &Template, own: &dyn Lookup) -> Result<String, Halt> {
        let lookup = |name: &str| own.value(name).or_else(|| self.named(name, own));
        template.fill(&lookup).map_err(|error| self.why_not(error, own))
    }

    /// Why a text could not be filled; where it is a value of the row that could not, what that one lacks.
    fn why_not(&self, error: TemplateError, own: &dyn Lookup) -> Halt {
        if let TemplateError::NoValue(name) = &error
            && let Some(template) = name.strip_prefix("case.").and_then(|rest| self.case?.get(rest))
            && let Err(inner) = self.fill(template, own)
        {
            return inner;
        }
        Halt::from(error)
    }

    fn named(&self, name: &str, own: &dyn Lookup) -> Option<String> {
        if let Some((before, rest)) = name.split_once('.') {
            return match before {
                "case" => {
                    let template = self.case?.get(rest)?;
                    self.fill(template, own).ok()
                }
                "other" => Self::of_client(self.client_of(ClientWord::Other).ok()?, rest),
                label => self.of_deeds(Some(label), rest),
            };
        }
        match name {
            "random" | "another_verifier" => Some(self.world.chance.token::<32>()),
            "now" => Some(self.world.now().as_second().to_string()),
            "patient" => self.patient(self.with.patient.as_deref()),
            "patient_b" => self.patient(Some("b")),
            "encounter" => self.encounter(self.with.patient.as_deref()),
            "user" => self.world.profile.users.values().next().map(|user| user.id.clone()),
            "scope" => self
                .of_deeds(None, "scope")
                .or_else(|| self.with.scope.as_ref().and_then(|scope| scope.fill(own).ok()))
                .or_else(|| self.client.map(|client| client.scopes.clone())),
            "scopes_listed" => self.scopes_listed(),
            "probe_url" => self.world.key_server.probe().map(|url| url.to_string()),
            "untrusted_jwks_uri" => self.world.key_server.untrusted().map(ToString::to_string),
            "redirect_uri" => self
                .of_deeds(None, name)
                .or_else(|| self.client.and_then(|client| Self::of_client(client, name))),
            _ => self
                .client
                .and_then(|client| Self::of_client(client, name))
                .or_else(|| self.of_target(name))
                .or_else(|| self.of_deeds(None, name)),
        }
    }
}

impl Lookup for Context<'_> {
    fn value(&self, name: &str) -> Option<String> {
        self.named(name, &|_: &str| None)
    }
}

/// FHIR R4 "create": the id stands in the body or, where the server gives none back, in `Location`.
fn created(answer: &Answer) -> Option<(String, Option<String>)> {
    let response = answer
        .outcome()
        .ok()
        .filter(|response| response.status < 300 || response.status == 304)?;
    let tag = response
        .header("etag")
        .map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned());
    let whole = answer.json.as_ref();
    // The answer to a batch names in `location` what it made; a search holds what it found.
    let first = whole
        .filter(|json| json["type"] != "batch-response" && json["type"] != "transaction-response")
        .and_then(|json| json.pointer("/entry/0/resource"));
    if let Some(json) = first.or(whole)
        && !matches!(json["resourceType"].as_str(), Some("OperationOutcome" | "Bundle"))
        && let Some(id) = json["id"].as_str()
    {
        let version = json["meta"]["versionId"].as_str().map(str::to_owned);
        return Some((id.to_owned(), version.or(tag)));
    }
    let location = response.header("location").or_else(|| {
        let entries = whole.filter(|json| json["resourceType"] == "Bundle")?["entry"].as_array()?;
        entries.iter().find_map(|entry| entry["response"]["location"].as_str())
    })?;
    let (address, version) = match location.split_once("/_history/") {
        Some((address, version)) => (address, Some(version.to_owned())),
        None => (location, None),
    };
    let id = address.trim_end_matches('/').rsplit('/').next()?;
    Some((id.to_owned(), version.or(tag)))
}

fn is_loopback(uri: &str) -> bool {
    uri.starts_with("http://127.0.0.1") || uri.starts_with("http://[::1]")
}

/// The discovery document of a kind, among the facts.
pub fn document(facts: &super::world::Facts, kind: Document) -> Option<&Value> {
    match kind {
        Document::Smart => facts.smart.as_ref(),
        Document::Openid => facts.openid.as_ref(),
        Document::Capability => facts.capability.as_ref(),
        Document::Oauth => facts.oauth.as_ref(),
        // Not among the facts: fetched by the scenario that judges it.
        Document::Brands => None,
    }
}
