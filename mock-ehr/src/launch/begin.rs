//! Begins a launch: checks what is asked, makes the `launch` value and the address to which the browser goes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::{self, Carrier, Riders};
use super::standalone::Preset;
use super::{LaunchContext, token};
use crate::config::{Client, ClientKind, User};
use crate::defect::Defect;
use crate::fhir::store::Store;
use crate::fhir::upstream::people;
use crate::form::encode;
use crate::state::AppState;
use crate::store::registered::Known;

/// How the app is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaunchType {
    /// From the EHR, in a window of its own, with `iss` and `launch`.
    #[default]
    Ehr,
    /// From the EHR, in a frame within a page of the EHR.
    Embedded,
    /// By itself: it learns only which server there is (`iss`). User and patient are asked for, unless they are chosen
    /// here: then it learns of a FHIR base of its own, at which they are known.
    Standalone,
}

/// What to launch.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchRequest {
    /// The app's client_id.
    pub client: String,
    /// Where the launch begins, in place of the app's registered launch URL.
    #[serde(default)]
    pub launch_url: Option<String>,
    /// How the app is opened.
    #[serde(default, rename = "type")]
    pub launch_type: LaunchType,
    /// Who must sign in; anybody, where nothing is said. In a standalone launch, too.
    #[serde(default)]
    pub user: Option<String>,
    /// Id of the Patient whose record is open.
    #[serde(default)]
    pub patient: Option<String>,
    /// Id of the Encounter that is open.
    #[serde(default)]
    pub encounter: Option<String>,
    /// Other resources in context.
    #[serde(default, rename = "fhirContext")]
    pub fhir_context: Option<Vec<Value>>,
    /// Must the app show whose record it is?
    #[serde(default)]
    pub need_patient_banner: Option<bool>,
    /// What the user wants to do.
    #[serde(default)]
    pub intent: Option<String>,
    /// Which customer's records these are.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Where the app learns how to look.
    #[serde(default)]
    pub smart_style_url: Option<String>,
    /// Further members of the token response.
    #[serde(default)]
    pub extra: Option<Map<String, Value>>,
    /// Names of defects, and broken answers such as `token:status-503`, that show in this launch only.
    #[serde(default)]
    pub faults: Vec<String>,
}

/// A launch that can begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaunchResponse {
    /// The launch URL with `iss` and `launch`: where the browser goes.
    pub uri: String,
    /// The launch value alone; empty in a standalone launch, which has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub launch: String,
    /// The FHIR base.
    pub iss: String,
    /// The registered launch URL alone.
    #[serde(rename = "launch-uri")]
    pub launch_uri: String,
}

/// Why a launch cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// No such app.
    #[error("client `{was}` is not registered; there are {known}")]
    UnknownClient {
        /// What was asked for.
        was: String,
        /// The ids that exist.
        known: String,
    },
    /// It can be launched from outside only.
    #[error("client `{client}` has no launch_url: it cannot be launched from the EHR unless a launch URL is given")]
    NoLaunchUrl {
        /// Which one.
        client: String,
    },
    /// It has no user, so nobody can launch it.
    #[error("client `{client}` is a backend service, which runs without a user and is not launched")]
    Backend {
        /// Which one.
        client: String,
    },
    /// Not an address that a browser can go to.
    #[error("launch URL `{was}`: {expected}")]
    LaunchUrl {
        /// What was given.
        was: String,
        /// What was expected.
        expected: &'static str,
    },
    /// Nobody of this name.
    #[error("user `{was}` does not exist; there are {known}")]
    UnknownUser {
        /// Who was asked for.
        was: String,
        /// The names that exist.
        known: String,
    },
    /// Nobody with this id.
    #[error("there is no Patient `{was}`")]
    UnknownPatient {
        /// Who was asked for.
        was: String,
    },
    /// The user has no access to this record.
    #[error("user `{user}` may not open the record of Patient `{patient}`")]
    PatientOutOfReach {
        /// Who.
        user: String,
        /// Whose record.
        patient: String,
    },
    /// No encounter with this id.
    #[error("there is no Encounter `{was}`")]
    UnknownEncounter {
        /// What was asked for.
        was: String,
    },
    /// An encounter of somebody else.
    #[error("Encounter `{encounter}` is one of Patient `{owner}`")]
    EncounterOfOther {
        /// Which one.
        encounter: String,
        /// Whose it is.
        owner: String,
    },
    /// Nobody can say whether patient and encounter are there.
    #[error("patient and encounter cannot be looked up: {0}")]
    Upstream(String),
    /// An entry that the specification forbids.
    #[error("fhirContext: entry {entry} {why}")]
    FhirContext {
        /// Which one, counted from 1.
        entry: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Not an address.
    #[error("smart_style_url `{was}` is not an absolute http or https URL")]
    StyleUrl {
        /// What was given.
        was: String,
    },
    /// A member that has a meaning of its own.
    #[error("extra: `{name}` has a meaning of its own in a token response and cannot be set this way")]
    Reserved {
        /// Which one.
        name: String,
    },
    /// More than addresses can carry.
    #[error("the context has {was} bytes as JSON; what travels in addresses may have {limit}")]
    TooMuch {
        /// How many.
        was: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A defect that this launch cannot carry.
    #[error("fault: {0}")]
    Fault(String),
    /// In a standalone launch the EHR tells an app only what it asks for.
    #[error(
        "what an app cannot ask for cannot be given in a standalone launch: user, patient, encounter and faults alone can; intent, need_patient_banner, tenant, smart_style_url, fhirContext and extra cannot"
    )]
    NotStandalone,
}

impl LaunchError {
    /// The choice that is to blame.
    pub(crate) const fn field(&self) -> &'static str {
        match self {
            Self::UnknownClient { .. } | Self::Backend { .. } => "client",
            Self::NoLaunchUrl { .. } | Self::LaunchUrl { .. } => "launch_url",
            Self::UnknownUser { .. } => "user",
            Self::UnknownPatient { .. } | Self::PatientOutOfReach { .. } | Self::Upstream(_) => "patient",
            Self::UnknownEncounter { .. } | Self::EncounterOfOther { .. } => "encounter",
            Self::FhirContext { .. } => "context",
            Self::StyleUrl { .. } => "style",
            Self::Reserved { .. } | Self::TooMuch { .. } => "extra",
            Self::Fault(_) => "fault",
            Self::NotStandalone => "type",
        }
    }
}

impl AppState {
    /// Begins a launch. Where a server upstream holds the data, nobody looks whether it has patient and encounter.
    pub fn create_launch(&self, request: LaunchRequest) -> Result<LaunchResponse, LaunchError> {
        self.launch_among(self.known(), request)
    }

    /// Begins a launch whose patient and encounter are there, wherever the data are.
    pub(crate) async fn begin_launch(&self, request: LaunchRequest) -> Result<LaunchResponse, LaunchError> {
        let is_standalone = request.launch_type == LaunchType::Standalone;
        let begun = self.launch_looked_up(request).await?;
        if is_standalone {
            self.faults().count_anew(&begun.iss);
        }
        Ok(begun)
    }

    async fn launch_looked_up(&self, request: LaunchRequest) -> Result<LaunchResponse, LaunchError> {
        let Some(upstream) = self.upstream() else {
            return self.create_launch(request);
        };
        let (patient, encounter) = (request.patient.as_deref(), request.encounter.as_deref());
        let data = people::of_launch(upstream, patient, encounter)
            .await
            .map_err(|trouble| LaunchError::Upstream(trouble.to_string()))?;
        self.launch_among(Some(&data), request)
    }

    fn launch_among(&self, known: Option<&Store>, request: LaunchRequest) -> Result<LaunchResponse, LaunchError> {
        let client = self.launchable(&request.client)?;
        let launch_uri = launch_uri(&client, request.launch_url.as_deref())?;
        if request.launch_type == LaunchType::Standalone {
            return standalone(self, &request, known, launch_uri);
        }
        let riders = fault::named(Carrier::Launch, &request.faults)?;
        let launch_type = request.launch_type;
        let typed = request.launch_url.clone();
        let client_id = client.client_id.as_str();
        let user_name = request.user.clone();
        let faults = request.faults.clone();
        let context = request.into_context();
        self.check_context(user_name.as_deref(), &context, known)?;
        self.carries_faults(&riders);
        if let Some(typed) = &typed {
            self.store().put_launch_url(typed, self.now());
        }
        let iss = self.launch_iss(&riders);
        let asked = token::Asked {
            client: client_id,
            user: user_name.as_deref(),
            launch_url: typed,
            faults,
        };
        let launch = token::make(self, asked, context);
        let uri = match launch_type {
            LaunchType::Embedded => format!("{}/embedded?launch={}", self.public_url(), encode(&launch)),
            _ => with_launch(&launch_uri, &iss, &launch),
        };
        Ok(LaunchResponse {
            uri,
            launch,
            iss,
            launch_uri,
        })
    }

    /// What can be chosen for a standalone launch: what is wrong with it, or the faults that it carries.
    pub(super) fn check_preset(&self, request: &LaunchRequest, known: Option<&Store>) -> Result<Riders, LaunchError> {
        let riders = fault::named(Carrier::Base, &request.faults)?;
        let context = request.clone().into_context();
        let of_base = LaunchContext {
            patient: context.patient.clone(),
            encounter: context.encounter.clone(),
            ..LaunchContext::default()
        };
        if context != of_base {
            return Err(LaunchError::NotStandalone);
        }
        self.check_context(request.user.as_deref(), &context, known)?;
        Ok(riders)
    }

    /// The records that can be looked at without asking another server.
    pub(super) fn known(&self) -> Option<&Store> {
        self.upstream().is_none().then(|| self.data())
    }

    fn check_context(
        &self,
        user: Option<&str>,
        context: &LaunchContext,
        known: Option<&Store>,
    ) -> Result<(), LaunchError> {
        let user = user.map(|name| self.known_user(name)).transpose()?;
        context.check(known)?;
        match (&context.patient, user) {
            (Some(patient), Some(user)) if !user.may_open(patient) => Err(LaunchError::PatientOutOfReach {
                user: user.username.clone(),
                patient: patient.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// SMART 2.2 app-launch: the address by which the app, too, can reach the FHIR server.
    pub(super) fn launch_iss(&self, riders: &Riders) -> String {
        let defect = Defect::LaunchIssElsewhere;
        if riders.defects.contains(&defect) || self.defects().has(defect) {
            format!("{}/internal", self.public_url())
        } else {
            self.fhir_base().into_owned()
        }
    }

    fn launchable(&self, client_id: &str) -> Result<Known<'_>, LaunchError> {
        match self.client(client_id) {
            Some(client) if client.kind == ClientKind::Backend => Err(LaunchError::Backend {
                client: client_id.to_owned(),
            }),
            Some(client) => Ok(client),
            None => Err(LaunchError::UnknownClient {
                was: client_id.to_owned(),
                known: listed(self.apps().iter().map(|client| client.client_id.as_str())),
            }),
        }
    }

    /// Every app with a user: first those that registered themselves, since somebody is at work on them.
    pub(super) fn apps(&self) -> Vec<Known<'_>> {
        let registered = self.store().registrations().into_iter().map(Known::Registered);
        let configured = self.config().clients.iter().map(Known::Configured);
        registered
            .chain(configured)
            .filter(|client| client.kind != ClientKind::Backend)
            .collect()
    }

    fn known_user(&self, name: &str) -> Result<&User, LaunchError> {
        let config = self.config();
        config.user(name).ok_or_else(|| LaunchError::UnknownUser {
            was: name.to_owned(),
            known: listed(config.users.iter().map(|user| user.username.as_str())),
        })
    }
}

impl LaunchRequest {
    fn into_context(self) -> LaunchContext {
        LaunchContext {
            patient: self.patient,
            encounter: self.encounter,
            fhir_context: self.fhir_context,
            need_patient_banner: self.need_patient_banner,
            intent: self.intent,
            tenant: self.tenant,
            smart_style_url: self.smart_style_url,
            extra: self.extra,
        }
    }

    /// Without what only the EHR could tell.
    pub(super) fn without_context(self) -> Self {
        Self {
            client: self.client,
            launch_url: self.launch_url,
            launch_type: self.launch_type,
            user: self.user,
            patient: self.patient,
            encounter: self.encounter,
            faults: self.faults,
            ..Self::default()
        }
    }
}

/// The app alone, told which server there is.
fn standalone(
    state: &AppState,
    request: &LaunchRequest,
    known: Option<&Store>,
    launch_uri: String,
) -> Result<LaunchResponse, LaunchError> {
    state.check_preset(request, known)?;
    let iss = Preset::of(request).base(state)?;
    Ok(LaunchResponse {
        uri: format!("{launch_uri}{}iss={}", separator(&launch_uri), encode(&iss)),
        launch: String::new(),
        iss,
        launch_uri,
    })
}

/// The launch URL with `iss` and `launch`.
pub(super) fn with_launch(launch_uri: &str, iss: &str, launch: &str) -> String {
    let separator = separator(launch_uri);
    format!("{launch_uri}{separator}iss={}&launch={}", encode(iss), encode(launch))
}

fn separator(address: &str) -> char {
    if address.contains('?') { '&' } else { '?' }
}

/// Where this launch begins.
fn launch_uri(client: &Client, typed: Option<&str>) -> Result<String, LaunchError> {
    let Some(typed) = typed else {
        return client.launch_url.clone().ok_or_else(|| LaunchError::NoLaunchUrl {
            client: client.client_id.clone(),
        });
    };
    check_typed(typed).map_err(|expected| LaunchError::LaunchUrl {
        was: typed.to_owned(),
        expected,
    })?;
    Ok(typed.to_owned())
}

/// With `iss` and `launch` behind it, browsers and servers cut what is longer.
const LONGEST_URL: usize = 2000;

/// An address that a person typed in: one to which a browser can go, and that can stand in a header as it is.
pub(crate) fn check_typed(text: &str) -> Result<(), &'static str> {
    let url = url::Url::parse(text).map_err(|_| "expected an absolute URL")?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err("expected http:// or https:// and a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected no user information");
    }
    if text.contains('#') {
        return Err("expected no fragment");
    }
    if text.len() > LONGEST_URL {
        return Err("expected at most 2000 characters");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("expected neither blanks nor characters beyond ASCII; percent-encode them");
    }
    Ok(())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_for_browsers_can_be_typed_in() {
        assert_eq!(check_typed("http://localhost:3000/launch.html?a=b"), Ok(()));
        for wrong in [
            "javascript:alert(1)",
            "/launch",
            "data:text/html,x",
            "http://user@evil.example/",
            "https://app.example/#x",
            "https://app.example/\r\nSet-Cookie: a=b",
            "https://app.example/a b",
        ] {
            assert!(check_typed(wrong).is_err(), "{wrong}");
        }
    }
}
